"""Flows that their publisher reconciled, and pairs that are reported by consignment alone."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from entrepot.reconcile import pair_books, published_flows, reconcile
from entrepot.schema import RECONCILED

ROW = {"partner_concept": "reconciled"}


def test_a_publishers_row_is_no_book(reports) -> None:
    table = reports(
        [("DEU", "export", "KGZ", 100.0), ("CHN", "export", "KGZ", 70.0, ROW), ("KGZ", "import", "CHN", 90.0)]
    )
    found = reconcile(table).set_index("exporter")
    assert found.loc["CHN", "basis"] == "importer"
    assert pd.isna(found.loc["CHN", "exporter_report_usd"])
    only = published_flows(table)
    assert only[["exporter", "importer", "value_usd", "basis"]].to_numpy().tolist() == [
        ["CHN", "KGZ", 70.0, "publisher"]
    ]


def test_published_flows_have_every_column_and_one_book(reports) -> None:
    table = reports(
        [
            ("CHN", "export", "KGZ", 70.0, ROW | {"net_weight_kg": 2.0}),
            ("CHN", "export", "KAZ", 30.0, ROW),
            ("CHN", "export", "XWD", 99.0, ROW | {"role": "aggregate"}),
        ]
    )
    for frame in (table, pl.from_pandas(table)):
        found = published_flows(frame)
        assert list(found.columns) == list(RECONCILED.columns)
        rows = {row["importer"]: row for row in pl.DataFrame(found).to_dicts()}
        assert set(rows) == {"KGZ", "KAZ"}
        assert (rows["KGZ"]["net_weight_kg"], rows["KGZ"]["exporter_report_usd"]) == (2.0, 70.0)
        assert rows["KGZ"]["low_usd"] * rows["KGZ"]["high_usd"] == pytest.approx(70.0**2)
        for name in ("importer_report_usd", "cif_fob_ratio"):
            assert pd.isna(rows["KGZ"][name])
        assert pd.isna(rows["KAZ"]["net_weight_kg"])


def test_silence_by_origin_is_no_zero_where_a_pair_is_by_consignment(reports) -> None:
    """Lithuania reports Germany by consignment and the world by origin: of Germany it says nothing there."""
    table = reports(
        [
            ("DEU", "export", "LTU", 100.0),
            ("POL", "export", "LTU", 50.0),
            ("LTU", "import", "DEU", 80.0, {"partner_concept": "consignment"}),
            ("LTU", "import", "CHN", 10.0),
        ]
    )
    found = pair_books(table).set_index("exporter")["importer_report_usd"]
    assert pd.isna(found["DEU"])
    assert found["POL"] == 0.0
    assert found["CHN"] == 10.0


def test_a_pair_with_both_concepts_keeps_its_zero(reports) -> None:
    table = reports(
        [
            ("KGZ", "export", "ARM", 100.0),
            ("ARM", "import", "KGZ", 80.0, {"partner_concept": "consignment"}),
            ("ARM", "import", "KGZ", 5.0, {"hs_code": "010121"}),
        ]
    )
    found = pair_books(table).set_index("hs_code")["importer_report_usd"]
    assert found["854231"] == 0.0
