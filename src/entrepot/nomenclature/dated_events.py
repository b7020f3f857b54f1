"""Dated events that change trade: sanctions, export controls, embargoes, tariffs, unions, new editions.

The date is the first day on which the measure applies; a package that is adopted on one day and comes
into force on the next has the next day. Each event names its legal act.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal, cast

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.groups import group_members, group_names
from entrepot.nomenclature.resolving import resolve_areas

__all__ = ["Event", "EventKind", "events"]

EventKind = Literal[
    "sanction", "export_control", "embargo", "tariff", "trade_policy", "union", "list", "nomenclature", "war"
]


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes
    ----------
    date
        First day of application.
    name, kind
        What happens.
    actors, targets
        Area codes and group names: who acts, and whom the measure is aimed at. Empty where it is
        everybody.
    source
        Legal act or publication with its number.
    certainty
        ``approximate`` where the day is in doubt.
    """

    date: date
    name: str
    kind: EventKind
    actors: tuple[str, ...]
    targets: tuple[str, ...]
    source: str
    certainty: Literal["sure", "approximate"]

    def areas(self) -> frozenset[str]:
        """Return the areas that act or are aimed at, groups expanded as of the day."""
        found: set[str] = set()
        for name in (*self.actors, *self.targets):
            found |= set(group_members(name, on=self.date)) if name in group_names() else {name}
        return frozenset(found)


@cache
def _events() -> tuple[Event, ...]:
    found = (
        Event(
            date=date.fromisoformat(row["date"]),
            name=row["name"],
            kind=cast("EventKind", row["kind"]),
            actors=tuple(row["actors"].split()),
            targets=tuple(row["targets"].split()),
            source=row["source"],
            certainty=cast("Literal['sure', 'approximate']", row["certainty"]),
        )
        for row in fact_rows("events")
    )
    return tuple(sorted(found, key=lambda event: (event.date, event.name)))


def _is_about_areas(about: str) -> bool:
    try:
        resolve_areas(about)
    except UnknownCodeError:
        return False
    return True


def _concerns(event: Event, about: str, *, is_areas: bool) -> bool:
    if about.casefold() in event.name.casefold() or about == event.kind:
        return True
    return is_areas and not event.areas().isdisjoint(_areas_on(about, event.date))


@cache
def _areas_on(about: str, day: date) -> tuple[str, ...]:
    """Return the areas meant on a day; none of a group that did not exist yet."""
    try:
        return resolve_areas(about, on=day)
    except UnknownCodeError:
        return ()


def events(
    *, since: date | None = None, until: date | None = None, about: str | None = None
) -> tuple[Event, ...]:
    """Return the events, oldest first.

    Parameters
    ----------
    since, until
        First and last day, both included.
    about
        Words of the name, a kind, or areas and groups that act or are aimed at.

    Examples
    --------
    >>> [str(event.date) for event in events(about="food embargo")]
    ['2014-08-07', '2015-08-13', '2016-01-01']
    """
    is_areas = about is not None and _is_about_areas(about)
    return tuple(
        event
        for event in _events()
        if (since is None or since <= event.date)
        and (until is None or event.date <= until)
        and (about is None or _concerns(event, about, is_areas=is_areas))
    )
