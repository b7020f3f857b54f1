"""One weight of two books."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from entrepot.detect.loops.weights import weigh_twice
from entrepot.detect.periods import WindowPair
from entrepot.engine import Engine

MONTHS, SINCE = 36, 24
WINDOWS = WindowPair(
    tuple(2020 * 12 + m for m in range(SINCE)),
    tuple(2020 * 12 + m for m in range(SINCE, MONTHS)),
    is_monthly=True,
)


def made(noise: tuple[float, float] = (0.05, 0.05), *, products: int = 40) -> tuple[pa.Table, np.ndarray]:
    """Return flows weighed by both books, freight 8% of the value, and their true weights."""
    rng = np.random.default_rng(7)
    rows, true = [], []
    for product in range(products):
        for month in range(MONTHS):
            kg = np.exp(rng.normal(5.0, 0.3))
            usd = 3.0 * kg
            true.append(kg)
            rows.append(
                {
                    "exporter": "AUT", "importer": "BEL", "hs_code": f"0101{product:02d}",
                    "period": f"{2020 + month // 12}-{month % 12 + 1:02d}", "value_usd": usd,
                    "exporter_report_usd": usd, "importer_report_usd": 1.08 * usd, "cif_fob_ratio": 1.08,
                    "net_weight_kg": kg * np.exp(rng.normal(0.0, noise[0])),
                    "importer_weight_kg": kg * np.exp(rng.normal(0.0, noise[1])),
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows), np.array(true)


def weighed(flows: pa.Table, estimated: pa.Table | None = None) -> pa.Table:
    with Engine(memory_limit="1GB") as engine:
        found = weigh_twice(engine.arrow_frame(flows), WINDOWS, engine, estimated=estimated)
        table = found.collect(backend="pyarrow").to_native()
    assert table.column_names == flows.column_names
    return table.sort_by([("hs_code", "ascending"), ("period", "ascending")])


def changed(flows: pa.Table, name: str, where: np.ndarray, values: object) -> pa.Table:
    column = np.where(where, values, flows[name].to_numpy()).astype(object)
    column = pa.array([None if v is None or np.isnan(v) else v for v in column.tolist()], pa.float64())
    return flows.set_column(flows.column_names.index(name), name, column)


def error(table: pa.Table, true: np.ndarray, rows: np.ndarray | slice = slice(None)) -> float:
    return float(np.std(np.log(table["net_weight_kg"].to_numpy() / true)[rows]))


def test_two_weighings_are_better_than_one() -> None:
    flows, true = made()
    assert error(weighed(flows), true) == pytest.approx(0.05 / np.sqrt(2.0), rel=0.1)


def test_a_book_that_weighs_badly_counts_for_little() -> None:
    flows, true = made((0.02, 0.4))
    assert error(weighed(flows), true) == pytest.approx(0.02, rel=0.1)
    flows, true = made((0.4, 0.02))
    assert error(weighed(flows), true) < 0.12  # what is left is the middle of the flow, which is the first's


def test_months_of_which_the_books_do_not_show_the_same_goods_are_left_alone() -> None:
    flows, _ = made()
    odd = np.arange(flows.num_rows) % 5 == 0
    value = flows["importer_report_usd"].to_numpy() * 1.6
    table = weighed(changed(flows, "importer_report_usd", odd, value))
    same = table["net_weight_kg"].to_numpy() == flows["net_weight_kg"].to_numpy()
    assert same[odd].all()
    assert not same[~odd].any()


def test_a_weight_that_is_missing_is_told_by_the_other_book() -> None:
    flows, true = made()
    month = np.arange(flows.num_rows) % MONTHS
    gaps = month == SINCE + 3
    table = weighed(changed(flows, "net_weight_kg", gaps, np.nan))
    assert error(table, true, gaps) == pytest.approx(0.05, rel=0.35)
    never = np.arange(flows.num_rows) < MONTHS  # the first product, in the book that leads
    table = weighed(changed(flows, "net_weight_kg", never, np.nan))
    log = np.log(table["net_weight_kg"].to_numpy() / true)[never]
    assert abs(log.mean()) < 0.03  # on the valuation of the book that leads
    assert log.std() == pytest.approx(0.05, rel=0.35)


def test_weights_that_the_importer_s_publisher_estimated_do_not_count() -> None:
    flows, _ = made()
    named = pa.table({"exporter": ["AUT"], "importer": ["BEL"], "hs_code": ["010103"]})
    table = weighed(flows, named)
    same = table["net_weight_kg"].to_numpy() == flows["net_weight_kg"].to_numpy()
    is_named = np.array([code == "010103" for code in flows["hs_code"].to_pylist()])
    assert same[is_named].all()
    assert not same[~is_named].any()


def test_flows_that_nobody_weighed_twice_stay_as_they_are() -> None:
    flows, _ = made(products=2)
    nobody = np.ones(flows.num_rows, dtype=bool)
    for name in ("net_weight_kg", "importer_weight_kg"):
        bare = changed(flows, name, nobody, np.nan)
        assert weighed(bare)["net_weight_kg"].equals(bare["net_weight_kg"])
    few = weighed(flows)  # of two flows it is not told which book weighs better
    assert few["net_weight_kg"].to_numpy() == pytest.approx(flows["net_weight_kg"].to_numpy())
