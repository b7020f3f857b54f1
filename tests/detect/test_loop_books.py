"""Each book's own noise, told from the gaps of two."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from entrepot.detect.loops.books import BookNoise, book_noise, lead_books
from entrepot.engine import Engine

NOISE = {
    "AUT": (0.02, 0.05),
    "BEL": (0.30, 0.04),
    "CHE": (0.05, 0.25),
    "DNK": (0.10, 0.10),
    "ESP": (0.04, 0.2),
}


@pytest.fixture(scope="module")
def flows() -> pa.Table:
    rng = np.random.default_rng(4)
    rows = []
    for exporter, (noisy, _) in NOISE.items():
        for importer, (_, other) in NOISE.items():
            for product in range(12) if exporter != importer else ():
                true = np.exp(rng.normal(8.0, 1.0, 24))
                lasting = np.exp(rng.normal(0.0, 0.5))
                for month, usd in enumerate(true):
                    x = usd * np.exp(rng.normal(0.0, noisy))
                    m = usd * lasting * np.exp(rng.normal(0.0, other))
                    rows.append(
                        {
                            "exporter": exporter, "importer": importer, "hs_code": f"0101{product:02d}",
                            "period": f"{2020 + month // 12}-{month % 12 + 1:02d}", "value_usd": x,
                            "exporter_report_usd": x, "importer_report_usd": m, "cif_fob_ratio": lasting,
                            "net_weight_kg": x / 2.0,
                        }
                    )  # fmt: skip
    return pa.Table.from_pylist(rows)


def test_the_noise_of_each_book_is_told(flows) -> None:
    with Engine(memory_limit="1GB") as engine:
        found = book_noise(engine.arrow_frame(flows))
    for area, (exports, imports) in NOISE.items():
        assert found.exports[area] == pytest.approx(exports, abs=0.05)
        assert found.imports[area] == pytest.approx(imports, abs=0.05)
    assert found.exports["BEL"] > 2 * found.exports["AUT"]
    assert found.imports["CHE"] > 2 * found.imports["BEL"]


def test_the_better_book_leads_and_keeps_the_unit_value(flows) -> None:
    noise = BookNoise({"BEL": 0.3, "AUT": 0.02}, {"AUT": 0.05, "BEL": 0.04}, (0.1, 0.1))
    with Engine(memory_limit="1GB") as engine:
        led = lead_books(engine.arrow_frame(flows), noise, engine).collect(backend="pyarrow").to_native()
    assert led.num_rows == flows.num_rows
    for row in led.to_pylist():
        is_led = (row["exporter"], row["importer"]) == ("BEL", "AUT")
        assert (row["value_usd"] != row["exporter_report_usd"]) == is_led
        assert row["value_usd"] / row["net_weight_kg"] == pytest.approx(2.0)
        if is_led:
            assert row["value_usd"] == pytest.approx(row["importer_report_usd"] / row["cif_fob_ratio"])


def test_no_two_books_say_nothing() -> None:
    rows = [
        {"exporter": "AUT", "importer": "BEL", "hs_code": "010121", "period": "2020-01",
         "exporter_report_usd": 5.0, "importer_report_usd": None}
    ]  # fmt: skip
    schema = pa.schema([(name, pa.string()) for name in ("exporter", "importer", "hs_code", "period")])
    schema = schema.append(pa.field("exporter_report_usd", pa.float64()))
    schema = schema.append(pa.field("importer_report_usd", pa.float64()))
    with Engine(memory_limit="1GB") as engine:
        found = book_noise(engine.arrow_frame(pa.Table.from_pylist(rows, schema=schema)))
    assert not found.exports
    assert not found.leads("AUT", "BEL")
