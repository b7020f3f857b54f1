"""Flows that their publisher reconciled, and pairs that are reported by consignment alone."""

from __future__ import annotations

import math

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from entrepot.engine import Engine
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


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "duckdb"])
def test_a_member_that_left_is_silent_by_origin_only_while_it_was_one(reports, kind) -> None:
    """Germany reports Britain by consignment up to 2020 and by origin from 2021; Croatia the other way."""
    inside = {"partner_concept": "consignment"}
    periods = [f"{year}-{month}" for year in (2020, 2021) for month in ("02", "03")]
    table = reports(
        [
            *((who, "export", "DEU", 100.0, {"period": p}) for who in ("GBR", "HRV", "CHN") for p in periods),
            *(("DEU", "import", "GBR", 80.0, inside | {"period": p}) for p in periods[:2]),
            ("DEU", "import", "GBR", 70.0, {"period": "2021-02"}),
            ("DEU", "import", "HRV", 60.0, {"period": "2020-02"}),
            ("DEU", "import", "HRV", 80.0, inside | {"period": "2021-02"}),
            *(("DEU", "import", "USA", 80.0, {"period": p}) for p in periods),
        ]
    )
    with Engine(memory_limit="500MB", threads=1) as engine:
        frames = {
            "pandas": lambda: table,
            "polars": lambda: pl.from_pandas(table),
            "pyarrow": lambda: pl.from_pandas(table).to_arrow(compat_level=pl.CompatLevel.oldest()),
            "duckdb": lambda: engine.arrow_frame(pl.from_pandas(table).to_arrow()).to_native(),
        }
        paired = nw.from_native(pair_books(frames[kind]())).lazy().collect(backend="polars").to_native()
    rows = {(row["exporter"], row["period"]): row["importer_report_usd"] for row in paired.to_dicts()}
    found = {who: [rows[who, period] for period in periods] for who in ("GBR", "HRV", "CHN")}
    found = {
        who: [None if v is None or math.isnan(v) else v for v in values] for who, values in found.items()
    }
    assert found == {
        "GBR": [None, None, 70.0, 0.0],
        "HRV": [60.0, None, None, None],
        "CHN": [0.0, 0.0, 0.0, 0.0],
    }


def test_the_year_of_the_change_may_have_both(reports) -> None:
    """Croatia joined in July 2013: that year's imports from it are by origin and by consignment."""
    annual = {"frequency": "A"}
    table = reports(
        [
            *(("HRV", "export", "DEU", 100.0, annual | {"period": f"{y}"}) for y in (2012, 2013, 2014)),
            *(
                ("DEU", "import", "HRV", 5.0, annual | {"period": y, "hs_code": "010121"})
                for y in ("2012", "2013")
            ),
            *(
                ("DEU", "import", "HRV", 80.0, annual | {"period": y, "partner_concept": "consignment"})
                for y in ("2013", "2014")
            ),
            *(("DEU", "import", "USA", 80.0, annual | {"period": f"{y}"}) for y in (2012, 2013, 2014)),
        ]
    )
    paired = pair_books(table)
    chips = paired[(paired["exporter"] == "HRV") & (paired["hs_code"] == "854231")].set_index("period")
    found = chips["importer_report_usd"].to_dict()
    assert (found["2012"], found["2013"]) == (0.0, 0.0)
    assert pd.isna(found["2014"])
