"""One amount, explained: what it says, how it was made, where it stands in the files, what would refute it.

Written for two readers: who must defend the number, and who is asked to answer it. The wording follows the
evidence; nothing here says more than "consistent with".
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from entrepot.report.account import VALUATION, account_of
from entrepot.report.amounts import MISSING, amount, amount_range, percent
from entrepot.report.evidence import BASELINES, strength
from entrepot.report.kinds import MEANINGS, kind_words
from entrepot.report.labels import goods, hub_words, place, span
from entrepot.schema import DETOUR, DetourKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from entrepot.detect.explanation import Explanation

__all__ = ["explanation_text"]

_MOST_LINES = 40
_LIMITS = (
    "A code holds many goods: a detour of a code is not a detour of the one product that a measure means.",
    "Statistics know no shipments: which consignment or which company is not in these figures.",
)
_VERBS = {
    "strong": "are consistent with",
    "moderate": "are, with reservations, consistent with",
    "weak": "are weakly consistent with",
}


def explanation_text(found: Explanation) -> str:
    """Return the explanation as Markdown.

    Parameters
    ----------
    found
        See :func:`entrepot.explain_detour`.
    """
    parts = (
        [f"# {_title(found)}", "", _claim(found), ""],
        ["## The amount", "", *_amount(found), ""],
        ["## How it was made", "", *_numbered(_derivation(found)), ""],
        ["## Both books", "", *_books(found), ""],
        ["## Right of reply", "", *_reply(found), ""],
        ["## Where it stands in the files", "", *_lineage(found), ""],
        ["## What it cannot say", "", *(f"* {line}" for line in (*DETOUR.traps, *_LIMITS))],
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _title(found: Explanation) -> str:
    one = found.corridor
    road = f"{place(one.origin)} → {place(one.hub)} → {place(one.destination)}"
    return f"{road}, {one.hs_code} {goods(one.hs_code)}".strip()


def _own(found: Explanation) -> list[dict[str, Any]]:
    return [row for row in found.rows.to_pylist() if row["kind"] != DetourKind.RELAY.value]


def _claim(found: Explanation) -> str:
    """Return the sentence that may be printed, tied to what the evidence bears."""
    result = found.result
    rows = [row for row in _own(found) if row["estimate_usd"]]
    when = f"in {span(result.windows, result.windows.after)}"
    if not rows:
        statuses = {row["status"] for row in found.rows.to_pylist()}
        return f"No amount is stated for this corridor {when}: {'; '.join(sorted(statuses))}."
    # The upper ends of several kinds together: never more than arrived.
    most = min(sum(row["high_usd"] or 0.0 for row in rows), max(row["after_in_usd"] or 0.0 for row in rows))
    usd = sum(row["estimate_usd"] for row in rows)
    verb = _VERBS.get(strength(result.headline), "are weakly consistent with")
    if any((row["low_usd"] or 0.0) <= 0.0 for row in rows) or len(rows) > 1:
        said = f"up to {amount(most)} USD (estimate {amount(usd)} USD)"
    else:
        said = f"{amount(usd)} USD (90% interval {amount_range(rows[0]['low_usd'], rows[0]['high_usd'])})"
    return f"The statistics {verb} {said} of these goods having taken this road {when}. {VALUATION}."


def _amount(found: Explanation) -> Iterator[str]:
    yield from _table(
        ("kind", "estimate USD", "90% interval", "q", "status"),
        (
            (
                kind_words(row["kind"]) + (f", by way of {hub_words(row)}" if row["further_hubs"] else ""),
                amount(row["estimate_usd"]),
                amount_range(row["low_usd"], row["high_usd"]),
                MISSING if row["q_value"] is None else f"{row['q_value']:.3f}",
                row["status"],
            )
            for row in found.rows.to_pylist()
        ),
    )
    yield ""
    for kind in dict.fromkeys(row["kind"] for row in found.rows.to_pylist()):
        yield f"* {MEANINGS[DetourKind(kind)]}"


def _derivation(found: Explanation) -> Iterator[str]:
    row, result = found.rows.to_pylist()[0], found.result
    passed = sum(row["estimate_usd"] or 0.0 for row in found.rows.to_pylist())
    before, after = (span(result.windows, w) for w in (result.windows.before, result.windows.after))
    yield (
        f"**Windows.** {after} against {before}, both on the length and the months of the after-window. "
        f"Event: {result.options.event}."
    )
    yield (
        "**Direct road.** "
        + _leg(row, "direct")
        + (
            ". These are the goods of a supplier whose own direct trade did not fall: what hubs sent on and "
            "the demand left unmet bound them."
            if row["kind"] == DetourKind.RELAY.value
            else f": {amount(row['shortfall_usd'])} USD are missing. "
            + (
                "No more can have taken detours."
                if passed <= row["shortfall_usd"]
                else "More can have taken detours: the pair fell as a whole, and this product is taken to "
                "have fallen with it as far as its own noise allows."
            )
        )
    )
    yield (
        "**Inbound leg.** "
        + _leg(row, "in")
        + f": {amount(row['excess_in_usd'])} USD beyond expectation. A spreadsheet would say "
        f"{amount(row['raw_increase_usd'])} USD."
        + (
            ""
            if passed <= row["excess_in_usd"]
            else " The amount is more than that: over all products the hub's arrivals rose, and this one is "
            "drawn to them as far as its own noise allows."
        )
    )
    yield from _onward(found)
    yield (
        f"**Expected growth** is the {BASELINES.get(row['baseline'], row['baseline'])} (baseline "
        f"{row['baseline']})."
    )
    yield (
        "**Amount.** Each leg is drawn to what its pair shows over all products, as far as its own noise "
        "demands; the bounds are then filled in proportion over all hubs and suppliers until one binds."
    )
    if row["origin"] in result.options.pooled_origins:
        yield (
            "**Customs union.** The union was estimated as one, and the amount split over its members by "
            "what each sent to the hub beyond its own expectation."
        )
    said = account_of(result)
    yield f"**Interval and false positives.** {said.calibration} {said.placebos}"


def _onward(found: Explanation) -> Iterator[str]:
    """Yield what the hub sent on by itself, and every road over further hubs."""
    rows = found.rows.to_pylist()
    own = next((row for row in rows if not row["further_hubs"]), None)
    if own is not None:
        yield (
            f"**Onward leg.** The hub sent {amount(own['excess_on_usd'])} USD more to the destination than "
            "expected, from whomever it had the goods; that is shared with all who supplied them."
            if own["excess_on_usd"] is not None
            else "**Onward leg.** Nobody publishes it under this code, so it bounds nothing by itself; of a "
            "hub that keeps goods confidential, what went on under codes of no kind bounds all such goods."
        )
    for row in rows:
        if not row["further_hubs"]:
            continue
        last = row["further_hubs"].split(",")[-1]
        road = [row["hub"], *row["further_hubs"].split(",")]
        between = "; ".join(
            f"{place(sender)} sent {place(receiver)} "
            f"{amount(_sold(found, sender, receiver, 'before'))} USD in the window before and "
            f"{amount(_sold(found, sender, receiver, 'after'))} USD in the one after"
            for sender, receiver in pairwise(road)
        )
        yield (
            f"**By way of {hub_words(row)}.** {between} (the senders' books, not scaled). "
            f"{place(last)} sent {amount(row['excess_on_usd'])} USD more to the destination than expected. "
            "No more is put down to this road than each of its legs exceeds what was expected of it."
        )


def _sold(found: Explanation, exporter: str, importer: str, window: str) -> float | None:
    return _summed(
        row["exporter_report_usd"]
        for row in found.books.to_pylist()
        if (row["leg"], row["window"]) == (f"{exporter} → {importer}", window)
    )


def _leg(row: dict[str, Any], leg: str) -> str:
    before, expected, after = (row[f"{when}_{leg}_usd"] for when in ("before", "expected", "after"))
    growth = f" ({expected / before - 1.0:+.0%})" if before and expected is not None else ""
    return f"{amount(before)} USD before, {amount(expected)} expected{growth}, {amount(after)} after"


def _books(found: Explanation) -> Iterator[str]:
    yield (
        "Sums over the windows as published, not scaled: the exporter's figures FOB, the importer's CIF and "
        "by country of origin."
    )
    yield ""
    rows = []
    for leg in found.legs:
        for window in ("before", "after"):
            inside = [row for row in found.books.to_pylist() if row["leg"] == leg and row["window"] == window]
            exporter, importer = (
                _summed(row[f"{side}_report_usd"] for row in inside) for side in ("exporter", "importer")
            )
            both = [
                row
                for row in inside
                if row["exporter_report_usd"] is not None and row["importer_report_usd"] is not None
            ]
            ratio = _ratio(both)
            rows.append((leg, window, str(len(inside)), amount(exporter), amount(importer), ratio))
    yield from _table(
        ("leg", "window", "periods", "exporter says", "importer says", "importer ÷ exporter"), rows
    )


def _summed(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _ratio(rows: Sequence[dict[str, Any]]) -> str:
    exporter = sum(row["exporter_report_usd"] for row in rows)
    return percent(sum(row["importer_report_usd"] for row in rows) / exporter) if exporter > 0 else MISSING


def _reply(found: Explanation) -> Iterator[str]:
    """Yield what to ask whom, and what would refute the amount."""
    one = found.corridor
    hub, origin, destination = place(one.hub), place(one.origin), place(one.destination)
    yield "Before this amount is printed, these can be asked; each answer can change it."
    yield ""
    yield (
        f"* **{hub}, customs and statistics:** what became of the additional arrivals of {one.hs_code} from "
        f"{origin}? Figures of use, stocks, production or registrations that account for them refute the "
        "amount. So do exports of these goods to other countries under another code."
    )
    yield (
        f"* **{origin}, customs:** was {hub} the last known destination, or a port of transit on the way to "
        "somewhere else that is neither?"
    )
    yield (
        f"* **{origin}, exporters:** did a contract, a plant or a model year in {hub} begin at that time, "
        "for reasons that have nothing to do with the event?"
    )
    for road in dict.fromkeys(row["further_hubs"] for row in found.rows.to_pylist() if row["further_hubs"]):
        for sender, receiver in pairwise((one.hub, *road.split(","))):
            yield (
                f"* **{place(receiver)}, customs and statistics:** what became of the additional arrivals of "
                f"{one.hs_code} from {place(sender)}, and where were they made? Use or stocks there, or "
                f"makers other than those of {origin}, refute the road over several hubs."
            )
    if all(row["excess_on_usd"] is None for row in found.rows.to_pylist()):
        yield (
            f"* **{hub}:** its exports of these goods to {destination} are not published. Without a "
            "rise in them nothing is left."
        )
    yield (
        f"* **Anybody:** growth of {hub}'s imports of these goods from suppliers that the event did not "
        f"touch, as strong as from {origin}: then it is {hub}'s own demand. Or a rise that began well before "
        "the event."
    )
    if DetourKind.UNSEEN.value in found.rows["kind"].to_pylist():
        yield (
            f"* **{hub}:** transit records, or imports under other codes and regimes, that show where the "
            "goods went: they refute the unseen part, or explain it."
        )
    late = {code: found.result.reporters_late.get(code) for code in (one.origin, one.hub)}
    for code, have in late.items():
        if have:
            yield f"* **{place(code)}** has published {have} periods after the event: the rest can change it."
    yield ("* A statistical finding about flows. It names no company and no shipment, and it accuses nobody.")


def _lineage(found: Explanation) -> Iterator[str]:
    reports = found.reports.to_pylist()
    files = dict.fromkeys(row["file_name"] for row in reports)
    counted = (
        f"{len(reports):,} report{'s' * (len(reports) != 1)} in {len(files):,} file{'s' * (len(files) != 1)}"
    )
    yield f"{counted} speak{'s' * (len(reports) == 1)} of the legs."
    if not reports:
        return
    if any(row["flow"].startswith("re_") for row in reports):
        yield "Re-exports and re-imports are listed, and never added to the exports and imports they are in."
    yield ""
    yield from _table(
        ("leg", "period", "reporter", "flow", "partner", "code", "USD", "file", "row"),
        (
            (
                row["leg"],
                row["period"],
                row["reporter"],
                row["flow"],
                row["partner"],
                row["national_code"] or row["hs_code"],
                f"{row['primary_value_usd']:,.0f}" if row["primary_value_usd"] is not None else MISSING,
                f"{row['file_name']} ({row['vintage']})",
                f"{row['row_number']:,}",
            )
            for row in reports[:_MOST_LINES]
        ),
    )
    if len(reports) > _MOST_LINES:
        yield ""
        yield f"… and {len(reports) - _MOST_LINES:,} more: --reports FILE writes them all."


def _numbered(lines: Iterable[str]) -> Iterator[str]:
    for at, line in enumerate(lines, start=1):
        yield f"{at}. {line}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'|'.join('---' for _ in headings)}|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
