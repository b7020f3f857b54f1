"""Eurostat Comext: files that are packed, cut, renamed or something else."""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files
from typing import TYPE_CHECKING

import py7zr
import pytest

from entrepot.errors import EmptyFileError, EncodingError, HeaderError, InputFileError, TruncatedFileError
from entrepot.sources.comext import ComextSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = ComextSource()
SAMPLE = (files("entrepot.sources.comext") / "samples" / "full_202403.dat").read_bytes()


def _packed(path: Path, data: bytes = SAMPLE, **options: object) -> Path:
    with py7zr.SevenZipFile(path, "w", **options) as archive:
        archive.writestr(data, "full_202403.dat")
    return path


def test_7z_and_zip_say_what_the_file_says(take_in: Callable, tmp_path: Path) -> None:
    packed = _packed(tmp_path / "full_v2_202403.7z")
    with zipfile.ZipFile(tmp_path / "full_202403.zip", "w") as archive:
        archive.writestr("full_202403.dat", SAMPLE)
    for path in (packed, tmp_path / "full_202403.zip"):
        file, rows = take_in(SOURCE, path)
        assert file.error is None, file.error
        assert (file.rows_read, len(rows)) == (12, 12)


@pytest.mark.parametrize("header_too", [False, True])
def test_an_encrypted_archive_is_said_to_be(header_too: object, tmp_path: Path) -> None:
    path = _packed(tmp_path / "a.7z", password="secret", header_encryption=bool(header_too))  # noqa: S106
    with pytest.raises(InputFileError, match="encrypted"):
        SOURCE.recognise(path)


def test_a_truncated_archive_is_an_error_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = _packed(tmp_path / "a.7z").read_bytes()
    for size in range(6, len(whole), 7):
        (tmp_path / "cut.7z").write_bytes(whole[:size])
        with pytest.raises(TruncatedFileError):
            SOURCE.recognise(tmp_path / "cut.7z")


def test_a_damaged_archive_is_never_taken_in(take_in: Callable, tmp_path: Path) -> None:
    lines = SAMPLE.splitlines(keepends=True)
    data = lines[0] + b"".join(
        lines[1].replace(b"84314980", b"%08d" % (84_000_000 + n)) for n in range(20_000)
    )
    whole = bytearray(_packed(tmp_path / "a.7z", data).read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    (tmp_path / "damaged.7z").write_bytes(whole)
    file, _ = take_in(SOURCE, tmp_path / "damaged.7z")
    assert isinstance(file.error, TruncatedFileError)


HEADER, ROWS = SAMPLE.split(b"\n", 1)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", EmptyFileError, "empty"),
        (HEADER + b"\n", EmptyFileError, "no row"),
        (b"<!DOCTYPE html><html>404</html>", InputFileError, "HTML"),
        (b'<?xml version="1.0"?><S:Fault>EXTRACTION_TOO_BIG</S:Fault>', InputFileError, "HTML or XML"),
        (b'{"version":"2.0","class":"dataset"}', InputFileError, "JSON"),
        (ROWS, HeaderError, "no header of a Comext file"),
        (
            HEADER.replace(b"VALUE_EUR", b"VALUE_IN_EUR") + b"\n" + ROWS,
            HeaderError,
            "'VALUE_IN_EUR' looks like",
        ),
        (HEADER.replace(b"PARTNER,", b"") + b"\n" + ROWS, HeaderError, "the partner"),
        (HEADER.replace(b"FLOW", b"PARTNER") + b"\n" + ROWS, HeaderError, "twice"),
        (HEADER + b",TRANSPORT\n" + ROWS.replace(b"\n", b",1\n"), HeaderError, "'TRANSPORT'"),
        (b"freq,reporter,partner,product,flow,indicators\\TIME_PERIOD\t2024\n", InputFileError, "TSV"),
        (
            b'"REPORTER","PARTNER","PRODUCT","FLOW","VALUE_IN_EUR"\n"x","y","z","1","2"\n',
            HeaderError,
            "easy Comext",
        ),
        (SAMPLE.replace(b"AT,KG", b"\xc4T,KG", 1), EncodingError, "not utf-8"),
    ],
)
def test_other_files_are_refused(data: bytes, error: type, message: str, tmp_path: Path) -> None:
    (tmp_path / "file.dat").write_bytes(data)
    with pytest.raises(error) as caught:
        SOURCE.recognise(tmp_path / "file.dat")
    assert message in str(caught.value)
    assert caught.value.hint


def test_a_new_classification_is_kept_and_named(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "full_202403.dat"
    path.write_bytes(HEADER + b",PRODUCT_BEC6\n" + ROWS.replace(b"\n", b",9\n"))
    file, rows = take_in(SOURCE, path)
    assert len(rows) == 12
    assert any("PRODUCT_BEC6" in note for note in file.notes)


def test_a_line_cut_short_is_set_aside(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "full_202403.dat"
    path.write_bytes(SAMPLE[:-30])
    file, rows = take_in(SOURCE, path)
    assert (file.reasons, len(rows)) == ({"unreadable": 1}, 11)


def test_the_early_header_of_the_third_generation_is_known(take_in: Callable, tmp_path: Path) -> None:
    rows = [line.split(b",") for line in SAMPLE.splitlines()]
    place = rows[0].index(b"PRODUCT_CPA22")
    text = io.BytesIO()
    for row in rows:
        text.write(b",".join(row[:place] + row[place + 1 :]) + b"\n")
    (tmp_path / "full_202403.dat").write_bytes(text.getvalue())
    file, _ = take_in(SOURCE, tmp_path / "full_202403.dat")
    assert (file.layout, file.rows_stored) == ("full_v2", 12)
