"""A small known-truth world through the whole search; every option changes the result or is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from entrepot.detect.detours import detours
from entrepot.detect.options import GROUP_KEYS, DetourOptions
from entrepot.detect.specifications import specifications
from entrepot.engine import Engine
from entrepot.errors import CoverageError, OptionError
from entrepot.model.world import WorldOptions, build_world
from entrepot.reconcile import reconcile
from entrepot.schema import DETOUR, SPECIFICATION, bad_rows, duplicated_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrepot.detect.result import DetourResult
    from entrepot.detect.specifications import SpecificationResult

OPTIONS = WorldOptions(
    areas=22, products=40, treated_origins=5, hubs=3, booming_hubs=2, friendly_origins=2, late_reporters=1,
    seed=5, unseen_share=0.2, onward_observed_share=1.0, loops=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def world():
    return build_world(OPTIONS)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="1GB", threads=2) as made:
        yield made


def flows_of(world, engine: Engine, name: str):
    """Reconcile a world's reports, with totals of all goods beside them."""
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
    engine.register(name, table)
    totals = f"SELECT * REPLACE ('TOTAL' AS hs_code) FROM {name}"
    parts = []
    for part, query in (("goods", f"SELECT * FROM {name}"), ("totals", totals)):
        parts.append(
            engine.keep(
                _lazy(reconcile(engine.frame(query).to_native(), estimate="exporter_first")), f"{name}_{part}"
            )
        )
    return engine.frame(f"SELECT * FROM {name}_goods UNION ALL SELECT * FROM {name}_totals")


def _lazy(frame):
    return nw.from_native(frame).lazy()


@pytest.fixture(scope="module")
def truth(world) -> pa.Table:
    """Return planted detours of treated origins after the event, and who is who."""
    found = world.truth_detours
    return found.filter(pc.not_equal(found["kind"].cast(pa.string()), "relay"))


def by_role(world, role: str) -> tuple[str, ...]:
    areas = world.truth_areas
    return tuple(areas.filter(pc.equal(areas["role"].cast(pa.string()), role))["area"].to_pylist())


@pytest.fixture(scope="module")
def question(world) -> dict:
    products = world.truth_products
    listed = tuple(products.filter(products["is_listed"])["hs_code"].cast(pa.string()).to_pylist())
    return {
        "event": world.event,
        "origins": by_role(world, "treated_origin"),
        "destinations": by_role(world, "destination"),
        "products": listed,
        "spikes": 12,
    }


@pytest.fixture(scope="module")
def flows(world, engine):
    return flows_of(world, engine, "world")


@pytest.fixture(scope="module")
def ask(flows, engine, question) -> Callable[..., DetourResult]:
    """Return a function that asks the world's question with changes; equal questions are asked once."""
    asked: dict[DetourOptions, DetourResult] = {}

    def search(**changes: object) -> DetourResult:
        options = DetourOptions(**{**question, **changes})
        if options not in asked:
            asked[options] = detours(flows, options, engine=engine)
        return asked[options]

    return search


def total(table: pa.Table, column: str = "estimate_usd") -> float:
    """Return the sum over the origins' own detours: relays are the goods of others."""
    own = pc.fill_null(pc.not_equal(table["kind"], "relay"), fill_value=True)
    return float(pc.sum(table.filter(own)[column]).as_py() or 0.0)


def shape(result: DetourResult) -> tuple:
    """Return what a reader sees of a result, as numbers to compare."""
    table = result.table
    return (
        table.num_rows,
        round(result.headline.estimate_usd, 3),
        round(result.headline.low_usd, 3),
        round(result.headline.high_usd, 3),
        tuple(table["hub"].to_pylist()[:5]),
    )


# --- truth ----------------------------------------------------------------------------------------------


def test_the_sum_is_near_the_truth(ask, truth) -> None:
    """Half to twice the truth is what a small world gives; a spreadsheet's figure is over twice it."""
    result = ask()
    after = {f"{p // 12:04d}-{p % 12 + 1:02d}" for p in result.windows.after}
    planted = truth.filter(pc.is_in(truth["period"].cast(pa.string()), value_set=pa.array(sorted(after))))
    assert 0.5 < result.headline.estimate_usd / total(planted, "amount_usd") < 2.0
    assert result.headline.raw_increase_usd > 2 * total(planted, "amount_usd")
    assert result.headline.low_usd <= result.headline.estimate_usd <= result.headline.high_usd


def test_the_largest_hub_is_a_true_one(ask, world) -> None:
    hubs = ask().hubs.to_pylist()
    assert hubs[0]["hub"] in by_role(world, "hub")
    true = sum(r["estimate_usd"] or 0.0 for r in hubs if r["hub"] in by_role(world, "hub"))
    assert true > 0.7 * sum(r["estimate_usd"] or 0.0 for r in hubs)


def test_the_open_search_finds_the_treated_origins(ask, world) -> None:
    found = ask(origins=(), destinations=())
    treated = found.treated.filter(found.treated["is_treated"])
    assert set(treated["destination"].to_pylist()) == set(by_role(world, "destination"))
    origins = set(treated["origin"].to_pylist())
    assert origins <= set(by_role(world, "treated_origin"))
    assert len(origins) >= 4


def test_a_quiet_world_gives_nothing_or_says_not_identified(world, engine) -> None:
    quiet = build_world(replace(OPTIONS, quiet=True))
    result = detours(
        flows_of(quiet, engine, "quiet"), DetourOptions(event=quiet.event, spikes=4), engine=engine
    )
    assert result.headline.status != "identified" or result.headline.estimate_usd == 0.0


def test_trade_that_is_rougher_since_the_event_widens_the_intervals(world, engine, question, ask) -> None:
    """The months before tell too little noise: after the event every flow moves by a factor of its own."""
    engine.register("rough_reports", world.reports)
    # A flow moves by the same factor in every month and in both books.
    ends = "CASE WHEN flow LIKE 'import%' THEN partner || reporter ELSE reporter || partner END"
    draw = f"hash({ends} || hs_code) % 1000003 / 1000003.0"
    factor = f"CASE WHEN period >= '{world.event}' THEN exp(1.2 * ({draw} - 0.5)) ELSE 1 END"
    reports = engine.frame(f"SELECT * REPLACE (value_usd * {factor} AS value_usd) FROM rough_reports")
    rough = replace(world, reports=reports.collect(backend="pyarrow").to_native())
    result = detours(flows_of(rough, engine, "rough"), DetourOptions(**question), engine=engine)
    assert ask().calibration.noise_ratio < 1.6
    assert result.calibration.noise_ratio > 1.5 * ask().calibration.noise_ratio

    def width(found: DetourResult) -> float:
        return (found.headline.high_usd - found.headline.low_usd) / found.headline.estimate_usd

    assert width(result) > 1.5 * width(ask())


# --- the contract ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by", [keys for n in (1, 2, 3, 4) for keys in combinations(GROUP_KEYS, n)], ids=",".join
)
def test_every_grouping_keeps_the_contract_and_the_total(by, ask) -> None:
    result = ask(by=by)
    table = result.table
    assert bad_rows(table, DETOUR).num_rows == 0
    assert duplicated_rows(table, DETOUR).num_rows == 0
    assert table.schema.names == list(DETOUR.columns)
    shown = total(table)
    assert shown <= result.headline.estimate_usd * (1 + 1e-9)
    withheld = [r for r in table.to_pylist() if r["estimate_usd"] is None]
    assert all(r["status"].startswith("not identified") for r in withheld)
    if not withheld:
        assert shown == pytest.approx(result.headline.estimate_usd)
    for row in table.to_pylist():
        assert all((row[key] is None) == (key not in by) for key in GROUP_KEYS)
        if row["estimate_usd"] is not None:
            assert row["low_usd"] <= row["estimate_usd"] <= row["high_usd"]


def test_no_row_is_surer_than_its_hub(ask) -> None:
    hubs = {
        (row["hub"], row["kind"] == "relay"): row["q_value"] for row in ask(by=("hub",)).table.to_pylist()
    }
    rows = ask(by=("origin", "hub", "destination", "hs_code")).table.to_pylist()
    assert len(rows) > len(hubs)
    for row in rows:
        assert row["q_value"] >= hubs[row["hub"], row["kind"] == "relay"] - 1e-12


def test_months_sum_to_the_whole(ask) -> None:
    whole, monthly = ask(by=("hub", "hs_code")), ask(by=("hub", "hs_code", "period"))
    assert monthly.headline.estimate_usd == whole.headline.estimate_usd
    sums: dict[tuple, float] = {}
    for row in monthly.table.to_pylist():
        key = (row["hub"], row["hs_code"], row["kind"] == "relay")
        sums[key] = sums.get(key, 0.0) + (row["estimate_usd"] or 0.0)
    rows = whole.table.to_pylist()
    expected = {(r["hub"], r["hs_code"], r["kind"] == "relay"): r["estimate_usd"] or 0.0 for r in rows}
    for key, usd in sums.items():
        assert usd == pytest.approx(expected[key], rel=1e-6)
    periods = set(monthly.table["period"].to_pylist())
    assert len(periods) > 1
    after = {f"{p // 12:04d}-{p % 12 + 1:02d}" for p in monthly.windows.after}
    assert periods <= after


# --- options --------------------------------------------------------------------------------------------


def changed_options(world, question) -> dict[str, dict]:
    """Return for every option a value that must change the result."""
    hubs = by_role(world, "hub")
    event = world.event
    year, month = int(event[:4]), int(event[5:])
    at = year * 12 + month - 1

    def text(p: int) -> str:
        return f"{p // 12:04d}-{p % 12 + 1:02d}"

    return {
        "event": {"event": text(at + 2)},
        "before": {"before": f"{text(at - 12)}:{text(at - 2)}"},
        "after": {"after": f"{text(at + 4)}:{text(at + 8)}"},
        "origins": {"origins": question["origins"][:3]},
        "hubs": {"hubs": hubs[:1]},
        "destinations": {"destinations": by_role(world, "other")[:1]},
        "products": {"products": question["products"][:8]},
        "pooled_origins": {"pooled_origins": question["origins"]},
        "by": {"by": ("hub",)},
        "tiers": {"by": ("tier",), "tiers": ((question["products"][0], "L 1"),)},
        "expected": {"expected": "gravity"},
        "spikes": {"spikes": 5},
        "seed": {"seed": 1},
    }


@pytest.mark.parametrize("option", [field.name for field in fields(DetourOptions) if field.name != "z"])
def test_every_option_changes_the_result(option, ask, world, question) -> None:
    assert shape(ask(**changed_options(world, question)[option])) != shape(ask())


def test_the_threshold_changes_the_result_where_no_goods_are_named(ask) -> None:
    """Named goods of pairs that fell as a whole need none."""
    assert shape(ask(products=(), z=3.0)) != shape(ask(products=()))


def test_equal_seeds_give_equal_results(flows, engine, question, ask) -> None:
    again = detours(flows, DetourOptions(**question), engine=engine)
    assert shape(again) == shape(ask())
    for name in ("estimate_usd", "low_usd", "high_usd", "q_value"):
        mine, theirs = (r.table[name].to_numpy(zero_copy_only=False) for r in (again, ask()))
        np.testing.assert_allclose(mine, theirs, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"by": ()}, "cannot sum by"),
        ({"by": ("hub", "hub")}, "cannot sum by"),
        ({"by": ("port",)}, "cannot sum by port"),
        ({"z": -1.0}, "must not be negative"),
        ({"spikes": -1}, "must not be negative"),
        ({"origins": ("DEU",), "destinations": ("DEU",)}, "cannot stand among origins and destinations"),
        ({"hubs": ("DEU",), "destinations": ("DEU",)}, "cannot stand among hubs and destinations"),
    ],
)
def test_options_that_make_no_question_are_refused(change, what) -> None:
    with pytest.raises(OptionError, match=what) as caught:
        DetourOptions(event="2022-03", **change)
    assert caught.value.hint


@pytest.mark.parametrize(
    "change",
    [{"origins": ("QQQ",)}, {"hubs": ("QQQ",)}, {"destinations": ("QQQ",)}, {"products": ("999999",)}],
)
def test_what_is_not_in_the_data_is_said(change, ask) -> None:
    with pytest.raises(CoverageError, match="is in the data"):
        ask(**change)


def test_members_of_a_union_are_estimated_as_one_and_shown_apart(ask, question) -> None:
    result = ask(pooled_origins=question["origins"])
    own = pc.fill_null(pc.not_equal(result.table["kind"], "relay"), fill_value=True)
    shown = set(result.table.filter(own)["origin"].to_pylist())
    assert len(shown) > 1
    assert shown <= set(question["origins"])
    assert total(result.table) <= result.headline.estimate_usd * (1 + 1e-9)


# --- the headline under other choices -------------------------------------------------------------------


@pytest.fixture(scope="module")
def curve(flows, engine, question) -> SpecificationResult:
    return specifications(flows, DetourOptions(**question), engine=engine)


def rows_where(result: SpecificationResult, **wanted: object) -> list[dict]:
    return [row for row in result.table.to_pylist() if all(row[key] == w for key, w in wanted.items())]


def test_the_first_row_is_the_headline_of_the_search(curve, ask) -> None:
    assert curve.table["is_headline"].to_pylist() == [True] + [False] * (curve.table.num_rows - 1)
    assert curve.headline_usd == pytest.approx(ask().headline.estimate_usd, rel=1e-9)
    assert curve.table.schema.equals(SPECIFICATION.arrow_schema())


def test_every_choice_is_crossed_once(curve) -> None:
    rows = rows_where(curve, left_out_kind=None)
    values = {key: {row[key] for row in rows} for key in ("baseline", "z", "book")}
    assert values["book"] == {"exporter", "importer"}
    assert values["z"] == {0.5, 1.0, 2.0}
    assert {"untreated", "unchanged"} <= values["baseline"]
    choices = [(r["before"], r["after"], r["baseline"], r["z"], r["book"]) for r in rows]
    assert len(choices) == len(set(choices))
    windows = {(r["before"], r["after"]) for r in rows}
    assert len(choices) == len(windows) * len(values["baseline"]) * 3 * 2


def test_another_baseline_is_the_one_beside_the_headline(curve, ask) -> None:
    by_baseline = ask().headline.by_baseline
    for baseline, usd in by_baseline.items():
        (row,) = rows_where(
            curve, left_out_kind=None, baseline=baseline, z=1.0, book="exporter",
            before=curve.windows.text(curve.windows.before), after=curve.windows.text(curve.windows.after),
        )  # fmt: skip
        assert row["estimate_usd"] == pytest.approx(usd, rel=1e-9)


def test_without_a_hub_its_detours_are_gone(curve, ask) -> None:
    """What passed one hub is not found elsewhere: the total loses about what that hub's row says."""
    result = ask()
    by_hub = dict(zip(result.hubs["hub"].to_pylist(), result.hubs["estimate_usd"].to_pylist(), strict=True))
    rows = rows_where(curve, left_out_kind="hub")
    assert {row["left_out"] for row in rows} == {hub for hub, usd in by_hub.items() if usd}
    for row in rows:
        rest = result.headline.estimate_usd - by_hub[row["left_out"]]
        assert row["estimate_usd"] == pytest.approx(rest, rel=0.15)


def test_what_is_left_out_is_sorted_by_what_it_moves(curve) -> None:
    moved = [abs(row["headline_share"] - 1.0) for row in curve.left_out]
    assert moved == sorted(moved, reverse=True)
    assert {row["left_out_kind"] for row in curve.left_out} == {"product", "hub", "origin", "period"}


def test_a_planted_giant_is_exposed(world, engine, question, curve) -> None:
    """One product a hundred times what it was: the leave-one-out must say that the total rests on it."""
    code = next(row["left_out"] for row in curve.left_out if row["left_out_kind"] == "product")
    reports = world.reports
    is_giant = pc.equal(reports["hs_code"].cast(pa.string()), code)
    value = pc.multiply(reports["value_usd"], pc.if_else(is_giant, 100.0, 1.0))
    at = reports.column_names.index("value_usd")
    giant = replace(world, reports=reports.set_column(at, "value_usd", value))
    result = specifications(flows_of(giant, engine, "giant"), DetourOptions(**question), engine=engine)
    (row,) = rows_where(result, left_out_kind="product", left_out=code)
    (usual,) = rows_where(curve, left_out_kind="product", left_out=code)
    assert row["headline_share"] < 0.5 * usual["headline_share"]


def test_a_product_left_out_takes_its_own_amount_and_little_else(flows, engine, question) -> None:
    """All goods but one are bounded as all goods are: they were bounded as named goods, and totals moved."""
    asked = DetourOptions(**{**question, "products": ()})
    result = specifications(flows, asked, engine=engine)
    found = detours(flows, asked, engine=engine).products.to_pylist()
    own = {row["hs_code"]: row["estimate_usd"] for row in found if row["estimate_usd"] is not None}
    rows = [row for row in rows_where(result, left_out_kind="product") if row["left_out"] in own]
    assert len(rows) > 5
    astray = [abs(row["estimate_usd"] + own[row["left_out"]] - result.headline_usd) for row in rows]
    assert np.median(astray) < 0.015 * result.headline_usd


def test_a_shorter_window_is_worth_what_it_is_in_the_headline(curve, flows, engine, question) -> None:
    """The same halves asked for by themselves: near the scaled total, which has the headline's noise."""
    for row in rows_where(curve, left_out_kind=None, baseline="untreated", z=1.0, book="exporter"):
        if row["after"] == curve.windows.text(curve.windows.after):
            continue
        asked = DetourOptions(**{**question, "before": row["before"], "after": row["after"], "spikes": 0})
        own = detours(flows, asked, engine=engine)
        scale = len(curve.windows.after) / len(own.windows.after)
        assert row["estimate_usd"] == pytest.approx(scale * own.headline.estimate_usd, rel=0.2)


def test_the_books_allow_the_truth(ask, truth) -> None:
    """Least and most hold the estimate and what was planted through hubs, in a world of moderate noise."""
    head = ask().headline
    after = {f"{p // 12:04d}-{p % 12 + 1:02d}" for p in ask().windows.after}
    planted = truth.filter(pc.is_in(truth["period"].cast(pa.string()), value_set=pa.array(sorted(after))))
    assert head.smallest_usd <= head.estimate_usd <= head.largest_usd
    assert head.smallest_usd <= total(planted, "amount_usd") <= head.largest_usd
    assert head.largest_usd < head.shortfall_usd
