"""Tables of facts on the terminal: what fits a narrow one, all of it on a wide one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyascii import anyascii
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from rich.console import Console

__all__ = ["print_facts"]

_WIDE = 110
_HEADINGS = {
    "hs_code": "HS",
    "hs_revision": "revision",
    "listed_code": "listed as",
    "m49": "M49",
    "iso2": "ISO",
}
_LONG = frozenset({"title", "name", "source", "groups", "other_names", "actors", "targets"})


def print_facts(
    rows: pa.Table, console: Console, *, narrow: Sequence[str], wide: Sequence[str], most: int, title: str
) -> None:
    """Print the first rows of a table of facts.

    Parameters
    ----------
    rows
        The table.
    console
        Where to. Characters that its encoding lacks are written in ASCII.
    narrow, wide
        Columns for consoles of fewer and of more than 110 characters; columns without any value are left
        out. Long texts are folded, never cut.
    most
        Rows to print; what is left is counted.
    title
        Headline; the number of rows follows it.
    """
    is_ascii = console.options.ascii_only
    shown = rows.slice(0, most)
    columns = [
        name
        for name in (wide if console.width >= _WIDE else narrow)
        if shown[name].null_count < max(shown.num_rows, 1)
    ]
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for at, name in enumerate(columns):
        grid.add_column(
            _HEADINGS.get(name, name.replace("_", " ")),
            no_wrap=name not in _LONG,
            overflow="fold",
            style="bold" if at == 0 else "",
            ratio=2 if name in {"title", "name"} else 1 if name in _LONG else None,
        )
    for row in shown.select(columns).to_pylist():
        texts = ("" if row[name] is None else str(row[name]) for name in columns)
        grid.add_row(*(Text(anyascii(text) if is_ascii else text) for text in texts))
    left = rows.num_rows - shown.num_rows
    console.print(Text(f"{title}: {rows.num_rows:,}", style="bold"))
    if shown.num_rows:
        console.print()
        console.print(grid)
    if left > 0:
        console.print(
            Text(f"... and {left:,} more: --most {rows.num_rows} prints all, --out writes a file", "dim")
        )
