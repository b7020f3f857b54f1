"""Goods whose code changed stand under one code, whichever part of a lake is looked at."""

from __future__ import annotations

import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.pipeline.revisions import RevisionChoice, converted_reports, linked_products, needs_linking

CHOICE = RevisionChoice("HS2017", named_by="HS2022")


@pytest.mark.parametrize(
    ("rows", "needed"),
    [
        ([("HS2017", "870323"), ("HS2022", "870323")], False),
        ([("HS2022", "880730")], True),
        ([("HS2022", "854141")], True),
        ([("HS2017", "880330")], True),  # the years before alone: their code gets the new number too
        ([("HS2017", "854140")], False),  # split later, and called by this number still
        ([(None, "880730")], False),
    ],
)
def test_a_part_is_linked_where_a_code_of_it_changes(rows, needed) -> None:
    table = pa.table(
        {"hs_revision": pa.array([r for r, _ in rows], pa.string()), "hs_code": [c for _, c in rows]}
    )
    with Engine() as engine:
        engine.keep(engine.arrow_frame(table), "part")
        assert needs_linking(engine, "part", CHOICE) is needed


def test_both_years_of_a_good_stand_under_one_code_and_nothing_is_lost() -> None:
    rows = [("HS2017", "880330", 5.0), ("HS2022", "880730", 7.0), ("HS2017", "854140", 4.0)]
    rows += [("HS2022", "854141", 1.0), ("HS2022", "854143", 2.0)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    table = pa.table(
        {
            "hs_revision": columns[0],
            "hs_code": columns[1],
            "primary_value_usd": columns[2],
            "role": ["leaf"] * 5,
        }
    )
    with Engine() as engine:
        moved = converted_reports(engine, engine.arrow_frame(table), CHOICE, name="linked")
        found = moved.collect("pyarrow").to_native().to_pylist()
    sums: dict[str, float] = {}
    for row in found:
        sums[row["hs_code"]] = sums.get(row["hs_code"], 0.0) + row["primary_value_usd"]
    assert sums == {"880730": 12.0, "854140": 7.0}
    assert linked_products(["880330", "854143", "870323"], CHOICE) == ("880730", "854140", "870323")
