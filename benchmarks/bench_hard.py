"""Detours in made-up worlds that are hard in the ways in which real data are.

    python benchmarks/bench_hard.py --write

Every world goes the way of a user: Comtrade files, a lake, a search in which the origins and the destinations
are named, the listed goods in rough worlds only, and the hubs nowhere. The same seed without any hardship
stands beside. With --write the table goes into docs/explanation/hard-worlds.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import period_text
from entrepot.model.world import (
    HARDSHIPS,
    OWN,
    WorldOptions,
    build_world,
    detour_truth,
    score_detours,
    write_comtrade,
)
from entrepot.pipeline import ingest
from entrepot.pipeline.detours import find_detours
from entrepot.sources.registry import open_source
from entrepot.store import Lake

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "hard-worlds.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
SEEDS = {"smooth": (41, 42, 43), "rough": (51, 52, 53)}
SIZE = {"areas": 36, "products": 80}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search made of one world, as shares of what was truly sent."""

    error: float
    hub_error: float
    total: float
    low: float
    high: float
    false_hubs: float


def outcome_of(setting: str, seed: int, hardship: str, *, spikes: int) -> Outcome:
    """Build a world, search it, and hold the result against the truth."""
    world = build_world(WorldOptions(setting=setting, seed=seed, **SIZE, **HARDSHIPS.get(hardship, {})))
    areas = world.truth_areas.to_pylist()

    def having(role: str) -> tuple[str, ...]:
        return tuple(row["area"] for row in areas if row["role"] == role)

    listed = tuple(row["hs_code"] for row in world.truth_products.to_pylist() if row["is_listed"])
    options = DetourOptions(
        event=world.event,
        origins=having("treated_origin"),
        destinations=having("destination"),
        products=listed if setting == "rough" else (),
        spikes=spikes,
    )
    with tempfile.TemporaryDirectory() as folder:
        files = write_comtrade(world, Path(folder) / "reports")
        report = ingest(open_source("comtrade"), [str(file) for file in files], lake=Path(folder) / "lake")
        if report.failed:
            raise SystemExit(f"{hardship}: {report.failed}")
        result = find_detours(Lake.open(Path(folder) / "lake"), options)
    truth = detour_truth(world, [period_text(period, is_monthly=True) for period in result.windows.after])
    score = score_detours(result.table, truth, kinds=OWN)
    hubs, sent = set(having("hub")), score.true_usd
    wrong = sum(row["estimate_usd"] or 0.0 for row in result.hubs.to_pylist() if row["hub"] not in hubs)
    head = result.headline
    ends = (head.low_usd / sent, head.high_usd / sent)
    return Outcome(
        score.absolute_error, score.hub_error, head.estimate_usd / sent, *ends, false_hubs=wrong / sent
    )


def table_of(found: dict[tuple[str, str], list[Outcome]]) -> str:
    """Return the figures as a Markdown table: medians over the seeds."""
    lines = [
        "| worlds | hardship | error by row | by hub | total ÷ truth | false hubs | truth in the interval |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for (setting, name), outcomes in found.items():
        median = {
            field: float(np.median([getattr(one, field) for one in outcomes]))
            for field in ("error", "hub_error", "false_hubs")
        }
        totals = ", ".join(f"{one.total:.2f}" for one in outcomes)
        inside = sum(one.low <= 1.0 <= one.high for one in outcomes)
        lines.append(
            f"| {setting} | {name} | {median['error']:.2f} | {median['hub_error']:.2f} | {totals} | "
            f"{median['false_hubs']:.0%} | {inside} of {len(outcomes)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print and, where asked, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    parser.add_argument("--spikes", type=int, default=40)
    parser.add_argument("--only", nargs="+", choices=["none", *HARDSHIPS], default=["none", *HARDSHIPS])
    arguments = parser.parse_args()
    found: dict[tuple[str, str], list[Outcome]] = {}
    for setting, seeds in SEEDS.items():
        for name in arguments.only:
            for seed in seeds:
                began = time.process_time()
                one = outcome_of(setting, seed, name, spikes=arguments.spikes)
                found.setdefault((setting, name), []).append(one)
                print(setting, seed, name, one, f"{time.process_time() - began:.0f} s", flush=True)
    table = table_of(found)
    print(table)
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
