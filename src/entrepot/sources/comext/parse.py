"""Eurostat Comext as a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.sources.comext import bulk, sdmx
from entrepot.sources.comext.codes import reference_tables
from entrepot.sources.comext.recognise import match_columns, recognise

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from entrepot.sources.base import Layout

__all__ = ["ComextSource"]


class ComextSource:
    """Reader of Eurostat's trade by product: bulk files since 1988, and SDMX-CSV."""

    @property
    def id(self) -> str:
        """Return ``comext``."""
        return "comext"

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file, from its head."""
        return recognise(path)

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw``."""
        found = match_columns(layout.id, layout.columns, where=layout.id)
        if layout.id == "sdmx":
            return sdmx.canonical_sql(found, raw)
        return bulk.canonical_sql(layout.id, found, raw)

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the tables of periods with their rates, of areas and of units."""
        return reference_tables()
