"""The command ``prices incentives`` on files of round trips."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from entrepot.schema import INCENTIVE, LOOP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def loops() -> pa.Table:
    known = {
        "maker": "CHN", "via": "KOR", "hs_code": "847130", "markup": 0.2, "markup_low": 0.1,
        "markup_high": 0.3, "lag_months": 2, "onset": "2021-01", "status": "identified",
    }  # fmt: skip
    return pa.Table.from_pylist(
        [known, known | {"hs_code": "854231", "markup": None}],
        schema=pa.schema([(field.name, field.type) for field in LOOP.arrow_schema()]),
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_of_round_trips(loops: pa.Table, entrepot: Callable, tmp_path: Path, suffix: str) -> None:
    path, out = tmp_path / f"loops{suffix}", tmp_path / "incentives.csv"
    (pa_csv.write_csv if suffix == ".csv" else pq.write_table)(loops, path)
    done = entrepot(
        "prices",
        "incentives",
        "--loops",
        path,
        "--subsidy",
        "0.13",
        "--cost",
        "0.05",
        "--months",
        "6",
        "--out",
        out,
    )
    assert done.status == 0, done.err
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == INCENTIVE.columns
    assert (row["maker_currency"], row["via_currency"], row["status"]) == ("CNY", "KRW", "known")
    growth = 1 + float(row["via_rate_change"])
    assert float(row["via_gain"]) == pytest.approx(1.2 * growth - 1.05)
    assert float(row["maker_gain"]) == pytest.approx(1.13 - 1.2 * (1 + float(row["maker_rate_change"])))
    assert row["months"] == "6"
    assert "break-even cost" in done.out
    assert "no proof of a motive" in done.out


def test_what_cannot_be_read(loops: pa.Table, entrepot: Callable, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    pa_csv.write_csv(loops.drop(["lag_months"]), tmp_path / "short.csv")
    (tmp_path / "loops.doc").write_text("x", encoding="utf-8")
    for name, says in (
        ("short.csv", "lag_months"),
        ("loops.doc", "not read from .doc"),
        ("none.csv", "cannot be read"),
    ):
        done = entrepot("prices", "incentives", "--loops", tmp_path / name, "--out", out)
        assert done.status == 1
        assert says in done.err
        assert "hint:" in done.err
        assert not out.exists()
