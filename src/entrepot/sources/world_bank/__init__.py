"""World Bank: gross domestic product of all economies."""

from __future__ import annotations

from entrepot.sources.world_bank.fetch import WorldBankFetcher
from entrepot.sources.world_bank.gdp import read_gdp

__all__ = ["WorldBankFetcher", "read_gdp"]
