"""``entrepot demo``: the main job on a made-up world, with the truth beside the findings."""

from __future__ import annotations

import shutil
import time
from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.compute as pc
import typer
from rich.console import Console
from rich.table import Table

from entrepot.app.cli import app
from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import period_text
from entrepot.errors import LakeError
from entrepot.model.world import (
    OWN,
    WorldOptions,
    build_world,
    detour_truth,
    score_detours,
    write_comtrade,
    write_truth,
)
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from entrepot.detect.result import DetourResult
    from entrepot.model.world import World

__all__ = ["demo_command"]

_MARK = ".entrepot-demo"


@app.command("demo")
def demo_command(
    *,
    out: Annotated[Path, typer.Option(help="folder for everything; an earlier demo in it is replaced")],
    seed: Annotated[int, typer.Option(help="seed of the world")] = 7,
    areas: Annotated[int, typer.Option(help="number of areas")] = 36,
    products: Annotated[int, typer.Option(help="number of products")] = 100,
    months: Annotated[int, typer.Option(help="number of months")] = 36,
    spikes: Annotated[int, typer.Option(help="sets of planted detours that calibrate the intervals")] = 100,
) -> None:
    """Make a world with known detours, take its files into a lake, find the detours, write a page.

    Everything is offline. The findings know nothing of the truth that they are compared with at the end.
    """
    # Heavy imports wait: `--help` answers at once.
    from entrepot.pipeline.detours import find_detours  # noqa: PLC0415
    from entrepot.pipeline.intake import ingest  # noqa: PLC0415
    from entrepot.report import about_detours, print_detours, write_page, write_table  # noqa: PLC0415
    from entrepot.sources.registry import open_source  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    console = Console(highlight=False)
    start = time.monotonic()
    _clear(out)

    def step(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - start:5.1f} s[/]  {text}")

    step(f"making a world of {areas} areas, {products} products and {months} months with known detours")
    world = build_world(WorldOptions(areas=areas, products=products, months=months, seed=seed))
    files = write_comtrade(world, out / "reports")
    write_truth(world, out / "truth")
    step(f"{world.reports.num_rows:,} reports written as {len(files)} UN Comtrade downloads: {out}/reports")
    report = ingest(open_source("comtrade"), [str(path) for path in files], lake=out / "lake")
    for file in report.files:
        if file.error is not None:
            raise file.error
    stored = sum(file.rows_stored for file in report.files)
    step(f"{stored:,} rows in the lake, {report.rows_quarantined:,} in quarantine: {out}/lake")
    destinations, listed = _question(world)
    lake = Lake.open(out / "lake")
    step(f"looking for what still reaches {', '.join(destinations)} after {world.event}")
    result = find_detours(
        lake, DetourOptions(event=world.event, destinations=destinations, products=listed, spikes=spikes)
    )
    about = about_detours(result, sources=lake.files().to_pylist())
    write_table(result.table, out / "detours.csv", about=about)
    write_table(result.table, out / "detours.xlsx", about=about)
    write_page(result, out / "index.html", about=about)
    step("done\n")
    print_detours(result, console)
    _compare(world, result, console)
    command = (
        f"entrepot detours --lake {out}/lake --event {world.event} "
        f"--destination {','.join(destinations)} --products @{out}/listed.txt --out detours.csv"
    )
    (out / "listed.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    console.print("\n[bold]Open[/] (no network needed)")
    console.print(f"  {out}/index.html     the page to hand on", markup=False)
    console.print(
        f"  {out}/detours.xlsx   every row with its interval and the figures behind it", markup=False
    )
    console.print("\n[bold]The same by hand[/]")
    console.print(f"  {command}", markup=False, soft_wrap=True)


def _clear(out: Path) -> None:
    """Make the folder; replace an earlier demo, touch nothing else."""
    if out.exists() and any(out.iterdir()) and not (out / _MARK).exists():
        raise LakeError(
            "the folder is not empty and holds no earlier demo",
            where=str(out),
            hint="give an empty or a new folder",
        )
    try:
        if out.exists():
            shutil.rmtree(out)
        out.mkdir(parents=True)
        (out / _MARK).touch()
    except OSError as error:
        raise LakeError(
            f"the folder cannot be made: {error.strerror}",
            where=str(out),
            hint="choose a folder that you may write to",
        ) from error


def _question(world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what an analyst would know: the destination of the embargo and the goods on its list."""
    areas, goods = world.truth_areas.to_pylist(), world.truth_products.to_pylist()
    return (
        tuple(row["area"] for row in areas if row["role"] == "destination"),
        tuple(row["hs_code"] for row in goods if row["is_listed"]),
    )


def _compare(world: World, result: DetourResult, console: Console) -> None:
    """Print the truth beside the findings, by hub."""
    periods = [period_text(p, is_monthly=True) for p in result.windows.after]
    truth = detour_truth(world, periods)
    own = pa.array([kind.value for kind in OWN], pa.string())
    by_hub = truth.filter(pc.is_in(truth["kind"], value_set=own)).group_by("hub").aggregate([("usd", "sum")])
    true = dict(zip(by_hub["hub"].to_pylist(), by_hub["usd_sum"].to_pylist(), strict=True))
    rows = {row["hub"]: row for row in result.hubs.to_pylist()}
    table = Table(
        title="The truth of this world beside the findings, million USD", title_justify="left", box=None
    )
    table.add_column("hub")
    for name in ("estimate", "low", "high", "truth"):
        table.add_column(name, justify="right")
    largest = sorted(
        {*true, *rows}, key=lambda hub: -max(true.get(hub, 0.0), rows.get(hub, {}).get("estimate_usd") or 0.0)
    )
    for hub in largest[:12]:
        row = rows.get(hub, {})
        figures = [row.get(name) for name in ("estimate_usd", "low_usd", "high_usd")]
        table.add_row(hub, *["–" if f is None else f"{f / 1e6:,.1f}" for f in [*figures, true.get(hub, 0.0)]])
    score = score_detours(result.table, truth, kinds=OWN)
    relay = score_detours(result.table, truth, kinds=[DetourKind.RELAY])
    console.print()
    console.print(table)
    console.print(
        f"In all {score.estimate_usd / 1e6:,.0f} estimated, {score.true_usd / 1e6:,.0f} true; "
        f"off by {score.hub_error:.0%} over hubs and by {score.absolute_error:.0%} over single rows. "
        f"Relayed by others: {relay.estimate_usd / 1e6:,.0f} estimated, {relay.true_usd / 1e6:,.0f} true."
    )
