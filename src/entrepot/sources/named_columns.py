"""The columns of a publisher's file, found by name, and what to say where one is missing."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from entrepot.errors import HeaderError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["find_columns"]


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
    spelling = {name.casefold(): name for name in known}
    found: dict[str, str] = {}
    unknown: list[str] = []
    for name in names:
        meaning = spelling.get(name.strip().casefold())
        if meaning is None:
            unknown.append(name)
        elif meaning in found:
            raise HeaderError(
                f"two columns are called {meaning}",
                where=where,
                hint="keep one of them: which of the two counts cannot be guessed",
            )
        else:
            found[meaning] = name
    missing = {
        what: options for what, options in required.items() if not any(one in found for one in options)
    }
    if missing:
        what = "; ".join(f"{what} ({' or '.join(options)})" for what, options in missing.items())
        wanted = [one for options in missing.values() for one in options]
        raise HeaderError(
            f"columns of {publisher} are missing for {what}", where=where, hint=_nearest(wanted, unknown)
        )
    if len({name.casefold() for name in unknown}) < len(unknown):
        raise HeaderError("a name stands twice in the header", where=where, hint="keep one of the columns")
    return found


def _nearest(wanted: Sequence[str], unknown: Sequence[str]) -> str:
    plain = {name.casefold(): name for name in unknown}
    for name in wanted:
        if near := difflib.get_close_matches(name.casefold(), list(plain), n=1, cutoff=0.5):
            return f"{plain[near[0]]!r} looks like {name}: give it that name"
    return "download the file again with all of its columns, its header included"
