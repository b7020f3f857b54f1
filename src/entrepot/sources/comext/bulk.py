"""The query that makes canonical rows of a bulk file.

Files of the second and third generation have a row a statistical procedure and no total: the rows add up,
and each is kept with its ``customs_procedure``. Those of the first generation have totals (STAT_REGIME 4)
beside some of their parts, which are then breakdowns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entrepot.engine.quoting import identifier, literal
from entrepot.engine.staging import texts_of
from entrepot.schema import QuarantineReason
from entrepot.sources.comext.codes import PROCEDURES, TOTAL_PROCEDURE, WITHOUT_UNIT
from entrepot.sources.expressions import figure_sql, text_sql, word_sql, words_of
from entrepot.sources.judging import ABSURD, Judgement, detail_sql, is_no_number, reason_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RATE_NOTE", "WITHHELD", "canonical_sql", "hs_code_sql", "is_code_sql"]

RATE_NOTE: Final = "no euro rate: the ECB's begin in January 1999 and end with the package's file"


@dataclass(frozen=True, slots=True)
class _Generation:
    """Names of one generation's columns, and its units."""

    reporter: tuple[str, ...]
    partner: tuple[str, ...]
    procedure: str
    value: str
    weight: str
    amount: str
    unit: str
    #: What the file's value and weight are multiplied by: thousand euro and tonnes on the CD-ROMs.
    scale: int = 1


_GENERATIONS: Final = {
    "full_v2": _Generation(
        ("REPORTER",), ("PARTNER",), "STAT_PROCEDURE", "VALUE_EUR", "QUANTITY_KG", "QUANTITY_SUPPL_UNIT",
        "SUPPL_UNIT",
    ),
    "full_v1": _Generation(
        ("DECLARANT_ISO", "DECLARANT"), ("PARTNER_ISO", "PARTNER"), "STAT_REGIME", "VALUE_IN_EUROS",
        "QUANTITY_IN_KG", "SUP_QUANTITY", "SUPP_UNIT",
    ),
    "nc": _Generation(
        ("DECLARANT",), ("PARTNER",), "STAT_REGIME", "VALUE_1000ECU", "QUANTITY_TON", "SUP_QUANTITY", "",
        1000,
    ),
}  # fmt: skip

#: Codes of which the publisher withholds digits: 39XXXXXX today, 39SSS582 and the like before. Letters
#: may stand from the third place on.
WITHHELD: Final = "[0-9]{2}[0-9A-Z]{6}"


def hs_code_sql(product: str) -> str:
    """Return the SQL of the HS code of a product of 8 characters or of 2, 4 or 6 digits.

    X stands for what is withheld, so that the sum of a chapter holds it and no code of six digits does.
    """
    return (
        f"CASE WHEN {product} IN ('TOTAL', 'TT') THEN 'TOTAL' WHEN is_withheld "
        f"THEN left(regexp_replace({product}, '[A-Z].*$', 'XXXXXX'), 6) ELSE left({product}, 6) END"
    )


def is_code_sql(product: str) -> str:
    """Return the SQL that is true where a text is a product code: its chapter exists, its shape is right."""
    return (
        f"({product} IN ('TOTAL', 'TT') OR (chapter IS NOT NULL AND (is_withheld "
        f"OR (length({product}) IN (2, 4, 6, 8) AND is_digits))))"
    )


_AREAS: Final = words_of("comext_area", {"code": "reporter"})
_PERIODS: Final = words_of(
    "comext_period", {"period": "period", "frequency": "frequency", "hs_revision": "hs_revision"}
)


class _Columns:
    """The file's columns as SQL, ``NULL`` where the file has none."""

    def __init__(self, found: Mapping[str, str]) -> None:
        self._found = found

    def text(self, *names: str) -> str:
        """Return the trimmed text of the first column that the file has and the row fills."""
        texts = [text_sql(self._found[name]) for name in names if name in self._found]
        if not texts:
            return "NULL::VARCHAR"
        return f"coalesce({', '.join(texts)})" if len(texts) > 1 else texts[0]

    def figure(self, name: str) -> str:
        """Return the text of a number."""
        return figure_sql(self._found[name]) if name in self._found else "NULL::VARCHAR"

    def area(self, *names: str) -> str:
        """Return an area code; numbers in the four digits of the table."""
        text = f"upper({self.text(*names)})"
        if not any(name in self._found for name in ("DECLARANT", "DECLARANT_ISO")):
            return text
        return f"CASE WHEN {text} BETWEEN '0' AND '9999' THEN lpad({text}, 4, '0') ELSE {text} END"

    def classifications(self) -> str:
        """Return what else is published of a product: lines of one withheld code differ in it alone."""
        names = [
            found
            for name, found in self._found.items()
            if name.casefold().startswith("product_") and name not in {"PRODUCT_NC", "PRODUCT_SECTION"}
        ]
        texts = ", ".join(map(text_sql, names))
        if not texts:
            return "''"
        # Most codes are whole: only for the others is it worth putting together.
        product = f"raw.{identifier(self._found['PRODUCT_NC'])}"
        return f"CASE WHEN TRY_CAST({product} AS UBIGINT) IS NULL THEN concat_ws(' ', {texts}) ELSE '' END"


def canonical_sql(layout: str, found: Mapping[str, str], raw: str) -> str:
    """Return the query; see :class:`~entrepot.sources.base.Source`.

    Parameters
    ----------
    layout
        ``full_v2``, ``full_v1`` or ``nc``.
    found
        The file's name of each of the layout's columns that it has.
    raw
        Name of the staged table.
    """
    names = _GENERATIONS[layout]
    columns = _Columns(found)
    judgements = _judgements(names)
    has_total, has_kingdom = _whole_file(layout, names, columns, raw)
    product = f"upper({columns.text('PRODUCT_NC')})"
    unit = columns.text(names.unit) if names.unit else "'supplementary unit'"
    return f"""
    WITH published AS (
        SELECT row_number, {columns.text("PERIOD")} AS period_text,
            {columns.area(*names.reporter)} AS reporter_text, {columns.area(*names.partner)} AS partner_text,
            upper({columns.text("TRADE_TYPE")}) AS type_text,
            {product} AS product_text,
            {columns.text("FLOW")} AS flow_text, {columns.text(names.procedure)} AS procedure_text,
            upper({unit}) AS unit_text, {columns.figure(names.value)} AS value_text,
            {columns.figure(names.weight)} AS weight_text, {columns.figure(names.amount)} AS amount_text,
            {columns.classifications()} AS classifications
        FROM {raw} AS raw
    ),
    goods AS MATERIALIZED ({_goods(product, texts_of(raw, found["PRODUCT_NC"]))}),
    joined AS (
        SELECT published.*, reporters.code AS reporter, partners.code AS partner,
            coalesce(reporters.is_aggregate, FALSE) OR coalesce(partners.is_aggregate, FALSE)
                OR coalesce(type_text IN ('L', 'M'), FALSE)
                OR (partner_text IN ('XI', 'XU') AND {has_kingdom}) AS is_aggregate,
            coalesce(type_text IN ('I', 'L'), periods.day BETWEEN reporters.eu_first AND reporters.eu_last
                AND periods.day BETWEEN partners.eu_first AND partners.eu_last, FALSE) AS is_inside,
            periods.period, periods.year, periods.frequency, periods.hs_revision, periods.eur_per_usd,
            goods.is_digits, goods.is_withheld, goods.is_code, goods.hs_code, units.unit,
            TRY_CAST(value_text AS DOUBLE) * {names.scale} AS euro,
            TRY_CAST(weight_text AS DOUBLE) * {names.scale} AS net_weight,
            TRY_CAST(amount_text AS DOUBLE) AS amount,
            {_words("procedure_text", PROCEDURES)} AS procedure
        FROM published
        LEFT JOIN {_PERIODS} AS periods ON periods.text = period_text
        LEFT JOIN {_AREAS} AS reporters ON reporters.text = reporter_text
            AND periods.day BETWEEN reporters.first_day AND reporters.last_day
        LEFT JOIN {_AREAS} AS partners ON partners.text = partner_text
            AND periods.day BETWEEN partners.first_day AND partners.last_day
        LEFT JOIN goods ON goods.product_text = published.product_text
        LEFT JOIN comext_unit AS units ON units.text = unit_text
    ),
    judged AS (
        SELECT *, {reason_sql(judgements)} AS reason,
            {has_total} AND procedure_text <> '{TOTAL_PROCEDURE}' AS is_part
        FROM joined
    )
    SELECT row_number, NULL::VARCHAR AS cell,
        CASE WHEN is_part THEN {word_sql("role", "breakdown")}
             WHEN is_aggregate THEN {word_sql("role", "aggregate")}
             ELSE {word_sql("role", "leaf")} END AS role,
        reporter, partner,
        CASE WHEN flow_text = '2' THEN {word_sql("partner_concept", "last_known_destination")}
             WHEN is_inside THEN {word_sql("partner_concept", "consignment")}
             ELSE {word_sql("partner_concept", "origin")} END AS partner_concept,
        NULL::VARCHAR AS consignment_partner,
        CASE flow_text WHEN '1' THEN {word_sql("flow", "import")}
             WHEN '2' THEN {word_sql("flow", "export")} END AS flow,
        procedure AS customs_procedure, frequency, period, year,
        hs_code,
        CASE WHEN product_text IN ('TOTAL', 'TT') THEN 0 ELSE length(product_text) END::INTEGER AS hs_level,
        hs_revision,
        CASE WHEN is_withheld THEN rtrim(product_text || ' ' || classifications)
             WHEN length(product_text) = 8 THEN product_text END AS national_code,
        euro / eur_per_usd AS primary_value_usd,
        CASE flow_text WHEN '1' THEN {word_sql("valuation", "cif")}
             WHEN '2' THEN {word_sql("valuation", "fob")} END AS valuation,
        euro AS reported_value, 'EUR' AS reported_currency,
        nullif(net_weight, 0) AS net_weight_kg, NULL::BOOLEAN AS is_net_weight_estimated,
        CASE WHEN {_has_unit()} THEN nullif(amount, 0) END AS quantity,
        CASE WHEN {_has_unit()} AND amount > 0 THEN coalesce(unit, lower(unit_text)) END AS quantity_unit,
        NULL::BOOLEAN AS is_quantity_estimated, reason,
        CASE WHEN reason IS NOT NULL THEN {detail_sql(judgements)}
             WHEN is_part THEN '{names.procedure} ' || procedure_text END AS detail
    FROM judged
    """


def _goods(product: str, raw: str) -> str:
    """Return the query of what each product code means, which are few beside the rows."""
    return f"""
        SELECT *, {is_code_sql("product_text")} AS is_code, {hs_code_sql("product_text")} AS hs_code
        FROM (
            SELECT product_text, regexp_full_match(product_text, '[0-9]+') AS is_digits,
                regexp_full_match(product_text, '{WITHHELD}') AND NOT is_digits AS is_withheld
            FROM (SELECT DISTINCT {product} AS product_text FROM {raw} AS raw)
        ) LEFT JOIN comext_chapter ON chapter = left(product_text, 2)
    """


def _has_unit() -> str:
    return f"coalesce(unit_text NOT IN ({', '.join(map(literal, WITHOUT_UNIT))}), FALSE)"


def _words(text: str, words: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN {literal(code)} THEN {literal(word)}" for code, word in words.items())
    return f"CASE {text} {cases} END"


def _whole_file(layout: str, names: _Generation, columns: _Columns, raw: str) -> tuple[str, str]:
    """Return what only the whole file tells: whether it has totals of procedures, and rows of all of GB.

    Northern Ireland and Great Britain (XI, XU) stand beside the Kingdom that they are parts of.
    """
    if layout == "full_v2":
        has_total = "FALSE"
    else:
        has_total = (
            f"(SELECT coalesce(bool_or({columns.text(names.procedure)} = '{TOTAL_PROCEDURE}'), FALSE) "
            f"FROM {raw} AS raw)"
        )
    has_kingdom = (
        f"(SELECT coalesce(bool_or({columns.area(*names.partner)} = 'GB'), FALSE) FROM {raw} AS raw)"
    )
    return has_total, has_kingdom


def _judgements(names: _Generation) -> tuple[Judgement, ...]:
    reasons = QuarantineReason
    is_total = "FALSE" if names.procedure == "STAT_PROCEDURE" else f"procedure_text = '{TOTAL_PROCEDURE}'"
    shown = {
        "value": (names.value, "value_text"),
        "weight": (names.weight, "weight_text"),
        "amount": (names.amount, "amount_text"),
    }
    return (
        Judgement(reasons.BAD_PERIOD, "period IS NULL", "PERIOD", "period_text"),
        Judgement(
            reasons.UNKNOWN_FLOW, "flow_text IS NULL OR flow_text NOT IN ('1', '2')", "FLOW", "flow_text"
        ),
        Judgement(reasons.UNKNOWN_FLOW, "type_text NOT IN ('I', 'E', 'L', 'M')", "TRADE_TYPE", "type_text"),
        Judgement(
            reasons.UNKNOWN_FLOW,
            f"procedure IS NULL AND ({is_total}) IS NOT TRUE",
            names.procedure,
            "procedure_text",
        ),
        Judgement(reasons.UNKNOWN_AREA, "reporter IS NULL", names.reporter[-1], "reporter_text"),
        Judgement(reasons.UNKNOWN_AREA, "partner IS NULL", names.partner[-1], "partner_text"),
        Judgement(
            reasons.UNKNOWN_HS_CODE,
            "is_digits AND length(product_text) IN (3, 5, 7)",
            "PRODUCT_NC",
            "product_text",
            "its leading zero is lost, as in a spreadsheet: take the file as it was published",
        ),
        Judgement(
            reasons.UNKNOWN_HS_CODE,
            "is_code IS NOT TRUE",
            "PRODUCT_NC",
            "product_text",
        ),
        Judgement(reasons.MISSING_VALUE, "value_text IS NULL", *shown["value"]),
        Judgement(reasons.BAD_NUMBER, is_no_number("value_text", "euro"), *shown["value"]),
        Judgement(reasons.BAD_NUMBER, is_no_number("weight_text", "net_weight"), *shown["weight"]),
        Judgement(reasons.BAD_NUMBER, is_no_number("amount_text", "amount"), *shown["amount"]),
        Judgement(reasons.NEGATIVE_VALUE, "euro < 0", *shown["value"]),
        Judgement(reasons.NEGATIVE_VALUE, "net_weight < 0", *shown["weight"]),
        Judgement(reasons.NEGATIVE_VALUE, "amount < 0", *shown["amount"]),
        Judgement(reasons.ABSURD_VALUE, f"euro > {ABSURD}", *shown["value"]),
        Judgement(reasons.ABSURD_VALUE, f"net_weight > {ABSURD}", *shown["weight"]),
        Judgement(reasons.MISSING_RATE, "eur_per_usd IS NULL", "PERIOD", "period_text", RATE_NOTE),
    )
