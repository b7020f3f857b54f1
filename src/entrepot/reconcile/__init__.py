"""Two reports of one flow, brought together: both on FOB, both kept, and one estimate with an interval."""

from __future__ import annotations

from entrepot.reconcile.books import exporter_book, importer_book, reporting_calendar
from entrepot.reconcile.flows import pair_books, reconcile, reconcile_books
from entrepot.reconcile.published import published_flows
from entrepot.reconcile.revisions import amount_columns, to_revision
from entrepot.reconcile.valuation import DEFAULT_CIF_FOB, cif_fob_ratios

__all__ = [
    "DEFAULT_CIF_FOB",
    "amount_columns",
    "cif_fob_ratios",
    "exporter_book",
    "importer_book",
    "pair_books",
    "published_flows",
    "reconcile",
    "reconcile_books",
    "reporting_calendar",
    "to_revision",
]
