"""Rough worlds are as irregular as real trade: the exports of EU member states by partner and HS6."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from entrepot.model.world import World, WorldOptions, build_world

MONTHS_BEFORE = 22  # January 2020 to October 2021, in the panel as in the world


@dataclass(frozen=True)
class Noise:
    """Log changes between two windows of one length."""

    sd: float
    sd_by_fifth: np.ndarray
    share_appearing_or_vanishing: float
    sizes: np.ndarray


def robust_sd(values: np.ndarray) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def noise(panel: np.ndarray, first: int, second: int, months: int) -> Noise:
    """Compare two windows of a (pairs, months) panel; a pair counts that is in at least one of them.

    The size of a pair is the geometric mean of its two windows.
    """
    before, after = (
        panel[:, first : first + months].sum(axis=1),
        panel[:, second : second + months].sum(axis=1),
    )
    both, either = (before > 0) & (after > 0), (before > 0) | (after > 0)
    change = np.log(after[both] / before[both])
    size = np.sqrt(after[both] * before[both])
    fifth = np.digitize(size, np.quantile(size, [0.2, 0.4, 0.6, 0.8]))
    return Noise(
        sd=robust_sd(change),
        sd_by_fifth=np.array([robust_sd(change[fifth == f]) for f in range(5)]),
        share_appearing_or_vanishing=float(1 - both.sum() / either.sum()),
        sizes=np.quantile(size, [0.2, 0.4, 0.6, 0.8]),
    )


def as_panel(table: pa.Table, keys: list[str], value: str) -> np.ndarray:
    """Add up by keys and month: an array of (pairs, months before the event)."""
    summed = table.group_by([*keys, "period"]).aggregate([(value, "sum")])
    key = (
        pc.binary_join_element_wise(*(pc.cast(summed[name], pa.string()) for name in keys), "|")
        .combine_chunks()
        .dictionary_encode()
    )
    year = pc.cast(pc.utf8_slice_codeunits(summed["period"], 0, 4), pa.int64()).to_numpy()
    month = pc.cast(pc.utf8_slice_codeunits(summed["period"], 5, 7), pa.int64()).to_numpy()
    panel = np.zeros((len(key.dictionary), MONTHS_BEFORE))
    place = (year - 2020) * 12 + month - 1
    early = place < MONTHS_BEFORE
    panel[key.indices.to_numpy()[early], place[early]] = summed[f"{value}_sum"].to_numpy()[early]
    return panel


def eu_panel(realdata) -> np.ndarray:
    """Return EU exports by member, partner and HS6; HS6 added up from CN8, HS4 and totals left out."""
    table = pq.read_table(realdata / "eu-exports-cn8-monthly" / "eu_trade_cn8_monthly_long.parquet")
    code = table["product_code"]
    chosen = pc.and_(pc.equal(table["flow"], "EXPORT"), pc.match_substring_regex(code, r"^\d{8}$"))
    table = table.append_column("hs6", pc.utf8_slice_codeunits(code, 0, 6)).filter(chosen)
    return as_panel(table, ["reporter", "partner", "hs6"], "value_eur")


def world_panel(world: World) -> np.ndarray:
    exports = world.reports.filter(pc.equal(world.reports["flow"], "export"))
    return as_panel(exports, ["reporter", "partner", "hs_code"], "value_usd")


def test_noise_of_a_known_panel() -> None:
    """The measure itself: ten pairs that grow, the larger the more; two that appear, three that vanish."""
    panel = np.zeros((15, MONTHS_BEFORE))
    panel[:10, 0] = np.exp(np.arange(10.0))
    panel[:10, 2] = np.exp(np.arange(10.0) * 1.2)
    panel[10:12, 3] = panel[12:15, 1] = 1.0
    found = noise(panel, 0, 2, 2)
    assert found.share_appearing_or_vanishing == pytest.approx(5 / 15)
    assert found.sd == pytest.approx(1.4826 * 0.5)
    np.testing.assert_allclose(found.sd_by_fifth, 1.4826 * 0.1)


@pytest.mark.realdata
@pytest.mark.parametrize("seed", [0, 5])
def test_rough_worlds_are_as_irregular_as_eu_exports(realdata, seed) -> None:
    """Seven months against the same seven a year later, before either event; sums of sizes alike too."""
    real, made = eu_panel(realdata), world_panel(build_world(WorldOptions(setting="rough", seed=seed)))
    for first, months in ((0, 7), (3, 7), (0, 10)):
        truth, world = noise(real, first, first + 12, months), noise(made, first, first + 12, months)
        assert world.sd == pytest.approx(truth.sd, abs=0.15)
        np.testing.assert_allclose(world.sd_by_fifth, truth.sd_by_fifth, atol=0.3)
        assert world.share_appearing_or_vanishing == pytest.approx(
            truth.share_appearing_or_vanishing, abs=0.08
        )
        np.testing.assert_allclose(np.log(world.sizes), np.log(truth.sizes), atol=0.7)


@pytest.mark.realdata
def test_the_real_figures_are_those_of_the_design(realdata) -> None:
    """Robust sd 0.99 overall, 1.8 in the smallest fifth, 0.49 in the largest; 36% appear or vanish."""
    found = noise(eu_panel(realdata), 0, 12, 7)
    assert found.sd == pytest.approx(0.99, abs=0.03)
    assert found.sd_by_fifth[[0, 4]] == pytest.approx([1.8, 0.49], abs=0.07)
    assert found.share_appearing_or_vanishing == pytest.approx(0.36, abs=0.015)


def test_smooth_worlds_are_not_rough(smooth, rough) -> None:
    calm, wild = noise(world_panel(smooth), 0, 12, 7), noise(world_panel(rough), 0, 12, 7)
    assert calm.sd < 0.35
    assert wild.sd > 0.8
    assert calm.share_appearing_or_vanishing < 0.01
    assert wild.share_appearing_or_vanishing > 0.2
