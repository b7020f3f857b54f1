"""Tables on a terminal: figures are never cut; on a narrow one the less important columns go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyascii import anyascii
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

__all__ = ["fitted_table", "print_titled", "text_for"]

_GAP = 2
_SMALLEST_NAME = 24
_SHORTEST_NAME = 8


def text_for(console: Console) -> Callable[..., Text]:
    """Return what makes words, and a style, into text of a console: in ASCII where it has no more."""
    is_ascii = console.options.ascii_only

    def text(words: str, style: str = "") -> Text:
        return Text(anyascii(words) if is_ascii else words, style=style)

    return text


def print_titled(
    console: Console,
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    optional: Sequence[int] = (),
) -> None:
    """Print a table under its title; nothing without rows.

    Parameters
    ----------
    console
        Where to.
    title
        What the rows are.
    headings, rows, optional
        See :func:`fitted_table`.
    """
    if not rows:
        return
    text = text_for(console)
    grid = fitted_table(headings, rows, width=console.width, optional=optional, text=text)
    console.print(text(title, "bold"))
    console.print(Padding(grid, (0, 0, 1, 0)))


def fitted_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    optional: Sequence[int] = (),
    text: Callable[[str], Text] = Text,
) -> Table:
    """Return a table that fits: names in the first column may wrap, figures in the others never.

    Parameters
    ----------
    headings
        Headings of the columns, the first of the names.
    rows
        Cells.
    width
        Columns of the terminal.
    optional
        Numbers of the columns that may go, the first to go first, as long as names have under 24 characters.
    text
        Makes the text of a cell.
    """
    need = [
        max(cell_len(text(cell).plain) for cell in column) for column in zip(headings, *rows, strict=True)
    ]
    kept = list(range(len(headings)))

    def left_for_names() -> int:
        return width - sum(need[at] + _GAP for at in kept[1:])

    for at in optional:
        if left_for_names() >= min(need[0], _SMALLEST_NAME):
            break
        kept.remove(at)
    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    names = min(need[0], max(left_for_names(), _SHORTEST_NAME))
    grid.add_column(headings[0], overflow="fold", width=names)
    for at in kept[1:]:
        grid.add_column(headings[at], justify="right", no_wrap=True, min_width=need[at])
    for row in rows:
        grid.add_row(*[text(row[at]) for at in kept])
    return grid
