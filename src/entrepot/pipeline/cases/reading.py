"""A case: a question, the data it needs, the calls that answer it, and what was published."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from entrepot.errors import InputFileError, UnknownCodeError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = [
    "Bars",
    "Call",
    "Case",
    "Figure",
    "Need",
    "Row",
    "Standing",
    "Unit",
    "case_names",
    "find_case",
    "read_case",
]

#: What a published figure rests on.
Standing = Literal["official", "study", "press", "unverified"]
Unit = Literal["USD", "EUR", "share", "growth", "factor", "units", "rank", "index"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


#: Of a call, what is no option of ``entrepot measure``.
_NO_OPTIONS = frozenset({"id", "title", "measure", "column", "table", "amount", "only"})
#: What is measured of tables of one's own, and the function that does.
_OF_TABLES = {
    "total": "totals", "share": "shares", "concentration": "herfindahl_hirschman", "growth": "year_on_year"
}  # fmt: skip


class Need(_Section):
    """Reports that must be in the lake, or a table that one must have.

    Attributes
    ----------
    what
        In words.
    table, columns, amounts
        Name of a table of one's own, given by ``--table``; its dimensions, ``period`` among them, and its
        amounts: see :func:`entrepot.sources.own_table.read_own_table`.
    is_optional
        Whether the case runs without it.
    reporters, flow, products, periods, freq
        Which: area codes, ``import`` or ``export``, code prefixes or ``TOTAL``, ``first:last``, ``A`` or
        ``M``. A year counts where its twelve months are there.
    get, ingest
        The commands, or where the file is to be had.
    """

    what: str
    table: str = ""
    columns: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    is_optional: bool = False
    reporters: tuple[str, ...] = ()
    flow: Literal["import", "export"] = "import"
    products: tuple[str, ...] = ()
    periods: str = ""
    freq: Literal["A", "M"] = "A"
    get: str
    ingest: str

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Need:
        if bool(self.table) == bool(self.reporters):
            msg = "data are reports (reporters, products, periods) or a table (table, columns, amounts)"
            raise ValueError(msg)
        if self.table and not (self.columns and self.amounts):
            msg = f"the table {self.table} needs its columns and amounts"
            raise ValueError(msg)
        if self.reporters and not (self.products and self.periods):
            msg = "reports need their products and periods"
            raise ValueError(msg)
        return self


class Call(_Section):
    """One use of ``entrepot measure``; names and values are those of its options.

    On a table of one's own (``table``) it is a ``total``, ``share``, ``concentration`` or ``growth`` of the
    column ``amount``, by any dimensions; ``only`` keeps rows: ``{hs_code = ["650610"]}``.
    """

    id: str
    title: str
    measure: str
    column: str = ""
    table: str = ""
    amount: str = ""
    only: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    book: Literal["reconciled", "exports", "imports"] = "reconciled"
    freq: Literal["A", "M"] = "A"
    exporter: str = ""
    importer: str = ""
    show: str = ""
    products: str = ""
    by: str | None = None
    of: str = "exporter"
    value: Literal["usd", "eur", "kg", "units"] = "usd"
    unit: str = ""
    level: Literal[6, 4, 2] = 6
    outside: str = ""
    base: str | None = None
    before: str | None = None
    after: str | None = None
    scheme: str = "BEC4"
    periods: str | None = None
    hs_revision: str | None = None
    all_periods: bool = False

    @model_validator(mode="after")
    def _is_of_a_table(self) -> Call:
        if self.table and (self.measure not in _OF_TABLES or not self.amount):
            msg = f"a call on a table has an amount, and measures {', '.join(_OF_TABLES)}"
            raise ValueError(msg)
        return self

    def command(self) -> str:
        """Return the command that does the same by hand; of a table, what is done in Python."""
        if self.table:
            by = [part.strip() for part in (self.by or "").split(",") if part.strip()]
            of = [part.strip() for part in self.of.split(",")]
            shared = self.measure in {"share", "concentration"}
            keys = f"of={of}, within={by}" if shared else f"by={by}"
            kept = "".join(f", rows of {name} {' or '.join(words)}" for name, words in self.only.items())
            function = f"entrepot.measures.{_OF_TABLES[self.measure]}"
            return f"{function}({self.table}, {keys}, value={self.amount!r}){kept}"
        words = [f"entrepot measure {self.measure} --lake LAKE --out FILE"]
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name in _NO_OPTIONS or value == field.default:
                continue
            option = f"--{name.replace('_', '-')}"
            words.append(option if value is True else f"{option} {value}")
        return " ".join(words)


class Row(_Section):
    """A row of the answers of calls, added up.

    Attributes
    ----------
    calls
        The calls; none where no trade statistics give the figure.
    exporter, importer, hs_code, period
        Which row of their answers; ``first`` and ``last`` are the ends of their periods.
    keys
        Words of other dimensions: rows that have one of them are added up, ``{currency = ["CNY", "RUB"]}``.
    is_largest
        Take the largest row of those that are left.
    """

    calls: tuple[str, ...] = ()
    keys: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    is_largest: bool = False
    exporter: str = ""
    importer: str = ""
    hs_code: str = ""
    period: str = ""


class Figure(Row):
    """One figure, as published, and which row of the answers it is compared with.

    Attributes
    ----------
    id, label
        Name within the case, and what it says.
    value, unit
        As published, None where nothing was; ``growth`` 0.3 is 30%, ``factor`` 2 is twice as much.
    over
        The row that it is divided by: of ``growth`` one is taken off the quotient.
    tolerance
        How far the computed figure may be off: of amounts as a share, of growth and shares in points.
    is_least
        Published as "more than": a larger computed figure agrees.
    standing, source, note
        What it rests on, where they differ from the case's; and what is uncertain about it.
    """

    id: str
    label: str
    value: float | None = None
    unit: Unit
    over: Row | None = None
    tolerance: float = 0.02
    is_least: bool = False
    standing: Standing | None = None
    source: str = ""
    note: str = ""


class Bars(_Section):
    """A chart and a table of published figures beside one another: ratio = later over earlier."""

    title: str
    subtitle: str
    series: tuple[str, str]
    rows: tuple[tuple[str, str, str], ...]


class Case(_Section):
    """A named, runnable case.

    Attributes
    ----------
    id, title, question
        Name, headline, and what is asked.
    standing, source
        What its published figures rest on.
    is_target
        Whether a computed figure should come near; never of an unverified one.
    answers
        What entrepot does about it, and what it cannot.
    confirm
        What data would confirm or refute an unverified claim.
    why
        Likely reasons for a difference.
    needs, calls, figures
        Data, commands, published figures.
    headline
        The figure that the case stands for: it is tested under other choices. Of a case with calls it is one
        that they give.
    chart, chart_kind, chart_first, chart_events
        The call that is drawn, and how: see ``--chart-kind``, ``--chart-first`` and ``--chart-event`` of
        ``entrepot measure``. Events outside of the periods that there are are not drawn.
    bars
        What the published figures alone show: such a case runs without data.
    further
        Commands that take it further.
    """

    id: str
    title: str
    question: str
    standing: Standing
    source: str
    is_target: bool = True
    answers: str
    confirm: str = ""
    why: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    calls: tuple[Call, ...] = Field(default=(), max_length=20)
    figures: tuple[Figure, ...] = ()
    headline: str = ""
    chart: str = ""
    chart_kind: Literal["own", "slope", "bump", "parts", "multiples", "heat"] = "own"
    chart_first: str = ""
    chart_events: tuple[str, ...] = ()
    bars: Bars | None = None
    further: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> Case:
        calls = {call.id for call in self.calls}
        figures = {figure.id for figure in self.figures}
        rows = [row for figure in self.figures for row in (figure, figure.over) if row is not None]
        unknown = sorted(
            {name for row in rows for name in row.calls} - calls
            | ({self.headline} - figures if self.headline else set())
            | ({self.chart} - calls if self.chart else set())
            | ({name for row in self.bars.rows for name in row[1:]} - figures if self.bars else set())
        )
        tables = {need.table for need in self.needs if need.table}
        unknown += sorted({call.table for call in self.calls if call.table} - tables)
        if unknown:
            msg = f"{', '.join(unknown)} is named and is not there"
            raise ValueError(msg)
        if len(calls) < len(self.calls) or len(figures) < len(self.figures):
            msg = "an id stands twice"
            raise ValueError(msg)
        if calls and not any(figure.id == self.headline and figure.calls for figure in self.figures):
            msg = "the case has calls and no headline: name a figure that they give, to be tested"
            raise ValueError(msg)
        if self.standing == "unverified" and (self.is_target or not self.confirm):
            msg = "an unverified claim is no target, and says in `confirm` what would confirm or refute it"
            raise ValueError(msg)
        return self


def _folder() -> Traversable:
    return resources.files("entrepot.pipeline.cases").joinpath("data")


@cache
def case_names() -> tuple[str, ...]:
    """Return the cases that ship with the package, C1 first.

    Examples
    --------
    >>> case_names()[:3]
    ('C1', 'C2', 'C3')
    """
    names = [
        entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml")
    ]
    return tuple(sorted(names, key=lambda name: (not name[1:].isdigit(), len(name), name)))


def find_case(name: str | Path) -> Case:
    """Return a case by its name, or from a TOML file.

    Raises
    ------
    UnknownCodeError
        No case has the name.
    InputFileError
        The file is no case.
    """
    text = str(name)
    if text.endswith(".toml"):
        path = Path(name)
        try:
            return read_case(path.read_text(encoding="utf-8"), where=str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise InputFileError(
                f"the case cannot be read: {error}",
                where=text,
                hint="entrepot case new writes one to begin with",
            ) from error
    known = {one.lower(): one for one in case_names()}
    if text.lower() not in known:
        near = difflib.get_close_matches(text.upper(), case_names(), n=1)
        raise UnknownCodeError(
            f"no case is called {text!r}",
            hint=(f"did you mean {near[0]}? " if near else "") + "entrepot case list names them all",
        )
    file = _folder().joinpath(f"{known[text.lower()]}.toml")
    return read_case(file.read_text(encoding="utf-8"), where=f"case {text}")


def read_case(text: str, *, where: str) -> Case:
    """Return the case that a TOML text states.

    Raises
    ------
    InputFileError
        The text is no TOML, or states no case.
    """
    try:
        stated: dict[str, Any] = tomllib.loads(text)
        return Case.model_validate(stated)
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(
            f"the file is no TOML: {error}", where=where, hint="mend the line named"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the case"
        raise InputFileError(
            f"{place}: {first['msg'].removeprefix('Value error, ')}",
            where=where,
            hint="compare with a case that entrepot case new writes",
        ) from error
