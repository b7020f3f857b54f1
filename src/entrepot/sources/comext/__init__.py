"""Eurostat Comext: the bulk files of three generations, and the dissemination service in SDMX-CSV."""

from __future__ import annotations

from entrepot.sources.comext.parse import ComextSource

__all__ = ["ComextSource"]
