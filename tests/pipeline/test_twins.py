"""Which keys stand twice: found by sorting, as by counting."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.engine import Engine
from entrepot.pipeline.twins import key_hash, repeated_hashes
from entrepot.schema import FLOW

KEYS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), max_size=40)


@settings(deadline=None, max_examples=30)
@given(keys=KEYS)
def test_repeated_keys_are_those_that_count_more_than_once(keys: list[int]) -> None:
    with Engine() as engine:
        found = repeated_hashes(engine, f"SELECT unnest({keys}::UBIGINT[]) AS key", len(keys), key="key")
    assert found.tolist() == sorted(key for key, count in Counter(keys).items() if count > 1)


ROW = {
    "role": "leaf", "reporter": "DEU", "partner": "KGZ", "flow": "export", "period": "2022-03",
    "frequency": "M", "hs_code": "870323", "hs_level": 6, "hs_revision": "HS2017",
    "partner_concept": "last_known_destination",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"hs_code": "870324"},
        {"national_code": "87032310", "hs_level": 8},
        {"period": "2022", "frequency": "A"},
        {"hs_code": "8703", "hs_level": 4},
        {"partner": "KAZ"},
        {"hs_revision": "HS2022"},
        {"partner_concept": "consignment"},
        {"consignment_partner": "KAZ"},
        {"customs_procedure": "C00"},
        {"role": "aggregate"},
    ],
)
def test_rows_of_other_keys_have_other_numbers(change: dict[str, object]) -> None:
    schema = FLOW.arrow_schema()
    both = [{name: row.get(name) for name in schema.names} for row in (ROW, ROW | change)]
    with Engine() as engine:
        engine.register(
            "rows_of_two_keys", pa.Table.from_pylist(both, pa.schema([f.with_nullable(True) for f in schema]))
        )
        numbers = [row[0] for row in engine.rows(f"SELECT {key_hash()} FROM rows_of_two_keys")]
    assert len(set(numbers)) == 2
