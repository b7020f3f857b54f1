"""What stands inside archives: block by block, several members as one text, and never half of one."""

from __future__ import annotations

import gzip
import zipfile
from typing import TYPE_CHECKING

import py7zr
import pytest

from entrepot.engine.archives import is_archive, pour, zip_names
from entrepot.engine.container import read_head, unpack_text
from entrepot.errors import EncodingError, HeaderError, InputFileError, TruncatedFileError

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = {"b.csv": b"x,y\n3,4\n", "a.csv": b"x,y\r\n1,2", "readme.txt": b"about"}


def _archive(path: Path, members: dict[str, bytes]) -> Path:
    if path.suffix == ".7z":
        with py7zr.SevenZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(data, name)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    return path


def _content(path: Path, **options: object) -> bytes:
    blocks: list[bytes] = []
    pour(path, blocks.append, **options)
    return b"".join(blocks)


@pytest.mark.parametrize("kind", ["zip", "7z"])
def test_members_are_one_text_with_one_header(kind: str, tmp_path: Path) -> None:
    path = _archive(tmp_path / f"a.{kind}", MEMBERS)
    assert is_archive(path)
    assert _content(path, members=r"\.csv$") == b"x,y\r\n1,2\n3,4\n"
    assert read_head(path, 5, members=r"\.csv$") == b"x,y\r\n"
    with pytest.raises(InputFileError, match="holds 3 files instead of one"):
        _content(path)
    with pytest.raises(InputFileError, match="none of the archive's 3 files"):
        _content(path, members="nothing")
    other = _archive(tmp_path / f"b.{kind}", {**MEMBERS, "c.csv": b"y,x\n5,6\n"})
    with pytest.raises(HeaderError, match=r"c\.csv"):
        _content(other, members=r"\.csv$")


@pytest.mark.parametrize("kind", ["zip", "7z"])
def test_what_is_raised_while_taking_comes_out_as_it_is(kind: str, tmp_path: Path) -> None:
    path = _archive(tmp_path / f"a.{kind}", {"a.csv": b"x\n\xff\n"})
    with pytest.raises(EncodingError):
        unpack_text(path, tmp_path / "out.csv", encoding="utf-8")

    def refuse(_: bytes) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pour(path, refuse)


def test_an_encrypted_zip_is_said_to_be(tmp_path: Path) -> None:
    path = _archive(tmp_path / "a.zip", {"a.csv": b"x\n1\n"})
    data = bytearray(path.read_bytes())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of encryption, in both headers
        data[data.index(sign) + place] |= 1
    path.write_bytes(data)
    with pytest.raises(InputFileError, match="encrypted"):
        _content(path)


def test_a_cut_gzip_is_an_error_and_its_head_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"x,y\n" * 2_000_000)[:-20])
    assert read_head(path, 4) == b"x,y\n"
    with pytest.raises(TruncatedFileError):
        _content(path)


def test_a_zip_with_a_damaged_directory_or_name_is_cut(tmp_path: Path) -> None:
    whole = _archive(tmp_path / "a.zip", {"a.csv": b"x,y\n1,2\n"}).read_bytes()
    # The flag that a name is UTF-8, and a name that is not.
    name = whole.replace(b"\x14\x00\x00\x00", b"\x14\x00\x00\x08", 1).replace(b"a.csv", b"\xff\x84.cs", 1)
    for place, data in enumerate((name, whole.replace(b"PK\x01\x02", b"PK\x01\x09"))):
        path = tmp_path / f"damaged{place}.zip"
        path.write_bytes(data)
        with pytest.raises(TruncatedFileError):
            _content(path)
        if place:
            with pytest.raises(TruncatedFileError):
                zip_names(path)


def test_names_of_a_zip_and_of_another_file(tmp_path: Path) -> None:
    assert zip_names(_archive(tmp_path / "a.zip", MEMBERS)) == tuple(MEMBERS)
    (tmp_path / "a.csv").write_bytes(b"x,y\n")
    assert zip_names(tmp_path / "a.csv") == ()
