"""The query that national customs services share: one reporter, a report or a part of one in each row.

A reader says in SQL what a row of its file says; what that means, what is wrong with it, and which rows are
parts of one report is the same for all of them and stands here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa

from entrepot.engine.quoting import identifier, literal
from entrepot.engine.staging import texts_of
from entrepot.engine.words import word_types
from entrepot.nomenclature import area_code_table, area_table
from entrepot.nomenclature.hs import hs_chapters
from entrepot.schema import FlowKind, PartnerConcept, QuarantineReason, RowRole, Valuation
from entrepot.sources.expressions import revision_sql, word_sql, words_of
from entrepot.sources.judging import ABSURD, is_no_number
from entrepot.sources.numbers import number_sql
from entrepot.sources.rates import ecb_rates

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NationalForm",
    "RowTexts",
    "area_spellings",
    "canonical_sql",
    "month_table",
    "shared_tables",
    "spelling_table",
]

_NOTHING: Final = "NULL::VARCHAR"

_IMPORTS: Final = ", ".join(literal(flow.value) for flow in FlowKind if "import" in flow.value)

_FIRST_YEAR, _LAST_YEAR = 1962, 2100


@dataclass(frozen=True, slots=True)
class RowTexts:
    """SQL expressions over ``raw`` of what a row says: trimmed text, null where it says nothing.

    Attributes
    ----------
    partner, partner_name
        Code of the partner, looked up in the reader's own table; its name, which counts where there is no
        code.
    flow, period
        Looked up in the reader's tables.
    product
        ``TOTAL``, ``9999AA`` (not specified), or digits; said of the product's column alone.
    value, weight, amount, unit
        Value, net weight in kg, supplementary quantity and its unit.
    part
        By what the row is a part of a report (province, customs regime, district): name and text of each;
        an empty name is not told. Empty where rows are never parts.
    """

    partner: str
    flow: str
    period: str
    product: str
    value: str
    partner_name: str = _NOTHING
    weight: str = _NOTHING
    amount: str = _NOTHING
    unit: str = _NOTHING
    part: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NationalForm:
    """What all rows of a file have in common.

    Attributes
    ----------
    reporter
        Area code.
    prefix
        Prefix of the reader's tables: ``<prefix>_area``, ``_flow``, ``_period``, ``_unit``.
    texts
        What a row says.
    names
        The publisher's name of each column, by field: for the details of the quarantine, and to look up each
        of the different products and names of partners once.
    currency
        ISO 4217.
    decimal, thousands
        Separators of the value; weight and quantity may have them too.
    import_valuation
        Exports are FOB.
    checks_names
        A partner whose name is that of another area than its code is set aside: codes of another scheme.
    has_wholes
        A row that says nothing of the part is a whole report. Else all rows are parts.
    """

    reporter: str
    prefix: str
    texts: RowTexts
    names: Mapping[str, str]
    currency: str = "USD"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ","] = ""
    import_valuation: Valuation = Valuation.CIF
    checks_names: bool = False
    has_wholes: bool = False

    @property
    def has_parts(self) -> bool:
        """Whether rows may be parts of a report."""
        return bool(self.texts.part)


def spelling_table(meanings: Mapping[str, str]) -> pa.Table:
    """Return a table ``text, meaning`` of spellings, to be joined on the upper-case text."""
    return pa.table(
        {
            "text": pa.array([text.upper() for text in meanings], pa.string()),
            "meaning": pa.array(list(meanings.values()), pa.string()),
        }
    )


def month_table(
    months: str, *, years: str = "", last: tuple[int, int] = (_LAST_YEAR, 12), first_year: int = _FIRST_YEAR
) -> pa.Table:
    """Return every spelling of a period up to a last month.

    Parameters
    ----------
    months, years
        Format strings with ``{year}`` and ``{month:02d}``; an empty one means that there are no such periods.
    last
        Last year and month.
    first_year
        First year.
    """
    found: list[tuple[str, str, int, str, date]] = []
    for year in range(first_year, last[0] + 1):
        if years:
            found.append((years.format(year=year), str(year), year, "A", date(year, 1, 1)))
        for month in range(1, 13):
            if months and (year, month) <= last:
                text = months.format(year=year, month=month)
                found.append((text, f"{year}-{month:02d}", year, "M", date(year, month, 1)))
    names = ("text", "period", "year", "frequency", "day")
    kinds = (pa.string(), pa.string(), pa.int32(), pa.string(), pa.date32())
    return pa.table(
        [list(column) for column in zip(*found, strict=True)],
        schema=pa.schema(list(zip(names, kinds, strict=True))),
    )


def shared_tables() -> dict[str, pa.Table]:
    """Return the tables that the query joins beside the reader's own."""
    known = area_table()
    return {
        "national_kind": pa.table({"code": known["code"], "is_aggregate": known["is_aggregate"]}),
        "national_chapter": pa.table({"chapter": list(hs_chapters())}),
        "national_rate": ecb_rates(),
    }


def canonical_sql(form: NationalForm, raw: str) -> str:
    """Return the query; see :class:`~entrepot.sources.base.Source`.

    Rows that are parts of a report are added up where the file has no row for the whole; the sum stands in
    the place of its first part. Beside the whole they are breakdowns. A part that is there twice, or that
    cannot be read, makes its sum unknown: all of its parts are set aside.
    """
    kept = _of_a_part(form) if form.has_parts else "*"
    steps = [
        f"published AS NOT MATERIALIZED ({_published(form, raw)})",
        f"named AS MATERIALIZED ({_named(form, raw)})",
        f"goods AS MATERIALIZED ({_goods(form, raw)})",
        f"periods AS MATERIALIZED ({_periods(form)})",
        f"joined AS ({_joined(form)})",
        f"""judged AS {"MATERIALIZED" if form.has_parts else ""} (
            SELECT {kept}, fault.reason AS reason, fault.detail AS detail
            FROM (SELECT *, {_fault(form)} AS fault FROM joined)
        )""",
    ]
    if form.has_parts:
        sums = _ODD | {"said": _said(form)} | _SUMS
        steps += [f"{name} AS {_kept(name)} ({query})" for name, query in sums.items()]
    return f"WITH {', '.join(steps)} {_final(form)}"


def _kept(name: str) -> str:
    return "MATERIALIZED" if name in _KEPT else ""


def _published(form: NationalForm, raw: str) -> str:
    texts = {one.name: getattr(form.texts, one.name) for one in fields(RowTexts)}
    parts = texts.pop("part")
    texts["product"] = f"raw.{identifier(form.names['product'])}"
    columns = [f"{sql} AS {name}_text" for name, sql in texts.items()]
    columns += [f"{sql} AS part_{place}" for place, sql in enumerate(parts.values())]
    return f"SELECT row_number, {', '.join(columns)} FROM {raw} AS raw"


def _goods(form: NationalForm, raw: str) -> str:
    """Return what each product says, once for each that there is."""
    column = form.names["product"]
    different = (
        f"SELECT DISTINCT raw.{identifier(column)} AS published, {form.texts.product} AS text "
        f"FROM {texts_of(raw, column)} AS raw"
    )
    return f"""
        SELECT *, CASE WHEN code IS NOT NULL THEN dense_rank() OVER (ORDER BY code)::INTEGER END AS good
        FROM (
            SELECT published, text, CASE WHEN text IN ('TOTAL', '9999AA') OR (chapter IS NOT NULL
                AND regexp_full_match(text, '[0-9]{{2}}([0-9]{{2}}){{0,4}}')) THEN text END AS code
            FROM ({different}) LEFT JOIN national_chapter ON chapter = substr(text, 1, 2)
        )
    """


_KINDS: Final = words_of("national_kind", {"code": "reporter"})


def _named(form: NationalForm, raw: str) -> str:
    if form.texts.partner_name == _NOTHING:
        return f"SELECT NULL::VARCHAR AS text, code, is_aggregate FROM {_KINDS} WHERE FALSE"
    # Names cost Python: each is looked up once.
    texts = f"{texts_of(raw, form.names['partner_name'])} AS raw"
    names = f"SELECT DISTINCT {form.texts.partner_name} AS text FROM {texts}"
    known = f"(SELECT text, area_named(text) AS code FROM ({names}) WHERE text IS NOT NULL)"
    words = words_of(known, {"code": "reporter"})
    return f"SELECT text, code, is_aggregate FROM {words} LEFT JOIN {_KINDS} USING (code)"


def _periods(form: NationalForm) -> str:
    """Return what each spelling of a period says, and the rate of the currency in it."""
    rate = f"rates.currency = {literal(form.currency)} AND rates.period = periods.period"
    types = word_types()
    return f"""
        SELECT periods.* REPLACE (periods.period::{types["period"]} AS period,
                periods.frequency::{types["frequency"]} AS frequency),
            ({revision_sql("periods.year")})::{types["hs_revision"]} AS hs_revision,
            CASE WHEN {literal(form.currency)} = 'USD' THEN 1 ELSE rates.per_usd END AS per_usd
        FROM {form.prefix}_period AS periods LEFT JOIN national_rate AS rates ON {rate}
    """


def _joined(form: NationalForm) -> str:
    prefix = form.prefix
    separators = {"decimal": form.decimal, "thousands": form.thousands}
    areas, flows = (
        words_of(f"{prefix}_area", {"code": "reporter"}),
        words_of(f"{prefix}_flow", {"meaning": "flow"}),
    )
    areas = f"(SELECT * FROM {areas} LEFT JOIN {_KINDS} USING (code))"
    flows = f"(SELECT *, meaning IN ({_IMPORTS}) AS is_import FROM {flows})"
    # Of what the file does not have nothing is asked.
    is_named = form.texts.partner_name != _NOTHING
    partner, kind = "areas.code", "areas.is_aggregate"
    if is_named:
        partner = f"coalesce({partner}, CASE WHEN partner_text IS NULL THEN named.code END)"
        kind = f"coalesce({kind}, CASE WHEN partner_text IS NULL THEN named.is_aggregate END)"
    return f"""
        SELECT published.* REPLACE (goods.text AS product_text), {partner} AS partner, areas.code AS coded,
            {"named.code" if is_named else f"NULL::{word_types()['reporter']}"} AS named,
            {literal(form.checks_names)} AS checks_names, {kind} AS is_aggregate,
            flows.meaning AS flow, flows.is_import, periods.period, periods.year, periods.frequency,
            goods.code, goods.good, periods.hs_revision,
            {number_sql("value_text", **separators)} AS number,
            {number_sql("weight_text", **separators)} AS weight,
            {number_sql("amount_text", **separators)} AS amount,
            periods.per_usd, number / per_usd AS usd, coalesce(units.meaning, lower(unit_text)) AS unit
        FROM published
        LEFT JOIN periods ON periods.text = period_text
        LEFT JOIN {flows} AS flows ON flows.text = upper(flow_text)
        LEFT JOIN {prefix}_unit AS units ON units.text = upper(unit_text)
        LEFT JOIN {areas} AS areas ON areas.text = upper(partner_text)
            AND periods.day BETWEEN areas.first_day AND areas.last_day
        {"LEFT JOIN named ON named.text = partner_name_text" if is_named else ""}
        LEFT JOIN goods ON goods.published = product_text
    """


#: Reason, condition and offending field; the first that holds counts.
_JUDGEMENTS: Final[tuple[tuple[QuarantineReason, str, str], ...]] = (
    (QuarantineReason.BAD_PERIOD, "period IS NULL", "period"),
    (QuarantineReason.UNKNOWN_FLOW, "flow IS NULL", "flow"),
    (QuarantineReason.UNKNOWN_AREA, "partner IS NULL", "partner"),
    (QuarantineReason.UNKNOWN_AREA, "coalesce(checks_names AND coded <> named, FALSE)", "partner"),
    (QuarantineReason.UNKNOWN_HS_CODE, "code IS NULL", "product"),
    (QuarantineReason.UNKNOWN_REVISION, "hs_revision IS NULL", "period"),
    (QuarantineReason.MISSING_VALUE, "value_text IS NULL", "value"),
    (QuarantineReason.BAD_NUMBER, is_no_number("value_text", "number"), "value"),
    (QuarantineReason.BAD_NUMBER, is_no_number("weight_text", "weight"), "weight"),
    (QuarantineReason.BAD_NUMBER, f"unit <> '' AND {is_no_number('amount_text', 'amount')}", "amount"),
    (QuarantineReason.NEGATIVE_VALUE, "number < 0", "value"),
    (QuarantineReason.NEGATIVE_VALUE, "weight < 0", "weight"),
    (QuarantineReason.NEGATIVE_VALUE, "unit <> '' AND amount < 0", "amount"),
    (QuarantineReason.MISSING_RATE, "per_usd IS NULL", "value"),
    (QuarantineReason.ABSURD_VALUE, f"usd > {ABSURD}", "value"),
    (QuarantineReason.ABSURD_VALUE, f"weight > {ABSURD}", "weight"),
)


def _fault(form: NationalForm) -> str:
    """Return the SQL of the first thing that is wrong with a row: reason, and offending column and value."""
    cases = []
    for reason, condition, name in _JUDGEMENTS:
        said = f"{literal(form.names.get(name, name) + ' ')} || coalesce({name}_text, 'is empty')"
        if reason is QuarantineReason.UNKNOWN_AREA:
            said += " || coalesce(' ' || partner_name_text, '')"
        if reason is QuarantineReason.MISSING_RATE:
            said = f"'no rate of {form.currency} for ' || period"
        cases.append(f"WHEN {condition} THEN {{'reason': {literal(reason.value)}, 'detail': {said}}}")
    return f"CASE {' '.join(cases)} END"


#: One report: ``good`` is a number that stands for the code.
_KEY: Final = "partner, flow, period, good"

#: A part that is there a second time, alike or otherwise.
_IS_REPEAT: Final = (
    "reason IS NULL AND part IS NOT NULL AND copies > 1 AND (is_conflict OR row_number > first_copy)"
)

_REPEATED: Final = """CASE WHEN is_conflict
    THEN copies || ' rows of one part with different values, the first is row ' || first_copy
    ELSE 'identical to row ' || first_copy END"""

#: A part of a sum that cannot be made.
_IS_LOST: Final = "reason IS NULL AND part IS NOT NULL AND NOT has_total AND bad_row IS NOT NULL"

#: Sums of the parts of one report, whether as windows or as groups. A weight of 0 is a small one, rounded; of
#: what is not given there is no sum.
_TOTALS: Final = """
    sum(number) {over} AS number,
    CASE WHEN count(weight) {over} = count(*) {over} THEN sum(weight) {over} END AS weight,
    CASE WHEN count(amount) {over} = count(*) {over} AND count(unit) {over} = count(*) {over}
        AND min(unit) {over} = max(unit) {over} THEN sum(amount) {over} END AS amount
"""

#: What follows from the key of a report, which no row need carry until the parts are added up.
_FOLLOWS: Final = f"""
    SELECT sums.*, code, year, frequency, hs_revision, flow IN ({_IMPORTS}) AS is_import,
        number / per_usd AS usd
    FROM ({{sums}}) AS sums
    LEFT JOIN (SELECT DISTINCT good, code FROM goods WHERE good IS NOT NULL) USING (good)
    LEFT JOIN (
        SELECT DISTINCT period, year, frequency, hs_revision, per_usd FROM periods WHERE period IS NOT NULL
    ) USING (period)
"""


def _of_a_part(form: NationalForm) -> str:
    """Return what is kept of every row until parts are added up: no text that is long or stands in all rows.

    Numbers stand for a report and for one of its parts: only where two agree are the texts compared.
    """
    parts = [f"part_{place}" for place in range(len(form.texts.part))]
    is_part = f"coalesce({', '.join(parts)}) IS NOT NULL" if form.has_wholes else "TRUE"
    return (
        f"row_number, {_KEY}, is_aggregate, number, weight, amount, unit, {is_part} AS is_part, "
        f"hash({_KEY}) AS report, hash({_KEY}, partner_text, {', '.join(parts)}) AS same_part"
    )


def _said(form: NationalForm) -> str:
    """Return what stands in the rows of the odd reports about the part."""
    told = [
        f"{literal(name + ' ')} || part_{place}" if name else f"part_{place}"
        for place, name in enumerate(form.texts.part)
    ]
    text = f"concat_ws(', ', {', '.join(told)})"
    return f"""
        SELECT row_number, {f"nullif({text}, '')" if form.has_wholes else text} AS part, partner_text
        FROM published WHERE row_number IN (SELECT row_number FROM judged SEMI JOIN odd USING (report))
    """


_ODD: Final = {
    # Reports with a fault, a row for the whole, or a part that stands twice: few, and looked at one by one.
    "repeated": "SELECT same_part FROM judged GROUP BY same_part HAVING count(*) > 1",
    "odd": """
        SELECT DISTINCT report FROM judged
        WHERE reason IS NOT NULL OR NOT is_part OR same_part IN (FROM repeated)
    """,
}

_SUMS: Final = {
    "plain": f"""
        SELECT {_KEY}, min(row_number) AS row_number, bool_or(is_aggregate) AS is_aggregate,
            {_TOTALS.format(over="")}, min(unit) AS unit, count(*) AS parts,
            NULL::VARCHAR AS reason, NULL::VARCHAR AS detail, NULL::VARCHAR AS part, TRUE AS is_added
        FROM judged ANTI JOIN odd USING (report) GROUP BY {_KEY}
    """,
    # Which rows say the same part again, and whether they agree.
    "parted": f"""
        SELECT *, count(*) FILTER (reason IS NULL) OVER same AS copies,
            min(row_number) FILTER (reason IS NULL) OVER same AS first_copy,
            min(hash(number, weight, amount, unit)) FILTER (reason IS NULL) OVER same
                <> max(hash(number, weight, amount, unit)) FILTER (reason IS NULL) OVER same AS is_conflict
        FROM (FROM judged SEMI JOIN odd USING (report)) JOIN said USING (row_number)
        WINDOW same AS (PARTITION BY {_KEY}, part, partner_text)
    """,
    "faulted": f"""
        SELECT * REPLACE (
            CASE WHEN {_IS_REPEAT} THEN 'duplicate_key' ELSE reason END AS reason,
            CASE WHEN {_IS_REPEAT} THEN {_REPEATED} ELSE detail END AS detail
        ), {_IS_REPEAT} AND NOT is_conflict AS is_copy
        FROM parted
    """,
    "whole": f"""
        SELECT *, bool_or(part IS NULL AND reason IS NULL) OVER same AS has_total,
            min(row_number) FILTER (reason IS NOT NULL AND NOT is_copy) OVER same AS bad_row
        FROM faulted WINDOW same AS (PARTITION BY {_KEY})
    """,
    "settled": f"""
        SELECT * REPLACE (
            CASE WHEN {_IS_LOST} THEN 'missing_value' ELSE reason END AS reason,
            CASE WHEN {_IS_LOST} THEN 'part of a sum, of which row ' || bad_row || ' cannot be used'
                 ELSE detail END AS detail
        ), reason IS NULL AND part IS NOT NULL AND NOT has_total AND bad_row IS NULL AS is_added
        FROM whole
    """,
    "added": f"""
        SELECT * REPLACE ({_TOTALS.format(over="OVER same")}), count(*) OVER same AS parts
        FROM settled WHERE is_added
        WINDOW same AS (PARTITION BY {_KEY})
        QUALIFY row_number() OVER (PARTITION BY {_KEY} ORDER BY row_number) = 1
    """,
    "reported": _FOLLOWS.format(
        sums="FROM plain UNION ALL BY NAME FROM added "
        "UNION ALL BY NAME SELECT *, 1 AS parts FROM settled WHERE NOT is_added"
    ),
}

#: Steps that several others read.
_KEPT: Final = frozenset({"repeated", "odd", "settled"})


def _final(form: NationalForm) -> str:
    part = "part IS NOT NULL AND NOT is_added" if form.has_parts else "FALSE"
    concepts = [
        word_sql("partner_concept", one.value)
        for one in (PartnerConcept.ORIGIN, PartnerConcept.LAST_KNOWN_DESTINATION)
    ]
    leaf, aggregate, breakdown = (
        word_sql("role", one.value) for one in (RowRole.LEAF, RowRole.AGGREGATE, RowRole.BREAKDOWN)
    )
    cif, fob = (word_sql("valuation", one.value) for one in (form.import_valuation, Valuation.FOB))
    has_amount = "amount > 0 AND unit <> ''"
    is_foreign = form.currency != "USD"
    columns = {
        "row_number": "row_number",
        "cell": "NULL::VARCHAR",
        "role": f"CASE WHEN {part} THEN {breakdown} WHEN is_aggregate THEN {aggregate} ELSE {leaf} END",
        "reporter": literal(form.reporter),
        "partner": "partner",
        "partner_concept": f"CASE WHEN is_import THEN {concepts[0]} ELSE {concepts[1]} END",
        "consignment_partner": "NULL::VARCHAR",
        "flow": "flow",
        "frequency": "frequency",
        "period": "period",
        "year": "year",
        "hs_code": "CASE WHEN length(code) > 6 THEN left(code, 6) ELSE code END",
        "hs_level": "CASE WHEN code = 'TOTAL' THEN 0 ELSE length(code) END::INTEGER",
        "hs_revision": "hs_revision",
        "national_code": "CASE WHEN length(code) > 6 THEN code END",
        "primary_value_usd": "usd",
        "valuation": f"CASE WHEN is_import THEN {cif} ELSE {fob} END",
        "reported_value": "number" if is_foreign else "NULL::DOUBLE",
        "reported_currency": literal(form.currency) if is_foreign else "NULL::VARCHAR",
        "net_weight_kg": "nullif(weight, 0)",
        "is_net_weight_estimated": "NULL::BOOLEAN",
        "quantity": f"CASE WHEN {has_amount} THEN amount END",
        "quantity_unit": f"CASE WHEN {has_amount} THEN unit END",
        "is_quantity_estimated": "NULL::BOOLEAN",
        "reason": "reason",
        "detail": f"CASE WHEN {part} AND reason IS NULL THEN part ELSE detail END"
        if form.has_parts
        else "detail",
    }
    if form.has_parts:
        columns["parts"] = "parts"
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    return f"SELECT {selected} FROM {'reported' if form.has_parts else 'judged'}"


def area_spellings(codes: Mapping[str, str], *, scheme: str = "") -> pa.Table:
    """Return a table of area codes: ``text, code, first_day, last_day``, for each day at most one row a text.

    Parameters
    ----------
    codes
        The service's own codes, which hold at all times.
    scheme
        Codes of this scheme beside them.
    """
    rows = {(text.upper(), date.min): (code, date.max) for text, code in codes.items()}
    for row in area_code_table().to_pylist():
        if row["scheme"] == scheme and row["foreign_code"].upper() not in codes:
            key = row["foreign_code"].upper(), row["valid_from"] or date.min
            rows.setdefault(key, (row["code"], row["valid_to"] or date.max))
    return pa.table(
        {
            "text": pa.array([text for text, _ in rows], pa.string()),
            "code": pa.array([code for code, _ in rows.values()], pa.string()),
            "first_day": pa.array([first for _, first in rows], pa.date32()),
            "last_day": pa.array([last for _, last in rows.values()], pa.date32()),
        }
    )
