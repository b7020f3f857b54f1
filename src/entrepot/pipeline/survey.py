"""What must be known of a whole lake before its parts can be judged each by itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from entrepot.engine import Engine, SparkEngine
from entrepot.pipeline.leaves import compared_levels, frequency_reports
from entrepot.pipeline.parts import WHOLE, counted_sql, parts_of
from entrepot.schema import PartnerConcept

if TYPE_CHECKING:
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.pipeline.parts import Part
    from entrepot.store import Lake

__all__ = ["Survey", "survey_lake"]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a lake holds of one frequency.

    Attributes
    ----------
    has_reports
        Some row is a reporter's own, and not a flow that its publisher reconciled.
    levels
        The HS level to compare at, and the longer ones that are there.
    periods
        Periods of the rows that count.
    revisions
        Period and revision of the rows of goods that count.
    edition
        Source and revision of the flows to use where all were reconciled by their publishers.
    """

    has_reports: bool
    levels: tuple[int, ...]
    periods: frozenset[str]
    revisions: frozenset[tuple[str, str]] = frozenset()
    edition: tuple[str, str] | None = None


def survey_lake(engine: Engine | SparkEngine, lake: Lake, *, frequency: str, choice: ReportChoice) -> Survey:
    """Look through a lake: which levels, periods and kinds of rows it holds.

    Parameters
    ----------
    engine, lake
        Where it runs, and the lake.
    frequency
        ``M`` or ``A``.
    choice
        Which reports count.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency.
    """
    if isinstance(engine, SparkEngine):
        task = partial(_kinds_in_task, lake, frequency, choice, engine.task_memory)
        kinds = set().union(*engine.each(task, parts_of(lake, choice)))
    else:
        kinds = _kinds(engine, lake, frequency, choice)
    has_reports = any(kind.is_report for kind in kinds)
    counting = [kind for kind in kinds if kind.is_report == has_reports]
    levels = compared_levels((kind.level for kind in counting), frequency)
    return Survey(
        has_reports=has_reports,
        levels=levels,
        periods=frozenset(kind.period for kind in counting),
        revisions=frozenset(
            (kind.period, kind.revision) for kind in counting if kind.level > 0 and kind.revision is not None
        ),
        edition=None if has_reports else _edition(counting, levels[0], choice),
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows alike in all that a survey looks at."""

    is_report: bool
    level: int
    period: str
    source: str
    revision: str


def _kinds(
    engine: Engine, lake: Lake, frequency: str, choice: ReportChoice, part: Part = WHOLE
) -> set[_Kind]:
    reports = frequency_reports(counted_sql(engine, lake, choice, part), frequency)
    rows = engine.rows(f"""
        SELECT DISTINCT partner_concept <> '{PartnerConcept.RECONCILED.value}', hs_level, period, source,
               hs_revision
        FROM ({reports}) WHERE role = 'leaf'
    """)
    return {_Kind(*row) for row in rows}


def _kinds_in_task(
    lake: Lake, frequency: str, choice: ReportChoice, memory_limit: str, part: Part
) -> set[_Kind]:
    with Engine(memory_limit=memory_limit, threads=1) as engine:
        return _kinds(engine, lake, frequency, choice, part)


def _edition(kinds: list[_Kind], level: int, choice: ReportChoice) -> tuple[str, str]:
    """Return source and revision of a publisher's own flows: each edition repeats the world's trade.

    That with most periods counts; of equals that in the revision asked for, else the newest.
    """
    wanted = choice.revision.revision if choice.revision else ""
    periods: dict[tuple[str, str], set[str]] = defaultdict(set)
    for kind in kinds:
        if kind.level == 0 or kind.level >= level:
            periods[kind.source, kind.revision].add(kind.period)

    def rank(edition: tuple[str, str]) -> tuple[int, bool, str]:
        return len(periods[edition]), edition[1] == wanted, edition[1]

    return max(sorted(periods), key=rank)
