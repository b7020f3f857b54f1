"""The query that makes canonical rows of a user's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.engine.quoting import identifier, literal
from entrepot.engine.staging import as_words
from entrepot.engine.words import word_types
from entrepot.nomenclature.hs import hs_chapters
from entrepot.schema import FlowKind, RowRole
from entrepot.sources.csv_mapping import words
from entrepot.sources.csv_mapping.cells import BETWEEN, cells_query, is_constant, texts_query, trimmed
from entrepot.sources.csv_mapping.headers import staged_name
from entrepot.sources.csv_mapping.labels import area_ctes
from entrepot.sources.csv_mapping.periods import period_parts, period_struct
from entrepot.sources.csv_mapping.sections import MappedField
from entrepot.sources.expressions import revision_sql, word_sql
from entrepot.sources.numbers import number_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.sources.base import Layout
    from entrepot.sources.csv_mapping.mapping import TableMapping

__all__ = ["AREAS_TABLE", "RATES_TABLE", "canonical_query"]

#: Names under which the query expects its reference tables.
AREAS_TABLE: Final = "csv_area_spellings"
RATES_TABLE: Final = "csv_rates"

_KILOGRAMS: Final = {"kg": 1.0, "t": 1000.0, "100kg": 100.0, "g": 0.001, "lb": 0.45359237}

#: World trade is some 25 million million dollars a year: no report is larger than four times that.
_MOST_USD: Final = 1e14

_IMPORTS: Final = ", ".join(literal(flow.value) for flow in FlowKind if "import" in flow.value)

_RATE_HINT: Final = "give your own rate in the mapping: [rates] file or [rates.per_usd]"


def canonical_query(mapping: TableMapping, layout: Layout, raw: str) -> str:
    """Return the query that makes canonical rows of ``raw``; see ``Source.canonical_sql``."""
    texts = {field: texts_query(mapping, layout, raw, field) for field in MappedField}
    parts = [
        f"cells AS NOT MATERIALIZED ({cells_query(mapping, layout, raw)})",
        *area_ctes([texts[field] for field in _AREAS], spellings=AREAS_TABLE),
        *_dimensions(mapping, texts),
        *_products(mapping, texts, raw),
        f"typed AS ({_typed(mapping)})",
        f"judged AS ({_judged(mapping)})",
        *_reported(mapping),
    ]
    return "WITH " + ",\n".join(parts) + "\n" + _final(mapping)


def _reported(mapping: TableMapping) -> list[str]:
    """Return the common table expressions that end in ``reported``: rows of their own, or parts added up."""
    if mapping.rows.duplicates != "add":
        return ["reported AS (FROM judged)"]
    bad = "SELECT *, 1 AS parts FROM whole WHERE reason IS NOT NULL"
    return [
        f"whole AS MATERIALIZED ({_WHOLE})",
        f"reported AS ({_ADDED} UNION ALL BY NAME {bad})",
    ]


def _dimension(name: str, texts: str, expressions: str, *, text: str = "") -> str:
    """Return the table that reads each different text of a field once."""
    given = "coalesce(raw::VARCHAR, '')"
    trimmed_texts = f"SELECT raw, {text or trimmed(given)} AS text FROM ({texts})"
    return f"d_{name} AS MATERIALIZED (SELECT raw, {expressions} FROM ({trimmed_texts}))"


def _lookup(text: str, table: Mapping[str, str]) -> str:
    entries = ", ".join(f"{literal(word)}: {literal(value)}" for word, value in table.items())
    return f"(MAP {{{entries}}})[lower({text})]"


def _flow_words(mapping: TableMapping) -> dict[str, str]:
    """Return what each word for a flow means, in small letters; the mapping's own count first."""
    return {**words.FLOWS, **{word.strip().lower(): flow.value for word, flow in mapping.flows.items()}}


def _dimensions(mapping: TableMapping, texts: Mapping[MappedField, str]) -> list[str]:
    months = {**words.MONTHS, **mapping.period.months}
    period = period_struct("said", months=months, annual_marks=mapping.period.annual_marks)
    said = period_parts("text", mapping.period.formats)
    flows = _flow_words(mapping)
    own = {word.strip().lower(): concept.value for word, concept in mapping.partner_concept.words.items()}
    units = {
        **words.QUANTITY_UNITS,
        **{word.strip().lower(): unit for word, unit in mapping.units.quantity.items()},
    }
    currency = (
        f"coalesce({_lookup('text', words.CURRENCIES)}, CASE WHEN regexp_full_match(text, '[A-Za-z]{{3}}') "
    )
    return [
        _dimension("flow_said", texts[MappedField.FLOW], f"{_lookup('text', flows)} AS flow"),
        f"d_flow AS MATERIALIZED ({_flows(mapping)})",
        _dimension("currency", texts[MappedField.CURRENCY], f"{currency} THEN upper(text) END) AS currency"),
        _dimension("period_said", texts[MappedField.PERIOD], f"{said} AS said", text=_PERIOD_TEXT),
        f"d_period_parts AS MATERIALIZED (SELECT raw, {period} AS p FROM d_period_said)",
        f"d_period AS MATERIALIZED ({_periods(mapping, texts)})",
        _dimension(
            "concept",
            texts[MappedField.PARTNER_CONCEPT],
            f"text <> '' AS is_given, "
            f"{_lookup('text', {**words.CONCEPTS, **own})}::{word_types()['partner_concept']} AS concept",
        ),
        _dimension(
            "revision",
            texts[MappedField.HS_REVISION],
            f"text = 'by_year' AS is_by_year, "
            f"{_lookup('text', words.REVISIONS)}::{word_types()['hs_revision']} AS revision",
        ),
        _dimension("unit", texts[MappedField.QUANTITY_UNIT], f"{_lookup('text', units)} AS unit"),
        _dimension(
            "multiplier",
            texts[MappedField.UNIT_MULTIPLIER],
            f"CASE WHEN text = '' THEN 1 ELSE nullif({number_sql('text')}, 0) END AS multiplier",
        ),
    ]


def _product(mapping: TableMapping) -> str:
    """Return the SQL of a product's digits: empty for the total, null for what is no code."""
    product = mapping.product
    bare = "regexp_replace(text, '[\\s.''’\\x{a0}]+', '', 'g')"
    lengths = sorted({2, 4, 6, *product.national_digits})
    allowed = ", ".join(str(length) for length in lengths)
    chapters = ", ".join(literal(chapter) for chapter in hs_chapters())
    totals = ", ".join(literal(word.strip().lower()) for word in product.total_words)
    digits = bare
    if product.pad:
        lost = ", ".join(str(length - 1) for length in lengths if length - 1 not in lengths)
        digits = f"CASE WHEN length({bare}) IN ({lost}) THEN '0' || {bare} ELSE {bare} END"
    return (
        f"CASE WHEN lower(text) IN ({totals}) THEN '' "
        f"WHEN regexp_full_match({bare}, '[0-9]+') AND length({digits}) IN ({allowed}) "
        f"AND left({digits}, 2) IN ({chapters}) THEN {digits} END"
    )


def _flows(mapping: TableMapping) -> str:
    """Return what follows from a flow, once for each that there is."""
    valuation = mapping.valuation
    return (
        f"SELECT raw, flow::{word_types()['flow']} AS flow, is_import, "
        f"CASE WHEN is_import THEN {word_sql('valuation', valuation.imports.value)} "
        f"ELSE {word_sql('valuation', valuation.exports.value)} END AS valuation "
        f"FROM (SELECT raw, flow, coalesce(flow IN ({_IMPORTS}), FALSE) AS is_import FROM d_flow_said)"
    )


def _products(mapping: TableMapping, texts: Mapping[MappedField, str], raw: str) -> list[str]:
    """Return what follows from a product, once for each that there is."""
    said = _dimension("product_said", texts[MappedField.PRODUCT], f"{_product(mapping)} AS code")
    typed = dict.fromkeys(_CODES, "VARCHAR")
    column = mapping.columns.get(MappedField.PRODUCT)
    if column is not None and MappedField.PRODUCT.value not in mapping.wide_groups():
        for name, code in _CODES.items():
            words = f"SELECT DISTINCT {code} AS word FROM d_product_said WHERE word IS NOT NULL ORDER BY word"
            typed[name] = as_words(raw, staged_name(column), f"WITH {said} {words}")
    codes = ", ".join(f"({code})::{typed[name]} AS {name}" for name, code in _CODES.items())
    product = f"SELECT raw, code, length(code)::INTEGER AS hs_level, {codes} FROM d_product_said"
    return [said, f"d_product AS MATERIALIZED ({product})"]


#: The columns of codes, each made of a product's digits.
_CODES: Final = {
    "hs_code": "CASE WHEN code = '' THEN 'TOTAL' ELSE left(code, 6) END",
    "national_code": "CASE WHEN length(code) > 6 THEN code END",
}

#: A year and a month of their own, joined by a hyphen.
_PERIOD_TEXT: Final = (
    f"CASE WHEN contains(raw, {BETWEEN}) THEN {trimmed(f'split_part(raw, {BETWEEN}, 1)')} || '-' || "
    f"{trimmed(f'split_part(raw, {BETWEEN}, 2)')} ELSE {trimmed('raw')} END"
)

#: What follows from a period, once for each that there is.
_PERIODS: Final = f"""
    SELECT raw, p.y AS year,
        CASE WHEN p.m = 0 THEN {word_sql("frequency", "A")}
             ELSE {word_sql("frequency", "M")} END AS frequency,
        make_date(p.y, greatest(p.m, 1), 1) AS day,
        CASE WHEN p.m = 0 THEN p.y::VARCHAR ELSE printf('%d-%02d', p.y, p.m) END AS period,
        ({revision_sql("p.y")})::{word_types()["hs_revision"]} AS revision
    FROM d_period_parts
"""

_PERIOD_WORD: Final = f"period::{word_types()['period']} AS period"


def _periods(mapping: TableMapping, texts: Mapping[MappedField, str]) -> str:
    """Return what follows from a period, and in it from what all rows have in common: a currency, a place."""
    columns, joins = [f"p.* REPLACE (p.{_PERIOD_WORD})"], []
    if is_constant(mapping, MappedField.CURRENCY):
        columns.append("r.per_usd")
        joins.append(
            f"CROSS JOIN d_currency y LEFT JOIN {RATES_TABLE} r "
            "ON r.currency = y.currency AND r.period = p.period"
        )
    for field in _AREAS:
        if is_constant(mapping, field):
            area = f"area_of_{field.value}"
            columns += [f"{area}.area AS {area}", f"{area}.is_aggregate AS {area}_is_aggregate"]
            joins.append(
                f"CROSS JOIN ({texts[field]}) AS text_of_{field.value} LEFT JOIN d_area AS {area} "
                f"ON {area}.raw = text_of_{field.value}.raw AND p.day BETWEEN {area}.since AND {area}.until"
            )
    return f"SELECT {', '.join(columns)} FROM ({_PERIODS}) p {' '.join(joins)}"


#: The tables of different texts, by the letter under which a row has its one.
_JOINED: Final = {
    "f": ("flow", MappedField.FLOW), "p": ("period", MappedField.PERIOD),
    "k": ("product", MappedField.PRODUCT), "o": ("concept", MappedField.PARTNER_CONCEPT),
    "h": ("revision", MappedField.HS_REVISION), "y": ("currency", MappedField.CURRENCY),
    "u": ("unit", MappedField.QUANTITY_UNIT), "m": ("multiplier", MappedField.UNIT_MULTIPLIER),
}  # fmt: skip

_AREAS: Final = (MappedField.REPORTER, MappedField.PARTNER, MappedField.CONSIGNMENT_PARTNER)


def _typed(mapping: TableMapping) -> str:
    kilograms = _KILOGRAMS[mapping.units.net_weight]
    places = {"a1": MappedField.REPORTER, "a2": MappedField.PARTNER}
    is_consigned = bool(mapping.sources_of(MappedField.CONSIGNMENT_PARTNER))
    if is_consigned:
        places["a3"] = MappedField.CONSIGNMENT_PARTNER
    # A place that all rows have in common stands with the period.
    areas = {
        alias: f"p.area_of_{field.value}" if is_constant(mapping, field) else f"{alias}.area"
        for alias, field in places.items()
    }
    sums = {
        alias: f"{areas[alias]}_is_aggregate" if is_constant(mapping, field) else f"{alias}.is_aggregate"
        for alias, field in places.items()
    }
    joins = [
        *(
            f"CROSS JOIN d_{name} {alias}"
            if is_constant(mapping, field)
            else f"LEFT JOIN d_{name} {alias} ON {alias}.raw IS NOT DISTINCT FROM c.{field.value}"
            for alias, (name, field) in _JOINED.items()
        ),
        *(
            f"LEFT JOIN d_area {alias} ON {alias}.raw = c.{field.value} "
            f"AND p.day BETWEEN {alias}.since AND {alias}.until"
            for alias, field in places.items()
            if not is_constant(mapping, field)
        ),
    ]
    via = f" OR coalesce({sums['a3']}, FALSE)" if is_consigned else ""
    usual = mapping.partner_concept
    concept = (
        "CASE WHEN o.is_given THEN o.concept WHEN f.is_import "
        f"THEN {word_sql('partner_concept', usual.imports.value)} "
        f"ELSE {word_sql('partner_concept', usual.exports.value)} END"
    )
    columns = [
        "c.* EXCLUDE (reporter, partner, consignment_partner, flow, period, partner_concept)",
        "c.reporter AS reporter_text, c.partner AS partner_text, c.consignment_partner AS consignment_text",
        "c.flow AS flow_text, c.period AS period_text, c.partner_concept AS concept_text",
        f"{areas['a1']} AS reporter, {areas['a2']} AS partner",
        f"{areas.get('a3', 'NULL::VARCHAR')} AS consignment_area",
        f"{sums['a1']} OR {sums['a2']}{via} AS is_aggregate",
        "f.flow AS flow, f.valuation AS valuation",
        "p.year AS year, p.frequency AS frequency, p.period AS period",
        *(["p.per_usd AS per_usd"] if is_constant(mapping, MappedField.CURRENCY) else []),
        f"{concept} AS concept",
        "k.code AS code, k.hs_code AS hs_code, k.hs_level AS hs_level, k.national_code AS national_code",
        "CASE WHEN h.is_by_year THEN p.revision ELSE h.revision END AS revision",
        "y.currency AS currency_code, u.unit AS unit",
        "m.multiplier AS multiplier",
        f"{_number(mapping, MappedField.VALUE)} AS number",
        f"{_number(mapping, MappedField.NET_WEIGHT)} * {kilograms} AS kilograms",
        f"{_number(mapping, MappedField.QUANTITY)} AS units",
    ]
    return f"SELECT {', '.join(columns)} FROM cells c {' '.join(joins)}"


def _number(mapping: TableMapping, measure: MappedField) -> str:
    """Return the SQL of a measure's number."""
    if not mapping.has(measure):
        return "NULL::DOUBLE"
    decimal = mapping.file.decimal
    strict = number_sql(f"c.{measure.value}", decimal=decimal, thousands=mapping.file.thousands)
    return f"coalesce(c.{measure.value}_plain, {strict})" if decimal == "." else strict


def _said(field: str, text: str = "") -> str:
    """Return the SQL that names a field and what stands in it."""
    return f"{literal(field + ' ')} || coalesce(nullif(trim({text or field}), ''), 'is empty')"


def _judged(mapping: TableMapping) -> str:
    """Join the rate and find the first thing that is wrong with a row."""
    usd = "t.number * t.multiplier / CASE WHEN t.currency_code = 'USD' THEN 1 ELSE per_usd END"
    period = f"TRY_CAST(period AS {word_types()['period']}) AS period"
    rates = f"(SELECT currency, {period}, per_usd FROM {RATES_TABLE})"
    converted = (
        f"SELECT *, {usd} AS usd FROM typed t"
        if is_constant(mapping, MappedField.CURRENCY)
        else f"SELECT t.*, {usd} AS usd, r.per_usd FROM typed t LEFT JOIN {rates} r "
        "ON r.currency = t.currency_code AND r.period = t.period"
    )
    faults = _faults(mapping)
    reasons = " ".join(f"WHEN {fault} THEN {literal(reason)}" for fault, reason, _ in faults)
    details = " ".join(f"WHEN {fault} THEN {detail}" for fault, _, detail in faults)
    # Two columns, not one of both: what is not asked for, mostly the detail, is not made.
    return f"SELECT *, CASE {reasons} END AS reason, CASE {details} END AS detail FROM ({converted})"


def _faults(mapping: TableMapping) -> list[tuple[str, str, str]]:
    """Return what may be wrong, the first of which counts: condition, reason, detail.

    Numbers are asked before texts: of a good row no text is looked at. Of a field that the table does not
    have nothing is asked.
    """
    weight, quantity = MappedField.NET_WEIGHT, MappedField.QUANTITY
    asked: list[tuple[MappedField | None, str, str, str]] = [
        (None, "flow IS NULL", "unknown_flow", _said("flow", "flow_text")),
        (None, "year IS NULL", "bad_period", _said("period", f"replace(period_text, {BETWEEN}, '-')")),
        (None, "reporter IS NULL", "unknown_area", _said("reporter", "reporter_text")),
        (None, "partner IS NULL", "unknown_area", _said("partner", "partner_text")),
        (
            MappedField.CONSIGNMENT_PARTNER,
            "consignment_area IS NULL AND trim(consignment_text) <> ''",
            "unknown_area",
            _said("consignment_partner", "consignment_text"),
        ),
        (None, "concept IS NULL", "unknown_flow", _said("partner_concept", "concept_text")),
        (None, "code IS NULL", "unknown_hs_code", _said("product")),
        (None, "revision IS NULL", "unknown_revision", _said("hs_revision")),
        (None, "multiplier IS NULL", "unknown_unit", _said("unit_multiplier")),
        (None, "currency_code IS NULL", "unknown_unit", _said("currency")),
        (quantity, "unit IS NULL AND quantity <> ''", "unknown_unit", _said("quantity_unit")),
        (None, "number IS NULL AND value = ''", "missing_value", _said("value", "value_text")),
        (None, "number IS NULL", "bad_number", _said("value", "value_text")),
        (weight, "kilograms IS NULL AND net_weight <> ''", "bad_number", _said("net_weight")),
        (quantity, "units IS NULL AND quantity <> ''", "bad_number", _said("quantity")),
        (None, "number * multiplier < 0", "negative_value", _said("value", "value_text")),
        (weight, "kilograms < 0", "negative_value", _said("net_weight")),
        (quantity, "units < 0", "negative_value", _said("quantity")),
        (
            None,
            "per_usd IS NULL AND currency_code <> 'USD'",
            "missing_rate",
            f"'currency ' || currency_code || ' has no rate for ' || period || '; {_RATE_HINT}'",
        ),
        (None, f"NOT coalesce(usd <= {_MOST_USD:.0f}, FALSE)", "absurd_value", _said("value", "value_text")),
        (weight, f"kilograms > {_MOST_USD:.0f}", "absurd_value", _said("net_weight")),
        (quantity, "NOT coalesce(isfinite(units), TRUE)", "absurd_value", _said("quantity")),
    ]
    return [
        (fault, reason, detail)
        for field, fault, reason, detail in asked
        if field is None or mapping.has(field)
    ]


_KEY: Final = "reporter, partner, consignment_area, flow, concept, period, code, revision, currency_code"

#: A sum of which a part cannot be read is no sum: its other parts are set aside too.
_WHOLE: Final = f"""
    SELECT * EXCLUDE (bad_row) REPLACE (
        CASE WHEN reason IS NULL AND bad_row IS NOT NULL THEN 'missing_value' ELSE reason END AS reason,
        CASE WHEN reason IS NULL AND bad_row IS NOT NULL
             THEN 'part of a sum, of which row ' || bad_row || ' cannot be read' ELSE detail END AS detail
    )
    FROM (
        SELECT *, min(row_number) FILTER (reason IS NOT NULL) OVER (PARTITION BY {_KEY}) AS bad_row
        FROM judged
    )
"""

#: Rows of one key are parts: the first stands for their sum. Of weights and quantities a sum needs all parts.
_ADDED: Final = f"""
    SELECT * REPLACE (
        sum(number * multiplier) OVER same AS number, 1 AS multiplier, sum(usd) OVER same AS usd,
        CASE WHEN count(nullif(kilograms, 0)) OVER same = count(*) OVER same THEN sum(kilograms) OVER same END
            AS kilograms,
        CASE WHEN count(nullif(units, 0)) OVER same = count(*) OVER same
            AND min(unit) OVER same = max(unit) OVER same THEN sum(units) OVER same END AS units
    ), count(*) OVER same AS parts
    FROM whole WHERE reason IS NULL
    WINDOW same AS (PARTITION BY {_KEY})
    QUALIFY row_number() OVER (PARTITION BY {_KEY} ORDER BY row_number, cell) = 1
"""


def _final(mapping: TableMapping) -> str:
    repeats = ", ".join(literal(concept.value) for concept in mapping.partner_concept.repeats)
    is_repeated = f" OR concept IN ({repeats})" if repeats else ""
    has_quantity = mapping.has(MappedField.QUANTITY)
    # What is the same in all rows is said as a literal: then no row need carry it.
    columns = {
        "year": "year",
        "row_number": "row_number",
        "cell": "cell" if mapping.has_cells else "NULL::VARCHAR",
        "role": f"CASE WHEN is_aggregate{is_repeated} THEN {word_sql('role', RowRole.AGGREGATE.value)} "
        f"ELSE {word_sql('role', RowRole.LEAF.value)} END",
        "reporter": "reporter",
        "partner": "partner",
        "partner_concept": "concept",
        "consignment_partner": "consignment_area"
        if mapping.has(MappedField.CONSIGNMENT_PARTNER)
        else "NULL::VARCHAR",
        "flow": "flow",
        "frequency": "frequency",
        "period": "period",
        "hs_code": "hs_code",
        "hs_level": "hs_level",
        "hs_revision": "revision",
        "national_code": "national_code" if mapping.product.national_digits else "NULL::VARCHAR",
        "primary_value_usd": "usd",
        "valuation": "valuation",
        **_as_reported(mapping),
        # A weight or quantity of nothing beside a value is how publishers write "not reported".
        "net_weight_kg": "nullif(kilograms, 0)" if mapping.has(MappedField.NET_WEIGHT) else "NULL::DOUBLE",
        "is_net_weight_estimated": "NULL::BOOLEAN",
        "quantity": "CASE WHEN unit <> '' THEN nullif(units, 0) END" if has_quantity else "NULL::DOUBLE",
        "quantity_unit": "CASE WHEN nullif(units, 0) IS NOT NULL THEN nullif(unit, '') END"
        if has_quantity
        else "NULL::VARCHAR",
        "is_quantity_estimated": "NULL::BOOLEAN",
        "reason": "reason",
        "detail": "detail",
    }
    columns |= _same_in_all_rows(mapping)
    if mapping.rows.duplicates == "add":
        columns["parts"] = "parts"
    selected = ", ".join(f"{expression} AS {identifier(name)}" for name, expression in columns.items())
    return f"SELECT {selected} FROM reported"


def _same_in_all_rows(mapping: TableMapping) -> dict[str, str]:
    """Return the SQL of the columns that follow from what the mapping states for all rows."""
    found: dict[str, str] = {}
    flow = _flow_words(mapping).get(mapping.only_text(MappedField.FLOW).lower())
    if flow is not None:
        is_import = "import" in flow
        valuation, concept = mapping.valuation, mapping.partner_concept
        found["flow"] = literal(flow)
        found["valuation"] = literal((valuation.imports if is_import else valuation.exports).value)
        if not mapping.sources_of(MappedField.PARTNER_CONCEPT):
            found["partner_concept"] = literal((concept.imports if is_import else concept.exports).value)
    revision = words.REVISIONS.get(mapping.only_text(MappedField.HS_REVISION).lower())
    if revision is not None:
        found["hs_revision"] = literal(revision)
    return found


def _as_reported(mapping: TableMapping) -> dict[str, str]:
    """Return the SQL of the value in the currency of the table, and of the currency; none for US dollars."""
    currency = words.currency_code(mapping.only_text(MappedField.CURRENCY))
    if currency == "USD":
        return {"reported_value": "NULL::DOUBLE", "reported_currency": "NULL::VARCHAR"}
    if currency:
        return {"reported_value": "number * multiplier", "reported_currency": literal(currency)}
    is_other = "currency_code <> 'USD'"
    return {
        "reported_value": f"CASE WHEN {is_other} THEN number * multiplier END",
        "reported_currency": f"CASE WHEN {is_other} THEN currency_code END",
    }
