"""What was learnt of ratios, reporters and sizes beside the flows: of all measures in one join each."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.reconcile.fitting import with_noises
from entrepot.reconcile.passage import LOG_PASSED, PASSED_VARIANCE
from entrepot.reconcile.ratios import RATIO_KEYS
from entrepot.reconcile.sizes import SIZES
from entrepot.reconcile.windows import chapter, product_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrepot.reconcile.fitting import MeasureFit
    from entrepot.reconcile.windows import Measure

__all__ = ["place_sizes", "with_learnt"]

#: Where neither the reporter nor the chapter is known.
_NEVER = 0.35**2


def with_learnt(
    data: Any, fits: Sequence[tuple[Measure, MeasureFit]], place: Callable[[pa.Table], Any]
) -> Any:
    """Add to paired books what was learnt of each flow's pair and reporters.

    Parameters
    ----------
    data
        A Narwhals frame of paired books.
    fits
        The measures, and what was learnt of each.
    place
        Puts a small table beside the frame.

    Returns
    -------
    Narwhals frame
        ``data`` with ``year``, ``product_group``, ``__passed_variance`` and, of each measure,
        ``__<name>_log_ratio``, ``…_freight``, ``…_ratio_variance``, ``…_a`` and ``…_b`` (the variances of
        the exporter's and the importer's report) and their noise of months.
    """
    data = data.with_columns(
        nw.col("period").str.slice(0, 4).alias("year"),
        chapter().alias("__chapter"),
        product_group().alias("product_group"),
    ).join(place(_ratios(fits)), on=list(RATIO_KEYS), how="left")
    for side, flow, letter in (("exporter", "export", "a"), ("importer", "import", "b")):
        trust = place(_trust(fits, flow, letter)).rename({"reporter": side, "chapter": "__chapter"})
        data = data.join(trust, on=[side, "__chapter"], how="left")
    # nobody is unknown in the data that was learnt from
    usual = {
        f"__{measure.name}_{letter}{end}": other
        for measure, fit in fits
        for letter in "ab"
        for end, other in (("", _NEVER), ("_noise", fit.month_noise))
    }
    data = data.with_columns(*[nw.col(name).fill_null(other) for name, other in usual.items()])
    if LOG_PASSED not in data.collect_schema().names():
        return data.with_columns(nw.lit(0.0).alias("__passed_variance"))
    passed = nw.col(LOG_PASSED)
    return data.with_columns(
        nw.col(PASSED_VARIANCE).alias("__passed_variance"),
        *[(nw.col(f"__{measure.name}_log_ratio") + passed) for measure, _ in fits],
    )


def place_sizes(fit: MeasureFit, place: Callable[[pa.Table], Any]) -> Any:
    """Return what was learnt of sizes, by ``__size``, beside the flows.

    ``__factor`` of variances; ``__odds`` and ``__farther`` of outliers; ``__of_all`` and ``__of_ordinary``
    of intervals; ``__late``, the variance of late arrival; ``__timed``, that of what late shares leave of it.

    Parameters
    ----------
    fit
        Of one measure.
    place
        Puts a small table beside the frame.
    """
    outliers = fit.reliability.outliers
    share = np.asarray(outliers.shares)
    columns = {
        "__factor": fit.reliability.size_factors, "__odds": share / (1.0 - share),
        "__farther": outliers.variances, "__of_all": fit.interval_factors,
        "__of_ordinary": fit.ordinary_factors, "__late": fit.month_variances or (0.0,) * SIZES,
        "__timed": fit.timed_variances or fit.month_variances or (0.0,) * SIZES,
    }  # fmt: skip
    sizes = {"__size": pa.array(np.arange(SIZES))}
    return place(pa.table(sizes | {name: pa.array(np.asarray(of, float)) for name, of in columns.items()}))


def _ratios(fits: Sequence[tuple[Measure, MeasureFit]]) -> pa.Table:
    keys = list(RATIO_KEYS)
    tables = []
    for measure, fit in fits:
        table = fit.ratios.table
        found = {
            "log_ratio": table["log_ratio"], "freight": pc.exp(table["log_freight"]),
            "ratio_variance": table["ratio_variance"],
        }  # fmt: skip
        columns = {key: table[key] for key in keys}
        tables.append(pa.table(columns | {f"__{measure.name}_{name}": of for name, of in found.items()}))
    return _joined(tables, keys)


def _trust(fits: Sequence[tuple[Measure, MeasureFit]], flow: str, letter: str) -> pa.Table:
    keys = ["reporter", "chapter"]
    tables = []
    for measure, fit in fits:
        table = fit.reliability.table
        of_flow = table.filter(pc.equal(table["flow"], flow)).select([*keys, "variance"])
        noisy = with_noises(of_flow, flow, fit.noises, fit.month_noise)
        tables.append(
            noisy.rename_columns([*keys, f"__{measure.name}_{letter}", f"__{measure.name}_{letter}_noise"])
        )
    return _joined(tables, keys)


def _joined(tables: list[pa.Table], keys: list[str]) -> pa.Table:
    def join(one: pa.Table, other: pa.Table) -> pa.Table:
        if all(one[key].equals(other[key]) for key in keys):
            for name in other.column_names[len(keys) :]:
                one = one.append_column(name, other[name])
            return one
        return one.join(other, keys=keys, join_type="full outer")

    return reduce(join, tables)
