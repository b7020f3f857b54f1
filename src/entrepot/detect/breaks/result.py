"""What a search for breaks returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.kernels.breaks import fit_levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from entrepot.detect.breaks.options import BreakOptions
    from entrepot.detect.breaks.placebos import PanelNoise
    from entrepot.detect.breaks.series import BreakSeries

__all__ = ["BreakResult"]


@dataclass(frozen=True, slots=True, eq=False)
class BreakResult:
    """Breaks of one question.

    Attributes
    ----------
    table
        Columns of ``out__break``; the largest changes of the monthly level in USD first.
    events
        Columns of ``out__event_breaks``; the least likely first.
    series
        The series, judged or not.
    noise
        What was learnt of their noise: the false-positive rate among it.
    judged
        Series that have 24 observed months and 12 with trade, of those in ``series``.
    options
        What was asked.
    unit
        What the series are in.
    """

    table: pa.Table
    events: pa.Table
    series: BreakSeries
    noise: PanelNoise
    judged: int
    options: BreakOptions
    unit: str = "USD"

    def months(self, row: int | Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the months of the series of a row: period, value, value without season, level.

        Parameters
        ----------
        row
            A row of ``table``, or its position in it.

        Returns
        -------
        list of dict
            ``period``, ``value``, ``adjusted_value``, ``level_value``, in ``unit``.
        """
        values = self.table.slice(row, 1).to_pylist()[0] if isinstance(row, int) else row
        series = self.series
        at = np.ones(series.exporter.size, dtype=bool)
        for name, index, codes in (
            ("exporter", series.exporter, series.areas),
            ("importer", series.importer, series.areas),
            ("hs_code", series.product, series.products),
        ):
            at &= index == (-1 if values[name] is None else codes.index(values[name]))
        (place,) = np.nonzero(at)[0]
        fit = fit_levels(
            series.logs[place],
            series.calendar,
            rho0=self.noise.rho0,
            price=self.noise.price,
            shortest=self.options.shortest,
        )
        return [
            {
                "period": series.periods[t],
                "value": float(series.usd[place, t]),
                "adjusted_value": float(np.exp(series.logs[place, t] - season)),
                "level_value": float(np.exp(level)),
            }
            for t, season, level in zip(fit.at.tolist(), fit.season.tolist(), fit.level.tolist(), strict=True)
        ]
