"""Findings as words, charts, pages and files: everything that a user sees of a search.

A name is loaded when it is first used: who prints a table does not wait for what draws charts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.report.about import about_detours
    from entrepot.report.breaks import about_breaks, print_breaks
    from entrepot.report.cases import (
        about_case,
        case_chart,
        print_case,
        print_case_list,
        print_case_result,
    )
    from entrepot.report.checks import Shown, print_calendar, print_findings, print_rows
    from entrepot.report.circulation import about_circulation, print_circulation
    from entrepot.report.comparison import headline_table, hub_table, print_changes, print_headlines
    from entrepot.report.drawing import Caption, bars_chart, lines_chart, stack_chart, write_chart
    from entrepot.report.explanation import explanation_text
    from entrepot.report.files import check_out, write_table
    from entrepot.report.gap_terminal import print_gap_parts, print_gaps
    from entrepot.report.gap_words import about_gaps
    from entrepot.report.incentives import about_incentives, print_incentives
    from entrepot.report.lookups import print_facts
    from entrepot.report.loops import about_loops, print_loops
    from entrepot.report.measured import measure_chart, print_measure
    from entrepot.report.page import write_page
    from entrepot.report.prices import about_prices, print_prices
    from entrepot.report.robustness import about_specifications, print_specifications
    from entrepot.report.terminal import print_detours
    from entrepot.report.watching import about_watch, print_watch

__all__ = [
    "Caption",
    "Shown",
    "about_breaks",
    "about_case",
    "about_circulation",
    "about_detours",
    "about_gaps",
    "about_incentives",
    "about_loops",
    "about_prices",
    "about_specifications",
    "about_watch",
    "bars_chart",
    "case_chart",
    "check_out",
    "explanation_text",
    "headline_table",
    "hub_table",
    "lines_chart",
    "measure_chart",
    "print_breaks",
    "print_calendar",
    "print_case",
    "print_case_list",
    "print_case_result",
    "print_changes",
    "print_circulation",
    "print_detours",
    "print_facts",
    "print_findings",
    "print_gap_parts",
    "print_gaps",
    "print_headlines",
    "print_incentives",
    "print_loops",
    "print_measure",
    "print_prices",
    "print_rows",
    "print_specifications",
    "print_watch",
    "stack_chart",
    "write_chart",
    "write_page",
    "write_table",
]

_HOME = {
    "about_incentives": "entrepot.report.incentives",
    "print_incentives": "entrepot.report.incentives",
    "about_case": "entrepot.report.cases",
    "case_chart": "entrepot.report.cases",
    "print_case": "entrepot.report.cases",
    "print_case_list": "entrepot.report.cases",
    "print_case_result": "entrepot.report.cases",
    "Caption": "entrepot.report.drawing",
    "bars_chart": "entrepot.report.drawing",
    "lines_chart": "entrepot.report.drawing",
    "stack_chart": "entrepot.report.drawing",
    "write_chart": "entrepot.report.drawing",
    "measure_chart": "entrepot.report.measured",
    "print_measure": "entrepot.report.measured",
    "about_circulation": "entrepot.report.circulation",
    "print_circulation": "entrepot.report.circulation",
    "about_watch": "entrepot.report.watching",
    "print_watch": "entrepot.report.watching",
    "Shown": "entrepot.report.checks",
    "about_prices": "entrepot.report.prices",
    "print_prices": "entrepot.report.prices",
    "about_breaks": "entrepot.report.breaks",
    "print_breaks": "entrepot.report.breaks",
    "about_detours": "entrepot.report.about",
    "about_specifications": "entrepot.report.robustness",
    "about_gaps": "entrepot.report.gap_words",
    "about_loops": "entrepot.report.loops",
    "check_out": "entrepot.report.files",
    "explanation_text": "entrepot.report.explanation",
    "print_detours": "entrepot.report.terminal",
    "print_facts": "entrepot.report.lookups",
    "print_specifications": "entrepot.report.robustness",
    "print_gap_parts": "entrepot.report.gap_terminal",
    "print_gaps": "entrepot.report.gap_terminal",
    "headline_table": "entrepot.report.comparison",
    "hub_table": "entrepot.report.comparison",
    "print_calendar": "entrepot.report.checks",
    "print_changes": "entrepot.report.comparison",
    "print_findings": "entrepot.report.checks",
    "print_headlines": "entrepot.report.comparison",
    "print_rows": "entrepot.report.checks",
    "print_loops": "entrepot.report.loops",
    "write_page": "entrepot.report.page",
    "write_table": "entrepot.report.files",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
