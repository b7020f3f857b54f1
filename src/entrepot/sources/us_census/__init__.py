"""US Census Bureau: answers of the API of international trade."""

from __future__ import annotations

from entrepot.sources.us_census.parse import UsCensusSource

__all__ = ["UsCensusSource"]
