"""Which cells count in a sum, and which rows are shown: areas and periods asked for, no member twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.gaps.unions import membership
from entrepot.detect.periods import parse_period, parse_span
from entrepot.errors import OptionError
from entrepot.nomenclature import CUSTOMS_UNIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.gaps.rows import GapRows

__all__ = ["Selection", "shown_periods"]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Areas and periods asked for.

    Noise is learnt from all rows of the result's keys, and only what was asked for is shown; along a key
    that is summed over, only what was asked for is added up.

    Attributes
    ----------
    rows, options
        The data and the question.
    names
        Keys of the result.
    """

    rows: GapRows
    options: GapOptions
    names: Sequence[str]

    def counts(
        self,
        exporter: NDArray[np.signedinteger],
        importer: NDArray[np.signedinteger],
        period: NDArray[np.signedinteger],
    ) -> NDArray[np.bool_]:
        """Return (k) the cells that are added up along the sides that are summed over.

        Along such a side a union's members are left out for the union's own row: who was one in the last
        period of the window.
        """
        mask = np.ones(exporter.size, dtype=bool)
        for name, at in (("exporter", exporter), ("importer", importer)):
            if name not in self.names:
                mask &= self._wanted(name)[at]
        for union in self.options.unions:
            inside = membership(self.rows, union)
            is_out, is_in = inside[period, exporter], inside[period, importer]
            if "exporter" not in self.names and self._has_whole("exporter", union):
                mask &= ~is_out | is_in
            if "importer" not in self.names and self._has_whole("importer", union):
                mask &= ~is_in | is_out
        return mask

    def shows(
        self,
        exporter: NDArray[np.signedinteger],
        importer: NDArray[np.signedinteger],
        period: NDArray[np.signedinteger],
    ) -> NDArray[np.bool_]:
        """Return (k) the rows that were asked for, by the sides and periods that they have."""
        mask = np.ones(exporter.size, dtype=bool)
        for name, at in (("exporter", exporter), ("importer", importer)):
            if name in self.names:
                mask &= self._wanted(name)[at]
        if "period" in self.names and self.options.event is None:
            mask &= shown_periods(self.rows, self.options)[period]
        return mask

    def _has_whole(self, side: str, union: str) -> bool:
        """Tell whether a union's own row is asked for on a side, and there."""
        code = CUSTOMS_UNIONS[union]
        return code in self.rows.areas and bool(self._wanted(side)[self.rows.areas.index(code)])

    def _wanted(self, side: str) -> NDArray[np.bool_]:
        asked = self.options.exporters if side == "exporter" else self.options.importers
        if not asked:
            return np.ones(len(self.rows.areas), dtype=bool)
        return np.isin(np.array(self.rows.areas), asked)


def shown_periods(rows: GapRows, options: GapOptions) -> NDArray[np.bool_]:
    """Return (periods) which are asked for.

    Raises
    ------
    OptionError
        The span is of another frequency, or holds no period of the data.
    """
    if options.periods is None:
        return np.ones(len(rows.periods), dtype=bool)
    first, last = parse_span(options.periods, option="--periods")
    is_other = ("-" in options.periods) != ("-" in rows.periods[0])
    numbers = [parse_period(period, option="period") for period in rows.periods]
    found = np.array([not is_other and first <= number <= last for number in numbers])
    if not found.any():
        raise OptionError(
            f"{options.periods!r} holds no period of the data",
            where="--periods",
            hint=f"the data have {rows.periods[0]}:{rows.periods[-1]}",
        )
    return found
