"""The command ``copy``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from entrepot.app.cli import app

__all__ = ["copy_command"]


@app.command("copy")
def copy_command(
    source: Annotated[str, typer.Argument(metavar="FROM", help="a lake: its folder or address")],
    target: Annotated[str, typer.Argument(metavar="TO", help="folder or address, such as s3://BUCKET/LAKE")],
) -> None:
    """Copy a lake between a folder and an object store: all of it, or what is new since the last copy.

    Example: entrepot copy lake s3://my-bucket/lake
    """
    from entrepot.store import copy_lake  # noqa: PLC0415  (heavy: mistakes are told before)

    done = copy_lake(source, target)
    said = (
        f"{done.copied:,} files copied ({done.bytes_copied / 1e6:,.1f} MB), {done.already_there:,} were there"
    )
    Console(highlight=False).print(said, markup=False)
