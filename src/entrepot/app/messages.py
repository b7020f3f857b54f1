"""How an expected error looks on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from entrepot.errors import EntrepotError

__all__ = ["show_error"]


def show_error(error: EntrepotError) -> None:
    """Print what, where and hint on standard error, a line each: paths and commands are copied from them."""
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]error:[/] {escape(error.what)}", soft_wrap=True)
    if error.where:
        console.print(f"[dim]where:[/] {escape(error.where)}", soft_wrap=True)
    console.print(f"[bold]hint:[/]  {escape(error.hint)}", soft_wrap=True)
