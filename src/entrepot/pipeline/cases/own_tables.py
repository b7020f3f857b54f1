"""Calls of a case on tables of one's own: dimensions that no report of trade between countries has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from entrepot import measures
from entrepot.errors import OptionError
from entrepot.pipeline.cases.answers import difference_of, figure_value, headline_of
from entrepot.sources.own_table import read_own_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from entrepot.pipeline.cases.reading import Call, Case

__all__ = ["measure_table", "read_tables", "table_robustness"]

_MOST_LEFT_OUT = 5


def read_tables(case: Case, files: Mapping[str, Path]) -> dict[str, pa.Table]:
    """Return the tables that a case was given, by their names in it.

    Raises
    ------
    OptionError
        The case has no table of the name.
    InputFileError
        A file is no such table: see :func:`entrepot.sources.own_table.read_own_table`.
    """
    needs = {need.table: need for need in case.needs if need.table}
    for name in files:
        if name not in needs:
            raise OptionError(
                f"{case.id} has no table called {name!r}",
                where="--table",
                hint=f"its tables are {', '.join(needs)}" if needs else "it asks for none: leave it out",
            )
    return {
        name: read_own_table(path, texts=needs[name].columns, numbers=needs[name].amounts)
        for name, path in files.items()
    }


def measure_table(call: Call, table: pa.Table) -> pa.Table:
    """Return the answer of a call on a table.

    Parameters
    ----------
    call
        ``total`` by its keys, ``share`` of ``of`` within them, ``concentration`` of ``of`` within them, or
        ``growth`` of series of them; ``only`` keeps rows, codes by their beginning.
    table
        As :func:`read_tables` gives it.
    """
    for name, kept in call.only.items():
        column = pc.fill_null(table[name], "")
        masks = [pc.starts_with(column, one) if name == "hs_code" else pc.equal(column, one) for one in kept]
        keep = masks[0]
        for mask in masks[1:]:
            keep = pc.or_(keep, mask)
        table = table.filter(keep)
    by, of = _keys(call.by or ""), _keys(call.of)
    match call.measure:
        case "share":
            found: Any = measures.shares(table, of=of, within=by, value=call.amount)
        case "concentration":
            found = measures.herfindahl_hirschman(table, of=of, within=by, value=call.amount)
        case "growth":
            found = measures.year_on_year(table, by=by, value=call.amount)
        case _:
            found = measures.totals(table, by=by, value=call.amount)
    frame = nw.from_native(found).lazy().collect(backend="pyarrow").to_native()
    texts = [field.name for field in frame.schema if field.type == pa.string()]
    return frame.sort_by([(name, "ascending") for name in texts])


def _keys(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def table_robustness(case: Case, own: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """Return the headline of a case that its tables give, and what is left of it without each largest part.

    Parts are the five largest words of every dimension of the headline's tables, but for those that the
    headline is about. Empty where tables do not give it.
    """
    figure = headline_of(case)
    rows = [] if figure is None else [row for row in (figure, figure.over) if row is not None]
    calls = {call.id: call for call in case.calls if call.id in {name for row in rows for name in row.calls}}
    if figure is None or not calls or any(call.table not in own for call in calls.values()):
        return []

    def value(column: str = "", word: str = "") -> float | None:
        tables = {}
        for name, call in calls.items():
            table = own[call.table]
            if column in table.column_names:
                table = table.filter(pc.not_equal(pc.fill_null(table[column], ""), word))
            tables[name] = measure_table(call, table)
        return figure_value(figure, calls, tables)

    head = {"case": case.id, "figure": figure.id, "label": figure.label, "unit": figure.unit, "note": None}
    base = value()
    found: list[dict[str, Any]] = [
        {**head, "kind": "headline", "choice": "as the case asks", "value": "", "computed": base,
         "difference": 0.0 if base is not None else None}
    ]  # fmt: skip
    about = {name for row in rows for name in row.keys}
    parts = {
        (name, word): size
        for call in calls.values()
        for name in own[call.table].column_names
        if pa.types.is_string(own[call.table][name].type) and name not in about | set(call.only)
        for word, size in _largest(own[call.table], name, call)
    }
    for name, word in parts:
        left = value(name, word)
        if left == base:
            continue
        difference = None if left is None or base is None else difference_of(left, base, unit=figure.unit)
        found.append(
            {**head, "kind": "left_out", "choice": name, "value": word, "computed": left,
             "difference": difference, "note": "nothing is left" if left is None else None}
        )  # fmt: skip
    found[1:] = sorted(found[1:], key=lambda row: -abs(row["difference"] or 0.0))
    return found


def _largest(table: pa.Table, name: str, call: Call) -> list[tuple[str, float]]:
    """Return the five words of a dimension with the largest amounts, where it has several."""
    sums = measure_table(
        call.model_copy(update={"measure": "total", "by": name}), table.filter(pc.is_valid(table[name]))
    ).to_pylist()
    ordered = sorted(sums, key=lambda row: (-(row[call.amount] or 0.0), row[name]))
    most = ordered[:_MOST_LEFT_OUT] if len(ordered) > 1 else []
    return [(row[name], row[call.amount] or 0.0) for row in most]
