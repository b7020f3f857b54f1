"""Groups of areas with the dates of membership.

A group without dates (``EU15``, ``EU27``, ``EU28``) is a fixed composition that statistics use for all
years; ``EU`` is the union as it was on a day. ``SANCTIONING`` are the areas with export controls against
Russia adopted after 24 February 2022; ``FOOD_EMBARGOED`` those that Russia's food embargo names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, cast

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.facts import fact_rows, is_in_force, optional_date

if TYPE_CHECKING:
    from datetime import date

__all__ = ["CUSTOMS_UNIONS", "Membership", "group_members", "group_names", "memberships"]

#: Groups that are one customs territory, and the code under which their whole stands.
CUSTOMS_UNIONS = {
    "EU": "XEU", "EU15": "XEU", "EU27": "XEU", "EU28": "XEU", "EACU": "XEC", "EAEU": "XEC", "SACU": "SACU",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Membership:
    """One stay of one area in a group.

    Attributes
    ----------
    group, member
        Name of the group, code of the area.
    valid_from, valid_to
        First and last day of membership; None is open.
    source
        Treaty or official act.
    certainty
        ``approximate`` where the day, not the membership, is in doubt.
    """

    group: str
    member: str
    valid_from: date | None
    valid_to: date | None
    source: str
    certainty: Literal["sure", "approximate"]


@cache
def _groups() -> dict[str, tuple[Membership, ...]]:
    found: dict[str, tuple[Membership, ...]] = {}
    for row in fact_rows("groups"):
        stay = Membership(
            group=row["group"],
            member=row["member"],
            valid_from=optional_date(row["valid_from"]),
            valid_to=optional_date(row["valid_to"]),
            source=row["source"],
            certainty=cast("Literal['sure', 'approximate']", row["certainty"]),
        )
        found[stay.group] = (*found.get(stay.group, ()), stay)
    return found


@cache
def group_names() -> tuple[str, ...]:
    """Return the names of all groups, sorted."""
    return tuple(sorted(_groups()))


def memberships(name: str) -> tuple[Membership, ...]:
    """Return every stay in a group, with its dates and source.

    Raises
    ------
    UnknownCodeError
        No group has the name.
    """
    stays = _groups().get(name.strip().upper())
    if stays is None:
        raise UnknownCodeError(f"no group is called {name!r}", hint=f"groups are {', '.join(group_names())}")
    return stays


def group_members(name: str, *, on: date | None = None) -> tuple[str, ...]:
    """Return the members of a group.

    Parameters
    ----------
    name
        Name of the group, in any case.
    on
        The day; without it the latest membership.

    Returns
    -------
    tuple
        Area codes, sorted; empty where the group had no member yet or fixed its end.

    Raises
    ------
    UnknownCodeError
        No group has the name.

    Examples
    --------
    >>> from datetime import date
    >>> group_members("EAEU", on=date(2015, 1, 1))
    ('BLR', 'KAZ', 'RUS')
    >>> len(group_members("EU", on=date(2020, 1, 31))), len(group_members("EU"))
    (28, 27)
    """
    stays = memberships(name)
    last = max((stay.valid_to for stay in stays if stay.valid_to), default=None)
    if on is None and all(stay.valid_to for stay in stays):
        on = last  # the group has ended: its latest membership is that of its last day
    return tuple(
        sorted(
            stay.member
            for stay in stays
            if (stay.valid_to is None if on is None else is_in_force(stay.valid_from, stay.valid_to, on))
        )
    )
