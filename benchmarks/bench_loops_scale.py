"""The search for round trips at the world's size: seconds and memory of each step that grows with the data.

    python benchmarks/bench_loops_scale.py --rows 11_000_000

226 areas, 5,000 products, two windows of twelve months; flows as in bench_circulation.py, no round trips.
What the engine does (sums of windows, months of chosen flows) is left out: the arrays are made here.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.candidates import two_way
from entrepot.detect.loops.chain_search import judge_chains, scan_chains
from entrepot.detect.loops.chain_shipments import FlowMonths, beside, find_shipped
from entrepot.detect.loops.chains import find_chains
from entrepot.detect.loops.expected import expect_trade
from entrepot.detect.loops.measure import Tools
from entrepot.detect.loops.paths import Paths
from entrepot.detect.loops.search import judge, scan
from entrepot.detect.loops.series import Series
from entrepot.detect.loops.unit_values import USUAL_GOODS, UnitValues
from entrepot.detect.loops.windows import Trade, WindowSums, month_number
from entrepot.detect.periods import WindowPair, period_text
from entrepot.detect.windows import Calendar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from numpy.typing import NDArray

    Found = TypeVar("Found")

AREAS, PRODUCTS, MONTHS = 226, 5_000, 24


def made_trade(rows: int, seed: int) -> Trade:
    """Return flows of two windows; products differ in how many they have, flows in how they change."""
    rng = np.random.default_rng(seed)
    share = np.exp(rng.normal(0.0, 0.8, PRODUCTS))
    wanted = np.minimum((rows * share / share.sum()).astype(int), 20_000)
    supply, demand = np.exp(rng.normal(0.0, 1.5, AREAS)), np.exp(rng.normal(0.0, 1.0, AREAS))
    pairs, products, sizes = [], [], []
    for product, count in enumerate(wanted):
        own = np.log(supply[:, None] * demand[None, :]) + rng.normal(0.0, 1.5, (AREAS, AREAS))
        np.fill_diagonal(own, -np.inf)
        best = np.argpartition(-own.ravel(), count)[:count]
        pairs.append(best)
        products.append(np.full(count, product))
        sizes.append(own.ravel()[best] + rng.normal(9.0, 1.5, count))
    pair, product, log_usd = (np.concatenate(part) for part in (pairs, products, sizes))
    order = np.argsort(pair * PRODUCTS + product, kind="stable")
    pair, product, log_usd = pair[order], product[order], log_usd[order]
    before = np.exp(log_usd)
    after = before * np.exp(rng.standard_t(4, before.size) * np.clip(3.0 - 0.2 * log_usd, 0.1, 2.0))
    unit = np.exp(rng.normal(1.0, 1.0, PRODUCTS))[product] * np.exp(rng.normal(0.0, 0.3, before.size))
    is_weighed = rng.random(before.size) < 0.95
    first = month_number("2022-01")
    months = tuple(range(first, first + MONTHS))
    return Trade(
        areas=tuple(f"{at:03d}" for at in range(AREAS)),
        products=tuple(f"{10_000 + at:06d}" for at in range(PRODUCTS)),
        exporter=pair // AREAS,
        importer=pair % AREAS,
        product=product,
        windows=(WindowPair(months[: MONTHS // 2], months[MONTHS // 2 :], is_monthly=True),),
        sums=(
            WindowSums(
                before,
                after,
                np.where(is_weighed, before / unit, np.nan),
                np.where(is_weighed, after / unit, np.nan),
            ),
        ),
        home=(np.zeros((AREAS, PRODUCTS)), np.zeros((AREAS, PRODUCTS))),
        periods=tuple(period_text(month, is_monthly=True) for month in months),
        observed=np.ones((AREAS, AREAS, MONTHS), dtype=bool),
        calendar=Calendar({}, {}),
    )


def made_months(trade: Trade, cells: NDArray[np.int64], seed: int) -> Series:
    """Return the months of some cells: the smaller a flow, the fewer months it flows in."""
    rng = np.random.default_rng([seed, 1])
    cells = np.unique(cells)
    sums, half = trade.sums[0], MONTHS // 2
    busy = np.clip(0.1 * np.log(np.maximum(sums.before[cells] + sums.after[cells], 2.0)) - 0.4, 0.1, 1.0)
    parts = rng.gamma(4.0, 1.0, (cells.size, MONTHS)) * (rng.random((cells.size, MONTHS)) < busy[:, None])
    usd = np.concatenate(
        [
            own / np.maximum(own.sum(axis=1, keepdims=True), 1e-9) * total[cells, None]
            for own, total in ((parts[:, :half], sums.before), (parts[:, half:], sums.after))
        ],
        axis=1,
    )
    unit = sums.after[cells] / sums.after_kg[cells]
    return Series(cells, usd, usd / unit[:, None], np.ones(usd.shape, dtype=bool))


def made_flow_months(trade: Trade, seed: int) -> FlowMonths:
    """Return the months of all flows, as the quick look at chains takes them."""
    cells = np.arange(trade.exporter.size)
    log = np.empty((cells.size, MONTHS), dtype=np.float32)
    for block in np.array_split(cells, max(cells.size // 500_000, 1)):
        with np.errstate(divide="ignore"):
            log[block] = np.log(made_months(trade, block, seed).usd)
    return FlowMonths(np.append(cells, -1), log, np.full(cells.size, 0.01))


def timed(name: str, work: Callable[[], Found]) -> Found:
    """Run one step and print what it took."""
    began, used = time.perf_counter(), time.process_time()
    found = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{name:42}{time.perf_counter() - began:8.1f} s{time.process_time() - used:8.1f} s of the processor"
        f"{peak:7.1f} GB so far",
        flush=True,
    )
    return found


def main() -> None:
    """Measure one search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=11_000_000)
    parser.add_argument("--chains", action="store_true", help="chains through two vias as well")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    trade = timed("made", lambda: made_trade(asked.rows, asked.seed))
    paths = Paths(np.ones((PRODUCTS, MONTHS)), np.ones((AREAS, MONTHS)), np.ones((AREAS, MONTHS)))
    expected = timed("expected trade", lambda: expect_trade(trade, paths))
    candidates = timed("candidates", lambda: two_way(trade, expected, 0))
    found = timed("sums of the windows", lambda: scan(trade, expected, 0, candidates, longest_lag=6))
    chains = None
    if asked.chains:
        everybody = np.ones(AREAS, dtype=bool)
        threes = timed("candidates of chains", lambda: find_chains(trade, expected, 0, asked=everybody))
        months = timed("months of all flows made", lambda: made_flow_months(trade, asked.seed))
        threes, strength = timed(
            "chains whose shipments go on",
            lambda: beside(
                threes,
                find_shipped(trade, expected, 0, months, asked=everybody, longest_lag=6),
            ),
        )
        chains = timed(
            "sums of the windows of chains",
            lambda: scan_chains(trade, expected, 0, threes, shipments=strength),
        )
        print(f"{int((strength > 0).sum()):,} threes by their shipments")
    cells = found.cells if chains is None else np.concatenate([found.cells, chains.cells])
    series = timed("months made", lambda: made_months(trade, cells, asked.seed))
    values = UnitValues(
        np.zeros((PRODUCTS, MONTHS)), np.zeros((AREAS, MONTHS)),
        np.full((len(trade.windows), AREAS, PRODUCTS), np.nan), USUAL_GOODS,
    )  # fmt: skip
    tools = Tools(trade, expected, series, paths, 6, 0.1, np.full((AREAS, AREAS), 0.02), 0.8, values)
    judged = timed("months judged", lambda: judge(tools, found))
    print(
        f"{trade.exporter.size:,} flows, {candidates.maker.size:,} two-way, "
        f"{found.chosen.size:,} of them judged, {judged.rows.size:,} measured"
    )
    if chains is not None:
        of_chains = timed("months of chains judged", lambda: judge_chains(tools, chains))
        print(
            f"{chains.candidates.maker.size:,} threes, {chains.chosen.size:,} of them judged, "
            f"{of_chains.rows.size:,} measured"
        )


if __name__ == "__main__":
    main()
