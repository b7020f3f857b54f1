"""How unit values move, what fills a missing weight, and how planted goods are weighed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from entrepot.detect.loops.series import _unit_values
from entrepot.detect.loops.spikes import Shipments, SpikePlan
from entrepot.detect.loops.unit_values import USUAL_GOODS, load_unit_values
from entrepot.detect.loops.windows import Trade, WindowSums
from entrepot.engine import Engine

MONTHS, AREAS, PRODUCTS = 24, 8, 5
PERIODS = tuple(f"{2020 + m // 12}-{m % 12 + 1:02d}" for m in range(MONTHS))
CODES = tuple(f"0101{k:02d}" for k in range(PRODUCTS))
NAMES = ("AUT", "BEL", "CHE", "DEU", "ESP", "FRA", "GBR", "HUN")


@pytest.fixture(scope="module")
def made() -> tuple[pa.Table, Trade, np.ndarray]:
    """Return flows whose unit values follow their product; those of the first area fall in month 12."""
    rng = np.random.default_rng(1)
    path = np.cumsum(rng.normal(0.0, 0.02, (PRODUCTS, MONTHS)), axis=1)
    path[3] += 0.5 * (np.arange(MONTHS) >= 12)
    rows, cells = [], []
    for i in range(AREAS):
        for j in range(AREAS):
            for k in range(PRODUCTS) if i != j else ():
                level = rng.normal(1.0, 1.0)
                value = level + path[k] - 0.3 * (i == 0) * (np.arange(MONTHS) >= 12)
                kg = rng.uniform(10.0, 20.0, MONTHS)
                usd = kg * np.exp(value + rng.normal(0.0, 0.02, MONTHS))
                cells.append((i, j, k, usd[:12].sum(), kg[:12].sum()))
                rows += [
                    {"exporter": NAMES[i], "importer": NAMES[j], "hs_code": CODES[k], "period": PERIODS[m],
                     "value_usd": usd[m], "net_weight_kg": None if m == 3 and k == 0 else kg[m]}
                    for m in range(MONTHS)
                ]  # fmt: skip
    exporter, importer, product, usd, kg = (np.array(column) for column in zip(*cells, strict=True))
    home = np.zeros((AREAS, PRODUCTS))
    nothing = np.zeros(usd.size)
    trade = Trade(
        NAMES, CODES, exporter, importer, product, (SimpleNamespace(),),
        (WindowSums(usd, nothing, kg, nothing),), (home, home), PERIODS,
        np.ones((AREAS, AREAS, MONTHS), dtype=bool), SimpleNamespace(),
    )  # fmt: skip
    return pa.Table.from_pylist(rows), trade, path


def test_unit_values_move_with_their_product_and_their_exporter(made) -> None:
    flows, trade, path = made
    with Engine(memory_limit="1GB") as engine:
        found = load_unit_values(engine.arrow_frame(flows), trade, engine)
    exporter, product = np.meshgrid(np.arange(AREAS), np.arange(PRODUCTS), indexing="ij")
    moved = found.path(exporter.ravel(), product.ravel())
    since = moved[:, 12:].mean(axis=1) - moved[:, :12].mean(axis=1)
    true = (path[:, 12:].mean(axis=1) - path[:, :12].mean(axis=1))[product.ravel()]
    true = true - 0.3 * (exporter.ravel() == 0)
    # a product of few flows is drawn to the world, by four flows of sixty
    assert since == pytest.approx(true, abs=0.06)
    assert np.std(since - true) < 0.03
    sold = np.log(
        [[trade.sums[0].before[(trade.exporter == i) & (trade.product == k)].sum()
          / trade.sums[0].before_kg[(trade.exporter == i) & (trade.product == k)].sum()
          for k in range(PRODUCTS)] for i in range(AREAS)]
    )  # fmt: skip
    assert found.sold[0] == pytest.approx(sold)


def test_a_missing_weight_is_made_of_the_months_about_it() -> None:
    """After a step in the unit value the whole flow's own would be halfway between."""
    kg = np.full((2, 20), 10.0)
    usd = kg * np.where(np.arange(20) < 10, 2.0, 4.0)
    kg[0, 15] = usd[0, 15] = 0.0
    kg[1], usd[1] = 0.0, 0.0
    found = _unit_values(usd, kg)
    assert found[0, 15] == pytest.approx(4.0, rel=0.05)
    assert np.isnan(found[1]).all()


def test_planted_goods_are_weighed_with_the_flow_that_they_hide_in() -> None:
    """The whole of D + x must have the error of one weighing, not less."""
    rng = np.random.default_rng(2)
    n, months, weighing = 400, 30, 0.05
    plan = SpikePlan(weighing, 0.0, np.full((2, 2), 1e-9), USUAL_GOODS)
    goods, beside = np.full((n, months), 50.0), np.full((n, months), 200.0)
    left = Shipments(goods, goods, months)
    pair = (np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64))
    kg = left.reported(plan, pair, beside, rng).kg
    whole = beside * np.exp(rng.normal(0.0, weighing, (n, months))) + kg
    assert np.std(whole) / 250.0 == pytest.approx(weighing, rel=0.05)
    alone = left.reported(plan, pair, np.zeros((n, months)), rng).kg
    assert np.std(np.log(alone / goods)) == pytest.approx(weighing, rel=0.05)
