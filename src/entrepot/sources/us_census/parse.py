"""The US Census Bureau as a source: answers of its API as they came, or saved as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrepot.engine.container import read_head
from entrepot.errors import EmptyFileError, HeaderError, InputFileError, TruncatedFileError
from entrepot.sources.base import Layout
from entrepot.sources.tables import TableHead, read_table_head, unique_names
from entrepot.sources.us_census.statement import census_columns, census_sql, census_tables

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["UsCensusSource"]


class UsCensusSource:
    """Reader of the API's arrays of arrays, and of CSV and Parquet with the same columns."""

    @property
    def id(self) -> str:
        """Return ``us_census``."""
        return "us_census"

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file, from its head."""
        where = str(path)
        start = read_head(path)
        if not start.strip():
            raise EmptyFileError(
                "the file is empty: the API answers so (204) where it has no rows",
                where=where,
                hint="check month, country and code of the query, or leave the file out",
            )
        is_json = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"[", b"{"}
        head = TableHead("csv", _json_names(start, where)) if is_json else read_table_head(path)
        columns = census_columns(head.columns, where=where)
        used = set(columns.found.values())
        unknown = [name for name in head.columns if name not in used and not name.endswith("_2")]
        extra = {"hs_revision": "by_year"}
        if is_json:
            extra["json_rows"] = "arrays"
        else:
            extra["fallback_encoding"] = "cp1252"
        if unknown:
            extra["unknown_columns"] = ", ".join(unknown)
        return Layout(
            id=f"{'api' if is_json else 'table'}-{columns.measure.id}",
            raw_table=f"raw_us_census__{columns.measure.side}s",
            form="json" if is_json else head.form,
            columns=head.columns,
            delimiter=head.delimiter,
            encoding=head.encoding,
            has_trailing_delimiter=head.has_trailing_delimiter,
            extra=extra,
        )

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw``."""
        return census_sql(census_columns(layout.columns, where=layout.id), raw)

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the tables of periods, areas, flows and units."""
        return census_tables()


def _json_names(start: bytes, where: str) -> tuple[str, ...]:
    """Return the names in the first array of an array of arrays."""
    text = start.decode("utf-8-sig", errors="replace").lstrip()
    first = text.find("[", 1)
    if not text.startswith("[") or first < 0 or text[1:first].strip():
        raise InputFileError(
            f"the JSON is no array of arrays: {text[:120]}",
            where=where,
            hint="keep the API's answer as it came; a message about keys or variables is no data",
        )
    try:
        names, end = json.JSONDecoder().raw_decode(text, first)
    except json.JSONDecodeError as error:
        raise TruncatedFileError(
            "the JSON ends or breaks inside its first row", where=where, hint="ask the API again"
        ) from error
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise HeaderError(
            "the first array holds no names of columns", where=where, hint="keep the API's answer as it came"
        )
    if text[end:].lstrip()[:1] == "]":
        raise EmptyFileError(
            "the answer has a header and no row",
            where=where,
            hint="check month, country and code of the query",
        )
    return unique_names(name.strip() for name in names)
