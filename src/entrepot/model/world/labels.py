"""Real codes, dealt at random: a code says nothing about the part that an area or product plays."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING

from entrepot.nomenclature.concordances import code_links

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CONFIDENTIAL", "deal_areas", "deal_new_products", "deal_products"]

#: Code under which reporters publish what they keep confidential (UN Comtrade: commodities not specified).
CONFIDENTIAL = "999999"

#: Products that may share a code before it was split.
_MOST_OF_ONE_CODE = 2


def deal_areas(count: int, rng: np.random.Generator) -> list[str]:
    """Deal area codes to the areas 0, 1, 2, …."""
    return _dealt("reporting_areas.txt", count, rng)


def deal_products(count: int, rng: np.random.Generator) -> list[str]:
    """Deal HS6 codes whose meaning is the same from HS2012 to HS2022 to the products 0, 1, 2, …."""
    return _dealt("stable_hs6.txt", count, rng)


def deal_new_products(count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Deal HS6 codes that came with HS2022, each with the one code of HS2017 whose goods it took over.

    Where two new codes took over the goods of one, both are dealt as long as ``count`` allows.
    """
    links = code_links("HS2017")
    older = Counter(old for old, _ in links)
    newer = Counter(new for _, new in links)
    split: dict[str, list[str]] = {}
    for old, new in links:
        # A new code of several origins, or an old one that lives on, would need shares to be told apart.
        if newer[new] == 1 and old != new and older[old] <= _MOST_OF_ONE_CODE:
            split.setdefault(old, []).append(new)
    pool = [(old, new) for old, new in sorted(split.items()) if len(new) == older[old]]
    dealt = [(new, pool[i][0]) for i in rng.permutation(len(pool)) for new in pool[i][1]]
    return dealt[:count]


def _dealt(file: str, count: int, rng: np.random.Generator) -> list[str]:
    lines = files(__package__).joinpath(file).read_text("ascii").splitlines()
    pool = [code for line in lines if not line.startswith("#") for code in line.split()]
    return [pool[i] for i in rng.permutation(len(pool))[:count]]
