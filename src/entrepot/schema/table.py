"""The contract of one table: its grain, columns, key and traps, and the Arrow schema made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from entrepot.schema.columns import COLUMNS, Column, Kind

__all__ = ["Table"]

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
        ``<layer>__<table>``: core (canonical), out (findings), ref (facts beside the reports).
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
