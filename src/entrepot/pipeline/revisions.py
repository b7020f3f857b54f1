"""Reports of a lake in one revision of the Harmonized System, and never in two at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import narwhals as nw

from entrepot.errors import OptionError
from entrepot.nomenclature import concordance, revision_of
from entrepot.reconcile import to_revision

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.engine import Engine

__all__ = ["RevisionChoice", "SplitRule", "converted_reports", "one_revision"]

SplitRule = Literal["kept", "equal", "learnt"]

_MOST_CODES = 6


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
    """

    revision: str
    shares: SplitRule = "kept"

    def __post_init__(self) -> None:
        """Refuse unknown terms at the door."""
        object.__setattr__(self, "revision", revision_of(self.revision))
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
    tell: Callable[[str], None] | None = None,
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
    tell
        Told in words what was split and what has no counterpart.
    """
    made = concordance(
        choice.revision,
        rule="equal" if choice.shares == "equal" else "kept",
        values=_seen(engine, reports, name) if choice.shares == "learnt" else None,
    )
    weights = engine.arrow_frame(made.table()).to_native()
    converted = engine.keep(_lazy(to_revision(reports.to_native(), choice.revision, weights)), name)
    if tell is not None:
        for note in _notes(engine, name, choice):
            tell(note)
    return converted


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    return lazy


def _seen(engine: Engine, reports: nw.LazyFrame[Any], name: str) -> dict[str, dict[str, float]]:
    """Return the trade of six-digit codes under each revision that the reports hold."""
    reports.to_native().create_view(f"{name}_seen", replace=True)
    rows = engine.rows(f"""
        SELECT hs_revision, hs_code, sum(primary_value_usd) FROM {name}_seen
        WHERE role = 'leaf' AND flow IN ('import', 'export') AND length(hs_code) = 6
        GROUP BY ALL HAVING sum(primary_value_usd) > 0
    """)
    found: dict[str, dict[str, float]] = {}
    for revision, code, value in rows:
        found.setdefault(revision, {})[code] = value
    return found


def _notes(engine: Engine, name: str, choice: RevisionChoice) -> list[str]:
    rows = engine.rows(f"""
        SELECT revision_match, count(*), coalesce(sum(primary_value_usd), 0),
               list_sort(list(DISTINCT source_hs_code))
        FROM {name} WHERE role = 'leaf' GROUP BY ALL
    """)
    found = {match: (count, value, codes) for match, count, value, codes in rows}
    whole = sum(value for _, value, _ in found.values())
    notes = []
    if "split" in found and whole:
        _, value, codes = found["split"]
        how = {"learnt": "by shares learnt where the lake shows them, else assumed"}
        notes.append(
            f"{value / whole:.1%} of the value ({len(codes):,} codes) is shared among several codes of "
            f"{choice.revision}, {how.get(choice.shares, 'by assumed shares')}"
        )
    if "unmatched" in found:
        count, _, codes = found["unmatched"]
        shown = ", ".join(codes[:_MOST_CODES]) + (" …" if len(codes) > _MOST_CODES else "")
        notes.append(
            f"{count:,} rows of {len(codes):,} codes have no counterpart in {choice.revision} "
            f"and stay under their own: {shown}"
        )
    return notes


def one_revision(
    engine: Engine, reports: nw.LazyFrame[Any], *, name: str, column: str = "hs_revision"
) -> nw.LazyFrame[Any]:
    """Return reports without those that repeat, in another revision, what the same source reports.

    UN Comtrade publishes one report in several revisions. Of a reporter's flow to a partner in a heading
    and period the revision with most rows of that reporter, flow and period counts; the newer one of equals.

    Parameters
    ----------
    engine, reports
        The engine, and leaf reports on it.
    name
        Name for what is kept.
    column
        Which column has the revision that the source published in.
    """
    reports.to_native().create_view(f"{name}_all", replace=True)
    twice = engine.rows(f"""
        SELECT count(*) FROM (
            SELECT 1 FROM {name}_all GROUP BY source, reporter, flow, period
            HAVING min({column}) <> max({column}) LIMIT 1
        )
    """)
    if not twice[0][0]:
        return reports
    columns = ", ".join(reports.collect_schema().names())
    same = "source, reporter, flow, period"
    kept = engine.frame(f"""
        WITH sizes AS (SELECT {same}, {column}, count(*) AS size FROM {name}_all GROUP BY ALL)
        SELECT {columns} FROM {name}_all JOIN sizes USING ({same}, {column})
        QUALIFY {column} = first_value({column}) OVER (
            PARTITION BY {same}, partner, partner_concept, substr(hs_code, 1, 4)
            ORDER BY size DESC, {column} DESC
        )
    """)
    return engine.keep(kept, name)
