"""The ready mappings on publishers' real files, against an independent reading with the csv module."""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from entrepot.engine import Engine, stage_text
from entrepot.engine.staging import TextForm
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.rates import ecb_rates

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.realdata

SAMPLES = Path(str(files("entrepot.sources.csv_mapping"))) / "samples"
EMPTY = {"", "-"}


def _lines(path: Path, encoding: str = "utf-8-sig") -> Iterable[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        yield from (row for row in csv.DictReader(file) if any(row.values()))


def _sums(rows: Iterable[tuple[tuple[str, ...], float]]) -> dict[tuple[str, ...], tuple[int, float]]:
    count: Counter[tuple[str, ...]] = Counter()
    total: dict[tuple[str, ...], float] = defaultdict(float)
    for key, value in rows:
        count[key] += 1
        total[key] += value
    return {key: (count[key], pytest.approx(total[key], rel=1e-9)) for key in count}


def test_eu_panel(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "eu-exports-cn8-monthly" / "eu_trade_cn8_monthly_long.parquet"
    source = MappedTable.from_toml(SAMPLES / "eu_panel.toml")
    with Engine(memory_limit="1500MB", threads=2) as engine:
        layout = source.recognise(path)
        form = TextForm(form=layout.form, columns=layout.columns)
        staged = stage_text(engine, path, tmp_path / "rows.parquet", form)
        for name, table in source.reference_tables().items():
            engine.register(name, table)
        start = time.monotonic()
        engine.execute(f"CREATE TABLE flow AS {source.canonical_sql(layout, f'({staged.query()})')}")
        seconds = time.monotonic() - start
        found = engine.sql(
            "SELECT flow, hs_level, count(*) AS rows, sum(reported_value) AS eur, "
            "sum(primary_value_usd) AS usd, count(reason) AS bad, "
            "count(DISTINCT reporter) AS reporters, count(DISTINCT partner) AS partners "
            "FROM flow GROUP BY ALL"
        ).to_pylist()
        codes = engine.rows("SELECT count(DISTINCT coalesce(national_code, hs_code)) FROM flow")[0][0]
        revisions = engine.rows("SELECT DISTINCT hs_revision, left(period, 4) FROM flow ORDER BY ALL")
    table = pq.read_table(path)
    rates = {(r["currency"], r["period"]): r["per_usd"] for r in ecb_rates().to_pylist()}
    levels = {"TOTAL": 0, "27": 2}
    count: Counter[tuple[str, int]] = Counter()
    eur: Counter[tuple[str, int]] = Counter()
    usd: dict[tuple[str, int], float] = defaultdict(float)
    rows = zip(
        *(table[name].to_pylist() for name in ("flow", "product_code", "period", "value_eur")), strict=True
    )
    for flow, code, period, value in rows:
        key = (flow.lower(), levels.get(code, len(code)))
        count[key] += 1
        eur[key] += value
        usd[key] += value / rates["EUR", period]
    assert sum(count.values()) == 1_159_638
    assert {(row["flow"], row["hs_level"]): row["rows"] for row in found} == count
    assert {(row["flow"], row["hs_level"]): row["eur"] for row in found} == eur
    assert {(row["flow"], row["hs_level"]): row["usd"] for row in found} == pytest.approx(usd, rel=1e-9)
    assert {row["bad"] for row in found} == {0}
    assert {row["reporters"] for row in found if row["hs_level"] == 8} == {27}
    assert {row["partners"] for row in found} == {7}
    assert codes == pc.count_distinct(table["product_code"]).as_py() == 2335
    assert revisions == [("HS2017", "2020"), ("HS2017", "2021"), ("HS2022", "2022")]
    assert seconds < 30, "canonicalising the panel takes a few seconds"


@pytest.mark.parametrize(
    "name", ["ASEAN_15-16", "ASEAN_17-20", "China_15-16", "China_17-20", "USA_15-16", "USA_17-20"]
)
def test_wits(name: str, realdata: Path, read) -> None:
    path = realdata / "wits-triangle-hs4" / f"{name}.csv"
    found = read(SAMPLES / "wits.toml", path)
    flows = {"3": "re_export", "4": "re_import", "5": "import", "6": "export"}
    lines = list(_lines(path))
    groups = {"WLD", "ASEAN"}
    expected = _sums(
        (
            (
                flows[line["TradeFlowCode"]],
                line["Year"],
                "aggregate" if groups & {line["PartnerISO3"], line["ReporterISO3"]} else "leaf",
            ),
            float(line["TradeValue in 1000 USD"]) * 1000,
        )
        for line in lines
    )
    assert found.reasons == [None] * len(lines)
    assert (
        _sums(((r["flow"], r["period"], r["role"]), r["primary_value_usd"]) for r in found.good) == expected
    )
    weights = sum(float(line["NetWeight in KGM"] or 0) for line in lines)
    assert sum(row["net_weight_kg"] or 0 for row in found.good) == pytest.approx(weights)
    assert {row["hs_level"] for row in found.good} == {4}
    assert {row["quantity_unit"] for row in found.good} <= {
        None,
        "u",
        "kg",
        "l",
        "m",
        "m2",
        "m3",
        "2u",
        "1000u",
        "12u",
        "carat",
        "t",
    }


def test_wits_baskets_are_no_products(realdata: Path, read) -> None:
    found = read(SAMPLES / "wits.toml", realdata / "wits-triangle-hs4" / "China_Total_15-16.csv")
    assert set(found.reasons) == {"unknown_hs_code"}
    assert found.rows[0]["detail"] == "product tradecircum12"


@pytest.mark.parametrize("country", ["armenia", "kazakhstan", "kyrgyz", "uzbek"])
def test_comext_easy(country: str, realdata: Path, read) -> None:
    path = realdata / "mirror-totals" / f"national_imports_{country}_yearly_eur.csv"
    found = read(SAMPLES / "comext_easy.toml", path)
    lines = list(_lines(path))
    assert len(found.rows) == len(lines)
    bad = {row["row_number"] for row in found.rows if row["reason"]}
    assert {row["reason"] for row in found.rows} <= {None, "unknown_area", "missing_value"}
    assert len(bad) <= 0.03 * len(lines), [row["detail"] for row in found.rows if row["reason"]]
    expected = _sums(
        ((line["FLOW"].lower(), line["PERIOD"].removeprefix("Y")), float(line["VALUE_IN_EUR"]))
        for number, line in enumerate(lines, start=1)
        if number not in bad
    )
    assert _sums(((r["flow"], r["period"]), r["reported_value"]) for r in found.good) == expected
    rates = {(r["currency"], r["period"]): r["per_usd"] for r in ecb_rates().to_pylist()}
    for row in found.good:
        assert row["primary_value_usd"] == pytest.approx(row["reported_value"] / rates["EUR", row["period"]])


def test_comext_easy_with_labels_and_codes(read) -> None:
    header = '"REPORTER","PARTNER","PRODUCT","FLOW","STAT_PROCEDURE","PERIOD","VALUE_IN_EUR"\n'
    found = read(
        SAMPLES / "comext_easy.toml",
        header + '"Croatia","Armenia","Total","EXPORT","Total","Aug. 2024",62592\n'
        '"HR-Croatia","AM-Armenia","TOTAL-Total","2-EXPORT","T-Total","201952-Jan.-Dec. 2019",64462\n'
        '"DE-Germany (incl. German Democratic Republic \'DD\' from 1991)","XK-Kosovo",'
        '"87032319-Vehicles","1-IMPORT",'
        '"T-Total","202203-Mar. 2022",:\n',
    )
    assert [(r["reporter"], r["partner"], r["flow"], r["period"], r["hs_level"]) for r in found.rows] == [
        ("HRV", "ARM", "export", "2024-08", 0),
        ("HRV", "ARM", "export", "2019", 0),
        ("DEU", "XKX", "import", "2022-03", 8),
    ]
    assert found.reasons == [None, None, "missing_value"]


def test_armstat(realdata: Path, read) -> None:
    path = realdata / "mirror-totals" / "armenia_armstat_by_country_monthly.csv"
    found = read(SAMPLES / "armstat.toml", path)
    cells = {
        "export": ("export", "last_known_destination", "leaf"),
        "import_origin": ("import", "origin", "leaf"),
        "import_consigment": ("import", "consignment", "aggregate"),
    }
    lines = list(_lines(path))
    expected = _sums(
        ((*what, "A" if line["timeperiod"] == "Year" else "M"), float(line[cell]) * 1000)
        for line in lines
        for cell, what in cells.items()
        if line[cell] not in EMPTY and line["country"]
    )
    keys = ("flow", "partner_concept", "role", "frequency")
    assert _sums((tuple(r[key] for key in keys), r["primary_value_usd"]) for r in found.good) == expected
    nameless = sum(line[cell] not in EMPTY for line in lines for cell in cells if not line["country"])
    assert Counter(r["reason"] for r in found.rows if r["reason"]) == {"unknown_area": nameless}
    assert {r["reporter"] for r in found.good} == {"ARM"}


def test_imf_wide(realdata: Path, read) -> None:
    path = realdata / "imf-russia" / "RU_trade.csv"
    found = read(SAMPLES / "imf_wide.toml", path)
    source = MappedTable.from_toml(SAMPLES / "imf_wide.toml")
    left_out = set(source.mapping.rows.leave_out["COUNTERPART_COUNTRY.ID"])
    expected = _sums(
        (({"XG": "export", "MG": "import"}[line["TRADE_FLOW.ID"]], year), float(line[year]) * 1e6)
        for line in _lines(path)
        for year in map(str, range(2016, 2025))
        if line[year] and line["COUNTERPART_COUNTRY.ID"] not in left_out
    )
    assert set(found.reasons) == {None}
    assert _sums(((r["flow"], r["period"]), r["primary_value_usd"]) for r in found.good) == expected
    # The leaves add up to the publisher's own World, but for rounding and revisions of groups.
    for flow in ("import", "export"):
        rows = [r for r in found.good if r["flow"] == flow and r["period"] == "2021"]
        world = next(r["primary_value_usd"] for r in rows if r["partner"] == "XWD")
        leaves = sum(r["primary_value_usd"] for r in rows if r["role"] == "leaf")
        assert leaves == pytest.approx(world, rel=2e-3)


@pytest.mark.parametrize("flow", ["import", "export"])
def test_kyrgyz_wide(flow: str, realdata: Path, read, tmp_path: Path) -> None:
    """The publisher's layout, years across, made of the same figures."""
    years = [str(year) for year in range(1994, 2024)]
    values: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for line in _lines(realdata / "mirror-totals" / f"kyrgyzstan_{flow}s_by_country_annual.csv"):
        values[line["partner_en"], line["partner_ru"]][line["year"]] = line["value_thousand_usd"]
    word = {"import": "импорта", "export": "экспорта"}[flow]
    path = tmp_path / f"4.03.00.20 Географическое распределение {word} товаров.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Кыргызча", "Русский", "English", *years])
        for (english, russian), by_year in values.items():
            writer.writerow([russian, russian, english, *(by_year.get(year, "-") for year in years)])
    found = read(SAMPLES / "kyrgyz_wide.toml", path)
    expected = _sums(
        ((flow, year), float(v) * 1000) for cells in values.values() for year, v in cells.items()
    )
    assert set(found.reasons) == {None}
    assert _sums(((r["flow"], r["period"]), r["primary_value_usd"]) for r in found.good) == expected
    keys = Counter((r["partner"], r["period"]) for r in found.good)
    assert max(keys.values()) == 1
    world = {r["period"]: r["primary_value_usd"] for r in found.good if r["partner"] == "XWD"}
    leaves = defaultdict(float)
    for row in found.good:
        if row["role"] == "leaf":
            leaves[row["period"]] += row["primary_value_usd"]
    assert leaves["2022"] == pytest.approx(world["2022"], rel=0.02)


def test_census_hs10(realdata: Path, read) -> None:
    path = realdata / "us-census-hs10" / "us_imports_2024_hs10_by_country.parquet"
    found = read(SAMPLES / "census_hs10.toml", path)
    table = pq.read_table(path).to_pydict()
    assert set(found.reasons) == {None}
    roles = {"EUROPEAN UNION": "aggregate"}
    expected = _sums(
        ((roles.get(country, "leaf"),), value)
        for country, value in zip(table["CTY_NAME"], table["imports"], strict=True)
    )
    assert _sums(((row["role"],), row["primary_value_usd"]) for row in found.good) == expected
    assert len({row["partner"] for row in found.good}) == 51
    assert {row["hs_level"] for row in found.good} == {10}
    assert [row["national_code"] for row in found.good[:50]] == table["HS10"][:50]


def test_kazakhstan(realdata: Path, read) -> None:
    """The countries without the groups among them add up to the published total."""
    path = realdata / "mirror-totals" / "kazakhstan_by_country_annual.csv"
    found = read(SAMPLES / "kazakhstan.toml", path)
    names = {"export": "exports_thousand_usd", "import": "imports_thousand_usd"}
    lines = list(_lines(path))
    given = [
        (flow, line["year"], line["partner_ru"], float(line[name]) * 1000)
        for line in lines
        for flow, name in names.items()
        if line[name]
    ]
    assert set(found.reasons) == {None}
    assert len(found.good) == len(given)
    assert sum(r["primary_value_usd"] for r in found.good) == pytest.approx(sum(value for *_, value in given))
    leaves = [row for row in found.good if row["role"] == "leaf"]
    total = {(flow, year): value for flow, year, partner, value in given if partner.startswith("Всего")}
    assert len(total) == 12
    sums = _sums(((r["flow"], r["period"]), r["primary_value_usd"]) for r in leaves)
    for key, value in total.items():
        assert sums[key][1].expected == pytest.approx(value, rel=1e-3), key


@pytest.mark.parametrize("flow", ["import", "export"])
def test_kyrgyzstan(flow: str, realdata: Path, read) -> None:
    """The long table as it lies there; its countries add up to its own world."""
    path = realdata / "mirror-totals" / f"kyrgyzstan_{flow}s_by_country_annual.csv"
    found = read(SAMPLES / "kyrgyzstan.toml", path)
    expected = _sums(
        ((line["flow"].lower(), line["year"]), float(line["value_thousand_usd"]) * 1000)
        for line in _lines(path)
    )
    assert set(found.reasons) == {None}
    assert _sums(((r["flow"], r["period"]), r["primary_value_usd"]) for r in found.good) == expected
    world = {r["period"]: r["primary_value_usd"] for r in found.good if r["partner"] == "XWD"}
    leaves: dict[str, float] = defaultdict(float)
    for row in found.good:
        if row["role"] == "leaf":
            leaves[row["period"]] += row["primary_value_usd"]
    assert leaves["2022"] == pytest.approx(world["2022"], rel=0.02)
    concept = {"import": "origin", "export": "last_known_destination"}[flow]
    assert {row["partner_concept"] for row in found.good} == {concept}


def test_russia_countries(realdata: Path, read) -> None:
    path = realdata / "mirror-totals" / "russia_fts_by_main_country_monthly.csv"
    found = read(SAMPLES / "russia_countries.toml", path)
    lines = list(_lines(path))
    expected = _sums(
        ((line["flow"].lower(), line["period"]), float(line["value_million_usd"]) * 1e6) for line in lines
    )
    assert set(found.reasons) == {None}
    assert _sums(((r["flow"], r["period"]), r["primary_value_usd"]) for r in found.good) == expected
    assert len({row["partner"] for row in found.good}) == len({line["partner_ru"] for line in lines})


def test_a_wide_table_may_lack_an_optional_group(read) -> None:
    """Of Armenia's columns only exports: no name says a concept of the partner."""
    found = read(SAMPLES / "armstat.toml", "country,export,timeperiod,year\nChina,7,3,2020\n")
    assert [(r["flow"], r["partner_concept"], r["primary_value_usd"]) for r in found.good] == [
        ("export", "last_known_destination", 7000)
    ]
