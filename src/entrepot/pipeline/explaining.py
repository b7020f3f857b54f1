"""From one amount back to the books and the rows of the files that it was made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.detours import detours
from entrepot.detect.explanation import Explanation
from entrepot.detect.options import GROUP_KEYS
from entrepot.engine import Engine, literal
from entrepot.errors import CoverageError
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.detours import flows_for
from entrepot.pipeline.revisions import converted_reports
from entrepot.store import flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.detect.explanation import Corridor, Legs
    from entrepot.detect.options import DetourOptions
    from entrepot.detect.result import DetourResult
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["explain_detour"]

_NEAREST = 5


def explain_detour(
    lake: Lake,
    options: DetourOptions,
    corridor: Corridor,
    *,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Search as asked, and return one corridor's amounts with both books and the rows of the files.

    Parameters
    ----------
    lake, options, choice, memory_limit, progress
        As for :func:`entrepot.find_detours`; rows are by origin, hub, destination and product.
    corridor
        Which amount to explain.

    Raises
    ------
    CoverageError
        The search has no row of that corridor.
    """
    with Engine(memory_limit=memory_limit) as engine:
        flows = flows_for(engine, lake, options, choice=choice)
        options, choice = flows.options, flows.choice
        found = detours(flows.rows, replace(options, by=GROUP_KEYS), engine=engine, progress=progress)
        result = replace(found, reporters_annual=flows.annual)
        rows = _rows(result.table, corridor)
        legs = corridor.legs(rows)
        return Explanation(
            corridor=corridor,
            rows=rows,
            legs=legs,
            books=_books(flows.rows, legs, corridor.hs_code, result),
            reports=_reports(
                engine,
                lake,
                legs,
                corridor.hs_code,
                choice,
                is_monthly="-" in options.event,
                annual=flows.annual,
            ),
            result=result,
        )


def _rows(table: pa.Table, corridor: Corridor) -> pa.Table:
    found = table
    for key in GROUP_KEYS:
        found = found.filter(pc.equal(found[key], getattr(corridor, key)))
    if found.num_rows:
        return found
    near = [
        f"{row['origin']} {row['hub']} {row['destination']} {row['hs_code']}"
        for row in table.slice(0, _NEAREST).to_pylist()
    ]
    raise CoverageError(
        f"the search has no row for {corridor.origin} → {corridor.hub} → {corridor.destination}, "
        f"{corridor.hs_code}",
        where="--origin, --hub, --destination, --code",
        hint=f"its largest rows are {'; '.join(near)}" if near else "it found nothing: see entrepot detours",
    )


def _books(flows: nw.LazyFrame[Any], legs: Legs, hs_code: str, result: DetourResult) -> pa.Table:
    """Return both books of the legs, period by period."""
    parts = []
    windows = result.windows
    spans = {name: windows.text(getattr(windows, name)).split(":") for name in ("before", "after")}
    for leg, (exporter, importer) in legs.items():
        mine = (
            (nw.col("exporter") == exporter)
            & (nw.col("importer") == importer)
            & (nw.col("hs_code") == hs_code)
        )
        rows = flows.filter(mine).sort("period").collect(backend="pyarrow").to_native().to_pylist()
        for row in rows:
            inside = [name for name, (first, last) in spans.items() if first <= row["period"] <= last]
            parts.append({"leg": leg, "window": inside[0] if inside else None} | row)
    fields = [pa.field("leg", pa.string()), pa.field("window", pa.string())]
    fields += [pa.field(name, kind) for name, kind in _kinds(flows).items()]
    return pa.Table.from_pylist(parts, schema=pa.schema(fields))


def _kinds(flows: nw.LazyFrame[Any]) -> dict[str, pa.DataType]:
    return {
        name: pa.string() if kind == nw.String else pa.float64()
        for name, kind in flows.collect_schema().items()
    }


def _reports(
    engine: Engine,
    lake: Lake,
    legs: Legs,
    hs_code: str,
    choice: ReportChoice,
    *,
    is_monthly: bool,
    annual: tuple[str, ...],
) -> pa.Table:
    """Return the reports that count and speak of a leg, whoever made them; years of annual reporters too."""
    counted = flows_sql(
        lake, engine, as_of=choice.as_of, years=choice.years or None, sources=choice.sources or None
    )
    sides = []
    for leg, ends in legs.items():
        exporter, importer = (literal(code) for code in ends)
        sold = f"reporter = {exporter} AND partner = {importer} AND flow NOT LIKE '%import%'"
        bought = f"reporter = {importer} AND partner = {exporter} AND flow LIKE '%import%'"
        sides.append(f"WHEN ({sold}) OR ({bought}) THEN {literal(leg)}")
    # A year may be made of months, and the months of annual reporters of their years.
    is_asked = "frequency = 'M'" if is_monthly else "TRUE"
    if is_monthly and annual:
        is_asked = f"(frequency = 'M' OR reporter IN ({', '.join(map(literal, annual))}))"
    frame = engine.frame(f"""
        SELECT CASE {" ".join(sides)} END AS leg, *
        FROM ({counted}) WHERE role = 'leaf' AND {is_asked} AND leg IS NOT NULL
    """)
    if choice.revision is not None:
        frame = converted_reports(engine, frame, choice.revision, name="explained_reports")
    found = (
        frame.filter(nw.col("hs_code") == hs_code)
        .sort("leg", "period", "flow", "reporter", "file_hash", "row_number")
        .collect(backend="pyarrow")
        .to_native()
    )
    names = {row["file_hash"]: row["file_name"] for row in lake.files().to_pylist()}
    return found.append_column(
        "file_name", pa.array([names.get(one) for one in found["file_hash"].to_pylist()], pa.string())
    )
