"""Round trips in words, in the record, on the terminal and as a chart."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from entrepot.detect.loops.by_month import KEYS, spread_back
from entrepot.detect.loops.calibration import LoopCalibration
from entrepot.detect.loops.options import LoopOptions
from entrepot.detect.loops.result import LoopHeadline, LoopResult
from entrepot.detect.periods import WindowPair
from entrepot.report import about_loops, print_loops
from entrepot.report.charts import svg
from entrepot.report.loop_chart import loop_chart
from entrepot.report.loops import _lag, loop_sentences
from entrepot.schema import LOOP, LOOP_MONTH, NET_TRADE

WINDOWS = WindowPair(
    tuple(range(2020 * 12, 2021 * 12 + 10)), tuple(range(2021 * 12 + 10, 2023 * 12)), is_monthly=True
)


def calibration(planted: int = 4) -> LoopCalibration:
    columns = {
        "number": np.arange(planted), "factor": np.full(planted, 0.3), "true": np.full(planted, 10.0),
        "estimate": np.where(np.arange(planted) % 2, 9.0, 0.0), "log_sd": np.full(planted, 0.1),
        "ordinary": np.full(planted, 50.0), "log_markup_error": np.zeros(planted),
        "markup_sd": np.full(planted, 0.1), "lag_error": np.zeros(planted, dtype=np.int64),
        "innocent": np.zeros(0),
    }  # fmt: skip
    return LoopCalibration(**columns)


def result(*, rows: int = 1) -> LoopResult:
    row = dict.fromkeys(LOOP.columns) | {
        "maker": "CHN", "via": "RUS", "hs_code": "847130", "estimate_usd": 2e6, "low_usd": 1.5e6,
        "high_usd": 2.4e6, "markup": 0.22, "lag_months": 2, "lag_low": 2, "lag_high": 2, "q_value": 0.01,
        "status": "identified", "conserved": "value",
    }  # fmt: skip
    row |= {
        name: 1.0
        for name in LOOP.columns
        if name.startswith(("excess_", "expected_", "out_", "back_", "via_")) and not name.endswith("_kg")
    }
    months = ["2021-10", "2021-11", "2021-12"]
    series = pa.table(
        {
            "maker": ["CHN"] * 3, "via": ["RUS"] * 3, "period": months,
            "second_via": pa.nulls(3, pa.string()),
            "out_usd": [1.0, 5.0, 6.0], "back_usd": [0.0, 0.0, 5.0],
            "expected_out_usd": [1.0] * 3, "expected_back_usd": [0.0] * 3,
        }
    )  # fmt: skip
    pair = {
        "maker": "CHN",
        "via": "RUS",
        "second_via": None,
        "products": 1,
        "estimate_usd": 2e6,
        "markup": 0.22,
        "lag_months": 2.0,
    }
    pairs = pa.Table.from_pylist([pair]).slice(0, rows)
    shares = pa.Table.from_pylist(
        [
            {name: row[name] for name in KEYS} | {"period": period, "month_share": share}
            for period, share in (("2021-12", 0.25), ("2022-01", 0.75))
        ]
    )
    return LoopResult(
        table=pa.Table.from_pylist([row] * rows, schema=LOOP.arrow_schema()),
        unlisted=LOOP.arrow_schema().empty_table(),
        pairs=pairs,
        series=series.slice(0, 3 * rows),
        month_shares=shares.slice(0, 2 * rows),
        totals=NET_TRADE.arrow_schema().empty_table(),
        headline=LoopHeadline(2e6 * rows, 1.5e6 * rows, 2.4e6 * rows, rows, rows, 0, rows, 0.04 * rows),
        calibration=calibration(),
        chain_calibration=None,
        options=LoopOptions(makers=("CHN",), since="2021-11"),
        windows=WINDOWS,
        is_since_found=False,
    )


def printed(one: LoopResult, *, encoding: str = "utf-8", width: int = 100) -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    print_loops(one, Console(file=file, width=width, highlight=False))
    file.flush()
    return " ".join(file.buffer.getvalue().decode(encoding).split())


def test_the_finding_is_said_soberly() -> None:
    said = loop_sentences(result())
    assert said["title"] == "Round trips China → any via → China"
    assert said["headline"] == (
        "Flows consistent with round trips worth USD 2.00m (1.50–2.40m) in 1 product of 1 pair: China → "
        "Russia (2.00m), bought back 22% dearer (median of the largest pair)."
    )
    assert "(as asked)" in said["question"]
    assert said["values"].startswith("In 1 of 1 rows a leg has no measured weight")
    assert "50% of those of under half" in said["calibration"]


def test_nothing_is_said_as_nothing() -> None:
    none = result(rows=0)
    said = loop_sentences(none)
    assert said["headline"].startswith("No round trip is identified")
    assert said["placebos"] == said["values"] == ""
    assert "Largest rows" not in printed(none)
    assert "estimate_usd" not in about_loops(none, sources=[])
    assert loop_chart(none) is None


def test_what_nothing_means_depends_on_what_was_planted() -> None:
    """Without planted round trips nobody looked, and with none of them found nobody would have seen."""
    none = result(rows=0)
    unplanted, unfound = calibration(0), calibration(1)
    assert unfound.is_found.tolist() == [False]
    said = loop_sentences(replace(none, calibration=unplanted))
    assert said["headline"].startswith("Whether goods went round cannot be told")
    assert said["calibration"] == ""
    assert "do not tell" in loop_sentences(replace(none, calibration=unfound))["headline"]
    assert "placebos" in loop_sentences(none)["headline"]


@pytest.mark.parametrize(("encoding", "arrow"), [("utf-8", "→"), ("ascii", ">")])
def test_the_terminal_shows_rows_and_limits(encoding, arrow) -> None:
    text = printed(result(), encoding=encoding)
    assert f"China {arrow} Russia 847130 2.00m" in text
    assert "22% 2 0.010 value" in text
    assert "accuse nobody" in text


def test_the_record_has_amounts_and_files() -> None:
    files = [{"source": "comtrade", "file_name": "a.csv", "vintage": "2023-01-01"}]
    about = about_loops(result(), sources=files)
    assert about["estimate_usd"] == "2000000"
    assert about["vias"] == "searched for"
    assert about["files"] == "a.csv (2023-01-01)"
    assert not math.isnan(float(about["coverage of intervals"].split()[0]))


def test_the_lag_plot_shows_both_legs() -> None:
    chart = loop_chart(result(), maker="CHN", via="RUS")
    spec = chart.to_dict()
    points = [point for data in spec["datasets"].values() for point in data if "leg" in point]
    assert {(p["month"], p["leg"], p["usd"]) for p in points} >= {
        ("2021-11", "out", 4.0), ("2021-12", "back", 5.0)
    }  # fmt: skip
    assert loop_chart(result(), maker="KGZ") is None


def test_what_comes_back_stands_in_the_months_in_which_it_exceeds_what_was_expected() -> None:
    back = np.array([[5.0, 9.0, 1.0], [2.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    expected = np.array([[4.0, 6.0, 6.0], [3.0, 3.0, 3.0], [1.0, 1.0, 1.0]])
    share = spread_back(back, expected)
    assert share.tolist() == [[0.25, 0.75, 0.0], [0.5, 0.25, 0.25], [0.0, 0.0, 0.0]]


def test_amounts_by_month_are_parts_of_the_row() -> None:
    one = result()
    assert one.by_month().select(["period", "estimate_usd", "high_usd", "estimate_kg"]).to_pylist() == [
        {"period": "2021-12", "estimate_usd": 0.5e6, "high_usd": 0.6e6, "estimate_kg": None},
        {"period": "2022-01", "estimate_usd": 1.5e6, "high_usd": 1.8e6, "estimate_kg": None},
    ]
    assert one.by_month().schema.equals(LOOP_MONTH.arrow_schema())
    in_euro = one.table.append_column("estimate_amount", pa.array([4.0])).append_column(
        "amount_unit", pa.array(["EUR"])
    )
    assert replace(one, table=in_euro).by_month()["estimate_amount"].to_pylist() == [1.0, 3.0]
    assert result(rows=0).by_month().num_rows == 0


def with_chain(*, markup: float | None) -> LoopResult:
    one = result()
    tables = {
        name: getattr(one, name).set_column(
            getattr(one, name).column_names.index("second_via"),
            "second_via",
            pa.array(["KAZ"] * getattr(one, name).num_rows),
        )
        for name in ("table", "pairs", "series")
    }
    at = tables["table"].column_names.index("markup")
    tables["table"] = tables["table"].set_column(at, "markup", pa.array([markup], pa.float64()))
    return replace(one, **tables)


def test_the_diagram_says_who_sent_what_where() -> None:
    drawn = svg(loop_chart(result()))
    for words in ("China", "Russia", "out: USD 2.00m", "back: USD 2.44m, 2 months later", "22% dearer"):
        assert words in drawn, words
    assert "Kazakhstan" not in drawn


def test_the_diagram_of_a_chain_has_both_vias_and_three_arrows() -> None:
    def arrows(one: LoopResult) -> int:
        diagram = loop_chart(one).to_dict()["vconcat"][0]
        marks = [layer["mark"] for way in diagram["layer"] for layer in way.get("layer", [])]
        return sum(mark.get("shape") == "triangle-up" for mark in marks)

    chain = with_chain(markup=None)
    assert "Kazakhstan" in svg(loop_chart(chain))
    assert "back: value not told" in svg(loop_chart(chain))
    assert "back: USD 1.80m" in svg(loop_chart(with_chain(markup=-0.1)))
    assert (arrows(result()), arrows(chain)) == (2, 3)


def test_a_lag_that_cannot_be_told_apart_has_its_interval() -> None:
    row = {"lag_months": 2, "lag_low": 2, "lag_high": 2}
    assert _lag(row) == "2"
    assert _lag(row | {"lag_low": 1}) == "2 (1–2)"
