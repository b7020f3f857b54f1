"""Raw customs files in; detours out, each with an amount, an interval and the evidence behind it.

The names below are the public interface. A name is loaded when it is first used, so that
``import entrepot`` costs nothing: no engine, no frame library and no compiler is loaded by it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.detect.breaks.options import BreakOptions
    from entrepot.detect.breaks.result import BreakResult
    from entrepot.detect.circulation.circulation import CirculationResult
    from entrepot.detect.circulation.options import CirculationOptions
    from entrepot.detect.explanation import Corridor
    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.gaps.parts_result import GapParts
    from entrepot.detect.gaps.result import GapResult
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.result import LoopResult
    from entrepot.detect.options import DetourOptions
    from entrepot.detect.prices.options import PriceOptions
    from entrepot.detect.prices.result import PriceResult
    from entrepot.detect.result import DetourResult
    from entrepot.errors import EntrepotError
    from entrepot.model.gravity import GravityFit, fit_gravity
    from entrepot.model.world import World, WorldOptions, build_world
    from entrepot.pipeline import IngestOptions, IngestReport, ingest
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.breaks import find_breaks, find_breaks_in
    from entrepot.pipeline.cases import (
        Case,
        CaseResult,
        case_names,
        find_case,
        missing_data,
        new_case,
        published_figures,
        run_case,
    )
    from entrepot.pipeline.checking import CheckOptions, CheckReport, check_lake
    from entrepot.pipeline.circulation import find_circulation, find_circulation_in
    from entrepot.pipeline.comparing import Comparison, compare_detours, compare_vintages
    from entrepot.pipeline.detours import find_detours, find_detours_in
    from entrepot.pipeline.explaining import explain_detour
    from entrepot.pipeline.flows import FlowQuery, select_flows
    from entrepot.pipeline.gaps import decompose_gaps_in, find_gaps, find_gaps_in, take_gaps_apart
    from entrepot.pipeline.incentives import find_incentives
    from entrepot.pipeline.loops import find_loops, find_loops_in
    from entrepot.pipeline.measured_flows import MeasuredFlows
    from entrepot.pipeline.measuring import MeasureQuery, measure_lake
    from entrepot.pipeline.prices import (
        decompose_values,
        decompose_values_in,
        find_markups,
        find_markups_in,
        find_price_outliers,
        find_price_outliers_in,
    )
    from entrepot.pipeline.quality import data_quality, explain_reporter
    from entrepot.pipeline.reporting import lake_calendar
    from entrepot.pipeline.specifications import find_specifications
    from entrepot.pipeline.watching import watch_detours
    from entrepot.sources.deflators import read_deflator
    from entrepot.sources.fetchers import fetch
    from entrepot.sources.fetching.questions import FetchOptions, FetchQuery, Patience
    from entrepot.sources.fetching.reports import FetchReport
    from entrepot.sources.registry import open_source
    from entrepot.sources.world_bank.gdp import read_gdp
    from entrepot.store import Lake, copy_lake

    __version__: str

__all__ = [
    "Amount",
    "BreakOptions",
    "BreakResult",
    "Case",
    "CaseResult",
    "CheckOptions",
    "CheckReport",
    "CirculationOptions",
    "CirculationResult",
    "Comparison",
    "Corridor",
    "DetourOptions",
    "DetourResult",
    "EntrepotError",
    "FetchOptions",
    "FetchQuery",
    "FetchReport",
    "FlowQuery",
    "GapOptions",
    "GapParts",
    "GapResult",
    "GravityFit",
    "IngestOptions",
    "IngestReport",
    "Lake",
    "LoopOptions",
    "LoopResult",
    "MeasureQuery",
    "MeasuredFlows",
    "Patience",
    "PriceOptions",
    "PriceResult",
    "World",
    "WorldOptions",
    "__version__",
    "build_world",
    "case_names",
    "check_lake",
    "compare_detours",
    "compare_vintages",
    "copy_lake",
    "data_quality",
    "decompose_gaps_in",
    "decompose_values",
    "decompose_values_in",
    "explain_detour",
    "explain_reporter",
    "fetch",
    "find_breaks",
    "find_breaks_in",
    "find_case",
    "find_circulation",
    "find_circulation_in",
    "find_detours",
    "find_detours_in",
    "find_gaps",
    "find_gaps_in",
    "find_incentives",
    "find_loops",
    "find_loops_in",
    "find_markups",
    "find_markups_in",
    "find_price_outliers",
    "find_price_outliers_in",
    "find_specifications",
    "fit_gravity",
    "ingest",
    "lake_calendar",
    "measure_lake",
    "missing_data",
    "new_case",
    "open_source",
    "published_figures",
    "read_deflator",
    "read_gdp",
    "run_case",
    "select_flows",
    "take_gaps_apart",
    "watch_detours",
]

# A public name stands in three places: in __all__, here with its module, and under TYPE_CHECKING.
_HOME = {
    "find_incentives": "entrepot.pipeline.incentives",
    "PriceOptions": "entrepot.detect.prices.options",
    "PriceResult": "entrepot.detect.prices.result",
    "decompose_values": "entrepot.pipeline.prices",
    "decompose_values_in": "entrepot.pipeline.prices",
    "find_markups": "entrepot.pipeline.prices",
    "find_markups_in": "entrepot.pipeline.prices",
    "find_price_outliers": "entrepot.pipeline.prices",
    "find_price_outliers_in": "entrepot.pipeline.prices",
    "Amount": "entrepot.pipeline.amounts",
    "BreakOptions": "entrepot.detect.breaks.options",
    "BreakResult": "entrepot.detect.breaks.result",
    "find_breaks": "entrepot.pipeline.breaks",
    "find_breaks_in": "entrepot.pipeline.breaks",
    "Case": "entrepot.pipeline.cases",
    "CaseResult": "entrepot.pipeline.cases",
    "case_names": "entrepot.pipeline.cases",
    "find_case": "entrepot.pipeline.cases",
    "missing_data": "entrepot.pipeline.cases",
    "new_case": "entrepot.pipeline.cases",
    "published_figures": "entrepot.pipeline.cases",
    "run_case": "entrepot.pipeline.cases",
    "Corridor": "entrepot.detect.explanation",
    "CheckOptions": "entrepot.pipeline.checking",
    "CheckReport": "entrepot.pipeline.checking",
    "CirculationOptions": "entrepot.detect.circulation.options",
    "CirculationResult": "entrepot.detect.circulation.circulation",
    "find_circulation": "entrepot.pipeline.circulation",
    "find_circulation_in": "entrepot.pipeline.circulation",
    "Comparison": "entrepot.pipeline.comparing",
    "DetourOptions": "entrepot.detect.options",
    "DetourResult": "entrepot.detect.result",
    "EntrepotError": "entrepot.errors",
    "FetchOptions": "entrepot.sources.fetching.questions",
    "FetchQuery": "entrepot.sources.fetching.questions",
    "FetchReport": "entrepot.sources.fetching.reports",
    "FlowQuery": "entrepot.pipeline.flows",
    "GapOptions": "entrepot.detect.gaps.options",
    "GapParts": "entrepot.detect.gaps.parts_result",
    "GapResult": "entrepot.detect.gaps.result",
    "GravityFit": "entrepot.model.gravity",
    "IngestOptions": "entrepot.pipeline",
    "IngestReport": "entrepot.pipeline",
    "Lake": "entrepot.store",
    "copy_lake": "entrepot.store",
    "Patience": "entrepot.sources.fetching.questions",
    "LoopOptions": "entrepot.detect.loops.options",
    "LoopResult": "entrepot.detect.loops.result",
    "MeasureQuery": "entrepot.pipeline.measuring",
    "MeasuredFlows": "entrepot.pipeline.measured_flows",
    "World": "entrepot.model.world",
    "WorldOptions": "entrepot.model.world",
    "build_world": "entrepot.model.world",
    "data_quality": "entrepot.pipeline.quality",
    "explain_detour": "entrepot.pipeline.explaining",
    "decompose_gaps_in": "entrepot.pipeline.gaps",
    "explain_reporter": "entrepot.pipeline.quality",
    "fetch": "entrepot.sources.fetchers",
    "check_lake": "entrepot.pipeline.checking",
    "compare_detours": "entrepot.pipeline.comparing",
    "compare_vintages": "entrepot.pipeline.comparing",
    "find_detours": "entrepot.pipeline.detours",
    "find_detours_in": "entrepot.pipeline.detours",
    "find_specifications": "entrepot.pipeline.specifications",
    "find_gaps": "entrepot.pipeline.gaps",
    "find_gaps_in": "entrepot.pipeline.gaps",
    "find_loops": "entrepot.pipeline.loops",
    "find_loops_in": "entrepot.pipeline.loops",
    "fit_gravity": "entrepot.model.gravity",
    "ingest": "entrepot.pipeline",
    "lake_calendar": "entrepot.pipeline.reporting",
    "measure_lake": "entrepot.pipeline.measuring",
    "open_source": "entrepot.sources.registry",
    "read_deflator": "entrepot.sources.deflators",
    "read_gdp": "entrepot.sources.world_bank.gdp",
    "select_flows": "entrepot.pipeline.flows",
    "watch_detours": "entrepot.pipeline.watching",
    "take_gaps_apart": "entrepot.pipeline.gaps",
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
