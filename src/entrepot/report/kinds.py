"""The kinds of detours in plain words, and what of a total is of which kind.

A hub whose books do not show goods arriving is accused of nothing: transit leaves no import either. What
others sent through the same hubs is another claim, weaker, and never added to the total.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.report.amounts import amount
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrepot.detect.result import Headline

__all__ = ["MEANINGS", "Shares", "kind_words", "meanings_of", "parts_words", "relay_words", "short_kind"]

#: What each kind says, and what it does not.
MEANINGS = {
    DetourKind.DECLARED: (
        "Declared: published books show the goods going on from the hub, and what went on bounds the amount. "
        "Where several hubs stand in a row (A › B) the goods went from one to the next."
    ),
    DetourKind.UNSEEN: (
        "Unseen: the goods reached the hub, and the hub's books do not show them arriving. This is "
        "consistent with transit, and with under-declaration or misclassification; it accuses nobody."
    ),
    DetourKind.ONWARD_UNOBSERVED: (
        "Onward leg not observed: nobody publishes the trade from the hub to the destination, or nobody by "
        "the code of the goods, so only what arrived and what is missing bound the amount."
    ),
    DetourKind.RELAY: (
        "Others' goods: relayed through the same hub by suppliers whose own direct trade did not fall. A "
        "weaker statement, and not part of the total: do not add these rows to the others."
    ),
}
_SHORT = {
    DetourKind.DECLARED: "declared",
    DetourKind.UNSEEN: "unseen",
    DetourKind.ONWARD_UNOBSERVED: "not observed",
    DetourKind.RELAY: "others' goods",
}
_WORDS = {
    DetourKind.DECLARED: "declared",
    DetourKind.UNSEEN: "unseen: not in the hub's books",
    DetourKind.ONWARD_UNOBSERVED: "onward leg not observed",
    DetourKind.RELAY: "others' goods, relayed",
}
_NEXT_TO_NOTHING = 5e-4


def short_kind(kind: str | None) -> str:
    """Return a kind in a word or two; a row without a kind is a sum over several."""
    return _SHORT[DetourKind(kind)] if kind else "several"


def kind_words(kind: str | None) -> str:
    """Return a kind in plain words; a row without a kind is a sum over several."""
    return _WORDS[DetourKind(kind)] if kind else "several kinds"


def meanings_of(kinds: Iterable[str | None]) -> tuple[str, ...]:
    """Return what the kinds mean that are among the given ones, each once, in a fixed order."""
    found = set(kinds)
    return tuple(text for kind, text in MEANINGS.items() if kind.value in found)


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of a headline's estimate, USD; they make up the whole.

    Attributes
    ----------
    declared, unseen, unobserved
        Amount of each kind; 0 where it is next to nothing of the estimate.
    """

    declared: float
    unseen: float
    unobserved: float

    @classmethod
    def of(cls, head: Headline) -> Shares:
        """Return the parts of a headline; all of them 0 where nothing was found."""
        whole = head.estimate_usd
        if not whole > 0 or not math.isfinite(head.onward_observed_share):
            return cls(0.0, 0.0, 0.0)
        declared, unseen = head.onward_observed_share * whole, head.unseen_usd
        parts = (declared, unseen, whole - declared - unseen)
        return cls(*[part if part > _NEXT_TO_NOTHING * whole else 0.0 for part in parts])

    def named(self) -> dict[DetourKind, float]:
        """Return the parts that are there, by kind."""
        every = {
            DetourKind.DECLARED: self.declared,
            DetourKind.UNSEEN: self.unseen,
            DetourKind.ONWARD_UNOBSERVED: self.unobserved,
        }
        return {kind: usd for kind, usd in every.items() if usd > 0}


def parts_words(head: Headline) -> str:
    """Return the sentence of the headline that names what of the estimate is of which kind."""
    parts = Shares.of(head).named()
    if len(parts) == 1:
        return {
            DetourKind.DECLARED: " Published books show all of it going on from the hubs.",
            DetourKind.UNSEEN: " The hubs' own books show none of it arriving.",
            DetourKind.ONWARD_UNOBSERVED: " The onward leg is observed for none of it.",
        }[next(iter(parts))]
    said = {
        DetourKind.DECLARED: "{} USD go on from the hubs in published books (declared)",
        DetourKind.UNSEEN: "{} USD reached hubs whose own books do not show them arriving (unseen)",
        DetourKind.ONWARD_UNOBSERVED: "for {} USD the onward leg is not observed",
    }
    clauses = [said[kind].format(amount(usd)) for kind, usd in parts.items()]
    if not clauses:
        return ""
    return f" Of it, {', '.join(clauses[:-1])} and {clauses[-1]}."


def relay_words(head: Headline) -> str:
    """Return the weaker sentence on what others sent through the same hubs; empty where it is not stated."""
    if head.status != "identified" or not head.relay_usd > 0:
        return ""
    return (
        f"More weakly: the statistics are also consistent with up to {amount(head.relay_high_usd)} USD "
        "relayed through the same hubs by suppliers whose own direct trade did not fall. That is not part "
        "of the total."
    )
