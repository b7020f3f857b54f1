"""Run a case: is the data there, what do the calls give, how far off is what was published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from entrepot.engine import Engine, literal
from entrepot.errors import CoverageError
from entrepot.measures.spans import parse_window
from entrepot.nomenclature import product_codes, resolve_areas
from entrepot.pipeline.cases.reading import Call, Case, Figure, Need, case_names, find_case
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.measured_flows import MeasuredFlows
from entrepot.pipeline.measuring import MeasureQuery, measure_lake
from entrepot.pipeline.parts import counted_sql
from entrepot.pipeline.revisions import RevisionChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.store import Lake

__all__ = ["CaseResult", "Compared", "missing_data", "published_figures", "query_of", "run_case"]

_VALUES = {"usd": "value_usd", "eur": "value_eur", "kg": "net_weight_kg"}
_POINTS = frozenset({"share", "growth"})


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
        ``agrees``, ``differs``, ``not computed`` or ``not compared`` (unverified).
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
    notes
        What was left out, and other remarks of the calls.
    """

    case: Case
    compared: tuple[Compared, ...]
    tables: dict[str, pa.Table] = field(default_factory=dict)
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
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def run_case(
    case: Case,
    lake: Lake | None,
    *,
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
        The lake; None for a case that has ``bars``.
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
    """
    if lake is None:
        if case.bars is None:
            raise CoverageError(
                f"{case.id} needs data: {_demands(case.needs)}"
                if case.needs
                else f"{case.id} cannot be run: {case.answers}",
                where=f"case {case.id}",
                hint=_how(case.needs) or f"entrepot case show {case.id}",
            )
        return CaseResult(case=case, compared=tuple(_uncomputed(case, one) for one in case.figures))
    lacking = missing_data(case, lake)
    if (lacking and not is_partial) or not case.calls:
        raise CoverageError(
            f"the lake lacks {_demands(lacking)}" if lacking else f"{case.id} has no call: {case.answers}",
            where=f"case {case.id}",
            hint=_how(lacking) or f"entrepot case show {case.id}",
        )
    notes = [f"the lake lacks {need.what}; get it: {need.get}" for need in lacking]
    tables = {}
    for call in case.calls:
        if tell is not None:
            tell(f"{call.id}: {call.title}")
        try:
            tables[call.id] = measure_lake(lake, query_of(call), memory_limit=memory_limit, tell=notes.append)
        except CoverageError as error:
            if not is_partial:
                raise
            notes.append(f"{call.id} was not run: {error.what}")
    if not tables:
        raise CoverageError(
            f"the lake lacks {_demands(lacking)}", where=f"case {case.id}", hint=_how(lacking)
        )
    compared = tuple(_compare(case, one, tables) for one in case.figures)
    return CaseResult(case=case, compared=compared, tables=tables, notes=tuple(dict.fromkeys(notes)))


def missing_data(case: Case, lake: Lake) -> tuple[Need, ...]:
    """Return the needs that the lake does not meet, each with what is not there of it."""
    found = []
    with Engine(memory_limit="1GB") as engine:
        rows = counted_sql(engine, lake, ReportChoice())
        for need in case.needs:
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


def query_of(call: Call) -> MeasureQuery:
    """Return the question of a call, as the command line would put it."""
    areas = {
        name: resolve_areas(text) if text else ()
        for name, text in (
            ("exporter", call.exporter), ("importer", call.importer), ("show", call.show),
            ("outside", call.outside),
        )
    }  # fmt: skip
    revision = RevisionChoice(call.hs_revision) if call.hs_revision else None
    chosen = {} if revision is None else {"revision": revision.revision}
    flows = MeasuredFlows(
        book=call.book,
        frequency=call.freq,
        exporters=areas["exporter"],
        importers=areas["importer"],
        products=product_codes(call.products, **cast("Any", chosen)) if call.products else (),
        level=call.level,
        outside=areas["outside"],
        has_all_periods=call.all_periods,
        choice=ReportChoice(revision=revision),
    )
    return MeasureQuery(
        name=cast("Any", call.measure),
        flows=flows,
        value=cast("Any", _VALUES[call.value]),
        by=None if call.by is None else tuple(part.strip() for part in call.by.split(",")),
        of=tuple(part.strip() for part in call.of.split(",")),
        base=call.base,
        before=call.before,
        after=call.after,
        scheme=call.scheme,
        show=areas["show"],
        periods=call.periods,
    )


def _compare(case: Case, figure: Figure, tables: dict[str, pa.Table]) -> Compared:
    if not case.is_target or (figure.standing or case.standing) == "unverified":
        return _uncomputed(case, figure)
    by_id = {call.id: call for call in case.calls}
    parts = [_answer(figure, tables[name], by_id[name]) if name in tables else None for name in figure.calls]
    if not parts or None in parts:
        return Compared(figure=figure, computed=None, difference=None, verdict="not computed")
    computed = sum(cast("list[float]", parts))
    if figure.unit in _POINTS or not figure.value:
        difference = computed - figure.value
    else:
        difference = computed / figure.value - 1.0
    verdict = "agrees" if abs(difference) <= figure.tolerance else "differs"
    return Compared(figure=figure, computed=computed, difference=difference, verdict=verdict)


def _uncomputed(case: Case, figure: Figure) -> Compared:
    is_unverified = not case.is_target or (figure.standing or case.standing) == "unverified"
    verdict = "not compared" if is_unverified else "not computed"
    return Compared(figure=figure, computed=None, difference=None, verdict=verdict)


def _answer(figure: Figure, table: pa.Table, call: Call) -> float | None:
    """Return the value of the row that a figure is about, None where there is none or more than one."""
    asked = {"exporter": figure.exporter, "importer": figure.importer, "period": figure.period}
    rows = [
        row
        for row in table.to_pylist()
        if all(not text or key not in row or row[key] == text for key, text in asked.items())
    ]
    column = call.column or _VALUES[call.value]
    return cast("float | None", rows[0][column]) if len(rows) == 1 else None
