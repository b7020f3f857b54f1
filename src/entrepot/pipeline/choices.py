"""Which of a lake's reports an analysis is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from entrepot.pipeline.revisions import RevisionChoice

__all__ = ["ALL_REPORTS", "ReportChoice", "YearsAsMonths"]


class YearsAsMonths(StrEnum):
    """Whether a monthly question uses reporters that publish years only, see ``years_as_months``."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChoice:
    """Which reports of a lake count, and in which revision their codes are read.

    Attributes
    ----------
    as_of
        Only vintages published up to this day.
    years
        Only these years; all when empty.
    sources
        Only these sources; all when empty.
    revision
        All codes are brought to this revision first; otherwise each row keeps its publisher's.
    are_codes_linked
        Searches over a date, with no ``revision`` asked for, bring goods whose codes changed within their
        windows under one code each, see :func:`entrepot.pipeline.revisions.linked_codes`.
    reporters
        Only these reporters; all when empty.
    years_as_months
        Whether searches by month spread the years of reporters that publish nothing else, split at the event:
        ``auto`` does while they add no more rows than the months have.
    """

    as_of: date | None = None
    years: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    revision: RevisionChoice | None = None
    are_codes_linked: bool = True
    reporters: tuple[str, ...] = ()
    years_as_months: YearsAsMonths = YearsAsMonths.AUTO


#: Every report in its latest vintage, under its publisher's codes.
ALL_REPORTS = ReportChoice()
