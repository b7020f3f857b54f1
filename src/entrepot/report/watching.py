"""What a new file changed: in words and on the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table

from entrepot.report.account import VALUATION, account_of
from entrepot.report.amounts import MISSING, amount, amount_range
from entrepot.report.kinds import short_kind
from entrepot.report.labels import enumerate_words
from entrepot.schema import FindingChange

if TYPE_CHECKING:
    from rich.console import Console

    from entrepot.detect.watching import WatchResult

__all__ = ["about_watch", "news", "print_watch"]

_SHOWN = 20
_KEYS = ("origin", "hub", "destination", "hs_code")


def news(result: WatchResult) -> tuple[str, ...]:
    """Return in sentences what is new."""
    counts = Counter(result.table["news"].to_pylist())
    said = [f"{counts[change.value]:,} {change.value}" for change in FindingChange if counts[change.value]]
    lines = [f"Findings since {result.since}: {enumerate_words(said, most=5)}." if said else "No findings."]
    spans = [found.windows.label for found in (result.earlier, result.now)]
    if spans[0] != spans[1]:
        lines.append(
            f"The windows differ: {spans[0]} then, {spans[1]} now. Give --before and --after to hold them."
        )
    heads = (result.earlier.headline, result.now.headline)
    amounts = [
        f"{amount(head.estimate_usd)} ({amount_range(head.low_usd, head.high_usd)})"
        if head.status == "identified"
        else head.status
        for head in heads
    ]
    lines.append(f"Headline: {amounts[0]} then, {amounts[1]} now, USD.")
    return tuple(lines)


def about_watch(result: WatchResult) -> dict[str, str]:
    """Return what a reader of the table alone must know."""
    said = account_of(result.now)
    return {
        "title": f"What a new file changed: {said.title}",
        "question": said.question,
        "earlier state": f"vintages published up to {result.since}",
        "valuation": VALUATION,
        "news": " ".join(news(result)),
    }


def print_watch(result: WatchResult, console: Console) -> None:
    """Print what is new, the most important findings first."""
    said = account_of(result.now)
    console.print(said.title, style="bold", markup=False)
    console.print(said.question, style="dim", markup=False)
    console.print()
    for line in news(result):
        console.print(line, markup=False)
    rows = [row for row in result.table.to_pylist() if row["news"] != FindingChange.STAYS.value]
    if not rows:
        return
    keys = [name for name in _KEYS if any(row[name] is not None for row in rows)]
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("news", *keys, "kind"):
        grid.add_column(heading, no_wrap=True)
    for heading in ("then USD", "now USD", "90% interval", "q"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows[:_SHOWN]:
        grid.add_row(
            row["news"],
            *(row[name] or MISSING for name in keys),
            short_kind(row["kind"]),
            amount(row["earlier_estimate_usd"]),
            amount(row["estimate_usd"]),
            amount_range(row["low_usd"], row["high_usd"]),
            MISSING if row["q_value"] is None else f"{row['q_value']:.3f}",
        )
    console.print()
    console.print(grid)
    if len(rows) > _SHOWN:
        console.print(f"and {len(rows) - _SHOWN:,} more in the file")
