"""UN Statistics Division: correlation and conversion tables between revisions of the Harmonized System."""

from __future__ import annotations

from entrepot.sources.un_hs.fetch import UnHsFetcher

__all__ = ["UnHsFetcher"]
