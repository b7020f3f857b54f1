"""What a row means: columns, tables and their checks, said once and used everywhere.

A :class:`Column` says what a value is, in which unit and when it is missing. A :class:`Table` says what
one row is, which columns make it unique and which traps it holds. From them come the Arrow schema of
every stored table, the expressions that return the rows which break the contract, and the data
dictionary of the documentation. Nothing here reads or writes data.
"""

from __future__ import annotations

from entrepot.schema.checks import bad_rows, conform, duplicated_rows
from entrepot.schema.columns import COLUMNS, Column, Kind
from entrepot.schema.dictionary import data_dictionary
from entrepot.schema.tables import (
    DETOUR,
    EXCHANGE_RATE,
    FILE,
    FLOW,
    FLOW_PARTS,
    GAP,
    GAP_PARTS,
    GDP,
    QUALITY,
    QUARANTINE,
    RECONCILED,
    REVISED_FLOW,
    SPECIFICATION,
    TABLES,
    TOTALS,
    Table,
)
from entrepot.schema.terms import (
    DetourKind,
    FlowKind,
    Frequency,
    GapDirection,
    PartnerConcept,
    QuarantineReason,
    RevisionMatch,
    RowRole,
    Valuation,
)

__all__ = [
    "COLUMNS",
    "DETOUR",
    "EXCHANGE_RATE",
    "FILE",
    "FLOW",
    "FLOW_PARTS",
    "GAP",
    "GAP_PARTS",
    "GDP",
    "QUALITY",
    "QUARANTINE",
    "RECONCILED",
    "REVISED_FLOW",
    "SPECIFICATION",
    "TABLES",
    "TOTALS",
    "Column",
    "DetourKind",
    "FlowKind",
    "Frequency",
    "GapDirection",
    "Kind",
    "PartnerConcept",
    "QuarantineReason",
    "RevisionMatch",
    "RowRole",
    "Table",
    "Valuation",
    "bad_rows",
    "conform",
    "data_dictionary",
    "duplicated_rows",
]
