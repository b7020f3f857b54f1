"""The reports of a world's members of the European Union in the bytes of Eurostat's bulk files."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from entrepot.errors import OptionError
from entrepot.nomenclature import area, group_members
from entrepot.schema.layouts import COMEXT_FULL_V2
from entrepot.schema.terms import FlowKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from entrepot.model.world.build import World

__all__ = ["write_comext"]

_FLOWS: Final = {FlowKind.IMPORT.value: "1", FlowKind.EXPORT.value: "2"}
#: Each report is taken apart into lines of two positions and two procedures, as Eurostat publishes them.
_PARTS: Final = (("10", "1"), ("90", "2"), ("90", "1"))


def write_comext(world: World, folder: Path, *, eur_per_usd: Mapping[str, float]) -> tuple[Path, ...]:
    """Write what a world's members of the Union report, a file a month, as Eurostat's bulk files.

    Values are whole euro, weights whole kilograms, and a missing one is 0, as the publisher's are. A report
    becomes up to three lines that add up to it. Re-exports and re-imports have no flow of their own there,
    being contained in exports and imports. A world books imports by origin alone, those from members too,
    which Eurostat's are not.

    Parameters
    ----------
    world
        The world.
    folder
        Where the files go; made if it is not there.
    eur_per_usd
        Euro per US dollar by period, for every period of the world: ``2022-03``, and ``2022`` where
        somebody reports years.

    Returns
    -------
    tuple
        The files, in order: ``full_202203.dat``; of years ``full_202252.dat``.

    Raises
    ------
    OptionError
        A period has no rate, or no area of the world is a member.
    """
    reports = world.reports
    reports = pa.concat_tables(
        _of_members(reports.filter(pc.equal(reports["period"], period)), _members(period))
        for period in pc.unique(reports["period"]).sort().to_pylist()
    )
    if not reports.num_rows:
        raise OptionError(
            "no area of the world is a member of the European Union",
            where="write_comext",
            hint="draw a larger world, or another seed",
        )
    periods = pc.unique(reports["period"]).sort().to_pylist()
    lacking = [period for period in periods if period not in eur_per_usd]
    if lacking:
        raise OptionError(
            f"{len(lacking)} periods have no rate, the first is {lacking[0]}",
            where="write_comext: eur_per_usd",
            hint="give euro per US dollar for every period of the world",
        )
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for period in periods:
        rows = reports.filter(pc.equal(reports["period"], period))
        path = folder / f"full_{_period(period)}.dat"
        with path.open("wb") as file:
            file.write(",".join(COMEXT_FULL_V2).encode() + b"\n")
            pa_csv.write_csv(
                _lines(rows, period, eur_per_usd[period]),
                file,
                pa_csv.WriteOptions(include_header=False, quoting_style="none"),
            )
        files.append(path)
    return tuple(files)


def _members(period: str) -> pa.Array:
    """Return who is a member of the Union on the first day of a period."""
    day = date(int(period[:4]), int(period[5:] or 1), 1)
    return pa.array(group_members("EU", on=day), pa.string())


def _of_members(rows: pa.Table, members: pa.Array) -> pa.Table:
    flows = pa.array(list(_FLOWS), pa.string())
    return rows.filter(
        pc.and_(pc.is_in(rows["reporter"], value_set=members), pc.is_in(rows["flow"], value_set=flows))
    )


def _period(period: str) -> str:
    return period.replace("-", "") if "-" in period else f"{period}52"


def _split(whole: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return three parts that add up: a half, a quarter of the rest, the rest."""
    half = whole // 2
    quarter = (whole - half) // 4
    return [half, quarter, whole - half - quarter]


def _whole(column: pa.ChunkedArray, scale: float = 1.0) -> NDArray[np.int64]:
    values = np.nan_to_num(column.cast(pa.float64()).to_numpy(), nan=0.0)
    return np.asarray(np.rint(values * scale), dtype=np.int64)


def _lines(rows: pa.Table, period: str, rate: float) -> pa.Table:
    """Return the lines of a month, sorted as published: reporter, partner, flow, position."""
    is_counted = pc.fill_null(pc.equal(rows["quantity_unit"], "u"), False)
    euro, kg = _split(_whole(rows["value_usd"], rate)), _split(_whole(rows["net_weight_kg"]))
    items = _split(np.where(is_counted.to_numpy(), _whole(rows["quantity"]), 0))
    fixed = {
        "REPORTER": _two_letters(rows["reporter"]),
        "PARTNER": _two_letters(rows["partner"]),
        "TRADE_TYPE": pc.if_else(pc.is_in(rows["partner"], value_set=_members(period)), "I", "E"),
        "FLOW": pc.if_else(pc.equal(rows["flow"], FlowKind.IMPORT.value), "1", "2"),
        "SUPPL_UNIT": pc.if_else(is_counted, "PST", "NO_SU"),
        "PERIOD": pa.repeat(_period(period), rows.num_rows),
        **{
            name: pa.repeat(".....", rows.num_rows)
            for name in COMEXT_FULL_V2
            if name.startswith("PRODUCT_") and name != "PRODUCT_NC"
        },
    }
    parts = []
    for place, (ending, procedure) in enumerate(_PARTS):
        columns = {
            **fixed,
            "PRODUCT_NC": pc.binary_join_element_wise(rows["hs_code"], ending, ""),
            "STAT_PROCEDURE": pa.repeat(procedure, rows.num_rows),
            "VALUE_EUR": pa.array(euro[place]),
            "VALUE_NAC": pa.array(euro[place]),
            "QUANTITY_KG": pa.array(kg[place]),
            "QUANTITY_SUPPL_UNIT": pa.array(items[place]),
        }
        # Every report keeps its last line, whatever it is worth.
        kept = pa.array((euro[place] > 0) | (place == len(_PARTS) - 1))
        parts.append(pa.table({name: columns[name] for name in COMEXT_FULL_V2}).filter(kept))
    keys = ("REPORTER", "PARTNER", "FLOW", "PRODUCT_NC", "STAT_PROCEDURE")
    return pa.concat_tables(parts).sort_by([(key, "ascending") for key in keys])


def _two_letters(codes: pa.ChunkedArray) -> pa.ChunkedArray:
    known = pc.unique(codes)
    letters = pa.array([area(code).iso2 or "QU" for code in known.to_pylist()], pa.string())
    return letters.take(pc.index_in(codes, value_set=known).combine_chunks())
