"""Rows added up in batches against the query that sums them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.detect.detours import detours
from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import WindowPair, parse_period
from entrepot.detect.windows import BOOKS, load_windows
from entrepot.engine import Engine, ParquetRows
from entrepot.errors import ContractError, InputFileError
from entrepot.pipeline.detours import find_detours_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START = parse_period("2020-01", option="period")


class Away:
    """An engine whose rows do not come here."""

    has_executors = True

    def __init__(self, engine: Engine) -> None:
        self.arrow_frame = engine.arrow_frame


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="500MB", threads=1) as made:
        yield made


def flows(seed: int, *, has_event: bool = False) -> pa.Table:
    """Return random flows: areas that publish late or one book only, reports and weights that are missing.

    With an event everybody publishes in time, and areas 0 and 1 send through 2 what 3 no longer gets.
    """
    rng = np.random.default_rng(seed)
    n_areas, n_products, months = 7, 70, 18
    shape = (n_areas, n_areas, n_products + 1, months)
    e, i, k, t = (axis.ravel() for axis in np.indices(shape))
    keep = (rng.random(e.size) < 0.3) & (e != i)
    e, i, k, t = e[keep], i[keep], k[keep], t[keep]
    n = e.size
    last = rng.integers(months // 2, months + 1, (2, n_areas)) + months * has_event
    usd, ratio = np.exp(rng.normal(8.0, 1.0, n)), rng.uniform(1.05, 1.3, n)
    if has_event:
        usd[(e < 2) & (i == 3) & (t > 8)] *= 0.02
        usd[((e < 2) & (i == 2) | (e == 2) & (i == 3)) & (t > 8)] *= 5.0
    mine = np.where((t < last[0][e]) & (rng.random(n) < 0.9), usd, np.nan)
    theirs = np.where((t < last[1][i]) & (rng.random(n) < 0.9), usd * ratio, np.nan)
    known = ~np.isnan(mine) | ~np.isnan(theirs)
    codes = [f"{840_000 + 7 * at:06d}" for at in rng.permutation(n_products)] + ["TOTAL"]
    periods = [f"{2020 + at // 12}-{at % 12 + 1:02d}" for at in range(months)]
    areas = [f"A{chr(75 - at)}X" for at in range(n_areas)]
    columns = {
        "exporter": np.array(areas)[e],
        "importer": np.array(areas)[i],
        "hs_code": np.array(codes)[k],
        "period": np.array(periods)[t],
        "value_usd": np.where(np.isnan(mine), theirs / ratio, mine),
        "net_weight_kg": np.where(rng.random(n) < 0.9, usd / 5.0, np.nan),
        "exporter_report_usd": mine,
        "importer_report_usd": theirs,
        "cif_fob_ratio": np.where(rng.random(n) < 0.95, ratio, np.nan),
    }
    return pa.table({name: pa.array(values[known], from_pandas=True) for name, values in columns.items()})


def pair(*, before: range, after: range) -> WindowPair:
    return WindowPair(
        tuple(_START + at for at in before), tuple(_START + at for at in after), is_monthly=True
    )


PAIRS = (pair(before=range(6), after=range(10, 16)), pair(before=range(3), after=range(4, 9)))


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("products", [None, ("840007", "840014", "840490")])
def test_rows_in_batches_sum_to_what_the_query_gives(
    engine: Engine, seed: int, book, products: tuple[str, ...] | None
) -> None:
    frame = engine.arrow_frame(flows(seed))
    here = load_windows(engine, frame, PAIRS, book=book, products=products)
    twin = load_windows(Away(engine), frame, PAIRS, book=book, products=products)
    assert (here.areas, here.products, here.calendar) == (twin.areas, twin.products, twin.calendar)
    for mine, theirs in zip(here.cells, twin.cells, strict=True):
        for field in fields(mine):
            if not field.name.startswith("_") and field.name != "hidden":
                np.testing.assert_allclose(
                    getattr(mine, field.name), getattr(theirs, field.name), rtol=1e-11, atol=1e-9
                )
        assert mine.hidden is theirs.hidden is None
    for name in ("is_observed", "total_before", "total_after"):
        for mine, theirs in zip(getattr(here, name), getattr(twin, name), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-11)


def test_many_areas_and_products_find_room(engine: Engine) -> None:
    """More of either than the bits begin with."""
    n = 9_000
    table = pa.table(
        {
            "exporter": [f"E{at % 600:03d}" for at in range(n)],
            "importer": ["ZZZ"] * n,
            "hs_code": [f"{at:06d}" for at in range(n)],
            "period": ["2020-01" if at % 2 else "2020-12" for at in range(n)],
            "value_usd": np.arange(n) + 1.0,
            "net_weight_kg": np.arange(n) + 1.0,
            "exporter_report_usd": np.arange(n) + 1.0,
            "importer_report_usd": pa.nulls(n, pa.float64()),
            "cif_fob_ratio": pa.nulls(n, pa.float64()),
        }
    )
    frame = engine.arrow_frame(pa.concat_tables([table, table]))
    windows = (pair(before=range(1), after=range(11, 12)),)
    here, twin = (load_windows(one, frame, windows) for one in (engine, Away(engine)))
    assert len(here.areas) == 601
    assert len(here.products) == n
    np.testing.assert_array_equal(here.cells[0].key, twin.cells[0].key)
    np.testing.assert_array_equal(here.cells[0].before, twin.cells[0].before)


def test_a_file_a_folder_and_a_frame_give_the_same(tmp_path: Path, engine: Engine) -> None:
    table = flows(5, has_event=True)
    half = table.num_rows // 2
    pq.write_table(table, tmp_path / "one.parquet")
    (tmp_path / "parts").mkdir()
    pq.write_table(table.slice(0, half), tmp_path / "parts" / "a.parquet")
    pq.write_table(table.slice(half), tmp_path / "parts" / "b.parquet", use_dictionary=False)
    options = DetourOptions(event="2020-10", origins=("AKX", "AJX"), destinations=("AHX",), spikes=2)
    twin = detours(engine.arrow_frame(table), options, engine=engine)
    for path in (tmp_path / "one.parquet", str(tmp_path / "parts")):
        found = find_detours_in(path, options)
        assert found.table.num_rows == twin.table.num_rows > 0
        for name in ("estimate_usd", "expected_in_usd", "high_usd"):
            mine, theirs = (np.sort(one.table[name].to_numpy()) for one in (found, twin))
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-6)
        assert found.series.equals(twin.series)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    options = DetourOptions(event="2020-10")
    with pytest.raises(InputFileError, match="no Parquet file"):
        find_detours_in(tmp_path, options)
    with pytest.raises(InputFileError, match="no Parquet file"):
        find_detours_in(tmp_path / "absent.parquet", options)
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(InputFileError):
        find_detours_in(tmp_path / "text.parquet", options)
    pq.write_table(pa.table({"exporter": ["A"]}), tmp_path / "text.parquet")
    with pytest.raises(ContractError, match="no columns importer"):
        list(ParquetRows.at(tmp_path).batches(("exporter", "importer")))
