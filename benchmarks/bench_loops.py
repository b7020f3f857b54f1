"""Round trips found in made-up worlds whose round trips are known: what is found, how far off, how sure.

    python benchmarks/bench_loops.py --smooth 801 802 --rough 811 --without 821 --results loops.jsonl
    python benchmarks/bench_loops.py --results loops.jsonl --write

Worlds of 44 areas, 120 products and 36 months; all makers and vias are searched, the first month is that of
the event. Every world is appended to the results as soon as it is done, so that several runs may share the
work. With --write the tables go into docs/explanation/round-trips.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from bench_detours import reconciled

from entrepot.detect.loops.options import LoopOptions
from entrepot.detect.loops.round_trips import loops
from entrepot.engine import Engine
from entrepot.model.world import WorldOptions, build_world, loop_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.model.world.options import Setting

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "round-trips.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
KEYS = ("maker", "via", "second_via", "hs_code")
CHAINS = 3
MARKUP = 0.05
RATIOS = ((0.0, 0.5), (0.5, 1.0), (1.0, 3.0), (3.0, float("inf")))


def measure(
    setting: Setting, seed: int, *, has_loops: bool, stations: int, size: tuple[int, int]
) -> dict[str, Any]:
    """Return what is true and what is found in one world: a row a round trip."""
    world = build_world(
        WorldOptions(
            areas=size[0],
            products=size[1],
            setting=setting,
            seed=seed,
            loops=has_loops,
            two_way_loops=has_loops,
            chains=CHAINS * has_loops,
        )
    )
    with Engine(memory_limit="3GB") as engine:
        flows = reconciled(engine, world)
        began, used = time.perf_counter(), time.process_time()
        result = loops(flows, LoopOptions(since=world.event, stations=stations), engine=engine)
        seconds = (time.perf_counter() - began, time.process_time() - used)
    answers = pa.concat_tables([result.table, result.unlisted]).to_pylist()
    own = {tuple(row[key] for key in KEYS): row for row in answers}
    found = {key: row for key, row in own.items() if row["estimate_usd"]}
    true = {tuple(row[key] for key in KEYS): row for row in loop_truth(world).to_pylist()}
    largest = max(found, key=lambda key: found[key]["estimate_usd"], default=None)
    by_kind = {
        is_chain: {key: row for key, row in found.items() if (key[2] is not None) == is_chain}
        for is_chain in (False, True)
    }
    return {
        "setting": setting,
        "size": f"{size[0]} areas, {size[1]} products",
        "seed": seed,
        "has_loops": has_loops,
        "trips": [_beside(row, own.get(key)) for key, row in true.items()],
        "findings": [len(rows) for rows in by_kind.values()],
        "found_usd": [sum(row["estimate_usd"] for row in rows.values()) for rows in by_kind.values()],
        "true_usd": [
            sum(min(row["estimate_usd"], true[k]["usd"]) for k, row in rows.items() if k in true)
            for rows in by_kind.values()
        ],
        "is_first_true": largest is not None and largest[:3] in {key[:3] for key in true},
        "seconds": seconds[0],
        "processor_seconds": seconds[1],
    }


def _beside(true: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    answer = answer or {}
    return {
        "is_chain": true["second_via"] is not None,
        "true_usd": true["usd"],
        # null and infinite: the pair had no trade of its own
        "ratio": true["factor"] if true["factor"] is not None and np.isfinite(true["factor"]) else None,
        "true_markup": true["markup"],
        "true_lag": true["lag_months"],
        "two_way": bool((answer.get("expected_back_usd") or 0.0) > 0.0),
        **{
            name: answer.get(name)
            for name in (
                "estimate_usd", "low_usd", "high_usd", "markup", "markup_low", "markup_high",
                "lag_months", "lag_low", "lag_high",
            )
        },
    }  # fmt: skip


def summary(worlds: Sequence[dict[str, Any]], *, is_chain: bool) -> dict[str, str]:
    """Return one column of the table: figures over all round trips, or chains, of some worlds."""
    by_world = [[t for t in world["trips"] if t["is_chain"] == is_chain] for world in worlds]
    trips = [trip for world in by_world for trip in world]
    found = [trip for trip in trips if trip["estimate_usd"]]
    told = [trip for trip in found if trip["markup"] is not None]
    error = np.array([abs(trip["estimate_usd"] / trip["true_usd"] - 1.0) for trip in found])
    markup = np.array([abs(trip["markup"] - trip["true_markup"]) for trip in told])
    lag = np.array([abs(trip["lag_months"] - trip["true_lag"]) for trip in found])
    rows = {
        "worlds": "; ".join(sorted({world.get("size", "44 areas, 120 products") for world in worlds})),
        "seeds": ", ".join(str(world["seed"]) for world in worlds),
        "trips (products)": str(len(trips)),
        **(
            {}
            if is_chain
            else {"in products that the via sold to the maker before": _share([t["two_way"] for t in trips])}
        ),
        "found": _share([bool(t["estimate_usd"]) for t in trips]),
        "found, by world": ", ".join(
            f"{sum(bool(t['estimate_usd']) for t in own)}/{len(own)}" for own in by_world
        ),
    }
    for low, high in RATIOS:
        some = [t for t in trips if t["ratio"] is not None and low <= t["ratio"] < high]
        rows[f"found, {_ratio(low, high)} of the trade of its own"] = _of(some)
    rows["found, no trade of its own since"] = _of([t for t in trips if t["ratio"] is None])
    return rows | {
        "median error of the amount": _percent(np.median(error)),
        "amount within 25%, of those found": _percent((error <= 0.25).mean()),
        "median error of the mark-up": f"{np.median(markup):.2f}",
        "mark-up within 0.05, of those told": _percent((markup <= MARKUP).mean()),
        **{
            f"mark-up within 0.05, {_ratio(low, high)} of the trade of its own": _near(told, low, high)
            for low, high in RATIOS[:-1]
        },
        "mark-up in its 90% interval, of those told": _share(
            [t["markup_low"] <= t["true_markup"] <= t["markup_high"] for t in told]
        ),
        "lag right within a month": _percent((lag <= 1).mean()),
        "lag right to the month": _percent((lag == 0).mean()),
        "lag in its 90% interval": _share([t["lag_low"] <= t["true_lag"] <= t["lag_high"] for t in found]),
        "true share of the volume found, by world": ", ".join(
            _percent(w["true_usd"][is_chain] / w["found_usd"][is_chain]) if w["found_usd"][is_chain] else "–"
            for w in worlds
        ),
        "the largest finding of all is true": f"{sum(w['is_first_true'] for w in worlds)} of {len(worlds)}",
        "amount in its 90% interval, of those found": _share([_inside(t) for t in found]),
        "amount in its interval, misses counted": _share([_inside(t) for t in trips]),
        "misses without any row": str(sum(t["high_usd"] is None for t in trips)),
        "seconds of the processor, a world": f"{np.median([w['processor_seconds'] for w in worlds]):.0f}",
    }


def _inside(trip: dict[str, Any]) -> bool:
    return trip["high_usd"] is not None and trip["low_usd"] <= trip["true_usd"] <= trip["high_usd"]


def _ratio(low: float, high: float) -> str:
    if low == 0:
        return f"under {high:g}"
    return f"{low:g} and more" if high == float("inf") else f"{low:g}–{high:g}"


def _of(trips: Sequence[dict[str, Any]]) -> str:
    return f"{sum(bool(t['estimate_usd']) for t in trips)}/{len(trips)}"


def _near(told: Sequence[dict[str, Any]], low: float, high: float) -> str:
    some = [t for t in told if t["ratio"] is not None and low <= t["ratio"] < high]
    return f"{sum(abs(t['markup'] - t['true_markup']) <= MARKUP for t in some)}/{len(some)}"


def _share(flags: Sequence[bool]) -> str:
    return f"{_percent(np.mean(flags))} ({sum(flags)} of {len(flags)})" if flags else "–"


def _percent(share: float) -> str:
    return f"{100.0 * float(share):.0f}%"


def tables(worlds: Sequence[dict[str, Any]]) -> str:
    """Return the tables of all worlds measured."""
    with_loops = [w for w in worlds if w["has_loops"]]
    settings = [s for s in ("smooth", "rough") if any(w["setting"] == s for w in with_loops)]
    lines: list[str] = []
    for is_chain, title in ((False, "maker → via → maker"), (True, "maker → via → second via → maker")):
        columns = [
            summary([w for w in with_loops if w["setting"] == setting], is_chain=is_chain)
            for setting in settings
        ]
        if columns:
            lines += [f"| {title} | {' | '.join(settings)} |", f"|---{'|---' * len(columns)}|"]
            lines += [f"| {name} | {' | '.join(c[name] for c in columns)} |" for name in columns[0]]
            lines.append("")
    without = [w for w in worlds if not w["has_loops"]]
    if without:
        lines.append(
            "| worlds without new round trips | seeds | with a round trip at q < 0.1 | with a chain |"
        )
        lines.append("|---|---|---|---|")
    for setting in ("smooth", "rough"):
        some = [w for w in without if w["setting"] == setting]
        if some:
            seeds = ", ".join(str(w["seed"]) for w in some)
            found = [f"{sum(w['findings'][kind] > 0 for w in some)} of {len(some)}" for kind in (0, 1)]
            lines.append(f"| {setting} | {seeds} | {' | '.join(found)} |")
    return "\n".join(lines).strip()


def _appended(path: Path, world: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(world) + "\n")
    print(
        f"{world['setting']} {world['seed']}: {sum(world['findings'])} findings, "
        f"{sum(bool(t['estimate_usd']) for t in world['trips'])} of {len(world['trips'])} true ones, "
        f"{world['seconds']:.0f} s, {world['processor_seconds']:.0f} s of the processor",
        file=sys.stderr,
        flush=True,
    )


def main() -> None:
    """Measure the worlds asked for, and print the tables of all results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("smooth", "rough", "without", "rough-without"):
        parser.add_argument(f"--{name}", type=int, nargs="*", default=[], help="seeds")
    parser.add_argument("--size", type=int, nargs=2, default=(44, 120), help="areas and products")
    parser.add_argument("--stations", type=int, default=2, help="1 leaves chains out")
    parser.add_argument("--results", type=Path, default=Path("bench-data/loops.jsonl"))
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    asked = parser.parse_args()
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    kinds: tuple[tuple[list[int], Setting, bool], ...] = (
        (asked.smooth, "smooth", True),
        (asked.rough, "rough", True),
        (asked.without, "smooth", False),
        (asked.rough_without, "rough", False),
    )
    for seeds, setting, has_loops in kinds:
        for seed in seeds:
            _appended(
                asked.results,
                measure(setting, seed, has_loops=has_loops, stations=asked.stations, size=tuple(asked.size)),
            )
    if not asked.results.exists():
        sys.exit(f"error: {asked.results} holds no results: name the seeds of worlds to measure")
    every = [json.loads(line) for line in asked.results.read_text(encoding="utf-8").splitlines()]
    last = {(world["setting"], world["seed"], world["has_loops"]): world for world in every}
    worlds = [last[key] for key in sorted(last)]
    printed = tables(worlds)
    print(printed)
    if asked.write:
        page = PAGE.read_text(encoding="utf-8")
        head, _, rest = page.partition(BEGIN)
        tail = rest.partition(END)[2]
        PAGE.write_text(f"{head}{BEGIN}\n{printed}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
