"""Reconciliation of nothing, of one row, of real distances; its steps are in test_public_engines.py."""

from __future__ import annotations

from functools import partial
from itertools import product

import narwhals as nw
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from entrepot.reconcile import reconcile
from entrepot.schema import RECONCILED


@pytest.fixture
def brought_together(kind):
    """Return ``reconcile``; on Spark its plain form: the weighted one is planned anew for each query.

    Its figures are compared above.
    """
    return partial(reconcile, estimate="exporter_first") if kind == "spark" else reconcile


def test_nothing_in_gives_nothing_out_with_its_columns(put, rows, brought_together, random_reports) -> None:
    found = brought_together(put(random_reports.slice(0, 0)))
    assert rows(found) == []
    assert nw.from_native(found).collect_schema().names() == list(RECONCILED.columns)


def test_one_row_without_a_mirror(put, rows, brought_together, random_reports) -> None:
    """No flow has two reports: joins of nothing must not lose the flow."""
    schema = random_reports.schema
    row = dict.fromkeys(schema.names) | {
        "reporter": "AAA", "partner": "BBB", "flow": "export", "partner_concept": "last_known_destination",
        "role": "leaf", "hs_code": "854231", "frequency": "M", "period": "2022-01", "primary_value_usd": 5.0,
    }  # fmt: skip
    found = rows(brought_together(put(pa.Table.from_pylist([row], schema=schema))))
    assert [r["value_usd"] for r in found] == [5.0]
    assert found[0]["importer_report_usd"] is None
    assert found[0]["net_weight_kg"] is None
    assert found[0]["low_usd"] < 5.0 < found[0]["high_usd"]


def test_distances_are_asked_on_every_engine(put, rows, kind, random_reports, assert_rows_equal) -> None:
    """Enough flows of real areas for the regression; every engine has text of its own kind."""
    rng = np.random.default_rng(1)
    areas = ["CHN", "DEU", "KAZ", "USA", "BRA", "IND", "FRA"]
    found = []
    for a, b, k in product(areas, areas, range(6)):
        if a != b:
            usd = float(np.exp(rng.normal(10, 1)))
            for reporter, partner, flow, extra in ((a, b, "export", 1.0), (b, a, "import", 1.1)):
                found.append(
                    dict.fromkeys(random_reports.schema.names)
                    | {
                        "reporter": reporter, "partner": partner, "flow": flow, "role": "leaf",
                        "partner_concept": "origin" if flow == "import" else "last_known_destination",
                        "hs_code": f"85423{k}", "frequency": "A", "period": "2022",
                        "primary_value_usd": usd * extra * float(np.exp(rng.normal(0, 0.1))),
                        "net_weight_kg": usd / 3,
                    }
                )  # fmt: skip
    table = pa.Table.from_pylist(found, schema=random_reports.schema)
    if kind == "spark":
        pytest.skip("a minute of planning: weighted flows of real areas are compared in test_spark.py")
    assert_rows_equal(rows(reconcile(put(table))), rows(reconcile(pl.from_arrow(table))))
