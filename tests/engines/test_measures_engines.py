"""Every measure gives equal rows on every engine, and each caller its own kind of frame."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from entrepot import measures
from entrepot.nomenclature import class_table

_KEYS = ("exporter", "importer", "hs_code", "period")
_SCHEMA = pa.schema([*((name, pa.string()) for name in _KEYS), ("value_usd", pa.float64())])


def _drawn(periods: list[str]) -> pa.Table:
    rng = np.random.default_rng(4)
    rows = [
        dict(zip(_SCHEMA.names, (a, b, k, t, value), strict=True))
        for a in ("AAA", "BBB", "CCC")
        for b in ("AAA", "BBB", "CCC")
        for k in ("854231", "270900", "999999")
        for t in periods
        if a != b and rng.random() > 0.2
        for value in [None if rng.random() < 0.02 else round(float(np.exp(rng.normal(3, 1))), 3)]
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


MONTHS = _drawn([f"{year}-{month:02d}" for year in (2020, 2021) for month in range(1, 13)])
YEARS = _drawn(["2019", "2020", "2021", "2022"])
KNOWN = YEARS.filter(pc.is_valid(YEARS["value_usd"]))
GDP = pa.table({"area": ["AAA", "BBB"], "year": pa.array([2022, 2021], pa.int32()), "gdp_usd": [900.0, 80.0]})

MEASURES = {
    "totals": (YEARS, partial(measures.totals, by=["importer", "period"])),
    "year_on_year": (YEARS, partial(measures.year_on_year, by=["exporter", "importer"])),
    "year_on_year_of_all": (YEARS, measures.year_on_year),
    "months_on_year": (MONTHS, partial(measures.year_on_year, by=["exporter"])),
    "year_to_date": (MONTHS, partial(measures.year_to_date, by=["exporter"])),
    "rolling_year": (MONTHS, partial(measures.rolling_year, by=["exporter", "importer"])),
    "indexed": (YEARS, partial(measures.indexed, base="2019:2020", by=["exporter"])),
    "indexed_of_all": (YEARS, partial(measures.indexed, base="2020")),
    "shares": (YEARS, partial(measures.shares, of=["exporter"], within=["importer", "period"])),
    "shares_of_all": (YEARS, partial(measures.shares, of=["exporter"], within=[])),
    "ranks": (YEARS, partial(measures.ranks, of=["exporter"], within=["importer", "period"])),
    "ranks_of_all": (YEARS, partial(measures.ranks, of=["hs_code", "exporter"], within=[])),
    "overtakings": (YEARS, partial(measures.overtakings, within=["importer"])),
    "overtakings_of_all": (YEARS, measures.overtakings),
    "without_inside": (YEARS, partial(measures.without_inside, members=["AAA", "BBB"])),
    "herfindahl_hirschman": (YEARS, measures.herfindahl_hirschman),
    "herfindahl_hirschman_of_all": (
        YEARS,
        partial(measures.herfindahl_hirschman, of=["hs_code"], within=[]),
    ),
    "dependence": (YEARS, measures.dependence),
    "dependence_of_all": (YEARS, partial(measures.dependence, within=[])),
    "substitutability": (YEARS, measures.substitutability),
    "substitutability_of_all": (YEARS, partial(measures.substitutability, within=[], divertible=0.1)),
    "proximity": (KNOWN, measures.proximity),
    "proximity_of_all": (KNOWN, partial(measures.proximity, within=[])),
    "advantage": (YEARS, measures.revealed_comparative_advantage),
    "advantage_of_all": (YEARS, partial(measures.revealed_comparative_advantage, within=[])),
    "similarity": (YEARS, measures.export_similarity),
    "similarity_of_all": (YEARS, partial(measures.export_similarity, within=[])),
    "complementarity": (YEARS, measures.complementarity),
    "supplanting": (YEARS, partial(measures.supplanting, before="2019", after="2021")),
    "supplanting_of_all": (YEARS, partial(measures.supplanting, before="2019", after="2021", market=[])),
    "margins": (YEARS, partial(measures.margins, before="2019:2020", after="2021:2022")),
    "margins_of_all": (YEARS, partial(measures.margins, before="2019", after="2022", by=[])),
    "composition": (YEARS, partial(measures.composition, classes=class_table("BEC4"))),
    "composition_of_all": (YEARS, partial(measures.composition, classes=class_table("ICT"), by=[])),
    "plausibility": (YEARS, partial(measures.plausibility, gdp=GDP)),
    "plausibility_of_months": (MONTHS, partial(measures.plausibility, gdp=GDP, frequency="M", past=1)),
}


def test_every_measure_has_a_case(frame_functions) -> None:
    """A new one fails here until its results are compared."""
    named = {(case.func if isinstance(case, partial) else case).__name__ for _, case in MEASURES.values()}
    assert named == frame_functions["entrepot.measures"]


def by_text(found):
    """Return rows by their texts."""
    return {tuple(v for v in row.values() if isinstance(v, str)): row for row in found}


@pytest.mark.parametrize("name", MEASURES)
def test_every_engine_gives_the_rows_of_polars(name, put, rows) -> None:
    table, measure = MEASURES[name]
    expected = by_text(rows(measure(pl.from_arrow(table))))
    found = by_text(rows(measure(put(table))))
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert list(found[key]) == list(row), "columns in one order"
        for column, value in row.items():
            is_number = isinstance(value, int | float)
            assert found[key][column] == (pytest.approx(value, rel=1e-9, abs=1e-9) if is_number else value), (
                key,
                column,
            )


@pytest.mark.parametrize("name", ["year_on_year", "ranks", "dependence", "supplanting", "composition"])
def test_every_caller_gets_its_own_kind_back(name, kind, put, rows) -> None:
    table, measure = MEASURES[name]
    frame = put(table)
    assert type(measure(frame)) is type(frame)
    if kind != "spark":
        nothing = measure(put(table.slice(0, 0)))
        assert rows(nothing) == []
