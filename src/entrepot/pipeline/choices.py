"""Which of a lake's reports an analysis is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from entrepot.pipeline.revisions import RevisionChoice

__all__ = ["ALL_REPORTS", "ReportChoice"]


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
    """

    as_of: date | None = None
    years: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    revision: RevisionChoice | None = None


#: Every report in its latest vintage, under its publisher's codes.
ALL_REPORTS = ReportChoice()
