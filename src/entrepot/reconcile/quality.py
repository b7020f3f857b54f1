"""How good a reporter's data are: what it published, what only its partners know of, and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.engine import with_exact_medians
from entrepot.errors import OptionError
from entrepot.reconcile.windows import chapter
from entrepot.schema import QUALITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = ["QUALITY_KEYS", "book_quality"]

#: By what data quality can be told apart.
QUALITY_KEYS = ("reporter", "flow", "partner", "chapter", "year")


@with_exact_medians
def book_quality(flows: IntoFrameT, by: Sequence[str] = QUALITY_KEYS) -> IntoFrameT:
    r"""Return how good the reports are, against what the partners report of the same flows.

    The first thing to look at: where a reporter is silent, where it does not know of what its partners
    declare, and where both know but differ.

    *Formula*  ``quality`` = 100 · published · (1 − missed) · exp(−median \|log gap\|): 100 where all that
    partners report was published, is known to the reporter, and agrees.

    Parameters
    ----------
    flows
        Rows of ``core__reconciled``.
    by
        Some of :data:`QUALITY_KEYS`.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of ``out__quality``; null in the keys that are summed over.

    *Missing data*: the shares and the quality are null where the partners report nothing to compare with.
    A reporter that published nothing has a quality of 0, not null.

    Raises
    ------
    OptionError
        A key is unknown, or none is given.
    """
    unknown = [name for name in by if name not in QUALITY_KEYS]
    if unknown or not by:
        raise OptionError(
            f"no keys {', '.join(unknown)} of data quality" if unknown else "no keys are given",
            where="by",
            hint=f"use some of: {', '.join(QUALITY_KEYS)}",
        )
    data = nw.from_native(cast("Any", flows)).filter(nw.col("exporter") != nw.col("importer"))
    both = nw.concat([_side(data, "export"), _side(data, "import")], how="vertical")
    own, other, gap = nw.col("own"), nw.col("other"), nw.col("log_gap").abs()
    published, knows = ~own.is_null(), own > 0
    sums = both.with_columns(
        nw.when(knows).then(1).otherwise(0).alias("__reported"),
        nw.when(knows).then(own).otherwise(0.0).alias("__own"),
        nw.when(other > 0).then(other).otherwise(0.0).alias("__other"),
        nw.when((other > 0) & published).then(other).otherwise(0.0).alias("__open"),
        nw.when((other > 0) & published & ~knows).then(other).otherwise(0.0).alias("__missed"),
        gap.alias("__gap"),
    ).group_by(*by)
    found = sums.agg(
        nw.col("__reported").sum().alias("reported_flows"),
        nw.col("__own").sum().alias("reported_usd"),
        nw.col("__other").sum().alias("partner_usd"),
        nw.col("__open").sum(),
        nw.col("__missed").sum(),
        nw.col("__gap").count().alias("compared_flows"),
        nw.col("__gap").median().alias("median_gap"),
    )
    return cast("IntoFrameT", _with_shares(found, by).select(*QUALITY.columns).to_native())


def _side(data: Any, flow: str) -> Any:
    """Return one book as reporter and partner, both reports on the exporter's scale."""
    mirror = nw.col("importer_report_usd") / nw.col("cif_fob_ratio")
    reporter, partner = ("exporter", "importer") if flow == "export" else ("importer", "exporter")
    own, other = (
        (nw.col("exporter_report_usd"), mirror)
        if flow == "export"
        else (mirror, nw.col("exporter_report_usd"))
    )
    return data.select(
        nw.col(reporter).alias("reporter"),
        nw.lit(flow).alias("flow"),
        nw.col(partner).alias("partner"),
        chapter().alias("chapter"),
        nw.col("period").str.slice(0, 4).cast(nw.Int32).alias("year"),
        own.alias("own"),
        other.alias("other"),
        "log_gap",
    )


def _with_shares(found: Any, by: Sequence[str]) -> Any:
    published = _share("__open", "partner_usd")
    missed = _share("__missed", "__open")
    agreement = nw.when(~nw.col("median_gap").is_null()).then((-nw.col("median_gap")).exp()).otherwise(1.0)
    kept = nw.when(~nw.col("missed_share").is_null()).then(1.0 - nw.col("missed_share")).otherwise(0.0)
    summed = [name for name in QUALITY_KEYS if name not in by]
    return found.with_columns(published.alias("published_share"), missed.alias("missed_share")).with_columns(
        (100.0 * nw.col("published_share") * kept * agreement).alias("quality"),
        *[_null(name).alias(name) for name in summed],
    )


def _null(name: str) -> nw.Expr:
    """Return a null of the key's type; pandas has no integer that could be missing otherwise."""
    if name == "year":
        return nw.when(nw.col("reported_flows") < 0).then(nw.lit(0))
    return nw.lit(None, dtype=nw.String)


def _share(part: str, whole: str) -> nw.Expr:
    """Return a share, null where there is nothing to share."""
    is_some = nw.col(whole) > 0
    return nw.when(is_some).then(nw.col(part) / nw.when(is_some).then(nw.col(whole)).otherwise(1.0))
