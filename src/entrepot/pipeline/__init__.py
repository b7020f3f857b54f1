"""The conductor: files into the lake, the lake into findings.

The names below are loaded when they are first used: a search reads no publisher's files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.pipeline.intake import ingest
    from entrepot.pipeline.intake_report import FileReport, IngestOptions, IngestReport, Step

__all__ = ["FileReport", "IngestOptions", "IngestReport", "Step", "ingest"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    home = "intake" if name == "ingest" else "intake_report"
    return getattr(import_module(f"{__name__}.{home}"), name)
