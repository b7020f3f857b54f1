"""UN Comtrade: final data from the web, the API and bulk files."""

from __future__ import annotations

from entrepot.sources.comtrade.parse import ComtradeSource

__all__ = ["ComtradeSource"]
