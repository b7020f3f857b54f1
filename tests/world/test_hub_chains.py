"""A world in which one hub's declared goods all go on through a second one: A → B → C → D."""

from __future__ import annotations

from collections import defaultdict

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from entrepot.detect.detours import detours
from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import period_text
from entrepot.engine import Engine
from entrepot.model.world import OWN, WorldOptions, build_world, detour_truth, score_detours
from entrepot.reconcile import reconcile
from entrepot.schema import DETOUR, bad_rows, duplicated_rows

#: Second hub's mark-up, and what imports cost more than exports.
MARKUP, FREIGHT = 1.08, 1.06


def later(period: str, months: int) -> str:
    at = int(period[:4]) * 12 + int(period[5:]) - 1 + months
    return period_text(at, is_monthly=True)


def reports_of(world, *, through: tuple[str, str, str] | None) -> tuple[pa.Table, float]:
    """Return a world's reports, the goods declared by the first of ``through`` sent on by the second."""
    table = world.reports
    names = ("reporter", "partner", "flow", "hs_code", "period")
    keys = list(zip(*[table[name].cast(pa.string()).to_pylist() for name in names], strict=True))
    usd, kg = table["value_usd"].to_pylist(), table["net_weight_kg"].to_pylist()
    amounts = {key: [value, weight] for key, value, weight in zip(keys, usd, kg, strict=True)}
    moved = 0.0
    if through is not None:
        first, second, end = through
        onward: dict[tuple[str, str], float] = defaultdict(float)
        for row in world.truth_detours.to_pylist():
            if row["hub"] == first and row["kind"] == "declared":
                onward[row["hs_code"], later(row["period"], row["lag_months"])] += row["onward_usd"]
        for (code, period), amount in onward.items():
            out = amounts.get((first, end, "export", code, period))
            if out is None:
                continue
            taken = min(amount, 0.98 * out[0])
            out[0] -= taken
            moved += taken
            arrived = amounts.get((end, first, "import", code, period))
            if arrived is not None:
                arrived[0] = max(arrived[0] - FREIGHT * taken, 0.02 * arrived[0])
            for key, value in (
                ((first, second, "export", code, period), taken),
                ((second, first, "import", code, period), FREIGHT * taken),
                ((second, end, "export", code, period), MARKUP * taken),
            ):
                amounts.setdefault(key, [0.0, None])[0] += value
    columns = dict(zip(names, zip(*amounts, strict=True), strict=True))
    values, weights = zip(*amounts.values(), strict=True)
    made = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
    n, is_import = made.num_rows, pc.match_substring(made["flow"], "import")
    for name, column in {
        "partner_concept": pc.if_else(is_import, "origin", "last_known_destination"),
        "role": pa.array(["leaf"] * n),
        "frequency": pa.array(["M"] * n),
        "primary_value_usd": pa.array(values, pa.float64()),
        "net_weight_kg": pa.array(weights, pa.float64()),
    }.items():
        made = made.append_column(name, column)
    return made.filter(pc.equal(pc.utf8_length(made["period"]), 7)), moved


@pytest.fixture(scope="module")
def world():
    return build_world(WorldOptions(areas=36, products=80, seed=2))


@pytest.fixture(scope="module")
def through(world) -> tuple[str, str, str]:
    """Return the first hub, an area without a part as the second, and the destination."""
    areas = world.truth_areas.to_pylist()
    published = [row for row in areas if row["publishes"] == "all"]
    sent = defaultdict(float)
    for row in world.truth_detours.to_pylist():
        sent[row["hub"]] += row["amount_usd"] if row["kind"] == "declared" else 0.0
    hubs = [row["area"] for row in published if row["role"] == "hub"]
    second = next(row["area"] for row in published if row["role"] == "other")
    return (
        max(hubs, key=sent.__getitem__),
        second,
        next(r["area"] for r in areas if r["role"] == "destination"),
    )


@pytest.fixture(scope="module")
def searched(world, through):
    """Return result, score and what went round, without the second hub and with it."""
    areas = world.truth_areas.to_pylist()
    options = DetourOptions(
        event=world.event,
        origins=tuple(row["area"] for row in areas if row["role"] == "treated_origin"),
        destinations=(through[2],),
        spikes=30,
    )
    found = {}
    for name, road in (("one hub", None), ("two hubs", through)):
        reports, moved = reports_of(world, through=road)
        with Engine(memory_limit="1GB") as engine:
            kept = engine.keep(engine.arrow_frame(reports), "reports")
            made = reconcile(kept.to_native(), estimate="exporter_first")
            flows = engine.keep(nw.from_native(made).lazy(), "flows")
            result = detours(flows, options, engine=engine)
        truth = detour_truth(world, [period_text(p, is_monthly=True) for p in result.windows.after])
        found[name] = result, score_detours(result.table, truth, kinds=OWN), moved
    return found


def chained(result) -> pa.Table:
    return result.table.filter(pc.is_valid(result.table["further_hubs"]))


def test_goods_over_two_hubs_are_found_under_the_first_with_the_second_beside(searched, through) -> None:
    result, _, moved = searched["two hubs"]
    rows = [row for row in chained(result).to_pylist() if row["hub"] == through[0]]
    ours = [row for row in rows if row["further_hubs"] == through[1]]
    assert sum(row["estimate_usd"] for row in ours) > 0.3 * moved
    assert sum(row["estimate_usd"] for row in ours) > 0.9 * sum(row["estimate_usd"] for row in rows)
    for row in ours:
        assert row["kind"] == "declared"
        assert row["low_usd"] <= row["estimate_usd"] <= row["high_usd"]
    assert bad_rows(result.table, DETOUR).num_rows == 0
    assert duplicated_rows(result.table, DETOUR).num_rows == 0


def test_the_second_hub_costs_hardly_any_accuracy(searched) -> None:
    """Without roads over several hubs the error was a third larger here."""
    (_, one, _), (result, two, _) = searched["one hub"], searched["two hubs"]
    assert two.absolute_error < one.absolute_error + 0.03
    assert two.hub_error < one.hub_error + 0.03
    assert result.headline.low_usd <= two.true_usd <= result.headline.high_usd


def test_where_there_is_none_next_to_nothing_goes_over_two_hubs(searched) -> None:
    result, _, _ = searched["one hub"]
    assert np.nansum(chained(result)["estimate_usd"].to_numpy()) < 0.01 * result.headline.estimate_usd
