"""Flows in one revision: amounts conserved, rows never lost, equal on every kind of frame."""

from __future__ import annotations

import math

import narwhals as nw
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.engine import Engine
from entrepot.errors import OptionError
from entrepot.nomenclature import HS_REVISIONS, concordance, hs_codes
from entrepot.reconcile import amount_columns, to_revision
from entrepot.schema import RevisionMatch

_SCHEMA = pa.schema(
    [
        ("row", pa.int64()), ("hs_code", pa.string()), ("hs_revision", pa.string()),
        ("primary_value_usd", pa.float64()), ("net_weight_kg", pa.float64()), ("quantity", pa.float64()),
        ("cif_fob_ratio", pa.float64()),
    ]
)  # fmt: skip
_ROWS = [
    (0, "854140", "HS2017", 100.0, 10.0, 7.0, 1.1),
    (1, "880330", "HS2017", 5.0, None, None, 1.1),
    (2, "852990", "HS2017", 8.0, 1.0, None, 1.1),
    (3, "854921", "HS2022", 3.0, 0.5, None, 1.1),
    (4, "TOTAL", "HS2012", None, 2.0, None, 1.1),
    (5, "010199", "HS2017", 4.0, 2.0, None, 1.1),
    (6, "854140", None, 9.0, 2.0, None, 1.1),
    (7, "8541", "HS2017", 6.0, 2.0, None, None),
    (8, "300219", "HS2017", 2.0, 2.0, None, 1.1),
]
TABLE = pa.Table.from_pylist([dict(zip(_SCHEMA.names, row, strict=True)) for row in _ROWS], schema=_SCHEMA)


def rows_of(frame) -> list[dict]:
    table = nw.from_native(frame).lazy().collect(backend="pyarrow").to_native()
    found = [
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
        for row in table.to_pylist()
    ]
    return sorted(found, key=lambda row: (row["row"], row["hs_code"] or ""))


def test_every_way_a_row_can_go():
    found = rows_of(to_revision(TABLE, "HS2022"))
    match = {row["row"]: row["revision_match"] for row in found}
    assert match == {
        0: "split", 1: "recoded", 2: "kept", 3: "as_published", 4: "kept", 5: "unmatched", 6: "unmatched",
        7: "kept", 8: "unmatched",
    }  # fmt: skip
    assert set(match.values()) == {term.value for term in RevisionMatch}
    split = [row for row in found if row["row"] == 0]
    assert [row["hs_code"] for row in split] == ["854141", "854142", "854143", "854149"]
    assert {row["primary_value_usd"] for row in split} == {25.0}
    assert {(row["source_hs_code"], row["source_hs_revision"]) for row in split} == {("854140", "HS2017")}
    assert {row["cif_fob_ratio"] for row in split} == {1.1}, "a ratio is not shared"
    lost = next(row for row in found if row["row"] == 5)
    assert (lost["hs_code"], lost["hs_revision"], lost["primary_value_usd"]) == ("010199", "HS2017", 4.0)
    assert next(row for row in found if row["row"] == 1)["net_weight_kg"] is None


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars_lazy", "duckdb"])
def test_every_kind_of_frame_gives_the_rows_of_arrow_and_its_own_kind(kind):
    expected = rows_of(to_revision(TABLE, "HS2022"))
    with Engine(memory_limit="500MB", threads=1) as engine:
        weights = None
        match kind:
            case "pandas":
                flows = TABLE.to_pandas()
            case "polars":
                flows = pl.from_arrow(TABLE)
            case "polars_lazy":
                flows = pl.from_arrow(TABLE).lazy()
            case _:
                flows = engine.arrow_frame(TABLE).to_native()
                weights = engine.arrow_frame(concordance("HS2022").table()).to_native()
        made = to_revision(flows, "HS2022", weights)
        assert type(made) is type(flows)
        assert rows_of(made) == expected


amounts = st.one_of(st.none(), st.floats(0, 1e12, allow_nan=False))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(HS_REVISIONS),
            st.integers(0, 10_000),
            st.sampled_from([2, 4, 6]),
            amounts,
            amounts,
        ),
        max_size=40,
    ),
    target=st.sampled_from(HS_REVISIONS),
)
def test_amounts_are_conserved_row_by_row(rows, target):
    picked = [
        (r, hs_codes(r, level=level)[i % len(hs_codes(r, level=level))], v, w) for r, i, level, v, w in rows
    ]
    table = pa.Table.from_pylist(
        [
            {"row": i, "hs_code": c, "hs_revision": r, "primary_value_usd": v, "net_weight_kg": w}
            for i, (r, c, v, w) in enumerate(picked)
        ],
        schema=_SCHEMA,
    )
    found = rows_of(to_revision(table, target))
    assert {row["row"] for row in found} == set(range(len(rows)))
    for i, (revision, code, value, weight) in enumerate(picked):
        own = [row for row in found if row["row"] == i]
        assert sum(row["revision_weight"] for row in own) == pytest.approx(1.0, abs=1e-12)
        for name, amount in (("primary_value_usd", value), ("net_weight_kg", weight)):
            parts = [row[name] for row in own]
            if amount is None:
                assert set(parts) == {None}, "not reported is not zero"
            else:
                assert sum(parts) == pytest.approx(amount, rel=1e-12)
        is_lost = own[0]["revision_match"] == "unmatched"
        assert {row["hs_revision"] for row in own} == {revision if is_lost else target}
        assert {row["source_hs_code"] for row in own} == {code}


def test_nothing_in_nothing_out_with_all_columns():
    made = to_revision(_SCHEMA.empty_table(), "HS2017")
    assert made.num_rows == 0
    assert made.column_names[-4:] == [
        "source_hs_code", "source_hs_revision", "revision_weight", "revision_match"
    ]  # fmt: skip


def test_a_second_conversion_traces_the_second_step_only():
    once = to_revision(TABLE, "HS2022")
    twice = rows_of(to_revision(once, "HS2017"))
    assert sum(row["primary_value_usd"] for row in twice if row["row"] == 0) == pytest.approx(100.0)
    assert {row["hs_code"] for row in twice if row["row"] == 0} == {"854140"}
    assert {row["source_hs_code"] for row in twice if row["row"] == 1} == {"880730"}


def test_columns_of_the_callers_own_are_shared_when_named():
    table = TABLE.append_column("euro", TABLE["primary_value_usd"])
    plain = rows_of(to_revision(table, "HS2022"))
    named = rows_of(to_revision(table, "HS2022", amounts=["euro"]))
    assert [row["euro"] for row in plain if row["row"] == 0] == [100.0] * 4
    assert [row["euro"] for row in named if row["row"] == 0] == [25.0] * 4
    assert amount_columns(["hs_code", "low_usd", "q_value"]) == ("low_usd",)


def test_a_learnt_concordance_changes_the_result():
    seen = {"HS2017": {"854140": 1.0}, "HS2022": {"854143": 3.0, "854142": 1.0}}
    found = rows_of(to_revision(TABLE.slice(0, 1), "HS2022", concordance("HS2022", values=seen)))
    assert {row["hs_code"]: row["primary_value_usd"] for row in found} == pytest.approx(
        {"854142": 25.0, "854143": 75.0}
    )


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="no column hs_revision"):
        to_revision(pa.table({"hs_code": ["85"]}), "HS2017")
    with pytest.raises(OptionError, match="leads to HS2017"):
        to_revision(TABLE, "HS2022", concordance("HS2017"))
    with (
        Engine(memory_limit="500MB", threads=1) as engine,
        pytest.raises(OptionError, match="cannot be joined"),
    ):
        to_revision(engine.arrow_frame(TABLE).to_native(), "HS2022")
