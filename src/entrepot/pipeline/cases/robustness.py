"""The headline of a case under other choices, and without its largest parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import pyarrow as pa

from entrepot.engine import Engine, small_table
from entrepot.errors import CoverageError
from entrepot.pipeline.cases.answers import difference_of, figure_value, headline_of, query_of
from entrepot.pipeline.measured_flows import LakeBooks
from entrepot.pipeline.measuring import measure_flows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entrepot.pipeline.cases.reading import Call, Case, Figure
    from entrepot.pipeline.measuring import MeasureQuery
    from entrepot.store import Lake

__all__ = ["ROBUSTNESS", "headline_robustness", "published_robustness"]

#: **Grain**: choice × value. ``kind`` is ``headline``, ``choice`` or ``left_out``; ``difference`` is that of
#: the headline, of growth and shares in points, of amounts as a share of it.
ROBUSTNESS: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("case", "figure", "label", "unit", "kind", "choice", "value")),
        ("computed", pa.float64()),
        ("difference", pa.float64()),
        ("note", pa.string()),
    ]
)
_BOOKS: Final = ("reconciled", "exports", "imports")
_MOST_VINTAGES: Final = 3
_MOST_LEFT_OUT: Final = 5
#: Measures that add goods up, so that a heading can be taken out of them.
_SUMS: Final = frozenset(
    {
        "total",
        "growth",
        "year_to_date",
        "rolling_year",
        "index",
        "share",
        "rank",
        "concentration",
        "overtaking",
    }
)
#: Digits of the goods that are left out.
_HEADING: Final = 4


_Flows = dict[str, nw.LazyFrame[Any]]


@dataclass(frozen=True, slots=True)
class _Choice:
    """One other way to ask all calls of the headline."""

    name: str
    value: str
    queries: Mapping[str, MeasureQuery]


def headline_robustness(case: Case, lake: Lake, *, memory_limit: str = "4GB") -> pa.Table:
    """Return the headline of a case by other books, vintages and goods, and without its largest parts.

    Use it before a figure is quoted: one that a choice nobody speaks of carries is not ready.

    Parameters
    ----------
    case
        A case with a headline.
    lake
        Its data.
    memory_limit
        Memory of the engine.

    Returns
    -------
    pa.Table
        :data:`ROBUSTNESS`. The headline first; then each other choice (the reconciled flows and each book;
        the vintages before the last; goods added up in place of published totals; periods that were left out
        since part of the reporters is missing; codes as reported or in HS2017); then what is left without
        each of the five largest exporters, importers and headings of its calls that it has a part of.

    *Missing data*: ``computed`` is null where a choice has no data, and ``note`` says so.
    """
    figure = headline_of(case)
    if figure is None:
        return ROBUSTNESS.empty_table()
    names = [*figure.calls, *(figure.over.calls if figure.over is not None else ())]
    calls = {call.id: call for call in case.calls if call.id in names}
    queries = {name: _at_headings(query_of(call)) for name, call in calls.items()}
    head = {"case": case.id, "figure": figure.id, "label": figure.label, "unit": figure.unit}
    rows: list[dict[str, Any]] = []

    def add(kind: str, choice: str, value: str, computed: float | None, note: str | None = None) -> None:
        base = rows[0]["computed"] if rows else computed
        difference = None
        if computed is not None and base is not None:
            difference = difference_of(computed, base, unit=figure.unit)
        said = {"kind": kind, "choice": choice, "value": value, "note": note}
        rows.append({**head, **said, "computed": computed, "difference": difference})

    with Engine(memory_limit=memory_limit) as engine:
        books = LakeBooks(engine, lake)
        flows = _flows_of(books, queries)
        add("headline", "as the case asks", "", _value(figure, calls, engine, flows, queries))
        left_out = [
            (part, _value(figure, calls, engine, _without(flows, part), queries))
            for part in _largest_parts(figure, flows, queries)
        ]
        for choice in _choices(calls, queries, lake):
            computed, note = None, None
            try:
                changed = _flows_of(books, choice.queries)
                computed = _value(figure, calls, engine, changed, choice.queries)
                note = None if computed is not None else "no such row"
            except CoverageError as error:
                note = error.what
            add("choice", choice.name, choice.value, computed, note)
    for (column, code), computed in sorted(left_out, key=lambda one: -abs(_moved(one[1], rows[0], figure))):
        if computed != rows[0]["computed"]:
            add("left_out", column, code, computed, None if computed is not None else "nothing is left")
    return pa.Table.from_pylist(rows, schema=ROBUSTNESS)


def _moved(computed: float | None, headline: Mapping[str, Any], figure: Figure) -> float:
    if computed is None or headline["computed"] is None:
        return 0.0
    return difference_of(computed, headline["computed"], unit=figure.unit)


def _flows_of(books: LakeBooks, queries: Mapping[str, MeasureQuery]) -> _Flows:
    return {
        name: books.flows(query.flows, amount=query.amount, zeros_by=query.zeros_by, whole_by=query.whole_by)
        for name, query in queries.items()
    }


def _without(flows: _Flows, part: tuple[str, str]) -> _Flows:
    column, code = part
    other = ~nw.col(column).str.starts_with(code) if column == "hs_code" else nw.col(column) != code
    return {name: frame.filter(other) for name, frame in flows.items()}


def _value(
    figure: Figure,
    calls: Mapping[str, Call],
    engine: Engine,
    flows: _Flows,
    queries: Mapping[str, MeasureQuery],
) -> float | None:
    """Return the figure that the calls give on flows."""
    tables = {name: measure_flows(engine, flows[name], query) for name, query in queries.items()}
    return figure_value(figure, calls, tables)


def _at_headings(query: MeasureQuery) -> MeasureQuery:
    """Return the question on flows of six digits where it adds goods up, so that headings can be left out."""
    of_goods = "hs_code" in {*query.keys, *query.of}
    if query.name not in _SUMS or of_goods:
        return query
    return replace(query, flows=replace(query.flows, level=6))


def _choices(calls: Mapping[str, Call], queries: Mapping[str, MeasureQuery], lake: Lake) -> Iterator[_Choice]:
    """Yield every other way to ask the calls that can differ."""

    def with_flows(**changes: Any) -> dict[str, MeasureQuery]:
        return {
            name: replace(query, flows=replace(query.flows, **changes)) for name, query in queries.items()
        }

    flows = [query.flows for query in queries.values()]
    books = {one.book for one in flows}
    for book in _BOOKS:
        if books != {book}:
            yield _Choice("book", book, with_flows(book=book))
    vintages = sorted({row["vintage"] for row in lake.files().to_pylist()})
    for day in reversed(vintages[:-1][-_MOST_VINTAGES:]):
        changed = {
            name: replace(query, flows=replace(query.flows, choice=replace(query.flows.choice, as_of=day)))
            for name, query in queries.items()
        }
        yield _Choice("vintage", f"up to {day}", changed)
    if all(one.products == ("TOTAL",) for one in flows):
        yield _Choice("goods", "added up, not the published total", with_flows(products=()))
    elif "TOTAL" not in {code for one in flows for code in one.products}:
        is_converted = any(call.hs_revision for call in calls.values())
        revision = {"hs_revision": None if is_converted else "HS2017"}
        changed = {
            name: _at_headings(query_of(call.model_copy(update=revision))) for name, call in calls.items()
        }
        yield _Choice("codes", "as reported" if is_converted else "converted to HS2017", changed)
    is_whole = all(one.has_all_periods for one in flows)
    yield _Choice(
        "periods that part of the reporters did not publish",
        "left out" if is_whole else "kept",
        with_flows(has_all_periods=not is_whole),
    )


def _largest_parts(
    figure: Figure, flows: _Flows, queries: Mapping[str, MeasureQuery]
) -> list[tuple[str, str]]:
    """Return column and code of the largest parts of the calls in the headline's year."""
    rows = [row for row in (figure, figure.over) if row is not None]
    years = {row.period[:4] for row in rows if row.period}
    own = {code for row in rows for code in (row.exporter, row.importer)}
    found: list[tuple[str, str]] = []
    for column, digits in (("exporter", None), ("importer", None), ("hs_code", _HEADING)):
        sizes: dict[str, float] = {}
        for name, frame in flows.items():
            part = frame
            if years:
                part = part.filter(nw.col("period").str.slice(0, 4).is_in(sorted(years)))
            for side in ("exporter", "importer"):
                asked = {getattr(row, side) for row in rows if name in row.calls}
                if column == "hs_code" and "" not in asked:
                    part = part.filter(nw.col(side).is_in(sorted(asked)))
            sums = part.group_by(nw.col(column).str.slice(0, digits).alias("code")).agg(
                nw.col(queries[name].value).sum().alias("size")
            )
            for row in small_table(sums.to_native(), what="largest parts").to_pylist():
                sizes[row["code"]] = sizes.get(row["code"], 0.0) + (row["size"] or 0.0)
        others = [code for code in sizes if code not in own]
        if len(sizes) > 1:
            largest = sorted(others, key=lambda code: (-sizes[code], code))[:_MOST_LEFT_OUT]
            found += [(column, code) for code in largest]
    return found


def published_robustness(case: Case) -> pa.Table:
    """Return the ratio of the published figures of a case's bars together, and without each of them.

    Returns
    -------
    pa.Table
        :data:`ROBUSTNESS`; no rows where a case has no bars.
    """
    if case.bars is None:
        return ROBUSTNESS.empty_table()
    values = {figure.id: figure.value or 0.0 for figure in case.figures}

    def ratio(without: str = "") -> float:
        kept = [row for row in case.bars.rows if row[0] != without] if case.bars is not None else []
        return sum(values[row[2]] for row in kept) / sum(values[row[1]] for row in kept)

    whole = ratio()
    head = {
        "case": case.id,
        "figure": "all",
        "label": "all of them together, later over earlier",
        "unit": "factor",
    }
    rows = [
        {
            **head,
            "kind": "headline",
            "choice": "as published",
            "value": "",
            "computed": whole,
            "difference": 0.0,
        }
    ]
    for label, *_ in case.bars.rows:
        left = ratio(label)
        rows.append(
            {**head, "kind": "left_out", "choice": "place", "value": label, "computed": left,
             "difference": left / whole - 1.0}
        )  # fmt: skip
    rows[1:] = sorted(rows[1:], key=lambda row: -abs(float(str(row["difference"]))))
    return pa.Table.from_pylist(rows, schema=ROBUSTNESS)
