"""Files as they are delivered."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.engine import container
from entrepot.engine.archives import is_archive
from entrepot.engine.container import (
    fingerprint,
    has_mixed_line_ends,
    read_head,
    unify_line_ends,
    unpack_json,
    unpack_text,
)
from entrepot.errors import EmptyFileError, EncodingError, InputFileError, TruncatedFileError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "is_utf8"),
    [(b"plain", True), ("Côte".encode(), True), ("Côte".encode("latin-1"), False), (b"x" * 4_194_303 + "é".encode(), True),
     (b"x" * 4_194_303 + b"\xc3", False), (b"", True)],
)  # fmt: skip
def test_fingerprint(content: bytes, is_utf8: object, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(content)
    known = fingerprint(tmp_path / "f")
    assert (known.file_hash, known.size, known.is_utf8) == (
        hashlib.sha256(content).hexdigest(),
        len(content),
        is_utf8,
    )


@settings(deadline=None)
@given(
    content=st.lists(
        st.sampled_from(["a", "é", "你", "😀"]).map(str.encode) | st.binary(min_size=1, max_size=2),
        max_size=6,
    ).map(b"".join),
    block=st.integers(1, 5),
)
def test_utf8_is_told_wherever_blocks_end(
    content: bytes, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("utf8") / "f"
    path.write_bytes(content)
    try:
        content.decode()
        is_utf8 = True
    except UnicodeDecodeError:
        is_utf8 = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container, "_BLOCK", block)
        assert fingerprint(path).is_utf8 == is_utf8


def test_archives(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"inside"))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("__MACOSX/x", "no")
        archive.writestr("folder/x.csv", "inside")
    assert [read_head(tmp_path / name) for name in ("a.gz", "b.zip")] == [b"inside", b"inside"]
    assert is_archive(tmp_path / "a.gz")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("x.csv", "1")
        archive.writestr("y.csv", "2")
    with pytest.raises(InputFileError, match="holds 2 files"):
        read_head(tmp_path / "c.zip")
    (tmp_path / "d.zip").write_bytes((tmp_path / "b.zip").read_bytes()[:40])
    with pytest.raises(TruncatedFileError):
        read_head(tmp_path / "d.zip")


def test_encodings(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes("Côte €\x81".encode("cp1252", errors="ignore") + b"\x81")
    with pytest.raises(EncodingError):
        unpack_text(source, target, encoding="utf-8")
    assert unpack_text(source, target, encoding="utf-8", fallback="cp1252") == "cp1252"
    assert target.read_text(encoding="utf-8") == "Côte €\x81"


@pytest.mark.parametrize(
    ("content", "is_mixed", "unified"),
    [(b"a\r\nb\r\n", False, b"a\nb\n"), (b"a\nb\n", False, b"a\nb\n"), (b"a\r\nb\n", True, b"a\nb\n"), (b"a\rb\n", True, b"a b\n")],
)  # fmt: skip
def test_line_ends(content: bytes, is_mixed: object, unified: bytes, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(content)
    assert has_mixed_line_ends(tmp_path / "in") is is_mixed
    unify_line_ends(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == unified


def test_json(tmp_path: Path) -> None:
    source, target = tmp_path / "in.json", tmp_path / "out"
    rows = [{"a": 1.0, "b": "x]},{"}, {"a": None}]
    for text in (
        json.dumps({"count": 2, "data": rows}, indent=2),
        json.dumps(rows),
        json.dumps({"data": rows, "error": ""}),
    ):
        source.write_text(text)
        assert unpack_json(source, target) == 2
        assert [json.loads(line) for line in target.read_text().splitlines()] == rows
    for text, kind in {
        '{"data": [{"a": 1}, {"a"': TruncatedFileError,
        '{"data": []}': EmptyFileError,
        '{"x": 1}': EmptyFileError,
    }.items():
        source.write_text(text)
        with pytest.raises(kind):
            unpack_json(source, target)
