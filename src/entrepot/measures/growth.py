"""Growth of series: on the year before, over the year so far, over twelve months, on a base."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import narwhals as nw

from entrepot.measures.spans import parse_window
from entrepot.measures.sums import lagged, opened, period_number, ratio, summed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from narwhals.typing import IntoFrameT

__all__ = ["indexed", "rolling_year", "year_on_year", "year_to_date"]

_NUMBER, _YEAR, _MONTH = "__number", "__year", "__month"
_TWELVE = 12


def year_on_year(frame: IntoFrameT, *, by: Sequence[str] = (), value: str = "value_usd") -> IntoFrameT:
    r"""Return each period beside the same period of the year before.

    *Formula*  growth_t = x_t / x_{t − 1 year} − 1, of years or of months.

    Parameters
    ----------
    frame
        Rows with ``period`` (``2023`` or ``2023-07``), the keys and the value; of one frequency.
    by
        Keys of the series; all rows are one series when empty.
    value
        Column to be summed by series and period.

    Returns
    -------
    frame of the caller's kind
        **Grain**: series × period. The keys, ``period``, the value, ``year_earlier_<value>``,
        ``change_<value>`` (same unit) and ``growth`` (0.3 is 30%).

    *Missing data*: a period is null where a part of it is null. Growth is null where the period of the year
    before has no row, is null or zero: a gap never lets an older year stand for it.

    References
    ----------
    IMF, Quarterly National Accounts Manual (2017), chapter 8: rates of change on the same period of the
    previous year.

    Examples
    --------
    >>> import pyarrow as pa
    >>> year_on_year(pa.table({"period": ["2022", "2023"], "value_usd": [190.0, 240.0]}))["growth"][1].as_py()
    0.263157894736842...
    """
    data = _series(frame, by, value)
    found = lagged(data, [value, _YEAR], [1], by=[*by, _MONTH], order=_YEAR)
    is_last_year = nw.col(f"{_YEAR}_1") == nw.col(_YEAR) - 1
    earlier = nw.when(is_last_year).then(nw.col(f"{value}_1"))
    return cast("IntoFrameT", _compared(found, by, value, earlier))


def year_to_date(frame: IntoFrameT, *, by: Sequence[str] = (), value: str = "value_usd") -> IntoFrameT:
    r"""Return the sum from January to each month beside the same months of the year before.

    *Formula*  X_t = Σ_{s = January … t} x_s;  growth_t = X_t / X_{t − 1 year} − 1.

    Parameters
    ----------
    frame
        Rows of months, see :func:`year_on_year`.
    by, value
        See :func:`year_on_year`.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of :func:`year_on_year`; the value is the sum of the year so far.

    *Missing data*: null from the first month of a year that has no row or is null.

    References
    ----------
    How customs services print it: "January to July".
    """
    data = _series(frame, by, value)
    lags = range(1, _TWELVE)
    found = lagged(data, [value, _NUMBER], lags, by=by, order=_NUMBER)
    total, is_whole = nw.col(value), nw.col(_MONTH) >= 0
    for lag in lags:
        is_in = nw.col(_MONTH) >= lag
        total = total + nw.when(is_in).then(nw.col(f"{value}_{lag}")).otherwise(0.0)
        whole = (nw.col(f"{_NUMBER}_{lag}") == nw.col(_NUMBER) - lag).fill_null(value=False)
        is_whole = is_whole & (whole | ~is_in)
    found = found.with_columns(nw.when(is_whole).then(total).alias(value)).select(
        *by, "period", value, _YEAR, _MONTH
    )
    found = lagged(found, [value, _YEAR], [1], by=[*by, _MONTH], order=_YEAR)
    is_last_year = nw.col(f"{_YEAR}_1") == nw.col(_YEAR) - 1
    return cast("IntoFrameT", _compared(found, by, value, nw.when(is_last_year).then(nw.col(f"{value}_1"))))


def rolling_year(frame: IntoFrameT, *, by: Sequence[str] = (), value: str = "value_usd") -> IntoFrameT:
    r"""Return the sum of twelve months up to each month, beside the twelve before these.

    *Formula*  X_t = Σ_{s = t − 11 … t} x_s;  growth_t = X_t / X_{t − 12} − 1. Seasons cancel.

    Parameters
    ----------
    frame
        Rows of months, see :func:`year_on_year`.
    by, value
        See :func:`year_on_year`.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of :func:`year_on_year`; the value is the sum of twelve months.

    *Missing data*: null where one of the twelve months has no row or is null.

    References
    ----------
    Moving annual totals, as in the UK's Office for National Statistics, UK trade.
    """
    data = _series(frame, by, value)
    last = _TWELVE - 1
    found = lagged(data, [value], range(1, _TWELVE), by=by, order=_NUMBER)
    found = lagged(found, [_NUMBER], [last], by=by, order=_NUMBER)
    total = nw.col(value)
    for lag in range(1, _TWELVE):
        total = total + nw.col(f"{value}_{lag}")
    is_whole = nw.col(f"{_NUMBER}_{last}") == nw.col(_NUMBER) - last
    found = found.with_columns(nw.when(is_whole).then(total).alias(value)).select(
        *by, "period", value, _YEAR, _MONTH
    )
    found = lagged(found, [value, _YEAR], [1], by=[*by, _MONTH], order=_YEAR)
    is_last_year = nw.col(f"{_YEAR}_1") == nw.col(_YEAR) - 1
    return cast("IntoFrameT", _compared(found, by, value, nw.when(is_last_year).then(nw.col(f"{value}_1"))))


def indexed(frame: IntoFrameT, *, base: str, by: Sequence[str] = (), value: str = "value_usd") -> IntoFrameT:
    r"""Return series with the mean of a base set to 100.

    *Formula*  index_t = 100 · x_t / mean_{s in base} x_s.

    Parameters
    ----------
    frame
        Rows with ``period``, see :func:`year_on_year`.
    base
        A period, or ``first:last`` of them: ``2008``, ``2021-01:2021-12``.
    by, value
        See :func:`year_on_year`.

    Returns
    -------
    frame of the caller's kind
        **Grain**: series × period. The keys, ``period``, the value, ``base_<value>``, ``index``.

    *Missing data*: null where a period of the base has no row, or is null, or the base is zero.

    Raises
    ------
    OptionError
        The base is no period.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"period": ["2008", "2009"], "value_usd": [50.0, 60.0]})
    >>> indexed(table, base="2008")["index"].to_pylist()
    [100.0, 120.0]
    """
    window = parse_window(base, option="base")
    data = _series(frame, by, value)
    inside = window.holds() & ~nw.col(value).is_null()
    keys = list(by) or ["__all"]
    data = data.with_columns(
        nw.lit(1).alias("__all"),
        nw.when(inside).then(nw.col(value)).alias("__in"),
        nw.when(inside).then(nw.lit(1)).otherwise(nw.lit(0)).alias("__count"),
    ).with_columns(nw.col("__in").sum().over(*keys), nw.col("__count").sum().over(*keys))
    mean = nw.when(nw.col("__count") == window.length).then(nw.col("__in") / window.length)
    found = data.with_columns(mean.alias(f"base_{value}")).select(*by, "period", value, f"base_{value}")
    hundredth = ratio(nw.col(value), nw.col(f"base_{value}"))
    return cast("IntoFrameT", found.with_columns((hundredth * 100.0).alias("index")).to_native())


def _series(frame: Any, by: Sequence[str], value: str) -> Any:
    """Return the value by series and period, with the numbers of the period."""
    data = summed(opened(frame, *by, "period", value), [*by, "period"], value)
    number = period_number()
    data = data.with_columns(
        number.alias(_NUMBER), nw.col("period").str.slice(0, 4).cast(nw.Int64).alias(_YEAR)
    )
    return data.with_columns((nw.col(_NUMBER) - nw.col(_YEAR) * _TWELVE).alias(_MONTH))


def _compared(found: Any, by: Sequence[str], value: str, earlier: nw.Expr) -> Any:
    was = nw.col(f"year_earlier_{value}")
    return (
        found.with_columns(earlier.alias(f"year_earlier_{value}"))
        .select(*by, "period", value, f"year_earlier_{value}")
        .with_columns(
            (nw.col(value) - was).alias(f"change_{value}"), (ratio(nw.col(value), was) - 1.0).alias("growth")
        )
        .to_native()
    )
