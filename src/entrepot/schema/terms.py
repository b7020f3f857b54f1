"""The field's closed vocabularies: every value that a coded column may hold."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "ChangeKind",
    "CheckName",
    "DetourKind",
    "EventRelation",
    "FindingChange",
    "FlowKind",
    "Frequency",
    "GapDirection",
    "Invoicing",
    "PartnerConcept",
    "PartsOf",
    "PublishingState",
    "QuarantineReason",
    "RevisionMatch",
    "RowRole",
    "Severity",
    "Valuation",
]


class FlowKind(StrEnum):
    """Trade flow of a report (UN Comtrade ``flowCode`` in brackets).

    Exports contain re-exports and domestic exports, imports contain re-imports and foreign imports, and
    both contain the processing flows: never add them.
    """

    IMPORT = "import"  # M
    EXPORT = "export"  # X
    RE_IMPORT = "re_import"  # RM
    RE_EXPORT = "re_export"  # RX
    DOMESTIC_EXPORT = "domestic_export"  # DX
    FOREIGN_IMPORT = "foreign_import"  # FM
    IMPORT_INWARD_PROCESSING = "import_inward_processing"  # MIP
    EXPORT_INWARD_PROCESSING = "export_inward_processing"  # XIP
    IMPORT_OUTWARD_PROCESSING = "import_outward_processing"  # MOP
    EXPORT_OUTWARD_PROCESSING = "export_outward_processing"  # XOP
    IMPORT_INTRA_FIRM = "import_intra_firm"  # MIF
    EXPORT_INTRA_FIRM = "export_intra_firm"  # XIF


class PartnerConcept(StrEnum):
    """What the partner of a report is (IMTS 2010, chapter VI).

    ``reconciled`` rows are no report: their publisher made one figure of both sides' books. They stand as
    exports of the exporter, FOB, and are never brought together with a book.
    """

    ORIGIN = "origin"
    LAST_KNOWN_DESTINATION = "last_known_destination"
    CONSIGNMENT = "consignment"
    RECONCILED = "reconciled"


class Valuation(StrEnum):
    """Where in the journey a value is taken: at the importer's border (CIF) or the exporter's (FOB)."""

    CIF = "cif"
    FOB = "fob"


class Frequency(StrEnum):
    """Length of a period: a year or a month."""

    ANNUAL = "A"
    MONTHLY = "M"


class RowRole(StrEnum):
    """How a stored row takes part in sums.

    ``leaf`` rows are the flows. ``aggregate`` rows (partner World, a group, a region) and ``breakdown``
    rows (one customs procedure, one transport mode, one second partner out of a total that is there too,
    or a line that gives nothing but the leaf's weight) repeat what the leaves say; they are kept for checks
    and never added to them.
    """

    LEAF = "leaf"
    AGGREGATE = "aggregate"
    BREAKDOWN = "breakdown"


class QuarantineReason(StrEnum):
    """Why a row is not in the core table; the raw row is kept beside the reason."""

    UNREADABLE = "unreadable"  # the CSV reader could not split the line into the header's columns
    UNKNOWN_AREA = "unknown_area"
    UNKNOWN_HS_CODE = "unknown_hs_code"
    UNKNOWN_FLOW = "unknown_flow"
    UNKNOWN_REVISION = "unknown_revision"
    UNKNOWN_UNIT = "unknown_unit"
    BAD_PERIOD = "bad_period"
    BAD_NUMBER = "bad_number"
    NEGATIVE_VALUE = "negative_value"
    ABSURD_VALUE = "absurd_value"
    MISSING_VALUE = "missing_value"
    MISSING_RATE = "missing_rate"  # no exchange rate for that currency and month
    DUPLICATE_KEY = "duplicate_key"
    BREAKDOWN_WITHOUT_TOTAL = "breakdown_without_total"


class DetourKind(StrEnum):
    """Whose goods took the detour, and how the books of the hub show it."""

    DECLARED = "declared"
    UNSEEN = "unseen"
    RELAY = "relay"
    ONWARD_UNOBSERVED = "onward_unobserved"


class FindingChange(StrEnum):
    """What became of a finding between two states of a lake, in the order of interest."""

    APPEARED = "appeared"  # it is a finding now, and was none
    GREW = "grew"  # each interval leaves the other's estimate out
    SHRANK = "shrank"
    WENT = "went"  # it was a finding, and is none
    STAYS = "stays"


class RevisionMatch(StrEnum):
    """How a row came to its code in the revision asked for."""

    AS_PUBLISHED = "as_published"  # the row is in that revision already
    KEPT = "kept"  # the code keeps its number, and all of the row's goods
    RECODED = "recoded"  # all of the row's goods under another number
    SPLIT = "split"  # the row is shared among several codes by weights
    UNMATCHED = "unmatched"  # no counterpart: the row stands under its own code and revision


class GapDirection(StrEnum):
    """Which of the two books of a flow shows more."""

    EXPORTER_MORE = "exporter_more"  # declared as sent, not as arrived
    IMPORTER_MORE = "importer_more"  # declared as arrived, not as sent


class Invoicing(StrEnum):
    """On which side of the usual a unit value lies."""

    OVER = "over"
    UNDER = "under"


class EventRelation(StrEnum):
    """How a series stands to a dated event."""

    DIRECT = "direct"  # one side acts, the other is aimed at
    ONE_SIDE = "one_side"  # one side acts or is aimed at, the other is a third
    EVERYBODY = "everybody"  # the event names no areas


class Severity(StrEnum):
    """What a finding of a check means for figures made of the lake."""

    ERROR = "error"  # figures made of it are wrong
    WARNING = "warning"  # they may be: look, or say in the text what is missing
    NOTE = "note"  # worth knowing


class CheckName(StrEnum):
    """What a finding is about."""

    FILE_MISSING = "file_missing"  # a file of the lake is not on the disk
    FILE_INCOMPLETE = "file_incomplete"  # the lake holds fewer or more rows of a file than were stored
    FILE_UNFINISHED = "file_unfinished"  # an ingest was interrupted
    FILE_LIMIT = "file_limit"  # a file has exactly as many rows as the publisher gives at most
    QUARANTINE = "quarantine"
    CONTRACT = "contract"  # NaN, negative, a null or a word that the contract does not allow
    DUPLICATE_KEY = "duplicate_key"  # one row of a file stands twice
    DUPLICATE_CELL = "duplicate_cell"  # two rows of one source say how much one flow was
    VALUATION_MIXED = "valuation_mixed"
    CURRENCY_MIXED = "currency_mixed"
    UNIT_MIXED = "unit_mixed"
    REVISION_MIXED = "revision_mixed"
    TOTAL_MISSING = "total_missing"
    PARTS_EXCEED_TOTAL = "parts_exceed_total"
    PARTS_MISSING = "parts_missing"
    PARTS_SELECTED = "parts_selected"  # the parts were never meant to be all: a selection
    ROWS_LOST = "rows_lost"  # against the vintage before
    ROWS_GAINED = "rows_gained"
    PERIOD_VANISHED = "period_vanished"


class PartsOf(StrEnum):
    """What the parts of a total are: codes of all goods or of a heading, partners of the world."""

    CODES = "codes"
    PARTNERS = "partners"


class ChangeKind(StrEnum):
    """What became of a cell between two vintages."""

    PUBLISHED = "published"  # the reporter had not published the period of the flow before
    ADDED = "added"  # it had, without the cell
    REMOVED = "removed"
    REVISED = "revised"


class PublishingState(StrEnum):
    """How a reporter stands in the calendar."""

    CURRENT = "current"
    LATE = "late"  # behind its own habit, or behind the others where that is not known
    STOPPED = "stopped"  # a year or more behind (two, of annual reports)
    NEVER = "never"  # others name it as a partner; no report of its own
