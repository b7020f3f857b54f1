"""What the columns of Russia's customs say, in SQL, and the small tables that explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.nomenclature.national_codes import national_area_codes
from entrepot.schema import FlowKind
from entrepot.sources.expressions import figure_sql, text_sql
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
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["LAST_MONTH", "fts_sql", "fts_tables"]

#: The service published nothing for later months: files that go on are somebody else's.
LAST_MONTH: Final = (2022, 1)

_FLOWS: Final = {
    "ИМ": FlowKind.IMPORT, "IM": FlowKind.IMPORT, "IMP": FlowKind.IMPORT,
    "ЭК": FlowKind.EXPORT, "EK": FlowKind.EXPORT, "EXP": FlowKind.EXPORT,
}  # fmt: skip

#: Letters of the units; one that is not here is kept as published.
_UNITS: Final = {
    "PCE  NMB": "u", "PCE NMB": "u", "PCE": "u", "NMB": "u", "ШТ": "u",
    "LTR": "l", "Л": "l", "MTR": "m", "М": "m",
    "MTK": "m2", "М2": "m2", "MTQ": "m3", "М3": "m3", "GRM": "g", "Г": "g", "KGM": "kg", "КГ": "kg",
    "NPR": "2u", "ПАР": "2u", "MIL": "1000u", "ТЫС ШТ": "1000u", "CTM": "carat", "КАР": "carat",
}  # fmt: skip


def fts_sql(found: Mapping[str, str], raw: str) -> str:
    """Return the query; see :class:`~entrepot.sources.base.Source`.

    Parameters
    ----------
    found
        The file's name of each of the publisher's columns that it has.
    raw
        Name of the staged table.
    """
    text = {meaning: text_sql(name) for meaning, name in found.items()}
    nothing = "NULL::VARCHAR"
    # The decimal separator is a comma or a point, and nothing separates thousands.
    numbers = {
        name: f"replace({figure_sql(found[name])}, ',', '.')" if name in text else nothing
        for name in ("value", "weight", "amount")
    }
    # A code hidden in whole or in part, X in either alphabet: what kind of goods it is nobody may know.
    code = text["product"]
    hidden = f"regexp_full_match({code}, '[0-9XxХх]*[XxХх][0-9XxХх]*')"
    parts = {"": code} | {name: text[name] for name in ("region", "district", "unit") if name in text}
    form = NationalForm(
        reporter="RUS",
        prefix="russia_fts",
        texts=RowTexts(
            partner=text["partner"],
            flow=text["flow"],
            period=text["period"],
            product=f"CASE WHEN {hidden} THEN '9999AA' ELSE {code} END",
            value=numbers["value"],
            weight=numbers["weight"],
            amount=numbers["amount"],
            unit=text.get("unit", nothing),
            # Hidden codes of several goods become one, Abkhazia and South Ossetia one area.
            part=parts,
        ),
        names=found,
    )
    return canonical_sql(form, raw)


def fts_tables() -> dict[str, pa.Table]:
    """Return the tables that the query joins."""
    return shared_tables() | {
        "russia_fts_area": area_spellings(national_area_codes("russia_fts"), scheme="iso2"),
        "russia_fts_period": month_table("{month:02d}/{year}", last=LAST_MONTH),
        "russia_fts_flow": spelling_table({text: flow.value for text, flow in _FLOWS.items()}),
        "russia_fts_unit": spelling_table(_UNITS),
    }
