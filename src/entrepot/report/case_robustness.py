"""The headline of a case under other choices, in words and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from entrepot.report.amounts import MISSING, amount
from entrepot.report.labels import goods, place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from rich.console import Console

__all__ = ["apart", "figure", "print_robustness", "robustness_words"]

#: Without one part less than this share of an amount is left: it rests on that part.
_RESTS_ON = 0.5
#: Growth and shares that move by this much without one part rest on it.
_POINTS_ON = 0.05
_POINTS = frozenset({"share", "growth"})
_BOOKS = {
    "reconciled": "both books reconciled",
    "exports": "exporters' reports",
    "imports": "importers' reports",
}


def figure(value: float | None, unit: str) -> str:
    """Return a figure of a case in words of its unit."""
    if value is None:
        return MISSING
    match unit:
        case "share":
            return f"{value:.1%}"
        case "growth":
            return f"{value:+.1%}"
        case "factor":
            return f"× {value:.3g}"
        case "USD" | "EUR":
            return f"{amount(value)} {unit}"
        case _:
            return f"{value:,.0f}"


def apart(difference: float | None, unit: str) -> str:
    """Return how far a figure is off: growth and shares in points, amounts in percent."""
    if difference is None:
        return MISSING
    return f"{difference * 100:+.1f} points" if unit in _POINTS else f"{difference:+.2%}"


def robustness_words(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return in sentences how far a headline moves, and what it rests on.

    Parameters
    ----------
    rows
        Those of ``CaseResult.robustness``, the headline first.
    """
    unit = rows[0]["unit"]
    base = rows[0]["computed"]
    choices = [row for row in rows if row["kind"] == "choice" and row["computed"] is not None]
    parts = [row for row in rows if row["kind"] == "left_out" and row["computed"] is not None]
    lines = []
    if choices:
        values = [base, *(row["computed"] for row in choices)]
        how_many = "1 other choice" if len(choices) == 1 else f"{len(choices)} other choices"
        span = f"from {figure(min(values), unit)} to {figure(max(values), unit)}"
        lines.append(
            f"Under {how_many} it goes {span}." if max(values) > min(values) else f"{how_many}: no change."
        )
    elif any(row["kind"] == "choice" for row in rows):
        lines.append("No other book, vintage or set of goods is in the data: one figure stands alone.")
    if parts:
        most = max(parts, key=lambda row: abs(row["difference"] or 0.0))
        moved = f"{figure(most['computed'], unit)} without {_part(most)}"
        move = most["difference"] or 0.0
        rests = abs(move) > _POINTS_ON if unit in _POINTS else move < _RESTS_ON - 1.0
        lines.append(f"It rests on one part: {moved}." if rests else f"The part that matters most: {moved}.")
    return tuple(lines)


def print_robustness(table: pa.Table, console: Console) -> None:
    """Print the words and the rows of a headline under other choices.

    Parameters
    ----------
    table
        As ``CaseResult.robustness``.
    console
        Where to.
    """
    rows = table.to_pylist()
    unit = rows[0]["unit"]
    console.print(Text(f"\nHow robust is the headline: {rows[0]['label']}", style="bold"))
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("", "computed", "moves by"):
        grid.add_column(name, justify="right" if name else "left", overflow="fold")
    for row in rows:
        words = _words(row)
        if row["computed"] is None:
            words += f" ({row['note']})"
        moved = "" if row["kind"] == "headline" else apart(row["difference"], unit)
        grid.add_row(Text(words), figure(row["computed"], unit), moved)
    console.print(grid)
    for line in robustness_words(rows):
        console.print(Text(line))
    words = (
        "Sums and shares of what was reported have no sampling error: these choices are their uncertainty."
    )
    console.print(Text(words, style="dim"))


def _words(row: Mapping[str, Any]) -> str:
    match row["kind"]:
        case "headline":
            return str(row["choice"])
        case "left_out":
            return f"without {_part(row)}"
        case _:
            return f"{row['choice']}: {_BOOKS.get(row['value'], row['value'])}"


def _part(row: Mapping[str, Any]) -> str:
    kind, code = row["choice"], row["value"]
    match kind:
        case "hs_code":
            return f"{code} {goods(code)}".strip()
        case "exporter" | "importer":
            return f"{kind} {place(code)}"
        case _:
            return str(code)
