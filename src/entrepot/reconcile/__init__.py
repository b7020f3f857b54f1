"""Two reports of one flow, brought together: both on FOB, both kept, and one estimate with an interval."""

from __future__ import annotations

from entrepot.reconcile.books import exporter_book, importer_book, reporting_calendar
from entrepot.reconcile.exporter_first import reconcile_books
from entrepot.reconcile.flows import (
    MEASURES,
    BooksFit,
    Estimate,
    fit_books,
    measure_years,
    reconcile,
    weigh_books,
)
from entrepot.reconcile.hubs import HubFit
from entrepot.reconcile.pairing import pair_books
from entrepot.reconcile.parts import HomeFlows, with_parts
from entrepot.reconcile.passage import fit_hubs, with_passage
from entrepot.reconcile.published import published_flows
from entrepot.reconcile.quality import QUALITY_KEYS, book_quality
from entrepot.reconcile.quantities import QUANTITY, comparable_quantities
from entrepot.reconcile.revisions import amount_columns, to_revision
from entrepot.reconcile.silence import tell_unspoken, unspoken_pairs
from entrepot.reconcile.special import SpecialAreas, allocate_special
from entrepot.reconcile.totals import LEVELS, add_up
from entrepot.reconcile.valuation import DEFAULT_CIF_FOB, cif_fob_ratios, to_cif, to_fob
from entrepot.reconcile.windows import VALUE, WEIGHT, Measure, flow_years

__all__ = [
    "DEFAULT_CIF_FOB",
    "LEVELS",
    "MEASURES",
    "QUALITY_KEYS",
    "QUANTITY",
    "VALUE",
    "WEIGHT",
    "BooksFit",
    "Estimate",
    "HomeFlows",
    "HubFit",
    "Measure",
    "SpecialAreas",
    "add_up",
    "allocate_special",
    "amount_columns",
    "book_quality",
    "cif_fob_ratios",
    "comparable_quantities",
    "exporter_book",
    "fit_books",
    "fit_hubs",
    "flow_years",
    "importer_book",
    "measure_years",
    "pair_books",
    "published_flows",
    "reconcile",
    "reconcile_books",
    "reporting_calendar",
    "tell_unspoken",
    "to_cif",
    "to_fob",
    "to_revision",
    "unspoken_pairs",
    "weigh_books",
    "with_parts",
    "with_passage",
]
