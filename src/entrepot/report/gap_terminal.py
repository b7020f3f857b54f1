"""Gaps on the terminal: the headline, the rows that stand out, the importers, what to hold against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from anyascii import anyascii
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entrepot.report.amounts import MISSING, amount
from entrepot.report.gap_words import gap_headline, gap_limits, gap_title, parts_notes
from entrepot.report.labels import place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from rich.console import Console

    from entrepot.detect.gaps.parts_result import GapParts
    from entrepot.detect.gaps.result import GapResult

__all__ = ["print_gap_parts", "print_gaps"]

_ROWS = 10
_ROOM_FOR_NAMES = 120
_KEYS = ("exporter", "importer", "hs_code", "period")
#: Columns that a narrow console has no room for.
_ON_WIDE = frozenset({"z"})
_Cell = tuple[str, "Callable[[dict[str, Any]], str]"]


def print_gaps(result: GapResult, console: Console) -> None:
    """Print a comparison of books.

    Parameters
    ----------
    result
        The comparison.
    console
        Where to; characters that its encoding lacks are written in ASCII.
    """
    console.print(_text(gap_title(result), console, "bold"))
    console.print(_text(gap_headline(result), console))
    _print_rows("Rows", result.table, _GAP_CELLS, console, of=result.table.num_rows)
    if result.options.keys != ("importer",):
        _print_rows("By importer", result.hubs, _HUB_CELLS, console, of=result.hubs.num_rows)
    for text in gap_limits(result.options.unions):
        console.print(_text(f"· {text}", console, "dim"))


def print_gap_parts(result: GapParts, console: Console) -> None:
    """Print gaps taken apart, see :func:`print_gaps`."""
    console.print(_text(gap_title(result), console, "bold"))
    told = _told_once(result.table)
    first = result.table.take(pa.array(told[:_ROWS]))
    _print_rows("Parts of the gap, USD", first, _PART_CELLS, console, of=told.size)
    for text in parts_notes(result):
        console.print(_text(f"· {text}", console, "dim"))


def _told_once(rows: pa.Table) -> NDArray[np.int64]:
    """Return where the rows stand, less the nets of what has one direction only: they would say the same."""
    number = np.zeros(rows.num_rows, dtype=np.int64)
    for name in _KEYS:
        words = rows[name].combine_chunks().dictionary_encode(null_encoding="encode")
        number = number * max(len(words.dictionary), 1) + words.indices.to_numpy()
    _, key = np.unique(number, return_inverse=True)
    has_direction = rows["direction"].is_valid().to_numpy()
    directions = np.bincount(key[has_direction], minlength=int(key.max(initial=-1)) + 1)
    found: NDArray[np.int64] = np.flatnonzero(has_direction | (directions[key] > 1))
    return found


def _text(text: str, console: Console, style: str = "") -> Text:
    return Text(anyascii(text) if console.options.ascii_only else text, style=style)


def _ratio(row: dict[str, Any]) -> str:
    found = [
        MISSING if row[name] is None else f"{row[name]:.0%}" for name in ("arrived_ratio", "usual_ratio")
    ]
    return f"{found[0]} ({found[1]})"


def _interval(row: dict[str, Any]) -> str:
    low, high = row["unusual_low_usd"], row["unusual_high_usd"]
    if low is None or high is None:
        return MISSING
    return f"{amount(low)} to {amount(high)}"


def _figure(name: str, form: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: MISSING if row[name] is None else format(row[name], form)


def _amount(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: amount(row[name])


_GAP_CELLS: tuple[_Cell, ...] = (
    ("sent", _amount("exporter_report_usd")),
    ("arrived", _amount("importer_fob_usd")),
    ("ratio (usual)", _ratio),
    ("unusual", _amount("unusual_usd")),
    ("90% interval", _interval),
    ("z", _figure("z_score", ".1f")),
    ("q", _figure("q_value", ".3f")),
)
_HUB_CELLS: tuple[_Cell, ...] = (
    ("lost before", _amount("before_lost_usd")),
    ("lost", _amount("lost_usd")),
    ("orphans before", _amount("before_orphan_usd")),
    ("orphans", _amount("orphan_usd")),
    ("unusual", _amount("unusual_usd")),
    ("z", _figure("z_score", ".1f")),
)
_PART_CELLS: tuple[_Cell, ...] = (
    (
        "more in",
        lambda row: {"exporter_more": "sent", "importer_more": "arrived", None: "(net)"}[row["direction"]],
    ),
    ("gap", _amount("published_gap_usd")),
    ("freight", _amount("valuation_usd")),
    ("origin", _amount("attribution_usd")),
    ("timing", _amount("timing_usd")),
    ("codes", _amount("product_usd")),
    ("rest", _amount("unexplained_usd")),
)


def _print_rows(title: str, rows: pa.Table, cells: Sequence[_Cell], console: Console, *, of: int) -> None:
    """Print the first rows of so many; areas by name where there is room, no more columns than fit."""
    if not rows.num_rows:
        return
    is_wide = console.width >= _ROOM_FOR_NAMES
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("flow", no_wrap=True, overflow="ellipsis")
    told = [cell for cell in cells if is_wide or cell[0] not in _ON_WIDE]
    for heading, _ in told:
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows.slice(0, _ROWS).to_pylist():
        grid.add_row(
            *[
                _text(text, console)
                for text in (_flow(row, is_wide=is_wide), *(tell(row) for _, tell in told))
            ]
        )
    count = f" ({_ROWS} of {of:,})" if of > _ROWS else ""
    console.print()
    console.print(_text(f"{title}{count}", console, "bold"))
    console.print(Padding(grid, (0, 0, 1, 0)))


def _flow(row: dict[str, Any], *, is_wide: bool) -> str:
    """Return the row's keys as one text: areas, goods, period."""
    named = [place(row[side]) if is_wide and row[side] else row[side] for side in ("exporter", "importer")]
    pair = "→".join(named) if all(named) else named[0] or named[1] or ""
    return " ".join(text for text in (pair, row["hs_code"], row["period"]) if text)
