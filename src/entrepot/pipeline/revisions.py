"""Reports of a lake in one revision of the Harmonized System, and never in two at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import narwhals as nw
import pyarrow as pa

from entrepot.errors import OptionError
from entrepot.nomenclature import changed_codes, concordance, renumbered, revision_in_force, revision_of
from entrepot.pipeline.revision_notes import Conversion, Replaced
from entrepot.reconcile import to_revision

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from entrepot.engine import Engine

__all__ = [
    "RevisionChoice",
    "SplitRule",
    "Trade",
    "converted_reports",
    "linked_codes",
    "linked_products",
    "needs_linking",
    "one_revision",
    "seen_trade",
]

SplitRule = Literal["kept", "equal", "learnt"]

#: Value by code and revision.
Trade = dict[str, dict[str, float]]

#: Totals of all goods are looked at apart.
_KIND = "hs_code = 'TOTAL'"

#: Share of the codes of the fullest revision from which a newer one is preferred to it.
_NEARLY_ALL = 0.9

#: Share of common headings from which rows in another revision are the same report.
_SAME_REPORT = 0.5


@dataclass(frozen=True, slots=True)
class RevisionChoice:
    """The revision that all codes are brought to.

    Attributes
    ----------
    revision
        ``HS1992`` to ``HS2022`` in any spelling of ``revision_of``.
    shares
        How a code with several counterparts is shared: see :func:`entrepot.nomenclature.concordance`.
        ``learnt`` takes the trade of the lake itself, where it has adjacent revisions.
    named_by
        A newer revision: a good that has another number there, one for one, is called by that, and nothing is
        converted where no code changed between the two. Empty for the codes of ``revision`` as they are.
    """

    revision: str
    shares: SplitRule = "kept"
    named_by: str = ""

    def __post_init__(self) -> None:
        """Refuse unknown terms at the door."""
        object.__setattr__(self, "revision", revision_of(self.revision))
        if self.named_by:
            object.__setattr__(self, "named_by", revision_of(self.named_by))
        if self.shares not in get_args(SplitRule):
            raise OptionError(
                f"{self.shares!r} is no way to share a split code",
                where="--hs-shares",
                hint=f"ways are {', '.join(get_args(SplitRule))}",
            )


def converted_reports(
    engine: Engine,
    reports: nw.LazyFrame[Any],
    choice: RevisionChoice,
    *,
    name: str,
    seen: Trade | None = None,
    tell: Callable[[Conversion], None] | None = None,
) -> nw.LazyFrame[Any]:
    """Return reports in the revision asked for, kept on the engine.

    Parameters
    ----------
    engine, reports
        The engine, and leaf reports on it with ``hs_code`` and ``hs_revision``.
    choice
        The revision, and how splits are shared.
    name
        Name of the table that the rows are kept in.
    seen
        Trade that shares are learnt from, see :func:`seen_trade`; that of the reports when not given.
    tell
        Told what was split and what has no counterpart.
    """
    if choice.shares == "learnt" and seen is None:
        seen = seen_trade(engine, reports, f"{name}_seen")
    made = concordance(
        choice.revision,
        rule="equal" if choice.shares == "equal" else "kept",
        values=seen if choice.shares == "learnt" else None,
    )
    weights = engine.arrow_frame(made.table()).to_native()
    moved = _lazy(to_revision(reports.to_native(), choice.revision, weights))
    if choice.named_by:
        moved = _renamed(engine, moved, choice)
    converted = engine.keep(moved, name)
    if tell is not None:
        for fact in _conversions(engine, name):
            tell(fact)
    return converted


def linked_codes(revisions: Collection[str], *, since: int) -> RevisionChoice | None:
    """Return how goods of several revisions stand under one code each; None where none came after the first.

    Under that of the older revision, in which most of what was split since is together; its number is that of
    the newer one where this took over from it alone. The older one is that in force in the year ``since``,
    or the nearest to it: a reporter that lags behind by ten years does not take everybody back.

    Examples
    --------
    >>> linked_codes({"HS2007", "HS2017", "HS2022"}, since=2020).revision
    'HS2017'
    >>> linked_codes({"HS2012", "HS2017"}, since=2020) is None
    True
    """
    if not revisions:
        return None
    newest = max(revisions)
    in_force = revision_in_force(since)
    first = max((one for one in revisions if one <= in_force), default=min(revisions))
    return RevisionChoice(first, named_by=newest) if first < newest else None


def linked_products(products: Sequence[str], choice: RevisionChoice) -> tuple[str, ...]:
    """Return the codes under which goods stand by :func:`linked_codes`, for codes of either revision.

    A code of the newer revision is taken to be meant where both have it. Shorter codes and such that neither
    has stay as they are.

    Examples
    --------
    >>> linked_products(["854141", "880730", "87"], RevisionChoice("HS2017", named_by="HS2022"))
    ('854140', '880730', '87')
    """
    back, names = concordance(choice.revision, source=choice.named_by), renumbered(*_named(choice))
    found: dict[str, None] = {}
    for code in products:
        targets = back.of(code[:6], choice.named_by) if len(code) >= 6 else {}
        for target in targets or {code: 1.0}:
            name = names.get(target, target)
            found[code if name == code[:6] else name] = None
    return tuple(found)


def needs_linking(engine: Engine, name: str, choice: RevisionChoice) -> bool:
    """Return whether kept reports hold any code that changed between revisions, or gets another name.

    The reports may be a part of a lake, such as one of the years before the codes changed.
    """
    held = engine.rows(f"SELECT DISTINCT hs_revision, hs_code FROM {name} WHERE hs_revision IS NOT NULL")
    names = renumbered(*_named(choice))
    return any(
        code in (names if revision == choice.revision else changed_codes(revision, choice.revision))
        for revision, code in held
        if len(code) == 6
    )


def _named(choice: RevisionChoice) -> tuple[str, str]:
    return choice.revision, choice.named_by


def _renamed(engine: Engine, reports: nw.LazyFrame[Any], choice: RevisionChoice) -> nw.LazyFrame[Any]:
    """Return reports with the newer number of every code that was renumbered."""
    names = renumbered(*_named(choice))
    table = pa.table(
        {"__old": pa.array(list(names), pa.string()), "__new": pa.array(list(names.values()), pa.string())}
    )
    columns = reports.collect_schema().names()
    return (
        reports.join(engine.arrow_frame(table), left_on="hs_code", right_on="__old", how="left")
        .with_columns(nw.coalesce(nw.col("__new"), nw.col("hs_code")).alias("hs_code"))
        .select(*columns)
    )


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    return lazy


def seen_trade(engine: Engine, reports: nw.LazyFrame[Any], name: str) -> Trade:
    """Return the trade of six-digit codes under each revision that the reports hold."""
    reports.to_native().create_view(name, replace=True)
    rows = engine.rows(f"""
        SELECT hs_revision, hs_code, sum(primary_value_usd) FROM {name}
        WHERE role = 'leaf' AND flow IN ('import', 'export') AND length(hs_code) = 6
        GROUP BY ALL HAVING sum(primary_value_usd) > 0
    """)
    found: Trade = {}
    for revision, code, value in rows:
        found.setdefault(revision, {})[code] = value
    return found


def _conversions(engine: Engine, name: str) -> list[Conversion]:
    rows = engine.rows(f"""
        SELECT revision_match, count(*), coalesce(sum(primary_value_usd), 0),
               list_sort(list(DISTINCT source_hs_code))
        FROM {name} WHERE role = 'leaf' AND NOT ({_KIND}) GROUP BY ALL
    """)
    return [Conversion(match, count, value, tuple(codes)) for match, count, value, codes in rows]


def one_revision(
    engine: Engine,
    reports: nw.LazyFrame[Any],
    *,
    name: str,
    column: str = "hs_revision",
    tell: Callable[[Replaced], None] | None = None,
) -> nw.LazyFrame[Any]:
    """Return reports without those that repeat another one in another revision.

    UN Comtrade publishes one report in several revisions, and a national office may lag behind it. Of a
    reporter's flow and period the newest revision counts that has nearly as many codes as the fullest.
    Another one that has most headings in common with it, those of the partner or those of all partners that
    both have, is the same report and is left out, headings of its own included: goods moved between them.
    One that has few in common is a complement, of which the common ones are left out. A partner that is in
    one revision alone counts in that.

    Parameters
    ----------
    engine, reports
        The engine, and leaf reports on it.
    name
        Name for what is kept.
    column
        Which column has the revision that the report was published in.
    tell
        Told which revision counts for which other.
    """
    reports.to_native().create_view(f"{name}_all", replace=True)
    same = f"reporter, flow, period, {_KIND}"
    twice = engine.rows(
        f"SELECT count(*) FROM (SELECT 1 FROM {name}_all GROUP BY {same} "
        f"HAVING min({column}) <> max({column}) LIMIT 1)"
    )
    if not twice[0][0]:
        return reports
    columns = ", ".join(reports.collect_schema().names())
    group = "reporter, flow, is_total, period"
    part = f"{group}, partner, partner_concept"
    engine.execute(f"""
        CREATE TEMP TABLE {name}_repeated AS
        WITH every AS (SELECT *, {_KIND} AS is_total, {column} AS revision FROM {name}_all),
        sizes AS (
            SELECT {group}, revision, count(DISTINCT (partner, partner_concept, hs_code)) AS size
            FROM every GROUP BY ALL
        ),
        counted AS (
            SELECT {group}, max(revision) AS counted FROM (
                SELECT *, max(size) OVER (PARTITION BY {group}) AS most FROM sizes
            ) WHERE size >= {_NEARLY_ALL} * most GROUP BY ALL
        ),
        headings AS (
            SELECT DISTINCT {part}, revision, counted, substr(hs_code, 1, 4) AS heading
            FROM every JOIN counted USING ({group})
        ),
        main AS (SELECT {part}, heading, TRUE AS is_common FROM headings WHERE revision = counted),
        others AS (
            SELECT * REPLACE (coalesce(is_common, FALSE) AS is_common)
            FROM (FROM headings WHERE revision <> counted)
            LEFT JOIN main USING ({part}, heading)
            LEFT JOIN (SELECT DISTINCT {part}, TRUE AS is_partner FROM main) USING ({part})
        )
        SELECT {part}, revision, counted, heading FROM others
        QUALIFY is_common OR (is_partner AND greatest(
            avg(is_common::INTEGER) OVER (PARTITION BY {part}, revision),
            avg(is_common::INTEGER) FILTER (is_partner) OVER (PARTITION BY {group}, revision)
        ) >= {_SAME_REPORT})
    """)
    if tell is not None:
        for fact in _replaced(engine, name):
            tell(fact)
    kept = engine.frame(f"""
        SELECT {columns} FROM (
            SELECT *, {_KIND} AS is_total, {column} AS revision, substr(hs_code, 1, 4) AS heading
            FROM {name}_all
        ) ANTI JOIN {name}_repeated USING ({part}, revision, heading)
    """)
    return engine.keep(kept, name)


def _replaced(engine: Engine, name: str) -> list[Replaced]:
    """Return which revision counted for which, where and when."""
    rows = engine.rows(f"""
        SELECT revision, counted, list_sort(list(DISTINCT reporter)), min(period), max(period)
        FROM {name}_repeated GROUP BY ALL ORDER BY ALL
    """)
    return [
        Replaced(left, counted, tuple(reporters), first, last)
        for left, counted, reporters, first, last in rows
    ]
