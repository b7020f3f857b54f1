"""Every stored or published table: what one row is, what makes it unique, which traps it holds."""

from __future__ import annotations

from entrepot.schema.price_tables import INCENTIVE, PRICE_CHANGE, PRICE_MARKUP, PRICE_OUTLIER
from entrepot.schema.table import Table

__all__ = [
    "BREAK",
    "CALENDAR",
    "CHANGE",
    "CIRCULATION",
    "CYCLE",
    "DETOUR",
    "EVENT_BREAKS",
    "EXCHANGE_RATE",
    "FILE",
    "FINDING",
    "FLOW",
    "FLOW_PARTS",
    "GAP",
    "GAP_PARTS",
    "GDP",
    "LOOP",
    "LOOP_MONTH",
    "MOVED",
    "NET_TRADE",
    "PART_CHECK",
    "QUALITY",
    "QUARANTINE",
    "RECONCILED",
    "REVISED_FLOW",
    "SPECIFICATION",
    "TABLES",
    "TOTALS",
    "VALUED_DETOUR",
    "WATCH",
]

FLOW = Table(
    name="core__flow",
    grain="one report: what one reporter says of one flow, in one vintage of one file",
    columns=(
        "source", "year", "vintage", "file_hash", "row_number", "cell", "role",
        "reporter", "partner", "partner_concept", "consignment_partner", "flow", "customs_procedure",
        "frequency", "period",
        "hs_code", "hs_level", "hs_revision", "national_code",
        "primary_value_usd", "valuation", "reported_value", "reported_currency",
        "net_weight_kg", "is_net_weight_estimated", "quantity", "quantity_unit", "is_quantity_estimated",
    ),
    key=("file_hash", "row_number", "cell"),
    description="Canonical reports of every publisher, before the two books are brought together.",
    traps=(
        "Imports are CIF by country of origin, exports FOB by last known destination.",
        "Only rows of role leaf are flows; aggregates and breakdowns repeat them.",
        "A cell may have a row a customs_procedure: add them.",
        "Rows of partner_concept reconciled are no book of either side: never beside reports.",
        "Rows of several hs_level overlap: choose one level, never add them.",
        "Several vintages of a cell stand side by side: choose by vintage.",
        "Not reported is not zero: a reporter without rows in a period has not published it.",
    ),
    partition_by=("source", "year"),
)  # fmt: skip

REVISED_FLOW = Table(
    name="out__revised_flow",
    grain="the share of one report that stands under one code of the revision asked for",
    columns=(
        *FLOW.columns, "source_hs_code", "source_hs_revision", "revision_weight", "revision_match",
    ),
    key=("file_hash", "row_number", "cell", "hs_code"),
    description="Reports in one revision of the Harmonized System, amounts shared by a weighted concordance.",
    traps=(
        "One report may stand in several rows: their weights sum to one.",
        "Rows without a counterpart keep their own code and revision: revision_match is unmatched.",
        "The shares of a split are an assumption unless they were learnt from trade under both revisions.",
    ),
)  # fmt: skip

FILE = Table(
    name="core__file",
    grain="one ingested file",
    columns=(
        "file_hash", "file_name", "file_size", "source", "layout", "raw_table", "vintage", "ingested_at",
        "rows_read", "rows_stored", "rows_quarantined",
    ),
    key=("file_hash", "source"),
    description="Register of ingested files: rows_read = rows_stored + rows_quarantined, always.",
)  # fmt: skip

QUARANTINE = Table(
    name="core__quarantine",
    grain="one row of a file that could not be taken into core__flow",
    columns=("file_hash", "row_number", "cell", "source", "reason", "detail", "raw_line"),
    key=("file_hash", "row_number", "cell", "source"),
    description="Rows set aside, each with its reason; nothing is dropped or mended silently.",
)

RECONCILED = Table(
    name="core__reconciled",
    grain="one true flow: exporter × importer × hs_code × period",
    columns=(
        "exporter", "importer", "hs_code", "period", "frequency",
        "value_usd", "low_usd", "high_usd", "net_weight_kg", "quantity", "quantity_unit",
        "exporter_report_usd", "importer_report_usd", "cif_fob_ratio", "basis",
        "exporter_share", "freight_ratio", "log_gap",
        "exporter_weight_kg", "importer_weight_kg",
        "exporter_quantity", "exporter_quantity_unit", "importer_quantity", "importer_quantity_unit",
        "exporter_allocated_usd", "importer_allocated_usd", "importer_passed_usd",
    ),
    key=("exporter", "importer", "hs_code", "period", "frequency"),
    description="Two reports of one flow, both on FOB, and the estimate made of them.",
    traps=(
        "A missing row is a flow that neither side reported, not a proven zero.",
        "Goods that pass a hub stand in the importer's book under their origin: see importer_passed_usd.",
        "A row that one side alone knows of (basis …_alone) may be the same goods under another partner.",
    ),
)  # fmt: skip

FLOW_PARTS = Table(
    name="out__flow_parts",
    grain=RECONCILED.grain,
    columns=(*RECONCILED.columns, "re_export_usd", "re_import_usd", "is_home"),
    key=RECONCILED.key,
    description="Reconciled flows with the re-exports and re-imports that they contain.",
    traps=(
        *RECONCILED.traps,
        "Re-exports are in the exports and re-imports in the imports: never add them.",
        "Few reporters publish re-exports: a null is no zero.",
    ),
)

DETOUR = Table(
    name="out__detour",
    grain="one origin × hub × destination × hs_code (or the keys asked for), for the whole after-window",
    columns=(
        "origin", "hub", "destination", "hs_code", "period", "kind",
        "estimate_usd", "low_usd", "high_usd", "q_value", "estimate_kg", "status",
        "excess_in_usd", "excess_on_usd", "shortfall_usd",
        "before_in_usd", "after_in_usd", "expected_in_usd",
        "before_direct_usd", "after_direct_usd", "expected_direct_usd",
        "raw_increase_usd", "baseline",
        "rerouted_share", "onset", "onward_onset", "hub_markup", "unlisted_in_growth", "others_in_growth",
        "further_hubs",
    ),
    key=("origin", "hub", "destination", "hs_code", "period", "kind", "further_hubs"),
    summed=(
        "origin", "hub", "destination", "hs_code", "period", "kind", "excess_in_usd", "shortfall_usd",
    ),
    description="Amounts that took a detour, each with an interval and the figures it was made of.",
    traps=(
        "Trade by code is an upper bound on controlled goods.",
        "The declared and the unseen row of one corridor repeat the same legs: do not add bounds over kinds.",
        "Relay rows are the goods of others: do not add them to the other kinds.",
        "An estimate is a statistical finding about flows; it accuses nobody.",
        "Intervals of a sum are not sums of intervals: ask for the sum.",
    ),
)  # fmt: skip

VALUED_DETOUR = Table(
    name="out__valued_detour",
    grain=DETOUR.grain,
    columns=(
        *DETOUR.columns[:4], "tier", *DETOUR.columns[4:],
        "estimate_amount", "low_amount", "high_amount", "amount_unit",
    ),
    key=(*DETOUR.key[:4], "tier", *DETOUR.key[4:]),
    summed=(*DETOUR.summed, "tier"),
    description="Detours by tier of a list (where --by names it), and in another unit (where --value does).",
    traps=(
        *DETOUR.traps,
        "Amounts are the dollars by the inbound leg's own rate in the months of its excess.",
    ),
)  # fmt: skip

LOOP = Table(
    name="out__loop",
    grain="one maker × via (× second_via) × hs_code, for the whole time since the first month",
    columns=(
        "maker", "via", "hs_code",
        "estimate_usd", "low_usd", "high_usd", "markup", "lag_months", "q_value",
        "markup_low", "markup_high", "lag_probability", "onset", "estimate_kg", "status", "conserved",
        "excess_out_usd", "excess_back_usd", "excess_out_kg", "excess_back_kg",
        "out_usd", "back_usd", "expected_out_usd", "expected_back_usd", "co_movement", "via_supply_usd",
        "re_imported_usd", "home_usd", "re_exported_usd", "own_origin_usd", "evidence", "second_via",
        "lag_low", "lag_high",
    ),
    key=("maker", "via", "second_via", "hs_code"),
    description="Goods that left their maker, stopped over and came back, with the figures it was made of.",
    traps=(
        "The amount is what is back already: goods still with the via are not in it.",
        "Round trips that ran before the first month, such as processing trade, are ordinary trade here.",
        "Trade by code is an upper bound: goods of one code need not be the same goods.",
        "home_usd and re_imported_usd of a maker may stand beside several vias: never add them.",
        "Intervals of a sum are not sums of intervals: the sum's own is in the file's notes.",
    ),
)  # fmt: skip

LOOP_MONTH = Table(
    name="out__loop_month",
    grain="one maker × via (× second_via) × hs_code × month in which goods came back",
    columns=(
        "maker", "via", "hs_code", "period", "month_share", "estimate_usd", "low_usd", "high_usd",
        "estimate_kg", "second_via",
    ),
    key=("maker", "via", "second_via", "hs_code", "period"),
    description="Round trips by the month of the way back; months add up to the row of out__loop.",
    traps=(
        "The months say when goods came back; they left lag_months before.",
        "Intervals are the window's times the share of the month, whose own error is not in them.",
    ),
)  # fmt: skip

BREAK = Table(
    name="out__break",
    grain="one series (exporter × importer × hs_code, or the keys asked for) × month of a new level",
    columns=(
        "exporter", "importer", "hs_code", "break_period", "earliest_period", "latest_period",
        "change_ratio", "change_low", "change_high", "level_before_usd", "level_after_usd",
        "break_z", "q_value", "noise_sd", "autocorrelation", "months_before", "months_after",
        "books_before", "books_after", "events",
    ),
    key=("exporter", "importer", "hs_code", "break_period"),
    summed=("exporter", "importer", "hs_code"),
    description="Months from which a monthly series keeps another level, without its season.",
    traps=(
        "An event before a break is no cause: see out__event_breaks for how many breaks others have.",
        "A slow change of level shows as one break or several, at no date of its own.",
        "Where books_before and books_after differ, another side reports: the level may be that alone.",
        "A stop of trade shows as a ratio of 0.01 or less: logs know no zero.",
    ),
)  # fmt: skip

EVENT_BREAKS = Table(
    name="out__event_breaks",
    grain="one dated event × how the series stand to it",
    columns=(
        "event", "event_date", "event_kind", "relation", "series", "breaks", "expected_breaks",
        "p_value", "q_value", "months_share",
    ),
    key=("event", "event_date", "relation"),
    description="How many breaks follow an event, against breaks of the same pairs at other dates.",
    traps=(
        "Events of neighbouring months share their breaks: they cannot be told apart.",
        "Products of a pair move together in the permutations, pairs of one area do not: p is a lower bound.",
    ),
)  # fmt: skip

NET_TRADE = Table(
    name="out__net_trade",
    grain="one exporter × importer × category, for the whole time since the first month",
    columns=(
        "exporter", "importer", "category",
        "quiet_usd", "since_usd", "round_trip_usd", "round_trip_low_usd", "round_trip_high_usd", "net_usd",
        "growth", "net_growth", "returned_share",
    ),
    key=("exporter", "importer", "category"),
    description="Trade of pairs with round trips, in both directions, and what is left of it without them.",
    traps=(
        "Only identified round trips are taken out: what was not found is still in the net trade.",
        "The categories overlap: never add them.",
    ),
)  # fmt: skip

CIRCULATION = Table(
    name="out__circulation",
    grain="one hs_code × period from the first judged period on",
    columns=(
        "hs_code", "period",
        "excess_share", "low_share", "high_share", "q_value",
        "circulation_share", "placebo_share", "before_share", "earlier_periods", "trade_usd", "flows",
    ),
    key=("hs_code", "period"),
    description="How much more of the trade in a product can go in circles than is usual.",
    traps=(
        "It is never a volume of round trips: ordinary two-way trade that grows is in it.",
        "circulation_share by itself says nothing: products of many two-way pairs have much of it always.",
    ),
)  # fmt: skip

CYCLE = Table(
    name="out__cycle",
    grain="one hs_code × period × cycle, the largest of each product and period",
    columns=("hs_code", "period", "cycle", "cycle_usd", "cycle_before_usd", "cycle_excess_usd"),
    key=("hs_code", "period", "cycle"),
    description="The cycles that carry a circulation, by what they carry beyond earlier periods.",
    traps=(
        "A circulation can be taken apart into cycles in many ways: these are few cycles of much.",
        "A cycle of flows is no trail of goods: what leaves an area need not be what came.",
    ),
)  # fmt: skip

QUALITY = Table(
    name="out__quality",
    grain="one reporter × flow × partner × chapter × year (or the keys asked for)",
    columns=(
        "reporter", "flow", "partner", "chapter", "year",
        "quality", "published_share", "missed_share", "median_gap",
        "reported_flows", "compared_flows", "reported_usd", "partner_usd",
    ),
    key=("reporter", "flow", "partner", "chapter", "year"),
    summed=("reporter", "flow", "partner", "chapter", "year"),
    description="How good a reporter's data are, against what its partners report of the same flows.",
    traps=(
        "Two books that agree may be wrong in the same way.",
        "Goods that pass a hub lower the quality of both ends: see the page on partner concepts.",
    ),
)  # fmt: skip

TOTALS = Table(
    name="out__totals",
    grain="one exporter × importer × period × hs_code of six, four or two digits, or TOTAL",
    columns=(
        "exporter", "importer", "hs_code", "period", "frequency",
        "value_usd",
        "exporter_report_usd", "exporter_total_usd", "exporter_undetailed_usd", "exporter_weighting_usd",
        "exporter_unknown_usd", "exporter_silent_usd", "exporter_confidential_usd",
        "importer_report_usd", "importer_total_usd", "importer_undetailed_usd", "importer_valuation_usd",
        "importer_weighting_usd", "importer_unknown_usd", "importer_silent_usd",
        "importer_confidential_usd",
    ),
    key=("exporter", "importer", "hs_code", "period", "frequency"),
    description="Reconciled flows added up, each book's own figure beside, and what makes the difference.",
    traps=("Levels overlap: choose one, never add them.",),
)  # fmt: skip

SPECIFICATION = Table(
    name="out__specification",
    grain="one choice of windows, baseline, threshold and book, or one thing left out of it",
    columns=(
        "is_headline", "before", "after", "baseline", "z", "book", "left_out_kind", "left_out",
        "estimate_usd", "headline_share",
    ),
    key=("before", "after", "baseline", "z", "book", "left_out_kind", "left_out"),
    description="A headline under other choices, and without its largest parts.",
    traps=(
        "The totals are no sample: they share data, and their spread is no interval.",
        "Totals of shorter or longer after-windows are scaled to the number of periods of the headline's.",
    ),
)  # fmt: skip

GDP = Table(
    name="ref__gdp",
    grain="one area and year",
    columns=("area", "year", "gdp_usd", "vintage"),
    key=("area", "year"),
    description="Gross domestic product, to weigh an import against the economy that takes it.",
    traps=(
        "A year without a row is not published, not zero.",
        "Current prices and rates: years compare only after prices are taken out.",
    ),
)

EXCHANGE_RATE = Table(
    name="ref__exchange_rate",
    grain="one currency and period, months and years side by side",
    columns=("currency", "period", "per_usd"),
    key=("currency", "period"),
    description="Average exchange rates, to bring reported values to US dollars.",
    traps=(
        "A period of which fewer than half the weekdays were quoted has no row.",
        "Of a user's own rates an empty period holds for every period without a row.",
    ),
)

GAP = Table(
    name="out__gap",
    grain="one exporter × importer × hs_code × period, or the keys asked for; without period a whole window",
    columns=(
        "exporter", "importer", "hs_code", "period", "member_of",
        "exporter_report_usd", "importer_fob_usd", "gap_usd", "lost_usd", "orphan_usd",
        "arrived_ratio", "usual_ratio",
        "unusual_usd", "unusual_low_usd", "unusual_high_usd", "z_score", "q_value", "status",
        "before_exporter_usd", "before_importer_fob_usd", "before_lost_usd", "before_orphan_usd",
        "periods", "before_periods",
    ),
    key=("exporter", "importer", "hs_code", "period"),
    summed=("exporter", "importer", "hs_code", "period"),
    description="What the two books of a flow differ by, and what of it is not as it always was.",
    traps=(
        "Only periods that both sides published are compared: a silent side has no gap.",
        "A gap accuses nobody: transit, origin, secrecy and codes make most of it.",
        "Rows of a customs union repeat those of its members (member_of): never add both.",
        "Intervals of a sum are not sums of intervals: ask for the sum.",
    ),
)  # fmt: skip

GAP_PARTS = Table(
    name="out__gap_parts",
    grain="one exporter × importer × hs_code × period (or the keys asked for) × direction, and their net",
    columns=(
        "exporter", "importer", "hs_code", "period", "direction",
        "exporter_report_usd", "importer_report_usd", "published_gap_usd",
        "valuation_usd", "attribution_usd", "timing_usd", "product_usd", "unexplained_usd",
        "consignment_fob_usd", "re_export_usd", "elsewhere_usd",
    ),
    key=("exporter", "importer", "hs_code", "period", "direction"),
    summed=("exporter", "importer", "hs_code", "period", "direction"),
    description="A gap taken apart: the five parts add up to published_gap_usd exactly.",
    traps=(
        "Rows without a direction are the net of the two directions: never add them to those.",
        "Timing and codes only move amounts between months and codes: in a net over both they vanish.",
        "unexplained_usd is what these four cannot explain, not what is wrong.",
    ),
)  # fmt: skip

WATCH = Table(
    name="out__watch",
    grain="one finding, by the keys asked for, in two states of a lake",
    columns=(
        "news", "origin", "hub", "destination", "hs_code", "kind",
        "estimate_usd", "low_usd", "high_usd", "q_value",
        "earlier_estimate_usd", "earlier_low_usd", "earlier_high_usd", "earlier_q_value",
        "further_hubs",
    ),
    key=("origin", "hub", "destination", "hs_code", "kind", "further_hubs"),
    summed=("origin", "hub", "destination", "hs_code", "kind", "further_hubs"),
    description="Findings that appeared, went, grew or shrank with a new file.",
    traps=(
        "The windows may differ: a new file can add months. Give --after to hold them.",
        "A finding that went may have lost no trade: its q-value only passed the limit.",
    ),
)  # fmt: skip

FINDING = Table(
    name="out__finding",
    grain="one finding of a check: what is wrong, where, how much",
    columns=(
        "severity", "check", "source", "reporter", "flow", "period", "file_name",
        "rows", "total_usd", "parts_usd", "finding", "hint",
    ),
    key=("check", "source", "reporter", "flow", "period", "file_name", "finding"),
    summed=("source", "reporter", "flow", "period", "file_name"),
    description="What a check of the lake found, the gravest first.",
    traps=("A total that is missing is a finding, not a pass: nothing was compared there.",),
)  # fmt: skip

PART_CHECK = Table(
    name="out__part_check",
    grain="one reporter × flow × period × level of the totals × kind of parts",
    columns=(
        "source", "reporter", "flow", "frequency", "period", "parts_of", "hs_level", "totals",
        "total_usd", "named_usd", "confidential_usd", "unallocated_usd",
        "rounding_usd", "missing_usd", "surplus_usd",
    ),
    key=("source", "reporter", "flow", "frequency", "period", "parts_of", "hs_level"),
    description="Published totals against the sums of their parts, with the difference explained.",
    traps=(
        "total = named + confidential + unallocated + rounding + missing − surplus, in every row.",
        "Rows of several hs_level, and of codes and partners, are about the same trade: never add them.",
    ),
)  # fmt: skip

CHANGE = Table(
    name="out__change",
    grain="one cell of a source that is not in both vintages alike",
    columns=(
        "source", "reporter", "partner", "partner_concept", "consignment_partner", "flow",
        "customs_procedure", "frequency", "period", "hs_code", "hs_level", "hs_revision", "national_code",
        "role", "change", "before_usd", "after_usd", "change_usd", "before_kg", "after_kg",
        "before_vintage", "after_vintage",
    ),
    key=(
        "source", "reporter", "partner", "partner_concept", "consignment_partner", "flow",
        "customs_procedure", "frequency", "period", "hs_code", "hs_level", "hs_revision", "national_code",
        "role",
    ),
    description="What changed between two vintages.",
    traps=(
        "Totals stand beside the leaves that moved them: filter by role and hs_level before adding.",
        "A code that moved to another revision is removed in one and added in the other.",
    ),
)  # fmt: skip

MOVED = Table(
    name="out__moved_figure",
    grain="one source × reporter × flow × period in which something changed between two vintages",
    columns=(
        "source", "reporter", "flow", "frequency", "period",
        "cells_added", "cells_removed", "cells_revised", "gross_usd",
        "goods_before_usd", "goods_after_usd", "total_before_usd", "total_after_usd",
    ),
    key=("source", "reporter", "flow", "frequency", "period"),
    description="The figures of a reporter that moved between two vintages.",
)  # fmt: skip

CALENDAR = Table(
    name="out__calendar",
    grain="one source × reporter × flow × frequency",
    columns=(
        "source", "reporter", "flow", "frequency", "content", "state", "first_period", "last_period",
        "periods_published", "periods_missing", "holes", "periods_behind", "usual_lag_days", "last_vintage",
    ),
    key=("source", "reporter", "flow", "frequency"),
    description="Who published what when, as the lake has it.",
    traps=(
        "A hole is a period that is not in the lake: it may have been published and not been taken in.",
        "In a lake of few goods a month without trade in them looks like a hole.",
        "Not published is not zero.",
    ),
)  # fmt: skip

TABLES: tuple[Table, ...] = (
    FLOW,
    REVISED_FLOW,
    FILE,
    QUARANTINE,
    RECONCILED,
    FLOW_PARTS,
    DETOUR,
    VALUED_DETOUR,
    LOOP,
    LOOP_MONTH,
    BREAK,
    EVENT_BREAKS,
    PRICE_OUTLIER,
    PRICE_MARKUP,
    PRICE_CHANGE,
    INCENTIVE,
    NET_TRADE,
    CIRCULATION,
    CYCLE,
    QUALITY,
    TOTALS,
    SPECIFICATION,
    GDP,
    EXCHANGE_RATE,
    GAP,
    GAP_PARTS,
    WATCH,
    FINDING,
    PART_CHECK,
    CHANGE,
    MOVED,
    CALENDAR,
)
