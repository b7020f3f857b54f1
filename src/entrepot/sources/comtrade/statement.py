"""The query that makes canonical rows of staged Comtrade text, and the small tables that it joins."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine.quoting import literal
from entrepot.nomenclature.areas import area_code_table
from entrepot.nomenclature.hs import HS_REVISIONS, hs_chapters
from entrepot.schema import FlowKind, PartnerConcept, QuarantineReason, Valuation
from entrepot.sources.expressions import figure_sql, revision_sql, text_sql
from entrepot.sources.judging import ABSURD, Judgement, detail_sql, is_no_number, reason_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["canonical_sql", "reference_tables"]

_FLOWS: Final = {
    "M": FlowKind.IMPORT, "X": FlowKind.EXPORT, "RX": FlowKind.RE_EXPORT, "RM": FlowKind.RE_IMPORT,
    "DX": FlowKind.DOMESTIC_EXPORT, "FM": FlowKind.FOREIGN_IMPORT,
    "MIP": FlowKind.IMPORT_INWARD_PROCESSING, "XIP": FlowKind.EXPORT_INWARD_PROCESSING,
    "MOP": FlowKind.IMPORT_OUTWARD_PROCESSING, "XOP": FlowKind.EXPORT_OUTWARD_PROCESSING,
    "MIF": FlowKind.IMPORT_INTRA_FIRM, "XIF": FlowKind.EXPORT_INTRA_FIRM,
    "1": FlowKind.IMPORT, "2": FlowKind.EXPORT, "3": FlowKind.RE_EXPORT, "4": FlowKind.RE_IMPORT,
    "IMPORT": FlowKind.IMPORT, "IMPORTS": FlowKind.IMPORT,
    "EXPORT": FlowKind.EXPORT, "EXPORTS": FlowKind.EXPORT,
    "RE-EXPORT": FlowKind.RE_EXPORT, "RE-IMPORT": FlowKind.RE_IMPORT,
    "DOMESTIC EXPORT": FlowKind.DOMESTIC_EXPORT,
    "FOREIGN IMPORT": FlowKind.FOREIGN_IMPORT,
}  # fmt: skip

_IMPORT_SIDE: Final = frozenset(
    {
        FlowKind.IMPORT, FlowKind.RE_IMPORT, FlowKind.FOREIGN_IMPORT, FlowKind.IMPORT_INWARD_PROCESSING,
        FlowKind.IMPORT_OUTWARD_PROCESSING, FlowKind.IMPORT_INTRA_FIRM,
    }
)  # fmt: skip

#: Supplementary units by the number that all of the publisher's layouts use (WCO standard units).
_UNITS: Final = {
    "2": "m2", "3": "1000kwh", "4": "m", "5": "u", "6": "2u", "7": "l", "8": "kg", "9": "1000u",
    "10": "u (jeu/pack)", "11": "12u", "12": "m3", "13": "carat",
}  # fmt: skip
#: No quantity, today (-1) and before 2022 (1).
_NO_UNIT: Final = ("-1", "0", "1")

_FIRST_YEAR, _LAST_YEAR = 1962, 2100


def reference_tables() -> dict[str, pa.Table]:
    """Return the tables that the query joins."""
    return {
        "comtrade_area": _areas(),
        "comtrade_period": _periods(),
        "comtrade_flow": _flows(),
        "comtrade_revision": pa.table(
            {"text": [f"H{place}" for place in range(len(HS_REVISIONS))], "hs_revision": list(HS_REVISIONS)}
        ),
        "comtrade_chapter": pa.table({"chapter": list(hs_chapters())}),
        "comtrade_unit": pa.table({"text": list(_UNITS), "unit": list(_UNITS.values())}),
    }


def _areas() -> pa.Table:
    """Return the meaning of numbers and ISO codes by day, for each day at most one."""
    table = area_code_table()
    numbers = table.filter(pc.equal(table["scheme"], "m49"))
    own_iso = table.filter(pc.equal(table["scheme"], "comtrade_iso"))
    iso = table.filter(pc.equal(table["scheme"], "iso3"))
    others = iso.filter(
        pc.invert(pc.is_in(iso["foreign_code"], value_set=own_iso["foreign_code"].combine_chunks()))
    )
    both = pa.concat_tables([numbers, own_iso, others])
    rows: dict[tuple[str, date], tuple[str, date, str, bool]] = {}
    for row in both.to_pylist():
        text, first = row["foreign_code"].strip(), row["valid_from"] or date(1, 1, 1)
        rows.setdefault(
            (text, first), (text, row["valid_to"] or date(9999, 12, 31), row["code"], row["is_aggregate"])
        )
    return pa.table(
        {
            "text": [text for text, _ in rows],
            "first_day": pa.array([first for _, first in rows], pa.date32()),
            "last_day": pa.array([row[1] for row in rows.values()], pa.date32()),
            "code": [row[2] for row in rows.values()],
            "is_aggregate": [row[3] for row in rows.values()],
        }
    )


def _periods() -> pa.Table:
    """Return every spelling of a period, with month 52 for the year."""
    texts: list[tuple[str, str, int, str, date]] = []
    for year in range(_FIRST_YEAR, _LAST_YEAR + 1):
        texts += [(text, str(year), year, "A", date(year, 1, 1)) for text in (f"{year}", f"{year}52")]
        for month in range(1, 13):
            period, day = f"{year}-{month:02d}", date(year, month, 1)
            texts += [(text, period, year, "M", day) for text in (f"{year}{month:02d}", period)]
    names = ("text", "period", "year", "frequency", "day")
    return pa.table(
        [list(column) for column in zip(*texts, strict=True)],
        schema=pa.schema(
            list(zip(names, (pa.string(), pa.string(), pa.int32(), pa.string(), pa.date32()), strict=True))
        ),
    )


def _flows() -> pa.Table:
    sides = [flow in _IMPORT_SIDE for flow in _FLOWS.values()]
    return pa.table(
        {
            "text": list(_FLOWS),
            "flow": [flow.value for flow in _FLOWS.values()],
            "is_import": sides,
            "valuation": [(Valuation.CIF if side else Valuation.FOB).value for side in sides],
            "partner_concept": [
                (PartnerConcept.ORIGIN if side else PartnerConcept.LAST_KNOWN_DESTINATION).value
                for side in sides
            ],
        }
    )


class _Columns:
    """The file's columns as SQL, ``NULL`` where the file has none."""

    def __init__(self, found: Mapping[str, str]) -> None:
        self._found = found

    def has(self, *names: str) -> bool:
        return all(name in self._found for name in names)

    def text(self, name: str) -> str:
        """Return the trimmed text of a column, empty text as null."""
        if name not in self._found:
            return "NULL::VARCHAR"
        return text_sql(self._found[name])

    def figure(self, name: str) -> str:
        """Return the text of a number."""
        return figure_sql(self._found[name]) if name in self._found else "NULL::VARCHAR"

    def first(self, *names: str) -> str:
        """Return the text of the first column that the file has and the row fills."""
        texts = [self.text(name) for name in names if name in self._found]
        return f"coalesce({', '.join(texts)})" if len(texts) > 1 else texts[0] if texts else "NULL::VARCHAR"


def canonical_sql(found: Mapping[str, str], raw: str) -> str:
    """Return the query; see :class:`~entrepot.sources.base.Source`.

    Parameters
    ----------
    found
        The file's name of each of the publisher's columns that it has.
    raw
        Name of the staged table.
    """
    columns = _Columns(found)
    return f"""
    WITH published AS (SELECT {_published(columns)} FROM {raw} AS raw),
    goods AS MATERIALIZED (
        SELECT cmd_text, {_IS_CODE} AS is_code
        FROM (SELECT DISTINCT upper({columns.text("cmdCode")}) AS cmd_text FROM {raw} AS raw)
        LEFT JOIN comtrade_chapter ON chapter = substr(cmd_text, 1, 2)
    ),
    joined AS (
        SELECT published.*, {_numbers()},
            area_r.code AS reporter, area_p.code AS partner, area_c.code AS consignment,
            coalesce(area_r.is_aggregate, FALSE) OR coalesce(area_p.is_aggregate, FALSE) AS is_aggregate,
            periods.period, periods.year, periods.frequency, flows.flow, flows.valuation, flows.is_import,
            flows.partner_concept, goods.is_code, units.unit, {_revision(columns)} AS hs_revision
        FROM published
        LEFT JOIN comtrade_period AS periods ON periods.text = period_text
        LEFT JOIN comtrade_flow AS flows ON flows.text = flow_text
        LEFT JOIN comtrade_revision AS revisions ON revisions.text = class_text
        LEFT JOIN goods ON goods.cmd_text = published.cmd_text
        LEFT JOIN comtrade_unit AS units ON units.text = unit_text
        LEFT JOIN comtrade_area AS area_r ON area_r.text = reporter_text AND {_in_force("area_r")}
        LEFT JOIN comtrade_area AS area_p ON area_p.text = partner_text AND {_in_force("area_p")}
        LEFT JOIN comtrade_area AS area_c ON area_c.text = consignment_text AND {_in_force("area_c")}
    ),
    judged AS (SELECT *, {reason_sql(_JUDGEMENTS)} AS reason FROM joined)
    SELECT row_number, NULL::VARCHAR AS cell,
        CASE WHEN breakdown IS NOT NULL THEN 'breakdown'
             WHEN is_aggregate THEN 'aggregate' ELSE 'leaf' END AS role,
        reporter, partner, partner_concept, consignment AS consignment_partner, flow, frequency, period, year,
        CASE WHEN length(cmd_text) > 6 THEN substr(cmd_text, 1, 6) ELSE cmd_text END AS hs_code,
        CASE WHEN cmd_text = 'TOTAL' THEN 0 ELSE length(cmd_text) END::INTEGER AS hs_level,
        hs_revision,
        CASE WHEN length(cmd_text) > 6 THEN cmd_text END AS national_code,
        value AS primary_value_usd, {_valuation(columns)} AS valuation,
        NULL::DOUBLE AS reported_value, NULL::VARCHAR AS reported_currency,
        nullif(net_weight, 0) AS net_weight_kg,
        {_estimated(columns, "isNetWgtEstimated", 4)} AS is_net_weight_estimated,
        CASE WHEN has_unit THEN nullif(amount, 0) END AS quantity,
        CASE WHEN has_unit AND amount > 0
             THEN coalesce(unit, unit_name, 'unit ' || unit_text) END AS quantity_unit,
        {_estimated(columns, "isQtyEstimated", 2)} AS is_quantity_estimated,
        reason, CASE WHEN reason IS NULL THEN breakdown ELSE {detail_sql(_JUDGEMENTS)} END AS detail
    FROM judged
    """


def _published(columns: _Columns) -> str:
    """Return the columns as trimmed text under short names."""
    month = "lpad({}, 2, '0')".format(columns.text("refMonth"))
    reference = (
        f"{columns.text('refYear')} || coalesce({month}, '')"
        if columns.has("refMonth")
        else columns.text("refYear")
    )
    period = f"coalesce({columns.text('period')}, {reference})" if columns.has("period") else reference
    world = "('0', 'W00', 'WLD', '000')"
    second = columns.first("partner2Code", "partner2ISO")
    unit = columns.text("qtyUnitCode")
    no_unit = ", ".join(map(literal, _NO_UNIT))
    texts = {
        "period_text": period,
        "frequency_text": columns.text("freqCode"),
        "reporter_text": columns.first("reporterCode", "reporterISO"),
        "partner_text": columns.first("partnerCode", "partnerISO"),
        "consignment_text": f"CASE WHEN {second} NOT IN {world} THEN {second} END",
        "flow_text": f"upper({columns.text('flowCode')})",
        "class_text": f"upper({columns.text('classificationCode')})",
        "cmd_text": f"upper({columns.text('cmdCode')})",
        "value_text": columns.figure("primaryValue"),
        "cif_text": columns.figure("cifvalue"),
        "fob_text": columns.figure("fobvalue"),
        "weight_text": columns.figure("netWgt"),
        "amount_text": columns.figure("qty"),
        "unit_text": unit,
        "unit_name": f"lower(nullif({columns.text('qtyUnitAbbr')}, 'N/A'))",
        "has_unit": f"coalesce({unit} NOT IN ({no_unit}), FALSE)" if columns.has("qtyUnitCode") else "TRUE",
        "weight_flag": columns.text("isNetWgtEstimated"),
        "amount_flag": columns.text("isQtyEstimated"),
        "legacy_flag": columns.text("legacyEstimationFlag"),
        "breakdown": _breakdown(columns),
    }
    return ", ".join(["row_number", *(f"{sql} AS {name}" for name, sql in texts.items())])


def _breakdown(columns: _Columns) -> str:
    """Return what a row is a part of its total by, null for totals."""
    totals = {
        "partner2Code": ("0", "000"),
        "customsCode": ("C00",),
        "motCode": ("0",),
        "mosCode": ("0", "-1"),
    }
    parts = []
    for name, values in totals.items():
        if columns.has(name):
            text = columns.text(name)
            whole = ", ".join(map(literal, values))
            parts.append(f"CASE WHEN {text} NOT IN ({whole}) THEN {literal(name + ' ')} || {text} END")
    return f"nullif(concat_ws(', ', {', '.join(parts)}), '')" if parts else "NULL::VARCHAR"


def _numbers() -> str:
    return (
        "TRY_CAST(value_text AS DOUBLE) AS primary_value, TRY_CAST(cif_text AS DOUBLE) AS cif, "
        "TRY_CAST(fob_text AS DOUBLE) AS fob, TRY_CAST(weight_text AS DOUBLE) AS net_weight, "
        "TRY_CAST(amount_text AS DOUBLE) AS amount, "
        "coalesce(primary_value, "
        "CASE WHEN flows.is_import THEN coalesce(cif, fob) ELSE coalesce(fob, cif) END) AS value"
    )


def _revision(columns: _Columns) -> str:
    in_force = revision_sql("periods.year")
    if not columns.has("classificationCode"):
        return in_force
    return f"coalesce(revisions.hs_revision, CASE WHEN class_text = 'HS' THEN {in_force} END)"


def _in_force(alias: str) -> str:
    return f"periods.day BETWEEN {alias}.first_day AND {alias}.last_day"


def _valuation(columns: _Columns) -> str:
    if not columns.has("cifvalue", "fobvalue"):
        return "valuation"
    # Some importers publish no CIF value: the headline value is then their FOB value.
    is_fob = "is_import AND coalesce(cif, 0) = 0 AND fob > 0 AND value = fob"
    return f"CASE WHEN {is_fob} THEN 'fob' ELSE valuation END"


def _estimated(columns: _Columns, name: str, bit: int) -> str:
    if columns.has(name):
        flag = "weight_flag" if bit == 4 else "amount_flag"
        return f"TRY_CAST({flag} AS BOOLEAN)"
    if columns.has("legacyEstimationFlag"):
        return f"CASE WHEN legacy_flag IN ('0', '2', '4', '6') THEN legacy_flag IN ('{bit}', '6') END"
    return "NULL::BOOLEAN"


_IS_CODE = (
    "cmd_text IN ('TOTAL', '9999AA') "
    "OR (chapter IS NOT NULL AND regexp_full_match(cmd_text, '[0-9]{2}([0-9]{2}){0,4}'))"
)

_PUBLISHED_NAMES: Final = {
    "period": "period", "frequency": "freqCode", "flow": "flowCode",
    "reporter": "reporterCode", "partner": "partnerCode",
    "consignment": "partner2Code", "class": "classificationCode", "cmd": "cmdCode", "value": "primaryValue",
    "weight": "netWgt", "amount": "qty",
}  # fmt: skip

#: Reason, condition and offending column, the first that holds counts.
_FAULTS: Final[tuple[tuple[QuarantineReason, str, str], ...]] = (
    (QuarantineReason.BAD_PERIOD, "period IS NULL", "period"),
    (QuarantineReason.BAD_PERIOD, "frequency <> coalesce(frequency_text, frequency)", "frequency"),
    (QuarantineReason.UNKNOWN_FLOW, "flow IS NULL", "flow"),
    (QuarantineReason.UNKNOWN_AREA, "reporter IS NULL", "reporter"),
    (QuarantineReason.UNKNOWN_AREA, "partner IS NULL", "partner"),
    (QuarantineReason.UNKNOWN_AREA, "consignment IS NULL AND consignment_text IS NOT NULL", "consignment"),
    (QuarantineReason.UNKNOWN_REVISION, "hs_revision IS NULL", "class"),
    (QuarantineReason.UNKNOWN_HS_CODE, "is_code IS NOT TRUE", "cmd"),
    (QuarantineReason.BAD_NUMBER, is_no_number("value_text", "primary_value"), "value"),
    (QuarantineReason.BAD_NUMBER, is_no_number("weight_text", "net_weight"), "weight"),
    (QuarantineReason.BAD_NUMBER, f"has_unit AND {is_no_number('amount_text', 'amount')}", "amount"),
    (QuarantineReason.MISSING_VALUE, "value IS NULL", "value"),
    (QuarantineReason.BAD_NUMBER, "NOT isfinite(value)", "value"),
    (QuarantineReason.NEGATIVE_VALUE, "value < 0", "value"),
    (QuarantineReason.NEGATIVE_VALUE, "net_weight < 0", "weight"),
    (QuarantineReason.NEGATIVE_VALUE, "has_unit AND amount < 0", "amount"),
    (QuarantineReason.ABSURD_VALUE, f"value > {ABSURD}", "value"),
    (QuarantineReason.ABSURD_VALUE, f"net_weight > {ABSURD}", "weight"),
)

_JUDGEMENTS: Final = tuple(
    Judgement(reason, condition, _PUBLISHED_NAMES[name], f"{name}_text")
    for reason, condition, name in _FAULTS
)
