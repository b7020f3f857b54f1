"""How noisy each reporter's months are, told from changes over time: true movements are in both books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.reconcile.arrays import codes, floats, sums, weighted_medians
from entrepot.reconcile.late import month_number

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT
    from numpy.typing import NDArray

    from entrepot.reconcile.reliability import Reliability
    from entrepot.reconcile.windows import Measure

__all__ = ["OF_YEAR", "MonthNoises", "change_moments", "month_noises"]

#: What a month varies by around its year, of its noise: the rest is in the year.
OF_YEAR = 11.0 / 12.0

#: Runs with a change beyond this (logs) tell nothing: of lumpy trade, cut to it, they would look like
#: movement that both books have, and no exporter would seem noisy.
_FARTHEST = 1.5
#: Runs of four months, over all flows, under which changes say nothing; so many of all count with a pair's.
_FEWEST_RUNS = 500
_HALF_RUNS = 50.0
#: No more than this share of the goods is taken to arrive in the month after.
_MOST_LATE = 0.45
#: A month's noise over a year's (variances): twelve where errors are independent over time.
_LEAST_NOISE, _MOST_NOISE = 0.01, 30.0
#: A reporter's noise is at least this part of what its yearly gaps let expect.
_LEAST_PART = 0.05
#: No report is weighed as if it were better than this.
_LEAST_VARIANCE = 0.005**2
#: Standard deviations a median distance, and a median's variance over a mean's, for normal errors.
_DEVIATION = 1.4826
_MEDIAN_VARIANCE = np.pi / 2
_MOMENTS = ("xx", "mm", "same", "after", "before", "later")


@dataclass(frozen=True, slots=True, eq=False)
class MonthNoises:
    """What changes over time tell of months.

    Attributes
    ----------
    table
        **Grain**: reporter × flow, of all that have such changes. ``noise``: variance of a month's noise
        over that of a year's.
    late
        Variance of what late arrival makes of a month's log gap, over all flows.
    pairs
        **Grain**: exporter × importer. ``late_share`` of a month's goods that arrive in the next.
    """

    table: pa.Table
    late: float
    pairs: pa.Table


def change_moments(paired: IntoFrameT, measure: Measure) -> IntoFrameT:
    """Return how both books' months move together, by pair, of runs of four months that both report.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    measure
        What is compared.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer. ``runs`` without a log change beyond ±1.5, and sums of products of
        changes: ``xx`` and ``mm`` of a book with itself, ``same``, ``after``, ``before`` and ``later`` of
        the exporter's with the importer's of the same, the next, the last month and the one after the next.
    """
    x, m = nw.col(measure.exporter), nw.col(measure.importer)
    is_used = (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer")) & (nw.col("frequency") == "M")
    flow = ("exporter", "importer", "hs_code")
    data = (
        nw.from_native(cast("Any", paired))
        .filter(is_used)
        .select(
            *flow,
            x.log().alias("x0"),
            m.log().alias("m0"),
            month_number().alias("t0"),
        )
    )
    data = (
        _with_earlier(data, flow)
        .filter(nw.col("t0") - nw.col("t3") == 3)
        .select("exporter", "importer", *[_change("x", back) for back in range(3)],
                *[_change("m", back) for back in range(2)])
    )  # fmt: skip
    dx, dm = ([nw.col(f"d{side}{back}") for back in range(most)] for side, most in (("x", 3), ("m", 2)))
    is_calm = nw.all_horizontal(*[one.abs() <= _FARTHEST for one in (*dx, *dm)], ignore_nulls=False)
    return cast(
        "IntoFrameT",
        data.filter(is_calm)
        .select(
            "exporter", "importer",
            (dx[0] * dx[0]).alias("xx"), (dm[0] * dm[0]).alias("mm"), (dx[0] * dm[0]).alias("same"),
            (dx[1] * dm[0]).alias("after"), (dx[0] * dm[1]).alias("before"), (dx[2] * dm[0]).alias("later"),
        )
        .group_by("exporter", "importer")
        .agg(nw.len().alias("runs"), *[nw.col(name).sum() for name in _MOMENTS])
        .to_native(),
    )  # fmt: skip


def _with_earlier(data: Any, flow: tuple[str, ...]) -> Any:
    """Add what the flow was one to three reports ago; Arrow has no windows, but rows in an order."""
    earlier = [(name, back) for name, most in (("x", 3), ("m", 2), ("t", 3)) for back in range(1, most + 1)]
    if isinstance(data, nw.LazyFrame):
        return data.with_columns(
            *[
                nw.col(f"{name}0").shift(back).over(*flow, order_by="t0").alias(f"{name}{back}")
                for name, back in earlier
            ]
        )
    is_same = nw.all_horizontal(*[nw.col(key) == nw.col(key).shift(3) for key in flow], ignore_nulls=False)
    shifted = [nw.col(f"{name}0").shift(back).alias(f"{name}{back}") for name, back in earlier]
    return data.sort(*flow, "t0").with_columns(*shifted, is_same.alias("__same")).filter(nw.col("__same"))


def _change(side: str, back: int) -> nw.Expr:
    return (nw.col(f"{side}{back}") - nw.col(f"{side}{back + 1}")).alias(f"d{side}{back}")


def month_noises(moments: pa.Table, reliability: Reliability) -> MonthNoises | None:
    r"""Return the variance of a month's noise of each reporter over that of its years.

    *Formula*  Of two books Δx and Δm of one flow true movements cancel, errors do not: where goods arrive in
    the month in which they leave, the noise of the exporter has variance ½·E[Δx(Δx − Δm)], that of the
    importer ½·E[Δm(Δm − Δx)]. A part λ that arrives a month later would look like noise of the exporter.
    With C_k = E[Δx_t Δm_{t+k}] and Γ_k the autocovariances of what truly left, C_1 − C_{−1} = λ(Γ_0 − Γ_2)
    and C_0 + C_1 − C_{−1} − C_2 = Γ_0 − Γ_2 give λ, C_0 − C_1 = (1 − 2λ)(Γ_0 − Γ_1) and C_0 + C_1 = Γ_0 + Γ_1
    the rest; then ½(E[Δx²] − Γ_0) is the exporter's, and ½(E[Δm²] − ((1 − λ)² + λ²)Γ_0 − 2λ(1 − λ)Γ_1) the
    importer's. Pairs are averaged by reporter; each is drawn to what its yearly gaps let expect, by the
    sampling error that its pairs show.

    Parameters
    ----------
    moments
        See :func:`change_moments`, executed.
    reliability
        Of the yearly gaps.

    Returns
    -------
    MonthNoises or None
        None where there are fewer than 500 runs of four months.
    """
    runs = floats(moments, "runs")
    if not moments.num_rows or runs.sum() < _FEWEST_RUNS:
        return None
    of_pair = _noise_of_pairs({name: floats(moments, name) for name in _MOMENTS}, runs)
    parts = []
    for side, flow, off, noise in (
        ("exporter", "export", reliability.shared, of_pair[0]),
        ("importer", "import", 0.0, of_pair[1]),
    ):
        words, owner = codes(moments, side)
        judged = reliability.reporters.filter(pc.equal(reliability.reporters["flow"], flow))
        names = judged["reporter"].to_pylist()
        own = dict(zip(names, floats(judged, "reporting_sd") ** 2, strict=True))
        # an importer's judgement has what even the best exporters show in it
        yearly = np.array([own.get(word, np.nan) for word in words]) - off
        ratio = _ratios(noise, runs, owner, np.maximum(yearly, _LEAST_VARIANCE))
        table = {"reporter": pa.array(words, pa.string()), "flow": pa.array([flow] * len(words), pa.string())}
        parts.append(pa.table(table | {"noise": pa.array(ratio)}))
    pairs = moments.select(["exporter", "importer"]).append_column("late_share", pa.array(of_pair[3]))
    return MonthNoises(
        pa.concat_tables(parts), max(float((runs * of_pair[2]).sum() / runs.sum()), 0.0), pairs
    )


def _noise_of_pairs(
    total: dict[str, NDArray[np.float64]], runs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return by pair the variances of both books' noise, that of what arrives late, and its share."""
    own = {name: values / np.maximum(runs, 1.0) for name, values in total.items()}
    drawn = {
        name: (values + _HALF_RUNS * values.sum() / runs.sum()) / (runs + _HALF_RUNS)
        for name, values in total.items()
    }
    moved = drawn["same"] + drawn["after"] - drawn["before"] - drawn["later"]
    is_moving = moved > 0
    late = np.where(is_moving, (drawn["after"] - drawn["before"]) / np.where(is_moving, moved, 1.0), 0.0)
    late = np.clip(late, 0.0, _MOST_LATE)
    apart = (own["same"] - own["after"]) / (1.0 - 2.0 * late)
    together = own["same"] + own["after"]
    gamma_0, gamma_1 = 0.5 * (together + apart), 0.5 * (together - apart)
    arrived = ((1.0 - late) ** 2 + late**2) * gamma_0 + 2.0 * late * (1.0 - late) * gamma_1
    return 0.5 * (own["xx"] - gamma_0), 0.5 * (own["mm"] - arrived), late**2 * gamma_0, late


def _ratios(
    noise: NDArray[np.float64],
    runs: NDArray[np.float64],
    owner: NDArray[np.int64],
    yearly: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return each reporter's noise over its yearly variance, drawn to what all have in common."""
    many = np.maximum(sums(owner, runs), 1.0)
    # goods under their origin in one book, under a hub in the other, look like noise: a few pairs have them
    middle = weighted_medians(noise, runs, owner, len(many))
    far = weighted_medians(np.abs(noise - middle[owner]), runs, owner, len(many))
    pairs = sums(owner, runs) ** 2 / np.maximum(sums(owner, runs**2), 1.0)
    spread = (_DEVIATION * far) ** 2 * _MEDIAN_VARIANCE / np.maximum(pairs, 1.0)
    known = np.isfinite(yearly)
    usual = (
        float((many * middle)[known].sum() / max((many * yearly)[known].sum(), 1e-12)) if known.any() else 1.0
    )
    usual = min(max(usual, _LEAST_NOISE), _MOST_NOISE)
    expected = usual * np.where(known, yearly, 1.0)
    # one pair alone does not show its error: it is taken to be as large as what is expected
    error = np.where(pairs > 1.5, spread, expected**2)
    trust = expected**2 / (expected**2 + error)
    found = np.maximum(trust * middle + (1.0 - trust) * expected, _LEAST_PART * expected)
    return np.where(known, np.clip(found / np.where(known, yearly, 1.0), _LEAST_NOISE, _MOST_NOISE), usual)
