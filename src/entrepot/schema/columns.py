"""Every column of every table: one name, one meaning, one unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from entrepot.schema.terms import (
    ChangeKind,
    CheckName,
    DetourKind,
    EventRelation,
    FindingChange,
    FlowKind,
    Frequency,
    GapDirection,
    Invoicing,
    PartnerConcept,
    PartsOf,
    PublishingState,
    QuarantineReason,
    RevisionMatch,
    RowRole,
    Severity,
    Valuation,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

__all__ = ["COLUMNS", "Column", "Kind"]

Kind = Literal["text", "int32", "int64", "float64", "bool", "date", "timestamp"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what a value means, in which unit, and what a null says.

    Attributes
    ----------
    name
        Column name, the same in every table.
    kind
        Storage type.
    description
        What a value means.
    unit
        Unit of the value, empty for codes and text.
    missing
        What a null says; empty where null is not allowed.
    allowed
        The closed vocabulary, for coded columns.
    minimum
        Smallest allowed number.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    missing: str = ""
    allowed: type[StrEnum] | None = None
    minimum: float | None = None

    @property
    def is_nullable(self) -> bool:
        """Whether a null may stand in the column."""
        return bool(self.missing)


def _index(columns: Iterable[Column]) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for column in columns:
        if column.name in found:
            msg = f"column {column.name!r} is defined twice"
            raise ValueError(msg)
        found[column.name] = column
    return found


# fmt: off
COLUMNS: dict[str, Column] = _index(
    (
        # --- lineage
        Column("file_hash", "text", "SHA-256 of the file's bytes, 64 hexadecimal digits"),
        Column("file_name", "text", "name of the file as it was given"),
        Column("file_size", "int64", "size of the file", unit="bytes", minimum=0),
        Column("row_number", "int64", "number of the data row in the file, from 1, the header not counted", minimum=1),
        Column("cell", "text", "column that held the value, in a wide file", missing="the file has one value a row"),
        Column("source", "text", "id of the source that read the file: comtrade, gacc, csv:<mapping id>, …"),
        Column("layout", "text", "which of the publisher's layouts the file has"),
        Column("raw_table", "text", "table of the raw layer that holds the rows as published"),
        Column("vintage", "date", "date of publication or retrieval: of two vintages of one cell the later counts"),
        Column("ingested_at", "timestamp", "when the file was ingested, UTC"),
        Column("rows_read", "int64", "data rows in the file", unit="rows", minimum=0),
        Column("rows_stored", "int64", "rows written to core__flow", unit="rows", minimum=0),
        Column("rows_quarantined", "int64", "rows written to core__quarantine", unit="rows", minimum=0),
        Column("reason", "text", "reason code of the quarantine", allowed=QuarantineReason),
        Column("detail", "text", "the offending column and value", missing="the reason says it all"),
        Column("raw_line", "text", "the row as published, as JSON or as the unreadable line"),
        # --- reports
        Column("reporter", "text", "economy whose statistics the row comes from (area code)"),
        Column("partner", "text", "the other economy (area code); a partner equal to the reporter is real"),
        Column("partner_concept", "text", "what the partner is", allowed=PartnerConcept),
        Column("consignment_partner", "text", "country of consignment (IMTS 2010), area code", missing="not published"),
        Column("flow", "text", "trade flow", allowed=FlowKind),
        Column("customs_procedure", "text", "customs procedure that the row is about: normal, inward_processing, …; rows of several procedures add up", missing="all procedures together"),
        Column("frequency", "text", "A for years, M for months", allowed=Frequency),
        Column("period", "text", "2023 for a year, 2023-07 for a month; of detours, the period of departure from the origin"),
        Column("year", "int32", "year of the period; partition of the stored table", minimum=1900),
        Column("hs_code", "text", "commodity: TOTAL, or text of 2, 4 or 6 digits; national positions are cut to 6. X stands for digits that the publisher withholds (39XXXX)"),
        Column("hs_level", "int32", "digits of the code as published: 0 for TOTAL, 2, 4, 6, 8, 10", minimum=0),
        Column("hs_revision", "text", "revision of the code: HS1992 … HS2022"),
        Column("national_code", "text", "national position of 8 to 10 digits; of a withheld one all that is published", missing="published at 6 digits or fewer"),
        Column("role", "text", "leaf rows are the flows; aggregates and breakdowns repeat them", allowed=RowRole),
        Column("primary_value_usd", "float64", "headline value on its own valuation", unit="USD", missing="not reported", minimum=0),
        Column("valuation", "text", "cif or fob", allowed=Valuation),
        Column("reported_value", "float64", "value as published, before conversion", unit="reported_currency", missing="published in USD", minimum=0),
        Column("reported_currency", "text", "ISO 4217 code of the published value", missing="published in USD"),
        Column("net_weight_kg", "float64", "net weight", unit="kg", missing="not reported: never zero", minimum=0),
        Column("is_net_weight_estimated", "bool", "the publisher estimated the weight", missing="the publisher does not say"),
        Column("quantity", "float64", "supplementary quantity", unit="quantity_unit", missing="not reported, or the two books have units that cannot be turned into one another", minimum=0),
        Column("quantity_unit", "text", "unit of the supplementary quantity (UN code list, lower case)", missing="no quantity"),
        Column("is_quantity_estimated", "bool", "the publisher estimated the quantity", missing="the publisher does not say"),
        # --- flows in another revision
        Column("source_hs_code", "text", "commodity code before the conversion to another revision"),
        Column("source_hs_revision", "text", "revision of source_hs_code", missing="the publisher's revision is not known"),
        Column("revision_weight", "float64", "share of the row that stands under hs_code; amounts are multiplied by it", minimum=0),
        Column("revision_match", "text", "how the row came to hs_code", allowed=RevisionMatch),
        # --- reconciled flows
        Column("exporter", "text", "exporting economy (area code), after reconciliation"),
        Column("importer", "text", "importing economy (area code), after reconciliation"),
        Column("value_usd", "float64", "estimate of the flow, FOB", unit="USD", minimum=0),
        Column("exporter_report_usd", "float64", "what the exporter reported, FOB; of basis publisher the publisher's own figure", unit="USD", missing="the exporter did not publish the period; zero where it published and has no row", minimum=0),
        Column("importer_report_usd", "float64", "what the importer reported, as published", unit="USD", missing="the importer did not publish the period; zero where it published and has no row", minimum=0),
        Column("cif_fob_ratio", "float64", "ratio that puts the importer's report on FOB", missing="the importer's report is not used", minimum=0),
        Column("basis", "text", "whose report the estimate rests on: exporter, importer or both; exporter_alone, importer_alone where the other side published that there was nothing; publisher where the publisher reconciled them"),
        Column("exporter_share", "float64", "weight of the exporter's report in the estimate, 0 to 1", minimum=0),
        Column("freight_ratio", "float64", "CIF over FOB of the pair and product group: freight and insurance alone", missing="the importer's report is not used", minimum=0),
        Column("log_gap", "float64", "log of the importer's report on the exporter's scale over the exporter's", missing="not reported by both"),
        Column("exporter_weight_kg", "float64", "net weight by the exporter's report", unit="kg", missing="not reported: never zero", minimum=0),
        Column("importer_weight_kg", "float64", "net weight by the importer's report", unit="kg", missing="not reported: never zero", minimum=0),
        Column("exporter_quantity", "float64", "supplementary quantity by the exporter's report", unit="quantity_unit", missing="not reported, or in several units", minimum=0),
        Column("exporter_quantity_unit", "text", "unit of the exporter's quantity", missing="no quantity"),
        Column("importer_quantity", "float64", "supplementary quantity by the importer's report", unit="quantity_unit", missing="not reported, or in several units", minimum=0),
        Column("importer_quantity_unit", "text", "unit of the importer's quantity", missing="no quantity"),
        Column("exporter_allocated_usd", "float64", "part of exporter_report_usd that the exporter booked on areas that are no place (free zones, not specified); of these areas what was taken from them, negative", unit="USD", missing="special areas are kept as partners"),
        Column("importer_allocated_usd", "float64", "part of importer_report_usd that the importer booked on areas that are no place; of these areas what was taken from them, negative", unit="USD", missing="special areas are kept as partners"),
        Column("importer_passed_usd", "float64", "part of importer_report_usd that is taken to have come through a hub, whose export it is; negative: what an importer has of this hub under the goods' origin", unit="USD", missing="the importer's report is not used, or nobody looked for hubs"),
        Column("re_export_usd", "float64", "part of exporter_report_usd that the exporter reports as re-exports", unit="USD", missing="the exporter published no re-exports of the period, or none at all; zero where it did and has none of this flow", minimum=0),
        Column("re_import_usd", "float64", "part of importer_report_usd that the importer reports as re-imports", unit="USD", missing="the importer published no re-imports of the period; zero where it did and has none of this flow", minimum=0),
        Column("is_home", "bool", "goods coming home: exporter and importer are one area"),
        Column("exporter_total_usd", "float64", "what the exporter published as its total of all goods, FOB", unit="USD", missing="not published, or a level below the total", minimum=0),
        Column("exporter_undetailed_usd", "float64", "the exporter's published total less the sum of its goods: confidential, or under no code", unit="USD", missing="no total was published"),
        Column("exporter_weighting_usd", "float64", "the exporter's goods on FOB less the estimate, of flows that the exporter reports", unit="USD"),
        Column("exporter_unknown_usd", "float64", "estimate of flows that the exporter has no row of, in periods that it published", unit="USD", minimum=0),
        Column("exporter_silent_usd", "float64", "estimate of flows in periods that the exporter did not publish", unit="USD", minimum=0),
        Column("exporter_confidential_usd", "float64", "the exporter's goods under codes with withheld digits", unit="USD", minimum=0),
        Column("importer_undetailed_usd", "float64", "the importer's published total less the sum of its goods: confidential, or under no code", unit="USD", missing="no total was published"),
        Column("importer_valuation_usd", "float64", "freight and insurance in the importer's goods", unit="USD"),
        Column("importer_weighting_usd", "float64", "the importer's goods on FOB less the estimate, of flows that the importer reports", unit="USD"),
        Column("importer_unknown_usd", "float64", "estimate of flows that the importer has no row of, in periods that it published", unit="USD", minimum=0),
        Column("importer_silent_usd", "float64", "estimate of flows in periods that the importer did not publish", unit="USD", minimum=0),
        Column("importer_confidential_usd", "float64", "the importer's goods under codes with withheld digits", unit="USD", minimum=0),
        Column("importer_total_usd", "float64", "what the importer published as its total of all goods, as published", unit="USD", missing="not published, or a level below the total", minimum=0),
        # --- data quality
        Column("chapter", "text", "HS chapter, two digits"),
        Column("quality", "float64", "0 to 100: published, known and agreeing with the partners", missing="the partners report nothing to compare with", minimum=0),
        Column("published_share", "float64", "share, by value, of what partners report in periods that the reporter published", missing="the partners report nothing", minimum=0),
        Column("missed_share", "float64", "share, by value, of what partners report in those periods and the reporter has no row of", missing="no period was published that partners report", minimum=0),
        Column("median_gap", "float64", "median of the absolute log gaps of flows that both report", missing="no flow is reported by both", minimum=0),
        Column("reported_flows", "int64", "flows with a positive report", unit="flows", minimum=0),
        Column("compared_flows", "int64", "flows that both report", unit="flows", minimum=0),
        Column("reported_usd", "float64", "what the reporter reports, on the exporter's scale", unit="USD", minimum=0),
        Column("partner_usd", "float64", "what the partners report of the same flows, on the exporter's scale", unit="USD", minimum=0),
        # --- facts beside the reports
        Column("area", "text", "economy that the fact is about (area code)"),
        Column("gdp_usd", "float64", "gross domestic product of the year at current prices", unit="USD", minimum=0),
        Column("currency", "text", "ISO 4217 code of the currency"),
        Column("per_usd", "float64", "units of the currency for one US dollar, averaged over the days of the period", unit="currency per USD", minimum=0),
        # --- gaps between the books
        Column("member_of", "text", "customs unions, by area code, whose own row holds this one: never add both", missing="not in the row of a union"),
        Column("importer_fob_usd", "float64", "what the importer reported, put on FOB", unit="USD", minimum=0),
        Column("gap_usd", "float64", "exporter's less importer's report, both FOB, over the periods that both published", unit="USD"),
        Column("lost_usd", "float64", "sum of the gaps in which the exporter shows more, pair by pair and code by code", unit="USD", minimum=0),
        Column("orphan_usd", "float64", "sum of the gaps in which the importer shows more, as a positive amount", unit="USD", minimum=0),
        Column("arrived_ratio", "float64", "importer's report on FOB over exporter's", missing="the exporter reports nothing", minimum=0),
        Column("usual_ratio", "float64", "the same as it was before, drawn to the pair's and the importer's where there was little", missing="too few earlier periods, or the exporter reports nothing", minimum=0),
        Column("unusual_usd", "float64", "part of the gap that the earlier ratio does not explain: arrivals missing (positive) or dispatches missing (negative)", unit="USD", missing="not identified: see status"),
        Column("unusual_low_usd", "float64", "lower end of the 90% interval of unusual_usd", unit="USD", missing="not identified: see status"),
        Column("unusual_high_usd", "float64", "upper end of the 90% interval of unusual_usd", unit="USD", missing="not identified: see status"),
        Column("z_score", "float64", "log change of the ratio over what such ratios change by for no reason; under zero where less arrives than usual", missing="not identified: see status"),
        Column("before_exporter_usd", "float64", "what the exporter reported before, scaled to as many periods", unit="USD", missing="no earlier periods", minimum=0),
        Column("before_importer_fob_usd", "float64", "what the importer reported before, FOB, scaled to as many periods", unit="USD", missing="no earlier periods", minimum=0),
        Column("before_lost_usd", "float64", "lost_usd before, scaled to as many periods", unit="USD", missing="no earlier periods", minimum=0),
        Column("before_orphan_usd", "float64", "orphan_usd before, scaled to as many periods", unit="USD", missing="no earlier periods", minimum=0),
        Column("periods", "int64", "periods compared: published by both sides", unit="periods", minimum=0),
        Column("before_periods", "int64", "earlier periods that they are compared with", unit="periods", minimum=0),
        Column("direction", "text", "which book shows more", missing="both directions together: the net", allowed=GapDirection),
        Column("published_gap_usd", "float64", "exporter's less importer's report, each as published", unit="USD"),
        Column("valuation_usd", "float64", "part of it that is freight and insurance, which only the importer counts", unit="USD"),
        Column("attribution_usd", "float64", "part of it that the importer books under another origin, or takes from other consignors", unit="USD"),
        Column("timing_usd", "float64", "part of it that left in one month and arrived in the next", unit="USD"),
        Column("product_usd", "float64", "part of it that stands under a neighbouring code in the other book", unit="USD"),
        Column("unexplained_usd", "float64", "what is left", unit="USD"),
        Column("consignment_fob_usd", "float64", "what the importer reports from there by country of consignment, put on FOB", unit="USD", missing="not published by consignment", minimum=0),
        Column("elsewhere_usd", "float64", "the most of it that may stand under another partner: opposite gaps, in the same goods and periods, of the importer's other partners (exporter_more) or of the exporter's (importer_more)", unit="USD", missing="both directions together", minimum=0),
        # --- detours
        Column("origin", "text", "where the goods come from (area code)"),
        Column("hub", "text", "where they are unloaded only to be shipped on (area code)"),
        Column("further_hubs", "text", "hubs after the first one, in order: ARM, or ARM,GEO", missing="one hub alone, or summed over"),
        Column("destination", "text", "where they end (area code)"),
        Column("kind", "text", "whose goods, and how the hub's books show them", allowed=DetourKind),
        Column("estimate_usd", "float64", "estimate of what took the detour or the round trip, FOB at the origin or maker, for the whole after-window", unit="USD", missing="not identified: see status", minimum=0),
        Column("low_usd", "float64", "5th percentile of the true amount", unit="USD", missing="not identified: see status", minimum=0),
        Column("high_usd", "float64", "95th percentile of the true amount", unit="USD", missing="not identified: see status", minimum=0),
        Column("estimate_kg", "float64", "estimate by weight; of a detour at the inbound leg's unit value", unit="kg", missing="the legs have no weight, or not identified", minimum=0),
        Column("tier", "text", "list of controlled goods and its tier, such as CHPL 1", missing="on no list that was named"),
        Column("estimate_amount", "float64", "estimate in the unit asked for, at the rates of the months of the excess", missing="not identified, or under four fifths of it have the unit", minimum=0),
        Column("low_amount", "float64", "5th percentile of the true amount in that unit", missing="as of estimate_amount", minimum=0),
        Column("high_amount", "float64", "95th percentile of the true amount in that unit", missing="as of estimate_amount", minimum=0),
        Column("amount_unit", "text", "unit of estimate_amount: EUR, kg, u (pieces), USD at prices of 2021"),
        Column("q_value", "float64", "share of findings this strong that placebos also give", missing="no placebo was possible", minimum=0),
        Column("status", "text", "identified, or why the amount is withheld"),
        Column("excess_in_usd", "float64", "excess origin → hub over its expected value", unit="USD", missing="summed over", minimum=0),
        Column("excess_on_usd", "float64", "excess hub → destination over its expected value", unit="USD", missing="the onward leg is not observed", minimum=0),
        Column("shortfall_usd", "float64", "shortfall of the direct flow origin → destination", unit="USD", missing="summed over", minimum=0),
        Column("before_in_usd", "float64", "origin → hub in the before-window, scaled to the after-window", unit="USD", missing="no data before", minimum=0),
        Column("after_in_usd", "float64", "origin → hub in the after-window", unit="USD", missing="no data after", minimum=0),
        Column("expected_in_usd", "float64", "origin → hub expected without the event", unit="USD", missing="no data before", minimum=0),
        Column("before_direct_usd", "float64", "origin → destination in the before-window, scaled", unit="USD", missing="no data before", minimum=0),
        Column("after_direct_usd", "float64", "origin → destination in the after-window", unit="USD", missing="no data after", minimum=0),
        Column("expected_direct_usd", "float64", "origin → destination expected without the event", unit="USD", missing="no data before", minimum=0),
        Column("baseline", "text", "how the expected flows were found: untreated, gravity, controls, unlisted, unidentified"),
        Column("rerouted_share", "float64", "estimate over the shortfall of the same direct flows", missing="goods of others, not identified, or more than the product's own shortfall", minimum=0),
        Column("onward_onset", "text", "month in which the hub's trade to the destinations stepped up", missing="no clear step, not observed, or several hubs"),
        Column("hub_markup", "float64", "unit value hub → destination over that of origin → hub, less one; the median over products", missing="a leg is not weighed"),
        Column("unlisted_in_growth", "float64", "after over before of origin → hub in goods outside the list", missing="all goods are listed, or nothing before", minimum=0),
        Column("others_in_growth", "float64", "after over before of the hub's arrivals of the same goods from others than origins and destinations", missing="nothing before", minimum=0),
        Column("news", "text", "what became of the finding", allowed=FindingChange),
        Column("earlier_estimate_usd", "float64", "estimate in the earlier state of the lake", unit="USD", missing="there was no such row, or its amount was withheld", minimum=0),
        Column("earlier_low_usd", "float64", "5th percentile in the earlier state", unit="USD", missing="there was no such row, or its amount was withheld", minimum=0),
        Column("earlier_high_usd", "float64", "95th percentile in the earlier state", unit="USD", missing="there was no such row, or its amount was withheld", minimum=0),
        Column("earlier_q_value", "float64", "q_value in the earlier state", missing="there was no such row", minimum=0),
        Column("is_headline", "bool", "the choices that were asked for"),
        Column("before", "text", "before-window, first:last"),
        Column("after", "text", "after-window, first:last"),
        Column("z", "float64", "departures of the direct flow within so many standard deviations are noise", minimum=0),
        Column("book", "text", "whose book counts first where both sides published: exporter or importer"),
        Column("left_out_kind", "text", "what sort of thing was left out: product, origin, hub, destination, period", missing="nothing was left out"),
        Column("left_out", "text", "code of what was left out", missing="nothing was left out"),
        Column("headline_share", "float64", "total over the headline's", missing="the headline found nothing", minimum=0),
        Column("month_share", "float64", "part of the round trip that came back in the month", minimum=0),
        # --- circulation of trade, and trade net of round trips
        Column("excess_share", "float64", "part of the trade that can go in circles, over placebo networks, less the same in the earlier periods", missing="fewer than two earlier periods"),
        Column("low_share", "float64", "lower end of the 90% interval of excess_share", missing="fewer than two earlier periods"),
        Column("high_share", "float64", "upper end of the 90% interval of excess_share", missing="fewer than two earlier periods"),
        Column("circulation_share", "float64", "maximum circulation over trade; ordinary two-way trade is in it", minimum=0),
        Column("placebo_share", "float64", "mean of the same where importers are exchanged among flows of like size", minimum=0),
        Column("before_share", "float64", "median of circulation less placebos in the earlier periods", missing="fewer than two earlier periods"),
        Column("earlier_periods", "int64", "earlier periods with trade in the product", minimum=0),
        Column("trade_usd", "float64", "all trade of the product in the period", unit="USD", minimum=0),
        Column("flows", "int64", "pairs of areas that traded", minimum=0),
        Column("cycle", "text", "areas in the order in which the goods would pass, the first one again at the end"),
        Column("cycle_usd", "float64", "what the cycle carries in a maximum circulation; no volume of round trips", unit="USD", minimum=0),
        Column("cycle_before_usd", "float64", "mean over the earlier periods of the cycle's smallest flow", unit="USD", missing="no earlier period", minimum=0),
        Column("cycle_excess_usd", "float64", "cycle_usd less cycle_before_usd", unit="USD"),
        Column("category", "text", "all, non-energy (without chapter 27), or a chapter"),
        Column("quiet_usd", "float64", "trade before the first month, on the length of the time from it on", unit="USD", minimum=0),
        Column("since_usd", "float64", "trade from the first month on", unit="USD", minimum=0),
        Column("round_trip_usd", "float64", "of it, what the identified round trips make", unit="USD", minimum=0),
        Column("round_trip_low_usd", "float64", "5th percentile of round_trip_usd", unit="USD", missing="nothing planted was found", minimum=0),
        Column("round_trip_high_usd", "float64", "95th percentile of round_trip_usd", unit="USD", missing="nothing planted was found", minimum=0),
        Column("net_usd", "float64", "since_usd less round_trip_usd", unit="USD", minimum=0),
        Column("growth", "float64", "since_usd over quiet_usd, less one", missing="nothing was traded before"),
        Column("net_growth", "float64", "net_usd over quiet_usd, less one", missing="nothing was traded before"),
        Column("returned_share", "float64", "share of the maker's imports from the via that came from the maker", missing="the row is the maker's exports", minimum=0),
        # --- round trips
        Column("maker", "text", "where the goods are made, leave, and come back to (area code)"),
        Column("via", "text", "where they stop over before they are bought back (area code)"),
        Column("second_via", "text", "second stop-over, to which the first one sells on (area code)", missing="the goods come back from the first"),
        Column("markup", "float64", "unit value of the excess back over that of the excess out, less one", missing="a leg is not weighed, or not identified"),
        Column("markup_low", "float64", "5th percentile of the true mark-up", missing="a leg is not weighed, or not identified"),
        Column("markup_high", "float64", "95th percentile of the true mark-up", missing="a leg is not weighed, or not identified"),
        Column("lag_months", "int32", "months between leaving the maker and leaving the last via", unit="months", missing="not identified", minimum=0),
        Column("lag_low", "int32", "5th percentile of the lag", unit="months", missing="not identified", minimum=0),
        Column("lag_high", "int32", "95th percentile of the lag", unit="months", missing="not identified", minimum=0),
        Column("lag_probability", "float64", "probability that the lag is right within a month", missing="not identified", minimum=0),
        Column("onset", "text", "month in which the first goods left; of a detour, in which the hub's arrivals from the origins stepped up", missing="not identified, no clear step, or several hubs"),
        Column("conserved", "text", "weight, or value less the mark-up where a leg is not weighed or its weights are estimated", missing="not identified"),
        Column("excess_out_usd", "float64", "maker → via over its expected value, in the months whose goods can be back", unit="USD", minimum=0),
        Column("excess_back_usd", "float64", "via → maker over its expected value, the lag later", unit="USD", minimum=0),
        Column("excess_out_kg", "float64", "maker → via over its expected weight, in the same months", unit="kg", missing="not weighed, or not identified", minimum=0),
        Column("excess_back_kg", "float64", "via → maker over its expected weight, the lag later", unit="kg", missing="not weighed, or not identified", minimum=0),
        Column("out_usd", "float64", "maker → via in those months", unit="USD", minimum=0),
        Column("back_usd", "float64", "via → maker in those months", unit="USD", minimum=0),
        Column("expected_out_usd", "float64", "maker → via expected without round trips", unit="USD", minimum=0),
        Column("expected_back_usd", "float64", "via → maker expected without round trips", unit="USD", minimum=0),
        Column("co_movement", "float64", "correlation of what both legs had over their expected months, at the lag", missing="not identified"),
        Column("via_supply_usd", "float64", "what the via sold of the product to all areas before, on the length of the after-window", unit="USD", minimum=0),
        Column("re_imported_usd", "float64", "rise of the maker's recorded re-imports of the product, from the via or from nowhere named", unit="USD", missing="no re-imports in the data, or not identified", minimum=0),
        Column("home_usd", "float64", "rise of the maker's imports of the product under itself (partner = reporter), through all vias", unit="USD", missing="not identified", minimum=0),
        Column("re_exported_usd", "float64", "rise of the via's recorded re-exports of the product to the maker", unit="USD", missing="no re-exports in the data, or not identified", minimum=0),
        Column("own_origin_usd", "float64", "rise of the maker's imports of its own origin that the via consigned", unit="USD", missing="no consignment in the data, or not identified", minimum=0),
        Column("evidence", "text", "kinds of evidence that hold, in words", missing="not identified"),
        Column("raw_increase_usd", "float64", "plain increase origin → hub: what a spreadsheet would call rerouted", unit="USD", missing="no data before"),
        # --- levels and events
        Column("break_period", "text", "first month of the new level"),
        Column("earliest_period", "text", "first month of the 90% interval of break_period"),
        Column("latest_period", "text", "last month of the 90% interval of break_period"),
        Column("change_ratio", "float64", "level after over level before; a stop shows as 0.01 or less", minimum=0),
        Column("change_low", "float64", "5th percentile of change_ratio", minimum=0),
        Column("change_high", "float64", "95th percentile of change_ratio", minimum=0),
        Column("level_before_usd", "float64", "typical month between the break before and this one: geometric mean without season and outliers", unit="USD", minimum=0),
        Column("level_after_usd", "float64", "typical month between this break and the next", unit="USD", minimum=0),
        Column("break_z", "float64", "size of the break in standard errors, autocorrelation counted", minimum=0),
        Column("noise_sd", "float64", "standard deviation of the logs around their levels", minimum=0),
        Column("autocorrelation", "float64", "correlation of the noise from month to month", minimum=0),
        Column("months_before", "int64", "observed months of the level before", unit="months", minimum=0),
        Column("months_after", "int64", "observed months of the level after", unit="months", minimum=0),
        Column("books_before", "text", "who mostly published in the level before: both, exporter, importer"),
        Column("books_after", "text", "who mostly published in the level after: both, exporter, importer"),
        Column("events", "text", "dated events that name a side and have the break in the months after them, with their dates", missing="none"),
        Column("event", "text", "name of the dated event"),
        Column("event_date", "date", "first day of application"),
        Column("event_kind", "text", "kind of the event: sanction, embargo, tariff, …"),
        Column("relation", "text", "how the series counted stand to the event", allowed=EventRelation),
        Column("series", "int64", "series that were judged and stand so to the event", minimum=0),
        Column("breaks", "int64", "their breaks in the months from the event on", minimum=0),
        Column("expected_breaks", "float64", "mean of the same over permutations: the breaks of each pair moved by as many months", minimum=0),
        Column("p_value", "float64", "share of permutations with as many breaks or more", minimum=0),
        Column("months_share", "float64", "share of all months that are followed by as many breaks of these series", minimum=0),
        # --- unit values
        Column("unit", "text", "unit of the amounts: kg, or a unit of supplementary quantities"),
        Column("priced_usd", "float64", "value of the part that has a usable amount, on the book's own valuation; of mark-ups that of the after-window", unit="USD", minimum=0),
        Column("amount", "float64", "net weight or supplementary quantity", unit="unit", minimum=0),
        Column("unit_value", "float64", "value over amount", unit="USD per unit", minimum=0),
        Column("usual_unit_value", "float64", "median unit value of the supplier's buyers of the product in the period", unit="USD per unit", minimum=0),
        Column("unit_value_ratio", "float64", "unit value over the usual one", minimum=0),
        Column("pair_ratio", "float64", "median of unit_value_ratio of the same flow over all periods: what the buyer always pays", minimum=0),
        Column("price_z", "float64", "log of unit_value_ratio over the supplier's usual spread of it"),
        Column("z_share", "float64", "share of all judged unit values that are as far", minimum=0),
        Column("invoicing", "text", "over or under the usual unit value", allowed=Invoicing),
        Column("difference_usd", "float64", "value less the amount at the usual unit value", unit="USD"),
        Column("buyers", "int64", "buyers that the supplier has of the product in the period", minimum=0),
        Column("before_markup", "float64", "unit value over that of the supplier's other buyers, less one, before the event"),
        Column("before_markup_low", "float64", "5th percentile of before_markup", missing="a window has fewer than six periods"),
        Column("before_markup_high", "float64", "95th percentile of before_markup", missing="a window has fewer than six periods"),
        Column("after_markup", "float64", "the same after the event"),
        Column("after_markup_low", "float64", "5th percentile of after_markup", missing="a window has fewer than six periods"),
        Column("after_markup_high", "float64", "95th percentile of after_markup", missing="a window has fewer than six periods"),
        Column("markup_change", "float64", "one plus after_markup over one plus before_markup, less one"),
        Column("markup_change_low", "float64", "5th percentile of markup_change", missing="a window has fewer than six periods"),
        Column("markup_change_high", "float64", "95th percentile of markup_change", missing="a window has fewer than six periods"),
        Column("priced_flows", "int64", "flows (exporter × importer × hs_code) that are priced beside others in both windows", unit="flows", minimum=0),
        Column("other_buyers", "float64", "mean number of other buyers compared with", minimum=0),
        Column("value_before_usd", "float64", "value of the before-window, scaled to the periods published after", unit="USD", minimum=0),
        Column("value_after_usd", "float64", "value of the after-window", unit="USD", minimum=0),
        Column("value_change_usd", "float64", "value after less value before", unit="USD"),
        Column("fisher_price_usd", "float64", "part of the change that is price, by Fisher's index", unit="USD", missing="no item is priced in both windows"),
        Column("fisher_volume_usd", "float64", "part of the change that is volume, by Fisher's index", unit="USD", missing="no item is priced in both windows"),
        Column("tornqvist_price_usd", "float64", "part of the change that is price, by Törnqvist's index", unit="USD", missing="no item is priced in both windows"),
        Column("tornqvist_volume_usd", "float64", "the rest of the change of the priced items", unit="USD", missing="no item is priced in both windows"),
        Column("entered_usd", "float64", "value after of items without trade before", unit="USD", minimum=0),
        Column("left_usd", "float64", "value before of items without trade after", unit="USD", minimum=0),
        Column("unpriced_change_usd", "float64", "change of items whose unit values are not known or not to be believed", unit="USD"),
        Column("fisher_price", "float64", "Fisher's price index, after over before", missing="no item is priced in both windows", minimum=0),
        Column("fisher_volume", "float64", "Fisher's volume index, after over before", missing="no item is priced in both windows", minimum=0),
        Column("tornqvist_price", "float64", "Törnqvist's price index, after over before", missing="no item is priced in both windows", minimum=0),
        Column("tornqvist_volume", "float64", "value index over Törnqvist's price index", missing="no item is priced in both windows", minimum=0),
        Column("laspeyres_price", "float64", "price index with the quantities before", missing="no item is priced in both windows", minimum=0),
        Column("paasche_price", "float64", "price index with the quantities after", missing="no item is priced in both windows", minimum=0),
        Column("items", "int64", "priced items (exporter × importer × hs_code)", minimum=0),
        Column("priced_share", "float64", "share of both windows' value that is in priced items", missing="there is no value", minimum=0),
        # --- incentives
        Column("months", "int64", "months of departure that the rates are averaged over", unit="months", minimum=0),
        Column("maker_currency", "text", "ISO 4217 code of the maker's currency at the onset", missing="not known: see status"),
        Column("maker_rate_change", "float64", "units of the maker's currency per US dollar when the goods are back over those when they left, less one", missing="not known: see status"),
        Column("via_currency", "text", "ISO 4217 code of the via's currency at the onset", missing="not known: see status"),
        Column("via_rate_change", "float64", "the same of the via's currency", missing="not known: see status"),
        Column("subsidy_rate", "float64", "assumed: what the maker's side is paid for sending out and taking back (rebate, preference), over the value going out"),
        Column("cost_rate", "float64", "assumed: what the via's side spends (freight, duty, relabelling), over the value going out"),
        Column("maker_gain", "float64", "what the maker's side gains in its own currency, over the value going out: 1 + subsidy − (1 + markup)(1 + rate change)", missing="not known: see status"),
        Column("maker_gain_low", "float64", "maker_gain at the 95th percentile of the mark-up", missing="not known: see status"),
        Column("maker_gain_high", "float64", "maker_gain at the 5th percentile of the mark-up", missing="not known: see status"),
        Column("via_gain", "float64", "what the via's side gains in its own currency: (1 + markup)(1 + rate change) − 1 − cost", missing="not known: see status"),
        Column("via_gain_low", "float64", "via_gain at the 5th percentile of the mark-up", missing="not known: see status"),
        Column("via_gain_high", "float64", "via_gain at the 95th percentile of the mark-up", missing="not known: see status"),
        Column("break_even_subsidy", "float64", "subsidy at which the maker's side loses nothing", missing="not known: see status"),
        Column("break_even_cost", "float64", "costs up to which the via's side gains", missing="not known: see status"),
        # --- findings of checks
        Column("severity", "text", "what the finding means for figures made of the lake", allowed=Severity),
        Column("check", "text", "what the finding is about", allowed=CheckName),
        Column("rows", "int64", "rows concerned", unit="rows", missing="the finding is about no rows", minimum=0),
        Column("total_usd", "float64", "totals as published", unit="USD", missing="the finding is about no totals", minimum=0),
        Column("parts_usd", "float64", "sum of the parts of the totals", unit="USD", missing="the finding is about no totals", minimum=0),
        Column("finding", "text", "what was found, in words"),
        Column("hint", "text", "what to do next"),
        # --- totals and their parts
        Column("parts_of", "text", "what the parts are", allowed=PartsOf),
        Column("totals", "int64", "how many totals were compared", minimum=0),
        Column("named_usd", "float64", "sum of the parts under a code and partner of their own", unit="USD", minimum=0),
        Column("confidential_usd", "float64", "sum of the parts whose code or partner the publisher withholds", unit="USD", minimum=0),
        Column("unallocated_usd", "float64", "sum of the parts of chapter 99 or of no stated partner", unit="USD", minimum=0),
        Column("rounding_usd", "float64", "total − parts, where no more than rounding can make of them", unit="USD"),
        Column("missing_usd", "float64", "total − parts, where the total is larger by more: no row explains it", unit="USD", minimum=0),
        Column("surplus_usd", "float64", "parts − total, where the parts are larger by more", unit="USD", minimum=0),
        # --- changes between vintages
        Column("change", "text", "what became of the cell", allowed=ChangeKind),
        Column("before_usd", "float64", "value in the earlier vintage", unit="USD", missing="not reported then", minimum=0),
        Column("after_usd", "float64", "value in the later vintage", unit="USD", missing="not reported any more", minimum=0),
        Column("change_usd", "float64", "after − before, a cell that is not reported taken as nothing", unit="USD"),
        Column("before_kg", "float64", "net weight in the earlier vintage", unit="kg", missing="not reported then", minimum=0),
        Column("after_kg", "float64", "net weight in the later vintage", unit="kg", missing="not reported any more", minimum=0),
        Column("before_vintage", "date", "vintage that counted then", missing="not reported then"),
        Column("after_vintage", "date", "vintage that counts now", missing="not reported any more"),
        Column("cells_added", "int64", "leaves that are new, of periods published before or not", minimum=0),
        Column("cells_removed", "int64", "leaves that are gone", minimum=0),
        Column("cells_revised", "int64", "leaves with another value or weight", minimum=0),
        Column("gross_usd", "float64", "sum of the changes of goods without their signs", unit="USD", minimum=0),
        Column("goods_before_usd", "float64", "sum of the goods in the earlier vintage", unit="USD", missing="no goods were reported then", minimum=0),
        Column("goods_after_usd", "float64", "sum of the goods in the later vintage", unit="USD", missing="no goods are reported now", minimum=0),
        Column("total_before_usd", "float64", "published total of all goods in the earlier vintage: of the world, else of all partners", unit="USD", missing="no total was published then", minimum=0),
        Column("total_after_usd", "float64", "published total of all goods in the later vintage", unit="USD", missing="no total is published now", minimum=0),
        # --- reporting calendar
        Column("content", "text", "what the periods are of: goods, or totals where the reporter gives no goods, or nothing"),
        Column("state", "text", "how the reporter stands", allowed=PublishingState),
        Column("first_period", "text", "first period published", missing="nothing was published"),
        Column("last_period", "text", "last period published", missing="nothing was published"),
        Column("periods_published", "int64", "periods published", minimum=0),
        Column("periods_missing", "int64", "periods between the first and the last that were not", minimum=0),
        Column("holes", "text", "those periods, as spans", missing="there are none"),
        Column("periods_behind", "int64", "periods from the last one to the last of the source's median reporter", missing="nothing was published", minimum=0),
        Column("usual_lag_days", "int64", "median days from the end of a period to the vintage it first stood in", unit="days", missing="no period came with a later vintage than the first"),
        Column("last_vintage", "date", "newest vintage of the reporter's rows", missing="nothing was published"),
    )
)
# fmt: on
