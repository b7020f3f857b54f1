"""China's customs statistics (GACC): files of the online query."""

from __future__ import annotations

from entrepot.sources.gacc.parse import GaccSource

__all__ = ["GaccSource"]
