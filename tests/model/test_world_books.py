"""What is reported is the truth, with each book's valuation, concept, silence and noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from entrepot.model.world import World, WorldOptions, build_world

CELL = ["hs_code", "period"]


def direct_of(world: World) -> pd.DataFrame:
    flows = world.truth_flows.to_pandas()
    return flows[flows["leg"] == "direct"]


def sums(frame: pd.DataFrame, keys: list[str], value: str = "value_usd") -> pd.Series:
    return frame.groupby(keys)[value].sum()


def book(reports: pd.DataFrame, flow: str, exporter: str, importer: str) -> pd.DataFrame:
    return reports[reports["flow"] == flow].rename(columns={exporter: "exporter", importer: "importer"})


@pytest.fixture(scope="module")
def plain(smooth, roles) -> pd.DataFrame:
    """Truth of pairs that have neither hubs, nor the destination, nor round trips."""
    flows = smooth.truth_flows.to_pandas()
    loops = smooth.truth_loops.to_pandas()
    circular = set(zip(loops["maker"], loops["via"], strict=True)) | set(
        zip(loops["via"], loops["maker"], strict=True)
    )
    outside = {"hub", "destination"}
    keep = ~flows["exporter"].map(roles).isin(outside) & ~flows["importer"].map(roles).isin(outside)
    pairs = pd.MultiIndex.from_frame(flows[["exporter", "importer"]])
    return flows[keep & ~pairs.isin(circular)]


def test_exporters_report_what_leaves(reports, plain) -> None:
    said = sums(book(reports, "export", "reporter", "partner"), ["exporter", "importer", *CELL])
    both = pd.concat(
        [said.rename("said"), sums(plain, ["exporter", "importer", *CELL])], axis=1, join="inner"
    )
    error = np.log(both["said"] / both["value_usd"])
    assert len(error) > 10_000
    assert abs(error.mean()) < 0.01
    assert 0.01 < error.std() < 0.09


def test_importers_report_cif_of_what_arrives(smooth, reports, plain) -> None:
    """Over all months, by pair: reported imports over FOB is the pair's own ratio."""
    silent = smooth.truth_areas.to_pandas().set_index("area")["publishes"]
    open_pairs = plain[plain["importer"].map(silent) == "all"]
    said = sums(book(reports, "import", "partner", "reporter"), ["exporter", "importer"])
    ratio = (said / sums(open_pairs, ["exporter", "importer"])).dropna()
    known = smooth.truth_pairs.to_pandas().set_index(["exporter", "importer"])["cif_fob_ratio"]
    relative = ratio / known[ratio.index]
    assert known.between(1.02, 1.15).all()
    assert relative.median() == pytest.approx(1.0, abs=0.02)
    assert relative.between(0.8, 1.4).mean() > 0.98


def test_imports_exceed_exports_of_the_same_flow(reports, plain) -> None:
    pairs = plain[["exporter", "importer"]].drop_duplicates()
    said = [
        sums(book(reports, flow, *ends).merge(pairs), ["exporter", "importer", "hs_code"])
        for flow, ends in (("import", ("partner", "reporter")), ("export", ("reporter", "partner")))
    ]
    assert (said[0] / said[1]).dropna().median() > 1.02


def test_a_hub_has_always_under_declared(smooth, reports, roles) -> None:
    """Before the event too, each hub's import book shows its own share of what each partner sent."""
    flows = direct_of(smooth)
    before = flows[(flows["period"] < smooth.event) & (flows["importer"].map(roles) == "hub")]
    said = book(reports[reports["period"] < smooth.event], "import", "partner", "reporter")
    pairs = smooth.truth_pairs.to_pandas().set_index(["exporter", "importer"])
    ratio = (sums(said, ["exporter", "importer"]) / sums(before, ["exporter", "importer"])).dropna()
    ratio = ratio[~ratio.index.get_level_values("exporter").map(roles).isin({"hub"})]
    stated = (pairs["cif_fob_ratio"] * pairs["declared_ratio"])[ratio.index]
    assert len(ratio) > 10
    assert (ratio / stated).median() == pytest.approx(1.0, abs=0.05)
    assert stated.min() < 0.6


def test_unseen_goods_are_in_the_origin_s_book_only(small) -> None:
    world = build_world(
        replace(
            small, onward_observed_share=1.0, late_reporters=0, loops=False, threshold_usd=0.0, relay=False
        )
    )
    reports, detours, direct = world.reports.to_pandas(), world.truth_detours.to_pandas(), direct_of(world)
    keys = ["exporter", "importer", "hs_code"]
    into = detours.rename(columns={"origin": "exporter", "hub": "importer"})
    every = sums(into, keys, "amount_usd")
    lanes = every.index
    base = sums(direct[direct["period"] >= world.event], keys).reindex(lanes, fill_value=0.0)
    unseen = sums(into[into["kind"] == "unseen"], keys, "amount_usd").reindex(lanes, fill_value=0.0)
    late = reports[reports["period"] >= world.event]
    sent = sums(book(late, "export", "reporter", "partner"), keys)[lanes]
    np.testing.assert_allclose(sent / (base + every), 1.0, atol=0.25)
    assert (sent / (base + every)).median() == pytest.approx(1.0, abs=0.03)
    seen = sums(book(late, "import", "partner", "reporter"), keys).reindex(lanes, fill_value=0.0)
    pairs = world.truth_pairs.to_pandas().set_index(["exporter", "importer"])
    ratio = (pairs["cif_fob_ratio"] * pairs["declared_ratio"]).reindex(lanes.droplevel("hs_code")).to_numpy()
    shown = seen / ratio / (base + every - unseen)
    assert shown.median() == pytest.approx(1.0, abs=0.06)
    hidden = unseen > 0.3 * (base + every)
    assert hidden.sum() > 10
    assert (seen / ratio / (base + every))[hidden].median() < 0.75


def test_onward_leg_is_in_the_hub_s_export_book_as_far_as_declared(small) -> None:
    world = build_world(replace(small, onward_observed_share=1.0, late_reporters=0))
    reports = world.reports.to_pandas()
    detours = world.truth_detours.to_pandas()
    detours = detours[detours["arrives_in_world"]]
    direct = direct_of(world)
    after = direct[direct["period"] >= world.event].rename(
        columns={"exporter": "hub", "importer": "destination"}
    )
    seen = detours[detours["kind"] != "unseen"]
    keys = ["hub", "destination"]
    lanes = sums(seen, keys, "onward_usd")
    base = sums(after, keys).reindex(lanes.index, fill_value=0.0)
    late = reports[reports["period"] >= world.event].rename(
        columns={"reporter": "hub", "partner": "destination"}
    )
    said = sums(late[late["flow"] == "export"], keys)[lanes.index]
    np.testing.assert_allclose(said / (base + lanes), 1.0, atol=0.12)
    re_exported = sums(late[late["flow"] == "re_export"], keys)[lanes.index]
    assert (re_exported > 0.85 * lanes).all()


def test_a_destination_that_publishes_shows_the_origin_not_the_hub(small) -> None:
    world = build_world(replace(small, silent_destination=False, late_reporters=0, loops=False))
    reports, roles = world.reports.to_pandas(), world.truth_areas.to_pandas().set_index("area")["role"]
    place = roles.index[roles == "destination"][0]
    detours = world.truth_detours.to_pandas()
    detours = detours[detours["arrives_in_world"]]
    direct = direct_of(world)
    to_it = direct[(direct["importer"] == place) & (direct["period"] >= world.event)]
    said = reports[
        (reports["reporter"] == place) & (reports["flow"] == "import") & (reports["period"] >= world.event)
    ]
    treated = roles.index[roles == "treated_origin"]
    freight = world.truth_pairs.to_pandas().query("importer == @place").set_index("exporter")["cif_fob_ratio"]
    shown = (sums(said, ["partner"]) / freight).reindex(treated)
    physical = sums(to_it, ["exporter"]).reindex(treated) + sums(detours, ["origin"], "onward_usd").reindex(
        treated, fill_value=0.0
    )
    np.testing.assert_allclose(shown / physical, 1.0, atol=0.2)
    assert sums(detours, ["origin"], "onward_usd").sum() > 0.02 * physical.sum()


def test_silent_reporters_have_no_rows(smooth, reports) -> None:
    areas = smooth.truth_areas.to_pandas()
    last = reports.groupby("reporter")["period"].max()
    words = dict(zip(areas["area"], areas["publishes"], strict=True))
    assert set(words.values()) == {"all", "until_event", "never", "late"}
    for area, word in words.items():
        if word == "never":
            assert area not in last.index
            assert area in set(reports["partner"])
    stated = areas.set_index("area")["last_period"].dropna()
    pd.testing.assert_series_equal(last.sort_index(), stated.sort_index(), check_names=False)
    place = areas.loc[areas["role"] == "destination", "area"].item()
    assert last[place] == smooth.options.periods[smooth.options.event_month - 1]


def test_silence_can_be_switched_off(small) -> None:
    world = build_world(replace(small, silent_destination=False, onward_observed_share=1.0, late_reporters=0))
    assert set(world.truth_areas["publishes"].to_pylist()) == {"all"}


def test_parts_never_exceed_the_flow_that_contains_them(reports) -> None:
    keys = ["reporter", "partner", "period", "hs_code"]
    for part, whole in (("re_export", "export"), ("re_import", "import")):
        parts = sums(reports[reports["flow"] == part], keys)
        wholes = sums(reports[reports["flow"] == whole], keys)
        assert len(parts) > 0
        assert (parts <= wholes.reindex(parts.index) + 1).all(), part


def test_goods_come_home_as_partner_equal_to_reporter(reports, smooth) -> None:
    home = reports[reports["reporter"] == reports["partner"]]
    assert set(home["flow"]) == {"import", "re_import"}
    loops = smooth.truth_loops.to_pandas()
    expected = loops[loops["home_share"] > 0]
    assert set(expected["maker"]) & set(home["reporter"])


@pytest.mark.parametrize(("threshold", "least"), [(5_000.0, 2_500.0), (0.0, 1.0)])
def test_small_values_are_not_published(small, threshold, least) -> None:
    world = build_world(replace(small, setting="rough", threshold_usd=threshold))
    smallest = min(world.reports["value_usd"].to_pylist())
    assert least <= smallest < max(4 * least, 5.0)


def test_weights_and_quantities(smooth, reports) -> None:
    products = smooth.truth_products.to_pandas().set_index("hs_code")
    assert 0.03 < reports["net_weight_kg"].isna().mean() < 0.12
    assert (reports["net_weight_kg"].dropna() > 0).all()
    assert set(reports["quantity_unit"].dropna()) == {"u", "kg"}
    assert (reports["quantity"].isna() == reports["quantity_unit"].isna()).all()
    weighed = reports.dropna(subset=["net_weight_kg", "quantity"])
    by_weight = weighed[weighed["quantity_unit"] == "kg"]
    assert (by_weight["quantity"] == by_weight["net_weight_kg"]).all()
    counted = weighed[(weighed["quantity_unit"] == "u") & (weighed["quantity"] > 100)]
    each = counted["net_weight_kg"] / counted["quantity"]
    np.testing.assert_allclose(each / counted["hs_code"].map(products["kg_per_item"]), 1.0, atol=0.01)
    unit_value = np.log(weighed["value_usd"] / weighed["net_weight_kg"])
    level = np.log(weighed["hs_code"].map(products["unit_value_usd_per_kg"]))
    assert (unit_value - level).std() < 0.5 < level.std()


def test_two_revisions_meet_at_the_new_year(reports) -> None:
    years = reports.groupby("hs_revision")["period"].agg(["min", "max"])
    assert years.loc["HS2017", "max"] == "2021-12"
    assert years.loc["HS2022", "min"] == "2022-01"


def test_annual_reporters_publish_whole_years(small) -> None:
    """The same books, added up: what a year says is what its months would have said."""
    options = replace(small, months=30, threshold_usd=0.0, late_reporters=0)
    monthly, annual = build_world(options), build_world(replace(options, annual_reporters=6))
    areas = annual.truth_areas.to_pandas()
    years = areas.loc[areas["publishes"] == "annual", "area"]
    assert len(years) == 6
    told, rows = monthly.reports.to_pandas(), annual.reports.to_pandas()
    is_annual = rows["reporter"].isin(years)
    assert set(rows.loc[is_annual, "period"]) == {"2020", "2021"}
    assert set(rows.loc[~is_annual, "period"].str.len()) == {7}
    keys = ["reporter", "partner", "flow", "hs_code"]
    told = told[told["reporter"].isin(years) & (told["period"] < "2022")]
    expected = sums(told.assign(period=told["period"].str[:4]), [*keys, "period"])
    found = sums(rows[is_annual], [*keys, "period"]).reindex(expected.index)
    np.testing.assert_allclose(found, expected, atol=7)  # each month is rounded to a dollar
    assert set(areas.loc[areas["publishes"] == "annual", "last_period"]) == {"2021-12"}


def test_a_chain_is_in_the_books_of_all_three_areas(small) -> None:
    world = build_world(replace(small, chains=2, two_way_loops=True))
    loops = world.truth_loops.to_pandas()
    chains = loops[loops["second_via"].notna()]
    assert chains[["maker", "via", "second_via"]].drop_duplicates().shape[0] == 2
    assert (chains["lag_months"] >= 2).all()
    flows = world.truth_flows.to_pandas()
    sums = flows.groupby("leg")["net_weight_kg"].sum()
    arrived = chains[chains["arrives_in_world"]]
    on = flows[flows["leg"] == "loop_on"]
    ends = set(zip(on["exporter"], on["importer"], strict=True))
    assert ends == set(zip(chains["via"], chains["second_via"], strict=True))
    assert arrived["back_kg"].sum() <= sums["loop_on"] <= chains["out_kg"].sum()
    back = flows[flows["leg"] == "loop_back"]
    home = set(zip(back["exporter"], back["importer"], strict=True))
    assert set(zip(arrived["second_via"], arrived["maker"], strict=True)) <= home


def test_half_of_the_round_trips_may_be_in_two_way_trade() -> None:
    options = WorldOptions(areas=30, products=60, seed=3)
    shares = {}
    for asked in (False, True):
        world = build_world(replace(options, two_way_loops=asked))
        direct = world.truth_flows.to_pandas().query("leg == 'direct'")
        traded = set(zip(direct["exporter"], direct["importer"], direct["hs_code"], strict=True))
        loops = world.truth_loops.to_pandas()
        new = loops[~loops["is_chronic"]][["maker", "via", "hs_code"]].drop_duplicates()
        ways = [(v, m, c) in traded for m, v, c in new.itertuples(index=False)]
        shares[asked] = sum(ways) / len(ways)
    assert shares[True] >= 0.5 > shares[False]


def test_markups_of_round_trips_are_those_asked_for() -> None:
    options = WorldOptions(areas=30, products=20, seed=3)
    cheaper, dearer = (
        build_world(replace(options, loop_markups=asked)).truth_loops.to_pandas()
        for asked in ((-0.3, -0.1), (0.5, 1.0))
    )
    assert cheaper["markup"].between(-0.3, -0.1).all()
    assert dearer["markup"].between(0.5, 1.0).all()
    np.testing.assert_allclose(cheaper["out_kg"], dearer["out_kg"])  # all else is drawn the same
