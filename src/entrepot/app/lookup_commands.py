"""The commands that look facts up in words: ``codes``, ``lists``, ``events``, ``areas``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from entrepot.app.arguments import parse_day
from entrepot.app.cli import app
from entrepot.nomenclature import (
    HS_REVISIONS,
    called_list,
    list_followed_until,
    look_up_areas,
    look_up_codes,
    look_up_events,
    look_up_list,
    look_up_lists,
    revision_of,
    split_tier,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["areas_command", "codes_command", "events_command", "lists_command"]

_OutOption = Annotated[
    str | None, typer.Option(help="write all rows to .csv, .parquet, .xlsx or .json; - prints CSV")
]
_MostOption = Annotated[int, typer.Option(help="rows to print", min=1)]
_RevisionOption = Annotated[str, typer.Option(help="revision of the codes, HS1992 to HS2022")]
_DayOption = Annotated[str | None, typer.Option(help="as of this day, YYYY-MM-DD; default the latest")]


@dataclass(frozen=True, slots=True)
class _View:
    """How a table of facts is shown."""

    title: str
    narrow: tuple[str, ...]
    wide: tuple[str, ...]


_CODES = _View("codes", ("hs_code", "title", "lists"), ("hs_code", "title", "revisions", "end_use", "lists"))
_LISTS = _View(
    "lists",
    ("list", "codes", "followed_until"),
    ("list", "codes", "tiers", "first_added", "last_added", "followed_until", "title"),
)
_LIST = _View(
    "codes",
    ("tier", "hs_code", "relation", "title"),
    ("tier", "hs_code", "listed_code", "relation", "title", "added", "removed", "certainty", "source"),
)
_EVENTS = _View("events", ("date", "name", "kind"), ("date", "name", "kind", "actors", "targets", "source"))
_AREAS = _View(
    "areas",
    ("code", "name", "m49", "groups"),
    ("code", "iso2", "m49", "name", "kind", "valid_from", "valid_to", "groups", "other_names"),
)


@app.command("codes")
def codes_command(
    words: Annotated[list[str], typer.Argument(help="words of the title, or the first digits of a code")],
    *,
    hs_revision: _RevisionOption = HS_REVISIONS[-1],
    most: _MostOption = 25,
    out: _OutOption = None,
) -> None:
    """Look up commodity codes in words or digits: title, revisions, end use, control lists.

    Example: entrepot codes ball bearings
    """
    revision = revision_of(hs_revision)
    _show(look_up_codes(" ".join(words), revision=revision), _CODES, most=most, out=out, note=revision)


@app.command("lists")
def lists_command(
    name: Annotated[
        list[str] | None,
        typer.Argument(help="a list, a tier of it, or a file of your own: CHPL, CHPL:3.A, @list.csv; words"),
    ] = None,
    *,
    as_of: _DayOption = None,
    hs_revision: _RevisionOption = HS_REVISIONS[-1],
    most: _MostOption = 100,
    out: _OutOption = None,
) -> None:
    """Show a control list as of any day in any revision; without a name the lists there are.

    Example: entrepot lists CHPL --as-of 2023-06-01 --hs-revision HS2017
    """
    day = parse_day(as_of, option="--as-of")
    if not name:
        _show(look_up_lists(), _LISTS, most=most, out=out)
        return
    wanted = called_list(" ".join(name))
    revision = revision_of(hs_revision)
    found = look_up_list(wanted, revision=revision, as_of=day)
    until = None if wanted.startswith("@") else list_followed_until(split_tier(wanted)[0])
    latest = "latest version" if until is None else f"as of {until}: later changes are not in it"
    note = f"{revision}, {latest if day is None else f'as of {day}'}"
    _show(found, _LIST, most=most, out=out, note=note)


@app.command("events")
def events_command(
    words: Annotated[
        list[str] | None, typer.Argument(help="words, kinds, areas, groups, or days such as 2022-03")
    ] = None,
    *,
    since: Annotated[str | None, typer.Option(help="first day, YYYY-MM-DD")] = None,
    until: Annotated[str | None, typer.Option(help="last day, YYYY-MM-DD")] = None,
    most: _MostOption = 100,
    out: _OutOption = None,
) -> None:
    """Look up dated events: sanctions, embargoes, tariffs, unions, each with its legal act.

    Example: entrepot events package --since 2022-02-01
    """
    found = look_up_events(
        " ".join(words or ()),
        since=parse_day(since, option="--since"),
        until=parse_day(until, option="--until"),
    )
    _show(found, _EVENTS, most=most, out=out)


@app.command("areas")
def areas_command(
    words: Annotated[list[str], typer.Argument(help="a code, a number, a group, or words in any language")],
    *,
    as_of: _DayOption = None,
    most: _MostOption = 50,
    out: _OutOption = None,
) -> None:
    """Look up areas by code, number, group or name in many languages.

    Example: entrepot areas Киргизия
    """
    found = look_up_areas(" ".join(words), on=parse_day(as_of, option="--as-of"))
    _show(found, _AREAS, most=most, out=out)
    for note in dict.fromkeys(filter(None, found["note"].to_pylist())):
        Console(stderr=True, highlight=False).print(note, markup=False)


def _show(rows: pa.Table, view: _View, *, most: int, out: str | None, note: str = "") -> None:
    from entrepot.report import print_facts, write_table  # noqa: PLC0415  (heavy: mistakes are told before)

    if out is not None:
        about = {"table": view.title, "note": note} if note else {"table": view.title}
        write_table(rows, out, about=about)
    if out != "-":
        title = f"{view.title} ({note})" if note else view.title
        console = Console(highlight=False)
        print_facts(rows, console, narrow=view.narrow, wide=view.wide, most=most, title=title)
        if out is not None:
            console.print(f"written: {out}", markup=False)
