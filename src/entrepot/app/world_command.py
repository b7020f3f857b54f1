"""``entrepot world``: a made-up world with a known truth, as Comtrade files."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import Annotated, Any, cast

import typer
from rich.console import Console

from entrepot.app.cli import app
from entrepot.errors import OptionError
from entrepot.model.world import (
    FEWEST_AFTER,
    HARDSHIPS,
    Setting,
    WorldOptions,
    build_world,
    write_comtrade,
    write_truth,
)

__all__ = ["world_command"]

_DEFAULT = WorldOptions()


@app.command("world")
def world_command(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the files; reports/ and truth/ are made in it.")],
    setting: Annotated[str, typer.Option(help="smooth, or rough as real trade by HS6.")] = _DEFAULT.setting,
    seed: Annotated[int, typer.Option(help="Everything is drawn from it.")] = _DEFAULT.seed,
    areas: Annotated[int, typer.Option(help="Number of areas.")] = _DEFAULT.areas,
    products: Annotated[int, typer.Option(help="Number of products.")] = _DEFAULT.products,
    months: Annotated[int, typer.Option(help="Number of months.")] = _DEFAULT.months,
    event_month: Annotated[
        int | None, typer.Option(help="Months before the event; default 22, fewer in a shorter world.")
    ] = None,
    chains: Annotated[int, typer.Option(help="Round trips through two vias.")] = _DEFAULT.chains,
    hard: Annotated[
        list[str] | None,
        typer.Option(help=f"What makes real data hard, may be repeated: {', '.join(HARDSHIPS)}; or all."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No event: nothing is cut or detoured.")] = False,
) -> None:
    """Write a made-up world with known detours: UN Comtrade files, and the truth beside them."""
    options = WorldOptions(
        setting=cast("Setting", setting),
        seed=seed,
        areas=areas,
        products=products,
        months=months,
        event_month=_usual_event(months) if event_month is None else event_month,
        chains=chains,
        quiet=quiet,
        **_hardships(hard or []),
    )
    made = build_world(options)
    reports = write_comtrade(made, out / "reports")
    write_truth(made, out / "truth")
    happened = f"event in {made.event}" if not quiet else "no event"
    Console(stderr=True, highlight=False).print(
        f"{made.reports.num_rows:,} reports in {len(reports)} files in {out / 'reports'}, {happened}; "
        f"the truth is in {out / 'truth'}"
    )


def _hardships(names: list[str]) -> dict[str, Any]:
    """Return the options of a world that is hard in these ways."""
    unknown = sorted(set(names) - {*HARDSHIPS, "all"})
    if unknown:
        raise OptionError(
            f"a world cannot be hard by {', '.join(unknown)}",
            where="--hard",
            hint=f"use one or more of: {', '.join(HARDSHIPS)}; or all",
        )
    chosen = HARDSHIPS if "all" in names else {name: HARDSHIPS[name] for name in names}
    return {name: value for options in chosen.values() for name, value in options.items()}


def _usual_event(months: int) -> int:
    """Return the months before an event that was not dated: in a world too short for it, as far into it."""
    usual = _DEFAULT.event_month
    return usual if months >= usual + FEWEST_AFTER else months * usual // _DEFAULT.months
