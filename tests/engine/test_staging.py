"""Staging: every line counted, order kept, row numbers exact."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.engine import Engine, Staged, TextForm, stage_text, staging
from entrepot.engine.staging import StagedRows, as_words, texts_of
from entrepot.errors import EmptyFileError, HeaderError, InputFileError

if TYPE_CHECKING:
    from pathlib import Path

FORM = TextForm("csv", ("a", "b"))


def staged_rows(path: Path, form: TextForm = FORM) -> tuple[Staged, list[tuple[object, ...]]]:
    with Engine(threads=2, memory_limit="500MB") as engine:
        staged = stage_text(engine, path, path.with_suffix(".parquet"), form)
        return staged, engine.rows(f"SELECT row_number, a, b FROM ({staged.query()}) ORDER BY row_number")


LINES = st.lists(st.sampled_from(["good", "short", "long", "quoted", "lines"]), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=LINES, newline=st.sampled_from(["\n", "\r\n"]), blanks=st.sets(st.integers(0, 29)))
def test_row_numbers_are_exact(
    kinds: list[str], newline: str, blanks: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = {
        "good": "{0},x",
        "short": "{0}",
        "long": "{0},x,y",
        "quoted": '{0},"x"y',
        "lines": '{0},"x' + newline + newline + 'y"',
    }
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    body = "".join(
        (newline if i in blanks else "") + text[kind].format(i) + newline for i, kind in enumerate(kinds)
    )
    path.write_bytes(("a,b" + newline + body).encode())
    staged, rows = staged_rows(path)
    good = [i for i, kind in enumerate(kinds) if kind in {"good", "lines"}]
    assert [(number, int(a)) for number, a, _ in rows] == [(i + 1, i) for i in good]
    bad = staged.unreadable.to_pylist()
    assert [row["row_number"] for row in bad] == [i + 1 for i in range(len(kinds)) if i not in good]
    assert all(row["raw_line"].startswith(str(row["row_number"] - 1)) for row in bad)
    assert staged.rows == len(kinds)


def test_row_numbers_behind_a_line_too_long_to_be_shown(tmp_path: Path) -> None:
    """An open quotation mark swallows thousands of lines; blank lines stand inside and outside of it."""
    path = tmp_path / "file.tsv"
    swallowed = "".join(f"é{n}\tb\n" + "\n" * (n % 3 == 0) for n in range(20_000))
    path.write_text(f'a\tb\n\n1\t"x\n\ny,"\n\n"{swallowed}end"\n\n2\tz\n\nshort\n3\tz\n', encoding="utf-8")
    staged, rows = staged_rows(path, TextForm(form="csv", columns=("a", "b"), delimiter="\t"))
    assert [row[0] for row in rows] == [1, 3, 5]
    assert staged.unreadable["row_number"].to_pylist() == [2, 4]


def test_large_file_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    lines = [f"{i},{'x' * 40}" for i in range(200_000)]
    lines[150_000] = "cut"
    path.write_text("a,b\n" + "\n".join(lines) + "\n")
    staged, rows = staged_rows(path)
    assert staged.unreadable["row_number"].to_pylist() == [150_001]
    assert all(number == int(a) + 1 for number, a, _ in rows)
    assert len(rows) == 199_999


def test_trailing_delimiter_nulls_and_tabs(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("a\tb\n1\t(null)\t\n\t2\t\n")
    form = TextForm("csv", ("a", "b"), delimiter="\t", has_trailing_delimiter=True, null_text="(null)")
    assert staged_rows(path, form)[1] == [(1, "1", None), (2, None, "2")]


def test_json_lines_keep_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('{"a": 2715997517261.0, "b": null, "c": 1}\n{"b": true}\n')
    rows = staged_rows(path, TextForm("json", ("a", "b")))[1]
    assert rows == [(1, "2715997517261.0", None), (2, None, "true")]


def test_whole_floats_of_parquet_lose_their_fraction(tmp_path: Path) -> None:
    with Engine() as engine:
        engine.copy_to_parquet(
            "SELECT * FROM (VALUES (156.0::DOUBLE, 1.5), (NULL, 'nan'::DOUBLE)) AS t (a, b)", tmp_path / "in.parquet",
            keeps_order=True,
        )  # fmt: skip
        staged = stage_text(
            engine, tmp_path / "in.parquet", tmp_path / "out.parquet", TextForm("parquet", ("a", "b"))
        )
        assert engine.rows(f"SELECT row_number, a, b FROM ({staged.query()})") == [
            (1, "156", "1.5"),
            (2, None, None),
        ]


def test_arrays_are_rows_behind_their_names(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('[["a","b"],\n["1","x\\n\\u00e9"],[2.5,null],\n["","0"]]', encoding="utf-8")
    _, rows = staged_rows(path, TextForm(form="arrays", columns=("a", "b")))
    assert [row[1:] for row in rows] == [("1", "x\né"), ("2.5", None), ("", "0")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[["a","b"],["1","2"],["3"]]', "a row has 1 values, the header 2 names"),
        ('[["a","b"],["1","2"],["3"', "Malformed JSON"),
        ('[["a","b"],{"a":"1","b":"2"}]', "Expected ARRAY"),
    ],
)
def test_arrays_that_break_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError, match=message):
        staged_rows(path, TextForm(form="arrays", columns=("a", "b")))


def test_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("a,b\n")
    with pytest.raises(EmptyFileError, match="no data row"):
        staged_rows(path)


def test_value_behind_the_trailing_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2,\n3,4,5\n")
    with pytest.raises(HeaderError, match="1 rows have a value behind"):
        staged_rows(path, TextForm("csv", ("a", "b"), has_trailing_delimiter=True))


@pytest.mark.parametrize(("rows", "is_table"), [(20_000, True), (8, False)])
def test_a_columns_texts_are_told_without_reading_its_rows(
    tmp_path: Path, rows: int, *, is_table: bool
) -> None:
    lines = [f"{n},{'' if n == 3 else 'code ' + str(n % 7)}\n" for n in range(rows)]
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(lines), encoding="utf-8")
    with Engine() as engine:
        form = TextForm(form="csv", columns=("a", "b"))
        staged = stage_text(engine, tmp_path / "t.csv", tmp_path / "rows.parquet", form)
        raw = StagedRows("staged_rows", engine, staged)
        assert engine.rows(f"SELECT count(*) FROM {raw}") == [(rows,)]
        assert (texts_of(raw, "b") != "staged_rows") == is_table
        assert texts_of(raw, "b") == texts_of(raw, "b")
        # Numbers of rows are all different: they have no dictionary.
        assert texts_of(raw, "a") == "staged_rows"
        assert texts_of("some_rows", "b") == "some_rows"
        for column in "ab":
            told = engine.rows(f"SELECT DISTINCT {column} FROM {texts_of(raw, column)} ORDER BY ALL")
            assert told == engine.rows(f"SELECT DISTINCT {column} FROM staged_rows ORDER BY ALL")
            if is_table and column == "b":
                assert len(told) == engine.rows(f"SELECT count(*) FROM {texts_of(raw, column)}")[0][0] == 8


def test_what_is_made_of_few_texts_is_a_word_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{n},{'' if n == 3 else 'code ' + str(n % 7)}\n" for n in range(20_000)]
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(lines), encoding="utf-8")
    with Engine() as engine:
        form = TextForm(form="csv", columns=("a", "b"))
        staged = stage_text(engine, tmp_path / "t.csv", tmp_path / "rows.parquet", form)
        raw = StagedRows("staged_rows", engine, staged)
        words = (
            f"SELECT DISTINCT right(b, 1) AS word FROM {texts_of(raw, 'b')} WHERE b IS NOT NULL ORDER BY word"
        )
        kind = as_words(raw, "b", words)
        table = engine.sql(f"SELECT right(b, 1)::{kind} AS word FROM {raw}")
        assert pa.types.is_dictionary(table["word"].type)
        assert table["word"].chunk(0).dictionary.to_pylist() == list("0123456")
        assert sorted({*table["word"].to_pylist()} - {None}) == list("0123456")
        # Of many texts, of none, and of a table that nobody has staged, text is made.
        assert as_words(raw, "a", f"SELECT a FROM {texts_of(raw, 'a')}") == "VARCHAR"
        assert as_words(raw, "b", f"SELECT b FROM {texts_of(raw, 'b')} WHERE b = 'x'") == "VARCHAR"
        assert as_words("some_rows", "b", "SELECT 1") == "VARCHAR"
        monkeypatch.setattr(staging, "_MOST_WORDS", 6)
        assert as_words(raw, "b", words) == "VARCHAR"


def test_texts_that_become_many_are_read_from_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column's dictionary is given up where it grows too large; its texts may be few all the same."""
    lines = [f"{n % 5},{'x' * 40}{n % 7 if n < 70_000 else n}\n" for n in range(100_000)]
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(lines), encoding="utf-8")
    with Engine() as engine:
        staged = stage_text(engine, tmp_path / "t.csv", tmp_path / "rows.parquet", FORM)
        raw = StagedRows("rows_1", engine, staged)
        table = texts_of(raw, "b")
        assert table != "rows_1"
        assert engine.rows(f"SELECT count(*), count(DISTINCT b) FROM {table}") == [(30_007, 30_007)]
        monkeypatch.setattr(staging, "_MOST_TEXTS", 10_000)
        raw = StagedRows("rows_2", engine, staged)
        assert texts_of(raw, "b") == "rows_2"
        assert texts_of(raw, "a") != "rows_2"
