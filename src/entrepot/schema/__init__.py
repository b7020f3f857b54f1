"""What a row means: columns, tables and their checks, said once and used everywhere.

A :class:`Column` says what a value is, in which unit and when it is missing. A :class:`Table` says what
one row is, which columns make it unique and which traps it holds. From them come the Arrow schema of
every stored table, the expressions that return the rows which break the contract, and the data
dictionary of the documentation. Nothing here reads or writes data.
"""

from __future__ import annotations

from entrepot.schema.checks import Rule, bad_rows, conform, duplicated_rows, rules_of
from entrepot.schema.columns import COLUMNS, Column, Kind
from entrepot.schema.dictionary import data_dictionary
from entrepot.schema.tables import (
    CALENDAR,
    CHANGE,
    DETOUR,
    EXCHANGE_RATE,
    FILE,
    FINDING,
    FLOW,
    FLOW_PARTS,
    GAP,
    GAP_PARTS,
    GDP,
    MOVED,
    PART_CHECK,
    QUALITY,
    QUARANTINE,
    RECONCILED,
    REVISED_FLOW,
    SPECIFICATION,
    TABLES,
    TOTALS,
    WATCH,
    Table,
)
from entrepot.schema.terms import (
    ChangeKind,
    CheckName,
    DetourKind,
    FindingChange,
    FlowKind,
    Frequency,
    GapDirection,
    PartnerConcept,
    PartsOf,
    PublishingState,
    QuarantineReason,
    RevisionMatch,
    RowRole,
    Severity,
    Valuation,
)

__all__ = [
    "CALENDAR",
    "CHANGE",
    "COLUMNS",
    "DETOUR",
    "EXCHANGE_RATE",
    "FILE",
    "FINDING",
    "FLOW",
    "FLOW_PARTS",
    "GAP",
    "GAP_PARTS",
    "GDP",
    "MOVED",
    "PART_CHECK",
    "QUALITY",
    "QUARANTINE",
    "RECONCILED",
    "REVISED_FLOW",
    "SPECIFICATION",
    "TABLES",
    "TOTALS",
    "WATCH",
    "ChangeKind",
    "CheckName",
    "Column",
    "DetourKind",
    "FindingChange",
    "FlowKind",
    "Frequency",
    "GapDirection",
    "Kind",
    "PartnerConcept",
    "PartsOf",
    "PublishingState",
    "QuarantineReason",
    "RevisionMatch",
    "RowRole",
    "Rule",
    "Severity",
    "Table",
    "Valuation",
    "bad_rows",
    "conform",
    "data_dictionary",
    "duplicated_rows",
    "rules_of",
]
