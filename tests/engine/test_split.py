"""Writing by the value of a column: every row once, in its file; what is gathered on the way is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.engine import Engine
from entrepot.engine import split as split_module
from entrepot.engine.split import SplitForm, write_split
from entrepot.errors import ContractError, InputFileError, LakeError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 200_000
FORM = SplitForm(
    columns=("source", "year", "n", "kind"),
    by="year",
    constants={"source": pa.scalar("made up")},
    statistics=("n", "kind"),
    aside="key",
    distinct=("kind",),
)


def query(years: int, rows: int = ROWS) -> str:
    return (
        f"SELECT (2020 + n % {years})::INTEGER AS year, n, "
        "CASE WHEN n % 5 > 0 THEN (['a', 'b'])[1 + n % 2]::ENUM ('a', 'b', 'c') END AS kind, "
        f"CASE WHEN n % 10 > 0 THEN hash(n % 1000) END AS key FROM range({rows}) AS r (n)"
    )


@pytest.mark.parametrize("years", [1, 3, 40])
def test_every_row_is_in_the_file_of_its_year(years: int, tmp_path: Path) -> None:
    with Engine(threads=2) as engine:
        written = write_split(engine, query(years), tmp_path, FORM)
    assert [file.partition for file in written.files] == [{"year": str(2020 + n)} for n in range(years)]
    assert written.rows == ROWS
    for file in written.files:
        table = pq.read_table(file.path)
        assert table.schema.names == list(FORM.columns)
        assert table.schema.field("kind").type == table.schema.field("source").type == pa.string()
        assert set(table["source"].to_pylist()) == {"made up"}
        first = int(file.partition["year"]) - 2020
        assert sorted(table["n"].to_pylist()) == list(range(first, ROWS, years))
        kinds = dict(zip(table["n"].to_pylist(), table["kind"].to_pylist(), strict=True))
        assert all(kinds[n] == (None if n % 5 == 0 else "ab"[n % 2]) for n in kinds)
        assert file.statistics["n"]["max"] == str(max(kinds))
        assert file.size == file.path.stat().st_size


def test_a_column_that_holds_no_null_is_written_as_one(tmp_path: Path) -> None:
    with Engine(threads=2) as engine:
        filled = replace(FORM, filled=("source", "n"))
        written = write_split(engine, query(1), tmp_path, filled)
        about = pq.read_schema(written.files[0].path)
        assert [field.name for field in about if not field.nullable] == ["source", "n"]
        with pytest.raises(ContractError, match="non-nullable"):
            write_split(engine, query(1), tmp_path, replace(FORM, filled=("kind",)))


def test_what_is_set_aside_is_all_but_nulls(tmp_path: Path) -> None:
    with Engine(threads=2) as engine:
        written = write_split(engine, query(2), tmp_path, FORM)
    expected = duckdb.sql(f"SELECT hash(n % 1000) FROM range({ROWS}) AS r (n) WHERE n % 10 > 0").fetchnumpy()
    (values,) = expected.values()
    assert written.aside is not None
    assert np.array_equal(np.sort(written.aside), np.sort(values))
    assert written.distinct == {"kind": {None, "a", "b"}}


def test_too_much_to_set_aside_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_module, "_MOST_ASIDE", 1000)
    with Engine() as engine:
        assert write_split(engine, query(1), tmp_path, FORM).aside is None


def test_bounds_are_those_of_the_values(tmp_path: Path) -> None:
    with Engine() as engine:
        (file,) = write_split(engine, query(1), tmp_path, FORM).files
    assert file.statistics["kind"] == {"min": "a", "max": "b", "min_is_exact": "true"}


def test_only_rows_to_be_kept_are_written_and_gathered(tmp_path: Path) -> None:
    form = replace(FORM, keep="is_good")
    some = f"SELECT *, n % 7 > 0 AND kind IS NOT NULL AS is_good FROM ({query(3)})"
    with Engine(threads=2) as engine:
        written = write_split(engine, some, tmp_path, form)
    tables = [pq.read_table(file.path) for file in written.files]
    assert all(table.schema.names == list(FORM.columns) for table in tables)
    good = [n for n in range(ROWS) if n % 7 and n % 5]
    assert sorted(n for table in tables for n in table["n"].to_pylist()) == good
    assert written.rows == len(good)
    assert written.aside is not None
    assert written.aside.size == sum(1 for n in good if n % 10)
    assert written.distinct == {"kind": {"a", "b"}}


def test_a_partition_of_which_no_row_is_kept_has_no_file(tmp_path: Path) -> None:
    some = f"SELECT *, year <> 2021 AS is_good FROM ({query(3)})"
    with Engine() as engine:
        written = write_split(engine, some, tmp_path, replace(FORM, keep="is_good"))
    assert [file.partition["year"] for file in written.files] == ["2020", "2022"]


@pytest.mark.parametrize("rows", [0, ROWS])
def test_constants_are_written_and_gathered_as_the_columns_that_they_are(rows: int, tmp_path: Path) -> None:
    fixed = {"source": pa.scalar("made up"), "kind": pa.scalar("a"), "level": pa.scalar(6, pa.int32())}
    none = {"cell": pa.scalar(None, pa.string()), "amount": pa.scalar(None, pa.float64())}
    form = SplitForm(
        columns=("year", "n", *fixed, *none),
        by="year",
        constants=fixed | none,
        distinct=("kind", "level", "cell"),
    )
    numbers = f"SELECT 2020 AS year, n FROM range({rows}) AS r (n)"
    with Engine(threads=2) as engine:
        written = write_split(engine, numbers, tmp_path, form)
    expected = (
        {"kind": {"a"}, "level": {6}, "cell": {None}} if rows else dict.fromkeys(form.distinct, frozenset())
    )
    assert written.distinct == expected
    for file in written.files:
        table = pq.read_table(file.path)
        assert table.num_rows == rows
        for name, value in (fixed | none).items():
            assert table[name].type == value.type
            assert table[name].unique().to_pylist() == [value.as_py()]


def test_no_rows_make_no_file(tmp_path: Path) -> None:
    with Engine() as engine:
        written = write_split(engine, query(1, rows=0), tmp_path, FORM)
    assert (written.files, written.rows, list(tmp_path.iterdir())) == ((), 0, [])
    assert written.aside is not None
    assert written.aside.size == 0


def test_a_value_of_no_vocabulary_is_an_error(tmp_path: Path) -> None:
    odd = query(1).replace("'b'])", "'x'])")
    with Engine() as engine, pytest.raises(InputFileError, match="'x'") as caught:
        write_split(engine, odd, tmp_path, FORM, where="file.csv")
    assert caught.value.where == "file.csv"


def test_a_folder_that_is_not_there_is_an_error_of_the_lake(tmp_path: Path) -> None:
    with Engine() as engine, pytest.raises(LakeError):
        write_split(engine, query(1), tmp_path / "nowhere", FORM)


def test_a_file_has_only_the_words_that_it_uses(tmp_path: Path) -> None:
    """Of a vocabulary of thousands a group of rows needs few; what is written reads the same."""
    words = ", ".join(f"'word {n:04}'" for n in range(3_000))
    text = f"CASE WHEN n % 5 > 0 THEN ('word ' || printf('%04d', n % 40))::ENUM ({words}) END"
    with Engine() as engine:
        form = SplitForm(columns=("n", "code", "text"), by="year", constants={})
        columns = f"2020::INTEGER AS year, n, {text} AS code, ({text})::VARCHAR AS text"
        many = f"SELECT {columns} FROM range(70_000) AS r (n)"
        written = write_split(engine, many, tmp_path, form)
        path = written.files[0].path
        differ = engine.rows(f"SELECT count(*), count(code) FROM '{path}' WHERE code IS DISTINCT FROM text")
        assert differ == [(0, 0)]
        assert engine.rows(f"SELECT count(code) FROM '{path}'") == [(56_000,)]
    about = pq.read_metadata(path)
    sizes = [about.row_group(0).column(place).total_uncompressed_size for place in (1, 2)]
    assert sizes[0] <= 1.1 * sizes[1]
