"""The circulation of trade in words: the terminal's table and the record that goes with every file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.report.about import made_by
from entrepot.report.amounts import MISSING, amount, in_its_unit, percent
from entrepot.report.narrow import print_titled, text_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from entrepot.detect.circulation.circulation import CirculationResult
    from entrepot.detect.circulation.options import CirculationOptions

__all__ = ["about_circulation", "print_circulation"]

_ROWS = 10
_UNUSUAL = 0.1
_LIMITS = (
    "It is no volume of round trips: ordinary two-way trade that grows is in it.",
    "`entrepot loops` looks for round trips. A cycle of flows is no trail of goods.",
)


def print_circulation(result: CirculationResult, options: CirculationOptions, console: Console) -> None:
    """Print the most unusual products and the cycles that gained most.

    Parameters
    ----------
    result
        The answer.
    options
        What was asked.
    console
        Where to; characters that its encoding lacks are written in ASCII.
    """
    text = text_for(console)

    console.print(text(f"Circulation of trade since {options.since}", "bold"))
    console.print(text(_headline(result), "bold"))
    sections = (
        (
            "Most unusual",
            ("HS", "period", "excess", "90% interval", "q"),
            [_row(row) for row in result.table.slice(0, _ROWS).to_pylist()],
        ),
        (
            "Cycles that carry most beyond earlier periods",
            ("cycle", "HS", "period", result.unit, "before"),
            [
                [row["cycle"], row["hs_code"], row["period"], amount(in_its_unit(row, "cycle_usd")),
                 amount(in_its_unit(row, "cycle_before_usd"))]
                for row in result.cycles.slice(0, _ROWS).to_pylist()
            ],
        ),
    )  # fmt: skip
    for title, headings, rows in sections:
        console.print()
        print_titled(console, title, headings, rows)
    for limit in _LIMITS:
        console.print(text(f"· {limit}", "dim"))


def _headline(result: CirculationResult) -> str:
    known = [row for row in result.table.to_pylist() if row["q_value"] is not None]
    unusual = [row for row in known if row["q_value"] < _UNUSUAL]
    return (
        f"{len(unusual)} of {len(known)} products and periods are more circular than {len(result.before)} "
        f"earlier periods and placebo networks explain (q < {_UNUSUAL})."
    )


def _row(row: dict[str, Any]) -> list[str]:
    if row["excess_share"] is None:
        return [row["hs_code"], row["period"], MISSING, MISSING, MISSING]
    return [
        row["hs_code"],
        row["period"],
        percent(row["excess_share"]),
        f"{percent(row['low_share'])} to {percent(row['high_share'])}",
        f"{row['q_value']:.3f}",
    ]


def about_circulation(
    result: CirculationResult, options: CirculationOptions, *, sources: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return what a reader of the table alone must know.

    Parameters
    ----------
    result
        The answer.
    options
        What was asked.
    sources
        Rows of ``core__file``: the files that were read.
    """
    return {
        "title": f"Circulation of trade since {options.since}",
        "headline": _headline(result),
        "made by": made_by(),
        "earlier periods": f"{result.before[0]} to {result.before[-1]} ({len(result.before)})",
        "measured in": result.unit,
        "products": ", ".join(options.products) or "all in the data",
        "placebos": str(options.placebos),
        "seed": str(options.seed),
        "limits": " ".join(_LIMITS),
        "sources": ", ".join(sorted({str(file["source"]) for file in sources})),
        "files": "; ".join(sorted(f"{file['file_name']} ({file['vintage']})" for file in sources)),
    }
