"""What the columns of the US Census Bureau say, in SQL, and the small tables that explain them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from entrepot.engine.quoting import literal
from entrepot.errors import HeaderError
from entrepot.nomenclature.national_codes import national_area_codes
from entrepot.schema import FlowKind, Valuation
from entrepot.schema.layouts import US_CENSUS
from entrepot.sources.expressions import text_sql
from entrepot.sources.named_columns import match_names
from entrepot.sources.national import (
    NationalForm,
    RowTexts,
    area_spellings,
    canonical_sql,
    month_table,
    shared_tables,
    spelling_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

__all__ = ["CensusColumns", "Measure", "census_columns", "census_sql", "census_tables"]

_KNOWN: Final = {name.lower(): meaning for name, meaning in US_CENSUS.items()}


@dataclass(frozen=True, slots=True)
class Measure:
    """Which of the value columns counts.

    Attributes
    ----------
    id
        Name in the layout, such as ``general-imports``.
    value
        The column.
    side
        Imports or exports.
    valuation
        The customs value leaves out freight and insurance, as FOB does; exports are free alongside ship.
    quantities
        First and second quantity that belong to the value.
    """

    id: str
    value: str
    side: Literal["import", "export"]
    valuation: Valuation
    quantities: tuple[str, str]

    @property
    def is_to_date(self) -> bool:
        """Whether the value is the sum since January."""
        return self.value.endswith("_year")


def _measures() -> tuple[Measure, ...]:
    """Return the measures in order: general before consumption, customs value before CIF, months first."""
    found = []
    for span in ("month", "year"):
        for system in ("general", "consumption"):
            quantities = (f"{system}_quantity_{span}", f"{system}_quantity_2_{span}")
            for kind, valuation in (("value", Valuation.FOB), ("cif", Valuation.CIF)):
                name = (
                    f"{system}-imports{'-cif' if kind == 'cif' else ''}{'-annual' if span == 'year' else ''}"
                )
                found.append(Measure(name, f"{system}_{kind}_{span}", "import", valuation, quantities))
        name = f"exports{'-annual' if span == 'year' else ''}"
        quantities = (f"export_quantity_{span}", f"export_quantity_2_{span}")
        found.append(Measure(name, f"export_value_{span}", "export", Valuation.FOB, quantities))
    return tuple(found)


_MEASURES: Final = _measures()

_UNITS: Final = {
    "NO": "u", "PCS": "u", "X": "", "-": "", "PRS": "2u", "DOZ": "12u", "THS": "1000u",
    "L": "l", "M": "m", "M2": "m2", "M3": "m3", "G": "g", "T": "t", "CAR": "carat", "MWH": "1000kwh",
}  # fmt: skip

#: A year as Census writes it under its month, and under the sum of the year so far.
_TO_DATE: Final = " to date"


@dataclass(frozen=True, slots=True)
class CensusColumns:
    """The file's name of each column that counts, and the measure that is read."""

    found: Mapping[str, str]
    measure: Measure


def census_columns(names: Iterable[str], *, where: str) -> CensusColumns:
    """Return which columns count.

    Raises
    ------
    HeaderError
        The columns do not say period, country, code or value, or say both imports and exports.
    """
    required = {
        "the country (CTY_CODE)": ("partner",),
        "the code (I_COMMODITY or E_COMMODITY)": ("import_product", "export_product"),
        "the month (time, or YEAR and MONTH)": ("time", "month"),
        "the value (GEN_VAL_MO, CON_VAL_MO, ALL_VAL_MO, …)": tuple(one.value for one in _MEASURES),
    }
    # Conditions of the query come back as columns that are there already.
    found = match_names(names, _KNOWN, required=required, where=where, may_repeat=True)
    if "time" not in found and "year" not in found:
        raise HeaderError(
            "the column MONTH stands without YEAR", where=where, hint="ask for time, or for YEAR and MONTH"
        )
    sides = [side for side in ("import", "export") if f"{side}_product" in found]
    measures = [one for one in _MEASURES if one.value in found and one.side in sides]
    if len(sides) > 1 or not measures:
        raise HeaderError(
            "the file has the codes of imports and of exports"
            if len(sides) > 1
            else f"the file has the codes of {sides[0]}s and no value of {sides[0]}s",
            where=where,
            hint="keep imports and exports in files of their own, each with its value",
        )
    return CensusColumns(found, measures[0])


def census_sql(columns: CensusColumns, raw: str) -> str:
    """Return the query; see :class:`~entrepot.sources.base.Source`."""
    found, measure = columns.found, columns.measure
    text = {meaning: text_sql(name) for meaning, name in found.items()}
    nothing = "NULL::VARCHAR"
    quantities = [text.get(name, nothing) for name in measure.quantities]
    units = [f"upper({text.get(name, nothing)})" for name in ("unit", "unit_2")]
    others = [f"WHEN {unit} <> 'KG'" for unit in units]
    product = text[f"{measure.side}_product"]
    form = NationalForm(
        reporter="USA",
        prefix="us_census",
        texts=RowTexts(
            partner=text["partner"],
            partner_name=text.get("partner_name", nothing),
            flow=_flow(measure, text),
            period=_period(measure, text),
            product=f"CASE WHEN {product} = '-' THEN 'TOTAL' ELSE {product} END",
            value=text[measure.value],
            weight=f"CASE 'KG' WHEN {units[0]} THEN {quantities[0]} WHEN {units[1]} THEN {quantities[1]} END",
            amount=f"CASE {others[0]} THEN {quantities[0]} {others[1]} THEN {quantities[1]} END",
            unit=f"CASE {others[0]} THEN {units[0]} {others[1]} THEN {units[1]} END",
            part=_part(text),
        ),
        names={
            "partner": found["partner"],
            "partner_name": found.get("partner_name", ""),
            "flow": found.get("origin_of_goods", "flow"),
            "period": found.get("time", found.get("month", "time")),
            "product": found[f"{measure.side}_product"],
            "value": found[measure.value],
            **{name: found.get(measure.quantities[0], "quantity") for name in ("weight", "amount")},
        },
        import_valuation=measure.valuation,
        has_wholes=True,
    )
    return canonical_sql(form, raw)


def _flow(measure: Measure, text: Mapping[str, str]) -> str:
    """Return the flow: total exports contain those of domestic and of foreign goods."""
    if measure.side == "import":
        return literal("IMPORT")
    return f"'EXPORT ' || coalesce({text.get('origin_of_goods', 'NULL::VARCHAR')}, '-')"


def _period(measure: Measure, text: Mapping[str, str]) -> str:
    """Return the month; of a sum since January the year, if it is December's."""
    month = text.get("time") or f"{text['year']} || '-' || lpad({text['month']}, 2, '0')"
    if not measure.is_to_date:
        return month
    year = f"CASE WHEN {month} LIKE '____-12' THEN left({month}, 4) ELSE {month} END"
    return f"{year} || {literal(_TO_DATE)}"


def _part(text: Mapping[str, str]) -> dict[str, str]:
    """Return by what a row is a part; a hyphen stands for all."""
    names = [name for name in ("district", "port", "state", "rate_provision", "subcode") if name in text]
    return {name: f"nullif({text[name]}, '-')" for name in names}


def census_tables() -> dict[str, pa.Table]:
    """Return the tables that the query joins."""
    flows = {
        "IMPORT": FlowKind.IMPORT, "EXPORT -": FlowKind.EXPORT,
        "EXPORT 1": FlowKind.DOMESTIC_EXPORT, "EXPORT 2": FlowKind.RE_EXPORT,
    }  # fmt: skip
    return shared_tables() | {
        "us_census_area": area_spellings(national_area_codes("schedule_c")),
        "us_census_period": month_table("{year}-{month:02d}", years="{year}" + _TO_DATE),
        "us_census_flow": spelling_table({text: flow.value for text, flow in flows.items()}),
        "us_census_unit": spelling_table(_UNITS),
    }
