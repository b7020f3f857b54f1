"""What Eurostat's codes mean: periods with their rates, areas and the Union's members, units."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib import resources
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from entrepot.nomenclature import area, area_code_table, memberships, revision_in_force
from entrepot.nomenclature.hs import hs_chapters
from entrepot.sources.rates import ecb_rates

__all__ = ["PROCEDURES", "TOTAL_PROCEDURE", "WITHOUT_UNIT", "reference_tables"]

#: Statistical procedures. 4 is the total of the CD-ROMs, beside which 1 is not given.
PROCEDURES: Final = {
    "1": "normal",
    "2": "inward_processing",
    "3": "outward_processing",
    "5": "inward_processing_suspension",
    "6": "inward_processing_drawback",
    "7": "outward_processing_textiles",
    "9": "not_from_customs",
}
TOTAL_PROCEDURE: Final = "4"

#: How files say that a product has no supplementary unit.
WITHOUT_UNIT: Final = ("NO_SU", "-", "")

#: Supplementary units in the words of UN's list, where it has them; others are kept as published. Letters
#: are those of the files before December 2024.
_UNITS: Final = {
    "PST": "u", "A": "u", "PA": "2u", "1000_PST": "1000u", "M": "m", "F": "m", "M2": "m2", "M3": "m3",
    "L": "l", "1000_KWH": "1000kwh", "CTM": "carat",
}  # fmt: skip

#: Areas of the dissemination service that are no two letters: the world, the Union in its compositions,
#: what is inside and outside of it.
_UNIONS: Final = (
    "EU27_2020", "EU28", "EU27_2007", "EU27", "EU25", "EU15", "EU12", "EU10", "EU9", "EU6", "EU",
)  # fmt: skip
_EURO_AREAS: Final = ("EA", *(f"EA{members}" for members in range(11, 22)), "EUROZONE")

_FIRST_YEAR, _LAST_YEAR = 1988, 2100
_EVER: Final = (date(1, 1, 1), date(9999, 12, 31))
#: The United Kingdom's trade with members was recorded as theirs to the end of the transition.
_UK_LAST: Final = date(2020, 12, 31)
#: Areas that are no country and lie inside the Union.
_INSIDE: Final = ("XIE", "XEU", "XQR", "XQV", "XQY")


def reference_tables() -> dict[str, pa.Table]:
    """Return the tables that the queries join."""
    return {
        "comext_period": _periods(),
        "comext_area": _areas(),
        "comext_chapter": pa.table({"chapter": list(hs_chapters())}),
        "comext_unit": pa.table({"text": list(_UNITS), "unit": list(_UNITS.values())}),
    }


@cache
def _periods() -> pa.Table:
    """Return every spelling of a period with what holds in it.

    **Grain**: one spelling. ``text, period, year, frequency, day, hs_revision, eur_per_usd`` (null where
    the ECB has none). The nomenclature of a year (CN) rests on the revision in force in it.
    """
    rates = ecb_rates()
    euro = rates.filter(pc.equal(rates["currency"], "EUR"))
    rate = dict(zip(euro["period"].to_pylist(), euro["per_usd"].to_pylist(), strict=True))
    rows = []
    for year in range(_FIRST_YEAR, _LAST_YEAR + 1):
        revision = revision_in_force(year)
        fixed = (revision, rate.get(f"{year}"))
        rows += [(text, f"{year}", year, "A", date(year, 1, 1), *fixed) for text in (f"{year}", f"{year}52")]
        for month in range(1, 13):
            period = f"{year}-{month:02d}"
            fixed = (revision, rate.get(period))
            day = date(year, month, 1)
            rows += [(text, period, year, "M", day, *fixed) for text in (period.replace("-", ""), period)]
    names = ("text", "period", "year", "frequency", "day", "hs_revision", "eur_per_usd")
    kinds = (pa.string(), pa.string(), pa.int32(), pa.string(), pa.date32(), pa.string(), pa.float64())
    return pa.table(
        [list(column) for column in zip(*rows, strict=True)],
        schema=pa.schema(list(zip(names, kinds, strict=True))),
    )


@cache
def _areas() -> pa.Table:
    """Return the meaning of area codes by day.

    **Grain**: one code in one span of time. ``text, first_day, last_day, code, is_aggregate, eu_first,
    eu_last``: the span in which the area is inside the Union; null where it never was.
    """
    meanings: dict[tuple[str, date], tuple[date, str]] = {}
    table = area_code_table()
    for row in table.filter(pc.equal(table["scheme"], "iso2")).to_pylist():
        first = row["valid_from"] or _EVER[0]
        meanings.setdefault((row["foreign_code"], first), (row["valid_to"] or _EVER[1], row["code"]))
    file = resources.files("entrepot.sources.comext").joinpath("numeric_areas.csv")
    for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
        first = date.fromisoformat(row["valid_from"]) if row["valid_from"] else _EVER[0]
        last = date.fromisoformat(row["valid_to"]) if row["valid_to"] else _EVER[1]
        meanings[row["number"], first] = (last, row["code"])
    for text, code in _group_codes().items():
        meanings[text, _EVER[0]] = (_EVER[1], code)
    inside = _inside_union()
    spans = [inside.get(code, (None, None)) for _, code in meanings.values()]
    return pa.table(
        {
            "text": [text for text, _ in meanings],
            "first_day": pa.array([first for _, first in meanings], pa.date32()),
            "last_day": pa.array([last for last, _ in meanings.values()], pa.date32()),
            "code": [code for _, code in meanings.values()],
            "is_aggregate": [area(code).is_aggregate for _, code in meanings.values()],
            "eu_first": pa.array([first for first, _ in spans], pa.date32()),
            "eu_last": pa.array([last for _, last in spans], pa.date32()),
        }
    )


def _group_codes() -> dict[str, str]:
    codes = {"WORLD": "XWD", **dict.fromkeys(_UNIONS, "XEU"), **dict.fromkeys(_EURO_AREAS, "XEA")}
    for union in _UNIONS:
        codes |= dict.fromkeys((f"EXT_{union}", f"{union}_EXTRA", f"EXTRA_{union}"), "XEX")
        codes |= dict.fromkeys((f"INT_{union}", f"{union}_INTRA", f"INTRA_{union}"), "XIE")
    return codes


def _inside_union() -> dict[str, tuple[date, date]]:
    inside = {
        stay.member: (stay.valid_from or _EVER[0], stay.valid_to or _EVER[1]) for stay in memberships("EU")
    }
    inside["GBR"] = (inside["GBR"][0], _UK_LAST)
    return inside | dict.fromkeys(("XBL", "XFG"), _EVER) | dict.fromkeys(_INSIDE, _EVER)
