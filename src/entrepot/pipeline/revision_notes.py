"""What the codes' revisions mean for a result, said in words once the facts of all parts are together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrepot.pipeline.revisions import RevisionChoice

__all__ = ["Conversion", "Replaced", "RevisionFacts"]

_MOST_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Conversion:
    """Rows brought to a revision in one way.

    Attributes
    ----------
    match
        Which way, see ``RevisionMatch``.
    rows, value_usd
        How many, and their value.
    codes
        Their codes as published.
    """

    match: str
    rows: int
    value_usd: float
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A revision that was left out for another one of the same report.

    Attributes
    ----------
    revision, counted
        The one left out, and the one that counts.
    reporters
        Whose reports.
    first, last
        Periods.
    """

    revision: str
    counted: str
    reporters: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """What became of the revisions of a part of a lake.

    Attributes
    ----------
    conversions
        Rows brought to the revision asked for.
    replaced
        Revisions left out.
    side_by_side
        Revisions of the goods that count, where none was asked for.
    """

    conversions: tuple[Conversion, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    side_by_side: frozenset[str] = frozenset()

    @classmethod
    def together(cls, parts: Iterable[RevisionFacts]) -> RevisionFacts:
        """Return the facts of all parts as one."""
        found = tuple(parts)
        return cls(
            conversions=tuple(one for part in found for one in part.conversions),
            replaced=tuple(one for part in found for one in part.replaced),
            side_by_side=frozenset().union(*(part.side_by_side for part in found)),
        )

    def words(self, choice: RevisionChoice | None) -> list[str]:
        """Say it, a note a fact that a reader must know."""
        return [*_of_conversions(self.conversions, choice), *_of_replaced(self.replaced), *self._mixed()]

    def _mixed(self) -> list[str]:
        revisions = sorted(self.side_by_side)
        if len(revisions) < 2:
            return []
        note = (
            f"codes are of {', '.join(revisions)}: one that was renumbered looks like a break; "
            f"--hs-revision {revisions[0]} brings all to one"
        )
        return [note]


def _of_conversions(conversions: Iterable[Conversion], choice: RevisionChoice | None) -> list[str]:
    ways: dict[str, list[Conversion]] = defaultdict(list)
    for one in conversions:
        ways[one.match].append(one)
    if choice is None or not ways:
        return []
    whole = sum(one.value_usd for way in ways.values() for one in way)
    notes = []
    if choice.named_by:
        changed = [one for way in ("recoded", "split") for one in ways[way]]
        part = f", {sum(one.value_usd for one in changed) / whole:.1%} of the value" if whole else ""
        notes.append(
            f"codes changed from {choice.revision} to {choice.named_by} within the windows: goods whose code "
            f"did ({len(_codes(changed)):,} codes{part}) stand under one each, that of {choice.named_by} "
            f"where it took over from one alone, else that of {choice.revision}; --hs-revision published "
            "leaves them apart"
        )
    if "split" in ways and whole:
        value, codes = sum(one.value_usd for one in ways["split"]), _codes(ways["split"])
        how = {"learnt": "by shares learnt where the lake shows them, else assumed"}
        notes.append(
            f"{value / whole:.1%} of the value ({len(codes):,} codes) is shared among several codes of "
            f"{choice.revision}, {how.get(choice.shares, 'by assumed shares')}"
        )
    if "unmatched" in ways:
        rows, codes = sum(one.rows for one in ways["unmatched"]), _codes(ways["unmatched"])
        shown = ", ".join(codes[:_MOST_SHOWN]) + (" …" if len(codes) > _MOST_SHOWN else "")
        notes.append(
            f"{rows:,} rows of {len(codes):,} codes have no counterpart in {choice.revision} "
            f"and stay under their own: {shown}"
        )
    return notes


def _codes(conversions: Iterable[Conversion]) -> list[str]:
    return sorted({code for one in conversions for code in one.codes})


def _of_replaced(replaced: Iterable[Replaced]) -> list[str]:
    pairs: dict[tuple[str, str], list[Replaced]] = defaultdict(list)
    for one in replaced:
        pairs[one.revision, one.counted].append(one)
    notes = []
    for (left, counted), ones in sorted(pairs.items()):
        reporters = sorted({reporter for one in ones for reporter in one.reporters})
        whose = ", ".join(reporters) if len(reporters) <= _MOST_SHOWN else f"{len(reporters)} reporters"
        first, last = min(one.first for one in ones), max(one.last for one in ones)
        notes.append(f"{whose}, {first} to {last}: published in {left} and {counted}, {counted} counts")
    return notes
