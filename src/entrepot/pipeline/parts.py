"""A lake in parts that can be judged each by itself: a year, or some reporters of a year.

Vintages, leaves, months made into years and code revisions are all decided inside one reporter's year; only
the choice between two sources, and all that sets one reporter beside another, needs more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from entrepot.engine import Engine, parquet
from entrepot.schema import FLOW
from entrepot.store import flows_sql

if TYPE_CHECKING:
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["MOST_ROWS", "WHOLE", "Part", "counted_sql", "parts_of"]

#: Rows of a part, unless one reporter has more in a year: a part is a task, and fits a task's memory.
MOST_ROWS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a lake.

    Attributes
    ----------
    year
        The year; all when there is none.
    reporters
        First and last code; all when there are none.
    """

    year: int | None = None
    reporters: tuple[str, str] | None = None


#: All of a lake.
WHOLE: Final = Part()


def counted_sql(engine: Engine, lake: Lake, choice: ReportChoice, part: Part = WHOLE) -> str:
    """Return the query over the rows of a part of a lake that count, see :func:`entrepot.store.flows_sql`."""
    years = choice.years if part.year is None else (part.year,)
    return flows_sql(
        lake,
        engine,
        as_of=choice.as_of,
        years=years or None,
        sources=choice.sources or None,
        reporters=part.reporters,
        among=choice.reporters,
    )


def parts_of(lake: Lake, choice: ReportChoice, *, most_rows: int = MOST_ROWS) -> tuple[Part, ...]:
    """Cut a lake into parts of about equal size.

    Parameters
    ----------
    lake, choice
        The lake, and which of its years and sources count.
    most_rows
        A year with more rows is cut by reporters. Where the files are one a reporter, or sorted by it, a
        part then reads its own rows only.

    Returns
    -------
    tuple
        None where nothing counts.
    """
    years: Counter[int] = Counter()
    for file in lake.active(FLOW.name):
        year = int(file.partition["year"])
        if (not choice.years or year in choice.years) and (
            not choice.sources or file.partition["source"] in choice.sources
        ):
            years[year] += file.rows
    large = tuple(year for year, rows in years.items() if rows > most_rows)
    cut = _cut(lake, replace(choice, years=large), most_rows) if large else {}
    return tuple(
        part
        for year in sorted(years)
        for part in ([Part(year, ends) for ends in cut[year]] if year in cut else [Part(year)])
    )


def _cut(lake: Lake, choice: ReportChoice, most_rows: int) -> dict[int, list[tuple[str, str]]]:
    """Return by year the reporters that parts begin and end with."""
    files = lake.table_files(FLOW.name, sources=choice.sources or None, years=choice.years)
    with Engine() as engine:
        counts = engine.rows(
            f"SELECT year, reporter, count(*) FROM {parquet(files)} GROUP BY ALL ORDER BY ALL"
        )
    found: dict[int, list[tuple[str, str]]] = {}
    sizes: dict[int, int] = {}
    for year, reporter, rows in counts:
        ends = found.setdefault(year, [])
        if ends and sizes[year] + rows <= most_rows:
            ends[-1] = (ends[-1][0], reporter)
            sizes[year] += rows
        else:
            ends.append((reporter, reporter))
            sizes[year] = rows
    return found
