"""Detours in worlds of a second generator, which shares nothing with the package's own.

    python benchmarks/bench_other.py [--seeds 1 2 3 --settings smooth rough --write]

Every world goes the way of a user: one table of all reports, a mapping, a lake, a search in which the
origins, the destination and the listed goods are named, the hubs nowhere. With --write the table goes into
docs/explanation/methods-compared.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from other_world import OtherWorld  # noqa: E402  beside this file

from entrepot.detect.options import DetourOptions  # noqa: E402
from entrepot.detect.periods import period_text  # noqa: E402
from entrepot.model.world import OWN, score_detours  # noqa: E402
from entrepot.pipeline import ingest  # noqa: E402
from entrepot.pipeline.detours import find_detours  # noqa: E402
from entrepot.sources.registry import open_source  # noqa: E402
from entrepot.store import Lake  # noqa: E402

PAGE = HERE.parent / "docs" / "explanation" / "methods-compared.md"
BEGIN, END = "<!-- other generator: begin -->", "<!-- other generator: end -->"
HEAD = (
    "| world | true volume, m USD | absolute error | hub error | overlap | total ÷ truth | "
    "90% interval ÷ truth | true rows in their interval | false hubs |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def measured(world: OtherWorld, *, spikes: int) -> str:
    """Search one world and return its line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        table, mapping = world.write(Path(folder) / "reports")
        report = ingest(open_source(f"csv:{mapping}"), [table], lake=Path(folder) / "lake")
        if report.failed:
            raise SystemExit(f"{world}: {report.failed}")
        options = DetourOptions(
            event=world.periods[world.event],
            origins=world.origin_names,
            destinations=(world.destination,),
            products=world.listed,
            spikes=spikes,
        )
        result = find_detours(Lake.open(Path(folder) / "lake"), options)
    after = [period_text(period, is_monthly=True) for period in result.windows.after]
    score = score_detours(result.table, world.truth(after), kinds=OWN)
    sent, head = score.true_usd, result.headline
    wrong = sum(
        row["estimate_usd"] or 0.0 for row in result.hubs.to_pylist() if row["hub"] not in world.hub_names
    )
    cells = [
        f"{world.setting} {world.seed}",
        f"{sent / 1e6:,.1f}",
        f"{score.absolute_error:.2f}",
        f"{score.hub_error:.2f}",
        f"{score.overlap:.2f}",
        f"{score.estimate_usd / sent:.2f}",
        f"{head.low_usd / sent:.2f} to {head.high_usd / sent:.2f}",
        f"{score.coverage:.0%}",
        f"{wrong / sent:.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure, print and, where asked, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    parser.add_argument("--spikes", type=int, default=60)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--settings", nargs="+", choices=["smooth", "rough"], default=["smooth", "rough"])
    asked = parser.parse_args()
    print(HEAD)
    lines = []
    for setting in asked.settings:
        for seed in asked.seeds:
            lines.append(measured(OtherWorld(seed, setting), spikes=asked.spikes))
            print(lines[-1], flush=True)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        table = "\n".join([HEAD, *lines])
        PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
