"""Reconciliation gives equal results on every engine, and each caller its own kind of frame."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from entrepot.reconcile import (
    HubFit,
    cif_fob_ratios,
    exporter_book,
    importer_book,
    pair_books,
    reconcile,
    reporting_calendar,
    with_passage,
)
from entrepot.schema import RECONCILED

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("reporter", "partner", "flow", "partner_concept")),
        *((name, pa.string()) for name in ("role", "hs_code", "frequency", "period")),
        ("primary_value_usd", pa.float64()),
        ("net_weight_kg", pa.float64()),
        ("quantity", pa.float64()),
        ("quantity_unit", pa.string()),
    ]
)  # fmt: skip


def random_reports(seed: int = 0) -> pa.Table:
    """Return reports with every trap: silence, zeros, round amounts, missing weights, aggregates, origins."""
    rng = np.random.default_rng(seed)
    areas = ["AAA", "BBB", "CCC", "DDD", "EEE"]
    rows = []
    for a, b, k, month in product(areas, areas, range(4), ("2022-01", "2022-02")):
        usd = float(np.exp(rng.normal(10, 1))) if rng.random() > 0.1 else 0.0
        for reporter, partner, flow in ((a, b, "export"), (b, a, "import")):
            if (reporter == "DDD" and flow == "export") or (reporter == "EEE" and month == "2022-02"):
                continue
            if rng.random() < 0.3:
                continue
            is_import = flow == "import"
            noisy = usd * (1.08 if is_import else 1.0) * np.exp(rng.normal(0, 0.2))
            concept = "origin" if is_import else "last_known_destination"
            rows.append(
                {
                    "reporter": reporter, "partner": partner, "flow": flow,
                    "role": rng.choice(["leaf"] * 6 + ["aggregate"]),
                    "partner_concept": "consignment" if is_import and rng.random() < 0.1 else concept,
                    "hs_code": f"85423{k}", "frequency": "M", "period": month,
                    # round amounts lie on the bounds of sizes, and engines differ in a logarithm's last digit
                    "primary_value_usd": 10_000.0 if rng.random() < 0.05 else noisy,
                    "net_weight_kg": None if rng.random() < 0.2 else usd / 7,
                    "quantity": None if k == 3 else usd / 2 * np.exp(rng.normal(0, 0.1)),
                    "quantity_unit": None if k == 3 else str(rng.choice(["u", "u", "12u", "kg"])),
                }
            )  # fmt: skip
            if rng.random() < 0.1:
                rows.append({**rows[-1], "flow": "re_export"})
            if rng.random() < 0.1:
                rows.append({**rows[-1], "primary_value_usd": 5.0})
    return pa.Table.from_pylist([{**row, "role": str(row["role"])} for row in rows], schema=_SCHEMA)


#: A hub that publishes its exports, and one that does not.
HUBS = HubFit(
    pa.table(
        {"hub": ["AAA", "DDD"], "share": [0.3, 0.2], "score": [9.0, 9.0], "gaps": [99, 99],
         "is_judged": [True, False]}
    ),
    suppliers=2, spread=0.3,
)  # fmt: skip

STEPS = {
    "reconcile": reconcile,
    "exporter_first": partial(reconcile, estimate="exporter_first"),
    "exporter_book": exporter_book,
    "importer_book": importer_book,
    "reporting_calendar": reporting_calendar,
    "pair_books": pair_books,
    "with_passage": lambda reports: with_passage(pair_books(reports), HUBS),
    "cif_fob_ratios": lambda reports: cif_fob_ratios(pair_books(reports)),
}


def assert_equal(found: list[dict[str, Any]], expected: list[dict[str, Any]], *, rel: float = 1e-9) -> None:
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.keys() == theirs.keys()
        for name, value in theirs.items():
            assert mine[name] == (
                pytest.approx(value, rel=rel, abs=rel) if isinstance(value, float) else value
            ), (
                mine,
                name,
            )


@pytest.mark.parametrize("step", STEPS)
def test_every_engine_gives_the_rows_of_polars(step, put, rows) -> None:
    table = random_reports()
    expected = rows(STEPS[step](pl.from_arrow(table)))
    assert len(expected) > 4
    assert_equal(rows(STEPS[step](put(table))), expected)


@pytest.fixture
def brought_together(kind):
    """Return ``reconcile``; on Spark its plain form: the weighted one is planned anew for each query.

    Its figures are compared above.
    """
    return partial(reconcile, estimate="exporter_first") if kind == "spark" else reconcile


def test_every_caller_gets_its_own_kind_back(put, brought_together) -> None:
    frame = put(random_reports())
    assert type(brought_together(frame)) is type(frame)


def test_nothing_in_gives_nothing_out_with_its_columns(put, rows, brought_together) -> None:
    found = brought_together(put(_SCHEMA.empty_table()))
    assert rows(found) == []
    assert nw.from_native(found).collect_schema().names() == list(RECONCILED.columns)


def test_one_row_without_a_mirror(put, rows, brought_together) -> None:
    """No flow has two reports: joins of nothing must not lose the flow."""
    table = random_reports().slice(0, 0)
    row = dict.fromkeys(_SCHEMA.names) | {
        "reporter": "AAA", "partner": "BBB", "flow": "export", "partner_concept": "last_known_destination",
        "role": "leaf", "hs_code": "854231", "frequency": "M", "period": "2022-01", "primary_value_usd": 5.0,
    }  # fmt: skip
    table = pa.concat_tables([table, pa.Table.from_pylist([row], schema=_SCHEMA)])
    found = rows(brought_together(put(table)))
    assert [r["value_usd"] for r in found] == [5.0]
    assert found[0]["importer_report_usd"] is None
    assert found[0]["net_weight_kg"] is None
    assert found[0]["low_usd"] < 5.0 < found[0]["high_usd"]


def test_distances_are_asked_on_every_engine(put, rows, kind) -> None:
    """Enough flows of real areas for the regression; every engine has text of its own kind."""
    rng = np.random.default_rng(1)
    areas = ["CHN", "DEU", "KAZ", "USA", "BRA", "IND", "FRA"]
    found = []
    for a, b, k in product(areas, areas, range(6)):
        if a != b:
            usd = float(np.exp(rng.normal(10, 1)))
            for reporter, partner, flow, extra in ((a, b, "export", 1.0), (b, a, "import", 1.1)):
                found.append(
                    dict.fromkeys(_SCHEMA.names)
                    | {
                        "reporter": reporter, "partner": partner, "flow": flow, "role": "leaf",
                        "partner_concept": "origin" if flow == "import" else "last_known_destination",
                        "hs_code": f"85423{k}", "frequency": "A", "period": "2022",
                        "primary_value_usd": usd * extra * float(np.exp(rng.normal(0, 0.1))),
                        "net_weight_kg": usd / 3,
                    }
                )  # fmt: skip
    table = pa.Table.from_pylist(found, schema=_SCHEMA)
    frame = put(table)
    if kind == "spark":
        pytest.skip("a minute of planning: the weighted figures are compared above")
    assert_equal(rows(reconcile(frame)), rows(reconcile(pl.from_arrow(table))))
