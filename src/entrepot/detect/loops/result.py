"""What a search for round trips returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.detect.loops.by_month import amounts_by_month

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.detect.loops.calibration import LoopCalibration
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.periods import WindowPair

__all__ = ["LoopHeadline", "LoopResult"]


@dataclass(frozen=True, slots=True)
class LoopHeadline:
    """The whole of what was found.

    Attributes
    ----------
    estimate_usd, low_usd, high_usd
        Sum of the amounts identified, USD at the unit values going out, and its interval; NaN where nothing
        planted was ever found.
    rows, pairs
        Round trips by product, and pairs of maker and via; chains through two vias count as one each.
    chains
        Rows that went through two vias.
    by_value
        Rows in which value was conserved for want of weights.
    placebo_rows
        Findings as strong as the weakest one that a set of placebos gives, on average.
    """

    estimate_usd: float
    low_usd: float
    high_usd: float
    rows: int
    pairs: int
    chains: int
    by_value: int
    placebo_rows: float


@dataclass(frozen=True, slots=True)
class LoopResult:
    """Findings of one search for round trips.

    Attributes
    ----------
    table
        Columns of ``out__loop``: identified round trips, largest first; behind them the other products of the
        pairs found or asked about, and of the chains found, each with what could have gone round unseen.
    unlisted
        Columns of ``out__loop``: every other product that flows in both directions of two areas, with what
        could have gone round unseen in it; empty where maker and via were both named, since ``table`` has
        them then.
    pairs
        **Grain**: maker × via × second_via. ``products``, ``estimate_usd``, ``markup``, ``lag_months``: sums
        and medians.
    series
        **Grain**: maker × via × second_via × period of the products found. ``out_usd``, ``back_usd`` (the
        first leg and the last) and what was expected of them, USD.
    month_shares
        **Grain**: maker × via × second_via × hs_code × period of the round trips found. ``month_share`` of
        each that came back in the month.
    totals
        Columns of ``out__net_trade``: trade of the pairs found, with and without the round trips.
    headline
        The whole.
    calibration, chain_calibration
        How far planted round trips, and chains, were recovered; None where chains were not looked for.
    options, windows
        What was asked, and the windows it became.
    is_since_found
        Whether the first month was searched for.
    """

    table: pa.Table
    unlisted: pa.Table
    pairs: pa.Table
    series: pa.Table
    month_shares: pa.Table
    totals: pa.Table
    headline: LoopHeadline
    calibration: LoopCalibration
    chain_calibration: LoopCalibration | None
    options: LoopOptions
    windows: WindowPair
    is_since_found: bool

    def by_month(self) -> pa.Table:
        """Return the amounts by the month in which the goods came back; they add up to those of ``table``.

        Returns
        -------
        pa.Table
            Columns of ``out__loop_month``, and amounts in another unit where ``table`` has them.
        """
        return amounts_by_month(self.table, self.month_shares)
