"""The lake: Delta tables of raw and canonical rows, vintages, quarantine and lineage.

Readers start with :meth:`Lake.open` and :func:`flows_sql`; the ingest writes through :class:`Staging`.
"""

from __future__ import annotations

from entrepot.store.compaction import compact, vacuum
from entrepot.store.copying import LakeCopy, copy_lake
from entrepot.store.filling import lake_to_fill
from entrepot.store.lake import Lake
from entrepot.store.reading import stored_rows_sql
from entrepot.store.snapshot import CELL, SLICE, earlier_flows_sql, flows_sql
from entrepot.store.staging import FileRows, Staging, Workspace

__all__ = [
    "CELL",
    "SLICE",
    "FileRows",
    "Lake",
    "LakeCopy",
    "Staging",
    "Workspace",
    "compact",
    "copy_lake",
    "earlier_flows_sql",
    "flows_sql",
    "lake_to_fill",
    "stored_rows_sql",
    "vacuum",
]
