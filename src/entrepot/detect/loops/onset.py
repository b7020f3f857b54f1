"""The month in which round trips may have begun, where nobody says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from entrepot.errors import CoverageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["find_onset", "strongest_step"]

_FEWEST_BEFORE = 12
_FEWEST_AFTER = 4
_EARLIER = 3  # what goes out first goes before anything is back
_STRONG = 0.995


def find_onset(flows: nw.LazyFrame[Any], periods: Sequence[str]) -> str:
    """Return the month in which two-way trade of some pairs of areas rose the most. One query.

    Of every pair and month the smaller of the two directions is summed over products: what goes in a circle
    is in both. The month is three before the step, since the way back comes later.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``, goods alone.
    periods
        All months in the data.

    Raises
    ------
    CoverageError
        The data are too short to hold a quiet time and round trips.
    """
    if len(periods) < _FEWEST_BEFORE + _FEWEST_AFTER:
        raise CoverageError(
            f"the data hold {len(periods)} months; {_FEWEST_BEFORE + _FEWEST_AFTER} are needed",
            where="--since",
            hint="ingest more months; the first twelve at least must be before the round trips",
        )
    one = flows.filter(nw.col("exporter") < nw.col("importer")).select(
        "exporter", "importer", "hs_code", "period", "value_usd"
    )
    other = flows.filter(nw.col("exporter") > nw.col("importer")).select(
        nw.col("importer").alias("exporter"),
        nw.col("exporter").alias("importer"),
        "hs_code",
        "period",
        nw.col("value_usd").alias("back_usd"),
    )
    rows = (
        one.join(other, on=["exporter", "importer", "hs_code", "period"], how="inner")
        .with_columns(nw.min_horizontal("value_usd", "back_usd").alias("both"))
        .group_by("exporter", "importer", "period")
        .agg(nw.col("both").sum())
        .collect(backend="pyarrow")
        .to_native()
    )
    month = {period: at for at, period in enumerate(periods)}
    names = [
        f"{a}|{b}" for a, b in zip(rows["exporter"].to_pylist(), rows["importer"].to_pylist(), strict=True)
    ]
    pair = {name: at for at, name in enumerate(sorted(set(names)))}
    overlap = np.zeros((len(pair), len(periods)))
    for name, period, usd in zip(names, rows["period"].to_pylist(), rows["both"].to_pylist(), strict=True):
        overlap[pair[name], month[period]] = usd
    return periods[max(strongest_step(overlap) - _EARLIER, _FEWEST_BEFORE)]


def strongest_step(overlap: NDArray[np.float64]) -> int:
    """Return the month at which the largest steps up of (pairs, T) series fall together.

    Every series is taken in logs over its own monthly noise; only steps that are strong among those of all
    series count, by their square.
    """
    months = overlap.shape[1]
    some = overlap[overlap > 0]
    level = np.log(overlap + (np.median(some) / 10.0 if some.size else 1.0))
    level = level - np.median(level, axis=0)  # what all pairs do is no step of one
    noise = np.median(np.abs(np.diff(level, axis=1)), axis=1) * 1.4826 / np.sqrt(2.0)
    scale = np.maximum(noise, np.median(noise) / 2.0 + 1e-9)[:, None]
    steps = list(range(_FEWEST_BEFORE, months - _FEWEST_AFTER + 1))
    strength = np.concatenate(
        [
            (level[:, at:].mean(axis=1, keepdims=True) - level[:, :at].mean(axis=1, keepdims=True))
            / scale
            * np.sqrt(at * (months - at) / months)
            for at in steps
        ],
        axis=1,
    )
    least = np.quantile(strength, _STRONG)
    return steps[int((np.maximum(strength - least, 0.0) ** 2).sum(axis=0).argmax())]
