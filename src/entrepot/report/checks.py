"""Checks, changes and calendars on the terminal: tables that fold, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
from anyascii import anyascii
from rich.table import Table
from rich.text import Text

from entrepot.report.amounts import amount
from entrepot.schema import PublishingState, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from rich.console import Console

__all__ = ["Shown", "print_calendar", "print_findings", "print_rows"]

_TONE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_WIDE = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of a table on the terminal.

    Attributes
    ----------
    name
        Column of the table.
    heading
        What stands above it; the column's name when empty.
    is_amount
        A number in USD or kg, printed in three significant digits.
    is_long
        A text that is folded where the line is full.
    is_extra
        Left out on narrow consoles.
    is_right
        A text that stands right, as figures do.
    """

    name: str
    heading: str = ""
    is_amount: bool = False
    is_long: bool = False
    is_extra: bool = False
    is_right: bool = False


def print_rows(
    rows: pa.Table, console: Console, *, columns: Sequence[Shown], most: int, written_by: str = "--out"
) -> None:
    """Print the first rows of a table; columns without any value are left out, what is left is counted.

    Parameters
    ----------
    rows
        The table.
    console
        Where to. Characters that its encoding lacks are written in ASCII.
    columns
        What is shown.
    most
        Rows to print.
    written_by
        The option that writes all of them.
    """
    shown = rows.slice(0, most)
    there = [
        one
        for one in columns
        if shown[one.name].null_count < shown.num_rows and (not one.is_extra or console.width >= _WIDE)
    ]
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for one in there:
        grid.add_column(
            one.heading or one.name.replace("_", " "),
            justify="right" if one.is_amount or one.is_right else "left",
            no_wrap=not one.is_long,
            overflow="fold",
            ratio=1 if one.is_long else None,
        )
    for row in shown.to_pylist():
        grid.add_row(*(_cell(row[one.name], one, console) for one in there))
    if shown.num_rows:
        console.print(grid)
    if left := rows.num_rows - shown.num_rows:
        told = f"... and {left:,} more: --most {rows.num_rows} prints all, {written_by} FILE writes them"
        console.print(Text(told))


def _cell(value: Any, column: Shown, console: Console) -> Text:
    if value is None:
        return Text("")
    plain = f"{value:,}" if isinstance(value, int) else str(value)
    text = amount(value) if column.is_amount else plain
    style = _TONE.get(value, "") if column.name == "severity" else ""
    return Text(anyascii(text) if console.options.ascii_only else text, style=style)


_FINDING = (
    Shown("severity"),
    Shown("check", is_extra=True),
    Shown("source", is_extra=True),
    Shown("reporter"),
    Shown("flow", is_extra=True),
    Shown("period"),
    Shown("file_name", "file", is_extra=True, is_long=True),
    Shown("finding", is_long=True),
)


def print_findings(findings: pa.Table, console: Console, *, rows: int, most: int) -> None:
    """Print the findings of a check, and for every kind of them what to do next.

    Parameters
    ----------
    findings
        Columns of ``out__finding``.
    console
        Where to.
    rows
        Rows that were looked at.
    most
        Findings to print.
    """
    counts = findings["severity"].to_pylist()
    said = ", ".join(
        f"{counts.count(one):,} {one.value}{'' if counts.count(one) == 1 else 's'}" for one in Severity
    )
    console.print(Text(f"{rows:,} rows checked: {said}", style="bold"))
    if not findings.num_rows:
        return
    console.print()
    # Findings of two sources must not look alike on a narrow console either.
    of_one = pc.count_distinct(findings["source"]).as_py() <= 1
    columns = [replace(c, is_extra=of_one) if c.name == "source" else c for c in _FINDING]
    print_rows(findings, console, columns=columns, most=most)
    console.print()
    hints = dict.fromkeys(zip(*(findings[name].to_pylist() for name in ("check", "hint")), strict=True))
    for check, hint in hints:
        line = f"{check}: {hint}"
        console.print(Text(anyascii(line) if console.options.ascii_only else line, style="dim"))


_CALENDAR = (
    Shown("reporter"),
    Shown("flow"),
    Shown("frequency", "freq"),
    Shown("state"),
    Shown("last_period", "last"),
    Shown("first_period", "first", is_extra=True),
    Shown("periods_published", "periods", is_extra=True),
    Shown("usual_lag_days", "lag, days"),
    Shown("periods_behind", "behind", is_extra=True),
    Shown("content", is_extra=True),
    Shown("source", is_extra=True),
    Shown("holes", is_long=True),
)


def print_calendar(
    calendar: pa.Table, console: Console, *, most: int, state: PublishingState | None = None
) -> None:
    """Print a reporting calendar; areas that never reported anything are named in one line.

    Parameters
    ----------
    calendar
        Columns of ``out__calendar``.
    console
        Where to.
    most
        Rows to print.
    state
        Print books in this state only.
    """
    # Who publishes years, or exports, is not silent because of its months, or imports.
    is_silent = pc.equal(calendar["state"], PublishingState.NEVER)
    speaking = {*calendar.filter(pc.invert(is_silent))["reporter"].to_pylist()}
    if state is not None:
        calendar = calendar.filter(pc.equal(calendar["state"], state))
    states = calendar["state"].to_pylist()
    said = ", ".join(f"{states.count(state):,} {state.value}" for state in PublishingState)
    console.print(Text(f"{calendar.num_rows:,} books of reporters: {said}", style="bold"))
    is_silent = pc.equal(calendar["state"], PublishingState.NEVER)
    heard = calendar.filter(pc.invert(is_silent))
    if heard.num_rows:
        console.print()
        print_rows(heard, console, columns=_CALENDAR, most=most)
    silent = sorted({*calendar.filter(is_silent)["reporter"].to_pylist()} - speaking)
    if silent:
        named = ", ".join(silent[:most]) + (f" and {len(silent) - most:,} more" if len(silent) > most else "")
        console.print()
        console.print(Text(f"partners without any report of their own: {named}", style="dim"))
