"""Constants of a file's canonical rows: written as columns, held to the same vocabularies as rows are."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from entrepot.engine import Engine
from entrepot.errors import ContractError
from entrepot.pipeline.flow_files import write_flow
from entrepot.schema import FLOW

if TYPE_CHECKING:
    from pathlib import Path

FIXED: dict[str, Any] = {
    "source": "made up", "vintage": date(2024, 3, 31), "file_hash": "0" * 64, "cell": None, "role": "leaf",
    "partner": "KGZ", "partner_concept": "last_known_destination", "consignment_partner": None,
    "flow": "export", "customs_procedure": None, "frequency": "A", "hs_level": 6, "hs_revision": "HS2017",
    "national_code": None, "valuation": "fob", "reported_value": None, "reported_currency": None,
    "net_weight_kg": None, "is_net_weight_estimated": None, "quantity": None, "quantity_unit": None,
    "is_quantity_estimated": None,
}  # fmt: skip
ROWS = """
    SELECT n AS row_number, 2022 AS year, '2022' AS period, 'CHN' AS reporter, 'leaf' AS role,
        printf('87%04d', n) AS hs_code, n * 10.0 AS primary_value_usd,
        CASE WHEN n % 3 = 0 THEN 'bad_number' END AS reason
    FROM range(1, 10) AS r (n)
"""


def test_constants_are_columns_and_bad_rows_are_left(tmp_path: Path) -> None:
    with Engine() as engine:
        flow = write_flow(engine, ROWS, tmp_path / "rows", constants=FIXED, good="reason IS NULL")
    table = pq.read_table(flow.paths[0])
    assert tuple(table.schema.names) == FLOW.columns
    assert sorted(table["row_number"].to_pylist()) == [1, 2, 4, 5, 7, 8]
    assert all(table[name].unique().to_pylist() == [value] for name, value in FIXED.items())
    assert flow.facts == {
        "period": {"2022"}, "reporter": {"CHN"}, "hs_level": {6}, "hs_revision": {"HS2017"}
    }  # fmt: skip
    assert flow.keys is not None
    assert len(set(flow.keys.tolist())) == 6


@pytest.mark.parametrize(
    ("column", "word"), [("flow", "exports"), ("partner", "KYR"), ("hs_revision", "HS2023")]
)
def test_a_constant_that_is_no_word_of_its_vocabulary_is_an_error(
    column: str, word: str, tmp_path: Path
) -> None:
    with Engine() as engine, pytest.raises(ContractError, match=f"{column} is {word!r} in all rows"):
        write_flow(engine, ROWS, tmp_path / "rows", constants=FIXED | {column: word}, good="reason IS NULL")
