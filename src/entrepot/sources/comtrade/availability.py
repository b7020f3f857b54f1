"""What UN Comtrade says it has: its data availability, a row each published dataset, with its checksum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import FetchError, HeaderError, TruncatedFileError, UnknownCodeError
from entrepot.nomenclature import area, resolve_area

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from entrepot.sources.fetching.client import Client

__all__ = [
    "Dataset",
    "area_of_number",
    "comtrade_periods",
    "not_published",
    "published_datasets",
    "readable_period",
    "rows_of",
]

#: The service answers for at most so many periods at once.
_PERIODS_AT_ONCE: Final = 12
#: Rows at which the service's answers are known to be cut.
_LIMITS: Final = (500, 100_000, 250_000)
_NEEDED: Final = ("reportercode", "period", "datasetchecksum", "lastreleased", "totalrecords")


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset that is published now: one reporter in one period.

    Attributes
    ----------
    number
        Comtrade's number of the reporter.
    area
        Our code of it; None for a number that no table of ours knows.
    is_group
        The reporter is a group of areas, whose members report too.
    period
        As Comtrade writes it: ``202203`` or ``2022``.
    checksum
        Comtrade's checksum of the data: it changes when they are revised.
    released
        Day of the last release.
    rows
        Rows that the dataset has, None if it does not say.
    """

    number: str
    area: str | None
    is_group: bool
    period: str
    checksum: str
    released: date | None
    rows: int | None


def comtrade_periods(periods: Sequence[str]) -> tuple[str, ...]:
    """Return periods as Comtrade writes them.

    Examples
    --------
    >>> comtrade_periods(["2022-03"])
    ('202203',)
    """
    return tuple(period.replace("-", "") for period in periods)


def readable_period(period: str) -> str:
    """Return a period of Comtrade as ours.

    Examples
    --------
    >>> readable_period("202203"), readable_period("2022")
    ('2022-03', '2022')
    """
    return f"{period[:4]}-{period[4:]}" if len(period) == 6 else period


def not_published(
    reporters: Sequence[str], periods: Sequence[str], there: Collection[tuple[str | None, str]]
) -> tuple[str, ...]:
    """Return in words what is asked for and is not there; without reporters, periods that nobody published.

    Examples
    --------
    >>> not_published(["CHN"], ["202203", "202204"], {("CHN", "202203")})
    ('CHN 2022-04',)
    """
    if reporters:
        pairs = [(code, period) for code in reporters for period in periods]
        return tuple(
            f"{code} {readable_period(period)}" for code, period in pairs if (code, period) not in there
        )
    seen = {period for _, period in there}
    return tuple(f"{readable_period(period)}, any reporter" for period in periods if period not in seen)


def published_datasets(
    client: Client, *, frequency: str, classification: str, periods: Sequence[str]
) -> tuple[Dataset, ...]:
    """Return what is published of the periods, all reporters.

    Parameters
    ----------
    client
        The server.
    frequency, classification
        ``A`` or ``M``, and ``HS`` or ``H0`` to ``H6``.
    periods
        As Comtrade writes them.

    Raises
    ------
    FetchError
        The service does not answer.
    HeaderError
        Its answer lacks a column.
    TruncatedFileError
        Its answer was cut.
    """
    address = f"public/v1/getDA/C/{frequency}/{classification}"
    found: list[Dataset] = []
    for start in range(0, len(periods), _PERIODS_AT_ONCE):
        some = periods[start : start + _PERIODS_AT_ONCE]
        where = f"{client.address(address)}, periods {some[0]} to {some[-1]}"
        rows = rows_of(client.json(address, {"period": ",".join(some)}), where=where)
        if len(rows) in _LIMITS:
            raise TruncatedFileError(
                f"the list of what is published has exactly {len(rows):,} rows, a limit of the publisher's",
                where=where,
                hint="ask for fewer periods at a time",
            )
        found += [one for one in _datasets(rows, where) if one.period in some]
    return tuple(found)


def rows_of(answer: Any, *, where: str) -> list[dict[str, Any]]:
    """Return the rows of an answer of the API, which says how many there are.

    Raises
    ------
    FetchError
        It is a message, or no answer of the API.
    TruncatedFileError
        It has another number of rows than it says.
    """
    rows = answer.get("data") if isinstance(answer, dict) else None
    said = answer.get("error") if isinstance(answer, dict) else None
    if said or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FetchError(
            f"the answer is a message: {said!r}" if said else "the answer has no list of rows",
            where=where,
            hint="check what is asked for; if the publisher has changed its API, report it to the authors",
        )
    count = answer.get("count")
    if isinstance(count, int) and count != len(rows):
        raise TruncatedFileError(
            f"the answer says {count:,} rows and has {len(rows):,}",
            where=where,
            hint="ask for less at a time (--flow, --partner, --products), then repeat the command",
        )
    return rows


def _datasets(rows: Iterable[dict[str, Any]], where: str) -> Iterator[Dataset]:
    """Yield a dataset a reporter and period: of several classifications the original one."""
    gathered: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        plain = {name.casefold(): value for name, value in row.items()}
        absent = [name for name in _NEEDED if name not in plain]
        if absent:
            raise HeaderError(
                f"the list of what is published lacks {', '.join(absent)}",
                where=where,
                hint="the publisher has changed its API: report it to the authors of entrepot",
            )
        gathered.setdefault((str(plain["reportercode"]), str(plain["period"])), []).append(plain)
    for (number, period), same in gathered.items():
        originals = [row for row in same if row.get("isoriginalclassification") in {True, "true"}] or same
        counts = [row["totalrecords"] for row in originals]
        code = area_of_number(number, period)
        yield Dataset(
            number=number,
            area=code,
            is_group=code is not None and area(code).is_aggregate,
            period=period,
            checksum=" ".join(sorted(str(row["datasetchecksum"]) for row in originals)),
            released=max((day for row in originals if (day := _day(row["lastreleased"]))), default=None),
            rows=sum(counts) if all(isinstance(count, int) for count in counts) else None,
        )


def area_of_number(number: str, period: str) -> str | None:
    """Return our code of a Comtrade number in a period, None for a number that is not known."""
    try:
        return resolve_area(number, on=date(int(period[:4]), int(period[4:6] or 1), 1))
    except (UnknownCodeError, ValueError):
        return None


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
