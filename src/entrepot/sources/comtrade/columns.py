"""Names of UN Comtrade's columns in all its layouts, and what users make of them."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

from entrepot.errors import HeaderError
from entrepot.schema.layouts import COMTRADE_LEGACY, COMTRADE_LEGACY_API, COMTRADE_WEB

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["REQUIRED", "layout_id", "match_columns", "unknown_columns"]

#: What a row must say, and the columns of which one is enough to say it.
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "the period": ("period", "refYear"),
    "the reporter": ("reporterCode", "reporterISO"),
    "the flow": ("flowCode",),
    "the partner": ("partnerCode", "partnerISO"),
    "the commodity": ("cmdCode",),
    "the value": ("primaryValue", "cifvalue", "fobvalue"),
}

#: So many columns that are needed are missing in a file that is no download with other spellings.
_ANOTHER_TABLE: Final = 3

#: Columns of other layouts under the names of the web download.
_ALIASES: Final[dict[str, str]] = {**COMTRADE_LEGACY, **COMTRADE_LEGACY_API, "AtlQty": "altQty"}


def _plain(name: str) -> str:
    """Return a name without case, underscores, blanks and signs: spellings differ in these alone."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


_KNOWN: Final[dict[str, str]] = {
    **{_plain(alias): name for alias, name in _ALIASES.items()},
    **{_plain(name): name for name in ("datasetCode", "flowCategory", *COMTRADE_WEB)},
}


def match_columns(names: Sequence[str], *, where: str) -> dict[str, str]:
    """Return the file's name of each of the publisher's columns that it has.

    Parameters
    ----------
    names
        Names of the file.
    where
        The file, for messages.

    Raises
    ------
    HeaderError
        A name stands twice, two names mean one column, or a column that is needed is missing; the message
        names the unknown column that is nearest.
    """
    seen: dict[str, str] = {}
    for name in names:
        plain = _plain(name)
        meaning = _KNOWN.get(plain, plain)
        if meaning in seen:
            raise HeaderError(
                f"two columns are called {meaning!r}: {seen[meaning]!r} and {name!r}",
                where=where,
                hint="keep one of them: which of the two counts cannot be guessed",
            )
        seen[meaning] = name
    found = {meaning: name for meaning, name in seen.items() if meaning in _KNOWN.values()}
    missing = {
        what: options for what, options in REQUIRED.items() if not any(name in found for name in options)
    }
    if missing:
        raise _missing(missing, [name for name in names if name not in found.values()], where)
    return found


def _missing(missing: dict[str, tuple[str, ...]], unknown: list[str], where: str) -> HeaderError:
    wanted = [name for options in missing.values() for name in options]
    plain = {_plain(name): name for name in unknown}
    nearest = [
        f"{plain[near[0]]!r} looks like {name!r}"
        for name in wanted
        if (near := difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=0.5))
    ]
    what = "; ".join(f"{what} ({' or '.join(options)})" for what, options in missing.items())
    if len(missing) >= _ANOTHER_TABLE:
        hint = (
            "a table of another shape is read by a mapping that says what its columns are: csv:MAPPING.toml"
        )
    elif nearest:
        hint = f"{nearest[0]}: give it that name"
    else:
        hint = "download the file again with all of its columns"
    return HeaderError(f"columns are missing for {what}", where=where, hint=hint)


def unknown_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that no layout of the publisher has."""
    return tuple(name for name in names if _plain(name) not in _KNOWN)


def layout_id(names: Sequence[str], form: str) -> str:
    """Return the name of the publisher's layout that has these columns, ``table`` for cuts of any."""
    plain = [_plain(name) for name in names]
    if plain[:1] == ["datasetcode"] and form == "csv":
        return "bulk"
    if set(map(_plain, COMTRADE_LEGACY)) <= set(plain):
        return "legacy"
    if set(map(_plain, COMTRADE_WEB)) <= {"altqty" if name == "atlqty" else name for name in plain}:
        return "web" if form == "csv" else "api"
    if form == "json":
        return "tariffline" if "aggrlevel" not in plain and "customscode" in plain else "api"
    return "table"
