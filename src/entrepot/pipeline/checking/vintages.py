"""What a reporter's newest vintage has against the one before: rows lost or gained, periods vanished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.detect.periods import parse_period, period_spans
from entrepot.pipeline.checking.findings import Finding
from entrepot.schema import CheckName, Severity
from entrepot.store import earlier_flows_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entrepot.engine import Engine
    from entrepot.store import Lake

__all__ = ["row_findings", "vanished_findings"]

#: Share of the periods between its first and its last that a vintage has to have to miss the others.
_MOST = 0.5


def row_findings(
    lake: Lake, engine: Engine, sources: Sequence[str], *, rows_changed: float
) -> Iterator[Finding]:
    """Yield findings on pages that lost or gained rows by their latest vintage; needs ``pages``.

    Parameters
    ----------
    lake, engine
        The lake, and where queries run.
    sources
        Only these; all when empty.
    rows_changed
        Share of the rows from which a change is told.
    """
    earlier = earlier_flows_sql(lake, engine, sources=sources or None)
    found = engine.rows(
        f"""
        WITH before AS (
            SELECT source, reporter, flow, frequency, period, max(vintage) AS vintage,
                   count(*) FILTER (role = 'leaf') AS rows
            FROM ({earlier}) GROUP BY ALL
        )
        SELECT source, reporter, flow, period, before.vintage, rows, leaf_rows
        FROM before JOIN pages USING (source, reporter, flow, frequency, period)
        WHERE abs(leaf_rows - rows) > {rows_changed!r} * greatest(rows, 1) ORDER BY ALL
        """,
        where="comparing vintages",
    )
    for source, reporter, flow, period, vintage, before, now in found:
        is_loss = now < before
        change = f"{now / before - 1:+.0%}" if before else "there were none"
        yield Finding(
            severity=Severity.ERROR if is_loss else Severity.WARNING,
            check=CheckName.ROWS_LOST if is_loss else CheckName.ROWS_GAINED,
            source=source,
            reporter=reporter,
            flow=flow,
            period=period,
            rows=abs(now - before),
            finding=f"{now:,} rows, {before:,} in the vintage of {vintage} ({change})",
            hint="entrepot diff shows what went; if the publisher withdrew it, --accept rows_lost"
            if is_loss
            else "entrepot diff shows what came: figures published before the new vintage are too low",
        )


def vanished_findings(engine: Engine, stored: str) -> Iterator[Finding]:
    """Yield findings on periods that the latest vintage leaves out, although it has those around them.

    Their rows of an older vintage still count: the lake cannot know whether they were withdrawn.

    Parameters
    ----------
    engine
        Where queries run.
    stored
        Query over the rows of all vintages.
    """
    seen = engine.rows(
        f"""
        WITH periods AS (
            SELECT source, reporter, flow, frequency, period, max(vintage) AS vintage, count(*) AS rows
            FROM ({stored}) GROUP BY ALL
        ),
        latest AS (
            SELECT source, reporter, flow, frequency, max(vintage) AS latest FROM periods GROUP BY ALL
        )
        SELECT source, reporter, flow, frequency,
               list_sort(list(period) FILTER (vintage = latest)),
               list_sort(list(period) FILTER (vintage < latest)),
               map(list(period), list(rows)), any_value(latest)
        FROM periods JOIN latest USING (source, reporter, flow, frequency)
        GROUP BY ALL HAVING min(vintage) < max(vintage) ORDER BY ALL
        """,
        where="looking for periods that vanished",
    )
    for source, reporter, flow, _frequency, latest, older, rows, vintage in seen:
        first, last = (parse_period(latest[end], option="period") for end in (0, -1))
        if len(latest) < _MOST * (last - first + 1):
            continue
        gone = [period for period in older or () if latest[0] < period < latest[-1]]
        if gone:
            yield Finding(
                severity=Severity.ERROR,
                check=CheckName.PERIOD_VANISHED,
                source=source,
                reporter=reporter,
                flow=flow,
                period=gone[0] if len(gone) == 1 else None,
                rows=sum(rows[period] for period in gone),
                finding=f"{period_spans(gone)} not in the vintage of {vintage}, which has "
                f"{latest[0]} to {latest[-1]}; an older one counts",
                hint="fetch the period again; if it was not asked for, --accept period_vanished",
            )
