"""The flows of a world as CEPII would publish them: BACI's bytes, one figure made of both books."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from entrepot.model.world.comtrade import comtrade_number
from entrepot.nomenclature import revision_of
from entrepot.schema.layouts import BACI
from entrepot.schema.terms import FlowKind

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from entrepot.model.world.build import World

__all__ = ["write_baci"]

_KEY = ["exporter", "importer", "hs_code", "year"]


def write_baci(
    world: World, folder: Path, *, revision: str = "HS17", release: str = "202501"
) -> tuple[Path, ...]:
    """Write the flows of a world as BACI's yearly files.

    A flow is the mean of what its two sides report, the importer's report on FOB by the pair's true ratio;
    where one side is silent it is the other's. Values are thousand US dollars, weights tonnes to three
    places, or ``NA``. Goods coming home are left out, and flows that round to nothing.

    Parameters
    ----------
    world
        The world; its years are summed over the months that it has.
    folder
        Where the files go; made if it is not there.
    revision
        In the files' names; a world's codes are taken for codes of it.
    release
        In the files' names, ``YYYYMM``.

    Returns
    -------
    tuple
        The files, one a year, in order.

    Raises
    ------
    UnknownCodeError
        There is no such revision.
    """
    name = f"BACI_HS{revision_of(revision)[-2:]}_Y{{year}}_V{release}.csv"
    folder.mkdir(parents=True, exist_ok=True)
    flows = _flows(world)
    files = []
    for year in pc.unique(flows["year"]).sort().to_pylist():
        rows = flows.filter(pc.equal(flows["year"], year))
        thousands = np.round(_mean(rows) / 1000.0, 3)
        tonnes = _tonnes(rows)
        table = pa.table(
            {
                "t": rows["year"],
                "i": _numbers(rows["exporter"]),
                "j": _numbers(rows["importer"]),
                "k": rows["hs_code"],
                "v": pa.array(thousands),
                "q": pc.if_else(pa.array(np.isnan(tonnes)), "NA", pa.array(tonnes).cast(pa.string())),
            }
        ).filter(pa.array(thousands > 0))
        order = [("i", "ascending"), ("j", "ascending"), ("k", "ascending")]
        path = folder / name.format(year=year)
        with path.open("wb") as file:
            file.write(",".join(BACI).encode() + b"\n")
            pa_csv.write_csv(
                table.sort_by(order), file, pa_csv.WriteOptions(include_header=False, quoting_style="none")
            )
        files.append(path)
    return tuple(files)


def _flows(world: World) -> pa.Table:
    """Return both reports of every flow and year, FOB. **Grain**: exporter × importer × hs_code × year."""
    ratio = world.truth_pairs.select(["exporter", "importer", "cif_fob_ratio"])
    exports = _book(world.reports, FlowKind.EXPORT, ("reporter", "partner"))
    imports = _book(world.reports, FlowKind.IMPORT, ("partner", "reporter"))
    imports = imports.join(ratio, keys=["exporter", "importer"], join_type="inner")
    imports = imports.set_column(
        imports.column_names.index("usd"), "usd", pc.divide(imports["usd"], imports["cif_fob_ratio"])
    ).drop_columns(["cif_fob_ratio"])
    return exports.join(imports, keys=_KEY, join_type="full outer", right_suffix="_import")


def _book(reports: pa.Table, flow: FlowKind, sides: tuple[str, str]) -> pa.Table:
    rows = reports.filter(
        pc.and_(pc.equal(reports["flow"], flow.value), pc.not_equal(reports["reporter"], reports["partner"]))
    )
    book = pa.table(
        {
            "exporter": rows[sides[0]],
            "importer": rows[sides[1]],
            "hs_code": rows["hs_code"],
            "year": pc.utf8_slice_codeunits(rows["period"], 0, 4),
            "usd": rows["value_usd"].cast(pa.float64()),
            "kg": rows["net_weight_kg"],
        }
    )
    # A sum lacks the weight that a month lacks.
    sums = book.group_by(_KEY).aggregate(
        [("usd", "sum"), ("kg", "sum", pc.ScalarAggregateOptions(skip_nulls=False))]
    )
    return sums.rename_columns([*_KEY, "usd", "kg"])


def _mean(rows: pa.Table) -> NDArray[np.float64]:
    both = np.stack([rows["usd"].to_numpy(), rows["usd_import"].to_numpy()])
    return np.asarray(np.nanmean(both, axis=0))


def _tonnes(rows: pa.Table) -> NDArray[np.float64]:
    kg = pc.coalesce(rows["kg"], rows["kg_import"]).to_numpy()
    return np.asarray(np.round(kg / 1000.0, 3))


def _numbers(codes: pa.ChunkedArray) -> pa.ChunkedArray:
    known = pc.unique(codes)
    numbers = pa.array([comtrade_number(code) for code in known.to_pylist()], pa.int32())
    return numbers.take(pc.index_in(codes, value_set=known).combine_chunks())
