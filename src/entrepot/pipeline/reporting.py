"""Who publishes what, how late, and who has stopped: the reporting calendar of a lake."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from statistics import median, median_high
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import pyarrow as pa

from entrepot.detect.periods import parse_period, period_spans, period_text
from entrepot.engine import Engine, literal
from entrepot.errors import CoverageError
from entrepot.nomenclature import area_table
from entrepot.reconcile import reporting_calendar
from entrepot.schema import CALENDAR, FLOW, PublishingState
from entrepot.store import flows_sql, stored_rows_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entrepot.store import Lake

__all__ = ["lake_calendar"]

#: Periods behind the others from which a reporter is late, and from which it has stopped.
_LATE: Final = {"M": 3, "A": 1}
_STOPPED: Final = {"M": 12, "A": 2}

#: Days after its own usual lag from which a reporter is late, and from which it has stopped.
_LATE_DAYS: Final = {"M": 62, "A": 366}
_STOPPED_DAYS: Final = {"M": 366, "A": 731}


@dataclass(frozen=True, slots=True)
class _Book:
    """One reporter's side of trade in one source."""

    source: str
    area: str
    flow: str
    frequency: str

    @property
    def is_monthly(self) -> bool:
        return self.frequency == "M"


def lake_calendar(
    lake: Lake,
    *,
    as_of: date | None = None,
    sources: tuple[str, ...] = (),
    reporters: tuple[str, ...] = (),
    memory_limit: str = "1GB",
) -> pa.Table:
    """Return which periods each reporter has published, and how it stands.

    What counts as published is what :func:`entrepot.reconcile.reporting_calendar` says, on which detours
    cut their windows: rows of partners in the reporter's book.

    Parameters
    ----------
    lake
        The lake.
    as_of
        As the lake was on a day; also the day by which a reporter is late. Without it the newest vintage of
        the source.
    sources, reporters
        Only these; all when empty.
    memory_limit
        Memory of the engine.

    Returns
    -------
    pa.Table
        Columns of ``out__calendar``. ``state`` is ``late`` where the reporter is two months (a year) behind
        its usual lag or, where that is not known, three months (a year) behind the median reporter of the
        source; of a national source, which has one reporter, behind the median of the lake's other sources.
        ``stopped`` where it is a year (two) behind; ``never`` where others name the area as a partner and the
        source has no report of it.

    *Missing data*: the usual lag is known only of periods that came with a later vintage than the
    reporter's first in the lake.

    Raises
    ------
    CoverageError
        The lake holds no reports.
    """
    files = lake.table_files(FLOW.name, sources=sources or None)
    with Engine(memory_limit=memory_limit) as engine:
        published, seen, partners = [], {}, []
        if files:
            dated = "" if as_of is None else f" WHERE vintage <= {literal(as_of.isoformat())}::DATE"
            stored = f"{stored_rows_sql(FLOW, files)}{dated}"
            counted = flows_sql(lake, engine, as_of=as_of, sources=sources or None)
            published = _published(engine, counted)
            seen = _first_seen(engine, stored)
            partners = engine.rows(
                f"SELECT DISTINCT source, partner, frequency FROM ({counted}) WHERE role = 'leaf'"
            )
    if not published:
        raise CoverageError(
            "the lake holds no reports",
            where="core__flow",
            hint="ingest files of reporters; flows that a publisher reconciled (BACI) are no reports",
        )
    rows = [*_rows(published, seen, as_of), *_never(published, partners)]
    if reporters:
        rows = [row for row in rows if row["reporter"] in reporters]
    rows.sort(key=lambda row: (row["source"], row["reporter"], row["flow"], row["frequency"]))
    return pa.Table.from_pylist(rows, schema=CALENDAR.arrow_schema())


def _published(engine: Engine, counted: str) -> list[dict[str, Any]]:
    """Return every period that was published, goods and totals told apart."""
    rows = engine.frame(f"SELECT *, hs_level = 0 AS is_total FROM ({counted})")
    return _collected(reporting_calendar(rows.to_native(), by=("source", "is_total")))


def _collected(frame: Any) -> list[dict[str, Any]]:
    table: pa.Table = nw.from_native(frame).lazy().collect(backend="pyarrow").to_native()
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _first_seen(engine: Engine, stored: str) -> dict[tuple[_Book, str], tuple[date, date]]:
    """Return the first and the last vintage that each period of each book stood in."""
    rows = engine.frame(stored)
    vintages: dict[tuple[_Book, str], list[date]] = defaultdict(list)
    for row in _collected(reporting_calendar(rows.to_native(), by=("source", "vintage"))):
        book = _Book(row["source"], row["area"], row["flow"], row["frequency"])
        vintages[book, row["period"]].append(row["vintage"])
    return {key: (min(days), max(days)) for key, days in vintages.items()}


def _rows(
    published: list[dict[str, Any]],
    seen: dict[tuple[_Book, str], tuple[date, date]],
    as_of: date | None,
) -> Iterator[dict[str, Any]]:
    books: dict[_Book, dict[bool, set[str]]] = defaultdict(lambda: {True: set(), False: set()})
    for row in published:
        book = _Book(row["source"], row["area"], row["flow"], row["frequency"])
        books[book][row["is_total"]].add(row["period"])
    periods = {book: kinds[False] or kinds[True] for book, kinds in books.items()}
    lasts: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for book, texts in periods.items():
        lasts[book.source, book.flow, book.frequency].append(_number(max(texts)))
    areas = _reporters(published)
    newest: dict[str, date] = {}
    for (book, _), (_, last) in seen.items():
        newest[book.source] = max(last, newest.get(book.source, last))
    for book, texts in periods.items():
        vintages = {period: seen[book, period] for period in texts}
        frontier = median_high(lasts[book.source, book.flow, book.frequency])
        if len(areas[book.source]) == 1:
            frontier = max(frontier, _frontier_elsewhere(lasts, book))
        lag = _usual_lag(vintages)
        behind = max(frontier - _number(max(texts)), 0)
        waited = (as_of or newest[book.source]) - _last_day(max(texts))
        holes = _holes(book, texts)
        yield {
            "source": book.source,
            "reporter": book.area,
            "flow": book.flow,
            "frequency": book.frequency,
            "content": "goods" if books[book][False] else "totals",
            "state": _state(book, behind, None if lag is None else waited.days - lag),
            "first_period": min(texts),
            "last_period": max(texts),
            "periods_published": len(texts),
            "periods_missing": len(holes),
            "holes": period_spans(holes) or None,
            "periods_behind": behind,
            "usual_lag_days": lag,
            "last_vintage": max(last for _, last in vintages.values()),
        }


def _reporters(published: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the reporters of each source."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in published:
        found[row["source"]].add(row["area"])
    return found


def _frontier_elsewhere(lasts: dict[tuple[str, str, str], list[int]], book: _Book) -> int:
    """Return how far the lake's other sources go: a reporter alone in its source has no others there."""
    others = [
        median_high(numbers)
        for (source, flow, frequency), numbers in lasts.items()
        if source != book.source and (flow, frequency) == (book.flow, book.frequency)
    ]
    return median_high(others) if others else 0


def _number(period: str) -> int:
    return parse_period(period, option="period")


def _last_day(period: str) -> date:
    """Return the last day of a period."""
    if "-" not in period:
        return date(int(period), 12, 31)
    year, month = (int(part) for part in period.split("-"))
    return date(year, month, monthrange(year, month)[1])


def _usual_lag(vintages: dict[str, tuple[date, date]]) -> int | None:
    """Return the median lag of the periods that were not there from the first vintage on."""
    first = min(day for day, _ in vintages.values())
    lags = [(day - _last_day(period)).days for period, (day, _) in vintages.items() if day > first]
    return round(median(lags)) if lags else None


def _holes(book: _Book, texts: set[str]) -> list[str]:
    span = range(_number(min(texts)), _number(max(texts)) + 1)
    every = {period_text(number, is_monthly=book.is_monthly) for number in span}
    return sorted(every - texts)


def _state(book: _Book, behind: int, days_late: int | None) -> PublishingState:
    """Return how a book stands: by its own habit where that is known, else by the others."""
    days = -1 if days_late is None else days_late
    length = 31 if book.is_monthly else 366  # the period after the last has to end first
    if behind >= _STOPPED[book.frequency] or days > _STOPPED_DAYS[book.frequency] + length:
        return PublishingState.STOPPED
    is_late = behind >= _LATE[book.frequency] if days_late is None else days > _LATE_DAYS[book.frequency]
    return PublishingState.LATE if is_late else PublishingState.CURRENT


def _never(
    published: list[dict[str, Any]], partners: Iterable[tuple[str, str, str]]
) -> Iterator[dict[str, Any]]:
    """Yield the areas that others name as partners and that have no report of any kind in the source."""
    reporting = {(row["source"], row["area"]) for row in published}
    places = {row["code"] for row in area_table().to_pylist() if row["kind"] in {"country", "territory"}}
    flows = {(row["source"], row["frequency"], row["flow"]) for row in published}
    for source, partner, frequency in partners:
        if partner not in places or (source, partner) in reporting:
            continue
        for flow in sorted(flow for of, unit, flow in flows if (of, unit) == (source, frequency)):
            yield dict.fromkeys(CALENDAR.columns) | {
                "source": source,
                "reporter": partner,
                "flow": flow,
                "frequency": frequency,
                "content": "nothing",
                "state": PublishingState.NEVER,
                "periods_published": 0,
                "periods_missing": 0,
            }
