"""The reports of a world in the bytes of the UN Comtrade web download.

Header bare, every value quoted, a null is nothing between commas, data lines end in a comma that the
header lacks, Latin-1, CRLF; rows of partner World and of all commodities (TOTAL) stand beside the leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.errors import OptionError
from entrepot.model.world.reports import hs_revision
from entrepot.nomenclature import HS_REVISIONS, area, hs_chapter_title
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.schema.terms import FlowKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from entrepot.model.world.build import World

__all__ = ["comtrade_number", "write_comtrade"]

#: Comtrade's own numbers and names, where they are not M49's and ours (its list of reporters, 2026).
_NUMBERS = {"CHE": 757, "FRA": 251, "IND": 699, "NOR": 579, "USA": 842}
_NAMES = {
    "BIH": "Bosnia Herzegovina",
    "BOL": "Bolivia (Plurinational State of)",
    "BRN": "Brunei Darussalam",
    "CAF": "Central African Rep.",
    "COD": "Dem. Rep. of the Congo",
    "DOM": "Dominican Rep.",
    "HKG": "China, Hong Kong SAR",
    "KOR": "Rep. of Korea",
    "LAO": "Lao People's Dem. Rep.",
    "MAC": "China, Macao SAR",
    "MDA": "Rep. of Moldova",
    "RUS": "Russian Federation",
    "TZA": "United Rep. of Tanzania",
    "USA": "USA",
}
_FLOWS = {
    FlowKind.IMPORT: ("M", "Import"),
    FlowKind.EXPORT: ("X", "Export"),
    FlowKind.RE_EXPORT: ("RX", "Re-export"),
    FlowKind.RE_IMPORT: ("RM", "Re-import"),
}
_UNITS = {"u": ("5", "u"), "kg": ("8", "kg"), None: ("-1", "N/A")}
_CHUNK = 250_000
_END = b"\r\n"


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Lines to be written, columns of one length; World and TOTAL are the last partner and product."""

    reporter: NDArray[np.int64]
    partner: NDArray[np.int64]
    product: NDArray[np.int64]
    month: NDArray[np.int64]
    flow: NDArray[np.int64]
    unit: NDArray[np.int64]
    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    quantity: NDArray[np.float64]

    def pick(self, rows: NDArray[np.int64] | slice) -> _Lines:
        return _Lines(**{name: getattr(self, name)[rows] for name in _Lines.__slots__})


@dataclass(frozen=True, slots=True)
class _Words:
    """What the indices of the lines mean."""

    areas: list[str]
    products: list[str]
    periods: list[str]


def write_comtrade(world: World, folder: Path, *, rows_per_file: int | None = None) -> tuple[Path, ...]:
    """Write the reports of a world as UN Comtrade web downloads.

    Parameters
    ----------
    world
        The world.
    folder
        Where the files go; made if it is not there.
    rows_per_file
        Data rows of a file; by default a file holds a calendar year. The publisher's own limits
        (100,000 and 250,000 rows) make files that look cut short.

    Returns
    -------
    tuple
        The files, in order.

    Raises
    ------
    OptionError
        ``rows_per_file`` is not positive.
    """
    if rows_per_file is not None and rows_per_file < 1:
        raise OptionError(
            f"rows_per_file is {rows_per_file}",
            where="write_comtrade",
            hint="give a positive number, or leave it out",
        )
    folder.mkdir(parents=True, exist_ok=True)
    lines, words = _all_lines(world)
    years = np.array([int(period[:4]) for period in words.periods])[lines.month]
    if rows_per_file is None:
        parts = [(f"TradeData_{year}.csv", np.flatnonzero(years == year)) for year in np.unique(years)]
    else:
        count = -(-len(years) // rows_per_file)
        rows = np.arange(len(years))
        parts = [
            (f"TradeData_{part + 1:04d}.csv", rows[part * rows_per_file : (part + 1) * rows_per_file])
            for part in range(count)
        ]
    fragments = _Fragments.of(words)
    for name, rows in parts:
        with (folder / name).open("wb") as file:
            file.write(",".join(COMTRADE_WEB).encode("latin-1") + _END)
            for start in range(0, len(rows), _CHUNK):
                for piece in fragments.render(lines.pick(rows[start : start + _CHUNK])):
                    file.write(piece)
    return tuple(folder / name for name, _ in parts)


def _all_lines(world: World) -> tuple[_Lines, _Words]:
    """Take the reports apart and add the publisher's aggregates, sorted as in a download."""
    reports = world.reports
    words = _Words(
        areas=sorted(world.truth_areas["area"].to_pylist(), key=comtrade_number),
        products=sorted(pc.unique(reports["hs_code"]).to_pylist()),
        periods=[*world.options.periods, *world.options.years],
    )
    leaves = _Lines(
        reporter=_index(reports["reporter"], words.areas),
        partner=_index(reports["partner"], words.areas),
        product=_index(reports["hs_code"], words.products),
        month=_index(reports["period"], words.periods),
        flow=_index(reports["flow"], [kind.value for kind in _FLOWS]),
        unit=_index(reports["quantity_unit"], list(_UNITS)),
        usd=reports["value_usd"].to_numpy(),
        kg=reports["net_weight_kg"].to_numpy(),
        quantity=reports["quantity"].to_numpy(),
    )
    world_rows = _summed(leaves, partner=len(words.areas))
    totals = _summed(leaves, product=len(words.products))
    grand = _summed(totals, partner=len(words.areas))
    parts = (leaves, world_rows, totals, grand)
    lines = _Lines(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _Lines.__slots__}
    )
    world_first = (lines.partner + 1) % (len(words.areas) + 1)
    order = np.lexsort((world_first, lines.product, lines.flow, lines.month, lines.reporter))
    return lines.pick(order), words


def _index(column: pa.ChunkedArray, values: list[str] | list[str | None]) -> NDArray[np.int64]:
    found = pc.index_in(column, value_set=pa.array(values, pa.string()))
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _summed(lines: _Lines, *, partner: int | None = None, product: int | None = None) -> _Lines:
    """Add up over partners or products; a weight or quantity that one row lacks, the sum lacks too."""
    partners = lines.partner if partner is None else np.full_like(lines.partner, partner)
    products = lines.product if product is None else np.full_like(lines.product, product)
    columns = (lines.reporter, partners, products, lines.month, lines.flow)
    key = columns[0]
    for column in columns[1:]:
        key = key * (int(column.max(initial=0)) + 1) + column
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    usd, kg, quantity = (
        np.bincount(group, weights=values, minlength=len(first)).astype(np.float64)
        for values in (lines.usd, lines.kg, lines.quantity)
    )
    if product is not None:  # the publisher gives all commodities a weight of nought
        kg, quantity = np.zeros_like(kg), np.zeros_like(quantity)
    unit = lines.unit[first] if product is None else np.full(len(first), len(_UNITS) - 1)
    unit = np.where(np.isnan(quantity), len(_UNITS) - 1, unit)
    reporter, partners, products, month, flow = (column[first] for column in columns)
    return _Lines(
        reporter, partners, products, month, flow, unit, usd, np.round(kg, 3), np.round(quantity, 3)
    )


def comtrade_number(code: str) -> int:
    """Return the number of an area in UN Comtrade, where it differs from M49's."""
    return _NUMBERS.get(code, area(code).m49[0])


def _quoted(*values: str) -> bytes:
    return "".join(f'"{value.replace(chr(34), chr(34) * 2)}",' for value in values).encode(
        "latin-1", "replace"
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fragments:
    """Pieces of lines by what they depend on, ready to be joined."""

    reporter: pa.Array
    period: pa.Array
    flow: pa.Array
    partner: pa.Array
    product: pa.Array
    transport: pa.Array
    classification: pa.Array
    unit: pa.Array
    flags: pa.Array

    @classmethod
    def of(cls, words: _Words) -> _Fragments:
        names = [(str(comtrade_number(c)), c, _NAMES.get(c, area(c).name)) for c in words.areas]
        goods = [
            _quoted(code, hs_chapter_title(code), "6", "true", "C00", "TOTAL CPC") for code in words.products
        ]
        goods.append(_quoted("TOTAL", "All Commodities", "0", "false", "C00", "TOTAL CPC"))
        partners = [_quoted(*name, "0", "W00", "World") for name in names]
        partners.append(_quoted("0", "W00", "World", "0", "W00", "World"))
        # publishers differ in what they flag as reported and as aggregate: no reader may rely on it
        flags = [
            _quoted("0", *(("true", "false") if int(name[0]) % 3 else ("false", "true"))) for name in names
        ]
        return cls(
            reporter=_binary([_quoted(*name) for name in names]),
            period=_binary([_period_fragment(period) for period in words.periods]),
            flow=_binary([_quoted(*words_of) for words_of in _FLOWS.values()]),
            partner=_binary(partners),
            product=_binary(goods),
            transport=_binary([_quoted(_mos_code(period), "0", "TOTAL MOT") for period in words.periods]),
            classification=_binary([_quoted(_classification(p), "HS", "true") for p in words.periods]),
            unit=_binary([_quoted(*unit) for unit in _UNITS.values()]),
            flags=_binary([flag + _END for flag in flags]),
        )

    def render(self, lines: _Lines) -> Iterator[memoryview]:
        """Yield the bytes of lines."""
        usd, nothing = _number_texts(lines.usd), _constant(b"")
        is_import = pa.array(np.isin(lines.flow, (0, 3)))
        pieces = (
            self.period.take(pa.array(lines.month)),
            self.reporter.take(pa.array(lines.reporter)),
            self.flow.take(pa.array(lines.flow)),
            self.partner.take(pa.array(lines.partner)),
            self.classification.take(pa.array(lines.month)),
            self.product.take(pa.array(lines.product)),
            self.transport.take(pa.array(lines.month)),
            self.unit.take(pa.array(lines.unit)),
            _number_texts(lines.quantity),
            _constant(b',"false","-1","N/A",,"false",'),
            _number_texts(lines.kg),
            _constant(b',"false",,"false",'),
            pc.if_else(is_import, usd, nothing),
            _constant(b","),
            pc.if_else(is_import, nothing, usd),
            _constant(b","),
            usd,
            _constant(b","),
            self.flags.take(pa.array(lines.reporter)),
        )
        joined = pc.binary_join_element_wise(*pieces, nothing)
        for chunk in joined.chunks if isinstance(joined, pa.ChunkedArray) else [joined]:
            offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)
            last = chunk.offset + len(chunk)
            yield memoryview(chunk.buffers()[2])[int(offsets[chunk.offset]) : int(offsets[last])]


def _binary(values: list[bytes]) -> pa.Array:
    return pa.array(values, pa.binary())


def _constant(value: bytes) -> pa.Scalar:
    return pa.scalar(value, pa.binary())


def _number_texts(values: NDArray[np.float64]) -> pa.Array:
    """Return quoted numbers, nothing where there is none."""
    missing = np.isnan(values)
    texts = pa.array(np.where(missing, 0.0, values)).cast(pa.string()).cast(pa.binary())
    quoted = pc.binary_join_element_wise(_constant(b'"'), texts, _constant(b'"'), _constant(b""))
    return pc.if_else(pa.array(missing), _constant(b""), quoted)


def _period_fragment(period: str) -> bytes:
    year, _, month = period.partition("-")
    if not month:  # the publisher's month 52 is the year
        return _quoted("C", "A", f"{year}0101", year, "52", year)
    return _quoted("C", "M", f"{year}{month}01", year, str(int(month)), f"{year}{month}")


def _classification(period: str) -> str:
    """Return Comtrade's letter and number of the revision in force."""
    return f"H{HS_REVISIONS.index(hs_revision(period))}"


def _mos_code(period: str) -> str:
    """Return the mode of supply: of older years the publisher writes it with a blank."""
    return "0" if period >= "2021" else "0 "
