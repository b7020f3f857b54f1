"""The two windows of a comparison of unit values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.periods import event_windows, parse_period
from entrepot.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.periods import WindowPair
    from entrepot.detect.prices.options import PriceOptions
    from entrepot.detect.prices.rows import PriceRows

__all__ = ["PriceWindows", "price_windows"]


@dataclass(frozen=True, slots=True, eq=False)
class PriceWindows:
    """Windows over T periods.

    Attributes
    ----------
    pair
        The windows.
    before, after : (T,)
        Whether the period is in each.
    """

    pair: WindowPair
    before: NDArray[np.bool_]
    after: NDArray[np.bool_]


def price_windows(rows: PriceRows, options: PriceOptions) -> PriceWindows:
    """Return the windows around the event.

    Raises
    ------
    OptionError
        There is no event, or a window holds no period of the data.
    """
    if options.event is None:
        raise OptionError(
            "no event is given", where="--event", hint="give the month or year between the windows, 2022-03"
        )
    pair = event_windows(options.event, published=rows.periods, before=options.before, after=options.after)
    numbers = np.array([parse_period(period, option="period") for period in rows.periods])
    return PriceWindows(pair, np.isin(numbers, pair.before), np.isin(numbers, pair.after))
