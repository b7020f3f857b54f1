"""What a user asks of a publisher, and how patiently it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from entrepot.errors import OptionError

if TYPE_CHECKING:
    from entrepot.schema import FlowKind

__all__ = ["FetchOptions", "FetchQuery", "Method", "Patience", "parse_periods"]

Method = Literal["preview", "get", "bulk"]

_PERIOD = re.compile(r"(?:19|20)\d{2}(?:-(?:0[1-9]|1[0-2]))?")
_MOST_PERIODS = 1200


@dataclass(frozen=True, slots=True)
class FetchQuery:
    """What to fetch. A publisher answers to some of the fields; the others must stay empty.

    Attributes
    ----------
    periods
        Months (``2022-03``) or years (``2022``), not both.
    reporters, partners
        Area codes; empty for all.
    flows
        Trade flows; empty for all.
    products
        HS codes; empty for all of six digits.
    hs_revision
        Revision of the codes; empty for the one that the publisher has.
    release
        The publisher's name of a release, such as ``V202501``.
    method
        Which of UN Comtrade's services: ``preview`` (no key, 500 rows an answer), ``get`` (key) or ``bulk``
        (premium key); empty for ``get`` with a key and ``preview`` without.
    row_limit
        Rows at which UN Comtrade cuts an answer to this key, where it is not 100,000.
    """

    periods: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    flows: tuple[FlowKind, ...] = ()
    products: tuple[str, ...] = ()
    hs_revision: str = ""
    release: str = ""
    method: Method | Literal[""] = ""
    row_limit: int = 0

    @property
    def frequency(self) -> Literal["A", "M"]:
        """Whether years or months are asked for.

        Raises
        ------
        OptionError
            Both are, or a period is none.
        """
        wrong = [period for period in self.periods if not _PERIOD.fullmatch(period)]
        if wrong:
            raise OptionError(f"{wrong[0]!r} is no period", where="--periods", hint=_PERIODS_HINT)
        lengths = {len(period) for period in self.periods}
        if len(lengths) > 1:
            raise OptionError(
                "years and months cannot be fetched together",
                where="--periods",
                hint="fetch the years and the months one after the other",
            )
        return "A" if lengths == {4} else "M"

    def given(self) -> tuple[str, ...]:
        """Return the names of the fields that are not empty."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name))


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a server is waited for, in seconds.

    Attributes
    ----------
    attempts
        Tries of one answer. A download that got further than ever before does not use one up.
    first_wait, longest_wait
        Bounds of the wait between tries, which doubles from the first to the longest.
    longest_asked_wait
        The longest wait that is granted to a server which says how long to wait (``Retry-After``).
    answer_wait
        How long a server may say nothing in the middle of an answer.
    pause
        Between two requests; None leaves it to the publisher's rule.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_asked_wait: float = 300.0
    answer_wait: float = 180.0
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How to fetch.

    Attributes
    ----------
    key
        The publisher's key. It is sent in a header to the publisher's own host, and stands in no message,
        no file and no repr.
    base_url
        Address in place of the publisher's, for a mirror or a test server.
    is_dry_run
        Only say what would be fetched. The publisher's list of what there is may be asked.
    """

    key: str = field(default="", repr=False)
    base_url: str = ""
    patience: Patience = field(default_factory=Patience)
    is_dry_run: bool = False


_PERIODS_HINT = "write 2023-01, 2022-01:2022-12 or 2019:2023, several with commas between"


def parse_periods(text: str) -> tuple[str, ...]:
    """Return the periods of ``2022-01:2022-03,2023-07``.

    Raises
    ------
    OptionError
        A part is no period and no span of them.

    Examples
    --------
    >>> parse_periods("2022-11:2023-01")
    ('2022-11', '2022-12', '2023-01')
    """
    found: dict[str, None] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        first, _, last = part.partition(":")
        last = last or first
        if not _PERIOD.fullmatch(first) or not _PERIOD.fullmatch(last) or len(first) != len(last):
            raise OptionError(f"{part!r} is no period", where="--periods", hint=_PERIODS_HINT)
        if last < first:
            raise OptionError(
                f"{part!r} ends before it begins", where="--periods", hint=f"write {last}:{first}"
            )
        found |= dict.fromkeys(_span(first, last))
    if not found or len(found) > _MOST_PERIODS:
        raise OptionError(
            f"{len(found):,} periods are asked for", where="--periods", hint=f"{_PERIODS_HINT}, 1 to 1,200"
        )
    return tuple(found)


def _span(first: str, last: str) -> list[str]:
    if len(first) == 4:
        return [str(year) for year in range(int(first), int(last) + 1)]
    start, end = (int(text[:4]) * 12 + int(text[5:]) - 1 for text in (first, last))
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in range(start, end + 1)]
