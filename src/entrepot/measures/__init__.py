"""Indicators as expressions: growth, shares, ranks, concentration, dependence, structure, changes.

Functions take any frame that Narwhals accepts and give back the caller's kind; nothing is executed on a lazy
one. Rows are of one book (or reconciled), one level of codes and one revision. Of every measure: a null was
not reported, and what is made of it is null; no row is no trade.
"""

from __future__ import annotations

from entrepot.measures.changes import margins, supplanting
from entrepot.measures.concentration import dependence, herfindahl_hirschman
from entrepot.measures.goods import composition, plausibility
from entrepot.measures.growth import indexed, rolling_year, year_on_year, year_to_date
from entrepot.measures.places import overtakings, ranks, shares, without_inside
from entrepot.measures.structure import (
    complementarity,
    export_similarity,
    proximity,
    revealed_comparative_advantage,
)
from entrepot.measures.substitution import substitutability
from entrepot.measures.sums import totals

__all__ = [
    "complementarity",
    "composition",
    "dependence",
    "export_similarity",
    "herfindahl_hirschman",
    "indexed",
    "margins",
    "overtakings",
    "plausibility",
    "proximity",
    "ranks",
    "revealed_comparative_advantage",
    "rolling_year",
    "shares",
    "substitutability",
    "supplanting",
    "totals",
    "without_inside",
    "year_on_year",
    "year_to_date",
]
