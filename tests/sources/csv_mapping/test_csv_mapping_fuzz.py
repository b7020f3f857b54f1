"""Any table under any mapping: an error of ours, or every row there once, good or with its reason."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from entrepot.errors import EntrepotError
from entrepot.nomenclature import named_area
from entrepot.schema import FLOW, QuarantineReason
from entrepot.sources.csv_mapping.labels import area_ctes, area_spellings
from entrepot.sources.csv_mapping.sections import AreasSection

OPTIONS = settings(
    max_examples=int(os.environ.get("ENTREPOT_FUZZ", "12")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
FIELDS = (
    "reporter",
    "partner",
    "flow",
    "period",
    "product",
    "value",
    "currency",
    "net_weight",
    "quantity",
    "quantity_unit",
)

#: Texts that are near to right, for every field, beside texts of any kind.
NEAR = (
    "DEU",
    "World",
    "417",
    "Korea (DPRK)",
    "Côte d'Ivoire",
    "export",
    "IMPORT",
    "2",
    "2022-03",
    "202252",
    "Mar. 2022",
    "2022Q1",
    "TOTAL",
    "87",
    "8703.23",
    "87032310",
    "10121",
    "1,234.5",
    "-1",
    "1e308",
    "9" * 400,
    "nan",
    ":",
    "",
    " ",
    "EUR",
    "KZT",
    "USD",
    "u",
    "N.Q.",
    '"',
    "''",
    "\\",
    "%",
    "{",
    "(",
    "[",
    "NULL",
    "\u00a0",
    "\u200b",
    "\U0001f6a2",
    "ß",
)
texts = st.one_of(st.sampled_from(NEAR), st.text(max_size=12))
names = st.one_of(st.sampled_from(FIELDS), st.text(min_size=1, max_size=8))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _toml(text: str) -> str:
    return '"' + "".join(f"\\U{ord(char):08X}" for char in text) + '"'


def _check_rows(rows: list[dict[str, object]]) -> None:
    for row in rows:
        if row["reason"] is not None:
            assert row["reason"] in {reason.value for reason in QuarantineReason}
            assert row["detail"]
            continue
        assert row["detail"] is None
        for column in FLOW.column_contracts():
            if column.name in {"source", "vintage", "file_hash", "customs_procedure"}:
                continue
            value = row[column.name]
            assert value is not None or column.is_nullable, column.name
            if value is not None and column.allowed is not None:
                assert value in {term.value for term in column.allowed}, column.name
            if value is not None and column.minimum is not None:
                assert column.minimum <= value < float("inf"), column.name


def _mapping(columns: dict[str, str], options: dict[str, str]) -> str:
    lines = ['id = "fuzz"', "[constants]", 'hs_revision = "by_year"', "[columns]"]
    lines += [f"{field} = {_toml(column)}" for field, column in columns.items()]
    lines += ["[product]", f"pad = {options['pad']}", "[areas]", f'scheme = "{options["scheme"]}"', "[file]"]
    lines += [f"decimal = '{options['decimal']}'", f'thousands = "{options["thousands"]}"', 'delimiter = ","']
    return "\n".join(lines)


choices = st.fixed_dictionaries(
    {
        "pad": st.sampled_from(["true", "false"]),
        "scheme": st.sampled_from(["auto", "labels", "iso2", "own"]),
        "decimal": st.sampled_from([".", ","]),
        "thousands": st.sampled_from(["", " ", "'"]),
    }
)


@OPTIONS
@given(
    rows=st.lists(st.lists(texts, min_size=len(FIELDS), max_size=len(FIELDS)), min_size=1, max_size=8),
    header=st.lists(names, min_size=len(FIELDS), max_size=len(FIELDS), unique_by=str.lower),
    options=choices,
)
def test_every_row_comes_out_once(rows, header, options, read_in) -> None:
    """Names of columns may be anything that a header can hold."""
    table = "\n".join(",".join(map(_quoted, line)) for line in (header, *rows)) + "\n"
    columns = {field: name.strip() for field, name in zip(FIELDS, header, strict=True)}
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = read_in(
                Path(folder), _mapping(columns, options), table.encode("utf-8", "ignore"), "t.csv"
            )
        except EntrepotError as error:
            event(type(error).__name__)
            return
    event("read")
    assert [row["row_number"] for row in found.rows] == sorted({row["row_number"] for row in found.rows})
    assert len(found.rows) == found.staged
    _check_rows(found.rows)


@OPTIONS
@given(
    data=st.one_of(
        st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore"))
    )
)
def test_any_bytes_are_read_or_refused(data: bytes, read_in, long_mapping: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for start in (b"", b"reporter,partner,flow,period,product,value\n"):
            try:
                found = read_in(Path(folder), long_mapping, start + data, "t.csv")
            except EntrepotError:
                continue
            assert len(found.rows) == found.staged
            _check_rows(found.rows)


label_parts = st.sampled_from((
    "Korea", "Congo", "Côte d’Ivoire", "St Kitts", "Rep.", "of", "the", "The", "Germany", "Isds", "Serbia", "nes", "n.e.s.",
    "(", ")", "（", "）", "(incl. ", "Kosovo", "&", ",", " ", "2", "¹", "*", "'DD'", "ES, 95-99", "Кыргызстан", "中国", "Straße",
    "Ærø", "Democratic", "not elsewhere specified", "Other Asia", "-",
))  # fmt: skip


@OPTIONS
@given(
    labels=st.lists(
        st.lists(label_parts, min_size=1, max_size=6).map("".join) | st.text(max_size=20),
        min_size=1,
        max_size=60,
    )
)
def test_a_label_means_the_same_in_sql_and_in_python(labels: list[str], engine) -> None:
    """Every label, however it is written, is the area that the nomenclature makes of it."""
    spellings = area_spellings(AreasSection(scheme="labels"))
    ctes = area_ctes(["SELECT label AS raw FROM cells"], spellings="label_spellings")
    query = f"WITH {', '.join(ctes)} SELECT label, area FROM cells LEFT JOIN d_area ON raw = label"
    cells = pa.table({"label": pa.array(sorted(set(labels)), pa.string())})
    found = engine.sql(query, cells=cells, label_spellings=spellings).to_pylist()
    assert {row["label"]: row["area"] for row in found} == {label: named_area(label) for label in set(labels)}
    assert len(found) == cells.num_rows


@OPTIONS
@given(
    years=st.lists(st.integers(1890, 2110), min_size=1, max_size=5, unique=True),
    rows=st.lists(st.lists(texts, min_size=5, max_size=5), min_size=1, max_size=6),
)
def test_every_cell_of_a_wide_table_comes_out_once(years, rows, read_in) -> None:
    mapping = (
        'id = "fuzz"\n[columns]\npartner = "partner"\n[constants]\nreporter = "KGZ"\nflow = "export"\n'
        'product = "TOTAL"\ncurrency = "USD"\nhs_revision = "by_year"\n[wide]\ncolumns = "(?P<year>[0-9]+)"\n'
    )
    lines = [["partner", *map(str, years)], *(["CHN", *line[: len(years)]] for line in rows)]
    table = "\n".join(",".join(map(_quoted, line)) for line in lines) + "\n"
    assume("\x00" not in table)
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = read_in(Path(folder), mapping, table.encode("utf-8", "ignore"), "t.csv")
        except EntrepotError:
            return
    cells = [(row["row_number"], row["cell"]) for row in found.rows]
    assert len(cells) == len(set(cells))
    assert {cell for _, cell in cells} <= set(map(str, years))
    _check_rows(found.rows)
