"""What a comparison of the books returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.periods import WindowPair

__all__ = ["GapResult"]


@dataclass(frozen=True, slots=True)
class GapResult:
    """Gaps of one question, with what a reader needs to weigh them.

    Attributes
    ----------
    table
        Columns of ``out__gap``; rows by ``options.by``, rows of unions first, then the largest unusual
        parts.
    hubs
        The same by importer: what was declared to it and did not arrive (``lost_usd``), and what arrived
        that nobody had declared to it (``orphan_usd``).
    series
        **Grain**: period. Both books of the areas asked for, and the gaps by direction; a period that was
        not published by both has no row.
    options, windows
        What was asked, and the windows that it became; None without an event.
    placebo_labels
        The placebo windows in words.
    """

    table: pa.Table
    hubs: pa.Table
    series: pa.Table
    options: GapOptions
    windows: WindowPair | None
    placebo_labels: tuple[str, ...]

    def explain(self, row: int | Mapping[str, Any]) -> str:
        """Say in words what a row of the table means.

        Parameters
        ----------
        row
            A row as a mapping, or its position in the table.
        """
        values = self.table.slice(row, 1).to_pylist()[0] if isinstance(row, int) else row
        return " ".join(
            [_books(values, self.windows), _habit(values), _verdict(values), _caveat(values)]
        ).strip()


def _usd(value: float) -> str:
    return f"{value:,.0f} USD"


def _books(row: Mapping[str, Any], windows: WindowPair | None) -> str:
    when = row["period"] or (windows.text(windows.after) if windows else "all periods")
    exporter, importer = row["exporter"] or "All exporters", row["importer"] or "all importers"
    goods = f" of {row['hs_code']}" if row["hs_code"] else ""
    periods = "one period" if row["periods"] == 1 else f"{row['periods']} periods"
    return (
        f"{exporter} → {importer}{goods}, {when} ({periods} that both published): the exporters' book shows "
        f"{_usd(row['exporter_report_usd'])}, the importers' {_usd(row['importer_fob_usd'])} on FOB; the gap "
        f"is {_usd(row['gap_usd'])}."
    )


def _habit(row: Mapping[str, Any]) -> str:
    if row["usual_ratio"] is None:
        return ""
    arrived = "nothing" if row["arrived_ratio"] is None else f"{row['arrived_ratio']:.0%}"
    return (
        f"Of what is declared as sent {arrived} is declared as arrived; by the {row['before_periods']} "
        f"earlier periods {row['usual_ratio']:.0%} would be."
    )


def _verdict(row: Mapping[str, Any]) -> str:
    if row["unusual_usd"] is None:
        return f"How unusual that is: {row['status']}."
    what = "arrivals" if row["unusual_usd"] >= 0 else "dispatches"
    said = f"Not as before are {_usd(abs(row['unusual_usd']))} of missing {what}"
    if row["z_score"] is None:
        return f"{said}; {row['status']}."
    low, high = (_usd(row[name]) for name in ("unusual_low_usd", "unusual_high_usd"))
    share = row["q_value"]
    q = "" if share is None else f"; of rows as strong as this, {share:.0%} come about where nothing happened"
    is_noise = row["unusual_low_usd"] <= 0 <= row["unusual_high_usd"]
    noise = " The interval holds nought: the two books differ by so much anyway." if is_noise else ""
    return f"{said} (gap beyond the earlier ratio: {low} to {high}, 90%), z = {row['z_score']:.1f}{q}.{noise}"


def _caveat(row: Mapping[str, Any]) -> str:
    if row["member_of"]:
        return f"The row of {row['member_of']} holds this one: among members goods change their book."
    return ""
