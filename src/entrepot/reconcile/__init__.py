"""Two reports of one flow, brought together: both on FOB, both kept, and one estimate with an interval."""

from __future__ import annotations

from entrepot.reconcile.books import exporter_book, importer_book, reporting_calendar
from entrepot.reconcile.exporter_first import reconcile_books
from entrepot.reconcile.flows import BooksFit, Estimate, fit_books, reconcile, weigh_books
from entrepot.reconcile.pairing import pair_books
from entrepot.reconcile.published import published_flows
from entrepot.reconcile.quality import QUALITY_KEYS, book_quality
from entrepot.reconcile.revisions import amount_columns, to_revision
from entrepot.reconcile.totals import add_up
from entrepot.reconcile.valuation import DEFAULT_CIF_FOB, cif_fob_ratios, to_cif, to_fob
from entrepot.reconcile.windows import VALUE, WEIGHT, Measure, flow_years

__all__ = [
    "DEFAULT_CIF_FOB",
    "QUALITY_KEYS",
    "VALUE",
    "WEIGHT",
    "BooksFit",
    "Estimate",
    "Measure",
    "add_up",
    "amount_columns",
    "book_quality",
    "cif_fob_ratios",
    "exporter_book",
    "fit_books",
    "flow_years",
    "importer_book",
    "pair_books",
    "published_flows",
    "reconcile",
    "reconcile_books",
    "reporting_calendar",
    "to_cif",
    "to_fob",
    "to_revision",
    "weigh_books",
]
