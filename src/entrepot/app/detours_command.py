"""The commands ``detours`` and ``screen``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from entrepot.app.arguments import EngineOption, parse_areas, parse_day, parse_engine, parse_sources
from entrepot.app.cli import app
from entrepot.app.revision_options import HsRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.detect.options import GROUP_KEYS, DetourOptions
from entrepot.detect.periods import parse_period, parse_span
from entrepot.errors import OptionError
from entrepot.nomenclature import resolve_areas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrepot.detect.result import DetourResult
    from entrepot.engine import EngineName
    from entrepot.pipeline.revisions import RevisionChoice

__all__ = ["detours_command", "screen_command"]

#: Groups that are one customs territory: their members' exports are pooled.
_CUSTOMS_UNIONS = ("EU", "EU15", "EU27", "EU28", "EACU", "EAEU", "SACU")

_LakeOption = Annotated[Path, typer.Option(help="folder of the lake")]
_EventOption = Annotated[str, typer.Option(help="month of the event, 2022-03; a year for annual data")]
_BeforeOption = Annotated[
    str | None, typer.Option(help="first:last month before; default the 24 to two before")
]
_AfterOption = Annotated[str | None, typer.Option(help="first:last month after; default from two after on")]
_ProductsOption = Annotated[
    str | None, typer.Option(help="codes, list names (CHPL, CHPL:1) or @file; default all goods")
]
_ByOption = Annotated[str, typer.Option(help="keys of the rows: origin,hub,destination,hs_code,period")]
_OutOption = Annotated[str, typer.Option(help=".csv, .parquet, .xlsx or .json; - prints CSV")]
_PageOption = Annotated[Path | None, typer.Option(help="also write a self-contained HTML page here")]
_AsOfOption = Annotated[str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")]
_SourceOption = Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")]
_SpikesOption = Annotated[int, typer.Option(help="sets of planted detours that calibrate the intervals")]
_SeedOption = Annotated[int, typer.Option(help="seed of all draws")]
_MemoryOption = Annotated[
    str, typer.Option(help="memory of the engine, on Spark of each task; larger work spills to disk")
]


_ALL_KEYS = ",".join(GROUP_KEYS)


@app.command("detours")
def detours_command(
    *,
    lake: _LakeOption,
    event: _EventOption,
    out: _OutOption,
    before: _BeforeOption = None,
    after: _AfterOption = None,
    origin: Annotated[str | None, typer.Option(help="areas or groups that the goods come from")] = None,
    hub: Annotated[str | None, typer.Option(help="areas or groups that they may pass")] = None,
    destination: Annotated[str | None, typer.Option(help="areas or groups where they end")] = None,
    products: _ProductsOption = None,
    by: _ByOption = _ALL_KEYS,
    page: _PageOption = None,
    as_of: _AsOfOption = None,
    source: _SourceOption = None,
    z: Annotated[float, typer.Option(help="departures within so many standard deviations are noise")] = 1.0,
    spikes: _SpikesOption = 100,
    seed: _SeedOption = 0,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: _MemoryOption = "4GB",
    engine: EngineOption = "duckdb",
) -> None:
    """Estimate what took a detour after an event: origin, hub, destination instead of the direct road.

    Example: entrepot detours --lake lake --event 2022-03 --origin EU27 --destination RUS --out detours.csv
    """
    revision = parse_revision(hs_revision, hs_shares)
    day = _event_day(event)
    origins = parse_areas(origin, option="--origin", on=day)
    destinations = parse_areas(destination, option="--destination", on=day)
    options = DetourOptions(
        event=event,
        before=before,
        after=after,
        origins=origins,
        hubs=_hubs(parse_areas(hub, option="--hub", on=day), origins, destinations),
        destinations=destinations,
        products=product_list(products, revision),
        pooled_origins=_pooled(origin, event),
        by=_keys(by),
        z=z,
        spikes=spikes,
        seed=seed,
    )
    where = _Where(lake, out, page, parse_engine(engine), memory)
    asked = _Asked(parse_day(as_of, option="--as-of"), source, revision)
    _run(options, where, asked)


@app.command("screen")
def screen_command(
    *,
    lake: _LakeOption,
    event: _EventOption,
    out: _OutOption,
    before: _BeforeOption = None,
    after: _AfterOption = None,
    products: _ProductsOption = None,
    by: _ByOption = _ALL_KEYS,
    page: _PageOption = None,
    as_of: _AsOfOption = None,
    source: _SourceOption = None,
    spikes: _SpikesOption = 100,
    seed: _SeedOption = 0,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: _MemoryOption = "4GB",
    engine: EngineOption = "duckdb",
) -> None:
    """Search the whole world for detours after an event, no suspects given.

    Example: entrepot screen --lake lake --event 2022-03 --products CHPL --out detours.xlsx
    """
    revision = parse_revision(hs_revision, hs_shares)
    options = DetourOptions(
        event=event,
        before=before,
        after=after,
        products=product_list(products, revision),
        by=_keys(by),
        spikes=spikes,
        seed=seed,
    )
    where = _Where(lake, out, page, parse_engine(engine), memory)
    asked = _Asked(parse_day(as_of, option="--as-of"), source, revision)
    _run(options, where, asked)


def _hubs(hubs: tuple[str, ...], origins: tuple[str, ...], destinations: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hubs without the destinations, which a group may hold; refuse those that can be none.

    Without hubs all areas are hubs: an answer to another question must not come of a slip.
    """
    between = tuple(code for code in hubs if code not in destinations)
    if hubs and (not between or (len(origins) == 1 and between == origins)):
        raise OptionError(
            f"{', '.join(hubs)} can be no hub: it is where the goods come from or end",
            where="--hub",
            hint="name areas between the two, or leave --hub out to search among all",
        )
    return between


def _event_day(event: str) -> date:
    """Return the first day of the event's period.

    Raises
    ------
    OptionError
        The text is no period.
    """
    number = parse_period(event, option="--event")
    year, month = divmod(number, 12) if "-" in event else (number, 0)
    return date(max(year, 1), month + 1, 1)


def _pooled(origin: str | None, event: str) -> tuple[str, ...]:
    """Return the members of the customs union that was named as an origin."""
    named = [part.strip().upper() for part in (origin or "").split(",")]
    unions = list(dict.fromkeys(name for name in named if name in _CUSTOMS_UNIONS))
    if len(unions) > 1:
        raise OptionError(
            f"{', '.join(unions)} are {len(unions)} customs unions; one can be pooled",
            where="--origin",
            hint="name one union, and the members of the other one by one",
        )
    return resolve_areas(unions[0], on=_event_day(event)) if unions else ()


def _keys(text: str) -> tuple[str, ...]:
    names = {"month": "period", "product": "hs_code", "products": "hs_code"}
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    return tuple(names.get(part, part) for part in parts)


@dataclass(frozen=True, slots=True)
class _Where:
    """What a run reads and writes, and on what it runs."""

    lake: Path
    out: str
    page: Path | None
    engine: EngineName
    memory: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which reports of the lake are asked for, as far as the lake has been opened."""

    as_of: date | None
    source: str | None
    revision: RevisionChoice | None


def _run(options: DetourOptions, where: _Where, asked: _Asked) -> None:
    # Heavy imports wait until the options are known to be right: `--help` and typing errors answer at once.
    from entrepot.pipeline.choices import ReportChoice  # noqa: PLC0415
    from entrepot.pipeline.detours import find_detours  # noqa: PLC0415
    from entrepot.report import about_detours, check_out, print_detours, write_page, write_table  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    _event_day(options.event)
    for option, span in (("--before", options.before), ("--after", options.after)):
        if span is not None:
            parse_span(span, option=option)
    check_out(where.out)
    if where.page is not None:
        check_out(where.page, suffixes=(".html", ".htm"))
    opened = Lake.open(where.lake)
    sources = parse_sources(asked.source, known=opened.files()["source"].to_pylist())
    choice = ReportChoice(as_of=asked.as_of, sources=sources, revision=asked.revision)
    notes: list[str] = []
    with _progress() as progress:
        result: DetourResult = find_detours(
            opened,
            options,
            choice=choice,
            memory_limit=where.memory,
            engine=where.engine,
            progress=progress,
            tell=notes.append,
        )
    about = about_detours(result, sources=opened.files().to_pylist())
    if asked.revision is not None:
        about |= {"hs_revision": f"{asked.revision.revision}, shares of split codes: {asked.revision.shares}"}
    about |= {"codes": "; ".join(notes)} if notes else {}
    write_table(result.table, where.out, about=about)
    if where.page is not None:
        write_page(result, where.page, about=about)
    console = Console(stderr=where.out == "-", highlight=False)
    print_detours(result, console)
    for note in notes:
        console.print(f"note: {note}", markup=False)
    for path in (where.out, where.page):
        if path is not None and str(path) != "-":
            console.print(f"written: {path}", markup=False)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show the calibration's progress on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    bar = Progress(
        TextColumn("calibrating on planted detours"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("calibration", total=None)
        yield lambda done, every: bar.update(task, completed=done, total=every)
