"""The weighted estimate: missing sides, ratios, reliability, intervals, on flows whose truth is known."""

from __future__ import annotations

import math
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from entrepot.errors import OptionError, UnknownCodeError
from entrepot.reconcile import fit_books, pair_books, reconcile, weigh_books
from entrepot.schema import RECONCILED, bad_rows

NOTHING, ZERO, SOME = None, 0.0, 100.0


def one(frame: pd.DataFrame) -> dict | None:
    rows = frame[(frame["exporter"] == "AAA") & (frame["importer"] == "BBB")]
    return None if rows.empty else rows.iloc[0].to_dict()


#: (exporter's report, importer's report) → basis, whether the value is positive, whether low is.
TRUTH_TABLE = {
    (NOTHING, NOTHING): None,
    (NOTHING, ZERO): ("importer", False, False),
    (NOTHING, SOME): ("importer", True, True),
    (ZERO, NOTHING): ("exporter", False, False),
    (ZERO, ZERO): ("both", False, False),
    (ZERO, SOME): ("importer_alone", True, False),
    (SOME, NOTHING): ("exporter", True, True),
    (SOME, ZERO): ("exporter_alone", True, False),
    (SOME, SOME): ("both", True, True),
}


@pytest.mark.parametrize("is_written", [True, False], ids=["zero row", "no row"])
@pytest.mark.parametrize("case", TRUTH_TABLE, ids=str)
def test_not_reported_is_not_zero(case, is_written, reports) -> None:
    x, m = case
    rows = [("CCC", "export", "DDD", 1.0)]
    for side, flow, other, usd in (("AAA", "export", "BBB", x), ("BBB", "import", "AAA", m)):
        if usd is not NOTHING:
            rows.append((side, flow, "ZZZ", 5.0))
            rows += [(side, flow, other, usd)] * (usd > 0 or is_written)
    found = one(reconcile(reports(rows)))
    expected = TRUTH_TABLE[case]
    if expected is None or (not is_written and SOME not in case):
        assert found is None
        return
    basis, is_value, is_low = expected
    assert found["basis"] == basis
    np.testing.assert_equal(found["exporter_report_usd"], math.nan if x is NOTHING else x)
    np.testing.assert_equal(found["importer_report_usd"], math.nan if m is NOTHING else m)
    assert (found["value_usd"] > 0, found["low_usd"] > 0) == (is_value, is_low)
    assert found["low_usd"] <= found["value_usd"] <= found["high_usd"]
    assert found["exporter_share"] == (
        1.0 if basis.startswith("exporter") else pytest.approx(found["exporter_share"])
    )
    assert math.isnan(found["log_gap"]) == (case != (SOME, SOME))


def test_goods_coming_home_are_no_mirror(reports) -> None:
    """What China imports from China is not what it exports to itself."""
    rows = [("AAA", "import", "AAA", 106.0), ("AAA", "export", "AAA", 5.0), ("AAA", "export", "BBB", 1.0)]
    found = reconcile(reports(rows))
    home = found[found["exporter"] == found["importer"]].iloc[0]
    assert home["basis"] == "importer"
    assert home["value_usd"] == pytest.approx(100.0)


@cache
def books(*, seed: int = 0, areas: int = 14, products: int = 60, month: bool = False) -> tuple:
    """Return reports of flows whose truth, freight and reporters' noise are known."""
    rng = np.random.default_rng(seed)
    codes = [f"A{i:02d}" for i in range(areas)]
    sd = np.exp(rng.uniform(np.log(0.02), np.log(0.6), areas))
    place = rng.uniform(0, 10, (areas, 2))
    rows, truth, pairs = [], [], []
    for i, j in product(range(areas), range(areas)):
        if i == j:
            continue
        km = 500 + 1000 * float(np.hypot(*(place[i] - place[j])))
        freight = 0.02 + 0.03 * np.log(km / 500)
        pairs.append((codes[i], codes[j], km, math.exp(freight)))
        declared = math.log(0.5) if j == 0 else 0.0  # A00 shows half of what arrives
        for k in range(products):
            usd = float(np.exp(rng.normal(12, 1.5)))
            hs, period = f"{10 + k % 4:02d}{1000 + k}", "2022-03" if month else "2022"
            truth.append((codes[i], codes[j], hs, period, usd))
            for side, other, flow, extra in (
                (i, j, "export", 0.0),
                (j, i, "import", freight + declared),
            ):
                value = usd * math.exp(extra + rng.normal(0, sd[side]))
                rows.append((codes[side], codes[other], flow, hs, period, value))
    frame = pd.DataFrame(
        rows, columns=["reporter", "partner", "flow", "hs_code", "period", "primary_value_usd"]
    ).assign(
        role="leaf", frequency="M" if month else "A", net_weight_kg=lambda f: f["primary_value_usd"] / 4,
        partner_concept=lambda f: np.where(f["flow"] == "import", "origin", "last_known_destination"),
    )  # fmt: skip
    known = pd.DataFrame(truth, columns=["exporter", "importer", "hs_code", "period", "true_usd"])
    places = pd.DataFrame(pairs, columns=["exporter", "importer", "distance_km", "cif"])
    table = pa.Table.from_pandas(
        places.drop(columns="cif").assign(is_contiguous=0, landlocked=0), preserve_index=False
    )
    return frame, known, places, table, pd.Series(sd, codes)


@cache
def fitted() -> tuple:
    frame, known, places, table, sd = books()
    fit = fit_books(pair_books(frame), geography=table, is_monthly=False)
    flows = weigh_books(pair_books(frame), fit, is_monthly=False)
    return fit, flows.merge(known, on=["exporter", "importer", "hs_code", "period"]), places, sd


def test_the_mean_is_nearer_to_the_truth_than_either_book() -> None:
    _, d, _, _ = fitted()
    off = {
        name: (np.log(usd) - np.log(d["true_usd"])).abs().mean()
        for name, usd in (
            ("ours", d["value_usd"]),
            ("exporter", d["exporter_report_usd"]),
            ("importer", d["importer_report_usd"] / 1.06),
            ("mean", (d["exporter_report_usd"] + d["importer_report_usd"]) / 2),
        )
    }
    assert off["ours"] < 0.7 * min(off["exporter"], off["importer"], off["mean"])


def test_nine_of_ten_flows_lie_inside_their_interval() -> None:
    _, d, _, _ = fitted()
    inside = (d["low_usd"] <= d["true_usd"]) & (d["true_usd"] <= d["high_usd"])
    assert 0.85 < inside.mean() < 0.95


def test_freight_is_recovered_although_one_importer_shows_half() -> None:
    fit, _, places, _ = fitted()
    table = fit.value.ratios.table.to_pandas().merge(places, on=["exporter", "importer"])
    assert (np.exp(table["log_freight"]) - table["cif"]).abs().mean() < 0.015
    halved = table[table["importer"] == "A00"]
    assert np.exp(halved["log_ratio"]).median() == pytest.approx(0.5 * halved["cif"].median(), rel=0.1)


def test_reporters_are_ranked_by_their_noise() -> None:
    fit, _, _, sd = fitted()
    found = fit.value.reliability.reporters.to_pandas()
    for flow in ("export", "import"):
        own = found[found["flow"] == flow].set_index("reporter")["reporting_sd"]
        assert own.corr(sd.reindex(own.index), method="spearman") > 0.85
    best = str(sd.idxmin())
    assert f"{best} exports: one figure is typically" in fit.explain(best)
    with pytest.raises(UnknownCodeError, match="nothing is known"):
        fit.explain("XXX")


def test_the_better_reporter_has_the_larger_share() -> None:
    _, d, _, sd = fitted()
    between = d[(d["exporter"] == sd.idxmin()) & (d["importer"] == sd.idxmax())]
    assert between["exporter_share"].median() > 0.9
    other = d[(d["exporter"] == sd.idxmax()) & (d["importer"] == sd.idxmin())]
    assert other["exporter_share"].median() < 0.3


def test_a_flow_with_one_report_has_a_wider_interval() -> None:
    frame, _, _, table, _ = books()
    silent = frame[~((frame["reporter"] == "A05") & (frame["flow"] == "export"))]
    found = reconcile(silent, geography=table)
    width = np.log(found["high_usd"] / found["low_usd"])
    mine = found["exporter"] == "A05"
    assert set(found[mine]["basis"]) == {"importer"}
    by_importer = width.groupby([found["importer"], mine]).median().unstack()
    assert (by_importer[True] > by_importer[False]).drop("A05").all()


def test_a_gap_that_noise_cannot_explain_pulls_less() -> None:
    frame, _, _, table, _ = books()
    at = frame.index[
        (frame["reporter"] == "A03") & (frame["partner"] == "A04") & (frame["flow"] == "import")
    ][0]
    wild = frame.copy()
    wild.loc[at, "primary_value_usd"] *= 300
    key = {"exporter": "A04", "importer": "A03", "hs_code": wild.loc[at, "hs_code"]}
    found, calm = (reconcile(f, geography=table) for f in (wild, frame))
    rows = [f[(f[list(key)] == pd.Series(key)).all(axis=1)].iloc[0] for f in (found, calm)]
    assert rows[0]["exporter_share"] > rows[1]["exporter_share"]
    assert rows[0]["value_usd"] < 2 * rows[1]["value_usd"]


def test_the_two_estimates_differ_and_others_are_refused() -> None:
    frame, *_, table, _ = books()
    weighted, first = (
        reconcile(frame, estimate=name, geography=table) for name in ("weighted", "exporter_first")
    )
    assert (first["value_usd"] == first["exporter_report_usd"]).all()
    assert (weighted["value_usd"] != weighted["exporter_report_usd"]).mean() > 0.9
    with pytest.raises(OptionError, match="no way to make one figure"):
        reconcile(frame, estimate="mean")


def test_the_contract_holds_and_scale_does_not_matter() -> None:
    frame, *_, table, _ = books(seed=3, areas=5, products=12)
    found = reconcile(frame, geography=table)
    assert bad_rows(found, RECONCILED).empty
    assert not found.duplicated(list(RECONCILED.key)).any()
    again = reconcile(frame.sample(frac=1, random_state=1), geography=table)
    pd.testing.assert_frame_equal(
        *(f.sort_values(list(RECONCILED.key), ignore_index=True) for f in (found, again))
    )


def test_a_months_flow_is_dated_where_it_leaves(reports) -> None:
    """What leaves in January and arrives in February is January's, in full."""
    rows = []
    for k in range(40):
        code = {"hs_code": f"{100000 + k}"}
        for month, out, back in ((1, 100.0, 0.0), (2, 50.0, 106.0), (3, 0.0, 53.0)):
            period = {"period": f"2022-{month:02d}"}
            rows.append(("AAA", "export", "BBB", out, code | period))
            rows.append(("BBB", "import", "AAA", back, code | period))
    found = reconcile(reports(rows))
    by_month = found.groupby("period")["value_usd"].mean()
    assert by_month.to_dict() == pytest.approx({"2022-01": 100.0, "2022-02": 50.0, "2022-03": 0.0}, abs=1.0)


#: In one month of a year that both know: exporter's report, importer's → basis, whether the year corrects it.
MONTHS = {
    (SOME, NOTHING): ("exporter", True),
    (NOTHING, SOME): ("importer", True),
    (SOME, ZERO): ("both", True),
    (SOME, SOME): ("both", True),
    (ZERO, ZERO): ("both", False),
    (ZERO, NOTHING): ("exporter", False),
    (NOTHING, ZERO): ("importer", False),
    (ZERO, SOME): ("both", False),
}


@pytest.mark.parametrize("case", MONTHS, ids=str)
def test_a_month_that_one_side_did_not_publish_takes_the_years_correction(case, reports) -> None:
    """Else a series would jump where one side's months end."""
    rng = np.random.default_rng(1)
    rows = []
    for k in range(12):
        code = {"hs_code": f"{850000 + k}"}
        apart = np.exp(rng.normal(0, 0.4))
        for month in range(1, 7):
            period = {"period": f"2022-{month:02d}"}
            rows.append(("AAA", "export", "BBB", 100.0, code | period))
            rows.append(("BBB", "import", "AAA", 100.0 * apart, code | period))
    last = {"hs_code": "850000", "period": "2022-07"}
    for side, flow, other, usd in (("AAA", "export", "BBB", case[0]), ("BBB", "import", "AAA", case[1])):
        if usd is not NOTHING:
            rows.append((side, flow, "ZZZ", 5.0, last))
            rows.append((side, flow, other, usd, last))
    found = reconcile(reports(rows))
    is_flow = (found["exporter"] == "AAA") & (found["importer"] == "BBB") & (found["hs_code"] == "850000")
    one_good = found[is_flow].set_index("period")
    basis, is_corrected = MONTHS[case]
    july, june = one_good.loc["2022-07"], one_good.loc["2022-06"]
    assert july["basis"] == basis
    if basis == "exporter":
        assert july["value_usd"] == pytest.approx(june["value_usd"] if is_corrected else 0.0, rel=1e-6)
    if basis == "importer" and is_corrected:
        assert july["value_usd"] / june["value_usd"] == pytest.approx(100.0 / june["importer_report_usd"])
    assert july["low_usd"] <= july["value_usd"] <= july["high_usd"]


def test_outliers_are_told_from_noise(reports) -> None:
    """One gap in ten is goods under another code: the reporters' noise is found all the same."""
    frame, *_, table, _ = books()
    at = (frame["flow"] == "import") & (np.arange(len(frame)) % 19 == 0)
    wild = frame.assign(
        primary_value_usd=frame["primary_value_usd"].where(~at, frame["primary_value_usd"] * 12)
    )
    fits = [
        fit_books(pair_books(f), geography=table, is_monthly=False).value.reliability for f in (frame, wild)
    ]
    assert sum(fits[0].outliers.shares) < 0.5 * sum(fits[1].outliers.shares)
    off = [np.median(f.reporters["reporting_sd"].to_numpy()) for f in fits]
    assert off[1] == pytest.approx(off[0], rel=0.15)
