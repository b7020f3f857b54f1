"""The command ``fetch``: what it prints, and its exit status."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot.app.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "0123456789abcdef0123456789abcdef"
COMTRADE = ("fetch", "comtrade", "--periods", "2022-03:2022-04", "--reporter", "CHN")


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command line: status, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["entrepot", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "300")
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_a_dry_run_says_what_and_fetches_nothing(comtrade, run, tmp_path: Path) -> None:
    status, out, err = run(*COMTRADE, "--to", tmp_path / "cn", "--base-url", comtrade.base, "--dry-run")
    assert status == 0
    assert re.search(
        r"comtrade-M-CHN-202203-\w+-\[2023-01-03\]\.json: CHN 2022-03, planned, of 210,345 rows", out
    )
    assert "1 planned, 1 not published\ndry run: nothing was fetched" in out
    assert "CHN 2022-04: not published" in err
    assert comtrade.paths() == ["/public/v1/getDA/C/M/HS"]
    assert not (tmp_path / "cn").exists()


def test_what_was_fetched_is_ingested_by_the_command_it_prints(
    comtrade, run, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(*COMTRADE, "--to", "my files", "--base-url", comtrade.base)
    assert status == 0
    assert out.endswith("next: entrepot ingest comtrade 'my files' --lake lake\n")
    status, out, _ = run("ingest", "comtrade", "my files", "--lake", "lake")
    assert status == 0
    assert "layout api, vintage 2023-01-03, 2022-03" in out
    assert "3 rows read, 3 stored, 0 quarantined" in out


def test_a_failure_is_told_and_the_status_is_not_0(server, reply, run, tmp_path: Path) -> None:
    server.on("/eurofxref-hist.zip", reply(b"<html><title>Under maintenance</title></html>"))
    status, out, err = run("fetch", "ecb", "--to", tmp_path, "--base-url", server.base)
    assert status == 1
    assert "eurofxref-hist.zip: failed" in err
    assert "in place of a zip archive: 'Under maintenance'" in err
    assert "1 failed" in err
    assert "what is there is kept: do as the hints say" in err
    assert "next:" not in out
    assert out == ""


def test_a_broken_connection_and_a_changed_column_are_told(
    server, reply, run, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("BACI_HS17_Y2022_V202501.csv", "t,i,j,k,dollars,q\n2022,4,24,845210,0.12,0.002\n")
    body = packed.getvalue()
    whole = reply(body, headers={"ETag": '"v1"'})
    server.on("/BACI_HS17_V202501.zip", *[reply(body, headers={"ETag": '"v1"'}, drop_at=50)] * 2, whole)
    question = ("fetch", "baci", "--hs-revision", "HS2017", "--release", "V202501", "--base-url", server.base)
    status, out, err = run(*question, "--to", tmp_path)
    assert (status, out) == (1, "")
    assert f"the connection broke after 50 of {len(body):,} bytes; waiting" in err
    assert "columns of CEPII BACI are missing for the value (v)" in err
    assert "the publisher has changed its columns: report it" in err
    assert not list(tmp_path.glob("*.zip*"))


def test_the_key_is_nowhere_in_what_is_printed(comtrade, reply, run, tmp_path: Path) -> None:
    comtrade.on("/data/v1/get/C/M/HS", reply(f"Access denied: key {KEY}".encode(), 401))
    status, out, err = run(*COMTRADE, "--to", tmp_path, "--base-url", comtrade.base, "--key", KEY)
    assert status == 1
    assert "refuses the key (401): 'Access denied: key ***'" in err
    assert KEY not in out + err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gacc",), "nothing can be fetched from 'gacc'"),
        (("baci",), "BACI is fetched by revision and release"),
        (("baci", "--periods", "2022"), "--periods means nothing to baci"),
        (("comtrade", "--periods", "2022-3"), "'2022-3' is no period"),
        (("comtrade", "--periods", "2022", "--reporter", "Utopia"), "no area is called 'Utopia'"),
        (("comtrade", "--periods", "2022", "--method", "post"), "'post' is no service"),
        (("ecb", "--key", "x"), "ecb asks for no key"),
    ],
)
def test_a_wrong_question_is_told_before_anything_is_asked(run, tmp_path: Path, arguments, said) -> None:
    status, out, err = run("fetch", *arguments, "--to", tmp_path / "x")
    assert status == 1
    assert said in err
    assert out == ""
    assert not (tmp_path / "x").exists()


def test_a_full_disk_is_told(server, tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk: writing beyond it fails in the same place."""
    server.files["/BACI_HS17_V202501.zip"] = (b"PK\x03\x04" + bytes(200_000), '"v1"')
    fetch = Path(sys.executable).parent / "entrepot"
    options = f"--hs-revision HS2017 --release V202501 --to '{tmp_path}/to' --base-url {server.base}"
    command = f"ulimit -f 64; exec {fetch} fetch baci {options}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "the file cannot be written: File too large" in done.stderr
    assert "check free space" in done.stderr
    assert "Traceback" not in done.stderr
