"""The files have the web download's bytes, and say what the reports say."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from entrepot.errors import OptionError
from entrepot.model.world import World, WorldOptions, build_world, write_comtrade
from entrepot.schema.layouts import COMTRADE_WEB

FLOWS = {"M": "import", "X": "export", "RX": "re_export", "RM": "re_import"}
KEYS = ["reporter", "partner", "flow", "period", "hs_code"]


@pytest.fixture(scope="module")
def tiny() -> World:
    return build_world(
        WorldOptions(
            areas=22, products=12, treated_origins=4, hubs=3, booming_hubs=2, setting="rough", seed=11
        )
    )


@pytest.fixture(scope="module")
def files(tiny, tmp_path_factory):
    return write_comtrade(tiny, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def rows(files) -> pd.DataFrame:
    """Read with the standard library's parser, as text: one more field than names."""
    found = []
    for file in files:
        with file.open(encoding="latin-1", newline="") as lines:
            reader = csv.reader(lines)
            header = next(reader)
            found.extend(reader)
    assert tuple(header) == COMTRADE_WEB
    assert {len(line) for line in found} == {48}
    return pd.DataFrame(found, columns=[*header, "beyond"])


@pytest.fixture(scope="module")
def leaves(rows) -> pd.DataFrame:
    return rows[(rows["partnerCode"] != "0") & (rows["cmdCode"] != "TOTAL")]


def as_reports(rows: pd.DataFrame) -> pd.DataFrame:
    unit = rows["qtyUnitAbbr"].replace("N/A", None)
    table = pd.DataFrame(
        {
            "reporter": rows["reporterISO"],
            "partner": rows["partnerISO"],
            "flow": rows["flowCode"].map(FLOWS),
            "period": rows["period"].str[:4] + "-" + rows["period"].str[4:],
            "hs_code": rows["cmdCode"],
            "hs_revision": rows["classificationCode"].map({"H5": "HS2017", "H6": "HS2022"}),
            "value_usd": pd.to_numeric(rows["primaryValue"]),
            "net_weight_kg": pd.to_numeric(rows["netWgt"].replace("", None)),
            "quantity": pd.to_numeric(rows["qty"].replace("", None)),
            "quantity_unit": unit,
        }
    )
    return table.sort_values(KEYS).reset_index(drop=True)


def test_a_file_holds_a_year(files, tiny) -> None:
    assert [file.name for file in files] == ["TradeData_2020.csv", "TradeData_2021.csv", "TradeData_2022.csv"]
    assert [file.name for file in files] == sorted(file.name for file in files[0].parent.iterdir())


def test_bytes_are_those_of_the_download(files) -> None:
    data = files[0].read_bytes()
    assert data.endswith(b",\r\n")
    lines = data.split(b"\r\n")[:-1]
    assert lines[0] == ",".join(COMTRADE_WEB).encode()
    line = re.compile(rb'(?:(?:"(?:[^"]|"")*")?,){47}')
    assert all(line.fullmatch(each) for each in lines[1:])
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_names_are_latin_1(small, tmp_path) -> None:
    """Over some seeds an accented name is dealt; its byte is one, not two."""
    for seed in range(30):
        world = build_world(replace(small, seed=seed, products=4, density=0.05, listed_share=0.5))
        if "CIV" in world.truth_areas["area"].to_pylist():
            file = write_comtrade(world, tmp_path)[0]
            assert b"C\xf4te d'Ivoire" in file.read_bytes()
            return
    pytest.fail("no seed dealt Côte d'Ivoire")


def test_leaves_are_the_reports(tiny, leaves) -> None:
    expected = tiny.reports.to_pandas().sort_values(KEYS).reset_index(drop=True)
    pd.testing.assert_frame_equal(as_reports(leaves), expected, check_dtype=False)


def test_pandas_reads_the_same(tiny, files) -> None:
    read = pd.concat(pd.read_csv(file, encoding="latin-1", index_col=False, dtype=str) for file in files)
    read = read[(read["partnerCode"] != "0") & (read["cmdCode"] != "TOTAL")]
    assert pd.to_numeric(read["primaryValue"]).sum() == sum(tiny.reports["value_usd"].to_pylist())


def test_world_rows_are_the_sums_of_partners(rows) -> None:
    value = pd.to_numeric(rows["primaryValue"])
    keys = ["reporterCode", "flowCode", "period", "cmdCode"]
    is_world = rows["partnerCode"] == "0"
    whole = value[is_world].groupby([rows[key] for key in keys]).sum()
    parts = value[~is_world].groupby([rows[key] for key in keys]).sum()
    assert not rows[is_world].duplicated(keys).any()
    pd.testing.assert_series_equal(whole, parts)


def test_total_rows_are_the_sums_of_products(rows) -> None:
    value = pd.to_numeric(rows["primaryValue"])
    keys = ["reporterCode", "flowCode", "period", "partnerCode"]
    is_total = rows["cmdCode"] == "TOTAL"
    whole = value[is_total].groupby([rows[key] for key in keys]).sum()
    parts = value[~is_total].groupby([rows[key] for key in keys]).sum()
    pd.testing.assert_series_equal(whole, parts)
    assert set(rows[is_total]["netWgt"]) == {"0"}  # the publisher's habit, and a trap
    assert set(rows[is_total]["aggrLevel"]) == {"0"}


def test_adding_everything_counts_four_times(tiny, rows) -> None:
    """A reader that mixes leaves and aggregates is wrong by far."""
    everything = pd.to_numeric(rows["primaryValue"]).sum()
    assert everything == pytest.approx(4 * sum(tiny.reports["value_usd"].to_pylist()))


def test_a_sum_lacks_the_weight_that_a_part_lacks(rows) -> None:
    keys = ["reporterCode", "flowCode", "period", "cmdCode"]
    detail = rows[rows["cmdCode"] != "TOTAL"]
    is_world = detail["partnerCode"] == "0"
    gaps = detail[~is_world].groupby(keys)["netWgt"].agg(lambda weights: (weights == "").any())
    world = detail[is_world].set_index(keys)["netWgt"].eq("").sort_index()
    np.testing.assert_array_equal(gaps.sort_index().to_numpy(), world.to_numpy())
    assert 0 < world.sum() < len(world)


def test_valuation_columns_follow_the_flow(rows) -> None:
    is_import = rows["flowCode"].isin(["M", "RM"])
    assert (rows.loc[is_import, "cifvalue"] == rows.loc[is_import, "primaryValue"]).all()
    assert (rows.loc[~is_import, "fobvalue"] == rows.loc[~is_import, "primaryValue"]).all()
    assert set(rows.loc[is_import, "fobvalue"]) == set(rows.loc[~is_import, "cifvalue"]) == {""}
    assert rows["primaryValue"].str.fullmatch(r"\d+").all()


def test_calendar_and_codes(rows) -> None:
    assert (rows["refPeriodId"] == rows["period"] + "01").all()
    assert (rows["period"] == rows["refYear"] + rows["refMonth"].str.zfill(2)).all()
    assert (rows["classificationCode"] == np.where(rows["refYear"] < "2022", "H5", "H6")).all()
    own = {"USA": "842", "FRA": "251", "IND": "699", "NOR": "579", "CHE": "757"}
    for iso, number in own.items():
        assert set(rows.loc[rows["reporterISO"] == iso, "reporterCode"]) <= {number}
    assert not rows["reporterCode"].str.startswith("0").any()
    assert set(rows["isAggregate"]) == {"true", "false"}
    assert set(rows["mosCode"]) == {"0", "0 "}  # both are met in real files


def test_annual_rows_are_of_the_month_52(small, tmp_path) -> None:
    world = build_world(replace(small, products=6, annual_reporters=3))
    annual = world.truth_areas.to_pandas().query("publishes == 'annual'")["area"]
    read = pd.concat(
        pd.read_csv(file, encoding="latin-1", index_col=False, dtype=str)
        for file in write_comtrade(world, tmp_path)
    )
    rows = read[read["reporterISO"].isin(annual)]
    assert set(rows["freqCode"]) == {"A"}
    assert set(rows["refMonth"]) == {"52"}
    assert (rows["period"] == rows["refYear"]).all()
    assert (rows["refPeriodId"] == rows["refYear"] + "0101").all()
    assert set(read.loc[~read["reporterISO"].isin(annual), "freqCode"]) == {"M"}


def test_rows_per_file_splits_without_loss(tiny, files, tmp_path) -> None:
    whole = b"".join(file.read_bytes().split(b"\r\n", 1)[1] for file in files)
    parts = write_comtrade(tiny, tmp_path / "new" / "folder", rows_per_file=7_000)
    sizes = [file.read_bytes().count(b"\r\n") - 1 for file in parts]
    assert set(sizes[:-1]) == {7_000}
    assert 0 < sizes[-1] <= 7_000
    split = b"".join(file.read_bytes().split(b"\r\n", 1)[1] for file in parts)
    assert sorted(split.split(b"\r\n")) == sorted(whole.split(b"\r\n"))
    with pytest.raises(OptionError):
        write_comtrade(tiny, tmp_path, rows_per_file=0)


@pytest.mark.realdata
def test_the_layout_is_that_of_a_real_download(realdata, files) -> None:
    """The same header, and the same fields quoted, empty and constant as in a saved download."""
    saved = realdata / "comtrade-raw" / "TradeData_THA_imports_8542_2014_2024_raw.csv"
    real, made = saved.read_bytes().splitlines(), files[0].read_bytes().splitlines()
    assert made[0] == real[0]

    def constant(lines: list[bytes]) -> dict[str, str]:
        read = pd.DataFrame(list(csv.reader(line.decode("latin-1") for line in lines)))
        assert read.shape[1] == 48
        read.columns = [*COMTRADE_WEB, "beyond"]
        read = read[(read["flowCode"] == "M") & (read["qtyUnitAbbr"] == "N/A") & (read["cmdCode"] != "TOTAL")]
        return {name: read[name].iloc[0] for name in read if read[name].nunique() == 1}

    real_words, made_words = constant(real[1:]), constant(made[1:])
    other_data = {"freqCode", "refMonth", "aggrLevel", "isLeaf"}  # the saved download is annual, by heading
    same = (set(real_words) & set(made_words)) - other_data
    assert len(same) > 15
    assert {name: made_words[name] for name in same} == {name: real_words[name] for name in same}
