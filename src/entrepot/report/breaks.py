"""Breaks in words: the terminal's tables and sentences, and the record that goes with every file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.report.about import lineage, made_by
from entrepot.report.amounts import amount, in_its_unit, percent
from entrepot.report.labels import place
from entrepot.report.narrow import print_titled, text_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from entrepot.detect.breaks.result import BreakResult

__all__ = ["about_breaks", "break_sentences", "print_breaks", "series_name"]

_ROWS = 10
_EVENTS = 5
_SURE = 0.1
_LIMITS = (
    "A break after an event is no proof that the event made it: other events fall in the same months.",
    "Prices and exchange rates move values too; growth that is slow shows as a break at no sure date.",
    "Months that nobody published are missing, not zero; a break where the books change may be that alone.",
)


def series_name(row: Mapping[str, Any]) -> str:
    """Return the name of a series: its pair and goods, without what it is summed over."""
    exporter, importer = (place(row[side]) if row[side] else "all" for side in ("exporter", "importer"))
    return ", ".join(part for part in (f"{exporter} → {importer}", row["hs_code"]) if part)


def break_sentences(result: BreakResult) -> dict[str, str]:
    """Return what was asked and found in sentences: title, question, headline, noise, events."""
    series, noise = result.series, result.noise
    count = result.table.num_rows
    with_one = len(
        {(row["exporter"], row["importer"], row["hs_code"]) for row in result.table.select(
            ["exporter", "importer", "hs_code"]).to_pylist()}
    )  # fmt: skip
    first, last = series.periods[0], series.periods[-1]
    return {
        "title": f"Breaks of {len(series.usd):,} series, {first} to {last}",
        "question": (
            f"{result.judged:,} have 24 observed months and 12 with trade and were judged; levels last "
            f"{result.options.shortest} months at least."
        ),
        "headline": (
            f"{count:,} {'break' if count == 1 else 'breaks'} in {with_one:,} series. Of series without "
            f"breaks, made of the same noise, {percent(noise.false_positive_rate)} get one."
        ),
        "noise": (
            f"Autocorrelation of the noise {noise.rho0:.2f}, price of a level {noise.price:g} "
            f"(chosen on placebos for {percent(result.options.rate)})."
        ),
        "events": _events(result),
    }


def _events(result: BreakResult) -> str:
    rows = result.events.to_pylist()
    if not rows:
        return "No dated event lies inside the span."
    strong = [row for row in rows if row["q_value"] <= _SURE and row["breaks"] > row["expected_breaks"]]
    return (
        f"{len(strong)} of {len(rows)} events and relations are followed by more breaks than by chance "
        f"(q ≤ {_SURE:.0%}, breaks of each pair of areas moved at random)."
    )


def print_breaks(result: BreakResult, console: Console) -> None:
    """Print a search for breaks.

    Parameters
    ----------
    result
        The search.
    console
        Where to; characters that its encoding lacks are written in ASCII.
    """
    said = break_sentences(result)
    text = text_for(console)

    console.print(text(said["title"], "bold"))
    console.print(text(said["question"], "dim"))
    console.print(text(said["headline"]))
    for name in ("noise", "events"):
        console.print(text(f"· {said[name]}"))
    console.print()
    rows = result.table.slice(0, _ROWS).to_pylist()
    print_titled(
        console,
        f"Largest breaks, {result.unit} ({len(rows)} of {result.table.num_rows:,})",
        ("series", "month", "90% interval", "from a month", "to", "×", "90% interval", "q"),
        [_cells(row) for row in rows],
        optional=(3, 4, 2, 7),
    )
    events = result.events.slice(0, _EVENTS).to_pylist()
    print_titled(
        console,
        f"Events ({len(events)} of {result.events.num_rows:,})",
        ("event", "day", "relation", "series", "breaks", "by chance", "p", "q"),
        [_event_cells(row) for row in events],
        optional=(6, 3, 2, 1),
    )
    for limit in _LIMITS:
        console.print(text(f"· {limit}", "dim"))


def _cells(row: Mapping[str, Any]) -> list[str]:
    early, late = row["earliest_period"], row["latest_period"]
    return [
        series_name(row),
        row["break_period"],
        early if early == late else f"{early} to {late}",
        amount(in_its_unit(row, "level_before_usd")),
        amount(in_its_unit(row, "level_after_usd")),
        f"{row['change_ratio']:.2f}",
        f"{row['change_low']:.2f}–{row['change_high']:.2f}",
        f"{row['q_value']:.3f}",
    ]


def _event_cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["event"],
        str(row["event_date"]),
        row["relation"].replace("_", " "),
        f"{row['series']:,}",
        f"{row['breaks']:,}",
        f"{row['expected_breaks']:,.1f}",
        f"{row['p_value']:.3f}",
        f"{row['q_value']:.3f}",
    ]


def about_breaks(result: BreakResult, *, sources: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what a reader of the tables alone must know.

    Parameters
    ----------
    result
        The search.
    sources
        Rows of ``core__file``: the files that were read.
    """
    options = result.options
    return (
        break_sentences(result)
        | {
            "made by": made_by(),
            "valuation": f"{result.unit}, FOB, the exporter's report first",
            "exporters": ", ".join(options.exporters) or "all",
            "importers": ", ".join(options.importers) or "all",
            "products": ", ".join(options.products) or "all in the data",
            "series by": ", ".join(options.by),
            "event months": str(options.event_months),
            "permutations": str(options.permutations),
            "seed": str(options.seed),
            "limits": " ".join(_LIMITS),
        }
        | lineage(sources)
    )
