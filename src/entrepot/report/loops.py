"""Round trips in words: the terminal's table and sentences, and the record that goes with every file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.report.about import made_by
from entrepot.report.amounts import MISSING, amount, amount_range, percent
from entrepot.report.labels import enumerate_words, place, span
from entrepot.report.narrow import print_titled, text_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from entrepot.detect.loops.result import LoopResult

__all__ = ["about_loops", "loop_sentences", "print_loops", "road"]

_ROWS = 10
_LIMITS = (
    "Goods of one code need not be the same goods: the figures fit round trips, prove none, accuse nobody.",
    "Round trips that ran in the quiet months already, such as processing trade, count as ordinary trade.",
    "Goods that have left and are not back yet are not in the amounts.",
)


def loop_sentences(result: LoopResult) -> dict[str, str]:
    """Return what was asked and found in sentences: title, question, headline, calibration, chains, values.

    An empty sentence has nothing to say.
    """
    options, head = result.options, result.headline
    makers = enumerate_words([place(code) for code in options.makers]) or "any maker"
    vias = enumerate_words([place(code) for code in options.vias]) or "any via"
    since = span(result.windows, result.windows.after)
    quiet = span(result.windows, result.windows.before)
    how = "found by the search" if result.is_since_found else "as asked"
    return {
        "title": f"Round trips {makers} → {vias} → {makers}",
        "question": f"Since {since} ({how}); learnt from {quiet}. USD, FOB at the maker.",
        "headline": _headline(result),
        "placebos": (
            f"Placebo pairs and quiet months give {head.placebo_rows:.1f} findings as strong as the weakest "
            "one, a search."
            if head.rows
            else ""
        ),
        "calibration": _calibration(result),
        "chains": _chains(result),
        "values": (
            f"In {head.by_value} of {head.rows} rows a leg has no measured weight: value was "
            "conserved instead, and the interval is wider."
            if head.by_value
            else ""
        ),
    }


def _headline(result: LoopResult) -> str:
    head = result.headline
    if not head.rows:
        if not result.calibration.true.size:
            return (
                "Whether goods went round cannot be told: in the quiet months none could be planted, "
                "and without that no interval is known."
            )
        if not result.calibration.is_found.any():
            return (
                "No round trip is identified, and none of those planted in the quiet months was found: "
                "these flows do not tell."
            )
        return "No round trip is identified: nothing exceeds what placebos give."
    pairs = result.pairs.to_pylist()
    named = enumerate_words([f"{road(row)} ({amount(row['estimate_usd'])})" for row in pairs])
    dearer = [row["markup"] for row in pairs if row["markup"] is not None]
    markup = f", bought back {percent(dearer[0])} dearer (median of the largest pair)" if dearer else ""
    return (
        f"Flows consistent with round trips worth USD {amount(head.estimate_usd)} "
        f"({amount_range(head.low_usd, head.high_usd)}) in {_count(head.rows, 'product')} of "
        f"{_count(head.pairs, 'pair')}: "
        f"{named}{markup}."
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number:,} {word}s"


def _chains(result: LoopResult) -> str:
    planted = result.chain_calibration
    if planted is None:
        return ""
    if not planted.true.size:
        return "No chain could be planted in the quiet months: the intervals of chains are not known."
    return (
        f"{_count(result.headline.chains, 'product')} went through two vias; of such chains planted in the "
        f"quiet months {percent(float(planted.is_found.mean()))} were found."
    )


def _calibration(result: LoopResult) -> str:
    sizes = [row for row in result.calibration.by_size() if row["planted"]]
    if not sizes:
        return ""
    words = ("under half", "half to all", "more than all")
    bounds = (0.0, 0.5, 1.0)
    found = ", ".join(
        f"{percent(row['found_share'])} of those of {words[bounds.index(row['least_factor'])]}"
        for row in sizes
    )
    return (
        f"Round trips planted in the quiet months were found as follows, by their size over the ordinary "
        f"flow out: {found} of it."
    )


def print_loops(result: LoopResult, console: Console) -> None:
    """Print a search for round trips.

    Parameters
    ----------
    result
        The search.
    console
        Where to; characters that its encoding lacks are written in ASCII.
    """
    said = loop_sentences(result)
    text = text_for(console)

    console.print(text(said["title"], "bold"))
    console.print(text(said["question"], "dim"))
    console.print()
    console.print(text(said["headline"], "bold"))
    console.print()
    for name in ("placebos", "calibration", "chains", "values"):
        if said[name]:
            console.print(text(f"· {said[name]}"))
    rows = [row for row in result.table.to_pylist() if row["estimate_usd"] is not None]
    console.print()
    print_titled(
        console,
        f"Largest rows ({min(len(rows), _ROWS)} of {len(rows)})",
        ("round trip", "HS", "USD", "90% interval", "dearer", "lag", "q", "conserved"),
        [_cells(row) for row in rows[:_ROWS]],
        optional=(7, 6),
    )
    for limit in _LIMITS:
        console.print(text(f"· {limit}", "dim"))


def road(row: Mapping[str, Any]) -> str:
    """Return the areas that a pair's goods pass before they come back, in words."""
    return " → ".join(place(row[name]) for name in ("maker", "via", "second_via") if row[name])


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        road(row),
        row["hs_code"],
        amount(row["estimate_usd"]),
        amount_range(row["low_usd"], row["high_usd"]),
        percent(row["markup"]),
        _lag(row),
        MISSING if row["q_value"] is None else f"{row['q_value']:.3f}",
        row["conserved"],
    ]


def _lag(row: Mapping[str, Any]) -> str:
    """Return the months at the via, with the ends of their interval where they cannot be told apart."""
    low, high = row["lag_low"], row["lag_high"]
    return f"{row['lag_months']}" if low == high else f"{row['lag_months']} ({low}–{high})"


def about_loops(result: LoopResult, *, sources: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what a reader of the table alone must know.

    Parameters
    ----------
    result
        The search.
    sources
        Rows of ``core__file``: the files that were read.
    """
    options, head = result.options, result.headline
    record = loop_sentences(result) | {
        "made by": made_by(),
        "makers": ", ".join(options.makers) or "searched for",
        "vias": ", ".join(options.vias) or "searched for",
        "products": ", ".join(options.products) or "all in the data",
        "longest lag": f"{options.longest_lag} months",
        "stations": str(options.stations),
        "spikes": str(options.spikes),
        "seed": str(options.seed),
        "coverage of intervals": f"{result.calibration.coverage():.3f} of what was planted, misses counted",
        "limits": " ".join(_LIMITS),
        "sources": ", ".join(sorted({str(file["source"]) for file in sources})),
        "files": "; ".join(sorted(f"{file['file_name']} ({file['vintage']})" for file in sources)),
    }
    if head.rows:
        record |= {
            "estimate_usd": f"{head.estimate_usd:.0f}",
            "low_usd": f"{head.low_usd:.0f}",
            "high_usd": f"{head.high_usd:.0f}",
        }
    return record
