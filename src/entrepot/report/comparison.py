"""Two vintages side by side on the terminal: what changed, and which figures moved."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii
from rich.table import Table
from rich.text import Text

from entrepot.report.amounts import amount, amount_range
from entrepot.report.checks import Shown, print_rows
from entrepot.schema import ChangeKind

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from entrepot.detect.result import DetourResult

__all__ = ["headline_table", "hub_table", "print_changes", "print_headlines"]

_MOVED = (
    Shown("source", is_extra=True),
    Shown("reporter"),
    Shown("flow"),
    Shown("period"),
    Shown("figure"),
    Shown("before_usd", "before", is_amount=True),
    Shown("after_usd", "after", is_amount=True),
    Shown("change", is_right=True),
    Shown("share", "%", is_right=True),
    Shown("cells_added", "added", is_right=True, is_extra=True),
    Shown("cells_removed", "removed", is_right=True, is_extra=True),
    Shown("cells_revised", "revised", is_right=True, is_extra=True),
)
_MANIFOLD = 10.0
_SMALL = 0.001
_ROUNDING = 1e-9
_AMOUNTS = ("estimate_usd", "low_usd", "high_usd")


def print_changes(changes: pa.Table, moved: pa.Table, console: Console, *, most: int) -> None:
    """Print how many cells changed and how, and the published figures that moved most.

    A period that was not published before has moved nothing: such are counted in a line of their own.

    Parameters
    ----------
    changes
        Columns of ``out__change``.
    moved
        Columns of ``out__moved_figure``.
    console
        Where to.
    most
        Figures to print.
    """
    leaves = changes.filter(pc.equal(changes["role"], "leaf"))
    counts = Counter(leaves["change"].to_pylist())
    said = ", ".join(f"{counts[kind]:,} {kind.value}" for kind in ChangeKind)
    console.print(Text(f"{leaves.num_rows:,} cells changed: {said}", style="bold"))
    pages = moved.to_pylist()
    new = [page for page in pages if _is_new(page)]
    known = [page for page in pages if not _is_new(page)]
    figures = [row for page in known for row in _figures_of(page)]
    if figures:
        console.print(Text(_moved_words(known, figures), style="bold"))
    if new:
        console.print(Text(_new_words(new), style="bold"))
    if figures:
        console.print()
        figures.sort(key=lambda row: -row["of_page"])  # stable: the figures of a page stay together
        table = pa.table({name: [row[name] for row in figures] for name in figures[0]})
        print_rows(table, console, columns=_MOVED, most=most, written_by="--moved")


def _is_new(page: dict[str, Any]) -> bool:
    """Return whether the reporter had published nothing of the flow and period."""
    return page["goods_before_usd"] is None and page["total_before_usd"] is None


def _figures_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the goods and the published total of a page, those of them that moved."""
    ends = {name: (page[f"{name}_before_usd"], page[f"{name}_after_usd"]) for name in ("goods", "total")}
    change = {name: (after or 0.0) - (before or 0.0) for name, (before, after) in ends.items()}
    of_page = max(map(abs, change.values()))
    return [
        {
            **{name: page[name] for name in ("source", "reporter", "flow", "period")},
            "figure": name,
            "before_usd": before,
            "after_usd": after,
            "change": f"{'+' if change[name] > 0 else ''}{amount(change[name])}",
            "share": _share_words(before, after),
            **{name: f"{page[name]:,}" for name in ("cells_added", "cells_removed", "cells_revised")},
            "of_page": of_page,
        }
        for name, (before, after) in ends.items()
        if _has_moved(before, after) or (name == "goods" and _has_moved(0.0, page["gross_usd"], of=after))
    ]


def _has_moved(before: float | None, after: float | None, *, of: float | None = None) -> bool:
    """Return whether two figures differ by more than the order in which their parts were added."""
    if before is None or after is None:
        return before is not after
    return abs(after - before) > _ROUNDING * max(abs(before), abs(after if of is None else of))


def _share_words(before: float | None, after: float | None) -> str:
    if not before or after is None:
        return ""
    times = after / before
    if times >= _MANIFOLD:
        return f"x{times:,.0f}"
    return f"{times - 1.0:+.{2 if abs(times - 1.0) < _SMALL else 1}%}"


def _moved_words(known: list[dict[str, Any]], figures: list[dict[str, Any]]) -> str:
    gross, after, before = (
        sum(page[name] or 0.0 for page in known)
        for name in ("gross_usd", "goods_after_usd", "goods_before_usd")
    )
    word = "figure" if len(figures) == 1 else "figures"
    return (
        f"{len(figures):,} published {word} of reporters moved: goods {after - before:+,.0f} USD net, "
        f"{gross:,.0f} gross"
    )


def _new_words(new: list[dict[str, Any]]) -> str:
    periods = sorted({page["period"] for page in new})
    span = periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"
    word = "book" if len(new) == 1 else "books"
    goods = sum(page["goods_after_usd"] or 0.0 for page in new)
    return f"{len(new):,} {word} of a period published for the first time ({span}): goods {goods:,.0f} USD"


def headline_table(early: DetourResult, late: DetourResult, days: tuple[date, date]) -> pa.Table:
    """Return the headlines of one search as of two days, a row a day.

    Returns
    -------
    pa.Table
        **Grain**: one day. ``as_of, estimate_usd, low_usd, high_usd, status, baseline, windows``; the
        amounts are null where the search withholds them.
    """
    rows = []
    for result, day in zip((early, late), days, strict=True):
        headline = result.headline
        is_told = headline.status == "identified"
        rows.append(
            {
                "as_of": day,
                "estimate_usd": headline.estimate_usd if is_told else None,
                "low_usd": headline.low_usd if is_told else None,
                "high_usd": headline.high_usd if is_told else None,
                "status": headline.status,
                "baseline": str(headline.baseline),
                "windows": result.windows.label,
            }
        )
    usd = [pa.field(name, pa.float64()) for name in ("estimate_usd", "low_usd", "high_usd")]
    texts = [pa.field(name, pa.string()) for name in ("status", "baseline", "windows")]
    return pa.Table.from_pylist(rows, schema=pa.schema([pa.field("as_of", pa.date32()), *usd, *texts]))


def hub_table(early: DetourResult, late: DetourResult) -> pa.Table:
    """Return what each hub of a search passed as of two days, what moved most first.

    Returns
    -------
    pa.Table
        **Grain**: one hub and destination. ``hub, destination``, and of both days, with ``early_`` and
        ``late_`` before them, ``estimate_usd, low_usd, high_usd``; null where nothing was found or stated.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    ends = [f"{side}_{name}" for side in ("early", "late") for name in _AMOUNTS]
    for side, result in (("early", early), ("late", late)):
        for found in result.hubs.to_pylist():
            key = (found["hub"], found["destination"])
            row = rows.setdefault(key, {"hub": key[0], "destination": key[1], **dict.fromkeys(ends)})
            row.update({f"{side}_{name}": found[name] for name in _AMOUNTS})
    most = sorted(rows.values(), key=lambda row: (-abs(_change(row)), row["hub"], row["destination"]))
    fields = [pa.field(name, pa.string()) for name in ("hub", "destination")]
    return pa.Table.from_pylist(
        most, schema=pa.schema(fields + [pa.field(name, pa.float64()) for name in ends])
    )


def _change(row: dict[str, Any]) -> float:
    change: float = (row["late_estimate_usd"] or 0.0) - (row["early_estimate_usd"] or 0.0)
    return change


def print_headlines(headlines: pa.Table, hubs: pa.Table, console: Console) -> None:
    """Print the headlines of a search side by side, and its hubs.

    Parameters
    ----------
    headlines
        See :func:`headline_table`.
    hubs
        See :func:`hub_table`.
    console
        Where to.
    """
    rows = headlines.to_pylist()
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("detours, USD FOB")
    for row in rows:
        grid.add_column(f"as of {row['as_of']}", overflow="fold")
    is_ascii = console.options.ascii_only

    def line(label: str, texts: list[str], style: str = "") -> None:
        grid.add_row(label, *(Text(anyascii(text) if is_ascii else text) for text in texts), style=style)

    line("estimate", [amount(row["estimate_usd"]) for row in rows], "bold")
    line("90% interval", [amount_range(row["low_usd"], row["high_usd"]) for row in rows])
    for name in ("status", "baseline", "windows"):
        line(name, [row[name] for row in rows])
    for row in hubs.to_pylist():
        texts = []
        for side in ("early", "late"):
            estimate, low, high = (row[f"{side}_{name}"] for name in _AMOUNTS)
            is_told = estimate is not None
            texts.append(f"{amount(estimate)} ({amount_range(low, high)})" if is_told else amount(None))
        line(f"{row['hub']} to {row['destination']}", texts)
    console.print()
    console.print(grid)
    if len({row["windows"] for row in rows}) > 1:
        said = "The windows differ: a part of the change is further months. --after gives both days the same."
        console.print(Text(said))
