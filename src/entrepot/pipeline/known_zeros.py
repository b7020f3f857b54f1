"""What nobody traded though it was published: the zeros of series, which the books have no rows of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from entrepot.reconcile import reporting_calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["with_known_zeros"]

_PAIR = ("exporter", "importer")


def with_known_zeros(
    flows: nw.LazyFrame[Any],
    reports: nw.LazyFrame[Any],
    *,
    sides: Sequence[Literal["exporter", "importer"]],
    value: str,
    by_code: bool,
) -> nw.LazyFrame[Any]:
    """Return flows with a zero where a pair has no row in a period of which its book speaks.

    Without it a series whose trade stopped would end, as one does that is no longer reported.

    Parameters
    ----------
    flows
        ``exporter, importer, hs_code, period`` and the value.
    reports
        Rows of ``core__flow`` of the same goods, codes cut alike, of all partners.
    sides
        Whose books count.
    value
        The column that zeros stand in.
    by_code
        Whether series are told apart by code: then a code is zero only where its reporter used it.

    Returns
    -------
    lazy frame
        ``exporter, importer, hs_code, period`` and the value.

    *Missing data*: a zero needs a reporter that has a row of these goods in that period, whatever the
    partner, and one with this partner in some period. All else stays without a row: not known.
    """
    code = ("hs_code",) if by_code else ()
    columns = (*_PAIR, "hs_code", "period", value)
    published: nw.LazyFrame[Any] = nw.from_native(
        reporting_calendar(reports.to_native(), by=("partner", *code))
    ).lazy()
    pairs = flows.group_by(*_PAIR, *code).agg(
        *([] if code else [nw.col("hs_code").min()]), nw.len().alias("__rows")
    )
    grid = pairs.drop("__rows").join(flows.select("period").unique(), how="cross")
    flags: list[nw.Expr] = []
    for own, other in (_PAIR, _PAIR[::-1]):
        if own not in sides:
            continue
        book = published.filter(nw.col("flow") == ("export" if own == "exporter" else "import")).rename(
            {"area": own, "partner": other}
        )
        speaks = book.select(own, "period", *code).unique().with_columns(nw.lit(1).alias(f"__{own}_speaks"))
        ever = book.select(own, other).unique().with_columns(nw.lit(1).alias(f"__{own}_of_it"))
        grid = grid.join(speaks, on=[own, "period", *code], how="left").join(
            ever, on=[own, other], how="left"
        )
        flags.append(~nw.col(f"__{own}_speaks").is_null() & ~nw.col(f"__{own}_of_it").is_null())
    known = grid.filter(nw.any_horizontal(*flags, ignore_nulls=False))
    zeros = known.join(
        flows.select(*_PAIR, *code, "period").unique(), on=[*_PAIR, *code, "period"], how="anti"
    )
    zeros = zeros.with_columns(nw.lit(0.0).alias(value))
    amounts = flows.with_columns(nw.col(value).cast(nw.Float64))
    return nw.concat([amounts.select(*columns), zeros.select(*columns)], how="vertical")
