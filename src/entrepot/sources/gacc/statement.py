"""What the columns of China's customs say, in SQL, and the small tables that explain them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from entrepot.engine.quoting import literal
from entrepot.nomenclature.national_codes import national_area_codes
from entrepot.schema import FlowKind
from entrepot.sources.expressions import text_sql
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

    from entrepot.sources.base import Stated

__all__ = ["gacc_sql", "gacc_tables"]

_KILOGRAMS: Final = ("千克", "公斤", "KILOGRAM", "KILOGRAMS", "KG")

#: Units in Chinese and English; one that is not here is kept as published.
_UNITS: Final = {
    "台": "u", "座": "u", "辆": "u", "艘": "u", "架": "u", "套": "set", "个": "u", "只": "u", "头": "u",
    "件": "u", "支": "u", "枝": "u", "根": "u", "条": "u", "把": "u", "块": "u", "张": "u", "双": "2u",
    "对": "2u", "升": "l", "米": "m", "平方米": "m2", "立方米": "m3", "克": "g", "吨": "t",
    "千个": "1000u", "克拉": "carat",
    "PIECE": "u", "UNIT": "u", "ITEM": "u", "SET": "set", "PAIR": "2u", "LITRE": "l", "LITER": "l",
    "METRE": "m", "METER": "m", "SQUARE METRE": "m2", "CUBIC METRE": "m3", "GRAM": "g", "TON": "t",
    "CARAT": "carat",
}  # fmt: skip


def gacc_sql(found: Mapping[str, str], stated: Stated, raw: str) -> str:
    """Return the query; see :class:`~entrepot.sources.base.Source`.

    Parameters
    ----------
    found
        The file's name of each of the publisher's columns that it has.
    stated
        Direction, and the period where the file has none.
    raw
        Name of the staged table.
    """
    text = {meaning: _text(name) for meaning, name in found.items()}
    nothing = "NULL::VARCHAR"
    units = [f"upper({text.get(name, nothing)})" for name in ("unit", "unit_2")]
    quantities = [text.get(name, nothing) for name in ("quantity", "quantity_2")]
    kilograms = literal("|".join(map(re.escape, _KILOGRAMS)))
    # Not IN: of a list DuckDB makes a join, and asks every row; this it asks once of each different text.
    weights = [f"WHEN regexp_full_match({unit}, {kilograms})" for unit in units]
    others = [f"WHEN NOT regexp_full_match({unit}, {kilograms})" for unit in units]
    # Partners of ours may be several of theirs, so that the partner's code is a part as well.
    parts = {"partner": text.get("partner", text.get("partner_name", nothing))}
    parts |= {name: text[name] for name in ("regime", "province") if name in text}
    value = "value_usd" if "value_usd" in found else "value_cny"
    form = NationalForm(
        reporter="CHN",
        prefix="gacc",
        texts=RowTexts(
            partner=text.get("partner", nothing),
            partner_name=text.get("partner_name", nothing),
            flow=literal(stated.flow.value if stated.flow else ""),
            period=text.get("period", literal(f"stated {stated.period}")),
            product=text["product"],
            value=text[value],
            weight=f"CASE {weights[0]} THEN {quantities[0]} {weights[1]} THEN {quantities[1]} END",
            amount=f"CASE {others[0]} THEN {quantities[0]} {others[1]} THEN {quantities[1]} END",
            unit=f"CASE {others[0]} THEN {units[0]} {others[1]} THEN {units[1]} END",
            part=parts,
        ),
        names={
            **found,
            "value": found[value],
            "weight": found.get("quantity", ""),
            "amount": found.get("quantity", ""),
        },
        currency="USD" if value == "value_usd" else "CNY",
        thousands=",",
        checks_names=True,
    )
    return canonical_sql(form, raw)


def gacc_tables() -> dict[str, pa.Table]:
    """Return the tables that the query joins."""
    stated = month_table("stated {year}-{month:02d}", years="stated {year}")
    return shared_tables() | {
        "gacc_area": area_spellings(national_area_codes("gacc")),
        "gacc_period": pa.concat_tables([month_table("{year}{month:02d}"), stated]),
        "gacc_flow": spelling_table({flow.value: flow.value for flow in (FlowKind.IMPORT, FlowKind.EXPORT)}),
        "gacc_unit": spelling_table(_UNITS),
    }


def _text(name: str) -> str:
    """Return the SQL of a column's trimmed text; a question mark stands for nothing."""
    return f"nullif({text_sql(name)}, '?')"
