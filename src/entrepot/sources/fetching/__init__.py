"""What all fetchers share: questions, HTTP with patience, files that land whole, and a ledger of them."""

from __future__ import annotations

from entrepot.sources.fetching.parts import Fetcher, Freshness, Judged, Part, Plan
from entrepot.sources.fetching.questions import FetchOptions, FetchQuery, Patience, parse_periods
from entrepot.sources.fetching.reports import FetchReport, FetchStep, PartReport, PartStatus

__all__ = [
    "FetchOptions",
    "FetchQuery",
    "FetchReport",
    "FetchStep",
    "Fetcher",
    "Freshness",
    "Judged",
    "Part",
    "PartReport",
    "PartStatus",
    "Patience",
    "Plan",
    "parse_periods",
]
