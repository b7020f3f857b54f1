"""Commodity codes by use, kind and technology: BEC Rev.4, SITC Rev.4, ICT goods, Rauch's classes.

BEC is stated for HS2017 and SITC for HS2022 (UN's tables from HS2017 on give chips eight BEC categories,
since they now hold parts of many machines; theirs of HS2012 is kept). ICT goods (OECD and UNCTAD) and
Rauch's classes (goods traded on exchanges, reference priced or differentiated, his conservative version)
are stated for HS2017. A code of another revision takes the categories of its counterparts there, by the
weights of the concordance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, cast, get_args

import pyarrow as pa

from entrepot.errors import OptionError, UnknownCodeError
from entrepot.nomenclature.code_lists import has_hs_code, hs_codes
from entrepot.nomenclature.concordances import Concordance, concordance
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.hs import HS_REVISIONS, revision_of

__all__ = ["ClassScheme", "EndUse", "GoodsClass", "class_of", "class_table", "code_classes"]

ClassScheme = Literal["BEC4", "SITC4", "ICT", "RAUCH"]
EndUse = Literal["capital", "intermediate", "consumption", "mixed", ""]
_LATEST = HS_REVISIONS[-1]
_STATED_IN: dict[ClassScheme, str] = {
    "BEC4": "HS2017",
    "SITC4": "HS2022",
    "ICT": "HS2017",
    "RAUCH": "HS2017",
}

#: Schemes that name some goods, and say of the others that they are none of them.
_LISTS: frozenset[ClassScheme] = frozenset({"ICT"})


@dataclass(frozen=True, slots=True)
class GoodsClass:
    """One category.

    Attributes
    ----------
    scheme, category
        The classification and the code in it.
    title
        Short title; of SITC that of its section.
    end_use
        Class of goods in the national accounts that a BEC category belongs to; ``mixed`` where it is used
        both ways, empty for other schemes.
    """

    scheme: ClassScheme
    category: str
    title: str
    end_use: EndUse


def _checked(scheme: str) -> ClassScheme:
    known = scheme.strip().upper()
    if known not in get_args(ClassScheme):
        raise OptionError(
            f"no classification is called {scheme!r}", hint=f"there are {', '.join(get_args(ClassScheme))}"
        )
    return cast("ClassScheme", known)


@cache
def class_of(scheme: ClassScheme, category: str) -> GoodsClass:
    """Return what a category is.

    Raises
    ------
    OptionError
        The classification is unknown.
    UnknownCodeError
        The category is unknown.

    Examples
    --------
    >>> class_of("BEC4", "41").end_use, class_of("SITC4", "77641").title
    ('capital', 'Machinery and transport equipment')
    """
    known = _checked(scheme)
    wanted = category[:1] if known == "SITC4" else category
    for row in fact_rows("class_titles"):
        if (row["scheme"], row["category"]) == (known, wanted):
            return GoodsClass(known, category, row["title"], cast("EndUse", row["end_use"]))
    raise UnknownCodeError(
        f"{known} has no category {category!r}", hint="see class_table for those there are"
    )


@cache
def _stated(scheme: ClassScheme) -> dict[str, tuple[str, ...]]:
    """Return the categories of the codes of the scheme's revision; longer prefixes count first."""
    by_prefix = {
        row["prefix"]: tuple(row["category"].split())
        for row in fact_rows("class_codes")
        if row["scheme"] == scheme
    }
    found = {}
    for code in hs_codes(_STATED_IN[scheme]):
        prefix = next((code[:k] for k in (6, 4, 2) if code[:k] in by_prefix), None)
        if prefix:
            found[code] = by_prefix[prefix]
    return found


@cache
def _counterparts(source: str, target: str) -> Concordance:
    return concordance(target, source=source)


def code_classes(code: str, scheme: ClassScheme, *, revision: str = _LATEST) -> dict[str, float]:
    """Return the categories of a six-digit code with the share of each; empty where it has none.

    Some codes have several categories of BEC or Rauch, which count equally: a split code's trade cannot be
    told apart without more digits. The shares sum to one, but for ICT goods, which are a list: there the
    share is that of the code's goods that are on it.

    Examples
    --------
    >>> code_classes("854231", "BEC4"), code_classes("854140", "SITC4", revision="HS2017")
    ({'42': 1.0}, {'77637': 1.0})
    """
    known = revision_of(revision)
    if not has_hs_code(code, known):
        raise UnknownCodeError(
            f"{known} has no code {code!r}", hint=f"look it up: entrepot codes {code} names its revisions"
        )
    scheme = _checked(scheme)
    stated, home = _stated(scheme), _STATED_IN[scheme]
    found: dict[str, float] = {}
    for goal, weight in _counterparts(known, home).of(code, known).items():
        for category in stated.get(goal, ()):
            found[category] = found.get(category, 0.0) + weight / len(stated[goal])
    whole = 1.0 if scheme in _LISTS else sum(found.values())
    return {category: share / whole for category, share in sorted(found.items())}


def class_table(scheme: ClassScheme, *, revision: str = _LATEST) -> pa.Table:
    """Return the categories of all six-digit codes of a revision, to be joined to flows.

    Returns
    -------
    pyarrow.Table
        **Grain**: hs_code × category. ``hs_code, category, title, end_use, weight``; the weights of a code
        sum to one, but for lists (ICT). Codes that the scheme does not classify are absent.
    """
    goal = _checked(scheme)
    rows = [
        (code, category, class_of(goal, category), weight)
        for code in hs_codes(revision)
        for category, weight in code_classes(code, goal, revision=revision).items()
    ]
    return pa.table(
        {
            "hs_code": pa.array([code for code, _, _, _ in rows], pa.string()),
            "category": pa.array([category for _, category, _, _ in rows], pa.string()),
            "title": pa.array([meaning.title for _, _, meaning, _ in rows], pa.string()),
            "end_use": pa.array([meaning.end_use or None for _, _, meaning, _ in rows], pa.string()),
            "weight": pa.array([weight for _, _, _, weight in rows], pa.float64()),
        }
    )
