"""The query that makes canonical rows of SDMX-CSV: one indicator a line.

The line of a value is the report; it takes the weight and the quantity of its cell. The lines that these
stand on are kept as breakdowns of it, so that every line of the file has its row; a weight without a value
goes to quarantine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.engine.quoting import identifier, literal
from entrepot.schema import QuarantineReason
from entrepot.sources.comext.bulk import RATE_NOTE, WITHHELD, hs_code_sql, is_code_sql
from entrepot.sources.judging import ABSURD, Judgement, detail_sql, is_no_number, reason_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["canonical_sql"]

#: What an indicator measures, and what its figure is multiplied by.
_INDICATORS: Final = {
    "VALUE_IN_EUROS": ("value", 1),
    "VALUE_EUR": ("value", 1),
    "VALUE_NAC": ("national", 1),
    "QUANTITY_IN_100KG": ("weight", 100),
    "QUANTITY_KG": ("weight", 1),
    "SUPPLEMENTARY_QUANTITY": ("amount", 1),
    "QUANTITY_SUPPL_UNIT": ("amount", 1),
}

_CELL: Final = "freq_text, reporter_text, partner_text, product_text, flow_text, period_text"


def canonical_sql(found: Mapping[str, str], raw: str) -> str:
    """Return the query; see :class:`~entrepot.sources.base.Source`.

    Parameters
    ----------
    found
        The file's name of each of the layout's columns that it has.
    raw
        Name of the staged table.
    """
    judgements = _judgements()
    kinds, scales = (
        " ".join(f"WHEN {literal(name)} THEN {literal(both[place])}" for name, both in _INDICATORS.items())
        for place in (0, 1)
    )
    same = " AND ".join(f"lines.{name} = measures.{name}" for name in _CELL.split(", "))
    return f"""
    WITH published AS (
        SELECT row_number, {_code(found, "freq")} AS freq_text, {_code(found, "reporter")} AS reporter_text,
            {_code(found, "partner")} AS partner_text, {_code(found, "product")} AS product_text,
            {_code(found, "flow")} AS flow_text, {_code(found, "indicators")} AS indicator_text,
            {_code(found, "TIME_PERIOD")} AS period_text, {_text(found, "OBS_VALUE")} AS figure_text,
            nullif(concat_ws(' ', {_text(found, "OBS_FLAG")}, {_text(found, "CONF_STATUS")}), '') AS flags
        FROM {raw} AS raw
    ),
    lines AS (
        SELECT *, CASE indicator_text {kinds} END AS kind,
            TRY_CAST(figure_text AS DOUBLE) * CASE indicator_text {scales} END AS figure
        FROM published
    ),
    measures AS (
        SELECT {_CELL},
            CASE WHEN count(*) FILTER (kind = 'weight') = 1
                 THEN max(figure) FILTER (kind = 'weight' AND {_IS_FIGURE}) END AS net_weight,
            CASE WHEN count(*) FILTER (kind = 'amount') = 1
                 THEN max(figure) FILTER (kind = 'amount' AND {_IS_FIGURE}) END AS amount
        FROM lines WHERE kind IN ('weight', 'amount') GROUP BY ALL
    ),
    joined AS (
        SELECT lines.*, measures.net_weight, measures.amount, reporters.code AS reporter,
            partners.code AS partner,
            coalesce(reporters.is_aggregate, FALSE) OR coalesce(partners.is_aggregate, FALSE)
                OR (lines.partner_text IN ('XI', 'XU')
                    AND (SELECT coalesce(bool_or(partner_text = 'GB'), FALSE) FROM published))
                AS is_aggregate,
            coalesce(periods.day BETWEEN reporters.eu_first AND reporters.eu_last
                AND periods.day BETWEEN partners.eu_first AND partners.eu_last, FALSE) AS is_inside,
            periods.period, periods.year, periods.frequency, periods.hs_revision, periods.eur_per_usd,
            chapters.chapter, regexp_full_match(lines.product_text, '[0-9]+') AS is_digits,
            regexp_full_match(lines.product_text, '{WITHHELD}')
                AND NOT regexp_full_match(lines.product_text, '[0-9]+') AS is_withheld
        FROM lines
        LEFT JOIN measures ON lines.kind = 'value' AND {same}
        LEFT JOIN comext_period AS periods ON periods.text = lines.period_text
        LEFT JOIN comext_area AS reporters ON reporters.text = lines.reporter_text
            AND periods.day BETWEEN reporters.first_day AND reporters.last_day
        LEFT JOIN comext_area AS partners ON partners.text = lines.partner_text
            AND periods.day BETWEEN partners.first_day AND partners.last_day
        LEFT JOIN comext_chapter AS chapters ON chapters.chapter = left(lines.product_text, 2)
    ),
    judged AS (SELECT *, {reason_sql(judgements)} AS reason FROM joined)
    SELECT row_number, NULL::VARCHAR AS cell,
        CASE WHEN kind <> 'value' THEN 'breakdown' WHEN is_aggregate THEN 'aggregate' ELSE 'leaf' END AS role,
        reporter, partner,
        CASE WHEN flow_text = '2' THEN 'last_known_destination'
             WHEN is_inside THEN 'consignment' ELSE 'origin' END AS partner_concept,
        NULL::VARCHAR AS consignment_partner,
        CASE flow_text WHEN '1' THEN 'import' WHEN '2' THEN 'export' END AS flow,
        frequency, period, year, {hs_code_sql("product_text")} AS hs_code,
        CASE WHEN product_text = 'TOTAL' THEN 0 ELSE length(product_text) END::INTEGER AS hs_level,
        hs_revision,
        CASE WHEN length(product_text) = 8 THEN product_text END AS national_code,
        CASE WHEN kind = 'value' THEN figure / eur_per_usd END AS primary_value_usd,
        CASE flow_text WHEN '1' THEN 'cif' WHEN '2' THEN 'fob' END AS valuation,
        CASE WHEN kind = 'value' THEN figure END AS reported_value,
        CASE WHEN kind = 'value' THEN 'EUR' END AS reported_currency,
        nullif(CASE kind WHEN 'value' THEN net_weight WHEN 'weight' THEN figure END, 0) AS net_weight_kg,
        NULL::BOOLEAN AS is_net_weight_estimated,
        nullif(CASE kind WHEN 'value' THEN amount WHEN 'amount' THEN figure END, 0) AS quantity,
        CASE WHEN CASE kind WHEN 'value' THEN amount WHEN 'amount' THEN figure END > 0
             THEN 'supplementary unit' END AS quantity_unit,
        NULL::BOOLEAN AS is_quantity_estimated, reason,
        CASE WHEN reason IS NOT NULL THEN {detail_sql(judgements)}
             WHEN kind <> 'value' THEN 'indicators ' || indicator_text END AS detail
    FROM judged
    """


_IS_FIGURE: Final = f"isfinite(figure) AND figure BETWEEN 0 AND {ABSURD}"


def _text(found: Mapping[str, str], name: str) -> str:
    if name not in found:
        return "NULL::VARCHAR"
    return f"nullif(trim(raw.{identifier(found[name])}), '')"


def _code(found: Mapping[str, str], name: str) -> str:
    """Return a code in capitals, without the label that ``label=both`` puts behind it."""
    return f"upper(nullif(trim(split_part(raw.{identifier(found[name])}, ':', 1)), ''))"


def _judgements() -> tuple[Judgement, ...]:
    reasons = QuarantineReason
    figure = ("OBS_VALUE", "figure_text")
    return (
        Judgement(reasons.BAD_PERIOD, "period IS NULL", "TIME_PERIOD", "period_text"),
        Judgement(reasons.BAD_PERIOD, "freq_text IS NULL OR freq_text <> frequency", "freq", "freq_text"),
        Judgement(
            reasons.UNKNOWN_FLOW, "flow_text IS NULL OR flow_text NOT IN ('1', '2')", "flow", "flow_text"
        ),
        Judgement(reasons.UNKNOWN_AREA, "reporter IS NULL", "reporter", "reporter_text"),
        Judgement(reasons.UNKNOWN_AREA, "partner IS NULL", "partner", "partner_text"),
        Judgement(
            reasons.UNKNOWN_HS_CODE,
            f"product_text IS NULL OR NOT {is_code_sql('product_text')}",
            "product",
            "product_text",
        ),
        Judgement(reasons.UNKNOWN_UNIT, "kind IS NULL", "indicators", "indicator_text"),
        Judgement(reasons.MISSING_VALUE, "figure_text IS NULL", "OBS_VALUE", "'is empty, flags ' || flags"),
        Judgement(reasons.BAD_NUMBER, is_no_number("figure_text", "figure"), *figure),
        Judgement(reasons.NEGATIVE_VALUE, "figure < 0", *figure),
        Judgement(reasons.ABSURD_VALUE, f"figure > {ABSURD}", *figure),
        Judgement(
            reasons.MISSING_RATE,
            "kind = 'value' AND eur_per_usd IS NULL",
            "TIME_PERIOD",
            "period_text",
            RATE_NOTE,
        ),
    )
