"""UN Comtrade as a source: downloads, API answers, bulk files, and users' cuts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.sources.comtrade.columns import match_columns
from entrepot.sources.comtrade.recognise import recognise
from entrepot.sources.comtrade.statement import canonical_sql, reference_tables

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from entrepot.sources.base import Layout

__all__ = ["ComtradeSource"]


class ComtradeSource:
    """Reader of UN Comtrade's files, in all layouts since 2010."""

    @property
    def id(self) -> str:
        """Return ``comtrade``."""
        return "comtrade"

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file, from its head."""
        return recognise(path)

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw``."""
        return canonical_sql(match_columns(layout.columns, where=layout.id), raw)

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the tables of periods, areas, flows, revisions, chapters and units."""
        return reference_tables()
