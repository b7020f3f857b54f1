"""Russia's Federal Customs Service: unloads of its database, which end in January 2022."""

from __future__ import annotations

from entrepot.sources.russia_fts.parse import RussiaFtsSource

__all__ = ["RussiaFtsSource"]
