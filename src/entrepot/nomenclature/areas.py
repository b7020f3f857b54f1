"""Areas: countries, territories, what is "not elsewhere specified", former states and aggregates.

A code is ISO 3166 alpha-3. Areas that ISO does not code, or codes twice, have codes of the range that
ISO leaves to its users (XAA to XZZ). Former states keep ISO's withdrawn code where it is unambiguous.

The numbers are those of M49 *and* of UN Comtrade, which differ in places: 842 is Comtrade's United States,
and 492 is Comtrade's "Europe EU, nes" although M49 gives it to Monaco (which Comtrade counts in France).
A number whose meaning changed has dates: 736 is the undivided Sudan until June 2011 and Sudan after.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, cast, get_args

import pyarrow as pa

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.facts import fact_rows, is_in_force, optional_date
from entrepot.nomenclature.names import all_names

if TYPE_CHECKING:
    from datetime import date

__all__ = [
    "OTHER_ASIA",
    "UNSPECIFIED",
    "WORLD",
    "Area",
    "AreaKind",
    "Scheme",
    "area",
    "area_code_table",
    "area_name",
    "area_name_table",
    "area_table",
    "code_meaning",
    "special_areas",
]

AreaKind = Literal["country", "territory", "special", "historic", "aggregate"]
Scheme = Literal["m49", "iso2", "iso3", "comtrade_iso"]

#: All areas together (Comtrade 0).
WORLD = "XWD"
#: "Other Asia, n.e.s." (Comtrade 490): almost all of it is Taiwan.
OTHER_ASIA = "XOA"
#: "Areas, n.e.s." (Comtrade 899).
UNSPECIFIED = "XAN"

_SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


@dataclass(frozen=True, slots=True)
class Area:
    """One area.

    Attributes
    ----------
    code
        ISO 3166 alpha-3, or our own code in XAA–XZZ.
    name
        Short English name.
    m49
        Every number that M49 or UN Comtrade uses for it, M49's own first.
    iso2
        ISO 3166 alpha-2 or the publishers' usual two letters, empty where there is none.
    kind
        ``special`` areas are leaves that are no place (bunkers, not specified); ``aggregate`` ones repeat
        what other rows say; ``historic`` ones have ended or changed their territory.
    valid_from, valid_to
        First and last day as an area of its own in trade statistics; None is open.
    """

    code: str
    name: str
    m49: tuple[int, ...]
    iso2: str
    kind: AreaKind
    valid_from: date | None
    valid_to: date | None

    @property
    def is_aggregate(self) -> bool:
        """Whether its rows repeat what the rows of other areas say."""
        return self.kind == "aggregate"


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a foreign code means in a span of time."""

    code: str
    valid_from: date | None = None
    valid_to: date | None = None


@cache
def _areas() -> dict[str, Area]:
    return {
        row["code"]: Area(
            code=row["code"],
            name=row["name"],
            m49=tuple(int(number) for number in row["m49"].split()),
            iso2=row["iso2"],
            kind=cast("AreaKind", row["kind"]),
            valid_from=optional_date(row["valid_from"]),
            valid_to=optional_date(row["valid_to"]),
        )
        for row in fact_rows("areas")
    }


def _own_range(code: str) -> bool:
    return code.startswith("X") and code != "XKX"


@cache
def _meanings() -> dict[Scheme, dict[str, tuple[_Meaning, ...]]]:
    """Return what every foreign code means; the first meaning holds where no date is given."""
    found: dict[Scheme, dict[str, tuple[_Meaning, ...]]] = {scheme: {} for scheme in _SCHEMES}
    for row in fact_rows("area_codes"):
        meaning = _Meaning(row["code"], optional_date(row["valid_from"]), optional_date(row["valid_to"]))
        codes = found[cast("Scheme", row["scheme"])]
        codes[row["foreign_code"]] = (*codes.get(row["foreign_code"], ()), meaning)
    for known in _areas().values():
        only = (_Meaning(known.code),)
        for number in known.m49:
            found["m49"].setdefault(str(number), only)
        if known.iso2:
            found["iso2"].setdefault(known.iso2, only)
        found["iso3"].setdefault(known.code, only)
        if not _own_range(known.code):
            found["comtrade_iso"].setdefault(known.code, only)
    return found


def _spellings(scheme: Scheme, code: str) -> tuple[str, ...]:
    """Return the ways publishers write a code: numbers to three digits, Comtrade's ISO with blanks."""
    written = code.zfill(3) if scheme == "m49" else code.ljust(3) if scheme == "comtrade_iso" else code
    return tuple(dict.fromkeys((code, written)))


def area(code: str) -> Area:
    """Return an area by its own code.

    Raises
    ------
    UnknownCodeError
        The code is not one of ours; names and foreign codes go through :func:`resolve_area`.
    """
    known = _areas().get(code)
    if known is None:
        raise UnknownCodeError(
            f"no area has the code {code!r}", hint="resolve names and foreign codes with resolve_area first"
        )
    return known


def area_name(code: str) -> str:
    """Return the short English name of an area code.

    Examples
    --------
    >>> area_name("KGZ"), area_name("XOA")
    ('Kyrgyzstan', 'Other Asia, n.e.s.')
    """
    return area(code).name


@cache
def area_table() -> pa.Table:
    """Return all areas.

    Returns
    -------
    pyarrow.Table
        **Grain**: one area. Columns ``code, name, iso2, kind, is_aggregate, valid_from, valid_to``;
        unique by ``code``.
    """
    known = _areas().values()
    return pa.table(
        {
            "code": pa.array([one.code for one in known], pa.string()),
            "name": pa.array([one.name for one in known], pa.string()),
            "iso2": pa.array([one.iso2 or None for one in known], pa.string()),
            "kind": pa.array([one.kind for one in known], pa.string()),
            "is_aggregate": pa.array([one.is_aggregate for one in known], pa.bool_()),
            "valid_from": pa.array([one.valid_from for one in known], pa.date32()),
            "valid_to": pa.array([one.valid_to for one in known], pa.date32()),
        }
    )


@cache
def special_areas() -> tuple[str, ...]:
    """Return the codes of areas that are no place: not specified, free zones, bunkers, stores.

    Examples
    --------
    >>> {"XAN", "XOA", "XFZ"} <= set(special_areas())
    True
    """
    return tuple(sorted(known.code for known in _areas().values() if known.kind == "special"))


@cache
def area_code_table() -> pa.Table:
    """Return what foreign codes mean, to be joined in SQL.

    Join on ``scheme`` and ``foreign_code`` and on the period's first day between ``valid_from`` and
    ``valid_to`` (null is open): then at most one row meets. Without the dates a code that changed its
    meaning would multiply rows.

    Returns
    -------
    pyarrow.Table
        **Grain**: one meaning of one spelling of a code. Columns ``scheme, foreign_code, code,
        is_aggregate, valid_from, valid_to``. ``m49`` has every number with and without leading zeros,
        ``comtrade_iso`` every code with and without the trailing blanks of the publisher.
        ``comtrade_iso`` keys are ambiguous by nature (A79 is two areas): prefer the number.
    """
    known = _areas()
    rows = [
        (scheme, written, meaning)
        for scheme, codes in _meanings().items()
        for code, meanings in codes.items()
        for written in _spellings(scheme, code)
        for meaning in meanings
    ]
    return pa.table(
        {
            "scheme": pa.array([scheme for scheme, _, _ in rows], pa.string()),
            "foreign_code": pa.array([written for _, written, _ in rows], pa.string()),
            "code": pa.array([meaning.code for _, _, meaning in rows], pa.string()),
            "is_aggregate": pa.array(
                [known[meaning.code].is_aggregate for _, _, meaning in rows], pa.bool_()
            ),
            "valid_from": pa.array([meaning.valid_from for _, _, meaning in rows], pa.date32()),
            "valid_to": pa.array([meaning.valid_to for _, _, meaning in rows], pa.date32()),
        }
    )


@cache
def area_name_table() -> pa.Table:
    """Return every known name on its normal form, to be joined on labels put through ``normalise_name``.

    Returns
    -------
    pyarrow.Table
        **Grain**: one normalised name. Columns ``name, code``; unique by ``name``.
    """
    names = all_names()
    return pa.table(
        {"name": pa.array(names.keys(), pa.string()), "code": pa.array(names.values(), pa.string())}
    )


def code_meaning(scheme: Scheme, foreign_code: str, on: date | None = None) -> str | None:
    """Return the area that a foreign code means on a day, None where the scheme does not have it.

    Parameters
    ----------
    scheme
        Whose code it is.
    foreign_code
        The code without leading zeros or blanks around it.
    on
        The day; without it the usual meaning.
    """
    for meaning in _meanings()[scheme].get(foreign_code, ()):
        if on is None or is_in_force(meaning.valid_from, meaning.valid_to, on):
            return meaning.code
    return None
