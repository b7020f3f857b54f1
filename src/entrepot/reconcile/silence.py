"""What a book says nothing of: partners that it was not taken in with are no zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine import place_beside, small_table
from entrepot.schema import FlowKind, PartnerConcept, RowRole

if TYPE_CHECKING:
    from collections.abc import Collection

    from narwhals.typing import IntoFrameT
    from numpy.typing import NDArray

__all__ = ["tell_unspoken", "unspoken_pairs"]

#: Books that tell otherwise, or partners: fewer may disagree for reasons of their own.
_SILENT = 5
#: Of a partner: silent books for each one that names it.
_SILENT_PER_NAMED = 10
#: Of a book: part of the areas that it names, and part of the trade that others report with it.
_FEW = 0.2
_COVERED = 0.5
#: Books or partners that a note names.
_NAMED = 5


def unspoken_pairs(reports: IntoFrameT) -> IntoFrameT:
    """Return the pairs of which a book says nothing because it was taken in without the partner.

    Whoever downloads everybody's exports to one area has no zero of all others. Two signs tell it, over all
    products and periods of a frequency:

    * of a **partner**: five or more books do not name it that it reports trade with, and ten or more for
      each one that does. It was on nobody's list;
    * of a **book**: five or more partners report trade with it that it does not name, they have more than
      half of all that is reported with it, and it names under a fifth of the areas that anybody knows.

    Else a side's silence about a partner is a zero, as it always is where it names the partner anywhere.
    Executes one query, of sums by pair.

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × frequency, few rows. ``exporter_unspoken``, ``importer_unspoken``:
        1 where that side's silence is none of its own, else 0.
    """
    sums = _by_pair(reports)
    text = sums.schema.field("reporter").type
    areas = pa.chunked_array([*sums["reporter"].chunks, *sums["partner"].chunks], text).unique()
    parts = [
        _of_frequency(sums.filter(pc.equal(sums["frequency"], frequency)), areas, frequency)
        for frequency in sums["frequency"].unique().to_pylist()
    ]
    names = ("exporter", "importer", "frequency")
    flags = ("exporter_unspoken", "importer_unspoken")
    schema = pa.schema([(name, text) for name in names] + [(name, pa.int64()) for name in flags])
    found = pa.concat_tables([schema.empty_table(), *parts])
    return cast("IntoFrameT", place_beside(found, reports).to_native())


def _by_pair(reports: Any) -> pa.Table:
    """Return what each book has of each partner; imports by consignment name one as well as by origin."""
    keys = ("reporter", "partner", "flow", "frequency")
    rows = nw.from_native(reports).filter(
        nw.col("flow").is_in([FlowKind.EXPORT.value, FlowKind.IMPORT.value])
        & (nw.col("role") == RowRole.LEAF.value)
        & (nw.col("partner_concept") != PartnerConcept.RECONCILED.value)
    )
    sums = rows.group_by(*keys).agg(nw.col("primary_value_usd").sum().alias("usd"))
    return small_table(sums.to_native(), what="partners of the books")


def _of_frequency(sums: pa.Table, areas: pa.Array, frequency: str) -> pa.Table:
    """Return the unspoken pairs of one frequency."""
    is_export = pc.equal(sums["flow"], FlowKind.EXPORT.value)
    sold, named_sold = _square(sums.filter(is_export), areas)
    bought, named_bought = _square(sums.filter(pc.invert(is_export)), areas)
    of_exporter = _unspoken(named_sold, bought.T, named_bought.T)
    of_importer = _unspoken(named_bought, sold.T, named_sold.T).T
    exporter, importer = np.nonzero(of_exporter | of_importer)
    return pa.table(
        {
            "exporter": areas.take(exporter),
            "importer": areas.take(importer),
            "frequency": pa.array([frequency] * len(exporter), sums.schema.field("frequency").type),
            "exporter_unspoken": of_exporter[exporter, importer].astype(np.int64),
            "importer_unspoken": of_importer[exporter, importer].astype(np.int64),
        }
    )


def _square(sums: pa.Table, areas: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return by reporter and partner (n, n) what a book has, and whether it names the partner."""
    usd = np.zeros((len(areas), len(areas)))
    named = np.zeros(usd.shape, dtype=bool)
    at = tuple(
        pc.index_in(sums[side], value_set=areas).to_numpy().astype(np.int64)
        for side in ("reporter", "partner")
    )
    usd[at] = np.nan_to_num(sums["usd"].to_numpy())
    named[at] = True
    return usd, named


def _unspoken(
    named: NDArray[np.bool_], told: NDArray[np.float64], is_told: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return of which partners a book is silent without a zero.

    Parameters
    ----------
    named : (n, n)
        Whether the book of a row names the partner of a column.
    told, is_told : (n, n)
        What the partner's own book has of the pair, USD, and whether it has it.
    """
    n_areas = (named.any(axis=0) | named.any(axis=1) | is_told.any(axis=0) | is_told.any(axis=1)).sum()
    is_there = named.any(axis=1, keepdims=True)
    silent = is_there & ~named & (told > 0.0)
    silent_books, naming = silent.sum(axis=0, keepdims=True), named.sum(axis=0, keepdims=True)
    on_no_list = (silent_books >= _SILENT) & (silent_books >= _SILENT_PER_NAMED * naming)
    silent_partners, named_partners = silent.sum(axis=1, keepdims=True), named.sum(axis=1, keepdims=True)
    covered = np.where(named, told, 0.0).sum(axis=1, keepdims=True)
    is_covered = covered >= _COVERED * told.sum(axis=1, keepdims=True)
    is_selected = (silent_partners >= _SILENT) & (named_partners < _FEW * n_areas) & ~is_covered
    unspoken: NDArray[np.bool_] = is_there & is_told & ~named & (is_selected | on_no_list)
    return unspoken


def tell_unspoken(
    unspoken: pa.Table, *, exporters: Collection[str] = (), importers: Collection[str] = ()
) -> str:
    """Say which books were taken to have been taken in without a partner; nothing where there is none.

    Parameters
    ----------
    unspoken
        See :func:`unspoken_pairs`, executed.
    exporters, importers
        Areas that the reader asked about; all where there are none.
    """
    for side, areas in (("exporter", exporters), ("importer", importers)):
        if areas:
            unspoken = unspoken.filter(pc.is_in(unspoken[side], value_set=pa.array(sorted(areas))))
    parts = []
    for side, other, what, way in (
        ("exporter", "importer", "exports", "to"), ("importer", "exporter", "imports", "from")
    ):  # fmt: skip
        pairs = unspoken.filter(pc.equal(unspoken[f"{side}_unspoken"], 1))
        books, partners = (_by_number(pairs[name]) for name in (side, other))
        if not books:
            continue
        if len(books) <= len(partners):
            parts.append(f"{what} in the books of {_list(books)} ({_count(len(partners), 'partner')})")
        else:
            parts.append(f"{what} {way} {_list(partners)} in {_count(len(books), 'book')}")
    if not parts:
        return ""
    pairs_told = "one pair has" if unspoken.num_rows == 1 else f"{unspoken.num_rows:,} pairs have"
    return (
        f"{pairs_told} no gap, since one of the two books seems to have been downloaded without the partner: "
        f"{'; '.join(parts)}. Ingest these books with all partners (and all goods) to compare them"
    )


def _by_number(areas: pa.ChunkedArray) -> list[str]:
    """Return the areas that occur, those that do most often first."""
    counts = sorted(pc.value_counts(areas).to_pylist(), key=lambda one: (-one["counts"], one["values"]))
    return [one["values"] for one in counts]


def _list(areas: list[str]) -> str:
    more = len(areas) - _NAMED
    return ", ".join(areas[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
