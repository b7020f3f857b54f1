"""What to type after a fetch."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ingest_command", "python_call"]


def ingest_command(source: str, folder: Path) -> str:
    """Return the command that takes a folder of fetched files into a lake.

    Examples
    --------
    >>> from pathlib import Path
    >>> ingest_command("baci", Path("my files"))
    "entrepot ingest baci 'my files' --lake lake"
    """
    return f"entrepot ingest {source} {shlex.quote(str(folder))} --lake lake"


def python_call(name: str, module: str, folder: Path) -> str:
    """Return the Python that reads a fetched reference table."""
    return f'python -c "from {module} import {name}; print({name}({str(folder)!r}))"'
