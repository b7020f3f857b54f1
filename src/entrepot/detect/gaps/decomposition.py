"""A gap taken apart: valuation, attribution, timing, neighbouring codes, and what is left."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.gaps.neighbours import mirrored_gaps
from entrepot.detect.gaps.parts_result import GapParts, PartsSummary
from entrepot.detect.gaps.selection import Selection, shown_periods
from entrepot.detect.gaps.table import coded
from entrepot.detect.gaps.timing import Timing, fit_timing
from entrepot.detect.gaps.unions import with_unions
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.periods import event_windows, parse_period
from entrepot.nomenclature import CUSTOMS_UNIONS
from entrepot.schema import GAP_PARTS, GapDirection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.gaps.rows import GapRows, PartRows

__all__ = ["decompose_gaps"]


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Cells over the window (or in a period) with the parts of their gaps; k rows, USD.

    Attributes
    ----------
    exporter, importer, product, period : (k,)
        Positions; ``period`` that of the window's last period where it has several.
    x, published : (k,)
        Both books as published; ``m`` the importer's on FOB.
    attribution, timing, code : (k,)
        Parts of the gap on FOB.
    consigned, re_exported, elsewhere : (k,)
        What the parts rest on, and the most that may stand under another partner. NaN is not published.
    """

    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    product: NDArray[np.int64]
    period: NDArray[np.int64]
    x: NDArray[np.float64]
    m: NDArray[np.float64]
    published: NDArray[np.float64]
    attribution: NDArray[np.float64]
    timing: NDArray[np.float64]
    code: NDArray[np.float64]
    consigned: NDArray[np.float64]
    re_exported: NDArray[np.float64]
    elsewhere: NDArray[np.float64]

    def only(self, at: NDArray[Any]) -> _Parts:
        return _Parts(**{field.name: getattr(self, field.name)[at] for field in fields(self)})


def decompose_gaps(rows: PartRows, options: GapOptions) -> GapParts:
    r"""Take the gaps apart.

    Use it on a pair whose books differ, before anything is made of the difference.

    *Formula*  exporter's − importer's report, as published = valuation + attribution + timing + codes +
    unexplained. Valuation is m − M, m the importer's report M on FOB. Attribution is what the importer
    reports by country of consignment less what it does by origin; where it publishes no such figure, the
    exporter's re-exports, as far as the gap is as large (the importer books those under their origin).
    Timing and codes: :func:`~entrepot.detect.gaps.timing.fit_timing`,
    :func:`~entrepot.detect.gaps.neighbours.mirrored_gaps`.

    Parameters
    ----------
    rows
        See :func:`~entrepot.detect.gaps.rows.load_part_rows`, of the products asked for.
    options
        Areas, products, keys; the periods taken apart are those of ``periods``, or the after-window of an
        event, or all. Without ``period`` among the keys they are one sum.

    Returns
    -------
    GapParts
        **Grain** of its table: ``options.by`` × direction, and the net of both. The parts add up to
        ``published_gap_usd`` in every row.

    Raises
    ------
    OptionError
        The periods are not in the data.
    *Missing data*: a part for which nothing is known is 0, and ``consignment_fob_usd`` and
    ``re_export_usd`` are null: then what goods' origins do is in the unexplained rest.
    """
    rows = with_unions(rows, options.unions)
    timing = fit_timing(rows)
    is_in = _periods(rows, options)[rows.period]
    is_by_period = "period" in options.by
    cells = _cells(rows, timing, is_in, is_by_period=is_by_period)
    owner = (cells.exporter * len(rows.areas) + cells.importer) * len(rows.periods) + cells.period
    rest = cells.x - cells.m - cells.attribution - cells.timing
    mirrored = mirrored_gaps(rest, owner, rows.products, cells.product)
    cells = _Parts(
        **{field.name: getattr(cells, field.name) for field in fields(cells)} | {"code": mirrored.amount}
    )
    names = (*options.keys, "period") if is_by_period else options.keys
    chosen = Selection(rows, options, names)
    table = _table(cells, rows, chosen, names)
    summary = PartsSummary(
        late_shares=_late_shares(timing, rows),
        lead_share=timing.lead_share,
        heading_share=mirrored.heading_share,
        chapter_share=mirrored.chapter_share,
    )
    return GapParts(table=table, summary=summary, options=options, periods=_span(rows, is_in))


def _periods(rows: GapRows, options: GapOptions) -> NDArray[np.bool_]:
    if options.event is None:
        return shown_periods(rows, options)
    windows = event_windows(options.event, published=rows.periods, before=options.before, after=options.after)
    return np.array([parse_period(period, option="period") in windows.after for period in rows.periods])


def _span(rows: GapRows, is_in: NDArray[np.bool_]) -> str:
    seen = np.unique(rows.period[is_in])
    return f"{rows.periods[seen[0]]}:{rows.periods[seen[-1]]}" if seen.size else "no period"


def _cells(rows: PartRows, timing: Timing, is_in: NDArray[np.bool_], *, is_by_period: bool) -> _Parts:
    mine = rows.only(is_in)
    key = mine.cell * len(rows.periods) + (mine.period if is_by_period else 0)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    n = first.size

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return sum_by(number, values, n)

    x, m = total(mine.x), total(mine.m)
    consigned, re_exported = total(mine.consigned), total(mine.re_exported)
    re_exports = np.minimum(np.nan_to_num(re_exported), np.maximum(x - m, 0.0))
    head = mine.only(first)
    whole = np.isin(np.array(rows.areas), list(CUSTOMS_UNIONS.values()))
    is_union = whole[head.exporter] | whole[head.importer]
    period = head.period if is_by_period else np.full(n, len(rows.periods) - 1)
    return _Parts(
        exporter=head.exporter.astype(np.int64),
        importer=head.importer.astype(np.int64),
        product=head.product.astype(np.int64),
        period=period.astype(np.int64),
        x=x,
        m=m,
        published=total(mine.published),
        attribution=np.where(np.isfinite(consigned), consigned - m, re_exports),
        timing=total(timing.amount[is_in]),
        code=np.zeros(n),
        consigned=consigned,
        re_exported=re_exported,
        elsewhere=_elsewhere(head, period, x - m, is_union),
    )


def _elsewhere(
    rows: GapRows, period: NDArray[np.signedinteger], gap: NDArray[np.float64], is_union: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the opposite gaps of the importer's (the exporter's) other partners, no more than the gap.

    Rows of unions repeat those of their members and are nobody's other partner.
    """
    found = np.zeros(gap.size)
    for side, sign in ((rows.importer, 1.0), (rows.exporter, -1.0)):
        key = (side.astype(np.int64) * len(rows.products) + rows.product) * len(rows.periods) + period
        _, number = np.unique(key, return_inverse=True)
        others = np.where(is_union, 0.0, np.maximum(-sign * gap, 0.0))
        opposite = sum_by(number, others, int(number.max(initial=-1)) + 1)
        mine = sign * gap > 0
        found[mine] = np.minimum(opposite[number[mine]], sign * gap[mine])
    return found


def _table(cells: _Parts, rows: GapRows, chosen: Selection, names: Sequence[str]) -> pa.Table:
    cells = cells.only(chosen.counts(cells.exporter, cells.importer, cells.period))
    cells = cells.only(chosen.shows(cells.exporter, cells.importer, cells.period))
    is_more = cells.x - cells.published >= 0
    parts = [_sums(cells, rows, names, None)]
    for direction, mask in (
        (GapDirection.EXPORTER_MORE, is_more), (GapDirection.IMPORTER_MORE, ~is_more)
    ):  # fmt: skip
        parts.append(_sums(cells.only(mask), rows, names, direction))
    table = pa.concat_tables(parts)
    size = np.abs(table["published_gap_usd"].to_numpy())
    order = pa.table({"__size": pa.array(size), "__at": pa.array(np.arange(size.size))})
    sides = [(name, table[name]) for name in ("exporter", "importer", "hs_code", "period", "direction")]
    for name, column in sides:
        order = order.append_column(name, column)
    ranks = order.sort_by([("__size", "descending"), *[(name, "ascending") for name, _ in sides]])
    return table.take(ranks["__at"])


def _sums(cells: _Parts, rows: GapRows, names: Sequence[str], direction: GapDirection | None) -> pa.Table:
    columns = {
        "exporter": (cells.exporter, rows.areas),
        "importer": (cells.importer, rows.areas),
        "hs_code": (cells.product, rows.products),
        "period": (cells.period, rows.periods),
    }
    number = np.zeros(cells.x.size, dtype=np.int64)
    for name in names:
        number = number * (len(columns[name][1]) + 1) + columns[name][0]
    _, first, group = np.unique(number, return_index=True, return_inverse=True)
    n = first.size

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return sum_by(group, values, n)

    def known(values: NDArray[np.float64]) -> pa.Array:
        sums = total(values)
        return pa.array(sums, mask=~np.isfinite(sums))

    gap = total(cells.x) - total(cells.published)
    valuation = total(cells.m) - total(cells.published)
    attribution, timing, code = (total(v) for v in (cells.attribution, cells.timing, cells.code))
    made: dict[str, pa.Array] = {
        name: coded(at[first], words) if name in names else pa.nulls(n, pa.string())
        for name, (at, words) in columns.items()
    } | {
        "direction": pa.array([direction.value if direction else None] * n, pa.string()),
        "exporter_report_usd": pa.array(total(cells.x)),
        "importer_report_usd": pa.array(total(cells.published)),
        "published_gap_usd": pa.array(gap),
        "valuation_usd": pa.array(valuation),
        "attribution_usd": pa.array(attribution),
        "timing_usd": pa.array(timing),
        "product_usd": pa.array(code),
        "unexplained_usd": pa.array(gap - valuation - attribution - timing - code),
        "consignment_fob_usd": known(cells.consigned),
        "re_export_usd": known(cells.re_exported),
        "elsewhere_usd": known(cells.elsewhere) if direction else pa.nulls(n, pa.float64()),
    }
    return pa.table([made[name] for name in GAP_PARTS.columns], schema=GAP_PARTS.arrow_schema())


def _late_shares(timing: Timing, rows: GapRows) -> dict[tuple[str, str], float]:
    n = len(rows.areas)
    return {(rows.areas[pair // n], rows.areas[pair % n]): share for pair, share in timing.late_share.items()}
