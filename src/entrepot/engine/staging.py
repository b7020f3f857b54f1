"""A publisher's file becomes Parquet with text columns, in file order, and nothing gets lost on the way.

Lines that cannot be split into the header's columns are set aside with their exact row number. The
position of a row in the Parquet file and the row numbers of the unreadable lines give the row number of
every row, so that it need not be stored.
"""

from __future__ import annotations

import csv
import io
import mmap
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.ordered import write_in_order
from entrepot.engine.quoting import identifier, literal, parquet, read_path
from entrepot.errors import EmptyFileError, HeaderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from entrepot.engine.duck import Engine, ParquetFile

__all__ = ["TRAILING", "Staged", "StagedRows", "TextForm", "as_words", "stage_text", "texts_of"]

#: Column of the nameless field behind a trailing delimiter.
TRAILING = "_trailing"

#: Bytes that DuckDB shows of a line that it cannot split, but for half a character.
_MOST_SHOWN = 9_990

#: Different texts of a column that are few.
_MOST_TEXTS = 100_000

#: Words that are handed on with each batch of rows.
_MOST_WORDS = 20_000

_UNREADABLE = pa.schema([("row_number", pa.int64()), ("detail", pa.string()), ("raw_line", pa.string())])


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a file is split into text columns.

    Attributes
    ----------
    form
        Container of the rows. JSON means one object a line; arrays, one JSON list of lists, the first of
        which has the names.
    columns
        Names in file order for CSV and arrays; the names to take for Parquet and JSON.
    delimiter, quote
        Of CSV; an empty quote means that nothing is quoted.
    has_trailing_delimiter
        Data lines have one more, nameless, field.
    skip_lines
        Lines before the first data row.
    null_text
        Text that stands for null besides the empty field, such as ``(null)``.
    """

    form: Literal["csv", "parquet", "json", "arrays"]
    columns: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    has_trailing_delimiter: bool = False
    skip_lines: int = 1
    null_text: str = ""


@dataclass(frozen=True, slots=True)
class Staged:
    """A staged file.

    Attributes
    ----------
    file
        Parquet with the text columns and the constants, rows in file order.
    unreadable
        Lines that could not be split: row_number (int64, from 1), detail, raw_line.
    gaps
        Table of the engine with the row numbers skipped; empty when there are none.
    """

    file: ParquetFile
    unreadable: pa.Table
    gaps: str = ""

    @property
    def rows(self) -> int:
        """Data rows of the file, unreadable ones included."""
        unreadable: int = self.unreadable.num_rows
        return self.file.rows + unreadable

    @property
    def ends_in_a_broken_line(self) -> bool:
        """Return whether the last line is one that could not be split, as in a download that was cut off."""
        return bool(self.unreadable.num_rows) and self.rows in self.unreadable["row_number"].to_pylist()

    def query(self) -> str:
        """Return the query that gives the staged columns plus ``row_number``, on the engine that staged."""
        rows = parquet([self.file.path], with_row_number=True)
        if not self.gaps:
            return f"SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS row_number FROM {rows}"
        return (
            "SELECT staged.* EXCLUDE (file_row_number), "
            "file_row_number + 1 + coalesce(skipped, 0) AS row_number "
            f"FROM {rows} AS staged ASOF LEFT JOIN {self.gaps} AS gaps "
            "ON staged.file_row_number >= gaps.position"
        )


class StagedRows(str):
    """The name of a view of staged rows, which tells a column's different texts without reading the rows.

    Parameters
    ----------
    name
        The name.
    engine
        On which the rows were staged, and where the view is made.
    staged
        The rows.
    """

    __slots__ = ("_engine", "_known", "_path")

    _engine: Engine
    _path: Path
    _known: dict[str, str]

    def __new__(cls, name: str, engine: Engine, staged: Staged) -> Self:
        """Make the view."""
        engine.execute(f"CREATE TEMP VIEW {name} AS {staged.query()}")
        rows = super().__new__(cls, name)
        rows._engine = engine
        rows._path = staged.file.path
        rows._known = {}
        return rows

    def texts_of(self, column: str) -> str:
        """Return what to read a column's texts from: a table of the different ones, if they are few."""
        if column not in self._known:
            texts = _few_texts(self._path, column)
            self._known[column] = str(self)
            if texts is not None:
                self._known[column] = f"texts_{secrets.token_hex(4)}"
                self._engine.register(self._known[column], pa.table({column: texts}))
        return self._known[column]

    def as_words(self, column: str, query: str) -> str:
        """Return the type whose words a query gives, which reads the column's few texts."""
        if self.texts_of(column) == str(self):
            return "VARCHAR"
        words = self._engine.rows(f"SELECT count(*) FROM ({query})")[0][0]
        if not 0 < words <= _MOST_WORDS:
            return "VARCHAR"
        name = f"words_{secrets.token_hex(4)}"
        self._engine.execute(f"CREATE TYPE {name} AS ENUM (FROM ({query}))")
        return name


def as_words(raw: str, column: str, query: str) -> str:
    """Return the type in which a query best hands on what it makes of a column's texts.

    Where the texts are few that is a type of which a row has a number (as in :mod:`entrepot.engine.words`),
    made for this file; else text.

    Parameters
    ----------
    raw
        The staged table.
    column
        Name of the column.
    query
        Query of the different words, none of them null, that reads the column from :func:`texts_of`.
    """
    return raw.as_words(column, query) if isinstance(raw, StagedRows) else "VARCHAR"


def texts_of(raw: str, column: str) -> str:
    """Return from what a query reads the texts of a column: the rows, or a table of the different texts.

    Parameters
    ----------
    raw
        The staged table.
    column
        Name of the column; what is read has it under the same name, and maybe no other.
    """
    return raw.texts_of(column) if isinstance(raw, StagedRows) else raw


def _few_texts(path: Path, column: str) -> pa.Array | None:
    """Return the different texts of a column as its dictionaries have them, None if they are not few."""
    found = pa.array([], pa.string())
    with pq.ParquetFile(path, read_dictionary=[column]) as file:
        about = file.metadata
        place = about.schema.names.index(column)
        for number in range(about.num_row_groups):
            if "RLE_DICTIONARY" not in about.row_group(number).column(place).encodings:
                return None
            chunks = file.read_row_group(number, columns=[column], use_threads=False)[column].chunks
            texts = [chunk.dictionary for chunk in chunks]
            if any(chunk.null_count for chunk in chunks):
                texts.append(pa.nulls(1, pa.string()))
            found = pa.chunked_array([found, *texts], pa.string()).unique()
            if len(found) > _MOST_TEXTS:
                return None
    return found


def stage_text(
    engine: Engine,
    source: Path,
    target: Path,
    form: TextForm,
    *,
    constants: Mapping[str, str] | None = None,
    where: str = "",
) -> Staged:
    """Write a file's rows as Parquet with text columns.

    Parameters
    ----------
    engine
        Runs the work.
    source
        The file: CSV in UTF-8, Parquet, JSON with one object a line, or arrays.
    target
        The Parquet file to write.
    form
        How the rows are split.
    constants
        Columns added, before the file's, with one value for all rows.
    where
        The file's name for messages.

    Returns
    -------
    Staged
        Rows in file order.

    Raises
    ------
    EmptyFileError
        There is no data row.
    HeaderError
        Rows have a value behind a trailing delimiter.
    InputFileError
        JSON breaks, or an array has another length than the header.
    """
    names = [identifier(name) for name in form.columns]
    if form.form == "csv":
        if form.has_trailing_delimiter:
            names.append(identifier(TRAILING))
        rejects = f"rejects_{secrets.token_hex(4)}"
        query = f"SELECT {', '.join(names)} FROM {_read_csv(source, form, rejects)}"
    elif form.form == "arrays":
        rejects = ""
        query = _read_arrays(source, names)
    else:
        rejects = ""
        if form.form == "parquet":
            rows = parquet([source])
        else:
            kinds = _kinds(form.columns)
            rows = f"read_json({read_path(source)}, format = 'newline_delimited', columns = {kinds})"
        texts = _texts(engine, rows, names)
        query = f"SELECT {', '.join(texts)} FROM {rows}"
    written = write_in_order(engine, query, target, constants=constants, where=where)
    unreadable = _unreadable(engine, source, rejects, form) if rejects else _UNREADABLE.empty_table()
    count = written.rows
    if count + unreadable.num_rows == 0:
        raise EmptyFileError(
            "the file has no data row", where=where, hint="ask the publisher for the data again"
        )
    beyond = written.statistics.get(TRAILING, {}) if form.has_trailing_delimiter else {}
    if beyond and int(beyond["null_count"]) < count:
        raise HeaderError(
            f"{count - int(beyond['null_count']):,} rows have a value behind the last column",
            where=where,
            hint="a column of the header is missing, or values hold unquoted delimiters",
        )
    gaps = ""
    if unreadable.num_rows:
        gaps = f"gaps_{secrets.token_hex(4)}"
        engine.register(gaps, _gaps(unreadable["row_number"].to_pylist()))
    return Staged(file=written, unreadable=unreadable, gaps=gaps)


def _gaps(numbers: list[int]) -> pa.Table:
    """Return from which good row on (counted from 0) how many unreadable lines stand before it."""
    skipped = {number - before - 1: before + 1 for before, number in enumerate(numbers)}
    return pa.table(
        {"position": pa.array(skipped.keys(), pa.int64()), "skipped": pa.array(skipped.values(), pa.int64())}
    )


def _texts(engine: Engine, rows: str, names: list[str]) -> list[str]:
    """Return the columns as text: whole floating-point numbers, such as codes, without a fraction."""
    kinds = {identifier(row[0]): row[1] for row in engine.rows(f"DESCRIBE SELECT * FROM {rows}")}
    return [
        f"CASE WHEN isnan({name}) THEN NULL WHEN {name} = trunc({name}) AND abs({name}) < 1e15 "
        f"THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({name} AS VARCHAR) END AS {name}"
        if kinds[name] in {"DOUBLE", "FLOAT"}
        else f"CAST({name} AS VARCHAR) AS {name}"
        for name in names
    ]


def _kinds(columns: tuple[str, ...]) -> str:
    return "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns) + "}"


def _read_csv(source: Path, form: TextForm, rejects: str) -> str:
    columns = (*form.columns, TRAILING) if form.has_trailing_delimiter else form.columns
    nulls = ["''"] + ([literal(form.null_text)] if form.null_text else [])
    quote = literal(form.quote)
    options = [
        "auto_detect = false", "header = false", f"skip = {form.skip_lines}", f"columns = {_kinds(columns)}",
        f"delim = {literal(form.delimiter)}", f"quote = {quote}", f"escape = {quote}",
        f"nullstr = [{', '.join(nulls)}]",
        "store_rejects = true", f"rejects_table = '{rejects}'", f"rejects_scan = '{rejects}_scan'",
        "rejects_limit = 0", "strict_mode = true",
    ]  # fmt: skip
    return f"read_csv({read_path(source)}, {', '.join(options)})"


def _read_arrays(source: Path, names: list[str]) -> str:
    """Return the query of the rows of a JSON list of lists, which fails where one has another length."""
    options = "format = 'array', records = 'false', columns = {json: 'VARCHAR[]'}"
    rows = f"read_json({read_path(source)}, {options})"
    told = f"error('a row has ' || len(json) || ' values, the header {len(names)} names')"
    checked = f"CASE WHEN len(json) = {len(names)} THEN json ELSE {told} END AS json"
    items = ", ".join(f"json[{place}] AS {name}" for place, name in enumerate(names, start=1))
    return f"SELECT {items} FROM (SELECT {checked} FROM {rows} OFFSET 1)"


def _unreadable(engine: Engine, source: Path, rejects: str, form: TextForm) -> pa.Table:
    found = engine.sql(
        f"""
        SELECT line::BIGINT AS line, min(line_byte_position)::BIGINT - 1 AS start,
               arg_min(error_type::VARCHAR, column_idx) AS detail, arg_min(csv_line, column_idx) AS raw_line
        FROM {rejects} GROUP BY line ORDER BY line
        """
    )
    if found.num_rows == 0:
        return _UNREADABLE.empty_table()
    lines: list[str] = found["raw_line"].to_pylist()
    numbers = [line - form.skip_lines for line in found["line"].to_pylist()]
    if _has_blank_lines(source):
        # The reader counts blank lines, which are no rows.
        sizes = [len(line.encode()) for line in lines]
        longest = csv.field_size_limit(2**31 - 1)
        try:
            numbers = list(_row_numbers(source, zip(found["start"].to_pylist(), sizes, strict=True), form))
        finally:
            csv.field_size_limit(longest)
    return pa.table(
        [
            numbers,
            [text.lower() for text in found["detail"].to_pylist()],
            [line.strip("\r\n") for line in lines],
        ],
        schema=_UNREADABLE,
    )


def _has_blank_lines(source: Path) -> bool:
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(blank) >= 0 for blank in (b"\n\n", b"\n\r\n", b"\r\r"))


def _row_numbers(source: Path, unreadable: Iterable[tuple[int, int]], form: TextForm) -> Iterator[int]:
    """Yield the row numbers of lines known by their first bytes and their sizes, blank lines not counted."""
    with source.open("rb") as file:
        for _ in range(form.skip_lines):
            file.readline()
        rows = 0
        position = file.tell()
        for start, size in unreadable:
            file.seek(position)
            between = io.StringIO(file.read(max(start - position, 0)).decode(), newline="")
            if form.quote:
                read = csv.reader(between, delimiter=form.delimiter, quotechar=form.quote)
            else:
                read = csv.reader(between, delimiter=form.delimiter, quoting=csv.QUOTE_NONE)
            rows += sum(1 for row in read if row)
            yield rows + 1
            # Where only the beginning of a line is known, it is counted with what follows it.
            is_cut = size >= _MOST_SHOWN
            position = start if is_cut else start + size
            rows += not is_cut
