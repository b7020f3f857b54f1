"""From a real lake to gaps: silence, valuation, both concepts of a partner, re-exports."""

from __future__ import annotations

import pytest

from entrepot.detect.gaps.options import GapOptions
from entrepot.errors import CoverageError
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.gaps import decompose_gaps_in, find_gaps, find_gaps_in, take_gaps_apart
from entrepot.pipeline.revisions import RevisionChoice
from entrepot.reconcile import reconcile
from entrepot.schema import GAP, GAP_PARTS
from entrepot.sources.registry import open_source
from entrepot.store import Lake

MONTHS = [f"{year}-{month:02d}" for year in (2019, 2020, 2021, 2022) for month in range(1, 13)]
PAIR = ("exporter", "importer")
CODES = ("870323", "870322")


@pytest.fixture(scope="module")
def lake(take_in_once):
    """Germany sells to Kyrgyzstan, of which from 2022 on a half arrives; France is silent in 2021."""
    rows = []
    for month in MONTHS:
        for at, code in enumerate(CODES):
            sent = 1000 + 100 * at
            rows.append(("DEU", "export", "KGZ", month, code, sent))
            rows.append(("DEU", "re_export", "KGZ", month, code, sent // 10))
            rows.append(("KGZ", "import", "DEU", month, code, sent if month < "2022" else sent // 2))
            if not month.startswith("2021"):
                rows.append(("FRA", "export", "KGZ", month, code, sent))
            rows.append(("KGZ", "import", "FRA", month, code, sent))
    return take_in_once(rows)


def test_what_does_not_arrive_after_the_event_is_found(lake) -> None:
    options = GapOptions(event="2022-01", after="2022-01:2022-12", by=PAIR)
    result = find_gaps(lake, options)
    assert result.table.schema.names == list(GAP.columns)
    rows = {row["exporter"]: row for row in result.table.to_pylist()}
    assert rows["DEU"]["exporter_report_usd"] == 12 * 2100
    assert rows["DEU"]["unusual_usd"] == pytest.approx(12 * 1050, rel=0.02)
    assert rows["FRA"]["unusual_usd"] == pytest.approx(0.0, abs=400)
    assert rows["FRA"]["before_periods"] == 13  # of the 24 months before it published half
    assert result.hubs["importer"].to_pylist() == ["KGZ"]


def test_a_silent_year_has_no_gap(lake) -> None:
    result = find_gaps(lake, GapOptions(by=PAIR, exporters=("FRA",)))
    assert {period[:4] for period in result.table["period"].to_pylist()} == {"2019", "2020", "2022"}
    assert result.series.num_rows == 36


def test_pairs_left_out_since_a_book_was_downloaded_in_part_are_told(take_in) -> None:
    """Everybody's imports from China, and the whole book of Germany's exports."""
    areas = ("FRA", "ITA", "ESP", "POL", "KGZ", "ARM")
    rows = [(area, "import", "CHN", "2022-01", "870323", 500) for area in areas]
    rows += [("DEU", "export", area, "2022-01", "870323", 800) for area in areas]
    rows += [("CHN", "export", area, "2022-01", "870323", 450) for area in areas]
    lake, notes = take_in(rows), []
    found = find_gaps(lake, GapOptions(by=PAIR), tell=notes.append)
    assert set(found.table["exporter"].to_pylist()) == {"CHN"}
    (note,) = (note for note in notes if "no gap" in note)
    assert note == (
        "6 pairs have no gap, since one of the two books seems to have been downloaded without the partner: "
        "imports from DEU in 6 books. Ingest these books with all partners (and all goods) to compare them"
    )
    one: list[str] = []
    find_gaps(lake, GapOptions(by=PAIR, importers=("KGZ",)), tell=one.append)
    assert any(note.startswith("one pair has no gap") and "books of KGZ (1 partner)" in note for note in one)
    none: list[str] = []
    find_gaps(lake, GapOptions(by=PAIR, exporters=("CHN",)), tell=none.append)
    assert not any("no gap" in note for note in none)


@pytest.mark.parametrize("frequency", ["M", "A"])
def test_years_are_made_of_months(frequency, lake) -> None:
    parts = take_gaps_apart(lake, GapOptions(by=(*PAIR, "period")), frequency=frequency)
    table = parts.table.to_pandas()
    nets = table[table["direction"].isna() & (table["exporter"] == "DEU")]
    assert len(nets) == (48 if frequency == "M" else 4)
    assert nets["re_export_usd"].sum() == pytest.approx(48 * 210)
    late = nets[nets["period"].str[:4] == "2022"]
    assert late["attribution_usd"].sum() == pytest.approx(12 * 210)  # re-exports, as far as the gap goes
    early = nets[nets["period"].str[:4] == "2020"]
    assert early["attribution_usd"].sum() < 12 * 210


def test_the_exporter_without_re_exports_has_none_known(lake) -> None:
    table = take_gaps_apart(lake, GapOptions(by=PAIR)).table.to_pandas()
    assert table[table["exporter"] == "FRA"]["re_export_usd"].isna().all()
    assert table[table["exporter"] == "DEU"]["re_export_usd"].notna().all()


def test_in_another_revision_codes_are_brought_over_and_side_reports_left_out(lake) -> None:
    choice = ReportChoice(revision=RevisionChoice("HS2012"))
    table = take_gaps_apart(lake, GapOptions(by=PAIR), choice=choice).table.to_pandas()
    plain = take_gaps_apart(lake, GapOptions(by=PAIR)).table.to_pandas()
    assert table["re_export_usd"].isna().all()
    assert table["exporter_report_usd"].sum() == pytest.approx(plain["exporter_report_usd"].sum())


def test_totals_and_goods_are_asked_for_apart(take_in) -> None:
    rows = [
        row
        for year in ("2020", "2021", "2022")
        for row in (
            ("DEU", "export", "KGZ", year, "TOTAL", 500),
            ("KGZ", "import", "DEU", year, "TOTAL", 400),
        )
    ]
    lake = take_in(rows)
    with pytest.raises(CoverageError, match="no flow of goods"):
        find_gaps(lake, GapOptions(), frequency="A")
    assert find_gaps(lake, GapOptions(products=("TOTAL",)), frequency="A").table.num_rows == 3
    with pytest.raises(CoverageError, match="no monthly reports"):
        find_gaps(lake, GapOptions(products=("TOTAL",)))


ARMENIA = """country,export,import_consigment,import_origin,timeperiod,year
China,5,700,1400,Year,2022
Germany,5,300,250,Year,2022
Georgia,5,500,-,Year,2022
World,15,1500,1650,Year,2022
"""


def test_both_concepts_of_a_partner_are_read(tmp_path, take_in) -> None:
    """Armenia by origin and by consignment: of what others sent, 700 is booked as Chinese."""
    take_in(
        [
            ("CHN", "export", "ARM", "2022", "TOTAL", 480_000),
            ("GEO", "export", "ARM", "2022", "TOTAL", 900_000),
        ]
    )
    path = tmp_path / "armenia.csv"
    path.write_text(ARMENIA, encoding="utf-8")
    report = ingest(open_source("armstat"), [path], lake=tmp_path / "lake", options=IngestOptions(threads=1))
    assert not report.failed
    lake = Lake.open(tmp_path / "lake")
    parts = take_gaps_apart(lake, GapOptions(by=PAIR, products=("TOTAL",)), frequency="A")
    rows = {row["exporter"]: row for row in parts.table.to_pylist() if row["direction"] is None}
    china, georgia = rows["CHN"], rows["GEO"]
    freight = china["importer_report_usd"] / (china["importer_report_usd"] + china["valuation_usd"])
    assert china["attribution_usd"] == pytest.approx((700_000 - 1_400_000) / freight)
    assert georgia["importer_report_usd"] == 0.0  # published, no row: a zero
    assert georgia["consignment_fob_usd"] > 0
    assert "by consignment less those by origin" in parts.explain(0)


def test_importers_that_report_fob_pay_no_freight(take_in, tmp_path) -> None:
    mapping = tmp_path / "fob.toml"
    mapping.write_text(
        'id = "fob"\n[columns]\npartner = "p"\nyear = "y"\nvalue = "v"\n[constants]\nreporter = "CAN"\n'
        'flow = "import"\nproduct = "TOTAL"\ncurrency = "USD"\nhs_revision = "by_year"\n'
        '[valuation]\nimports = "fob"\n',
        encoding="utf-8",
    )
    path = tmp_path / "fob.csv"
    path.write_text("p,y,v\nCHN,2022,100\n", encoding="utf-8")
    take_in([
        ("CHN", "export", "CAN", "2022", "TOTAL", 100), ("CHN", "export", "DEU", "2022", "TOTAL", 100),
        ("DEU", "import", "CHN", "2022", "TOTAL", 108),
    ])  # fmt: skip
    report = ingest(
        open_source(f"csv:{mapping}"), [path], lake=tmp_path / "lake", options=IngestOptions(threads=1)
    )
    assert not report.failed, [file.error for file in report.failed]
    table = find_gaps(
        Lake.open(tmp_path / "lake"), GapOptions(by=PAIR, products=("TOTAL",)), frequency="A"
    ).table
    fob = dict(zip(table["importer"].to_pylist(), table["importer_fob_usd"].to_pylist(), strict=True))
    assert fob["CAN"] == 100.0
    assert fob["DEU"] < 108.0


def test_frames_of_ones_own_need_no_lake(take_in_once, lake) -> None:
    """Flows reconciled by hand go the same way; the exporter-first rule leaves freight inside."""
    import pandas as pd  # noqa: PLC0415

    rows = [
        {"reporter": r, "flow": f, "partner": p, "period": m, "hs_code": "870323", "primary_value_usd": 100.0,
         "net_weight_kg": None, "role": "leaf", "frequency": "M",
         "partner_concept": "origin" if f == "import" else "last_known_destination"}
        for m in MONTHS for r, f, p in (("DEU", "export", "KGZ"), ("KGZ", "import", "DEU"))
    ]  # fmt: skip
    flows = reconcile(pd.DataFrame(rows).astype({"net_weight_kg": "float64"}))
    assert find_gaps_in(flows, GapOptions(event="2022-01")).table.num_rows == 1
    parts = decompose_gaps_in(flows, GapOptions())
    assert parts.table.schema.names == list(GAP_PARTS.columns)
