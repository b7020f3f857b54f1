"""CEPII BACI: the flows of the world by year, reconciled by their publisher."""

from __future__ import annotations

from entrepot.sources.baci.parse import BaciSource

__all__ = ["BaciSource"]
