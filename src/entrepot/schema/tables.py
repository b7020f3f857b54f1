"""Every stored or published table: what one row is, what makes it unique, which traps it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from entrepot.schema.columns import COLUMNS, Column, Kind

__all__ = [
    "DETOUR",
    "FILE",
    "FLOW",
    "QUALITY",
    "QUARANTINE",
    "RECONCILED",
    "REVISED_FLOW",
    "TABLES",
    "TOTALS",
    "Table",
]

_ARROW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """The contract of one table.

    Attributes
    ----------
    name
        ``<layer>__<table>``: core (canonical), out (findings).
    grain
        What one row is.
    columns
        Column names in their stored order.
    key
        Columns that together are unique.
    description
        What the table is for.
    traps
        What makes wrong numbers of it.
    partition_by
        Columns that the stored table is partitioned by.
    summed
        Columns that are null where a row is a sum over them.
    """

    name: str
    grain: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    description: str
    traps: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    summed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a contract that names unknown columns."""
        unknown = [
            name
            for name in (*self.columns, *self.key, *self.partition_by, *self.summed)
            if name not in COLUMNS
        ]
        stray = [name for name in (*self.key, *self.partition_by) if name not in self.columns]
        if unknown or stray:
            msg = f"table {self.name}: unknown columns {unknown}, key or partition outside the table {stray}"
            raise ValueError(msg)

    def column_contracts(self) -> tuple[Column, ...]:
        """Return the contracts of the columns, in order."""
        return tuple(
            replace(COLUMNS[name], missing="summed over") if name in self.summed else COLUMNS[name]
            for name in self.columns
        )

    def arrow_schema(self) -> pa.Schema:
        """Return the Arrow schema: types, nullability, and the unit and meaning as field metadata."""
        return pa.schema(
            [
                pa.field(
                    column.name,
                    _ARROW[column.kind],
                    nullable=column.is_nullable,
                    metadata={"description": column.description, "unit": column.unit},
                )
                for column in self.column_contracts()
            ]
        )


FLOW = Table(
    name="core__flow",
    grain="one report: what one reporter says of one flow, in one vintage of one file",
    columns=(
        "source", "year", "vintage", "file_hash", "row_number", "cell", "role",
        "reporter", "partner", "partner_concept", "consignment_partner", "flow", "customs_procedure",
        "frequency", "period",
        "hs_code", "hs_level", "hs_revision", "national_code",
        "primary_value_usd", "valuation", "reported_value", "reported_currency",
        "net_weight_kg", "is_net_weight_estimated", "quantity", "quantity_unit", "is_quantity_estimated",
    ),
    key=("file_hash", "row_number", "cell"),
    description="Canonical reports of every publisher, before the two books are brought together.",
    traps=(
        "Imports are CIF by country of origin, exports FOB by last known destination.",
        "Only rows of role leaf are flows; aggregates and breakdowns repeat them.",
        "A cell may have a row a customs_procedure: add them.",
        "Rows of partner_concept reconciled are no book of either side: never beside reports.",
        "Rows of several hs_level overlap: choose one level, never add them.",
        "Several vintages of a cell stand side by side: choose by vintage.",
        "Not reported is not zero: a reporter without rows in a period has not published it.",
    ),
    partition_by=("source", "year"),
)  # fmt: skip

REVISED_FLOW = Table(
    name="out__revised_flow",
    grain="the share of one report that stands under one code of the revision asked for",
    columns=(
        *FLOW.columns, "source_hs_code", "source_hs_revision", "revision_weight", "revision_match",
    ),
    key=("file_hash", "row_number", "cell", "hs_code"),
    description="Reports in one revision of the Harmonized System, amounts shared by a weighted concordance.",
    traps=(
        "One report may stand in several rows: their weights sum to one.",
        "Rows without a counterpart keep their own code and revision: revision_match is unmatched.",
        "The shares of a split are an assumption unless they were learnt from trade under both revisions.",
    ),
)  # fmt: skip

FILE = Table(
    name="core__file",
    grain="one ingested file",
    columns=(
        "file_hash", "file_name", "file_size", "source", "layout", "raw_table", "vintage", "ingested_at",
        "rows_read", "rows_stored", "rows_quarantined",
    ),
    key=("file_hash", "source"),
    description="Register of ingested files: rows_read = rows_stored + rows_quarantined, always.",
)  # fmt: skip

QUARANTINE = Table(
    name="core__quarantine",
    grain="one row of a file that could not be taken into core__flow",
    columns=("file_hash", "row_number", "cell", "source", "reason", "detail", "raw_line"),
    key=("file_hash", "row_number", "cell", "source"),
    description="Rows set aside, each with its reason; nothing is dropped or mended silently.",
)

RECONCILED = Table(
    name="core__reconciled",
    grain="one true flow: exporter × importer × hs_code × period",
    columns=(
        "exporter", "importer", "hs_code", "period", "frequency",
        "value_usd", "low_usd", "high_usd", "net_weight_kg",
        "exporter_report_usd", "importer_report_usd", "cif_fob_ratio", "basis",
        "exporter_share", "freight_ratio", "log_gap",
    ),
    key=("exporter", "importer", "hs_code", "period", "frequency"),
    description="Two reports of one flow, both on FOB, and the estimate made of them.",
    traps=(
        "A missing row is a flow that neither side reported, not a proven zero.",
        "Goods that pass a hub stand in the importer's book under their origin, not under the hub.",
        "A row that one side alone knows of (basis …_alone) may be the same goods under another partner.",
    ),
)  # fmt: skip

DETOUR = Table(
    name="out__detour",
    grain="one origin × hub × destination × hs_code (or the keys asked for), for the whole after-window",
    columns=(
        "origin", "hub", "destination", "hs_code", "period", "kind",
        "estimate_usd", "low_usd", "high_usd", "q_value", "estimate_kg", "status",
        "excess_in_usd", "excess_on_usd", "shortfall_usd",
        "before_in_usd", "after_in_usd", "expected_in_usd",
        "before_direct_usd", "after_direct_usd", "expected_direct_usd",
        "raw_increase_usd", "baseline",
    ),
    key=("origin", "hub", "destination", "hs_code", "period", "kind"),
    summed=(
        "origin", "hub", "destination", "hs_code", "period", "kind", "excess_in_usd", "shortfall_usd",
    ),
    description="Amounts that took a detour, each with an interval and the figures it was made of.",
    traps=(
        "Trade by code is an upper bound on controlled goods.",
        "The declared and the unseen row of one corridor repeat the same legs: do not add bounds over kinds.",
        "Relay rows are the goods of others: do not add them to the other kinds.",
        "An estimate is a statistical finding about flows; it accuses nobody.",
        "Intervals of a sum are not sums of intervals: ask for the sum.",
    ),
)  # fmt: skip

QUALITY = Table(
    name="out__quality",
    grain="one reporter × flow × partner × chapter × year (or the keys asked for)",
    columns=(
        "reporter", "flow", "partner", "chapter", "year",
        "quality", "published_share", "missed_share", "median_gap",
        "reported_flows", "compared_flows", "reported_usd", "partner_usd",
    ),
    key=("reporter", "flow", "partner", "chapter", "year"),
    summed=("reporter", "flow", "partner", "chapter", "year"),
    description="How good a reporter's data are, against what its partners report of the same flows.",
    traps=(
        "Two books that agree may be wrong in the same way.",
        "Goods that pass a hub lower the quality of both ends: see the page on partner concepts.",
    ),
)  # fmt: skip

TOTALS = Table(
    name="out__totals",
    grain="one exporter × importer × period × hs_code of six, four or two digits, or TOTAL",
    columns=(
        "exporter", "importer", "hs_code", "period", "frequency",
        "value_usd", "exporter_report_usd", "importer_report_usd",
        "exporter_total_usd", "exporter_unexplained_usd", "importer_total_usd", "importer_unexplained_usd",
    ),
    key=("exporter", "importer", "hs_code", "period", "frequency"),
    description="Reconciled flows added up, with each book's own total and what its goods leave unexplained.",
    traps=("Levels overlap: choose one, never add them.",),
)  # fmt: skip

TABLES: tuple[Table, ...] = (FLOW, REVISED_FLOW, FILE, QUARANTINE, RECONCILED, DETOUR, QUALITY, TOTALS)
