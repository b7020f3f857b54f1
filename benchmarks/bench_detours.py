"""Detours found by entrepot against what is done by hand, on made-up worlds whose detours are known.

    python benchmarks/bench_detours.py --write

Every method gets the same question (origins, destination, and the listed goods where they are given) and
the same cells: flows reconciled from both books, both windows on the same months. ``by hand`` methods are
plain pandas on those cells. Seconds are from the reconciled flows to the answer; ours contain the
calibration of every interval. With --write the tables go into docs/explanation/methods-compared.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from entrepot.detect.detours import detours
from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import event_windows, period_text, placebo_windows
from entrepot.detect.search import Search
from entrepot.detect.windows import calendar_of, load_windows
from entrepot.engine import Engine
from entrepot.model.world import OWN, WorldOptions, build_world, detour_truth, score_detours
from entrepot.reconcile import cif_fob_ratios, pair_books, reconcile_books
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from entrepot.model.world import World

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "methods-compared.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
SMOOTH, ROUGH = (101, 102, 103, 104, 105), (201, 202, 203, 204, 205)
_KEYS = ["origin", "hub", "destination", "hs_code"]
_AMOUNTS = ["estimate_usd", "low_usd", "high_usd"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one world, and what is true."""

    world: World
    origins: tuple[str, ...]
    destination: str
    products: tuple[str, ...]
    truth: pa.Table


@dataclass(frozen=True, slots=True)
class Legs:
    """The cells of a question as plain tables: what a spreadsheet would hold."""

    cells: pd.DataFrame
    inbound: pd.DataFrame
    direct: pd.DataFrame
    onward: pd.DataFrame
    observed_hubs: frozenset[str]


def reports_of(world: World) -> pa.Table:
    """Return the monthly reports of a world as rows of ``core__flow``, without files."""
    reports = world.reports.to_pandas()
    is_import = reports["flow"].isin(["import", "re_import"])
    frame = pd.DataFrame(
        {
            "reporter": reports["reporter"],
            "partner": reports["partner"],
            "flow": reports["flow"],
            "period": reports["period"],
            "frequency": "M",
            "hs_code": reports["hs_code"],
            "role": "leaf",
            "partner_concept": np.where(is_import, "origin", "last_known_destination"),
            "primary_value_usd": reports["value_usd"],
            "net_weight_kg": reports["net_weight_kg"],
        }
    )
    return pa.Table.from_pandas(frame[reports["period"].str.len() == 7], preserve_index=False)


def reconciled(engine: Engine, world: World) -> nw.LazyFrame[Any]:
    """Return the reconciled flows of a world, kept on the engine."""

    def kept(frame: Any, name: str) -> nw.LazyFrame[Any]:
        return engine.keep(nw.from_native(frame).lazy(), name)

    leaves = engine.keep(engine.arrow_frame(reports_of(world)), "leaves")
    paired = kept(pair_books(leaves.to_native()), "paired")
    ratios = kept(cif_fob_ratios(paired.to_native()), "ratios")
    return kept(reconcile_books(paired.to_native(), ratios.to_native()), "reconciled")


def question_of(world: World, published: Iterable[str], *, is_listed: bool) -> Question:
    """Return the question that an analyst would put, and its true answer."""
    roles = world.truth_areas.to_pylist()
    (destination,) = (row["area"] for row in roles if row["role"] == "destination")
    goods = world.truth_products.to_pylist()
    windows = event_windows(world.event, published=published)
    after = [period_text(period, is_monthly=True) for period in windows.after]
    return Question(
        world=world,
        origins=tuple(row["area"] for row in roles if row["role"] == "treated_origin"),
        destination=destination,
        products=tuple(row["hs_code"] for row in goods if row["is_listed"]) if is_listed else (),
        truth=detour_truth(world, after),
    )


def legs_of(engine: Engine, flows: nw.LazyFrame[Any], question: Question) -> Legs:
    """Return before and after of every leg, with the growth that entrepot expects beside."""
    published = calendar_of(flows).periods
    windows = event_windows(question.world.event, published=published)
    pairs = (windows, *placebo_windows(windows, published=published))
    data = load_windows(engine, flows, pairs)
    search = Search.of(data, pairs, options_of(question, spikes=0))
    cells, areas = data.cells[0], np.array(data.areas)
    table = pd.DataFrame(
        {
            "exporter": areas[cells.exporter],
            "importer": areas[cells.importer],
            "hs_code": np.array(data.products)[cells.product],
            "before": cells.before,
            "after": cells.after,
            "expected": search.run(0).expected.usd,
        }
    )
    asked = table[table["hs_code"].isin(question.products)] if question.products else table
    is_origin, to = asked["exporter"].isin(question.origins), asked["importer"] == question.destination
    observed = data.is_observed[0][:, data.areas.index(question.destination)]
    return Legs(
        cells=table,
        inbound=asked[is_origin & ~to],
        direct=asked[is_origin & to],
        onward=asked[to],
        observed_hubs=frozenset(areas[observed]),
    )


def options_of(question: Question, *, spikes: int) -> DetourOptions:
    """Return the question in entrepot's terms."""
    return DetourOptions(
        event=question.world.event,
        origins=question.origins,
        destinations=(question.destination,),
        products=question.products,
        spikes=spikes,
    )


def raw_increase(legs: Legs) -> pd.Series:
    """What a spreadsheet calls rerouted: more was sold to the third area than before."""
    return legs.inbound["after"] - legs.inbound["before"]


def growth_ratio(legs: Legs) -> pd.Series:
    """The increase over what the third area bought more of from everybody."""
    total = legs.cells.groupby("importer")[["before", "after"]].sum()
    growth = total["after"] / total["before"]
    return legs.inbound["after"] - legs.inbound["before"] * legs.inbound["importer"].map(growth)


def excess_only(legs: Legs) -> pd.Series:
    """The increase over entrepot's own expected flow: a difference-in-differences on one leg."""
    return legs.inbound["after"] - legs.inbound["expected"]


def least_of_three(legs: Legs) -> pd.Series:
    """The careful version by hand: no more than the fall of the direct trade, nor than went on."""
    fall = (legs.direct["before"] - legs.direct["after"]).groupby(
        [legs.direct["exporter"], legs.direct["hs_code"]]
    )
    fallen = fall.sum().reindex(pd.MultiIndex.from_frame(legs.inbound[["exporter", "hs_code"]]))
    on = (legs.onward["after"] - legs.onward["before"]).groupby(
        [legs.onward["exporter"], legs.onward["hs_code"]]
    )
    went_on = on.sum().reindex(pd.MultiIndex.from_frame(legs.inbound[["importer", "hs_code"]]))
    is_seen = legs.inbound["importer"].isin(legs.observed_hubs).to_numpy()
    bounds = [raw_increase(legs).to_numpy(), np.nan_to_num(fallen.to_numpy())]
    bounds.append(np.where(is_seen, np.nan_to_num(went_on.to_numpy()), np.inf))
    return pd.Series(np.minimum.reduce(bounds), index=legs.inbound.index)


BY_HAND: dict[str, Callable[[Legs], pd.Series]] = {
    "raw increase": raw_increase,
    "growth ratio": growth_ratio,
    "excess only": excess_only,
    "least of three changes": least_of_three,
}


def findings_of(legs: Legs, usd: pd.Series, question: Question) -> pa.Table:
    """Return positive amounts as rows of findings; a method without intervals has a point for one."""
    there = usd[usd > 0]
    rows = legs.inbound.loc[there.index, ["exporter", "importer", "hs_code"]]
    rows = rows.rename(columns={"exporter": "origin", "importer": "hub"})
    rows = rows.assign(destination=question.destination, estimate_usd=there, low_usd=there, high_usd=there)
    # The kind that the truth has of the hub: what cannot be told by hand is not held against it.
    is_seen = rows["hub"].isin(legs.observed_hubs)
    kinds = (DetourKind.DECLARED.value, DetourKind.ONWARD_UNOBSERVED.value)
    rows = rows.assign(kind=np.where(is_seen, *kinds))
    schema = pa.schema(
        [(key, pa.string()) for key in (*_KEYS, "kind")] + [(name, pa.float64()) for name in _AMOUNTS]
    )
    return pa.Table.from_pandas(rows, schema=schema, preserve_index=False)


def measured(setting: str, seed: int, *, is_listed: bool, spikes: int) -> list[dict[str, Any]]:
    """Run every method on one world."""
    world = build_world(WorldOptions(setting=setting, seed=seed))  # type: ignore[arg-type]
    rows: list[dict[str, Any]] = []
    with Engine(memory_limit="3GB") as engine:
        flows = reconciled(engine, world)
        question = question_of(world, calendar_of(flows).periods, is_listed=is_listed)
        start = time.perf_counter()
        legs = legs_of(engine, flows, question)
        loading = time.perf_counter() - start
        for name, method in BY_HAND.items():
            start = time.perf_counter()
            found = findings_of(legs, method(legs), question)
            seconds = loading + time.perf_counter() - start
            rows.append(_row(name, question, found, seconds))
        asked = options_of(question, spikes=spikes)
        rows.append(_ours("entrepot", flows, asked, engine, question))
        if is_listed:
            asked = replace(asked, origins=())
            rows.append(_ours("entrepot, origins not given", flows, asked, engine, question))
    return rows


def _ours(
    name: str, flows: nw.LazyFrame[Any], asked: DetourOptions, engine: Engine, question: Question
) -> dict[str, Any]:
    start = time.perf_counter()
    result = detours(flows, asked, engine=engine)
    row = _row(name, question, result.table, time.perf_counter() - start)
    whole = score_detours(result.table, question.truth, kinds=OWN)
    relay = score_detours(result.table, question.truth, kinds=[DetourKind.RELAY])
    treated = result.treated.filter(result.treated["is_treated"])["origin"].to_pylist()
    return row | {
        "whole error": whole.absolute_error,
        "whole hub error": whole.hub_error,
        "whole total": whole.estimate_usd / whole.true_usd,
        "low": result.headline.low_usd / whole.true_usd,
        "high": result.headline.high_usd / whole.true_usd,
        "relay": relay.estimate_usd / max(relay.true_usd, 1.0),
        "placebo": result.headline.placebo_share,
        "found": len({*treated} & {*question.origins}),
        "wrong": len({*treated} - {*question.origins}),
        "treated": len(question.origins),
    }


def _row(name: str, question: Question, found: pa.Table, seconds: float) -> dict[str, Any]:
    score = score_detours(found, question.truth)
    return {
        "method": name,
        "seed": question.world.options.seed,
        "true": score.true_usd,
        "error": score.absolute_error,
        "hub error": score.hub_error,
        "overlap": score.overlap,
        "total": score.estimate_usd / score.true_usd,
        "coverage": score.coverage,
        "larger half": score.larger_half_coverage,
        "seconds": seconds,
    }


def medians_table(rows: list[dict[str, Any]]) -> str:
    """Return the methods side by side, medians over the seeds."""
    table = pd.DataFrame(rows)
    lines = [
        "| method | absolute error | hub error | overlap | total ÷ truth | seconds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    figures = ["error", "hub error", "overlap", "total", "seconds"]
    middle = table.groupby("method", sort=False)[figures].median()
    for name, row in middle.iterrows():
        cells = [f"{row[column]:.2f}" for column in figures[:-1]] + [f"{row['seconds']:.1f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def seeds_table(rows: list[dict[str, Any]], method: str) -> str:
    """Return entrepot's result of every seed, with its intervals."""
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "seed": lambda row: f"{row['seed']}",
        "true volume, m USD": lambda row: f"{row['true'] / 1e6:,.0f}",
        "absolute error": lambda row: f"{row['error']:.2f}",
        "hub error": lambda row: f"{row['hub error']:.2f}",
        "all sent: absolute error": lambda row: f"{row['whole error']:.2f}",
        "all sent: hub error": lambda row: f"{row['whole hub error']:.2f}",
        "all sent: total ÷ truth": lambda row: f"{row['whole total']:.2f}",
        "90% interval ÷ truth": lambda row: f"{row['low']:.2f} to {row['high']:.2f}",
        "true rows in their interval": lambda row: f"{row['coverage']:.0%}",
        "of the larger half": lambda row: f"{row['larger half']:.0%}",
        "placebo ÷ estimate": lambda row: f"{row['placebo']:.1%}",
        "relay ÷ truth": lambda row: f"{row['relay']:.2f}",
        "origins found": lambda row: f"{row['found']} of {row['treated']}, {row['wrong']} wrong",
    }
    ours = [row for row in rows if row["method"] == method]
    lines = [list(columns), ["---:"] * len(columns)]
    lines += [[text(row) for text in columns.values()] for row in ours]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def report(*, smooth: Iterable[int], rough: Iterable[int], spikes: int) -> str:
    """Run everything and return the tables."""
    parts = []
    for title, setting, seeds, is_listed in (
        ("Smooth worlds, listed goods given", "smooth", smooth, True),
        ("Smooth worlds, goods not given", "smooth", smooth, False),
        ("Rough worlds, listed goods given", "rough", rough, True),
    ):
        rows: list[dict[str, Any]] = []
        for seed in seeds:
            rows += measured(setting, seed, is_listed=is_listed, spikes=spikes)
            print(f"{title}: seed {seed} done", file=sys.stderr, flush=True)
        if not rows:
            continue
        parts.append(f"### {title}\n\n{medians_table(rows)}")
        ours = dict.fromkeys(row["method"] for row in rows if "low" in row)
        parts += [f"{method}, seed by seed:\n\n{seeds_table(rows, method)}" for method in ours]
    return "\n\n".join(parts)


def write(tables: str) -> None:
    """Put the tables between the marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smooth", type=int, nargs="*", default=SMOOTH, help="seeds of the smooth worlds")
    parser.add_argument("--rough", type=int, nargs="*", default=ROUGH, help="seeds of the rough worlds")
    parser.add_argument("--spikes", type=int, default=100, help="sets of planted detours")
    parser.add_argument("--write", action="store_true", help=f"keep the tables in {PAGE.name}")
    chosen = parser.parse_args()
    tables = report(smooth=chosen.smooth, rough=chosen.rough, spikes=chosen.spikes)
    print(tables)
    if chosen.write:
        write(tables)


if __name__ == "__main__":
    main()
