"""Open search of a whole world from Parquet against the same computation in pandas and Polars.

    python benchmarks/bench_scale.py [--products 500] [--scaling 1 2 5 10]

The world is made up (:mod:`scale_world`): 220 areas and, unless told otherwise, 5,000 products, which is
about 11 million flows a year. Every contender has a process of its own, which reads the files; wall seconds,
processor seconds and the largest memory are the process's from its start. ``to the treated pairs`` is the
part that all three do: sums
of both windows by cell, noise in two rounds on a portion of the products, expected growth of all, the signal
of every pair; the two others call entrepot's own steps for the portion, the noise by bin and the last sums,
which are no frames' work. Their
signals must equal entrepot's. ``point estimate`` writes the ranked file; ``calibrated`` has a year more, in
which known detours are planted.
"""

# ruff: noqa: PLC0415  a contender's process loads what it needs itself and nothing else

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from scale_world import ScaleWorld  # noqa: E402  beside this file

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.kernels.medians import GroupedMedian
    from entrepot.detect.noise import Noise

_COLUMNS = ["exporter", "importer", "hs_code", "period", "exporter_report_usd", "importer_report_usd"]
_TOLERANCE = 1e-9


def options(folder: Path, spikes: int) -> Any:
    """Return the open search of a world: nobody is named."""
    from entrepot.detect.options import DetourOptions

    periods = json.loads((folder / "periods.json").read_text())
    before = [period for year in periods[:-1] for period in year]
    return DetourOptions(
        event=periods[-1][0],
        before=f"{before[0]}:{before[-1]}",
        after=f"{periods[-1][0]}:{periods[-1][-1]}",
        spikes=spikes,
    )


def point_estimate(folder: Path, out: Path, *, spikes: int = 0) -> dict[str, Any]:
    """Search and write the ranked file."""
    import pyarrow.parquet as pq

    from entrepot.pipeline.detours import find_detours_in

    result = find_detours_in(folder, options(folder, spikes))
    pq.write_table(result.table, out)
    return {
        "rows": result.table.num_rows,
        "estimate_usd": result.headline.estimate_usd,
        "treated": int(np.sum(result.treated["is_treated"].to_numpy(zero_copy_only=False))),
    }


def to_the_pairs(folder: Path, out: Path) -> dict[str, Any]:
    """Do what the others do, with entrepot."""
    from entrepot.detect.estimate import expect, learn_noise
    from entrepot.detect.periods import event_windows
    from entrepot.detect.rows import survey_rows
    from entrepot.detect.search import seen_pairs
    from entrepot.detect.treated import pair_signal
    from entrepot.detect.windows import calendar_of, load_windows
    from entrepot.engine import Engine, ParquetRows

    asked = options(folder, 0)
    with Engine(memory_limit="1GB") as engine:
        rows = ParquetRows.at(folder)
        frame = engine.parquet_frame(rows.paths)
        survey = survey_rows(rows.batches)
        published = calendar_of(frame, survey).periods
        windows = event_windows(asked.event, published=published, before=asked.before, after=asked.after)
        data = load_windows(engine, frame, (windows,), survey=survey)
    cells = data.cells[0]
    question = everybody(cells, seen_pairs(data.is_observed[0], np.zeros(cells.n_areas, dtype=bool), -1))
    noise = learn_noise([cells], [question], [None])
    usd = expect(cells, question, noise=noise).usd
    signal = pair_signal(cells, usd, noise=noise, counts=np.ones(cells.before.size, dtype=bool))
    return _kept(signal, cells, out)


def everybody(cells: Cells, observed: NDArray[np.bool_]) -> Any:
    """Return the question in which nobody is named."""
    from entrepot.detect.cells import Question

    n = cells.n_areas
    every = np.ones(n, dtype=bool)
    return Question(
        origins=every,
        hubs=every,
        destinations=every,
        listed=np.ones(cells.n_products, dtype=bool),
        are_hubs_given=False,
        is_treated=np.zeros((n, n), dtype=bool),
        is_observed=observed,
    )


def _kept(signal: NDArray[np.float64], cells: Cells, out: Path) -> dict[str, Any]:
    np.save(out, signal)
    return {"rows": cells.before.size}


def by_frames(folder: Path, out: Path, *, read: Callable[..., Cells], median: Any) -> dict[str, Any]:
    """Do the same with a library of frames: its sums and its medians."""
    from entrepot.detect.estimate import noise_portion
    from entrepot.detect.noise import appearing_size, fit_noise, flat_noise
    from entrepot.detect.shrinkage import half_of
    from entrepot.detect.treated import pair_signal

    cells = read(sorted(folder.glob("*.parquet")), json.loads((folder / "periods.json").read_text()))
    asked = noise_portion(cells, everybody(cells, np.ones((cells.n_areas, cells.n_areas), dtype=bool))).cells
    noise = flat_noise(appearing_size([asked]))
    for _ in range(2):
        usd, supply, demand = growth_by(asked, noise, median)
        noise = replace(
            fit_noise([usd], [asked.after], floor=noise.floor),
            half_supply=half_of([supply]),
            half_demand=half_of([demand]),
        )
    usd, _, _ = growth_by(cells, noise, median)
    signal = pair_signal(cells, usd, noise=noise, counts=np.ones(cells.before.size, dtype=bool))
    return _kept(signal, cells, out)


def growth_by(
    cells: Cells, noise: Noise, median: Any
) -> tuple[NDArray[np.float64], GroupedMedian, GroupedMedian]:
    """Return the expected flows, and the medians by supplier or importer and product.

    The steps of :mod:`entrepot.detect.baseline` over grouped medians.
    """
    from entrepot.detect.baseline import drawn
    from entrepot.detect.kernels.medians import GroupedMedian

    change = np.log((cells.after + noise.floor) / (cells.before + noise.floor))
    weights = 1.0 / np.interp(np.log(cells.before + noise.floor), noise.log_size, noise.sd) ** 2
    n, k = cells.n_areas, cells.n_products
    supply = cells.exporter.astype(np.int64) * k + cells.product
    demand = cells.importer.astype(np.int64) * k + cells.product

    def found(values: NDArray[Any], group: NDArray[Any], size: int, less: int = 0) -> GroupedMedian:
        value, count = median(values, weights, group, size)
        return GroupedMedian(value, np.maximum(count - less, 0))

    by_importer = np.zeros(n)
    growth = change
    for _ in range(2):
        rest = change - by_importer[cells.importer]
        growth = np.nan_to_num(median(rest, weights, cells.product, k)[0])[cells.product]
        growth = growth + drawn(found(rest - growth, cells.exporter, n))[cells.exporter]
        of_supply = found(rest - growth, supply, n * k)
        growth = growth + drawn(of_supply, half=noise.half_supply)[supply]
        by_importer = drawn(found(change - growth, cells.importer, n))
    growth = growth + by_importer[cells.importer]
    of_demand = found(change - growth, demand, n * k, less=2)
    growth = growth + drawn(of_demand, half=noise.half_demand)[demand]
    return cells.before * np.exp(growth), of_supply, of_demand


def cells_from(
    codes: tuple[NDArray[Any], ...], amounts: tuple[NDArray[Any], NDArray[Any]], shape: tuple[int, int]
) -> Cells:
    """Return cells of two windows without weights and mirrors."""
    from entrepot.detect.cells import Cells

    nothing = np.zeros(amounts[0].size)
    none = np.zeros((shape[0], shape[0]), dtype=bool)
    return Cells(*codes, *amounts, nothing, nothing, nothing, none, *shape)


def read_with_pandas(files: list[Path], periods: list[list[str]]) -> Cells:
    """Sum both windows by cell: text as categories, one grouping by a number per cell."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = [
        pq.read_table(f, columns=[*_COLUMNS, "cif_fob_ratio"], read_dictionary=_COLUMNS[:4]) for f in files
    ]
    frame = pa.concat_tables(parts).unify_dictionaries().to_pandas()
    del parts
    areas = sorted({*frame["exporter"].cat.categories, *frame["importer"].cat.categories})
    products = sorted(frame["hs_code"].cat.categories)
    n, k = len(areas), len(products)
    e, i = (frame[side].cat.set_categories(areas).cat.codes.to_numpy() for side in _COLUMNS[:2])
    product = frame["hs_code"].cat.set_categories(products).cat.codes.to_numpy()
    is_after = frame["period"].isin(periods[-1]).to_numpy()
    publishes = np.zeros(n, dtype=bool)
    publishes[e[frame["exporter_report_usd"].notna()]] = True
    other = frame["importer_report_usd"] / frame["cif_fob_ratio"]
    usd = np.where(publishes[e], frame["exporter_report_usd"], other)
    table = pd.DataFrame(
        {
            "key": (e.astype(np.int64) * n + i) * k + product,
            "before": np.where(is_after, 0.0, usd),
            "after": np.where(is_after, usd, 0.0),
        }
    )
    del frame, usd, other
    sums = table.groupby("key", sort=True).sum()
    sums = sums[(sums["before"] > 0) | (sums["after"] > 0)]
    pair, product = np.divmod(sums.index.to_numpy(), k)
    amounts = sums["before"].to_numpy(), sums["after"].to_numpy()
    return cells_from((*np.divmod(pair, n), product), amounts, (n, k))


def median_with_pandas(
    values: NDArray[Any], weights: NDArray[Any], groups: NDArray[Any], n: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sort by group and value; the first value up to which there is half of the group's weight."""
    import pandas as pd

    frame = pd.DataFrame({"group": groups, "value": values, "weight": weights})
    frame = frame.sort_values(["group", "value"], ignore_index=True)
    by = frame.groupby("group", sort=False)["weight"]
    reached = frame[by.cumsum() >= 0.5 * (1.0 - 1e-12) * by.transform("sum")]
    first = reached.drop_duplicates("group")
    value = np.full(n, np.nan)
    value[first["group"]] = first["value"]
    return value, np.bincount(groups, minlength=n)


def read_with_polars(files: list[Path], periods: list[list[str]]) -> Cells:
    """Sum both windows by cell, lazily, on the streaming engine."""
    import polars as pl

    rows = pl.scan_parquet(files)
    uniques = [rows.select(pl.col(name).unique()).collect()[name] for name in _COLUMNS[:3]]
    areas = sorted({*uniques[0], *uniques[1]})
    products = sorted(uniques[2])
    published = rows.filter(pl.col("exporter_report_usd").is_not_null()).select(pl.col("exporter").unique())
    publishes = published.collect()["exporter"].to_list()
    own = pl.col("exporter_report_usd")
    usd = pl.when(pl.col("exporter").is_in(publishes)).then(own)
    usd = usd.otherwise(pl.col("importer_report_usd") / pl.col("cif_fob_ratio")).fill_null(0.0)
    is_after = pl.col("period").is_in(periods[-1])
    n, k = len(areas), len(products)

    def code(name: str, words: list[str]) -> pl.Expr:
        return pl.col(name).cast(pl.Enum(words)).to_physical().cast(pl.Int64)

    key = (code("exporter", areas) * n + code("importer", areas)) * k + code("hs_code", products)
    sums = (
        rows.select(key=key, usd=usd, is_after=is_after)
        .group_by("key")
        .agg(
            before=pl.col("usd").filter(~pl.col("is_after")).sum(),
            after=pl.col("usd").filter(pl.col("is_after")).sum(),
        )
        .filter((pl.col("before") > 0) | (pl.col("after") > 0))
        .sort("key")
        .collect(engine="streaming")
    )
    pair, product = np.divmod(sums["key"].to_numpy(), k)
    amounts = sums["before"].to_numpy(), sums["after"].to_numpy()
    return cells_from((*np.divmod(pair, n), product), amounts, (n, k))


def median_with_polars(
    values: NDArray[Any], weights: NDArray[Any], groups: NDArray[Any], n: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sort by group and value; the first value up to which there is half of the group's weight."""
    import polars as pl

    weight = pl.col("weight")
    found = (
        pl.DataFrame({"group": groups, "value": values, "weight": weights})
        .lazy()
        .sort("group", "value")
        .group_by("group", maintain_order=True)
        .agg(
            value=pl.col("value").get((weight.cum_sum() >= 0.5 * (1.0 - 1e-12) * weight.sum()).arg_max()),
            count=pl.len(),
        )
        .collect()
    )
    value, count = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
    value[found["group"]] = found["value"]
    count[found["group"]] = found["count"]
    return value, count


CONTENDERS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "entrepot": to_the_pairs,
    "polars": lambda folder, out: by_frames(folder, out, read=read_with_polars, median=median_with_polars),
    "pandas": lambda folder, out: by_frames(folder, out, read=read_with_pandas, median=median_with_pandas),
    "point": point_estimate,
}


def alone(name: str, folder: Path, out: Path, spikes: int = 0) -> dict[str, Any]:
    """Run one contender in a process of its own and return what it measured of itself."""
    command = [sys.executable, __file__, "--one", name, str(folder), str(out), str(spikes)]
    # Bytecode is kept from one process to the next, as compiled kernels are.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    wall = time.perf_counter() - start
    return {"wall": wall} | json.loads(done.stdout.splitlines()[-1])


def run_one(name: str, folder: str, out: str, spikes: str) -> None:
    """Be a contender's process."""
    if name == "point":
        found = point_estimate(Path(folder), Path(out), spikes=int(spikes))
    else:
        found = CONTENDERS[name](Path(folder), Path(out))
    used = resource.getrusage(resource.RUSAGE_SELF)
    found |= {"cpu": used.ru_utime + used.ru_stime, "gb": used.ru_maxrss / 2**20}
    print(json.dumps(found))


def make(world: ScaleWorld, folder: Path) -> None:
    """Write a world, each year in a folder of its own, in a process that ends afterwards."""
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path\nfrom scale_world import ScaleWorld\n"
        f"{world!r}.write(Path({str(folder)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def chosen(world: ScaleWorld, folder: Path, years: int) -> Path:
    """Return a folder with the last years of a world and their periods."""
    part = folder / f"last-{years}"
    part.mkdir(exist_ok=True)
    for year in world.years[-years:]:
        link = part / f"flows-{year}.parquet"
        if not link.exists():
            link.symlink_to(folder / link.name)
    periods = [world.periods(year) for year in world.years[-years:]]
    (part / "periods.json").write_text(json.dumps(periods))
    return part


def line(title: str, found: dict[str, Any]) -> str:
    """Return a line of the table."""
    return f"{title:<44}{found['wall']:>9.1f}{found['cpu']:>9.1f}{found['gb']:>8.2f}"


def main() -> int:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--spikes", type=int, default=200, help="sets of planted detours")
    parser.add_argument("--scaling", type=int, nargs="*", default=(), help="rows by flow and year, to 12")
    parser.add_argument("--folder", type=Path, help="keep the world here, and use it again")
    parser.add_argument("--only", nargs="*", default=("entrepot", "polars", "pandas", "point", "calibrated"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-") as temporary:
        folder = asked.folder or Path(temporary)
        compare(ScaleWorld(products=asked.products), folder, asked)
        for parts in asked.scaling:
            world = ScaleWorld(products=asked.products, parts=parts, years=(2022, 2023))
            grown = Path(temporary) / f"parts-{parts}"
            make(world, grown)
            found = alone("point", chosen(world, grown, 2), grown / "out.parquet")
            print(line(f"point estimate, {parts} rows by flow and year", found), flush=True)
            for path in grown.glob("*.parquet"):
                path.unlink()
    return 0


def compare(world: ScaleWorld, folder: Path, asked: argparse.Namespace) -> None:
    """Print what each contender needs for one world, and check that all find the same."""
    if not (folder / f"flows-{world.years[-1]}.parquet").exists():
        make(world, folder)
    two, three = chosen(world, folder, 2), chosen(world, folder, 3)
    # Compiled code is kept from one process to the next: a world of a few products makes it.
    small = ScaleWorld(products=20, areas=60)
    make(small, folder / "small")
    for name in ("entrepot", "point"):
        alone(name, chosen(small, folder / "small", 3), folder / "small.out.npy", spikes=2)
    print(f"{'':<44}{'wall s':>9}{'cpu s':>9}{'GB':>8}", flush=True)
    found: dict[str, dict[str, Any]] = {}
    for name in ("entrepot", "polars", "pandas"):
        if name in asked.only:
            found[name] = alone(name, two, folder / f"{name}.npy")
            print(line(f"{name}, to the treated pairs", found[name]), flush=True)
    if "point" in asked.only:
        found["point"] = alone("point", two, folder / "point.parquet")
        print(line("entrepot, point estimate", found["point"]), flush=True)
    if "calibrated" in asked.only:
        found["calibrated"] = alone("point", three, folder / "calibrated.parquet", spikes=asked.spikes)
        print(line(f"entrepot, calibrated with {asked.spikes} sets", found["calibrated"]), flush=True)
    own = found.get("entrepot")
    for name in ("polars", "pandas"):
        if own and name in found:
            ours, theirs = (np.load(folder / f"{one}.npy") for one in ("entrepot", name))
            np.testing.assert_allclose(theirs, ours, rtol=_TOLERANCE, atol=_TOLERANCE)
            wall, cpu = (found[name][unit] / own[unit] for unit in ("wall", "cpu"))
            print(f"{name} needs {wall:.1f} times the wall seconds, {cpu:.1f} times the processor seconds")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
        sys.exit(0)
    sys.exit(main())
