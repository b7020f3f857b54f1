"""Tables of unit values, and of what they pay: see :mod:`entrepot.schema.tables`."""

from __future__ import annotations

from entrepot.schema.table import Table

__all__ = ["INCENTIVE", "PRICE_CHANGE", "PRICE_MARKUP", "PRICE_OUTLIER"]

PRICE_OUTLIER = Table(
    name="out__price_outlier",
    grain="one exporter × importer × hs_code × period whose unit value is far from the supplier's others",
    columns=(
        "exporter", "importer", "hs_code", "period", "unit", "priced_usd", "amount", "unit_value",
        "usual_unit_value", "unit_value_ratio", "pair_ratio", "price_z", "z_share", "invoicing",
        "difference_usd", "buyers",
    ),
    key=("exporter", "importer", "hs_code", "period"),
    description="Suspicious unit values within supplier × product × period.",
    traps=(
        "Goods of one code differ: where pair_ratio is as far, the buyer always takes other goods.",
        "A wrong weight looks like a wrong price.",
    ),
)  # fmt: skip

PRICE_MARKUP = Table(
    name="out__price_markup",
    grain="one exporter × importer × hs_code, or the keys asked for, before and after an event",
    columns=(
        "exporter", "importer", "hs_code", "unit",
        "before_markup", "before_markup_low", "before_markup_high",
        "after_markup", "after_markup_low", "after_markup_high",
        "markup_change", "markup_change_low", "markup_change_high",
        "priced_usd", "priced_flows", "before_periods", "periods", "other_buyers",
    ),
    key=("exporter", "importer", "hs_code"),
    summed=("exporter", "importer", "hs_code"),
    description="What a destination pays over the other buyers of the same supplier and product.",
    traps=(
        "A higher unit value may be better goods: only the change tells of the event.",
        "Flows with both windows alone are in it: what came or went has no change of mark-up.",
    ),
)  # fmt: skip

PRICE_CHANGE = Table(
    name="out__price_change",
    grain="one exporter × importer × hs_code, or the keys asked for, two windows compared",
    columns=(
        "exporter", "importer", "hs_code", "unit",
        "value_before_usd", "value_after_usd", "value_change_usd",
        "fisher_price_usd", "fisher_volume_usd", "tornqvist_price_usd", "tornqvist_volume_usd",
        "entered_usd", "left_usd", "unpriced_change_usd",
        "fisher_price", "fisher_volume", "tornqvist_price", "tornqvist_volume",
        "laspeyres_price", "paasche_price", "items", "priced_share",
    ),
    key=("exporter", "importer", "hs_code"),
    summed=("exporter", "importer", "hs_code"),
    description="A change of value: price + volume + entered − left + unpriced, exactly, by either index.",
    traps=(
        "Unit values hold quality too: dearer goods of one code count as price.",
        "Fisher's and Törnqvist's parts are two answers to one question: never add them.",
    ),
)  # fmt: skip

INCENTIVE = Table(
    name="out__incentive",
    grain="one round trip: maker × via × hs_code",
    columns=(
        "maker", "via", "hs_code", "markup", "lag_months", "onset", "months",
        "maker_currency", "maker_rate_change", "via_currency", "via_rate_change",
        "subsidy_rate", "cost_rate",
        "maker_gain", "maker_gain_low", "maker_gain_high", "via_gain", "via_gain_low", "via_gain_high",
        "break_even_subsidy", "break_even_cost", "status",
    ),
    key=("maker", "via", "hs_code"),
    description="What a round trip earns either side, over the value going out, and where it breaks even.",
    traps=(
        "One owner on both sides gains the subsidy less the costs alone: the mark-up is paid to oneself.",
        "Subsidies and costs are the reader's assumptions, not in trade data.",
    ),
)  # fmt: skip
