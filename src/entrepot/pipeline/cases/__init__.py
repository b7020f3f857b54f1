"""Named, runnable cases: the claims of the field's reports, and official figures to try the files on."""

from __future__ import annotations

from entrepot.pipeline.cases.reading import Call, Case, Figure, Need, case_names, find_case
from entrepot.pipeline.cases.running import CaseResult, Compared, missing_data, published_figures, run_case
from entrepot.pipeline.cases.template import new_case

__all__ = [
    "Call",
    "Case",
    "CaseResult",
    "Compared",
    "Figure",
    "Need",
    "case_names",
    "find_case",
    "missing_data",
    "new_case",
    "published_figures",
    "run_case",
]
