"""Reporters that publish years only, beside others' months: their years as months, split at the event.

A hub that publishes no months would be as silent as one that publishes nothing. Its year is known, though:
the months before the event are expected as in the year before, those after it as in the year after, and
what the year has more or less than both together falls to the two parts by least squares. DESIGN section 5,
step 10 knows the year before alone: the growth of a whole year then lands in the two months after an event
in November. A smooth world in which 10 of 36 areas publish years lost a hub with a sixth of the volume by
it, and has 1.00 instead of 0.77 of the truth so. Years without the event are spread evenly: sums of both
windows need no more, and no season is invented.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import pyarrow as pa

from entrepot.detect.periods import parse_period
from entrepot.engine import Engine
from entrepot.pipeline.choices import YearsAsMonths
from entrepot.pipeline.counting import CountedReports, counted_reports
from entrepot.pipeline.parts import counted_sql
from entrepot.pipeline.survey import survey_lake
from entrepot.schema import FlowKind, PartnerConcept

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.engine import FrameEngine, SparkEngine
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.pipeline.survey import Survey
    from entrepot.store import Lake

__all__ = ["months_of_years", "with_months_of_years"]

#: A cell, from whichever source: who changes over to years may change the publisher too.
_KEYS: Final = ("reporter", "partner", "partner_concept", "flow", "role", "hs_code")
_YEARS: Final = ("reporter", "flow", "period")
_MONTHS: Final = 12

#: Annual reporters are taken by themselves while their months are no more rows than the months reported.
_MOST: Final = 1.0


@dataclass(frozen=True, slots=True)
class _AnnualYears:
    """Books of which only years are published.

    Attributes
    ----------
    books
        (reporter, flow) → years.
    rows
        Reports in them.
    monthly_rows
        Reports of months in the lake.
    whole_years
        (reporter, flow, year) of which all twelve months are published.
    """

    books: dict[tuple[str, str], frozenset[int]]
    rows: int
    monthly_rows: int
    whole_years: frozenset[tuple[str, str, int]]

    @property
    def reporters(self) -> tuple[str, ...]:
        return tuple(sorted({reporter for reporter, _ in self.books}))


def with_months_of_years(
    engine: Engine | SparkEngine,
    lake: Lake,
    counted: CountedReports,
    *,
    event: str,
    choice: ReportChoice,
    survey: Survey,
    tell: Callable[[str], None] | None = None,
) -> tuple[CountedReports, tuple[str, ...]]:
    """Return the monthly reports with those of reporters that publish years only, and who these are.

    Parameters
    ----------
    engine, lake
        Where the reports live, and the lake.
    counted
        The reports of months; they are taken over.
    event
        Month of the event.
    choice
        Which reports count; its ``years_as_months`` says whether years are used at all.
    survey
        What the lake holds of months.
    tell
        Told in words of reporters that are left out.
    """
    wish = choice.years_as_months
    if wish is YearsAsMonths.NEVER or not counted.are_reports:
        return counted, ()
    found = _annual_years(lake, choice, survey)
    if not found.books:
        return counted, ()
    names = ", ".join(found.reporters)
    if wish is YearsAsMonths.AUTO and 12 * found.rows > _MOST * found.monthly_rows:
        if tell is not None:
            tell(
                f"{len(found.reporters)} areas have years only in this lake, more rows than all months: they "
                "are left out (--years-as-months always takes them in)"
            )
        return counted, ()
    only = replace(
        choice, reporters=found.reporters, years=tuple(sorted(frozenset().union(*found.books.values())))
    )
    annual_survey = survey_lake(engine, lake, frequency="A", choice=only)
    if annual_survey.levels[0] != survey.levels[0]:
        if tell is not None:
            tell(
                f"years of {names} have codes of {annual_survey.levels[0]} digits, months of "
                f"{survey.levels[0]}: they are left out"
            )
        return counted, ()
    years = counted_reports(engine, lake, frequency="A", choice=only, survey=annual_survey)
    first, last = min(survey.periods), max(survey.periods)
    frame = months_of_years(
        engine,
        years.rows,
        found.books,
        event=event,
        between=(first, last),
        monthly=counted.rows,
        whole_years=found.whole_years,
    )
    name = engine.unused("months_of_years")
    months = engine.keep(frame, name)
    engine.drop(years.name)
    columns = counted.rows.collect_schema().names()
    both = f"with_{name}"
    kept = engine.keep(nw.concat([counted.rows, months.select(*columns)], how="vertical"), both)
    engine.drop(name)
    engine.drop(counted.name)
    return CountedReports(kept, both, are_reports=True), found.reporters


def _annual_years(lake: Lake, choice: ReportChoice, survey: Survey) -> _AnnualYears:
    """Find the books that have years and no months, inside the months that others have."""
    first, last = (int(end(survey.periods)[:4]) for end in (min, max))
    goods = f"""
        role = 'leaf' AND hs_level > 0 AND flow IN ('{FlowKind.EXPORT.value}', '{FlowKind.IMPORT.value}')
        AND partner_concept <> '{PartnerConcept.RECONCILED.value}'
    """
    with Engine() as engine:
        reports = counted_sql(engine, lake, choice)
        found = engine.rows(f"""
            SELECT reporter, flow, year, count(*) FROM ({reports})
            WHERE frequency = 'A' AND {goods} AND year BETWEEN {first} AND {last} GROUP BY ALL ORDER BY ALL
        """)
        if not found:
            return _AnnualYears({}, 0, 0, frozenset())
        months = engine.rows(f"""
            SELECT reporter, flow, year, count(*), count(DISTINCT period) FROM ({reports})
            WHERE frequency = 'M' AND {goods} GROUP BY ALL
        """)
    monthly = {tuple(row[:3]) for row in months}
    books: dict[tuple[str, str], set[int]] = defaultdict(set)
    rows = 0
    for reporter, flow, year, count in found:
        if (reporter, flow, year) not in monthly:
            books[reporter, flow].add(year)
            rows += count
    return _AnnualYears(
        {book: frozenset(years) for book, years in books.items()},
        rows,
        sum(row[3] for row in months),
        frozenset((row[0], row[1], row[2]) for row in months if row[4] == _MONTHS),
    )


def months_of_years(
    engine: FrameEngine,
    annual: nw.LazyFrame[Any],
    books: dict[tuple[str, str], frozenset[int]],
    *,
    event: str,
    between: tuple[str, str],
    monthly: nw.LazyFrame[Any] | None = None,
    whole_years: frozenset[tuple[str, str, int]] = frozenset(),
) -> nw.LazyFrame[Any]:
    """Return annual reports as months.

    In the year of the event its months before it get as much each as a month of the year before, but no more
    than the year has; the months from the event on share what is left. Where the year after is published too,
    its months say in the same way what those from the event on may have had, and

        early = u + (1 - u - v) · u² / (u² + v²),

    u and v the parts of the year that the two neighbours speak for: what minimises the sum of squares of the
    relative departures from both. Where neither neighbour was published, neither as a year nor month by month
    before, the year is spread evenly, as every other year is.

    Parameters
    ----------
    engine
        Where the reports live.
    annual
        Leaf reports of years; weights and quantities are spread as the value is.
    books
        (reporter, flow) → years to spread; other rows are left out.
    event
        Month of the event, ``2022-03``.
    between
        First and last month to give.
    monthly
        Reports of months: a book that went over to years has its year before the event there.
    whole_years
        (reporter, flow, year) of which ``monthly`` has all twelve months.

    Returns
    -------
    lazy frame
        The same columns; value, weight and quantity of every cell sum to those of the year, where all its
        months are between the two. Months in which nothing is left have no row.
    """
    year, before = divmod(parse_period(event, option="event"), 12)
    went_over = {book for book in books if year in books[book] and (*book, year - 1) in whole_years}
    every = sorted({(reporter, flow, one) for (reporter, flow), years in books.items() for one in years})
    asked = pa.table(
        {
            "reporter": pa.array([row[0] for row in every], pa.string()),
            "flow": pa.array([row[1] for row in every], pa.string()),
            "period": pa.array([str(row[2]) for row in every], pa.string()),
            "has_next": pa.array([row[2] + 1 in books[row[:2]] for row in every], pa.bool_()),
            "has_last": pa.array(
                [row[2] - 1 in books[row[:2]] or (row[2] == year and row[:2] in went_over) for row in every],
                pa.bool_(),
            ),
        }
    )
    years = sorted({row[2] for row in every})
    following = pa.table(
        {
            "period": pa.array([str(one) for one in years], pa.string()),
            "following": pa.array([str(one + 1) for one in years], pa.string()),
        }
    )
    chosen = annual.join(engine.arrow_frame(asked), on=list(_YEARS), how="inner")
    # A cell may have several rows: longer codes, quantities in several units. The event splits all alike.
    cell = [*_KEYS, "period"]
    whole = nw.col("whole")
    flags = ("has_last", "has_next")
    cells = chosen.group_by(*cell, *flags).agg(nw.col("primary_value_usd").sum().alias("whole"))
    last = cells.join(engine.arrow_frame(following), on="period", how="inner").select(
        *_KEYS, whole.alias("last"), nw.col("following").alias("period")
    )
    if went_over and monthly is not None:
        last = nw.concat([last, _summed_months(engine, monthly, went_over, year - 1)], how="vertical")
    coming = cells.join(engine.arrow_frame(following), left_on="period", right_on="following", how="inner")
    coming = coming.select(*_KEYS, whole.alias("next"), nw.col("period_right").alias("period"))
    both = cells.join(last, on=cell, how="left").join(coming, on=cell, how="left")
    split = both.select(*cell, _early(before / 12.0).alias("early"))
    share = (
        nw.when(nw.col("part") == "before")
        .then(nw.col("early") / max(before, 1))
        .when(nw.col("part") == "after")
        .then((1.0 - nw.col("early")) / (12 - before))
        .otherwise(nw.lit(1.0 / 12.0))
    )
    columns = annual.collect_schema().names()
    months = engine.arrow_frame(_months(years, year, before, between))
    spread = (
        chosen.join(split, on=cell, how="inner")
        .join(months, on="period", how="inner")
        .with_columns(share.alias("share"))
        .filter(nw.col("share") > 0.0)
        .with_columns(
            *[
                (nw.col(name) * nw.col("share")).alias(name)
                for name in ("primary_value_usd", "net_weight_kg", "quantity")
            ],
            nw.lit("M").alias("frequency"),
        )
    )
    return spread.with_columns(nw.col("month").alias("period")).select(*columns)


def _early(even: float) -> nw.Expr:
    """Return the part of the event's year that falls before it; ``even`` is that part of the months."""
    whole, one = nw.col("whole"), nw.lit(1.0)
    size = nw.when(whole > 0.0).then(whole).otherwise(one)
    before = nw.coalesce(nw.col("last"), nw.lit(0.0)) * even / size
    after = nw.coalesce(nw.col("next"), nw.lit(0.0)) * (1.0 - even) / size
    squares = before * before + after * after
    spare = nw.when(squares > 0.0).then(squares).otherwise(one)
    balanced = (
        nw.when(squares > 0.0)
        .then(before + (1.0 - before - after) * before * before / spare)
        .otherwise(nw.lit(even))
    )
    has_last, has_next = nw.col("has_last"), nw.col("has_next")
    early = (
        nw.when(has_last & has_next)
        .then(balanced)
        .when(has_last)
        .then(before)
        .when(has_next)
        .then(1.0 - after)
        .otherwise(nw.lit(even))
    )
    held = nw.max_horizontal(nw.min_horizontal(early, one), nw.lit(0.0))
    return nw.when(whole > 0.0).then(held).otherwise(nw.lit(even))


def _summed_months(
    engine: FrameEngine, monthly: nw.LazyFrame[Any], books: set[tuple[str, str]], year: int
) -> nw.LazyFrame[Any]:
    """Return what books reported of every cell in the months of a year, as the last of the year after."""
    reporters, flows = zip(*sorted(books), strict=True)
    kept = pa.table({"reporter": pa.array(reporters, pa.string()), "flow": pa.array(flows, pa.string())})
    return (
        monthly.filter(nw.col("period").str.starts_with(f"{year}-"))
        .join(engine.arrow_frame(kept), on=["reporter", "flow"], how="inner")
        .group_by(*_KEYS)
        .agg(nw.col("primary_value_usd").sum().alias("last"))
        .select(*_KEYS, "last", nw.lit(str(year + 1)).alias("period"))
    )


def _months(years: list[int], event_year: int, before: int, between: tuple[str, str]) -> pa.Table:
    """Return the months of every year, and whether they lie before the event in its year, or after."""
    rows: list[tuple[str, str, str]] = []
    for year in years:
        for month in range(12):
            name = f"{year}-{month + 1:02d}"
            if between[0] <= name <= between[1]:
                part = "even" if year != event_year else "before" if month < before else "after"
                rows.append((str(year), name, part))
    names = ("period", "month", "part")
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})
