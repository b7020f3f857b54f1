"""Run a case: is the data there, what do the calls give, how far off is what was published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from entrepot.engine import Engine, literal
from entrepot.errors import CoverageError
from entrepot.measures.spans import parse_window
from entrepot.pipeline.cases.answers import difference_of, figure_value, headline_value, query_of
from entrepot.pipeline.cases.own_tables import measure_table, read_tables, table_robustness
from entrepot.pipeline.cases.reading import Case, Figure, Need, case_names, find_case
from entrepot.pipeline.cases.robustness import ROBUSTNESS, headline_robustness, published_robustness
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.measured_flows import LakeBooks
from entrepot.pipeline.measuring import measure_flows
from entrepot.pipeline.parts import counted_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from entrepot.store import Lake

__all__ = ["CaseResult", "Compared", "missing_data", "published_figures", "run_case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One published figure beside the computed one.

    Attributes
    ----------
    figure
        As published.
    computed
        What the calls give; None where nothing gives it, or where it is not compared.
    difference
        Computed less published: of amounts as a share of the published one, of growth and shares in points.
    verdict
        ``agrees``, ``differs``, ``not computed``, ``not compared`` (unverified) or ``nothing published``.
    """

    figure: Figure
    computed: float | None
    difference: float | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseResult:
    """What a run of a case gave.

    Attributes
    ----------
    case
        The case.
    compared
        Each published figure, in the case's order.
    tables
        The answer of each call, by its id.
    robustness
        The headline under other choices, and without its largest parts: see
        :func:`entrepot.pipeline.cases.robustness.headline_robustness`. No rows where it was not computed.
    notes
        What was left out, and other remarks of the calls.
    """

    case: Case
    compared: tuple[Compared, ...]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    robustness: pa.Table = field(default_factory=ROBUSTNESS.empty_table)
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pa.Table:
        """Published and computed figures, a row each."""
        case = self.case
        rows = [
            {
                "case": case.id,
                "figure": one.figure.id,
                "label": one.figure.label,
                "unit": one.figure.unit,
                "published": one.figure.value,
                "computed": one.computed,
                "difference": one.difference,
                "verdict": one.verdict,
                "standing": one.figure.standing or case.standing,
                "source": one.figure.source or case.source,
                "note": one.figure.note or None,
            }
            for one in self.compared
        ]
        return pa.Table.from_pylist(rows, schema=_COMPARED)


_COMPARED = pa.schema(
    [
        *((name, pa.string()) for name in ("case", "figure", "label", "unit")),
        *((name, pa.float64()) for name in ("published", "computed", "difference")),
        *((name, pa.string()) for name in ("verdict", "standing", "source", "note")),
    ]
)


def published_figures() -> pa.Table:
    """Return every figure that the cases state as published.

    Returns
    -------
    pa.Table
        **Grain**: case × figure. ``case, figure, label, exporter, importer, period, value, unit, standing,
        source, note``. ``standing`` says what it rests on: official, study, press, unverified.
    """
    rows = [
        {
            "case": case.id, "figure": one.id, "label": one.label, "exporter": one.exporter or None,
            "importer": one.importer or None, "period": one.period or None, "value": one.value,
            "unit": one.unit, "standing": one.standing or case.standing, "source": one.source or case.source,
            "note": one.note or None,
        }
        for case in map(find_case, case_names())
        for one in case.figures
        if one.value is not None
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def run_case(
    case: Case,
    lake: Lake | None,
    *,
    own_tables: Mapping[str, Path] | None = None,
    is_partial: bool = False,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> CaseResult:
    """Run a case on a lake, or on its published figures alone where these say something by themselves.

    Parameters
    ----------
    case
        See :func:`entrepot.find_case`.
    lake
        The lake; None for a case that has ``bars``, or asks for nothing but tables.
    own_tables
        Files of the tables of one's own that it asks for, by their names in it.
    is_partial
        Run the calls whose data are there, and note those whose are not.
    memory_limit
        Memory of the engine.
    tell
        Told in words what is being done.

    Raises
    ------
    CoverageError
        Data are missing: the message names the reports, how to get them, and how to take them in.
    InputFileError, OptionError
        A table is none, or the case asks for none of the name.
    """
    own = read_tables(case, own_tables or {})
    if lake is None and not own:
        if case.bars is None:
            raise CoverageError(
                f"{case.id} needs data: {_demands(case.needs)}"
                if case.needs
                else f"{case.id} cannot be run: {case.answers}",
                where=f"case {case.id}",
                hint=_how(case.needs) or f"entrepot case show {case.id}",
            )
        compared = tuple(_uncomputed(case, one) for one in case.figures)
        return CaseResult(case=case, compared=compared, robustness=published_robustness(case))
    lacking = missing_data(case, lake, own=tuple(own))
    if (lacking and not is_partial) or not case.calls:
        raise CoverageError(
            f"the lake lacks {_demands(lacking)}" if lacking else f"{case.id} has no call: {case.answers}",
            where=f"case {case.id}",
            hint=_how(lacking) or f"entrepot case show {case.id}",
        )
    notes = [f"the lake lacks {need.what}; get it: {need.get}" for need in lacking]
    notes += [
        f"not given: {need.what}; get it: {need.get}; then {need.ingest}"
        for need in case.needs
        if need.is_optional and need.table not in own
    ]
    tables = {call.id: measure_table(call, own[call.table]) for call in case.calls if call.table in own}
    if lake is not None:
        tables |= _lake_tables(case, lake, notes, is_partial=is_partial, memory_limit=memory_limit, tell=tell)
    if not tables:
        raise CoverageError(
            f"the lake lacks {_demands(lacking)}", where=f"case {case.id}", hint=_how(lacking)
        )
    compared = tuple(_compare(case, one, tables) for one in case.figures)
    robustness = pa.Table.from_pylist(table_robustness(case, own), schema=ROBUSTNESS)
    if lake is not None and not robustness.num_rows and headline_value(case, tables) is not None:
        if tell is not None:
            tell("the headline under other choices")
        robustness = headline_robustness(case, lake, memory_limit=memory_limit)
    return CaseResult(
        case=case,
        compared=compared,
        tables=tables,
        robustness=robustness,
        notes=tuple(dict.fromkeys(notes)),
    )


def _lake_tables(
    case: Case,
    lake: Lake,
    notes: list[str],
    *,
    is_partial: bool,
    memory_limit: str,
    tell: Callable[[str], None] | None,
) -> dict[str, pa.Table]:
    """Return the answers of the calls on the lake; what could not be run is noted."""
    tables = {}
    with Engine(memory_limit=memory_limit) as engine:
        books = LakeBooks(engine, lake)
        for call in case.calls:
            if call.table:
                continue
            if tell is not None:
                tell(f"{call.id}: {call.title}")
            query = query_of(call)
            try:
                flows = books.flows(
                    query.flows,
                    amount=query.amount,
                    zeros_by=query.zeros_by,
                    whole_by=query.whole_by,
                    tell=notes.append,
                )
                tables[call.id] = measure_flows(engine, flows, query)
            except CoverageError as error:
                if not is_partial and call.value != "units":  # not all publishers count
                    raise
                notes.append(f"{call.id} was not run: {error.what}")
    return tables


def missing_data(case: Case, lake: Lake | None, *, own: tuple[str, ...] = ()) -> tuple[Need, ...]:
    """Return the needs that are not met, each with what is not there of it.

    Parameters
    ----------
    case
        The case.
    lake
        None where there is none.
    own
        Names of the tables of one's own that were given.
    """
    found = [need for need in case.needs if need.table and not need.is_optional and need.table not in own]
    if lake is None:
        return (*found, *(need for need in case.needs if need.reporters))
    with Engine(memory_limit="1GB") as engine:
        rows = counted_sql(engine, lake, ReportChoice())
        for need in case.needs:
            if need.table:
                continue
            absent = _absent(engine, rows, need)
            if absent:
                found.append(need.model_copy(update={"what": f"{need.what} ({absent})"}))
    return tuple(found)


def _absent(engine: Engine, rows: str, need: Need) -> str:
    """Return what is missing of a need in words, empty where nothing is."""
    window = parse_window(need.periods, option="periods")
    codes = " OR ".join(
        f"hs_code = {literal(p)}" if p == "TOTAL" else f"starts_with(hs_code, {literal(p)})"
        for p in need.products
    )
    months = "bool_or(frequency = 'M')"
    there = "bool_or(frequency = 'A') OR count(DISTINCT period) >= 12" if need.freq == "A" else months
    period = "left(period, 4)" if need.freq == "A" else "period"
    have = {
        (str(reporter), str(when))
        for reporter, when in engine.rows(f"""
            SELECT reporter, {period} AS t FROM ({rows})
            WHERE flow = {literal(need.flow)} AND ({codes}) AND role = 'leaf'
              AND partner_concept <> 'consignment'
            GROUP BY ALL
            HAVING {there}
        """)
    }  # fmt: skip
    parts = []
    for reporter in need.reporters:
        absent = [when for when in _periods(window.first, window.length) if (reporter, when) not in have]
        if absent:
            parts.append(f"{reporter} {_spans(absent, _periods(window.first, window.length))}")
    return "missing: " + ", ".join(parts) if parts else ""


def _spans(absent: list[str], every: list[str]) -> str:
    """Return periods in words: ``2021, 2023 to 2024``."""
    runs: list[list[str]] = []
    for when in absent:
        if runs and every.index(when) == every.index(runs[-1][-1]) + 1:
            runs[-1].append(when)
        else:
            runs.append([when])
    return " and ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _periods(first: str, length: int) -> list[str]:
    if len(first) == 4:
        return [str(int(first) + k) for k in range(length)]
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(start, start + length)]


def _demands(needs: tuple[Need, ...]) -> str:
    return "; ".join(need.what for need in needs)


def _how(needs: tuple[Need, ...]) -> str:
    return "\n       ".join(f"{need.get}\n       {need.ingest}" for need in needs)


def _compare(case: Case, figure: Figure, tables: dict[str, pa.Table]) -> Compared:
    is_unverified = not case.is_target or (figure.standing or case.standing) == "unverified"
    if is_unverified and figure.value is not None:
        return _uncomputed(case, figure)
    computed = figure_value(figure, {call.id: call for call in case.calls}, tables)
    if computed is None:
        return Compared(figure=figure, computed=None, difference=None, verdict="not computed")
    if figure.value is None:
        return Compared(figure=figure, computed=computed, difference=None, verdict="nothing published")
    difference = difference_of(computed, figure.value, unit=figure.unit)
    is_near = abs(difference) <= figure.tolerance or (figure.is_least and difference > 0)
    verdict = "agrees" if is_near else "differs"
    return Compared(figure=figure, computed=computed, difference=difference, verdict=verdict)


def _uncomputed(case: Case, figure: Figure) -> Compared:
    is_unverified = not case.is_target or (figure.standing or case.standing) == "unverified"
    verdict = "not compared" if is_unverified else "not computed"
    return Compared(figure=figure, computed=None, difference=None, verdict=verdict)
