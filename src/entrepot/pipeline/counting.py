"""Which rows of a lake count: of each report one set of goods, in one revision, of one source."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import pyarrow as pa

from entrepot.engine import Engine, SparkEngine, literal
from entrepot.pipeline.choices import ALL_REPORTS, ReportChoice
from entrepot.pipeline.leaves import frequency_reports, leaf_reports
from entrepot.pipeline.parts import WHOLE, counted_sql, parts_of
from entrepot.pipeline.revision_notes import Conversion, Replaced, RevisionFacts
from entrepot.pipeline.revisions import converted_reports, needs_linking, one_revision, seen_trade
from entrepot.pipeline.survey import Survey, survey_lake
from entrepot.schema import PartnerConcept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from entrepot.pipeline.parts import Part
    from entrepot.pipeline.revisions import Trade
    from entrepot.store import Lake

__all__ = ["CountedReports", "counted_reports"]

_IS_REPORT: Final = f"role = 'leaf' AND partner_concept <> '{PartnerConcept.RECONCILED.value}'"

#: What travels from a part to the whole.
_LEAF: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("reporter", "partner", "partner_concept", "flow", "frequency")),
        *((name, pa.string()) for name in ("period", "source", "role", "hs_code")),
        ("primary_value_usd", pa.float64()),
        ("net_weight_kg", pa.float64()),
        ("quantity", pa.float64()),
        ("quantity_unit", pa.string()),
    ]
)
_FACTS: Final = "__facts"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of every part of a lake; it travels to the executors."""

    lake: Lake
    frequency: str
    choice: ReportChoice
    survey: Survey
    wants_facts: bool
    seen: Trade | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CountedReports:
    """The rows of a lake that count, each once.

    Attributes
    ----------
    rows
        ``reporter, partner, partner_concept, flow, frequency, period, source, role, hs_code,
        primary_value_usd, net_weight_kg, quantity, quantity_unit``, kept on the engine.
    name
        Name that they are kept under, to drop them by.
    are_reports
        They are reporters' own; otherwise flows that their publisher reconciled.
    """

    rows: nw.LazyFrame[Any]
    name: str
    are_reports: bool


def counted_reports(
    engine: Engine | SparkEngine,
    lake: Lake,
    *,
    frequency: str = "M",
    choice: ReportChoice = ALL_REPORTS,
    survey: Survey | None = None,
    tell: Callable[[str], None] | None = None,
) -> CountedReports:
    """Return the rows of a lake that count, goods and totals.

    On Spark every part of the lake is a task, which runs what DuckDB runs here over the whole.

    Parameters
    ----------
    engine, lake
        Where the rows will live, and the lake.
    frequency
        ``M`` or ``A``.
    choice
        Which reports count, and the revision that their codes are brought to.
    survey
        What the lake holds, where it has been looked through already.
    tell
        Told in words what the codes' revisions mean for the result.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency.
    """
    if survey is None:
        survey = survey_lake(engine, lake, frequency=frequency, choice=choice)
    question = _Question(lake, frequency, choice, survey, wants_facts=tell is not None)
    of_parts = _on_spark(engine, question) if isinstance(engine, SparkEngine) else _leaves(engine, question)
    if tell is not None:
        for note in of_parts.facts.words(choice.revision):
            tell(note)
    if not survey.has_reports:
        return CountedReports(of_parts.leaves, of_parts.name, are_reports=False)
    return _one_source(engine, of_parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Leaves:
    """Leaves before one source is chosen.

    Attributes
    ----------
    leaves, name
        The rows, and the name that they are kept under.
    facts
        What to tell of them.
    """

    leaves: nw.LazyFrame[Any]
    name: str
    facts: RevisionFacts


def _leaves(engine: Engine, question: _Question, part: Part = WHOLE) -> _Leaves:
    """Judge a part of the lake on DuckDB."""
    survey, frequency, revision = question.survey, question.frequency, question.choice.revision
    # Every call keeps its own tables: an earlier frame on the engine still reads those of its call.
    name = engine.unused("leaves")
    leaves = engine.keep(engine.frame(_leaf_sql(engine, question, part)), name)
    conversions: list[Conversion] = []
    replaced: list[Replaced] = []
    mixed: frozenset[str] = frozenset()
    if revision is not None and revision.named_by and not needs_linking(engine, name, revision):
        revision = None
    if revision is not None:
        leaves = converted_reports(
            engine,
            leaves,
            revision,
            name=f"converted_{name}",
            seen=question.seen,
            tell=conversions.append if question.wants_facts else None,
        )
        engine.drop(name)
        name = f"converted_{name}"
    if survey.has_reports:
        column = "hs_revision" if revision is None else "source_hs_revision"
        tell = replaced.append if question.wants_facts else None
        single = one_revision(engine, leaves, name=f"revised_{name}", column=column, tell=tell)
        if single is not leaves:
            engine.drop(name)
            leaves, name = single, f"revised_{name}"
        if question.choice.revision is None and question.wants_facts:
            mixed = _revisions(leaves)
        if frequency == "A":
            leaves = _years(engine, leaves, f"years_{name}")
            engine.drop(name)
            name = f"years_{name}"
    facts = RevisionFacts(tuple(conversions), tuple(replaced), mixed)
    return _Leaves(leaves.select(*_LEAF.names), name, facts)


def _leaf_sql(engine: Engine, question: _Question, part: Part) -> str:
    survey, frequency = question.survey, question.frequency
    counted = counted_sql(engine, question.lake, question.choice, part)
    if survey.edition is not None:
        source, revision = survey.edition
        # reports of the other frequency would outweigh the publisher's flows
        reports = frequency_reports(counted, frequency)
        chosen = f"source = {literal(source)} AND hs_revision = {literal(revision)}"
        counted = f"SELECT * FROM ({reports}) WHERE {chosen}"
    else:
        counted = f"SELECT * FROM ({counted}) WHERE {_IS_REPORT}"
        if frequency == "M":
            counted = frequency_reports(counted, frequency)
    # Asked of the rows themselves: a survey of years has not seen the months that make none.
    longer = f"SELECT 1 FROM ({counted}) WHERE role = 'leaf' AND hs_level > {survey.levels[0]} LIMIT 1"
    return leaf_reports(counted, survey.levels, has_longer=bool(engine.rows(longer)))


def _years(engine: Engine, leaves: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    """Return annual leaves: years as published, or made of months, which are leaves by then."""
    leaves.to_native().create_view(f"{name}_periods", replace=True)
    columns = tuple(leaves.collect_schema().names())
    made = frequency_reports(f"FROM {name}_periods", "A", columns)
    return engine.keep(engine.frame(made), name)


def _revisions(leaves: nw.LazyFrame[Any]) -> frozenset[str]:
    goods = leaves.filter(nw.col("hs_code") != "TOTAL").select("hs_revision").unique()
    return frozenset(goods.collect("pyarrow")["hs_revision"].to_list())


def _on_spark(engine: SparkEngine, question: _Question) -> _Leaves:
    """Judge every part in a task; its facts come as a last row beside its leaves."""
    parts = parts_of(question.lake, question.choice)
    task_memory = engine.task_memory
    revision = question.choice.revision
    if revision is not None and revision.shares == "learnt":
        seen = engine.each(partial(_seen_in_task, question, task_memory), parts)
        question = replace(question, seen=_added(seen))

    def task(number: int) -> Iterator[pa.RecordBatch]:
        yield from _leaves_in_task(question, task_memory, parts[number])

    schema = _LEAF.append(pa.field(_FACTS, pa.binary()))
    name = engine.unused("leaves")
    whole = engine.keep(engine.batches_of(task, len(parts), schema), name)
    is_fact = ~nw.col(_FACTS).is_null()
    told = whole.filter(is_fact).select(_FACTS).collect("pyarrow")[_FACTS].to_list()
    facts = RevisionFacts.together(pickle.loads(one) for one in told)  # noqa: S301  what our tasks have made
    return _Leaves(whole.filter(~is_fact).drop(_FACTS), name, facts)


def _leaves_in_task(question: _Question, memory_limit: str, part: Part) -> Iterator[pa.RecordBatch]:
    with Engine(memory_limit=memory_limit, threads=1) as engine:
        found = _leaves(engine, question, part)
        for batch in engine.batches(f"SELECT {', '.join(_LEAF.names)} FROM {found.name}"):
            rows = pa.Table.from_batches([batch]).cast(_LEAF)
            yield from rows.append_column(_FACTS, pa.nulls(rows.num_rows, pa.binary())).to_batches()
    nothing = [pa.nulls(1, kind) for kind in _LEAF.types]
    facts = pa.array([pickle.dumps(found.facts)], pa.binary())
    yield pa.RecordBatch.from_arrays([*nothing, facts], names=[*_LEAF.names, _FACTS])


def _seen_in_task(question: _Question, memory_limit: str, part: Part) -> Trade:
    with Engine(memory_limit=memory_limit, threads=1) as engine:
        leaves = engine.keep(engine.frame(_leaf_sql(engine, question, part)), "leaves")
        return seen_trade(engine, leaves, "seen")


def _added(trades: Iterable[Trade]) -> Trade:
    """Return trade by revision and code, summed over parts."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for trade in trades:
        for revision, codes in trade.items():
            for code, value in codes.items():
                sums[revision][code] += value  # type: ignore[assignment]  # amounts, not counts
    return {revision: dict(codes) for revision, codes in sums.items()}


def _one_source(engine: Engine | SparkEngine, found: _Leaves) -> CountedReports:
    """Keep one source's report of each cell: that of the source with most reports of the reporter and flow.

    Two publishers may both have a reporter's figures (Comtrade, the national office): they are never added.
    """
    leaves = found.leaves
    sizes = leaves.group_by("reporter", "flow", "source").agg(nw.len().alias("size"))
    rows = sizes.collect("pyarrow").to_native().to_pylist()
    if len({row["source"] for row in rows}) < 2:
        return CountedReports(leaves, found.name, are_reports=True)
    rows.sort(key=lambda row: (row["reporter"], row["flow"], -row["size"], row["source"]))
    table = pa.Table.from_pylist(
        [
            {"reporter": row["reporter"], "flow": row["flow"], "source": row["source"], "preference": place}
            for place, row in enumerate(rows)
        ],
        schema=pa.schema(
            [*((key, pa.string()) for key in ("reporter", "flow", "source")), ("preference", pa.int64())]
        ),
    )
    cell = ("reporter", "partner", "partner_concept", "flow", "period", "hs_code")
    preference = nw.col("preference")
    single = (
        leaves.join(engine.arrow_frame(table), on=["reporter", "flow", "source"], how="inner")
        .with_columns(preference.min().over(*cell).alias("best"))
        .filter(preference == nw.col("best"))
        .select(*_LEAF.names)
    )
    name = f"single_{found.name}"
    kept = engine.keep(single, name)
    engine.drop(found.name)
    return CountedReports(kept, name, are_reports=True)
