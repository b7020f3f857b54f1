"""What a search found, said in words: the sentences that the terminal, the page and the files share.

The wording is statistical: figures are consistent with a detour, they prove none and accuse nobody. How
firmly it is said follows from the evidence (:mod:`entrepot.report.evidence`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from entrepot.detect.treated import FEWEST_PRODUCTS
from entrepot.report.amounts import amount, amount_range, percent
from entrepot.report.evidence import (
    UNIDENTIFIED,
    Comparison,
    baseline_words,
    calibration_words,
    comparisons,
    placebo_words,
    strength,
)
from entrepot.report.kinds import Shares, meanings_of, parts_words, relay_words
from entrepot.report.labels import codes_words, enumerate_words, place, places, span
from entrepot.schema import DETOUR, DetourKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.detect.result import DetourResult

__all__ = ["ALL_LATE", "VALUATION", "Account", "account_of", "who"]

#: Of every amount of a search.
VALUATION = "USD, FOB at the origin"

#: Begins the sentence that says where all late reporters are named.
ALL_LATE = "All of them:"

#: Late reporters named in a sentence.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Account:
    """A search in sentences.

    Attributes
    ----------
    title
        ``A via hubs to C``.
    question
        Event, windows and goods.
    headline
        The finding and its parts by kind, or why there is none.
    valued
        The amount in another unit; empty where none was asked for, or no amount is stated.
    relay
        The weaker statement on what others sent through the same hubs; empty where there is none.
    untold
        Areas whose own trade is too large to tell whether they pass goods on; empty where there are none.
    status
        Status of the headline.
    strength
        ``strong``, ``moderate``, ``weak`` or ``none``.
    comparisons
        What to hold against the headline: baselines, placebos, excess, plain increase, missing trade.
    baseline
        How the expected trade was found, and the range over baselines.
    placebos
        What the same search gives where nothing happened.
    calibration
        How far planted detours were recovered.
    late
        Who has not published the whole after-window, the most important ones; empty where all have.
    all_late
        All of them.
    withheld
        How many rows have no amount, and why; empty where all have one.
    kinds
        What the kinds of the rows mean, those that occur.
    refutations
        What would refute it.
    limits
        What it cannot say.
    """

    title: str
    question: str
    headline: str
    valued: str
    relay: str
    untold: str
    status: str
    strength: str
    comparisons: tuple[Comparison, ...]
    baseline: str
    placebos: str
    calibration: str
    late: str
    all_late: tuple[str, ...]
    withheld: str
    kinds: tuple[str, ...]
    refutations: tuple[str, ...]
    limits: tuple[str, ...]


def account_of(result: DetourResult) -> Account:
    """Put a result in words."""
    head, (origins, hubs, destinations) = result.headline, who(result)
    late, all_late = _late(result)
    return Account(
        title=f"{places(origins) or 'Any origin'} via {_hub_words(hubs)} to "
        f"{places(destinations) or 'any destination'}",
        question=_question(result),
        headline=_headline(result, origins, hubs, destinations),
        valued=_valued(result),
        relay=relay_words(head),
        untold=_untold(result, destinations),
        status=head.status,
        strength=strength(head),
        comparisons=tuple(comparisons(head)),
        baseline=baseline_words(head),
        placebos=placebo_words(head),
        calibration=calibration_words(result.calibration),
        late=late,
        all_late=all_late,
        withheld=_withheld(result),
        kinds=meanings_of([*result.table["kind"].to_pylist(), *result.hubs["kind"].to_pylist()]),
        refutations=_refutations(result),
        limits=_limits(result),
    )


def _valued(result: DetourResult) -> str:
    valued = result.valued
    if valued is None or result.headline.status != "identified":
        return ""
    if not math.isfinite(valued.amount):
        return f"In {valued.unit} the total is not stated: under four fifths of it have that unit."
    return (
        f"In {valued.unit}: {amount(valued.amount)} "
        f"(90% interval {amount_range(valued.low_amount, valued.high_amount)}), each flow by its own rate in "
        "the months of its excess."
    )


def who(result: DetourResult) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return origins, hubs and destinations: those asked for, else those found, the largest first."""
    treated = result.treated.filter(result.treated["is_treated"])
    options = result.options

    def found(column: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(treated[column].to_pylist()))

    origins = tuple(dict.fromkeys((*options.origins, *options.pooled_origins)))
    hubs = tuple(code for code in dict.fromkeys(result.hubs["hub"].to_pylist()) if code)
    return origins or found("origin"), options.hubs or hubs, options.destinations or found("destination")


def _hub_words(hubs: tuple[str, ...]) -> str:
    if not hubs:
        return "hubs"
    return places(hubs) if len(hubs) <= 3 else f"{len(hubs)} hubs"


def _found_hubs(result: DetourResult) -> tuple[str, ...]:
    """Return the hubs that have an amount: of one that was asked about and shows none, nothing is said."""
    rows = result.hubs.filter(pc.greater(result.hubs["estimate_usd"], 0.0))
    return tuple(code for code in dict.fromkeys(rows["hub"].to_pylist()) if code)


def _question(result: DetourResult) -> str:
    windows, options = result.windows, result.options
    return (
        f"Event {options.event}; {codes_words(options.products)}; {span(windows, windows.after)} "
        f"against {span(windows, windows.before)}; {VALUATION}"
    )


def _headline(
    result: DetourResult, origins: tuple[str, ...], hubs: tuple[str, ...], destinations: tuple[str, ...]
) -> str:
    head = result.headline
    when = f"in {span(result.windows, result.windows.after)}"
    whence = f"from {places(origins)}" if origins else "from any origin"
    whither = places(destinations) or "any destination"
    if head.status == "identified":
        verb = {
            "strong": "are consistent with",
            "moderate": "are, with reservations, consistent with",
            "weak": "are weakly consistent with",
        }[strength(head)]
        return (
            f"The statistics {verb} {amount(head.estimate_usd)} USD "
            f"(90% interval {amount_range(head.low_usd, head.high_usd)}) of goods {whence} having reached "
            f"{whither} through {_hub_words(_found_hubs(result) or hubs)} {when}.{parts_words(head)}"
        )
    if head.status == "nothing found":
        options = result.options
        are_named = bool((options.origins or options.pooled_origins) and options.destinations)
        if head.shortfall_usd > 0:
            why = "nowhere do missing direct trade and an excess through a hub meet beyond what chance gives"
        else:
            whose = "" if are_named else f" of a pair with {FEWEST_PRODUCTS} or more products"
            why = (
                f"no direct trade{whose} fell by more than chance gives, so nothing is missing that could "
                "have gone another way"
            )
        return f"No detour was found {whence} to {whither} {when}: {why}.{_only_others(result)}"
    if head.baseline == UNIDENTIFIED:
        reason = (
            "nothing in the data tells ordinary growth from the event (totals of the same pairs, or further "
            "partners, would)"
        )
    elif not math.isfinite(head.low_usd):
        reason = head.status.removeprefix("not identified: ")
    elif head.placebo_share > 1:
        reason = "dates at which nothing happened give more than the event does"
    else:
        reason = f"dates at which nothing happened give {percent(head.placebo_share)} of what the event gives"
    return f"Not identified: {reason}. No amount is stated for goods {whence} to {whither} {when}."


def _only_others(result: DetourResult) -> str:
    """Return where to look for relays, where they are all that was found."""
    if DetourKind.RELAY.value not in result.table["kind"].to_pylist():
        return ""
    return " What others sent through hubs stands in rows of its own, a weaker statement."


def _untold(result: DetourResult, destinations: tuple[str, ...]) -> str:
    """Return who sent more on and cannot be told, and up to how much."""
    rows = result.untold.to_pylist()
    if not rows:
        return ""
    named = enumerate_words([_limit(row) for row in rows], most=_FEW)
    them, whither = "them" if len(rows) > 1 else "it", places(destinations) or "the destinations"
    is_seen = [row["sent_usd"] is not None for row in rows]
    varies = (
        f"one leg rose clearly, arrivals from the origins or sales to {whither}, and the other varies by "
        "more than that: it neither confirms a detour nor rules it out"
    )
    is_alone = (
        f"arrivals rose clearly in a single one, and nobody publishes sales to {whither}, which would tell a "
        "detour from demand"
    )
    why = "; or ".join(
        text for text, applies in ((varies, any(is_seen)), (is_alone, not all(is_seen))) if applies
    )
    return (
        f"Cannot be told: {named}. Of the goods that lost their direct road {why}. As much may have gone "
        f"through {them}, or nothing; it is no part of the estimate."
    )


def _limit(row: Mapping[str, Any]) -> str:
    """Return an area and its limit, and the good where it is of one."""
    good = f" of {row['hs_code']}" if row["hs_code"] else ""
    return f"{place(row['hub'])} (up to {amount(row['high_usd'])} USD{good})"


def _late(result: DetourResult) -> tuple[str, tuple[str, ...]]:
    """Return who is late in a sentence, those first whose trade the rows are about, and all of them."""
    weight: dict[str, float] = {}
    for row in result.table.select(["origin", "hub", "destination", "before_in_usd"]).to_pylist():
        for code in {row["origin"], row["hub"], row["destination"]}:
            weight[code] = weight.get(code, 0.0) + (row["before_in_usd"] or 0.0)
    reporters = result.reporters_late
    first = sorted(reporters, key=lambda code: (-weight.get(code, -1.0), code))
    named = tuple(f"{place(code)} ({reporters[code]})" for code in first)
    if not named:
        return "", ()
    if len(named) <= _FEW + 1:
        return f"Periods of the after-window published so far: {enumerate_words(named, most=_FEW)}.", named
    text = (
        f"{len(named)} reporters have published the after-window in part or not at all, those first whose "
        f"trade weighs most in the rows: {enumerate_words(named, most=_FEW)}. "
        f"{ALL_LATE} the page (--page) and what .xlsx, .json and .parquet files say about themselves."
    )
    return text, named


def _withheld(result: DetourResult) -> str:
    statuses = [text for text in result.table["status"].to_pylist() if text.startswith("not identified")]
    if not statuses:
        return ""
    common = max(set(statuses), key=statuses.count)
    reason = common.partition(": ")[2]
    return f"{len(statuses):,} of {result.table.num_rows:,} rows have no amount (most often: {reason})."


def _unobserved_hubs(result: DetourResult) -> tuple[str, ...]:
    mask = pc.equal(result.hubs["kind"], DetourKind.ONWARD_UNOBSERVED.value)
    return tuple(dict.fromkeys(result.hubs.filter(mask)["hub"].to_pylist()))


def _refutations(result: DetourResult) -> tuple[str, ...]:
    if result.table.num_rows == 0:
        return ("Nothing was found to refute. Files of further hubs, or later months, could change that.",)
    hubs = [place(code) for code in dict.fromkeys(result.hubs["hub"].to_pylist()) if code]
    largest = hubs[0] if hubs else "the largest hub"
    unseen = _unobserved_hubs(result)
    lines = []
    if unseen:
        lines.append(
            f"{places(unseen, most=6)}: the onward leg is in no published data, or not by code. The "
            "hub's own customs records of exports to the destination, without a rise in these goods, would "
            "refute its part."
        )
    own_use = (
        f"{largest}: figures of production, stocks, registrations or sales which show that the additional "
        "arrivals were used there."
    )
    own_demand = (
        f"Growth of {largest}'s imports of the same goods from suppliers that the event did not touch, as "
        "strong as from the origins: then it is the hub's own demand."
    )
    if Shares.of(result.headline).unseen > 0:
        lines.append(
            "Transit records, or the hubs' imports under other codes and regimes, that show where the goods "
            "went: they would refute the unseen part, or explain it."
        )
    early = "A rise of the inbound trade that began well before the event, in the chart by month."
    lines += [own_use, own_demand, early]
    if result.reporters_late:
        lines.append("The months that late reporters have yet to publish, if the excess is gone from them.")
    if len(result.headline.placebo_usd) < 3:
        span = "months" if result.windows.is_monthly else "years"
        lines.append(f"More {span} before the event: with few placebo dates chance is poorly known.")
    return tuple(lines)


def _limits(result: DetourResult) -> tuple[str, ...]:
    kinds = set(result.table["kind"].to_pylist())
    absent = [kind.value for kind in (DetourKind.UNSEEN, DetourKind.RELAY) if kind.value not in kinds]
    lines = [trap for trap in DETOUR.traps if not any(kind in trap.lower() for kind in absent)]
    unseen = _unobserved_hubs(result)
    if unseen:
        lines.append(
            f"The onward leg is not observed for {places(unseen, most=6)}: neither side publishes it of "
            "these goods, so it bounds nothing."
        )
    if DetourKind.RELAY.value in kinds or result.headline.relay_usd > 0:
        lines.append(
            "What others sent through the same hubs is bounded by no loss of their own, only by what the "
            "hubs sent on and by demand left unmet; it may be trade that would have come anyway."
        )
    if result.reporters_annual:
        lines.append(
            f"Years only are published by {places(result.reporters_annual, most=6)}: their "
            "months of the event's year are expected as in the years on both sides of it, and the rest "
            "of it is shared between what came before the event and what came after."
        )
    lines.append(
        "A code holds many goods: a detour of a code is not a detour of the one product that a measure means."
    )
    lines.append("Statistics know no shipments: which consignment or which company is not in these figures.")
    return tuple(lines)
