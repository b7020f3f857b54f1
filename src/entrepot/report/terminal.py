"""A search on the terminal: the headline, what to hold against it, the largest rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyascii import anyascii
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entrepot.report.account import account_of
from entrepot.report.amounts import MISSING, amount, amount_range
from entrepot.report.kinds import kind_words, short_kind
from entrepot.report.labels import goods, hub_words, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from rich.console import Console, JustifyMethod

    from entrepot.detect.result import DetourResult
    from entrepot.report.evidence import Comparison

__all__ = ["print_detours"]

_ROWS = 10
_ROOM_FOR_NAMES = 120

#: Letters of a word that are left of it at least.
_SHORTEST = 4
_TONE = {"strong": "bold green", "moderate": "bold yellow", "weak": "bold yellow", "none": "bold"}
_HEADINGS = {
    "origin": "origin",
    "hub": "hub",
    "destination": "destination",
    "hs_code": "HS",
    "period": "period",
    "tier": "tier",
}


def print_detours(result: DetourResult, console: Console) -> None:
    """Print a search for detours.

    Parameters
    ----------
    result
        The search.
    console
        Where to. It is not coloured when piped; characters that its encoding lacks are written in ASCII.
    """
    said = account_of(result)
    out = _Printer(console)
    out.line(said.title, style="bold")
    out.line(said.question, style="dim")
    console.print()
    out.line(said.headline, style=_TONE[said.strength])
    if said.valued:
        out.line(said.valued)
    if said.relay:
        console.print()
        out.line(said.relay)
    if said.untold:
        console.print()
        out.line(said.untold)
    console.print()
    out.comparisons(said.comparisons)
    console.print()
    for text in (said.baseline, said.calibration, said.late):
        if text:
            out.item(text)
    if result.table.num_rows:
        if result.hubs.num_rows:
            out.table("Hubs", result.hubs)
        out.table("Largest rows" if result.table.num_rows > _ROWS else "Rows", result.table)
    if said.withheld:
        out.line(said.withheld)
    for text in said.kinds:
        out.item(text)
    console.print()
    for text in said.limits:
        out.item(text, style="dim")


def _widths(rows: Sequence[Sequence[str]], *, room: int, of_words: Sequence[int]) -> list[int]:
    """Return the widths of columns: where there is no room for all, words are cut, the longest first."""
    widths = [max(len(text) for text in column) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * len(widths) - 2 > room:
        at = max(of_words, key=lambda column: widths[column])
        if widths[at] <= _SHORTEST:
            break
        widths[at] -= 1
    return widths


class _Printer:
    """Prints with what the console can show.

    Attributes
    ----------
    console
        Where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    def _text(self, text: str, style: str = "") -> Text:
        """Return text as it is, no markup in it; in ASCII where the console has no more."""
        return Text(anyascii(text) if self.console.options.ascii_only else text, style=style)

    def line(self, text: str, *, style: str = "") -> None:
        self.console.print(self._text(text, style))

    def item(self, text: str, *, style: str = "") -> None:
        """Print a paragraph with a hanging bullet."""
        wrapped = self._text(text, style).wrap(self.console, self.console.width - 2)
        for at, line in enumerate(wrapped):
            line.rstrip()
            self.console.print(self._text("  " if at else "· ", style) + line)

    def comparisons(self, comparisons: Sequence[Comparison]) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True, style="bold")
        grid.add_column()
        for one in comparisons:
            label = f"  {one.label}" if one.is_part else one.label
            grid.add_row(self._text(label), self._text(one.figure), self._text(one.note, "dim"))
        self.console.print(grid)

    def table(self, title: str, rows: pa.Table) -> None:
        """Print the largest rows: codes on a narrow console, names and more figures on a wide one."""
        is_wide = self.console.width >= _ROOM_FOR_NAMES
        shown = rows.slice(0, _ROWS).to_pylist()
        keys = [name for name in _HEADINGS if any(row.get(name) is not None for row in shown)]
        unit = shown[0].get("amount_unit") or "" if is_wide else ""
        words = [_HEADINGS[name] for name in keys] + (["chapter"] if is_wide and "hs_code" in keys else [])
        figures = [
            "USD",
            "90% interval",
            *(("missing direct", unit or "plain increase") if is_wide else ()),
            "q",
        ]
        cells = [self._cells(row, keys, is_wide=is_wide) for row in shown]
        headings = [*words, *figures, "kind"]
        widths = _widths([headings, *cells], room=self.console.width, of_words=[*range(len(words)), -1])
        grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for heading, width in zip(headings, widths, strict=True):
            justify: JustifyMethod = "right" if heading in figures else "left"
            grid.add_column(heading, justify=justify, no_wrap=True, overflow="ellipsis", width=width)
        for row in cells:
            grid.add_row(*[self._text(text) for text in row])
        self.console.print()
        self.line(
            f"{title} ({len(shown)} of {rows.num_rows:,})" if rows.num_rows > _ROWS else title, style="bold"
        )
        self.console.print(Padding(grid, (0, 0, 1, 0)))

    def _cells(self, row: dict[str, Any], keys: list[str], *, is_wide: bool) -> list[str]:
        cells = [self._key(name, row, is_wide=is_wide) for name in keys]
        if is_wide and "hs_code" in keys:
            cells.append(goods(row["hs_code"] or ""))
        is_withheld = row["estimate_usd"] is None
        cells += ["withheld" if is_withheld else amount(row["estimate_usd"])]
        cells.append(amount_range(row["low_usd"], row["high_usd"]))
        if is_wide:
            last = "estimate_amount" if row.get("amount_unit") else "raw_increase_usd"
            cells += [amount(row["shortfall_usd"]), amount(row[last])]
        cells.append(MISSING if row["q_value"] is None else f"{row['q_value']:.3f}")
        cells.append(kind_words(row["kind"]) if is_wide else short_kind(row["kind"]))
        return cells

    @staticmethod
    def _key(name: str, row: dict[str, Any], *, is_wide: bool) -> str:
        code: str | None = row[name]
        if code is None:
            return MISSING
        if name == "hub":
            return hub_words(row, place if is_wide else str)
        return place(code) if is_wide and name in {"origin", "destination"} else code
