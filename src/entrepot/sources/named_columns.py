"""The columns of a publisher's file, found by name, and what to say where one is missing."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from entrepot.errors import HeaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

__all__ = ["find_columns", "match_names"]


def find_columns(
    names: Sequence[str],
    known: Collection[str],
    *,
    required: Mapping[str, Sequence[str]],
    where: str,
    publisher: str,
) -> dict[str, str]:
    """Return the file's name of each of the publisher's columns that it has, whatever its case.

    Parameters
    ----------
    names
        Names of the file, in order.
    known
        The publisher's names.
    required
        What a row must say, and the names of which one is enough to say it.
    where
        The file, for messages.
    publisher
        Whose layout it should be, for messages.

    Raises
    ------
    HeaderError
        A column has no name, a name stands twice, or a column that is needed is missing; the message names
        the unknown column that is nearest.
    """
    if not all(name.strip() for name in names):
        place = [bool(name.strip()) for name in names].index(False) + 1
        raise HeaderError(f"column {place} has no name", where=where, hint="give every column its name")
    spellings = {name.casefold(): name for name in known}
    found, unknown = _matched(names, lambda name: spellings.get(name.strip().casefold()), where=where)
    spelt = {name: name for name in known}
    _check_required(found, unknown, required, spelt, where=where, of=f" of {publisher}")
    if len({name.casefold() for name in unknown}) < len(unknown):
        raise HeaderError("a name stands twice in the header", where=where, hint="keep one of the columns")
    return found


def match_names(
    names: Iterable[str],
    known: Mapping[str, str],
    *,
    required: Mapping[str, Sequence[str]],
    where: str,
    may_repeat: bool = False,
) -> dict[str, str]:
    """Return the file's name of each of the publisher's columns that it has, by what the column means.

    Parameters
    ----------
    names
        Names of the file, unique as :func:`entrepot.sources.tables.unique_names` makes them.
    known
        What a name means, by the name in lower case.
    required
        What a row must say, and the meanings of which one is enough to say it.
    where
        The file.
    may_repeat
        Whether a column may stand twice; the first counts.

    Raises
    ------
    HeaderError
        Two names mean one column, or a column that is needed is missing; the nearest name is proposed.
    """

    def meaning(name: str) -> str | None:
        # A column that stands twice is staged with _2 behind its name.
        return known.get(name.lower()) or known.get(name.lower().removesuffix("_2"))

    found, unknown = _matched(names, meaning, where=where, may_repeat=may_repeat)
    _check_required(found, unknown, required, known, where=where)
    return found


def _matched(
    names: Iterable[str], meaning_of: Callable[[str], str | None], *, where: str, may_repeat: bool = False
) -> tuple[dict[str, str], list[str]]:
    """Return the file's names by their meanings, and those that mean nothing."""
    found: dict[str, str] = {}
    unknown: list[str] = []
    for name in names:
        meaning = meaning_of(name)
        if meaning is None:
            unknown.append(name)
        elif meaning not in found:
            found[meaning] = name
        elif not may_repeat:
            raise HeaderError(
                f"two columns mean the same: {found[meaning]!r} and {name!r}",
                where=where,
                hint="keep one of them: which of the two counts cannot be guessed",
            )
    return found, unknown


def _check_required(
    found: Mapping[str, str],
    unknown: Sequence[str],
    required: Mapping[str, Sequence[str]],
    known: Mapping[str, str],
    *,
    where: str,
    of: str = "",
) -> None:
    """Refuse a file that lacks a column; ``known`` has the meanings by the publisher's spellings."""
    missing = {
        what: options for what, options in required.items() if not any(one in found for one in options)
    }
    if not missing:
        return
    wanted = [
        [name for option in options for name, meaning in known.items() if meaning == option]
        for options in missing.values()
    ]
    what = "; ".join(
        f"{what} ({' or '.join(spellings)})" if of else what
        for what, spellings in zip(missing, wanted, strict=True)
    )
    raise HeaderError(
        f"columns{of} are missing for {what}",
        where=where,
        hint=_nearest([name for spellings in wanted for name in spellings], unknown),
    )


def _nearest(wanted: Sequence[str], unknown: Sequence[str]) -> str:
    plain = {name.casefold(): name for name in wanted}
    for name in unknown:
        if near := difflib.get_close_matches(name.strip().casefold(), list(plain), n=1, cutoff=0.6):
            return f"{name!r} looks like {plain[near[0]]!r}: give it that name"
    return (
        f"give the file as the publisher gives it out, its header included, with {', '.join(wanted[:6])}; "
        "if it is so, the publisher has changed its columns: report it to the authors of entrepot"
    )
