"""What every source provides: how the bytes become text columns, and how text becomes canonical rows.

A source never opens a database and never writes. It looks at the head of a file and answers with a
:class:`Layout`; from the layout it makes one SQL query that turns the staged text columns into rows of
``core__flow``, each with a quarantine reason or none. The engine runs the query, the pipeline conducts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, Self, runtime_checkable

from entrepot.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from entrepot.schema import FlowKind

__all__ = ["UNSTATED", "Layout", "Source", "Stated", "TellableSource"]

_PERIOD = re.compile(r"(19|20)\d{2}(-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user states because a file leaves it unsaid.

    Attributes
    ----------
    flow
        Trade flow of all rows.
    period
        Period of all rows, ``2023`` or ``2023-07``.
    """

    flow: FlowKind | None = None
    period: str | None = None

    def __post_init__(self) -> None:
        """Refuse a period that is none."""
        if self.period is not None and not _PERIOD.fullmatch(self.period):
            raise OptionError(
                f"{self.period!r} is no period",
                where="--period",
                hint="write 2023 for a year, 2023-07 for a month",
            )

    def fields(self) -> dict[str, str]:
        """Return what is stated, by field."""
        given = {"flow": self.flow and self.flow.value, "period": self.period}
        return {name: text for name, text in given.items() if text}

    def layout_id(self, name: str) -> str:
        """Return the name of a layout with what is stated: other statements, other meaning."""
        return "-".join([name, *self.fields().values()])

    def notes(self) -> dict[str, str]:
        """Return the entry of ``Layout.extra`` that says what is stated, empty where nothing is."""
        said = ", ".join(f"{name} {text}" for name, text in self.fields().items())
        return {"stated": said} if said else {}


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
    form: Literal["csv", "parquet", "json", "dbf"]
    columns: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    has_trailing_delimiter: bool = False
    skip_lines: int = 1
    extra: dict[str, str] = field(default_factory=dict)


#: Nothing is stated.
UNSTATED = Stated()


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
        (the offending column and value). Different texts of one column are read from
        :func:`~entrepot.engine.staging.texts_of` ``raw``. A column that may be null and that the publisher
        does not have may be left out; one that is the same in all rows is best written as a literal
        (``'fob' AS valuation``), which costs nothing a row. Columns of a closed vocabulary hold its words or
        null, in bad rows too; so does ``period``, whose words are the years and months of 1900 to 2100. It
        may join the tables of :meth:`reference_tables`.

        Where rows are parts that are added to one, a further column ``parts`` says for how many rows of
        ``raw`` each row stands.
        """
        ...

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the small tables that the query joins, by the name under which it expects them."""
        ...


@runtime_checkable
class TellableSource(Source, Protocol):
    """A source whose files may leave something unsaid: the user states it, nothing is guessed."""

    def told(self, stated: Stated) -> Self:
        """Return the source that knows what the user states.

        Raises
        ------
        OptionError
            Something that no file of the source says is not stated, or what the files do say is.
        """
        ...
