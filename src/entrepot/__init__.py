"""Raw customs files in; detours out, each with an amount, an interval and the evidence behind it.

The names below are the public interface. A name is loaded when it is first used, so that
``import entrepot`` costs nothing: no engine, no frame library and no compiler is loaded by it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.detect.options import DetourOptions
    from entrepot.detect.result import DetourResult
    from entrepot.errors import EntrepotError
    from entrepot.model.world import World, WorldOptions, build_world
    from entrepot.pipeline import IngestOptions, IngestReport, ingest
    from entrepot.pipeline.detours import find_detours, find_detours_in
    from entrepot.pipeline.flows import FlowQuery, select_flows
    from entrepot.pipeline.quality import data_quality, explain_reporter
    from entrepot.sources.registry import open_source
    from entrepot.store import Lake

    __version__: str

__all__ = [
    "DetourOptions",
    "DetourResult",
    "EntrepotError",
    "FlowQuery",
    "IngestOptions",
    "IngestReport",
    "Lake",
    "World",
    "WorldOptions",
    "__version__",
    "build_world",
    "data_quality",
    "explain_reporter",
    "find_detours",
    "find_detours_in",
    "ingest",
    "open_source",
    "select_flows",
]

# A public name stands in three places: in __all__, here with its module, and under TYPE_CHECKING.
_HOME = {
    "DetourOptions": "entrepot.detect.options",
    "DetourResult": "entrepot.detect.result",
    "EntrepotError": "entrepot.errors",
    "FlowQuery": "entrepot.pipeline.flows",
    "IngestOptions": "entrepot.pipeline",
    "IngestReport": "entrepot.pipeline",
    "Lake": "entrepot.store",
    "World": "entrepot.model.world",
    "WorldOptions": "entrepot.model.world",
    "build_world": "entrepot.model.world",
    "data_quality": "entrepot.pipeline.quality",
    "explain_reporter": "entrepot.pipeline.quality",
    "find_detours": "entrepot.pipeline.detours",
    "find_detours_in": "entrepot.pipeline.detours",
    "ingest": "entrepot.pipeline",
    "open_source": "entrepot.sources.registry",
    "select_flows": "entrepot.pipeline.flows",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("entrepot")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return __all__
