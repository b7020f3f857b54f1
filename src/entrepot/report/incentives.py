"""What round trips earn, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.report.about import made_by
from entrepot.report.amounts import MISSING
from entrepot.report.narrow import print_titled, text_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from rich.console import Console

__all__ = ["about_incentives", "print_incentives"]

_ROWS = 10
_LIMITS = (
    "Subsidies and costs are assumptions of whoever asks; trade data hold neither.",
    "One owner on both sides gains the subsidy less the costs alone: the mark-up is paid to oneself.",
    "A gain is a reason to look, no proof of a motive.",
)


def print_incentives(found: pa.Table, console: Console) -> None:
    """Print what round trips earn.

    Parameters
    ----------
    found
        Columns of ``out__incentive``.
    console
        Where to; characters that its encoding lacks are written in ASCII.
    """
    text = text_for(console)

    console.print(text("What round trips earn, over the value going out", "bold"))
    rows = found.slice(0, _ROWS).to_pylist()
    if not rows:
        console.print(text("No round trip with a mark-up: there is nothing to weigh."))
    else:
        print_titled(
            console,
            f"Rows ({len(rows)} of {found.num_rows:,})",
            ("round trip", "mark-up", "maker", "break-even subsidy", "via", "break-even cost", "status"),
            [
                [
                    f"{row['maker']} → {row['via']} {row['hs_code']}",
                    _percent(row["markup"]),
                    _gain(row, "maker"),
                    _percent(row["break_even_subsidy"]),
                    _gain(row, "via"),
                    _percent(row["break_even_cost"]),
                    row["status"],
                ]
                for row in rows
            ],
            optional=(6, 5, 3),
        )
    for limit in _LIMITS:
        console.print(text(f"· {limit}", "dim"))


def _percent(value: float | None) -> str:
    return MISSING if value is None else f"{value:+.1%}"


def _gain(row: Mapping[str, Any], side: str) -> str:
    ends = [row[f"{side}_gain_{end}"] for end in ("low", "high")]
    if row[f"{side}_gain"] is None or None in ends:
        return _percent(row[f"{side}_gain"])
    return f"{row[f'{side}_gain']:+.1%} ({ends[0]:+.1%} to {ends[1]:+.1%})"


def about_incentives(found: pa.Table, *, loops: str) -> dict[str, str]:
    """Return what a reader of the table alone must know.

    Parameters
    ----------
    found
        Columns of ``out__incentive``.
    loops
        The file of round trips.
    """
    return {
        "title": "What round trips earn, over the value going out",
        "made by": made_by(),
        "round trips": loops,
        "rates": "monthly averages of the European Central Bank, the user's own before them",
        "rows": f"{found.num_rows}",
        "limits": " ".join(_LIMITS),
    }
