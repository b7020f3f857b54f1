"""From the lake to a measure: the flows it is made of, the expression, the rows asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import narwhals as nw
import pyarrow as pa

from entrepot import measures
from entrepot.engine import open_engine, spark_errors
from entrepot.errors import OptionError
from entrepot.measures.spans import parse_window
from entrepot.nomenclature import HS_REVISIONS, class_table, file_class_table, list_entries, list_names
from entrepot.pipeline.amounts import Amount
from entrepot.pipeline.measured_flows import MeasuredFlows, Side, measured_flows

if TYPE_CHECKING:
    from entrepot.engine import Engine, EngineName, SparkEngine
    from entrepot.nomenclature import ClassScheme
    from entrepot.store import Lake

__all__ = ["MEASURES", "MeasureName", "MeasureQuery", "measure_flows", "measure_lake"]

MeasureName = Literal[
    "total", "growth", "year_to_date", "rolling_year", "index", "share", "rank", "overtaking",
    "concentration", "dependence", "substitutability", "advantage", "proximity", "similarity",
    "complementarity", "supplanting", "margins", "composition", "plausibility",
]  # fmt: skip
MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)

_KEYS = ("exporter", "importer", "hs_code", "period")
_SIDES: tuple[Side, ...] = ("exporter", "importer")
#: The column that rows are about: the first of these that there is.
_ABOUT = ("overtaker", "area", "exporter", "importer")
#: Keys of the rows where none are asked for.
_BY: dict[str, tuple[str, ...]] = {
    "total": ("exporter", "importer", "period"),
    "growth": ("exporter", "importer"),
    "year_to_date": ("exporter", "importer"),
    "rolling_year": ("exporter", "importer"),
    "index": ("exporter", "importer"),
    "share": ("importer", "period"),
    "rank": ("importer", "period"),
    "overtaking": ("importer",),
    "concentration": ("importer", "period"),
    "supplanting": ("importer",),
    "margins": ("exporter", "importer"),
    "composition": ("exporter", "period"),
}
#: Keys that a measure has of itself, so that ``by`` does not apply.
_FIXED = frozenset(
    {
        "dependence", "substitutability", "advantage", "proximity", "similarity", "complementarity",
        "plausibility",
    }
)  # fmt: skip
_MONTHLY = frozenset({"year_to_date", "rolling_year"})
#: Series, in which a period that was published and has no trade is zero.
_OF_SERIES = frozenset({"total", "growth", "year_to_date", "rolling_year", "index"})
_WINDOWS = frozenset({"supplanting", "margins"})
#: Measures that set rows beside each other, and the keys that they add up by first.
_SELF_JOINED: dict[str, tuple[str, ...]] = {
    "dependence": ("exporter", "importer", "period"),
    "substitutability": ("exporter", "importer", "hs_code", "period"),
    "proximity": ("exporter", "hs_code", "period"),
    "similarity": ("exporter", "hs_code", "period"),
    "overtaking": (),
}
_WITH_PERIOD = frozenset({"total", "share", "rank", "concentration", "composition"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureQuery:
    """Which measure of which flows.

    Attributes
    ----------
    name
        One of :data:`MEASURES`.
    flows
        The flows it is made of: all of the whole that shares are shares of.
    amount
        What is measured: dollars, euro, kilograms or units, at the prices of the time or of a base.
    by
        Keys: of growth the series, of shares, ranks and concentration the whole, of the others the rows.
    of
        Whose shares, ranks and concentration.
    base
        Period or periods of an index that are 100.
    before, after
        Windows of ``supplanting`` and ``margins``.
    scheme
        Of ``composition``: BEC4, STAGE (of processing) and ENERGY made of it, SITC4, ICT, RAUCH, the name
        of a list, whose tiers are the categories, or ``@FILE:COLUMN``, a classification of one's own: see
        :func:`entrepot.nomenclature.file_class_table`.
    gdp
        Of ``plausibility``: the rows of :func:`entrepot.read_gdp`.
    show
        Areas that the rows are about; all when empty. They do not change any whole.
    periods
        ``first:last`` of the rows; earlier periods are still compared with.
    """

    name: MeasureName
    flows: MeasuredFlows = field(default_factory=MeasuredFlows)
    amount: Amount = field(default_factory=Amount)
    by: tuple[str, ...] | None = None
    of: tuple[str, ...] = ("exporter",)
    base: str | None = None
    before: str | None = None
    after: str | None = None
    scheme: str = "BEC4"
    gdp: pa.Table | None = None
    show: tuple[str, ...] = ()
    periods: str | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.name not in MEASURES:
            _refuse(f"no measure is called {self.name!r}", "NAME", f"there are {', '.join(MEASURES)}")
        strange = [key for key in (*(self.by or ()), *self.of) if key not in _KEYS]
        if strange:
            _refuse(
                f"{', '.join(strange)} is no key of the rows", "--by and --of", f"keys are {', '.join(_KEYS)}"
            )
        if self.by is not None and self.name in _FIXED:
            _refuse(f"{self.name} has keys of its own", "--by", "leave the option out")
        if self.name == "plausibility" and self.value != "value_usd":
            _refuse("GDP is in current US dollars", "--value and --deflator", "leave the options out")
        if self.name in _MONTHLY and self.flows.frequency != "M":
            _refuse(f"{self.name} is made of months", "--freq", "add --freq M")
        if self.name == "plausibility" and self.gdp is None:
            _refuse(
                "plausibility needs GDP",
                "--gdp",
                "entrepot fetch world_bank --to FOLDER; --gdp FOLDER",
            )
        if self.name == "index" and self.base is None:
            _refuse("an index needs a base", "--base", "give the period that is 100: --base 2021")
        if self.name in _WINDOWS and (self.before is None or self.after is None):
            _refuse(f"{self.name} compares two windows", "--before and --after", "--before 2021 --after 2023")
        if self.periods is not None:
            parse_window(self.periods, option="--periods")

    @property
    def value(self) -> str:
        """The column that the measure is made of."""
        return self.amount.column

    @property
    def zeros_by(self) -> tuple[str, ...] | None:
        """The keys of the series in which a published period without trade is zero; None of others."""
        if self.name not in _OF_SERIES or (self.name == "total" and "period" not in self.keys):
            return None
        return None if self.name == "total" and "hs_code" in self.keys else self.keys

    @property
    def whole_by(self) -> tuple[Side, ...]:
        """The sides that have a whole of their own each, for which only its own reporters are needed."""
        if self.name in _FIXED or self.name in _WINDOWS:
            return ()  # of windows, all months of both count
        return tuple(side for side in _SIDES if side in self.keys)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the rows."""
        return _BY.get(self.name, ("period",)) if self.by is None else self.by


def _refuse(what: str, where: str, hint: str) -> None:
    raise OptionError(what, where=where, hint=hint)


def measure_lake(
    lake: Lake,
    query: MeasureQuery,
    *,
    memory_limit: str = "4GB",
    engine: EngineName = "duckdb",
    tell: Callable[[str], None] | None = None,
) -> pa.Table:
    """Return a measure of the flows of a lake.

    Parameters
    ----------
    lake
        The lake.
    query
        Which measure of which flows.
    memory_limit
        Memory of DuckDB, of each task on Spark.
    engine
        ``duckdb``, on this machine, or ``spark``.
    tell
        Told which periods were left out, and what the codes' revisions mean.

    Returns
    -------
    pa.Table
        The columns of the function of :mod:`entrepot.measures` that makes it, ordered by its texts; of
        two windows, by the change. A composition has the ``title`` of each category too.

    Raises
    ------
    CoverageError
        The lake has no such flows.
    OptionError
        A classification is none.
    """
    with open_engine(engine, memory_limit=memory_limit) as opened, spark_errors():
        flows = measured_flows(
            opened,
            lake,
            query.flows,
            amount=query.amount,
            zeros_by=query.zeros_by,
            whole_by=query.whole_by,
            tell=tell,
        )
        return measure_flows(opened, flows, query)


def measure_flows(engine: Engine | SparkEngine, flows: nw.LazyFrame[Any], query: MeasureQuery) -> pa.Table:
    """Return a measure of flows that are on an engine.

    Parameters
    ----------
    engine, flows
        As :func:`entrepot.pipeline.measured_flows.measured_flows` keeps them.
    query
        Which measure; its flows are not looked at again.

    Returns
    -------
    pa.Table
        See :func:`measure_lake`.
    """
    if query.name in _SELF_JOINED:  # an engine that plans one query would add all flows up for each side
        keys = _SELF_JOINED[query.name] or tuple(dict.fromkeys([*query.keys, *query.of, "period"]))
        sums = measures.totals(flows.to_native(), by=keys, value=query.value)
        flows = engine.keep(nw.from_native(sums).lazy(), engine.unused("sums"))
    found: nw.LazyFrame[Any] = nw.from_native(_measured(flows.to_native(), query)).lazy()
    schema = found.collect_schema()
    about = [column for column in _ABOUT if column in schema]
    if query.show and about:
        found = found.filter(nw.col(about[0]).is_in(list(query.show)))
    if query.periods is not None and "period" in schema:
        found = found.filter(parse_window(query.periods, option="--periods").holds())
    texts = [name for name, kind in schema.items() if kind == nw.String]
    table = found.sort(*texts).collect(backend="pyarrow").to_native()
    if query.name == "composition":
        return _with_titles(table, query)
    if query.name in _WINDOWS:
        return table.sort_by(
            [(f"change_{query.value}", "descending"), *[(name, "ascending") for name in texts]]
        )
    return table


def _measured(flows: Any, query: MeasureQuery) -> Any:
    keys = list(query.keys)
    series = [key for key in keys if key != "period"]
    of = [key for key in query.of if key not in keys]
    return _MADE[query.name](flows, query, keys if query.name in _WITH_PERIOD else series, of)


#: How each measure is made of the flows, the query, its keys, and whose shares it is about.
_Made = Callable[[Any, MeasureQuery, list[str], list[str]], Any]
_MADE: dict[str, _Made] = {
    "total": lambda f, q, by, _: measures.totals(f, by=by, value=q.value),
    "growth": lambda f, q, by, _: measures.year_on_year(f, by=by, value=q.value),
    "year_to_date": lambda f, q, by, _: measures.year_to_date(f, by=by, value=q.value),
    "rolling_year": lambda f, q, by, _: measures.rolling_year(f, by=by, value=q.value),
    "index": lambda f, q, by, _: measures.indexed(f, base=q.base or "", by=by, value=q.value),
    "share": lambda f, q, by, of: measures.shares(f, of=of, within=by, value=q.value),
    "rank": lambda f, q, by, of: measures.ranks(f, of=of, within=by, value=q.value),
    "overtaking": lambda f, q, by, of: measures.overtakings(f, of=of[0], within=by, value=q.value),
    "concentration": lambda f, q, by, of: measures.herfindahl_hirschman(f, of=of, within=by, value=q.value),
    "dependence": lambda f, q, *_: measures.dependence(f, value=q.value),
    "substitutability": lambda f, q, *_: measures.substitutability(f, value=q.value),
    "proximity": lambda f, q, *_: measures.proximity(f, value=q.value),
    "advantage": lambda f, q, *_: measures.revealed_comparative_advantage(f, value=q.value),
    "similarity": lambda f, q, *_: measures.export_similarity(f, value=q.value),
    "complementarity": lambda f, q, *_: measures.complementarity(f, value=q.value),
    "supplanting": lambda f, q, by, _: measures.supplanting(
        f, before=q.before or "", after=q.after or "", market=by, value=q.value
    ),
    "margins": lambda f, q, by, _: measures.margins(
        f, before=q.before or "", after=q.after or "", by=by, value=q.value
    ),
    "composition": lambda f, q, by, _: measures.composition(f, _classes(q.scheme, q), by=by, value=q.value),
    "plausibility": lambda f, q, *_: measures.plausibility(
        f, cast("pa.Table", q.gdp), value=q.value, frequency=q.flows.frequency
    ),
}


#: Stages of processing as Gaulier, Lemoine and Ünal-Kesenci (CEPII, 2007, China's emergence and the
#: reorganisation of trade flows in Asia) make them of BEC4; motor spirit and passenger cars have two uses.
_STAGES = {
    "1 primary": ("primary goods", ("111", "21", "31")),
    "2 processed": ("processed goods", ("121", "22", "32", "322")),
    "3 parts": ("parts and components", ("42", "53")),
    "4 capital": ("capital goods", ("41", "521")),
    "5 consumption": ("consumption goods", ("112", "122", "51", "522", "61", "62", "63")),
}


def _stage(category: str) -> tuple[str, str]:
    for code, (title, categories) in _STAGES.items():
        if category in categories:
            return code, title
    return "7", "goods not specified elsewhere"


def _energy(category: str) -> tuple[str, str]:
    if category.startswith("3"):
        return "energy", "energy (fuels, lubricants and electricity, BEC 3)"
    return "non-energy", "all but energy"


#: Schemes that are made of the categories of BEC4.
_OF_BEC: dict[str, Callable[[str], tuple[str, str]]] = {"STAGE": _stage, "ENERGY": _energy}


def _classes(scheme: str, query: MeasureQuery) -> pa.Table:
    """Return the categories of the codes in the revision asked for: a classification, or a list's tiers.

    SITC is taken by its ten sections.
    """
    choice = query.flows.choice.revision
    revision = HS_REVISIONS[-1] if choice is None else choice.revision
    if scheme.startswith("@"):
        return file_class_table(scheme[1:], revision=revision)
    name = next((known for known in list_names() if known.lower() == scheme.lower()), None)
    if name is not None:
        tiers = {entry.code: entry.tier for entry in list_entries(name, revision=revision)}
        rows = [(code, f"{name} {tier}", f"{name}, tier {tier}", 1.0) for code, tier in tiers.items()]
    else:
        asked = scheme.strip().upper()
        grouped = _OF_BEC.get(asked)
        table = class_table(cast("ClassScheme", "BEC4" if grouped else scheme), revision=revision)
        digits = 1 if asked == "SITC4" else None
        sums: dict[tuple[str, str, str], float] = {}
        for row in table.to_pylist():
            kind = (row["category"][:digits], row["title"])
            key = (row["hs_code"], *(grouped(row["category"]) if grouped else kind))
            sums[key] = sums.get(key, 0.0) + row["weight"]
        rows = [(*key, weight) for key, weight in sums.items()]
    columns = zip(*rows, strict=True)
    kinds = (pa.string(), pa.string(), pa.string(), pa.float64())
    names = ("hs_code", "category", "title", "weight")
    return pa.table(
        {name: pa.array(column, kind) for name, column, kind in zip(names, columns, kinds, strict=True)}
    )


def _with_titles(table: pa.Table, query: MeasureQuery) -> pa.Table:
    """Return the rows of a composition with the titles of their categories."""
    classes = _classes(query.scheme, query)
    titles = dict(zip(classes["category"].to_pylist(), classes["title"].to_pylist(), strict=True))
    column = pa.array(
        [titles.get(code, "all other goods") for code in table["category"].to_pylist()], pa.string()
    )
    return table.add_column(table.column_names.index("category") + 1, "title", column)
