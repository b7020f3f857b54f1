"""Object stores, against a real S3 server on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from moto.server import ThreadedMotoServer
from pyarrow.fs import S3FileSystem

from entrepot import IngestOptions, copy_lake, ingest, open_source
from entrepot.errors import EmptyFileError, InputFileError, LakeError, OptionError
from entrepot.store import Lake
from entrepot.store.object_store import files_of_address, is_address

if TYPE_CHECKING:
    from collections.abc import Iterator

COMTRADE = (
    "typeCode,freqCode,refYear,refMonth,period,reporterCode,flowCode,partnerCode,partner2Code,"
    "classificationCode,cmdCode,customsCode,motCode,primaryValue,netWgt\n"
)


def _rows(year: int, value: int) -> bytes:
    row = f"C,A,{year},52,{year},156,X,417,0,H6,870421,C00,0,{value},10\n"
    return (COMTRADE + row).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, S3FileSystem]]:
    """Return host and port of a server with a bucket, and a client of our own."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host = "{}:{}".format(*moto.get_host_and_port())
    client = S3FileSystem(
        access_key="a",
        secret_key="b",  # noqa: S106
        endpoint_override=host,
        scheme="http",
        allow_bucket_creation=True,
    )
    client.create_dir("trade")
    yield host, client
    moto.stop()


@pytest.fixture
def bucket(
    server: tuple[str, S3FileSystem], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, S3FileSystem]]:
    """Return what to write behind an address, and a client; the bucket is empty afterwards."""
    host, client = server
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    yield f"?endpoint_override={host}&scheme=http", client
    client.delete_dir_contents("trade", missing_dir_ok=True)


def _put(client: S3FileSystem, key: str, data: bytes) -> None:
    with client.open_output_stream(key) as out:
        out.write(data)


def _ingest(paths, lake: Path, **options: object):
    return ingest(open_source("comtrade"), paths, lake=lake, options=IngestOptions(**options))


def test_files_are_taken_in_from_a_bucket_as_from_a_folder(bucket, tmp_path):
    query, client = bucket
    for year, value in ((2022, 7), (2023, 9)):
        _put(client, f"trade/raw/{year}.csv", _rows(year, value))
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "files" / f"{year}.csv").write_bytes(_rows(year, value))
    _put(client, "trade/raw/.hidden", b"x")
    there = _ingest([f"s3://trade/raw{query}"], tmp_path / "there")
    here = _ingest([tmp_path / "files"], tmp_path / "here")
    assert [(file.status, str(file.path)) for file in there.files] == [
        ("stored", "s3://trade/raw/2022.csv"), ("stored", "s3://trade/raw/2023.csv")
    ]  # fmt: skip
    assert [file.file_hash for file in there.files] == [file.file_hash for file in here.files]
    for key in ("rows_read", "rows_stored", "rows_quarantined"):
        assert [getattr(file, key) for file in there.files] == [getattr(file, key) for file in here.files]
    assert not list((tmp_path / "there" / "_tmp").glob("copies-*"))
    again = _ingest([f"s3://trade/raw/2022.csv{query}"], tmp_path / "there")
    assert [file.status for file in again.files] == ["already_in"]


@pytest.mark.usefixtures("spark")
def test_spark_takes_files_in_from_a_bucket(bucket, tmp_path):
    query, client = bucket
    _put(client, "trade/raw/2022.csv", _rows(2022, 7))
    _put(client, "trade/raw/bad.csv", b"\x00\x01")
    report = _ingest([f"s3://trade/raw{query}"], tmp_path / "lake", engine="spark")
    assert [(file.status, str(file.path)) for file in report.files] == [
        ("stored", "s3://trade/raw/2022.csv"), ("failed", "s3://trade/raw/bad.csv")
    ]  # fmt: skip
    assert str(tmp_path) not in str(report.files[1].error)


def test_patterns_single_files_and_what_is_not_there(bucket):
    query, client = bucket
    for name in ("a/2022.csv", "a/2023.csv", "a/notes.txt", "b/2023.csv"):
        _put(client, f"trade/{name}", b"x")
    found = files_of_address(f"s3://trade/*/2023.csv{query}")
    assert [file.address for file in found] == ["s3://trade/a/2023.csv", "s3://trade/b/2023.csv"]
    assert [file.key for file in files_of_address(f"s3://trade/a/notes.txt{query}")] == ["trade/a/notes.txt"]
    for missing in ("nowhere", "a/*.parquet"):
        with pytest.raises(EmptyFileError):
            files_of_address(f"s3://trade/{missing}{query}")


def test_a_bad_file_is_called_by_its_address(bucket, tmp_path):
    query, client = bucket
    _put(client, "trade/bad.csv", b"\x00\x01\x02")
    _put(client, "trade/good.csv", _rows(2022, 7))
    report = _ingest([f"s3://trade/bad.csv{query}", f"s3://trade/good.csv{query}"], tmp_path / "lake")
    assert [file.status for file in report.files] == ["failed", "stored"]
    assert "s3://trade/bad.csv" in str(report.files[0].error)
    assert str(tmp_path) not in str(report.files[0].error)


def test_the_day_of_the_object_is_the_vintage(bucket, tmp_path):
    query, client = bucket
    _put(client, "trade/2022.csv", _rows(2022, 7))
    modified = client.get_file_info("trade/2022.csv").mtime
    report = _ingest([f"s3://trade/2022.csv{query}"], tmp_path / "lake")
    assert report.files[0].vintage == modified.date()


def test_a_lake_goes_to_a_bucket_and_back_and_only_what_is_new_is_copied(bucket, tmp_path):
    query, client = bucket
    address = f"s3://trade/lake{query}"
    for year, value in ((2022, 7), (2023, 9)):
        (tmp_path / f"{year}.csv").write_bytes(_rows(year, value))
    _ingest([tmp_path / "2022.csv"], tmp_path / "lake")
    first = copy_lake(tmp_path / "lake", address)
    assert first.already_there == 0
    assert copy_lake(tmp_path / "lake", address).copied == 0
    _ingest([tmp_path / "2023.csv"], tmp_path / "lake")
    second = copy_lake(tmp_path / "lake", address)
    assert second.already_there == first.copied
    assert second.copied > 0
    # Delta's own reader sees the table in the bucket, all of it.
    host = query.partition("override=")[2].partition("&")[0]
    options = {
        "AWS_ENDPOINT_URL": f"http://{host}", "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
    }  # fmt: skip
    table = DeltaTable("s3://trade/lake/core__flow", storage_options=options)
    files = [Path(uri).name for uri in table.file_uris()]
    assert len(files) == len(Lake.open(tmp_path / "lake").active("core__flow"))
    copy_lake(address, tmp_path / "back")
    own, back = Lake.open(tmp_path / "lake"), Lake.open(tmp_path / "back")
    assert back.files().equals(own.files())
    for here, there in zip(own.table_files("core__flow"), back.table_files("core__flow"), strict=True):
        assert pq.read_table(here).equals(pq.read_table(there))
    assert not client.get_file_info("trade/lake/_locks").is_file


def test_a_copy_that_broke_off_shows_nothing_and_is_completed(bucket, tmp_path):
    query, client = bucket
    (tmp_path / "2022.csv").write_bytes(_rows(2022, 7))
    _ingest([tmp_path / "2022.csv"], tmp_path / "lake")
    copy_lake(tmp_path / "lake", f"s3://trade/lake{query}")
    # As if it had broken off before the last log, with half a data file.
    client.delete_dir("trade/lake/core__flow/_delta_log")
    parquet = Lake.open(tmp_path / "lake").table_files("core__flow")[0].relative_to(tmp_path)
    _put(client, f"trade/{parquet.as_posix()}", b"half")
    with pytest.raises(LakeError, match="no lake here"):
        copy_lake(f"s3://trade/lake{query}", tmp_path / "back")
    copy_lake(tmp_path / "lake", f"s3://trade/lake{query}")
    copy_lake(f"s3://trade/lake{query}", tmp_path / "back")
    assert Lake.open(tmp_path / "back").files().equals(Lake.open(tmp_path / "lake").files())


def test_lakes_that_went_apart_are_not_mixed(tmp_path):
    for name, value in (("one", 7), ("two", 9)):
        (tmp_path / f"{name}.csv").write_bytes(_rows(2022, value))
        _ingest([tmp_path / f"{name}.csv"], tmp_path / name)
    with pytest.raises(LakeError, match=r"differs|lacks"):
        copy_lake(tmp_path / "one", tmp_path / "two")
    copy_lake(tmp_path / "one", tmp_path / "copy")
    _ingest([tmp_path / "two.csv"], tmp_path / "copy")
    with pytest.raises(LakeError, match="lacks"):
        copy_lake(tmp_path / "one", tmp_path / "copy")


def test_the_command_copies(bucket, tmp_path):
    query, _ = bucket
    (tmp_path / "2022.csv").write_bytes(_rows(2022, 7))
    _ingest([tmp_path / "2022.csv"], tmp_path / "lake")
    command = [Path(sys.executable).with_name("entrepot"), "copy", tmp_path / "lake", f"s3://trade/l{query}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "files copied" in done.stdout


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("ftp://host/file.csv", OptionError),
        ("s3://key:secret@bucket/x", OptionError),
        ("s3:///x", OptionError),
    ],
)  # fmt: skip
def test_addresses_that_are_refused(address, error):
    with pytest.raises(error) as caught:
        files_of_address(address)
    assert "secret" not in str(caught.value).replace("SECRET", "").replace("secret_key", "")


def test_a_store_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputFileError, match="object store"):
        files_of_address(f"s3://trade/x?endpoint_override=127.0.0.1:{port}&scheme=http")


def test_what_is_an_address():
    assert is_address("s3://bucket/x")
    assert is_address(Path("s3://bucket/x"))
    assert not is_address("C:/data")
    assert not is_address("folder/s3")


def test_a_lake_is_not_opened_in_a_bucket():
    for given in ("s3://bucket/lake", Path("s3://bucket/lake")):
        with pytest.raises(LakeError) as caught:
            Lake.open(given)
        assert "entrepot copy" in caught.value.hint
