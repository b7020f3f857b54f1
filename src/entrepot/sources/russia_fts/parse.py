"""Russia's customs as a source: DATTSVT as DBF or as text, alone or in its zip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.engine.container import read_head
from entrepot.engine.dbf import is_dbf, read_dbf_names
from entrepot.schema.layouts import RUSSIA_FTS
from entrepot.sources.base import Layout
from entrepot.sources.russia_fts.statement import fts_sql, fts_tables
from entrepot.sources.tables import TableHead, match_names, read_table_head

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["RussiaFtsSource"]

_REQUIRED: Final = {
    "the direction (NAPR)": ("flow",),
    "the month (PERIOD)": ("period",),
    "the country (NASTRANAPR or STRANA)": ("partner",),
    "the code (TNVED)": ("product",),
    "the value (STOIM)": ("value",),
}


class RussiaFtsSource:
    """Reader of the unloads of Russia's customs statistics."""

    @property
    def id(self) -> str:
        """Return ``russia_fts``."""
        return "russia_fts"

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file, from its head."""
        where = str(path)
        is_database = is_dbf(read_head(path, 32))
        if is_database:
            head = TableHead("csv", read_dbf_names(path), encoding="cp866")
        else:
            head = read_table_head(path, encodings=("", "cp1251"))
        found = match_names(head.columns, RUSSIA_FTS, required=_REQUIRED, where=where)
        extra = {"hs_revision": "by_year"}
        if unknown := [name for name in head.columns if name not in found.values()]:
            extra["unknown_columns"] = ", ".join(unknown)
        return Layout(
            id="dbf" if is_database else "text",
            raw_table=f"raw_russia_fts__{'dbf' if is_database else 'text'}",
            form="dbf" if is_database else head.form,
            columns=head.columns,
            delimiter=head.delimiter,
            encoding=head.encoding,
            has_trailing_delimiter=head.has_trailing_delimiter,
            extra=extra,
        )

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw``."""
        return fts_sql(match_names(layout.columns, RUSSIA_FTS, required=_REQUIRED, where=layout.id), raw)

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the tables of periods, areas, flows and units."""
        return fts_tables()
