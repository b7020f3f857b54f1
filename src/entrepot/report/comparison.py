"""Two vintages side by side on the terminal: what changed, and which figures moved."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

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

__all__ = ["headline_table", "print_changes", "print_headlines"]

_MOVED = (
    Shown("reporter"),
    Shown("flow"),
    Shown("period"),
    Shown("source", is_extra=True),
    Shown("cells_added", "added", is_extra=True),
    Shown("cells_removed", "removed", is_extra=True),
    Shown("cells_revised", "revised", is_extra=True),
    Shown("goods_before_usd", "goods before", is_amount=True),
    Shown("goods_after_usd", "goods after", is_amount=True),
    Shown("gross_usd", "gross change", is_amount=True, is_extra=True),
    Shown("total_before_usd", "total before", is_amount=True, is_extra=True),
    Shown("total_after_usd", "total after", is_amount=True, is_extra=True),
)


def print_changes(changes: pa.Table, moved: pa.Table, console: Console, *, most: int) -> None:
    """Print how many cells changed and how, and the figures that moved most.

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
    console.print(Text(f"{leaves.num_rows:,} leaves changed: {said}", style="bold"))
    if not moved.num_rows:
        return
    gross, after, before = (
        pc.sum(moved[name]).as_py() or 0.0 for name in ("gross_usd", "goods_after_usd", "goods_before_usd")
    )
    console.print(
        Text(
            f"{moved.num_rows:,} totals of reporters moved: goods {after - before:+,.0f} USD net, "
            f"{gross:,.0f} gross",
            style="bold",
        )
    )
    console.print()
    ways = [
        pc.abs(pc.subtract(*(pc.coalesce(moved[f"{name}_{side}_usd"], 0.0) for side in ("after", "before"))))
        for name in ("goods", "total")
    ]
    order = pc.sort_indices(pc.max_element_wise(*ways), sort_keys=[("", "descending")])
    print_rows(moved.take(order), console, columns=_MOVED, most=most)


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


def print_headlines(headlines: pa.Table, console: Console) -> None:
    """Print the headlines of a search side by side; see :func:`headline_table`."""
    rows = headlines.to_pylist()
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("detours, USD FOB")
    for row in rows:
        grid.add_column(f"as of {row['as_of']}", overflow="fold")
    for label, texts in (
        ("estimate", [amount(row["estimate_usd"]) for row in rows]),
        ("90% interval", [amount_range(row["low_usd"], row["high_usd"]) for row in rows]),
        ("status", [row["status"] for row in rows]),
        ("baseline", [row["baseline"] for row in rows]),
        ("windows", [row["windows"] for row in rows]),
    ):
        is_ascii = console.options.ascii_only
        grid.add_row(label, *(Text(anyascii(text) if is_ascii else text) for text in texts))
    console.print()
    console.print(grid)
