"""Numbers as a reader wants them: three significant digits and a unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["MISSING", "amount", "amount_range", "in_its_unit", "percent"]

#: What stands where there is no number.
MISSING = "–"

_UNITS = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k"), (1.0, ""))
#: What columns of dollars are named after where a result is in another unit.
_OTHER_UNITS = ("amount", "eur", "constant_usd", "constant_eur")
_ROUNDS_UP = 0.9995
_LEAST_SHARE = 0.01


def _unit(value: float) -> tuple[float, str]:
    """Return the largest unit of which the value, rounded to three digits, is one or more."""
    return next((unit for unit in _UNITS if abs(value) >= unit[0] * _ROUNDS_UP), _UNITS[-1])


def _in(value: float, unit: float) -> str:
    scaled = value / unit
    decimals = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
    text = f"{scaled:,.{decimals if unit > 1 else 0}f}"
    return "0" if text == "-0" else text


def amount(value: float | None) -> str:
    """Return an amount in three significant digits.

    Examples
    --------
    >>> amount(1_263_000_000), amount(227_000_000), amount(96_400), amount(999_999), amount(0), amount(None)
    ('1.26bn', '227m', '96.4k', '1.00m', '0', '–')
    >>> amount(-0.3)
    '0'
    """
    if value is None or not math.isfinite(value):
        return MISSING
    unit, name = _unit(value)
    return _in(value, unit) + name


def amount_range(low: float | None, high: float | None) -> str:
    """Return an interval, with the unit once where both ends share it.

    Examples
    --------
    >>> amount_range(0.91e9, 1.6e9), amount_range(4.1e6, 1.6e9), amount_range(0, 5e6), amount_range(None, 1.0)
    ('0.91–1.60bn', '4.10m–1.60bn', '0–5.00m', '–')
    >>> amount_range(0, 0)
    '0'
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    unit, name = _unit(high)
    if low == 0:
        return f"0–{amount(high)}" if high else "0"
    if abs(low) < unit / 10:
        return f"{amount(low)}–{amount(high)}"
    return f"{_in(low, unit)}–{_in(high, unit)}{name}"


def percent(share: float | None) -> str:
    """Return a share in whole percent.

    Examples
    --------
    >>> percent(0.123), percent(0.004), percent(0.0), percent(float("nan"))
    ('12%', 'under 1%', '0%', '–')
    """
    if share is None or not math.isfinite(share):
        return MISSING
    if 0 < share < _LEAST_SHARE:
        return "under 1%"
    return f"{share:.0%}"


def in_its_unit(row: Mapping[str, Any], name: str) -> Any:
    """Return what a row has under the name of a column of dollars, or of the same in another unit.

    Examples
    --------
    >>> in_its_unit({"trade_usd": 5.0}, "trade_usd"), in_its_unit({"trade_amount": 7.0}, "trade_usd")
    (5.0, 7.0)
    """
    if name in row:
        return row[name]
    return next(row[f"{name[:-3]}{unit}"] for unit in _OTHER_UNITS if f"{name[:-3]}{unit}" in row)
