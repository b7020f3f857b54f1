"""The command ``fetch``."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape

from entrepot.app.arguments import parse_areas
from entrepot.app.cli import app
from entrepot.app.messages import show_error
from entrepot.errors import OptionError
from entrepot.nomenclature import product_codes
from entrepot.schema import FlowKind  # noqa: TC001  (typer reads the annotation)
from entrepot.sources.fetchers import FETCHERS, fetch, key_variable
from entrepot.sources.fetching.questions import FetchOptions, FetchQuery, parse_periods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrepot.sources.fetching.questions import Method
    from entrepot.sources.fetching.reports import FetchReport, FetchStep, PartReport

__all__ = ["fetch_command"]

_ERRORS = Console(stderr=True, highlight=False)
_METHODS = ("preview", "get", "bulk")


@app.command("fetch")
def fetch_command(
    source: Annotated[str, typer.Argument(help=f"publisher: {', '.join(FETCHERS)}")],
    *,
    to: Annotated[Path, typer.Option(help="folder for the files, one publisher each; made if there is none")],
    periods: Annotated[
        str | None, typer.Option(help="2022-01:2022-12 for months, 2019:2023 for years")
    ] = None,
    reporter: Annotated[
        str | None, typer.Option(help="reporting areas or groups (comtrade); default all")
    ] = None,
    partner: Annotated[
        str | None, typer.Option(help="partner areas or groups (comtrade); default all")
    ] = None,
    flow: Annotated[
        list[FlowKind] | None,
        typer.Option(help="flow, may be repeated (comtrade); default all", metavar="import|export|…"),
    ] = None,
    products: Annotated[
        str | None,
        typer.Option(help="HS codes, list names, TOTAL or @file (comtrade); default all six-digit"),
    ] = None,
    hs_revision: Annotated[
        str | None, typer.Option(help="HS revision, such as HS2017 (comtrade, baci, un_hs)")
    ] = None,
    release: Annotated[str | None, typer.Option(help="release, such as V202601 (baci)")] = None,
    method: Annotated[
        str | None,
        typer.Option(help="service of comtrade: preview (no key), get (key), bulk (premium key)"),
    ] = None,
    row_limit: Annotated[
        int, typer.Option(help="rows at which comtrade cuts an answer to your key, if not 100,000", min=0)
    ] = 0,
    key: Annotated[
        str | None,
        typer.Option(
            help=f"your key; better set {key_variable('comtrade')}: others see what stands on a command line"
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="address of a mirror in place of the publisher's")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be fetched")] = False,
) -> None:
    """Fetch a publisher's files: resumed, checked, and never half there; then say what to type next.

    Example: entrepot fetch comtrade --periods 2022-01:2022-12 --reporter CHN --partner EAEU --to china
    """
    if method not in {None, *_METHODS}:
        raise OptionError(f"{method!r} is no service", where="--method", hint=f"use {', '.join(_METHODS)}")
    query = FetchQuery(
        periods=parse_periods(periods) if periods is not None else (),
        reporters=parse_areas(reporter, option="--reporter"),
        partners=parse_areas(partner, option="--partner"),
        flows=tuple(dict.fromkeys(flow or ())),
        products=product_codes(products) if products is not None else (),
        hs_revision=hs_revision or "",
        release=release or "",
        method=cast("Method", method or ""),
        row_limit=row_limit,
    )
    options = FetchOptions(key=key or "", base_url=base_url or "", is_dry_run=dry_run)
    try:
        with _progress() as progress:
            report = fetch(source, to, query, options=options, progress=progress)
    except KeyboardInterrupt:
        _say(_ERRORS, "interrupted: what is whole is kept; repeat the command to go on where it stopped")
        raise
    _show(report, is_dry_run=dry_run)
    if report.failed:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[FetchStep], None]]:
    """Show on a terminal what is being done; a wait is told everywhere, since it looks like a hang."""
    if not sys.stderr.isatty():
        yield lambda step: _say(_ERRORS, step.note) if step.doing == "waiting" else None
        return
    name, since, first = "", 0.0, 0
    with _ERRORS.status("") as status:

        def show(step: FetchStep) -> None:
            nonlocal name, since, first
            if step.doing == "waiting":
                _say(_ERRORS, step.note)
                return
            now = time.monotonic()
            if name != step.name or step.done is None:
                name, since, first = step.name, now, step.done or 0
            place = f"{step.number} of {step.total}: " if step.total else ""
            status.update(escape(f"{place}{step.name}{_amount(step, now - since, first)}"))

        yield show


def _amount(step: FetchStep, seconds: float, first: int) -> str:
    """Return how much has come, of how much, how fast; nothing before there is anything."""
    if step.done is None:
        return ""
    of = f" of {_size(step.size)}, {step.done / step.size:.0%}" if step.size else ""
    return f" {_size(step.done)}{of}, {_size(max(step.done - first, 0) / max(seconds, 0.1))}/s"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _show(report: FetchReport, *, is_dry_run: bool) -> None:
    console = Console(highlight=False)
    for part in report.parts:
        if part.status == "failed" and part.error is not None:
            _say(_ERRORS, f"{part.name}: failed")
            show_error(part.error)
        else:
            _say(console if part.status != "not_tried" else _ERRORS, _line(part))
    for absent in report.not_published:
        _say(_ERRORS, f"{absent}: not published")
    counts = {status: sum(part.status == status for part in report.parts) for status in
              ("planned", "fetched", "kept", "empty", "failed", "not_tried")}  # fmt: skip
    counts["not published"] = len(report.not_published)
    said = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items() if count)
    _say(_ERRORS if report.failed else console, f"{said or 'nothing to fetch'}")
    if report.failed:
        _say(_ERRORS, "what is there is kept: do as the hints say, and the same command goes on from there")
    elif is_dry_run:
        _say(console, "dry run: nothing was fetched")
    elif report.next_step:
        _say(console, f"next: {report.next_step}")


def _line(part: PartReport) -> str:
    facts = [part.what, part.status.replace("_", " ")]
    if part.size is not None:
        facts.append(_size(part.size))
    if part.rows:
        facts.append(f"{'of ' if part.status == 'planned' else ''}{part.rows:,} rows")
    if part.note and part.status != "not_tried":
        facts.append(part.note)
    return f"{part.name}: {', '.join(facts)}"


def _say(console: Console, text: str) -> None:
    """Print a line as it is: paths and commands are copied from it."""
    console.print(escape(text), soft_wrap=True)
