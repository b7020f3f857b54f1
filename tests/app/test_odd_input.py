"""Odd files, odd paths and slips of the user: a clear message, no traceback, and no lake left behind."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.schema.layouts import COMTRADE_WEB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE = pa.table({name: pa.array(["1"]) for name in COMTRADE_WEB})


def odd_file(kind: str, folder: Path) -> Path:
    """Write an odd file and return its path."""
    path = folder / kind
    whole = folder / "whole.parquet"
    pq.write_table(TABLE, whole)
    if kind == "zero.parquet":
        pq.write_table(TABLE.slice(0, 0), path)
    elif kind == "packed.parquet.gz":
        path.write_bytes(gzip.compress(whole.read_bytes()))
    elif kind.endswith(".fifo"):
        os.mkfifo(path)
    elif kind.endswith((".zip", ".xlsx")):
        members = {
            "empty.zip": [], "parquet.zip": ["a.parquet"], "two.zip": ["a.csv", "b.csv"],
            "book.xlsx": ["[Content_Types].xml", "xl/workbook.xml"],
        }  # fmt: skip
        with zipfile.ZipFile(path, "w") as archive:
            for name in members[kind]:
                archive.writestr(name, whole.read_bytes() if name.endswith("parquet") else "x")
    elif kind == "picture.csv":
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    whole.unlink()
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("zero.parquet", "the file has no rows"),
        ("packed.parquet.gz", "a Parquet file inside the archive"),
        ("parquet.zip", "a Parquet file inside the archive"),
        ("empty.zip", "the archive is empty"),
        ("two.zip", "2 files instead of one: a.csv, b.csv"),
        ("book.xlsx", "the file is a workbook"),
        ("picture.csv", "the file is a picture"),
        ("pipe.fifo", "a pipe or a device"),
        ("absent.csv", "No such file"),
        ("*.absent", "no file matches the pattern"),
    ],
)
def test_odd_files_are_refused(kind: str, message: str, entrepot: Callable, tmp_path: Path) -> None:
    path = odd_file(kind, tmp_path)
    done = entrepot("ingest", "comtrade", path, "--lake", tmp_path / "lake")
    assert done.status == 1
    assert message in done.err
    assert "hint:" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "lake").exists()


def test_names_of_files_may_hold_anything(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    names = ["with space.csv", "na'me.csv", '"quoted".csv', "ünï—код.csv", "[x]*?.csv", "per%20cent;--.csv"]
    for number, name in enumerate(names):
        file = download({"partnerCode": "56", "primaryValue": f"{number + 1}"}, name=name)
        done = entrepot("ingest", "comtrade", file, "--lake", tmp_path / "lake")
        assert done.status == 0, done.err
        assert f"{name}: layout web" in done.out


@pytest.mark.parametrize("inside", [(), ("deeper", "lake")], ids=["file", "under a file"])
def test_a_lake_cannot_be_a_file(
    inside: tuple, entrepot: Callable, download: Callable, tmp_path: Path
) -> None:
    (tmp_path / "lake").write_text("own")
    done = entrepot("ingest", "comtrade", download(), "--lake", (tmp_path / "lake").joinpath(*inside))
    assert done.status == 1
    assert "the lake must be a folder" in done.err
    assert "--lake DIR" in done.err
    read = entrepot("flows", "--lake", tmp_path / "lake", "--out", "-")
    assert "this is a file, not the folder of a lake" in read.err


def test_an_answer_without_rows_says_where_to_look(
    entrepot: Callable, download: Callable, tmp_path: Path
) -> None:
    totals = download({"cmdCode": "TOTAL", "aggrLevel": "0"}, good=0)
    assert entrepot("ingest", "comtrade", totals, "--lake", tmp_path / "lake").status == 0
    asked = ("flows", "--lake", tmp_path / "lake", "--reported", "--out", tmp_path / "flows.csv")
    goods = entrepot(*asked)
    assert "0 rows" in goods.err
    assert f"entrepot calendar --lake {tmp_path / 'lake'}" in goods.err
    assert "calendar" not in entrepot(*asked, "--products", "TOTAL").err


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (("--event", "nonsense"), "--event"),
        (("--event", "2022-13"), "--event"),
        (("--event", "2022-03", "--before", "2022-01:2021-01"), "--before"),
        (("--event", "2022-03", "--after", "soon"), "--after"),
        (("--event", "2022-03", "--origin", ""), "--origin"),
        (("--event", "2022-03", "--hub", "nowhere"), "--hub"),
        (("--event", "2022-03", "--hub", "RUS", "--destination", "RUS"), "--hub"),
        (("--event", "2022-03", "--hub", "CHN", "--origin", "CHN"), "--hub"),
        (("--event", "2022-03", "--origin", "RUS", "--destination", "RUS"), "--origin"),
        (("--event", "2022-03", "--origin", "EU27,EAEU"), "--origin"),
        (("--event", "2022-03", "--origin", "EU27,EU27,DEU"), "--before"),
        (("--event", "2022-03", "--before", "2022-06:2022-07", "--after", "2022-05:2022-08"), "--before"),
        (("--event", "2022-03", "--memory", "lots"), "--memory"),
    ],
    ids=" ".join,
)
def test_slips_name_their_option(
    options: tuple,
    where: str,
    entrepot: Callable,
    tmp_path_factory: pytest.TempPathFactory,
    download: Callable,
) -> None:
    lake = tmp_path_factory.getbasetemp() / "lake-of-slips"
    if not lake.exists():
        assert entrepot("ingest", "comtrade", download(), "--lake", lake).status == 0
    done = entrepot("detours", "--lake", lake, "--out", "-", *options)
    assert done.status == 1
    assert f"where: {where}" in done.err


def test_slips_are_told_before_the_lake_is_opened(entrepot: Callable, tmp_path: Path) -> None:
    done = entrepot("screen", "--lake", tmp_path / "absent", "--out", "-", "--event", "x")
    assert "where: --event" in done.err


def test_a_hub_group_may_hold_the_destination(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    """EAEU as hubs and Russia as destination is no slip: the window is what this lake lacks."""
    assert entrepot("ingest", "comtrade", download(), "--lake", tmp_path / "lake").status == 0
    done = entrepot(
        "detours", "--lake", tmp_path / "lake", "--out", "-", "--event", "2022-03", "--hub", "EAEU",
        "--destination", "RUS",
    )  # fmt: skip
    assert "where: --before" in done.err


def test_what_is_interrupted_leaves_no_lake(download: Callable, tmp_path: Path) -> None:
    rows = [{"cmdCode": f"{10101 + n:06d}", "partnerCode": "56"} for n in range(60_000)]
    command = [sys.executable, "-c", "from entrepot.app.cli import main; main()", "ingest", "comtrade"]
    with subprocess.Popen(
        [*command, download(*rows), "--lake", tmp_path / "lake"], stderr=subprocess.PIPE, text=True
    ) as process:
        while not (tmp_path / "lake" / "_tmp").exists() and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: each file is in the lake whole or not at all" in err
    assert not (tmp_path / "lake").exists()
