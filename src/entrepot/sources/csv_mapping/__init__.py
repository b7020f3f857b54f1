"""Any user's table, long or wide, described by a mapping in TOML."""

from __future__ import annotations

from entrepot.sources.csv_mapping.mapping import TableMapping, read_mapping
from entrepot.sources.csv_mapping.source import MappedTable

__all__ = ["MappedTable", "TableMapping", "read_mapping"]
