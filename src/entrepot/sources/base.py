"""What every source provides: how the bytes become text columns, and how text becomes canonical rows.

A source never opens a database and never writes. It looks at the head of a file and answers with a
:class:`Layout`; from the layout it makes one SQL query that turns the staged text columns into rows of
``core__flow``, each with a quarantine reason or none. The engine runs the query, the pipeline conducts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["Layout", "Source"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How one file is laid out: what a reader must know to split it into text columns.

    Attributes
    ----------
    id
        Name of the publisher's layout, such as ``web``, ``bulk`` or ``legacy``.
    raw_table
        Table of the raw layer that takes the rows as published.
    form
        Container of the rows.
    columns
        Names of the columns in file order, unique, as staged (text, whatever the publisher's types).
        Without the nameless field of a trailing delimiter.
    delimiter, quote, encoding
        How text is split and decoded; ``encoding`` is a Python codec name.
    has_trailing_delimiter
        Data lines end in a delimiter although the header does not.
    skip_lines
        Lines before the first data row, the header included.
    """

    id: str
    raw_table: str
    form: Literal["csv", "parquet", "json"]
    columns: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    has_trailing_delimiter: bool = False
    skip_lines: int = 1
    extra: dict[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A publisher, or the user's own table described by a mapping."""

    @property
    def id(self) -> str:
        """Return the id that stands in the column ``source``."""
        ...

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file, reading no more than its head.

        Raises
        ------
        InputFileError
            The file is not what the source reads: a header with columns missing, renamed or doubled, a
            wrong delimiter, HTML, an undecodable or truncated head, an empty file.
        """
        ...

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw``.

        ``raw`` has the layout's columns as text plus ``row_number`` (int64). The query gives, for every
        row of ``raw`` (for a wide layout: for every non-empty cell), the columns of ``core__flow`` but
        for ``source``, ``file_hash`` and ``vintage``, and two more: ``reason`` (a
        :class:`~entrepot.schema.terms.QuarantineReason` value, null for a good row) and ``detail``
        (the offending column and value). A column that may be null and that the publisher does not have
        may be left out. It may join the tables of :meth:`reference_tables`.
        """
        ...

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the small tables that the query joins, by the name under which it expects them."""
        ...
