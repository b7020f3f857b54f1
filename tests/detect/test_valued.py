"""Amounts in another unit and by tier of a list: a small world's detours, summed and compared by hand."""

from __future__ import annotations

import math

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from entrepot import Amount, DetourOptions, find_detours_in
from entrepot.detect.parts import Parts
from entrepot.detect.valued import group_rate
from entrepot.engine import Engine
from entrepot.errors import CoverageError, OptionError
from entrepot.model.world import WorldOptions, build_world
from entrepot.reconcile import reconcile
from entrepot.schema import DETOUR, VALUED_DETOUR, bad_rows, duplicated_rows
from entrepot.sources.rates import ecb_rates


@pytest.fixture(scope="module")
def world():
    return build_world(
        WorldOptions(areas=22, products=24, treated_origins=5, hubs=3, booming_hubs=2, friendly_origins=2,
                     late_reporters=1, seed=5, unseen_share=0.2, loops=False)
    )  # fmt: skip


@pytest.fixture(scope="module")
def flows(world) -> pa.Table:
    reports = world.reports
    n = reports.num_rows
    is_import = pc.match_substring(reports["flow"].cast(pa.string()), "import")
    table = pa.table(
        {
            **{c: reports[c].cast(pa.string()) for c in ("reporter", "partner", "flow", "hs_code", "period")},
            "partner_concept": pc.if_else(is_import, "origin", "last_known_destination"),
            "role": pa.array(["leaf"] * n),
            "frequency": pa.array(["M"] * n),
            "primary_value_usd": reports["value_usd"],
            "net_weight_kg": reports["net_weight_kg"],
        }
    )
    with Engine(memory_limit="1GB") as engine:
        made = reconcile(engine.arrow_frame(table).to_native(), estimate="exporter_first")
        return nw.from_native(made).lazy().collect("pyarrow").to_native()


@pytest.fixture(scope="module")
def ask(flows, world):
    """Return a function that puts the world's question, in a unit and by keys."""
    areas = world.truth_areas.to_pylist()
    question = {
        "event": world.event,
        "origins": tuple(row["area"] for row in areas if row["role"] == "treated_origin"),
        "destinations": tuple(row["area"] for row in areas if row["role"] == "destination"),
        "spikes": 8,
    }

    def search(amount: Amount | None = None, *, rows: pa.Table = flows, **options: object):
        return find_detours_in(rows, DetourOptions(**question, **options), amount=amount, memory_limit="1GB")

    return search


def per_usd() -> dict[str, float]:
    euro = ecb_rates().filter(pc.field("currency") == "EUR")
    return dict(zip(euro["period"].to_pylist(), euro["per_usd"].to_pylist(), strict=True))


def test_euro_of_a_month_are_its_dollars_by_the_rate_of_that_month(ask) -> None:
    rows = ask(Amount(value="value_eur"), by=("hub", "period")).table.to_pylist()
    rates = per_usd()
    assert len({row["period"] for row in rows}) > 6
    for row in rows:
        for name, usd in (("estimate", "estimate_usd"), ("low", "low_usd"), ("high", "high_usd")):
            expected = row[usd] * rates[row["period"]]
            assert row[f"{name}_amount"] == pytest.approx(expected, rel=1e-9), row["period"]
        assert row["amount_unit"] == "EUR"


def test_months_in_euro_sum_to_the_window_and_the_headline(ask) -> None:
    euro = Amount(value="value_eur")
    whole, months = ask(euro, by=("hub",)), ask(euro, by=("hub", "period"))

    def sums(table: pa.Table) -> dict[tuple, float]:
        own = [row for row in table.to_pylist() if row["kind"] != "relay"]
        return {
            key: sum(r["estimate_amount"] for r in own if r["hub"] == key) for key in {r["hub"] for r in own}
        }

    assert sums(months.table) == pytest.approx(sums(whole.table), rel=1e-9)
    assert sum(sums(whole.table).values()) == pytest.approx(whole.valued.amount, rel=1e-9)
    assert whole.valued.low_amount / whole.headline.low_usd == pytest.approx(
        whole.valued.amount / whole.headline.estimate_usd, rel=1e-9
    )


def test_another_unit_changes_no_dollar(ask) -> None:
    plain, valued = ask(by=("hub", "hs_code")), ask(Amount(value="value_eur"), by=("hub", "hs_code"))
    mine, theirs = valued.table.to_pylist(), plain.table.to_pylist()
    for row, its in zip(mine, theirs, strict=True):
        for name in DETOUR.columns:
            is_number = isinstance(its[name], float)
            assert row[name] == (pytest.approx(its[name], rel=1e-9) if is_number else its[name])
    assert plain.valued is None


def test_kilograms_are_those_of_the_weight_column(ask) -> None:
    table = ask(Amount(value="net_weight_kg"), by=("origin", "hub")).table
    assert table["estimate_amount"].to_pylist() == table["estimate_kg"].to_pylist()
    assert table.num_rows


def test_kilograms_of_months_sum_to_those_of_the_window(ask) -> None:
    weight = Amount(value="net_weight_kg")
    whole, months = ask(weight, by=("hub",)).table, ask(weight, by=("hub", "period")).table
    assert months["estimate_amount"].to_pylist() == months["estimate_kg"].to_pylist()
    own = [row for row in months.to_pylist() if row["kind"] != "relay"]
    for row in whole.to_pylist():
        if row["kind"] != "relay":
            kg = sum(month["estimate_amount"] for month in own if month["hub"] == row["hub"])
            # What was not weighed weighs as much a dollar as the rest of its window, or of its month.
            assert kg == pytest.approx(row["estimate_amount"], rel=1e-4)


def test_constant_prices_divide_by_the_index_of_the_month(ask, flows) -> None:
    months = sorted(set(flows["period"].to_pylist()))
    index = pa.table({"period": months, "index": [100.0 * 1.02**at for at in range(len(months))]})
    amount = Amount(value="value_usd", deflator=index, prices_of=months[0])
    result = ask(amount, by=("period",))
    for row in result.table.to_pylist():
        assert row["estimate_amount"] == pytest.approx(
            row["estimate_usd"] / 1.02 ** months.index(row["period"]), rel=1e-9
        )
        assert row["amount_unit"] == f"USD at prices of {months[0]}"


def test_pieces_go_by_the_leg_and_are_withheld_where_too_few_are_counted(ask, flows) -> None:
    """Two pieces in a dollar of chapters 84 to 99, none known of the rest."""
    is_counted = pc.greater_equal(pc.utf8_slice_codeunits(flows["hs_code"], 0, 2), "84")
    counted = flows.set_column(
        flows.schema.get_field_index("quantity"),
        "quantity",
        pc.if_else(is_counted, pc.multiply(flows["value_usd"], 2.0), None),
    ).set_column(
        flows.schema.get_field_index("quantity_unit"), "quantity_unit", pc.if_else(is_counted, "u", None)
    )
    told = ask(Amount(value="quantity"), rows=counted, by=("hs_code",)).table.to_pylist()
    assert {row["hs_code"] >= "84" for row in told} == {True, False}
    for row in told:
        if row["hs_code"] >= "84":
            assert row["estimate_amount"] == pytest.approx(2.0 * row["estimate_usd"])
        else:
            assert row["estimate_amount"] is None
        assert row["amount_unit"] == "u"


def test_flows_without_quantities_are_said_to_have_none(ask) -> None:
    with pytest.raises(CoverageError, match="no quantities"):
        ask(Amount(value="quantity"))


@pytest.mark.parametrize("by", [("hub",), ("origin", "hub", "destination", "hs_code"), ("tier", "period")])
def test_the_contract_holds(by, ask, flows) -> None:
    tiers = ((flows["hs_code"][0].as_py()[:2], "L 1"),)
    table = ask(Amount(value="value_eur"), by=by, tiers=tiers).table
    if "tier" not in table.column_names:
        table = table.add_column(4, "tier", pa.nulls(table.num_rows, pa.string()))
    assert table.schema.names == list(VALUED_DETOUR.columns)
    assert bad_rows(table, VALUED_DETOUR).num_rows == 0
    assert duplicated_rows(table, VALUED_DETOUR).num_rows == 0


def test_a_row_in_which_nothing_was_found_has_an_upper_end_in_the_unit_too(ask) -> None:
    rows = ask(Amount(value="value_eur")).table.to_pylist()
    none = [row for row in rows if row["estimate_usd"] == 0.0 and row["high_usd"] > 0]
    assert none
    for row in none:
        assert row["estimate_amount"] == 0.0
        assert 0.8 < row["high_amount"] / row["high_usd"] < 1.25


# --- tiers ----------------------------------------------------------------------------------------------


def test_tiers_sum_to_the_whole_and_the_longest_code_decides(ask) -> None:
    codes = [row["hs_code"] for row in ask(by=("hs_code",)).table.to_pylist() if row["kind"] != "relay"]
    tiers = ((codes[0][:2], "L 2"), (codes[0], "L 1"))
    by_tier = ask(by=("tier",), tiers=tiers)
    own = {row["tier"]: row["estimate_usd"] for row in by_tier.table.to_pylist() if row["kind"] != "relay"}
    by_code = {
        row["hs_code"]: row["estimate_usd"]
        for row in ask(by=("hs_code",)).table.to_pylist()
        if row["kind"] != "relay"
    }
    second = sum(usd for code, usd in by_code.items() if code[:2] == codes[0][:2] and code != codes[0])
    assert own["L 1"] == pytest.approx(by_code[codes[0]])
    assert own.get("L 2", 0.0) == pytest.approx(second)
    assert sum(own.values()) == pytest.approx(by_tier.headline.estimate_usd)
    assert None in own


def test_a_tier_without_a_list_is_refused() -> None:
    with pytest.raises(OptionError, match="none is named") as caught:
        DetourOptions(event="2022-03", by=("hub", "tier"))
    assert "CHPL" in caught.value.hint


# --- the mean rate --------------------------------------------------------------------------------------


def rated(usd: list[float], rate: list[float], ids: list[int]) -> list[float]:
    m = len(usd)
    number, none = np.zeros(m, dtype=np.int64), np.full(m, np.nan)
    parts = Parts(
        origin=number, hub=number, destination=number, product=number, period=np.full(m, ""),
        usd=np.array(usd), kg_rate=none, rate=np.array(rate), kind=number, inbound=number, direct=number,
        onward=number, second=number - 1, third=number - 1,
    )  # fmt: skip
    return group_rate(parts, parts.rate, np.array(ids), max(ids) + 1).tolist()


def test_the_mean_rate_weighs_by_value_and_needs_four_fifths_known() -> None:
    nan = math.nan
    assert rated([3.0, 1.0], [2.0, 6.0], [0, 0]) == [3.0]
    assert rated([8.0, 2.0], [2.0, nan], [0, 0]) == [2.0]
    assert math.isnan(rated([7.9, 2.1], [2.0, nan], [0, 0])[0])
    assert rated([0.0, 0.0], [2.0, 4.0], [0, 0]) == [3.0]
    assert math.isnan(rated([1.0], [nan], [0])[0])
