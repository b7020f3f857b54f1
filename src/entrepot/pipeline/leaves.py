"""One consistent set of leaves of each slice: nothing counts twice, and totals never mix with their parts.

The slice here is source, reporter, partner, partner concept, flow and period; goods and totals of all goods
(``TOTAL``) are apart. Of a code and longer codes of its revision below it the code counts, of a year and its
months one of the two; of several code revisions one (:mod:`entrepot.pipeline.revisions`). What does not
count stays in the lake, and in the reports as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.errors import CoverageError
from entrepot.schema import FLOW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrepot.engine import Engine

__all__ = ["compared_levels", "frequency_reports", "hs_levels", "leaf_reports"]

_SIX_DIGITS: Final = 6

_SLICE: Final = ("source", "reporter", "partner", "partner_concept", "flow", "frequency", "period")
#: Who says something when: only where it has longer codes may others stand beside them.
_REPORT: Final = "source, reporter, flow, period"

#: Share of the codes that the twelve months have from which the published year is preferred to them.
_WHOLE_YEAR: Final = 0.5
#: A published total of a year that is so near to that of its first months is theirs.
_SAME: Final = 0.001


def compared_levels(found: Iterable[int], frequency: str) -> tuple[int, ...]:
    """Return the HS levels of the goods reported in a frequency, that to compare flows at first.

    That is six digits, or the finest level below; behind it stand the longer ones, and no shorter ones.

    Parameters
    ----------
    found
        Levels of the leaves.
    frequency
        ``M`` or ``A``, for the message.

    Raises
    ------
    CoverageError
        There are no reports of that frequency.
    """
    levels = sorted(set(found))
    if not levels:
        word = "monthly" if frequency == "M" else "annual"
        raise CoverageError(
            f"the lake holds no {word} reports",
            where="core__flow",
            hint="ingest files of that frequency, or ask for the other (--freq A or M, --event 2022)",
        )
    compared = min(levels[-1], _SIX_DIGITS)
    return (compared, *(level for level in levels if level > compared))


def hs_levels(engine: Engine, reports: str, frequency: str) -> tuple[int, ...]:
    """Return the levels of reports, see :func:`compared_levels`."""
    rows = engine.rows(
        f"SELECT DISTINCT hs_level FROM ({reports}) WHERE role = 'leaf' AND frequency = '{frequency}'"
    )
    return compared_levels((row[0] for row in rows), frequency)


def leaf_reports(reports: str, levels: tuple[int, ...], *, has_longer: bool = True) -> str:
    """Return the query over the leaves of one HS level, longer codes rolled up to it.

    A row counts unless the same slice has a row of a shorter code of its revision that contains it: a
    publisher's longer codes may be a selection, and stand beside their own sum. Totals of all goods are kept
    as they are.

    Parameters
    ----------
    reports
        Reports of the lake that count.
    levels
        The level to compare at, and the longer ones that are there, see :func:`compared_levels`.
    has_longer
        Whether any leaf is of a longer code. Without one nothing is rolled up, and no row is kept to be read
        twice: of ten million reports that takes a third of the memory and a quarter of the time.
    """
    level, *longer = levels
    own = (*_SLICE, "hs_revision")
    columns = ", ".join((*own, "role", "primary_value_usd", "net_weight_kg", "quantity", "quantity_unit"))
    of_level = f"""
        SELECT {columns}, hs_level, CASE WHEN hs_level = 0 THEN 'TOTAL' ELSE code END AS hs_code
        FROM leaves WHERE hs_level IN (0, {level})
    """
    rows = f"""
        SELECT {columns}, hs_level, coalesce(national_code, hs_code) AS code FROM ({reports})
        WHERE role = 'leaf' AND (hs_level = 0 OR hs_level >= {level})
    """
    if not has_longer:
        return f"WITH leaves AS ({rows}) {of_level}"
    same = " AND ".join(f"parts.{name} = own.{name}" for name in own)
    parts = f"SELECT * FROM leaves WHERE hs_level > {level}"
    for step in (level, *longer[:-1]):
        parts = (
            f"SELECT parts.* FROM ({parts}) AS parts ANTI JOIN (FROM beside WHERE hs_level = {step}) AS own "
            f"ON {same} AND parts.hs_level > {step} AND substr(parts.code, 1, {step}) = own.code"
        )
    return f"""
        WITH leaves AS ({rows}),
        beside AS (
            FROM leaves SEMI JOIN (SELECT DISTINCT {_REPORT} FROM leaves WHERE hs_level > {level}) AS longer
            USING ({_REPORT})
        )
        {of_level}
        UNION ALL
        SELECT {columns}, {level}::INTEGER AS hs_level, substr(code, 1, {level}) AS hs_code FROM ({parts})
    """


#: How a year is made of the rows of its months; other columns keep rows apart.
_MADE: Final = {
    "file_hash": "min(file_hash)",
    "row_number": "min(row_number)",
    "vintage": "max(vintage)",
    "frequency": "'A'",
    "period": "calendar_year",
    "primary_value_usd": "sum(primary_value_usd)",
    "reported_value": "sum(reported_value)",
    "net_weight_kg": "CASE WHEN count(net_weight_kg) = count(*) THEN sum(net_weight_kg) END",
    "is_net_weight_estimated": "bool_or(is_net_weight_estimated)",
    "quantity": "CASE WHEN count(quantity) = count(*) THEN sum(quantity) END",
    "is_quantity_estimated": "bool_or(is_quantity_estimated)",
    "cell": "NULL",
}


def frequency_reports(reports: str, frequency: str, columns: tuple[str, ...] = FLOW.columns) -> str:
    """Return the query over the leaf reports of a frequency; years are made of months where they must be.

    A reporter's year is the sum of its months when it published all twelve of the flow, and no annual
    report of the partner or a mere selection of the codes. Goods and totals are looked at apart: a
    published total says nothing of the goods. A published total that is the sum of the months from January
    on, of less than twelve, is that of a year that is not over: no year.

    Parameters
    ----------
    reports
        Leaves of both frequencies.
    frequency
        ``M`` or ``A``.
    columns
        The columns that they have.
    """
    leaves = f"SELECT {', '.join(columns)} FROM ({reports}) WHERE role = 'leaf'"
    if frequency == "M":
        return f"{leaves} AND frequency = 'M'"
    # Leaves are of one revision a month: a year in which it changed is one year.
    rules = _MADE if "row_number" in columns else _MADE | {"hs_revision": "max(hs_revision)"}
    made = ", ".join(f"{rules[name]} AS {name}" if name in rules else name for name in columns)
    kept = [name for name in columns if name not in rules]
    keys = ", ".join([*kept, "is_total", "calendar_year"])
    part = ("source", "reporter", "partner", "partner_concept", "flow", "is_total", "period")
    same = ", ".join(part)
    months = "frequency = 'M'"
    code = "hs_code, national_code" if "national_code" in columns else "hs_code"
    return f"""
        WITH every AS (
            SELECT *, hs_level = 0 AS is_total, substr(period, 1, 4) AS calendar_year FROM ({leaves})
        ),
        unfinished AS (
            SELECT source, reporter, flow, partner_concept, calendar_year, is_total FROM every
            WHERE is_total GROUP BY ALL
            HAVING count(DISTINCT period) FILTER ({months}) BETWEEN 1 AND 11
                AND max(period) FILTER ({months}) =
                    calendar_year || '-' || lpad((count(DISTINCT period) FILTER ({months}))::VARCHAR, 2, '0')
                AND abs(sum(primary_value_usd) FILTER (frequency = 'A')
                    - sum(primary_value_usd) FILTER ({months}))
                    <= {_SAME} * sum(primary_value_usd) FILTER ({months})
        ),
        annual AS (
            SELECT * FROM every
            ANTI JOIN unfinished USING (source, reporter, flow, partner_concept, calendar_year, is_total)
            WHERE frequency = 'A'
        ),
        whole AS (
            SELECT source, reporter, flow, is_total, calendar_year FROM every
            WHERE frequency = 'M' GROUP BY ALL HAVING count(DISTINCT period) = 12
        ),
        made AS (
            SELECT {made}, is_total FROM every
            SEMI JOIN whole USING (source, reporter, flow, is_total, calendar_year)
            WHERE frequency = 'M' GROUP BY {keys}
        ),
        published AS (
            SELECT {same}, count(DISTINCT ({code})) AS codes FROM annual GROUP BY ALL
        ),
        summed AS (SELECT {same}, count(DISTINCT ({code})) AS codes FROM made GROUP BY ALL),
        by_months AS (
            SELECT {same} FROM summed LEFT JOIN published USING ({same})
            WHERE coalesce(published.codes, 0) < {_WHOLE_YEAR} * summed.codes
        )
        SELECT {", ".join(columns)} FROM annual ANTI JOIN by_months USING ({same})
        UNION ALL
        SELECT {", ".join(columns)} FROM made SEMI JOIN by_months USING ({same})
    """
