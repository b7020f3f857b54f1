"""The kernels of round trips against slow, obvious twins and closed-form cases."""

from __future__ import annotations

import math
from itertools import product as combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.kernels.others import others_median
from entrepot.detect.kernels.returns import Returns, match_returns, return_factors
from entrepot.detect.loops.amounts import LegTotals, conserve, leg_totals
from entrepot.detect.loops.calibration import LoopCalibration, calibrated_spread
from entrepot.detect.loops.echo import Lumps, find_echo, is_lumpy
from entrepot.detect.loops.legs import LegMonths, residuals
from entrepot.detect.loops.markups import priced
from entrepot.detect.loops.measure import dearer_factor, hop_factor
from entrepot.detect.loops.noise import unit_value_spread
from entrepot.detect.loops.odds import Leg, log_bayes_factor, log_odds, returned_shares
from entrepot.detect.loops.onset import strongest_step
from entrepot.detect.loops.search import decoy_q_values
from entrepot.detect.loops.timing import MonthlyLegs, Timing, _log_likelihood, find_timing, ramp
from entrepot.detect.loops.unit_values import USUAL_GOODS, Likeness, goods_likeness
from entrepot.detect.loops.windows import Trade, WindowSums

MEMBERS = st.lists(
    st.tuples(st.floats(-100.0, 100.0), st.integers(1, 5).map(float), st.integers(0, 3)), max_size=25
)


@settings(max_examples=100, deadline=None)
@given(members=MEMBERS)
def test_others_median_equals_its_definition(members) -> None:
    values, weights, groups = (np.array([m[i] for m in members]) for i in range(3))
    found = others_median(values.astype(float), weights.astype(float), groups.astype(np.int64))
    for at, (_, _, group) in enumerate(members):
        others = [m for other, m in enumerate(members) if other != at and m[2] == group]
        half = sum(w for _, w, _ in others) / 2
        expected = next(
            (v for v in sorted(v for v, _, _ in others) if sum(w for u, w, _ in others if u <= v) >= half),
            math.nan,
        )
        assert found.count[at] == len(others)
        assert found.value[at] == expected or (not others and math.isnan(found.value[at]))


def slow_log_factor(out: tuple, back: tuple, tail: float, returned: list[float]) -> float:
    """Say the Bayes factor as the module's text does, of legs (flow, expected, sd, floor)."""

    def density(leg: tuple, flow: float) -> float:
        _, expected, sd, floor = leg
        change = math.log((max(flow, 0.0) + floor) / (expected + floor)) / sd
        return (1.0 + change**2 / tail) ** (-(tail + 1.0) / 2.0)

    parts = [(step + 0.5) / 24.0 for step in range(24)] + [0.99, 1.0]
    trip = []
    for f in returned:
        most = min(out[0], back[0] / max(f, 1e-9))
        trip += [density(out, out[0] - p * most) * density(back, back[0] - f * p * most) for p in parts]
    none = [density(leg, leg[0]) for leg in (out, back)]
    grew = [sum(density(leg, leg[0] * (1.0 - p)) for p in parts) / len(parts) for leg in (out, back)]
    simpler = max(none[0] * none[1], grew[0] * none[1], none[0] * grew[1], 0.05 * grew[0] * grew[1])
    return min(math.log(sum(trip) / len(trip) / simpler), 8.0)


LEGS = st.tuples(st.floats(1.0, 1e4), st.floats(0.0, 1e4), st.floats(0.05, 1.5), st.floats(1.0, 100.0))


@settings(max_examples=60, deadline=None)
@given(out=LEGS, back=LEGS, tail=st.sampled_from([2.0, 10.0]), months=st.integers(3, 14))
def test_bayes_factor_equals_its_formula(out, back, tail, months) -> None:
    returned = returned_shares(months, 4)
    legs = [Leg(*(np.array([value]) for value in leg)) for leg in (out, back)]
    found = log_bayes_factor(*legs, tail=tail, returned=returned)[0]
    assert found == pytest.approx(slow_log_factor(out, back, tail, list(returned)), abs=1e-6)


def test_two_equal_excesses_speak_for_a_trip_and_one_alone_does_not() -> None:
    def factor(out: float, back: float) -> float:
        legs = [Leg(*(np.array([v]) for v in (flow, 100.0, 0.1, 1.0))) for flow in (out, back)]
        return float(log_bayes_factor(*legs, tail=10.0, returned=np.array([1.0]))[0])

    assert factor(200.0, 200.0) > 2.0
    assert factor(200.0, 100.0) < 0.5
    assert factor(100.0, 200.0) < 0.5
    assert factor(200.0, 200.0) > factor(200.0, 500.0)


@settings(max_examples=60, deadline=None)
@given(factors=st.lists(st.floats(-3.0, 6.0), min_size=1, max_size=6), ways=st.integers(1, 200))
def test_odds_equal_the_sum_over_all_sets_of_products(factors, ways) -> None:
    """Enumerate every set of a pair's products that may go round, under the two-level prior."""
    shares, pairs = [0.02, 0.06, 0.18, 0.5], 1e-3 / ways
    weights = {}
    for held in combinations([False, True], repeat=len(factors)):
        chances = [
            math.prod(s * math.exp(f) if h else 1.0 - s for h, f in zip(held, factors, strict=True))
            for s in shares
        ]
        weights[held] = pairs * sum(chances) / len(shares)
    nothing = 1.0 - pairs
    for at in range(len(factors)):
        yes = sum(w for held, w in weights.items() if held[at])
        no = sum(w for held, w in weights.items() if not held[at]) + nothing
        found = log_odds(np.array(factors), np.zeros(len(factors), dtype=np.int64), 1, ways=ways)[at]
        assert found == pytest.approx(math.log(yes / no), abs=1e-9)


def made_returns(out: list[float], back: list[float]) -> Returns:
    """Put one candidate with simple grids."""
    with np.errstate(divide="ignore"):
        legs = [np.log(np.array([leg])) for leg in (out, back)]
    return Returns(
        *legs,
        log_other=np.full((1, len(out)), -1.5),
        spread=np.array([0.2]),
        busy=np.array([[0.7, 0.3]]),
        dearer=np.array([[0.25, 0.75]]),
        busy_grid=np.array([0.1, 0.5]),
        dearer_grid=np.array([0.0, 0.2]),
        share_grid=np.array([0.4, 0.9]),
        partial=0.3,
        decay=0.7,
    )


def slow_returns(returns: Returns, lag: int, first: int, last: int) -> tuple[float, list[float], float]:
    """Say the formula as written: log factor, probability that each departure came back whole, mean ratio."""
    out, back = returns.out[0], returns.back[0]
    months = [m for m in range(first, last) if first <= m + lag < last]
    months = [m for m in months if not math.isnan(out[m]) and not math.isnan(back[m + lag])]
    null, trip, ratio, matched = 0.0, 0.0, 0.0, dict.fromkeys(months, 0.0)
    for p, own in enumerate(returns.busy_grid):
        prior = returns.busy[0, p]
        null += prior * math.prod(own if back[m + lag] > -math.inf else 1.0 - own for m in months)
        for k, dearer in enumerate(returns.dearer_grid):
            for share in returns.share_grid:
                terms, wholes = [], {}
                for m in months:
                    came, left = back[m + lag] > -math.inf, out[m] > -math.inf
                    alone = own if came else 1.0 - own
                    if not left:
                        terms.append(alone)
                    elif not came:
                        terms.append((1.0 - share) * alone)
                    else:
                        away = back[m + lag] - out[m] - dearer
                        whole = 0.7 * math.exp(-0.5 * (away / 0.2) ** 2) / 0.2 / math.sqrt(2.0 * math.pi)
                        part = 0.3 * math.exp(away / 0.7) / 0.7 if away < 0.0 else 0.0
                        g = math.exp(returns.log_other[0, m + lag])
                        terms.append(own + share * (1.0 - own) * (whole + part) / g)
                        wholes[m] = share * (1.0 - own) * whole / g / terms[-1]
                product = prior * returns.dearer[0, k] * math.prod(terms) / 2.0
                trip += product
                ratio += product * dearer
                for m, chance in wholes.items():
                    matched[m] += product * chance
    whole = [matched.get(m, 0.0) / trip for m in range(len(out))]
    return math.log(trip / null), whole, ratio / trip


AMOUNTS = st.sampled_from([0.0, 1.0, 1.2, 5.0, math.nan])


@settings(max_examples=60, deadline=None)
@given(flows=st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=6, max_size=12), lag=st.integers(-3, 3))
def test_returns_equal_their_formula(flows, lag) -> None:
    returns = made_returns([a for a, _ in flows], [b for _, b in flows])
    first, last = 1, len(flows)
    factor, whole, ratio = slow_returns(returns, lag, first, last)
    found = return_factors(returns, np.array([lag]), first=first, last=last)[0, 0]
    assert found == pytest.approx(factor, abs=1e-9)
    match = match_returns(returns, np.array([lag]), first=first, last=last)
    if math.isclose(factor, 0.0, abs_tol=1e-12) and not any(whole):
        return  # nothing left at all: nothing is matched
    np.testing.assert_allclose(match.whole[0], whole, atol=1e-9)
    assert match.dearer[0] == pytest.approx(ratio, abs=1e-9)


def lumps(out: np.ndarray, back: np.ndarray, since: int = 22, end: int = 36) -> Lumps:
    return Lumps(out, back, np.full(len(out), 0.02), 0, since, end, since)


def test_shipments_that_return_are_heard_at_their_lag() -> None:
    rng = np.random.default_rng(1)
    out = np.where(rng.random(36) < 0.4, np.exp(rng.normal(5.0, 1.5, 36)), 0.0)[None, :]
    back = np.where(np.arange(36) >= 25, np.roll(out, 3, axis=1), 0.0) * 1.2
    echo = find_echo(lumps(out, back), longest_lag=6)
    assert echo.by_lag[0].argmax() == 3
    assert echo.log_factor[0] > 3.0
    assert echo.returned.sum() == pytest.approx(out[0, 22:33].sum(), rel=0.1)
    assert find_echo(lumps(back, out), longest_lag=6).log_factor[0] < 0.0


def test_a_way_back_that_grew_to_the_size_of_the_way_out_repeats_nothing() -> None:
    """A steady flow out, and one back that rose thirtyfold to its size, month by month apart."""
    rng = np.random.default_rng(2)
    out = np.exp(rng.normal(np.log(80.0), 0.6, (30, 36)))
    back = np.exp(rng.normal(np.log(3.0), 0.8, (30, 36)))
    back[:, 22:] = np.exp(rng.normal(np.log(90.0), 0.6, (30, 14)))
    by_itself = find_echo(lumps(out, back), longest_lag=6).log_factor
    back[:, 24:] = out[:, 22:34] * 1.2
    repeated = find_echo(lumps(out, back), longest_lag=6).log_factor
    assert (by_itself > 2.0).mean() < 0.2
    assert (repeated > 2.0).mean() > 0.9


def test_a_circle_that_ran_before_says_so() -> None:
    rng = np.random.default_rng(1)
    out = np.where(rng.random(36) < 0.4, np.exp(rng.normal(5.0, 1.5, 36)), 0.0)[None, :]
    new = np.where(np.arange(36) >= 25, np.roll(out, 3, axis=1), 0.0)
    assert find_echo(lumps(out, new), longest_lag=6).before[0] < 0.0
    assert find_echo(lumps(out, np.roll(out, 3, axis=1)), longest_lag=6).before[0] > 3.0
    placebo = Lumps(out, np.roll(out, 3, axis=1), np.array([0.02]), 0, 8, 16, 22)
    assert find_echo(placebo, longest_lag=6).before[0] > 1.0  # the quiet months behind the window are heard


def test_steady_flows_are_not_lumpy_and_gaps_are() -> None:
    steady = np.exp(np.random.default_rng(2).normal(0.0, 0.1, (1, 24)))
    holes = np.where(np.arange(24) % 2, steady, 0.0)
    wild = np.exp(np.random.default_rng(2).normal(0.0, 1.0, (1, 24)))
    assert is_lumpy(np.concatenate([steady, holes, wild])).tolist() == [False, True, True]
    assert not is_lumpy(np.where(np.arange(24) % 2, steady, np.nan))[0]  # not observed is not empty


def made_legs(*, lag: int = 2, size: float = 5.0, noise: float = 1.0, seed: int = 0) -> MonthlyLegs:
    rng = np.random.default_rng(seed)
    months, since = 30, 16
    trips = size * ramp(np.arange(months) - since + 0.0) * np.exp(rng.normal(0.0, 0.2, months))
    back = np.concatenate([np.zeros(lag), trips[: months - lag]])
    variance = np.full((1, months), noise**2)
    out, home = (leg + rng.normal(0.0, noise, months) for leg in (trips, back))
    return MonthlyLegs(out[None, :], home[None, :], variance, variance, np.array([size]), 10, since)


@pytest.mark.parametrize("lag", [0, 2])
def test_timing_likelihood_equals_the_dense_one(lag) -> None:
    """Build the whole covariance of both legs, and profile the size out by least squares."""
    legs = made_legs(lag=1)
    first, months, onset, spread = legs.first, 30, 17, 0.2
    n = months - first
    mean, cov = np.zeros(2 * n), np.diag(np.concatenate([legs.out_variance[0, first:]] * 2))
    for leaves in range(first - lag, months):
        r = float(ramp(np.array([leaves - onset + 0.0]))[0])
        places = [leaves - first] if leaves >= first else []
        places += [n + leaves + lag - first] if leaves + lag < months else []
        for one in places:
            mean[one] += r
            for other in places:
                cov[one, other] += (spread * legs.size[0] * r) ** 2
    y = np.concatenate([legs.out[0, first:], legs.back[0, first:]])
    inverse = np.linalg.inv(cov)
    size = max(mean @ inverse @ y / (mean @ inverse @ mean), 0.0)
    left = y - size * mean
    expected = -0.5 * (left @ inverse @ left + np.linalg.slogdet(cov)[1])
    assert _log_likelihood(legs, onset, lag, spread)[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("lag", [0, 1, 3, 5])
def test_the_lag_is_found(lag) -> None:
    timing = find_timing(made_legs(lag=lag, noise=0.3), longest_lag=6)
    assert timing.lag[0] == lag
    assert timing.onset[0] == 16
    assert timing.lag_share.sum() == pytest.approx(1.0)


def test_two_legs_without_a_common_date_say_so() -> None:
    same = find_timing(made_legs(noise=0.5), longest_lag=6).log_factor[0]
    legs = made_legs(noise=0.5)
    mixed = MonthlyLegs(
        legs.out, made_legs(noise=0.5, size=9.0, lag=0, seed=5).back[:, ::-1], legs.out_variance,
        legs.back_variance, legs.size, legs.first, legs.since,
    )  # fmt: skip
    assert same > 0.0 > find_timing(mixed, longest_lag=6).log_factor[0]


def slow_own_dates(legs: MonthlyLegs, longest_lag: int) -> float:
    """Say how well dates of their own explain two legs, over a step from the first month."""
    months, first = legs.out.shape[1], legs.first
    at = np.arange(first, months)

    def one(y: np.ndarray, v: np.ndarray, path: np.ndarray, spread: float) -> float:
        inverse = np.diag(1.0 / (v + (spread * legs.size[0] * path) ** 2))
        size = max(path @ inverse @ y / (path @ inverse @ path), 0.0)
        left = y - size * path
        return float(-0.5 * (left @ inverse @ left - np.linalg.slogdet(inverse)[1]))

    sides = [
        (leg[0, at], variance[0, at])
        for leg, variance in ((legs.out, legs.out_variance), (legs.back, legs.back_variance))
    ]
    step = (at >= legs.since) + 0.0
    apart = np.mean([np.exp(sum(one(y, v, step, spread) for y, v in sides)) for spread in (0.2, 1.0)])
    whole = 0.0
    for (y, v), latest in zip(sides, (legs.since + 4, legs.since + 4 + longest_lag), strict=True):
        begins = range(legs.since, min(latest, months - 2) + 1)
        ramps = [np.exp(one(y, v, ramp(at - float(b)), spread)) for b in begins for spread in (0.2, 1.0)]
        steps = [np.exp(one(y, v, step, spread)) for spread in (0.2, 1.0)]
        whole += math.log(0.5 * np.mean(ramps) + 0.5 * np.mean(steps))
    return whole - math.log(apart)


def test_legs_of_other_sizes_share_a_date_and_shipments() -> None:
    """What was expected of the way back is off by half of what comes back: the months say the same."""
    legs = made_legs(noise=0.3)
    off = MonthlyLegs(
        legs.out, 1.5 * legs.back, legs.out_variance, 2.25 * legs.back_variance, legs.size, legs.first,
        legs.since,
    )  # fmt: skip
    one, other = (find_timing(some, longest_lag=6) for some in (legs, off))
    assert other.lag.tolist() == one.lag.tolist() == [2]
    assert hop_factor(other)[0] == pytest.approx(hop_factor(one)[0], abs=0.5)


def test_dates_of_their_own_equal_the_dense_likelihood() -> None:
    legs = made_legs(noise=2.0, seed=3)
    found = find_timing(legs, longest_lag=3).own_dates[0]
    assert found == pytest.approx(slow_own_dates(legs, 3), abs=1e-8)


def test_legs_that_rise_by_themselves_share_no_date() -> None:
    """A ramp is likelier than a step on either leg, which is no evidence of goods that took both."""

    def said(back_seed: int, lag: int) -> tuple[float, float]:
        whole = []
        for seed in range(20):
            one, other = (made_legs(noise=0.5, lag=lag, seed=100 * by + seed) for by in (0, back_seed))
            legs = MonthlyLegs(
                one.out, other.back, one.out_variance, one.back_variance, one.size, one.first, one.since
            )
            timing = find_timing(legs, longest_lag=6)
            whole.append((timing.log_factor[0], hop_factor(timing)[0]))
        return float(np.median([a for a, _ in whole])), float(np.median([b for _, b in whole]))

    together, by_themselves = said(0, lag=2), said(7, lag=6)
    assert together[1] > 0.5
    assert by_themselves[0] > 3.0  # both ramps against steps
    assert by_themselves[1] < 0.0


def test_shipments_of_a_large_new_trip_need_not_agree_better_than_they_are_entered() -> None:
    """Goods from nothing: ordinary trade is quiet, and both books are 10% off what they enter each month."""
    rng = np.random.default_rng(2)
    months, since, lag = 28, 14, 2
    goods = np.where(np.arange(months) >= since, rng.gamma(25.0, 40.0, months), 0.0)
    gone = goods * np.exp(rng.normal(0.0, 0.1, months))
    back = np.roll(goods, lag) * np.exp(rng.normal(0.0, 0.1, months))

    def leg(kg: np.ndarray) -> LegMonths:
        flat = np.zeros((1, months))
        seen = np.ones((1, months), dtype=bool)
        return LegMonths(
            kg[None, :],
            kg[None, :],
            flat,
            flat,
            flat,
            np.zeros(1),
            seen,
            np.array([0.1]),
            np.array([0.1]),
            floor=10.0,
        )

    def timing(own: float) -> Timing:
        variance = np.array([own])
        weighed = np.ones(1, dtype=bool)
        legs = residuals((leg(gone), leg(back)), (variance, variance), weighed, since - 6, since, months)
        return find_timing(legs, longest_lag=6)

    assert timing(0.01).log_factor[0] > 5.0
    assert timing(0.0).log_factor[0] < 0.0
    assert timing(0.01).lag[0] == lag


def totals(kg: float, expected: float, *, value: float = 2.0, sd: float = 0.1) -> LegTotals:
    usual = math.log(value) if expected else math.nan
    columns = (kg, expected, kg * value, expected * value, sd, 1e-6, 1e-6, 12.0, usual, 0.0)
    return LegTotals(*(np.array([column]) for column in columns))


def test_amounts_of_legs_that_agree_and_of_legs_that_do_not() -> None:
    both = conserve((totals(200.0, 100.0), totals(150.0, 50.0, value=2.6)), weighing_sd=0.01, markup_sd=0.4)
    assert both.kg[0] == pytest.approx(100.0, rel=0.02)
    assert both.usd[0] == pytest.approx(200.0, rel=0.05)
    assert both.markup[0] == pytest.approx(0.3, abs=0.02)
    apart = conserve((totals(900.0, 100.0), totals(100.0, 50.0)), weighing_sd=0.01, markup_sd=0.4)
    assert apart.kg[0] <= 50.0 + 0.1 * 50.0 + 0.03 * 50.0  # no more than the way back and its error
    none = conserve((totals(900.0, 100.0), totals(40.0, 50.0)), weighing_sd=0.01, markup_sd=0.4)
    assert none.kg[0] == 0.0


def priced_leg(excess_kg: float, value: float, *, usual_kg: float, usual: float = 2.0) -> LegTotals:
    """Return a leg of usual goods, and of goods that go round at a unit value of their own."""
    usd = usual_kg * usual + excess_kg * value
    worth = math.log(usual) if usual_kg else math.nan
    columns = (usual_kg + excess_kg, usual_kg, usd, usual_kg * usual, 0.1, 1e-6, 1e-6, 12.0, worth, 0.01)
    return LegTotals(*(np.array([column]) for column in columns))


def slow_prices(
    legs: tuple[LegTotals, LegTotals], kg: float, kg_error: float, weighing: float, markup_sd: float
) -> list[float]:
    """Say the posterior of the log unit value out and of the mark-up as the text does, on a grid."""

    def told(leg: LegTotals) -> tuple[float, float, float]:
        usual, error = float(leg.usual[0]), float(leg.usual_sd[0])
        sd = weighing / math.sqrt(leg.months[0])
        if math.isnan(usual):  # all of it went round
            own = math.log(leg.usd[0] / leg.kg[0])
            return own, sd**2, own
        excess = (leg.kg - leg.expected_kg)[0]
        apart = (leg.sd * (leg.expected_kg + leg.floor_kg))[0]
        g = (0.1 * kg) ** 2 / ((0.1 * kg) ** 2 + apart**2)
        x = (1.0 - g) * kg + g * excess
        u, rest = math.exp(usual), leg.kg[0] - x
        p = (leg.usd[0] - u * rest) / x
        parts = (
            leg.kg[0] / x * (g + (1.0 - g) * u / p) * sd,
            u * rest / (p * x) * error,
            (u / p - 1.0) * math.sqrt(kg_error**2 + g * apart**2) / x,
        )
        return math.log(p), sum(part**2 for part in parts), usual

    (own, variance, usual), (back_own, back_variance, _) = (told(leg) for leg in legs)
    error = float(np.nan_to_num(legs[0].usual_sd[0]))
    a = np.linspace(usual - 5.0, usual + 5.0, 2001)[:, None]
    dearer = np.linspace(-2.5, 2.5, 1001)[None, :]
    prior = sum(
        share / math.hypot(sd, error) * np.exp(-0.5 * (a - usual) ** 2 / (sd**2 + error**2))
        for sd, share in zip(USUAL_GOODS.sd, USUAL_GOODS.share, strict=True)
    )
    density = prior * np.exp(-0.5 * (dearer / markup_sd) ** 2)
    density = density * np.exp(-0.5 * (a - own) ** 2 / variance)
    density = density * np.exp(-0.5 * (a + dearer - back_own) ** 2 / back_variance)
    density = density / density.sum()
    means = [float((density * what).sum()) for what in (a, dearer)]
    return means + [
        math.sqrt(float((density * (what - mean) ** 2).sum()))
        for what, mean in zip((a, dearer), means, strict=True)
    ]


@pytest.mark.parametrize(
    ("out", "back"),
    [
        (priced_leg(100.0, 2.2, usual_kg=100.0), priced_leg(98.0, 2.6, usual_kg=0.0)),
        (priced_leg(100.0, 7.0, usual_kg=100.0), priced_leg(98.0, 8.4, usual_kg=300.0, usual=3.0)),
        (priced_leg(20.0, 6.0, usual_kg=300.0), priced_leg(20.0, 8.0, usual_kg=0.0)),
        (priced_leg(20.0, 0.7, usual_kg=300.0), priced_leg(19.0, 1.5, usual_kg=400.0)),
    ],
)
def test_unit_values_equal_their_posterior_on_a_grid(out, back) -> None:
    kg = 0.97 * min(out.kg[0] - out.expected_kg[0], back.kg[0] - back.expected_kg[0])
    weight, error = np.array([kg]), np.array([0.1 * kg])
    found = priced((out, back), weight, error, weighing_sd=0.05, likeness=USUAL_GOODS, markup_sd=0.4)
    value, dearer, value_sd, dearer_sd = slow_prices((out, back), kg, 0.1 * kg, 0.05, 0.4)
    assert found.out[0] == pytest.approx(value, abs=0.005)
    assert found.dearer[0] == pytest.approx(dearer, abs=0.005)
    assert math.sqrt(found.out_variance[0]) == pytest.approx(value_sd, rel=0.03, abs=0.002)
    assert math.sqrt(found.dearer_variance[0]) == pytest.approx(dearer_sd, rel=0.03, abs=0.002)


def test_where_one_leg_holds_little_else_it_says_how_much_of_the_other_went_round() -> None:
    """What was expected of the way back is a tenth too high; its unit value is told all the same."""
    out = priced_leg(100.0, 2.0, usual_kg=10.0)
    back = priced_leg(100.0, 2.6, usual_kg=300.0, usual=5.0)
    wrong = LegTotals(*(
        getattr(back, name) * (1.1 if name in {"expected_kg", "expected_usd"} else 1.0)
        for name in LegTotals.__slots__
    ))  # fmt: skip
    right, misled = (conserve((out, leg), weighing_sd=0.001, markup_sd=0.4) for leg in (back, wrong))
    assert right.markup[0] == pytest.approx(0.3, abs=0.03)
    assert misled.markup[0] == pytest.approx(0.3, abs=0.1)  # of the excess back alone it would be −0.21


def test_goods_of_a_maker_who_sells_alike_are_taken_for_usual_ones() -> None:
    """Weighed badly, and 15% over the usual unit value: that is noise if he sells to all at one value."""
    out, back = priced_leg(20.0, 2.3, usual_kg=200.0), priced_leg(20.0, 2.4, usual_kg=0.0)
    strict = Likeness(sd=(0.02, 1.0), share=(0.9, 0.1))
    alike, unlike = (conserve((out, back), weighing_sd=0.1, likeness=one) for one in (strict, USUAL_GOODS))
    assert alike.markup[0] > unlike.markup[0]
    assert alike.markup_sd[0] < unlike.markup_sd[0]
    assert alike.usd[0] / alike.kg[0] == pytest.approx(2.0, rel=0.03)


def test_goods_that_go_round_at_another_unit_value_are_counted_at_theirs() -> None:
    found = conserve(
        (priced_leg(100.0, 6.0, usual_kg=100.0), priced_leg(100.0, 7.5, usual_kg=50.0)),
        weighing_sd=0.02,
        markup_sd=0.4,
    )
    assert found.usd[0] == pytest.approx(600.0, rel=0.08)  # at the usual unit value it would be 200
    assert found.markup[0] == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("dearer", [-0.3, 0.0, 0.2, 1.0])
def test_a_markup_told_well_is_drawn_nowhere_and_one_told_badly_towards_none(dearer) -> None:
    """No mark-up that somebody claims is built in: those of the same size up and down are treated alike."""
    clear, hidden = (
        conserve(
            (priced_leg(100.0, 2.0, usual_kg=0.0), priced_leg(100.0, 2.0 * (1.0 + dearer), usual_kg=usual)),
            weighing_sd=0.05,
        )
        for usual in (0.0, 3_000.0)
    )
    assert clear.markup[0] == pytest.approx(dearer, abs=0.01)
    assert abs(hidden.markup[0]) <= abs(dearer) + 1e-9
    assert hidden.markup_sd[0] > 2.0 * clear.markup_sd[0]


def test_evidence_of_unit_values_knows_no_direction() -> None:
    up, down = (
        dearer_factor(
            conserve((totals(100.0, 0.0), totals(100.0, 0.0, value=2.0 * by)), weighing_sd=0.01), 0.8
        )
        for by in (1.3, 1.0 / 1.3)
    )
    assert up[0] == pytest.approx(down[0], abs=1e-6)


def test_a_unit_value_told_badly_is_taken_from_the_way_back_and_is_less_sure() -> None:
    clear = priced_leg(100.0, 6.0, usual_kg=0.0)
    out = priced_leg(10.0, 5.0, usual_kg=1_000.0)
    bought_back = priced_leg(10.0, 6.0, usual_kg=0.0)
    hidden = priced_leg(10.0, 6.0, usual_kg=2_000.0)
    by_return, alone = (
        conserve((out, back), weighing_sd=0.2, markup_sd=0.4) for back in (bought_back, hidden)
    )
    sure = conserve((clear, priced_leg(100.0, 7.2, usual_kg=0.0)), weighing_sd=0.2, markup_sd=0.4)
    assert 3.5 < by_return.usd[0] / by_return.kg[0] < 6.0  # the same goods, at a mark-up not known
    assert alone.usd[0] / alone.kg[0] < 3.0  # drawn to the usual goods
    assert sure.markup_sd[0] < by_return.markup_sd[0]


def test_without_weights_value_is_conserved_and_the_error_is_wider() -> None:
    weighed = conserve((totals(200.0, 100.0), totals(100.0, 0.0, value=2.4)), weighing_sd=0.01, markup_sd=0.4)
    out = totals(200.0, 100.0)
    bare = LegTotals(np.array([np.nan]), out.expected_kg, *(getattr(out, n) for n in LegTotals.__slots__[2:]))
    by_value = conserve((bare, totals(100.0, 0.0, value=2.4)), weighing_sd=0.01, markup_sd=0.4)
    assert np.isnan(by_value.kg[0])
    assert np.isnan(by_value.markup[0])
    assert by_value.usd[0] == pytest.approx(200.0, rel=0.05)
    assert by_value.log_sd[0] > weighed.log_sd[0]


def test_months_that_nobody_published_are_made_up_for_and_none_at_all_is_not_known() -> None:
    values, inside = np.ones((2, 4)), np.ones((2, 4), dtype=bool)
    seen = np.array([[True, True, False, False], [False] * 4])
    found = leg_totals(values, inside, seen)
    assert found[0] == 4.0
    assert np.isnan(found[1])


def two_way_trade(sd: float, pairs: int = 400) -> Trade:
    """Return flows in both directions of pairs; the log ratio of their unit values has this deviation."""
    rng = np.random.default_rng(3)
    areas = np.arange(pairs)
    exporter, importer = np.concatenate([areas, areas + pairs]), np.concatenate([areas + pairs, areas])
    kg = rng.uniform(1.0, 1_000.0, 2 * pairs)
    usd = kg * np.exp(rng.normal(1.0, sd / math.sqrt(2.0), 2 * pairs))
    kg[0] = np.nan  # not weighed
    nothing = np.zeros(2 * pairs)
    names = tuple(f"{number:04d}" for number in range(2 * pairs))
    home = np.zeros((2 * pairs, 1))
    return Trade(
        names, ("x",), exporter, importer, np.zeros(2 * pairs, dtype=np.int64), (),
        (WindowSums(usd, nothing, kg, nothing),), (home, home), (),
        np.ones((1, 1, 1), dtype=bool), SimpleNamespace(),
    )  # fmt: skip


def test_how_far_apart_unit_values_of_two_flows_are_is_learnt() -> None:
    assert unit_value_spread(two_way_trade(0.9)) == pytest.approx(0.9, rel=0.15)
    assert unit_value_spread(two_way_trade(0.4)) == pytest.approx(0.4, rel=0.15)
    assert unit_value_spread(two_way_trade(0.9, pairs=10)) == 0.5  # too few to say


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(st.integers(-5, 9), min_size=1, max_size=12),
    decoys=st.lists(st.lists(st.integers(-5, 9), max_size=6), min_size=1, max_size=4),
)
def test_q_values_equal_their_definition(scores, decoys) -> None:
    found = decoy_q_values(
        np.array(scores, dtype=float), [np.array(d, dtype=float) for d in decoys], [1.0] * len(decoys)
    )
    every = [d for one in decoys for d in one]
    ordered = sorted(range(len(scores)), key=lambda at: -scores[at])
    raw = {
        at: (1 + sum(d >= scores[at] for d in every)) / len(decoys) / (rank + 1)
        for rank, at in enumerate(ordered)
    }
    for rank, at in enumerate(ordered):
        expected = min(raw[other] for other in ordered[rank:])
        assert found[at] == pytest.approx(min(expected, 1.0))


def test_no_decoys_say_nothing() -> None:
    assert np.isnan(decoy_q_values(np.array([1.0]), [], [])).all()


def test_ninety_percent_of_further_errors_lie_in_the_spread() -> None:
    rng = np.random.default_rng(3)
    sd = rng.uniform(0.05, 0.8, 4000)
    error = rng.normal(0.1, 1.3, 4000) * sd
    spread = calibrated_spread(error[::2], sd[::2])
    assert spread is not None
    low, high = spread.around(np.ones(2000), sd[1::2])
    inside = (np.exp(error[1::2]) >= low) & (np.exp(error[1::2]) <= high)
    assert 0.87 < inside.mean() < 0.93
    assert calibrated_spread(np.full(3, np.nan), np.ones(3)) is None


def test_calibration_counts_what_was_missed() -> None:
    true = np.array([10.0, 20.0, 30.0, 40.0])
    columns = {
        "number": np.arange(4), "factor": np.array([0.3, 0.6, 2.0, 0.3]), "true": true,
        "estimate": np.array([11.0, 0.0, 27.0, 0.0]), "log_sd": np.full(4, 0.1), "ordinary": np.full(4, 50.0),
        "log_markup_error": np.zeros(4), "markup_sd": np.full(4, 0.1),
        "lag_error": np.zeros(4, dtype=np.int64), "innocent": np.zeros(0),
    }  # fmt: skip
    calibration = LoopCalibration(**columns)
    assert calibration.is_found.tolist() == [True, False, True, False]
    assert calibration.missed_factor() == pytest.approx(np.quantile([0.4, 0.8], 0.95))
    assert [row["found_share"] for row in calibration.by_size()] == [0.5, 0.0, 1.0]
    low, high = calibration.total_interval(100.0)
    assert low == pytest.approx(100.0 * 10.0 / 11.0)
    assert high == pytest.approx(100.0 * 30.0 / 27.0)


def test_the_common_step_is_found() -> None:
    rng = np.random.default_rng(4)
    overlap = np.exp(rng.normal(10.0, 0.2, (300, 36)))
    overlap[:3, 24:] *= 4.0
    assert strongest_step(overlap) == 24


def test_how_alike_the_goods_of_a_maker_are_is_learnt() -> None:
    """Of one seller and its buyers; what another sells says nothing, and few pairs say nothing."""

    def trade(sd: float, sellers: int) -> Trade:
        rng = np.random.default_rng(5)
        exporter = np.repeat(np.arange(sellers), 6)
        kg = rng.uniform(1.0, 1_000.0, exporter.size)
        own = rng.normal(1.0, 2.0, sellers)[exporter]  # sellers are far apart
        usd = kg * np.exp(own + rng.normal(0.0, sd / math.sqrt(2.0), exporter.size))
        kg[1] = np.nan
        nothing = np.zeros(exporter.size)
        home = np.zeros((sellers, 1))
        return Trade(
            tuple(f"{n:04d}" for n in range(sellers)), ("x",), exporter, np.tile(np.arange(6), sellers),
            np.zeros(exporter.size, dtype=np.int64), (), (WindowSums(usd, nothing, kg, nothing),),
            (home, home), (), np.ones((1, 1, 1), dtype=bool), SimpleNamespace(),
        )  # fmt: skip

    for sd in (0.05, 0.4):
        found = goods_likeness(trade(sd, 400))
        assert found.sd[:3] == pytest.approx((sd, sd, sd), rel=0.15)
        assert found.sd[3:] == USUAL_GOODS.sd
        assert sum(found.share) == pytest.approx(1.0)
    assert goods_likeness(trade(0.05, 10)) == USUAL_GOODS
