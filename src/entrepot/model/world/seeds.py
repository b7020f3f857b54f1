"""One seed, one stream per part."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

__all__ = ["Seeds"]


@dataclass(frozen=True, slots=True)
class Seeds:
    """Random streams by name: a new part draws from its own stream and leaves the others as they were.

    Attributes
    ----------
    seed
        The world's seed.
    """

    seed: int

    def part(self, name: str) -> np.random.Generator:
        """Return the stream of one part, always from its beginning."""
        key = zlib.crc32(name.encode())
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(key,))))
