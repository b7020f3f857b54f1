"""Who and what is asked about, on the areas and products of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.errors import CoverageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.chains import Chains
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.windows import Trade

__all__ = ["Asked"]

_DECOYS, _DECOYS_OF_FEW = 12, 40


@dataclass(frozen=True, slots=True)
class Asked:
    """Who and what is asked about.

    Attributes
    ----------
    makers, vias : (n_areas,)
        Areas that may be it.
    products : (n_products,)
        Codes that may.
    is_pair
        Whether makers and vias were both named.
    """

    makers: NDArray[np.bool_]
    vias: NDArray[np.bool_]
    products: NDArray[np.bool_]
    is_pair: bool

    @classmethod
    def of(cls, trade: Trade, options: LoopOptions) -> Asked:
        """Return the question on the areas and products of the data.

        Raises
        ------
        CoverageError
            None of the areas or codes is in the data.
        """
        masks = []
        for option, codes in (("--maker", options.makers), ("--via", options.vias)):
            mask = np.isin(np.array(trade.areas, dtype=object), np.array(codes, dtype=object))
            if codes and not mask.any():
                raise CoverageError(
                    f"none of {', '.join(codes[:10])} is in the data",
                    where=option,
                    hint="ingest files in which they report or are partners; `entrepot flows` lists them",
                )
            masks.append(mask if codes else np.ones(mask.size, dtype=bool))
        listed = [not options.products or code.startswith(options.products) for code in trade.products]
        if not any(listed):
            raise CoverageError(
                f"none of the {len(options.products)} product codes is in the data",
                where="--products",
                hint="ingest files that hold them, or check the revision of the codes",
            )
        return cls(masks[0], masks[1], np.array(listed, dtype=bool), bool(options.makers and options.vias))

    @property
    def decoys(self) -> int:
        """Sets of placebo pairs: more where each holds few candidates."""
        is_open = self.makers.all() and self.vias.all()
        return _DECOYS if is_open else _DECOYS_OF_FEW

    def either_way(self, candidates: Candidates) -> Candidates:
        """Return the candidates of the areas asked about, and the same flows the other way round.

        Products that were not asked about stay: those of one pair speak for each other.
        """
        forth = self.makers[candidates.maker] & self.vias[candidates.via]
        back = self.makers[candidates.via] & self.vias[candidates.maker]
        return candidates.only(forth | back)

    def hold(self, candidates: Candidates | Chains) -> NDArray[np.bool_]:
        """Return which candidates are asked about; of a chain either via may be the one."""
        areas = self.makers[candidates.maker] & (self.vias[candidates.via] | self.vias[candidates.last])
        return np.asarray(areas & self.products[candidates.product])
