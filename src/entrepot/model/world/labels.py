"""Real codes, dealt at random: a code says nothing about the part that an area or product plays."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["deal_areas", "deal_products"]


def deal_areas(count: int, rng: np.random.Generator) -> list[str]:
    """Deal area codes to the areas 0, 1, 2, …."""
    return _dealt("reporting_areas.txt", count, rng)


def deal_products(count: int, rng: np.random.Generator) -> list[str]:
    """Deal HS6 codes whose meaning is the same from HS2012 to HS2022 to the products 0, 1, 2, …."""
    return _dealt("stable_hs6.txt", count, rng)


def _dealt(file: str, count: int, rng: np.random.Generator) -> list[str]:
    lines = files(__package__).joinpath(file).read_text("ascii").splitlines()
    pool = [code for line in lines if not line.startswith("#") for code in line.split()]
    return [pool[i] for i in rng.permutation(len(pool))[:count]]
