"""Calls of a case as questions to a lake, and the figures that their answers give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from entrepot.nomenclature import product_codes, resolve_areas
from entrepot.pipeline.amounts import Amount
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.measured_flows import MeasuredFlows
from entrepot.pipeline.measuring import MeasureQuery
from entrepot.pipeline.revisions import RevisionChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from entrepot.pipeline.cases.reading import Call, Case, Figure, Row

__all__ = ["difference_of", "figure_value", "headline_of", "headline_value", "query_of"]

_VALUES = {"usd": "value_usd", "eur": "value_eur", "kg": "net_weight_kg", "units": "quantity"}
_POINTS = frozenset({"share", "growth"})


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
        amount=Amount(value=cast("Any", _VALUES[call.value]), unit=call.unit),
        by=None if call.by is None else tuple(part.strip() for part in call.by.split(",")),
        of=tuple(part.strip() for part in call.of.split(",")),
        base=call.base,
        before=call.before,
        after=call.after,
        scheme=call.scheme,
        show=areas["show"],
        periods=call.periods,
    )


def headline_of(case: Case) -> Figure | None:
    """Return the figure that the case stands for, None of a case that computes nothing."""
    return next((figure for figure in case.figures if figure.id == case.headline), None)


def headline_value(case: Case, tables: Mapping[str, pa.Table]) -> float | None:
    """Return what the answers give for the headline, None where they give nothing."""
    figure = headline_of(case)
    return None if figure is None else figure_value(figure, {call.id: call for call in case.calls}, tables)


def figure_value(figure: Figure, calls: Mapping[str, Call], tables: Mapping[str, pa.Table]) -> float | None:
    """Return a figure as the answers of calls give it.

    Parameters
    ----------
    figure
        Which rows of which calls, added up, over which others.
    calls, tables
        The calls by their id, and their answers.

    *Missing data*: None where a row is not there, is not one, or is null; or the divisor is not above 0.
    """
    upper = _added(figure, calls, tables)
    if upper is None or figure.over is None:
        return upper
    lower = _added(figure.over, calls, tables)
    if lower is None or lower <= 0:
        return None
    return upper / lower - (1.0 if figure.unit == "growth" else 0.0)


def difference_of(value: float, base: float, *, unit: str) -> float:
    """Return how far a value is off: of growth and shares in points, of amounts as a share of the base."""
    return value - base if unit in _POINTS or not base else value / base - 1.0


def _added(row: Row, calls: Mapping[str, Call], tables: Mapping[str, pa.Table]) -> float | None:
    parts = [_answer(row, tables[name], calls[name]) if name in tables else None for name in row.calls]
    return sum(cast("list[float]", parts)) if parts and None not in parts else None


def _answer(asked: Row, table: pa.Table, call: Call) -> float | None:
    """Return the value of the row that is asked for, None where there is none or more than one."""
    keys = {
        "exporter": asked.exporter,
        "importer": asked.importer,
        "hs_code": asked.hs_code,
        "period": asked.period,
    }
    every = table.to_pylist()
    periods = sorted({row["period"] for row in every if "period" in row}) or [""]
    keys["period"] = {"first": periods[0], "last": periods[-1]}.get(asked.period, asked.period)
    rows = [
        row
        for row in every
        if all(not text or key not in row or row[key] == text for key, text in keys.items())
        and all(row.get(key) in words for key, words in asked.keys.items())
    ]
    column = call.column or call.amount or _VALUES[call.value]
    found = [row[column] for row in rows]
    if asked.keys:
        return sum(found) if found and None not in found else None
    if asked.is_largest:
        return max((one for one in found if one is not None), default=None)
    return cast("float | None", found[0]) if len(found) == 1 else None
