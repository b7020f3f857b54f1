"""European Central Bank: daily reference rates of the euro since 1999."""

from __future__ import annotations

from entrepot.sources.ecb.fetch import EcbFetcher

__all__ = ["EcbFetcher"]
