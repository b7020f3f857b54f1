"""Unit values in words: the terminal's tables and sentences, and the record that goes with every file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from entrepot.report.about import lineage, made_by
from entrepot.report.amounts import MISSING, amount, in_its_unit
from entrepot.report.breaks import series_name
from entrepot.report.narrow import print_titled, text_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from entrepot.detect.prices.result import PriceResult

__all__ = ["PriceQuestion", "about_prices", "price_limits", "print_prices"]

PriceQuestion = Literal["markup", "decompose", "outliers"]

_ROWS = 10
_TITLES: dict[PriceQuestion, str] = {
    "markup": "What destinations pay over the same suppliers' other buyers",
    "decompose": "Changes of value, in price and volume",
    "outliers": "Unit values far from the same supplier's others",
}
_LIMITS: dict[PriceQuestion, tuple[str, ...]] = {
    "markup": (
        "A higher unit value may be better goods: only the change tells of the event.",
        "Flows that came or went with the event have no change and are not in it.",
    ),
    "decompose": (
        "Goods of one code differ: a move to dearer goods counts as price.",
        "Fisher's and Törnqvist's parts are two answers to one question: never add them.",
    ),
    "outliers": (
        "A wrong weight looks like a wrong price: look at the rows before anybody is named.",
        "Where the pair's own ratio is as far, the buyer always takes other goods.",
    ),
}
_Cell = tuple[str, "Callable[[Mapping[str, Any]], str]"]


def _percent(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: MISSING if row[name] is None else f"{row[name]:+.1%}"


def _span(name: str) -> Callable[[Mapping[str, Any]], str]:
    low, high = f"{name}_low", f"{name}_high"
    return lambda row: MISSING if row[low] is None else f"{row[low]:+.1%} to {row[high]:+.1%}"


def _usd(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: amount(in_its_unit(row, name))


def _figure(name: str, form: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: MISSING if row[name] is None else format(row[name], form)


_CELLS: dict[PriceQuestion, tuple[_Cell, ...]] = {
    "markup": (
        ("before", _percent("before_markup")),
        ("after", _percent("after_markup")),
        ("change", _percent("markup_change")),
        ("90% interval", _span("markup_change")),
        ("flows", _figure("priced_flows", ",")),
        ("USD after", _usd("priced_usd")),
    ),
    "decompose": (
        ("before", _usd("value_before_usd")),
        ("change", _usd("value_change_usd")),
        ("price", _usd("fisher_price_usd")),
        ("volume", _usd("fisher_volume_usd")),
        ("entered", _usd("entered_usd")),
        ("left", _usd("left_usd")),
        ("unpriced", _usd("unpriced_change_usd")),
        ("price index", _figure("fisher_price", ".3f")),
    ),
    "outliers": (
        ("period", _figure("period", "")),
        ("USD a unit", _figure("unit_value", ",.2f")),
        ("usual", _figure("usual_unit_value", ",.2f")),
        ("×", _figure("unit_value_ratio", ".2f")),
        ("pair's ×", _figure("pair_ratio", ".2f")),
        ("z", _figure("price_z", "+.1f")),
        ("difference", _usd("difference_usd")),
    ),
}

#: Columns that go first on a narrow terminal.
_OPTIONAL: dict[PriceQuestion, tuple[int, ...]] = {
    "markup": (5, 1, 2, 6),
    "decompose": (7, 6, 5, 8),
    "outliers": (5, 6, 3),
}


def price_limits(question: PriceQuestion) -> tuple[str, ...]:
    """Return what holds for every answer to the question."""
    return _LIMITS[question]


def _basis(result: PriceResult) -> str:
    options = result.options
    left = [f"{count:,} {reason}" for reason, count in result.left_out.items() if count]
    used = "; estimated amounts are used" if options.estimated == "use" else ""
    return (
        f"The {options.book}s' book, {result.money} per {options.unit}; {result.flows:,} flows and periods"
        f"{', rows without a part in unit values: ' + ', '.join(left) if left else ''}{used}."
    )


def print_prices(result: PriceResult, question: PriceQuestion, console: Console) -> None:
    """Print an answer about unit values.

    Parameters
    ----------
    result
        The answer.
    question
        Which question it answers.
    console
        Where to; characters that its encoding lacks are written in ASCII.
    """
    text = text_for(console)

    console.print(text(_TITLES[question], "bold"))
    console.print(text(_basis(result), "dim"))
    rows = result.table.slice(0, _ROWS).to_pylist()
    if rows:
        console.print()
        print_titled(
            console,
            f"Rows ({len(rows)} of {result.table.num_rows:,})",
            ("flow", *[heading.replace("USD", result.money) for heading, _ in _CELLS[question]]),
            [[series_name(row), *[tell(row) for _, tell in _CELLS[question]]] for row in rows],
            optional=_OPTIONAL[question],
        )
    else:
        console.print(text("No row: nothing is beyond the threshold."))
    for limit in _LIMITS[question]:
        console.print(text(f"· {limit}", "dim"))


def about_prices(
    result: PriceResult, question: PriceQuestion, *, sources: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return what a reader of the table alone must know.

    Parameters
    ----------
    result
        The answer.
    question
        Which question it answers.
    sources
        Rows of ``core__file``: the files that were read.
    """
    options = result.options
    return {
        "title": _TITLES[question],
        "made by": made_by(),
        "basis": _basis(result),
        "valuation": "FOB, the exporter's book" if options.book == "exporter" else "CIF, the importer's book",
        "event": options.event or "none",
        "before": options.before or "default",
        "after": options.after or "default",
        "exporters": ", ".join(options.exporters) or "all",
        "importers": ", ".join(options.importers) or "all",
        "products": ", ".join(options.products) or "all in the data",
        "rows by": ", ".join(options.by),
        "threshold": f"robust z of {options.threshold:g}",
        "limits": " ".join(_LIMITS[question]),
    } | lineage(sources)
