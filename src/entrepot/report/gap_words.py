"""Gaps in words: what was asked, what stands out, what to hold against it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from entrepot.detect.gaps.result import GapResult
from entrepot.report.about import lineage, made_by
from entrepot.report.amounts import amount, amount_range
from entrepot.report.labels import codes_words, place, places, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrepot.detect.gaps.parts_result import GapParts

__all__ = ["about_gaps", "gap_headline", "gap_limits", "gap_title", "parts_notes", "row_name"]

_VALUATION = "USD; both books on FOB, the importer's put there by the freight of its pair, goods and distance"
#: A finding of which so many in a hundred come about for no reason.
_STRONG = 0.1


def gap_title(result: GapResult | GapParts) -> str:
    """Return what was compared."""
    options = result.options
    exporters, importers = (
        places(tuple(code for code in codes if not code.startswith("X")) or codes) if codes else who
        for codes, who in ((options.exporters, "all exporters"), (options.importers, "all importers"))
    )
    if isinstance(result, GapResult):
        windows = result.windows
        when = (
            f"{span(windows, windows.after)} against {span(windows, windows.before)}"
            if windows
            else "every period against all earlier ones"
        )
    else:
        when = result.periods.replace(":", " to ")
    goods = "totals of all goods" if options.products == ("TOTAL",) else codes_words(options.products)
    return f"The two books of {exporters} → {importers}, {goods}, {when}"


def row_name(row: Mapping[str, Any]) -> str:
    """Return the name of a row: its pair, goods and period."""
    exporter, importer = (place(row[side]) if row[side] else "all" for side in ("exporter", "importer"))
    parts = [f"{exporter} → {importer}", row["hs_code"], row["period"]]
    return ", ".join(part for part in parts if part)


def gap_headline(result: GapResult) -> str:
    """Return what stands out, in a sentence or two."""
    table = result.table
    told = pc.and_(pc.is_null(table["member_of"]), pc.is_valid(table["z_score"]))
    count = pc.sum(told).as_py() or 0
    if not count:
        return "No row could be held against placebo periods: see status. The gaps themselves stand below."
    is_strong = pc.and_(told, pc.fill_null(pc.less_equal(table["q_value"], _STRONG), fill_value=False))
    strong = np.flatnonzero(is_strong.to_numpy())
    said = f"{strong.size:,} of {count:,} rows differ from what they always were (q ≤ {_STRONG:.0%})."
    unusual = table["unusual_usd"].to_numpy()[strong]
    for sign, what in ((1, "Arrivals missing"), (-1, "Dispatches missing")):
        found = strong[unusual * sign > 0]
        if found.size:
            most = table.slice(int(found[0]), 1).to_pylist()[0]
            low, high = sorted(
                abs(row_end) for row_end in (most["unusual_low_usd"], most["unusual_high_usd"])
            )
            said += (
                f" {what}, the clearest: {row_name(most)}, {amount(abs(most['unusual_usd']))} USD "
                f"({amount_range(low, high)})."
            )
    return said


def gap_limits(unions: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what holds for every comparison of books, and for customs unions where some are added up."""
    of_unions = ("A customs union's row adds up the members that published, not always all of them.",)
    return (
        "Only periods that both sides published are compared: who is silent has no gap.",
        *(of_unions if unions else ()),
        "A gap accuses nobody: transit, country of origin, secrecy, codes and time make most of it.",
        "Missing arrivals may be in transit, or under another origin: --decompose takes gaps apart.",
    )


def parts_notes(result: GapParts) -> tuple[str, ...]:
    """Return what the parts rest on, in words."""
    summary = result.summary
    found = []
    if summary.late_shares:
        shares = sorted(summary.late_shares.values())
        found.append(
            f"Timing: of a month's goods {shares[len(shares) // 2]:.0%} arrive in the next in the middle of "
            f"{len(shares):,} pairs; the same fit against the direction of time gives "
            f"{summary.lead_share:.0%}, which has been taken off."
        )
    for share, where in ((summary.heading_share, "heading"), (summary.chapter_share, "chapter")):
        if math.isfinite(share):
            found.append(
                f"Codes: of what neighbours in a {where} mirror of each other {share:.0%} is more than "
                "chance; only that is counted."
            )
    found.append("Unexplained is what these four cannot explain; it says nothing about why.")
    return tuple(found)


def about_gaps(result: GapResult | GapParts, *, sources: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what a reader of the table alone must know.

    Parameters
    ----------
    result
        The comparison, or its decomposition.
    sources
        Rows of ``core__file``: the files that were read.
    """
    options = result.options
    about = {
        "title": gap_title(result),
        "made by": made_by(),
        "valuation": _VALUATION,
        "event": options.event or "none",
        "exporters": ", ".join(options.exporters) or "all",
        "importers": ", ".join(options.importers) or "all",
        "customs unions": ", ".join(options.unions) or "none",
        "products": ", ".join(options.products) or "all in the data",
        "rows by": ", ".join(options.by),
    }
    if isinstance(result, GapResult):
        about |= {"headline": gap_headline(result), "placebos": "; ".join(result.placebo_labels) or "none"}
        about["limits"] = " ".join(gap_limits(options.unions))
    else:
        about |= {"periods": result.periods, "parts": " ".join(parts_notes(result))}
    return about | lineage(sources)
