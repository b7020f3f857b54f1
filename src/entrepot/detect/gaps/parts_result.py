"""What a decomposition of gaps returns, and what each part can and cannot show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from entrepot.detect.gaps.options import GapOptions

__all__ = ["PARTS", "GapParts", "PartsSummary", "part_words"]

#: Parts by column: name, what it shows, what it cannot show.
PARTS: dict[str, tuple[str, str, str]] = {
    "valuation_usd": (
        "valuation",
        "freight and insurance to the importer's border, by the ratio of the pair, its goods and distance",
        "it is an estimate over many flows: a single shipment may have paid half or double",
    ),
    "attribution_usd": (
        "attribution",
        "what the importer books under the country of origin, not under the country that sent it",
        "where nothing of it is published the goods' origin stays in the rest",
    ),
    "timing_usd": (
        "timing",
        "what left in one month and arrived in the next, by the pair's own share of late goods",
        "only a lag of a month is looked for, in months: what takes longer, or a New Year, is in the rest",
    ),
    "product_usd": (
        "neighbouring codes",
        "gaps that codes of the same heading or chapter have with the other sign, less what chance gives",
        "that two gaps are alike does not prove that they are the same goods",
    ),
    "unexplained_usd": (
        "unexplained",
        "what is left: transit, secrecy, thresholds, undervaluation, smuggling, errors, all together",
        "it says nothing about which, and accuses nobody",
    ),
}


@dataclass(frozen=True, slots=True)
class PartsSummary:
    """What the parts rest on.

    Attributes
    ----------
    late_shares
        Share of a month's goods that arrive in the next, by exporter and importer; empty for annual data.
    lead_share
        What the same regression finds of goods that arrive before they leave: its own error.
    heading_share, chapter_share
        Part of what codes of a heading (of a chapter) mirror of each other that is no chance; NaN where
        too few pairs trade in them to tell, and nothing was taken off.
    """

    late_shares: dict[tuple[str, str], float]
    lead_share: float
    heading_share: float
    chapter_share: float


@dataclass(frozen=True, slots=True)
class GapParts:
    """Gaps taken apart.

    Attributes
    ----------
    table
        Columns of ``out__gap_parts``, the largest gaps first.
    summary
        What the parts rest on.
    options
        What was asked.
    periods
        First and last period taken apart, of those that both sides published.
    """

    table: pa.Table
    summary: PartsSummary
    options: GapOptions
    periods: str

    def explain(self, row: int | Mapping[str, Any]) -> str:
        """Say in words what a row is made of, and what each part can and cannot show.

        Parameters
        ----------
        row
            A row as a mapping, or its position in the table.
        """
        values = self.table.slice(row, 1).to_pylist()[0] if isinstance(row, int) else row
        exporter, importer = values["exporter"] or "all exporters", values["importer"] or "all importers"
        goods = f" of {values['hs_code']}" if values["hs_code"] else ""
        head = (
            f"{exporter} → {importer}{goods}, {values['period'] or self.periods}: the exporters' book shows "
            f"{values['exporter_report_usd']:,.0f} USD, the importers' {values['importer_report_usd']:,.0f} "
            f"as published; the gap is {values['published_gap_usd']:,.0f} USD:"
        )
        parts = [f"  {values[column]:>+18,.0f}  {part_words(column, values)}" for column in PARTS]
        lines = [head, *parts]
        if values["elsewhere_usd"] is not None:
            lines.append(
                f"At most {values['elsewhere_usd']:,.0f} USD may stand under another partner: so large are "
                "the opposite gaps of the others."
            )
        share = self.summary.late_shares.get((exporter, importer), math.nan)
        if math.isfinite(share):
            lines.append(f"Of a month's goods {share:.0%} arrive in the next.")
        return "\n".join(lines)


def part_words(column: str, row: Mapping[str, Any]) -> str:
    """Say what a part is, what it shows and what it cannot, for a row."""
    name, shows, cannot = PARTS[column]
    if column == "attribution_usd":
        if row["consignment_fob_usd"] is not None:
            return f"{name}: the importer's reports by consignment less those by origin"
        if row["re_export_usd"] is not None:
            return (
                f"{name}: the exporter's re-exports, which the importer books under their origin; at most so"
            )
        return f"{name}: not known, neither imports by consignment nor re-exports are published"
    return f"{name}: {shows}; but {cannot}" if row[column] else f"{name}: nothing found; {cannot}"
