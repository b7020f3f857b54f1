"""Files over a real server that drops, truncates, throttles, ignores ranges and answers with pages."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from entrepot import FetchQuery, Patience, fetch
from entrepot.errors import AccessError, FetchError, InputFileError, OptionError, TruncatedFileError
from entrepot.schema.layouts import BACI
from entrepot.sources.fetching.ledger import locked

if TYPE_CHECKING:
    from pathlib import Path

NAME = "BACI_HS17_V202501.zip"
QUERY = FetchQuery(hs_revision="HS2017", release="V202501")
PAGE = b"<!DOCTYPE html><html><head><title>Scheduled maintenance</title></head><body>back soon</body></html>"


def archive(*, columns: tuple[str, ...] = BACI, rows: int = 4000, seed: int = 0) -> bytes:
    """Return an archive in BACI's layout that zip cannot make small."""
    lines = [",".join(columns)]
    lines += [
        f"2022,156,398,870421,{(seed + i * 7919) % 100003}.5,{i * 104729 % 9973}.1" for i in range(rows)
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        file.writestr("BACI_HS17_Y2022_V202501.csv", "\n".join(lines) + "\n")
    return packed.getvalue()


WHOLE = archive()


def only(report):
    assert len(report.parts) == 1
    return report.parts[0]


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".entrepot-fetch.json", ".entrepot-fetch.lock"}


def parts_of(folder: Path) -> set[str]:
    return {name for name in left_behind(folder) if name.endswith((".part", ".part.json"))}


def test_a_file_comes_whole_and_says_what_to_type_next(server, options, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    report = fetch("baci", tmp_path / "my files", QUERY, options=options())
    part = only(report)
    assert (part.status, part.size) == ("fetched", len(WHOLE))
    assert part.path.read_bytes() == WHOLE
    assert report.next_step == f"entrepot ingest baci '{tmp_path}/my files' --lake lake"
    assert left_behind(tmp_path / "my files") == {NAME}


def test_a_repeat_asks_for_nothing(server, options, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    fetch("baci", tmp_path, QUERY, options=options())
    server.asked.clear()
    assert only(fetch("baci", tmp_path, QUERY, options=options())).status == "kept"
    assert server.asked == []


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_file_that_was_damaged_since_is_fetched_again(server, options, tmp_path: Path, damage: str) -> None:
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    path = only(fetch("baci", tmp_path, QUERY, options=options())).path
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(WHOLE[:-1] + (b"" if damage == "cut" else b"x"))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).status == "fetched"
    assert path.read_bytes() == WHOLE


def test_a_dropped_connection_goes_on_where_it_stopped(server, reply, options, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    first = reply(WHOLE, headers={"ETag": '"v1"'}, drop_at=50_000)
    second = reply(WHOLE[50_000:], 206, {"Content-Range": f"bytes 50000-{len(WHOLE) - 1}/{len(WHOLE)}"})
    server.on(f"/{NAME}", first, second)
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == WHOLE
    asked = [(one.headers.get("Range"), one.headers.get("If-Range")) for one in server.asked]
    assert asked == [(None, None), ("bytes=50000-", '"v1"')]


def test_a_next_run_goes_on_where_the_last_one_stopped(server, reply, options, tmp_path: Path) -> None:
    server.on(f"/{NAME}", reply(WHOLE, headers={"ETag": '"v1"'}, drop_at=30_000), reply(b"", 500))
    report = fetch("baci", tmp_path, QUERY, options=options())
    assert only(report).status == "failed"
    assert parts_of(tmp_path) == {f".{NAME}.part", f".{NAME}.part.json"}
    assert not (tmp_path / NAME).exists()
    server.replies.clear()
    server.asked.clear()
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == WHOLE
    assert [one.headers.get("Range") for one in server.asked] == ["bytes=30000-"]
    assert left_behind(tmp_path) == {NAME}


def test_a_server_that_ignores_ranges_is_asked_for_all(server, reply, options, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    server.on(f"/{NAME}", reply(WHOLE, headers={"ETag": '"v1"'}, drop_at=50_000), server.find_file(NAME))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == WHOLE


def test_two_versions_are_never_joined(server, reply, options, tmp_path: Path) -> None:
    """The file is exchanged between two tries: what came of the old one is dropped."""
    newer = archive(seed=5)
    server.files[f"/{NAME}"] = (newer, '"v2"')
    server.on(f"/{NAME}", reply(WHOLE, headers={"ETag": '"v1"'}, drop_at=50_000), reply(b"", 503))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).status == "failed"
    server.replies.clear()
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == newer


def test_without_a_mark_of_the_version_it_begins_anew(server, reply, options, tmp_path: Path) -> None:
    server.on(f"/{NAME}", reply(WHOLE, drop_at=50_000), reply(WHOLE))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == WHOLE
    assert [one.headers.get("Range") for one in server.asked] == [None, None]


def test_a_server_that_continues_elsewhere_is_not_believed(server, reply, options, tmp_path: Path) -> None:
    wrong = reply(WHOLE[40_000:], 206, {"Content-Range": f"bytes 40000-{len(WHOLE) - 1}/{len(WHOLE)}"})
    first = reply(WHOLE, headers={"ETag": '"v1"'}, drop_at=50_000)
    server.on(f"/{NAME}", first, wrong, reply(WHOLE, headers={"ETag": '"v1"'}))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == WHOLE


def test_a_refused_range_begins_anew(server, reply, options, tmp_path: Path) -> None:
    first = reply(WHOLE, headers={"ETag": '"v1"'}, drop_at=50_000)
    server.on(f"/{NAME}", first, reply(b"", 416), reply(WHOLE, headers={"ETag": '"v1"'}))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == WHOLE


@pytest.mark.parametrize("has_length", [True, False], ids=["length said", "length not said"])
def test_a_file_cut_on_every_try_is_an_error(
    server, reply, options, tmp_path: Path, *, has_length: bool
) -> None:
    cut = reply(WHOLE if has_length else WHOLE[:50_000], drop_at=50_000, has_length=has_length)
    server.on(f"/{NAME}", cut)
    part = only(fetch("baci", tmp_path, QUERY, options=options()))
    assert part.status == "failed"
    assert isinstance(part.error, TruncatedFileError)
    said = (
        "cut short on every try: 50,000 bytes"
        if has_length
        else "cut short: no end of a zip archive in 50,000"
    )
    assert said in part.error.what
    assert NAME in part.error.where
    assert not (tmp_path / NAME).exists()
    assert len(server.asked) in {4, 5}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (PAGE, "a web page or XML in place of a zip archive: 'Scheduled maintenance'"),
        (
            b'{"errorObject": {"errorMessage": "No such table"}}',
            "JSON in place of a zip archive: 'No such table'",
        ),
        (b"come back tomorrow", "text in place of a zip archive: 'come back tomorrow'"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04" + b"\x00" * 40, "a 7z archive in place of a zip archive"),
    ],
    ids=["html", "json", "text", "other archive"],
)
def test_something_else_with_status_200_is_told_at_once(
    server, reply, options, tmp_path: Path, body: bytes, said: str
) -> None:
    server.on(f"/{NAME}", reply(body))
    part = only(fetch("baci", tmp_path, QUERY, options=options()))
    assert isinstance(part.error, FetchError)
    assert f"the server answered {said}" in part.error.what
    assert NAME in part.error.where
    assert len(server.asked) == 1
    assert left_behind(tmp_path) == set()


def test_500_is_asked_again_and_a_page_read_to_the_user(server, reply, options, tmp_path: Path) -> None:
    server.on(f"/{NAME}", reply(PAGE, 500), reply(PAGE, 502), reply(WHOLE))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).status == "fetched"
    server.on(f"/{NAME}", reply(PAGE, 500))
    part = only(fetch("baci", tmp_path / "other", QUERY, options=options()))
    assert part.error.what == "the server answers 500 after 4 tries: 'Scheduled maintenance'."
    assert "goes on where it stopped" in part.error.hint
    assert len(server.asked) == 3 + 4


def test_404_is_not_asked_again(server, options, tmp_path: Path) -> None:
    part = only(fetch("baci", tmp_path, QUERY, options=options()))
    assert "404: 'The resource you are looking for has been removed'" in part.error.what
    assert "release" in part.error.hint
    assert len(server.asked) == 1


def test_throttling_waits_as_long_as_asked(server, reply, options, tmp_path: Path) -> None:
    waits: list[str] = []
    throttled = reply(b'{"message": "Rate limit is exceeded. Try again in 0 seconds."}', 429)
    server.on(f"/{NAME}", reply(b"", 429, {"Retry-After": "1"}), reply(b"", 429), throttled, reply(WHOLE))
    report = fetch("baci", tmp_path, QUERY, options=options(), progress=lambda s: waits.append(s.note))
    assert only(report).status == "fetched"
    notes = [note for note in waits if note]
    assert notes[0] == "the server answers 429; waiting 1 s, then try 2 of 4"
    assert len(notes) == 3


def test_throttling_to_the_end_is_an_error(server, reply, options, tmp_path: Path) -> None:
    server.on(f"/{NAME}", reply(b'{"message": "Rate limit is exceeded."}', 429))
    part = only(fetch("baci", tmp_path, QUERY, options=options()))
    assert isinstance(part.error, AccessError)
    assert "does not answer more questions now (429): 'Rate limit is exceeded.'" in part.error.what
    assert len(server.asked) == 4


def test_a_wait_of_hours_is_not_waited_for(server, reply, options, tmp_path: Path) -> None:
    server.on(f"/{NAME}", reply(b"", 429, {"Retry-After": "14400"}))
    part = only(fetch("baci", tmp_path, QUERY, options=options()))
    assert "ask again in 4.0 hours" in part.error.what
    assert len(server.asked) == 1


def test_silence_ends(server, reply, options, tmp_path: Path) -> None:
    patience = Patience(attempts=2, first_wait=0.01, longest_wait=0.02, answer_wait=0.2, pause=0)
    server.on(f"/{NAME}", reply(WHOLE, silence=5))
    part = only(fetch("baci", tmp_path, QUERY, options=options(patience=patience)))
    assert "gave no answer, after 2 tries" in part.error.what


def test_no_server_is_an_error_with_advice(options, tmp_path: Path) -> None:
    part = only(fetch("baci", tmp_path, QUERY, options=options(base_url="http://127.0.0.1:9")))
    assert "connection failed after 4 tries" in part.error.what
    assert "HTTPS_PROXY" in part.error.hint


def test_a_changed_column_is_an_error(server, reply, options, tmp_path: Path) -> None:
    server.on(f"/{NAME}", reply(archive(columns=("t", "i", "j", "k", "value", "q"))))
    part = only(fetch("baci", tmp_path, QUERY, options=options()))
    assert isinstance(part.error, InputFileError)
    assert "value" in part.error.what
    assert NAME in part.error.where
    assert ".part" not in part.error.where
    assert left_behind(tmp_path) == set()


def test_redirects_are_followed(server, reply, options, tmp_path: Path) -> None:
    server.on(f"/{NAME}", reply(b"", 302, {"Location": "/elsewhere"}))
    server.on("/elsewhere", reply(WHOLE))
    assert only(fetch("baci", tmp_path, QUERY, options=options())).path.read_bytes() == WHOLE
    server.on("/elsewhere", reply(b"", 302, {"Location": f"/{NAME}"}))
    part = only(fetch("baci", tmp_path / "round", QUERY, options=options()))
    assert "more than 10 redirects" in part.error.what


def test_a_folder_holds_one_publisher(server, options, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    fetch("baci", tmp_path, QUERY, options=options())
    with pytest.raises(OptionError, match="the folder holds files of baci"):
        fetch("un_hs", tmp_path, options=options())


def test_two_fetches_into_one_folder_do_not_mix(server, options, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(FetchError, match="another fetch is writing"):
        fetch("baci", tmp_path, QUERY, options=options())


def test_a_damaged_register_is_told(server, options, tmp_path: Path) -> None:
    (tmp_path / ".entrepot-fetch.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputFileError, match="register of fetched files cannot be read"):
        fetch("baci", tmp_path, QUERY, options=options())


def test_a_folder_that_cannot_be_made_is_told(server, options, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(FetchError, match="folder cannot be made"):
        fetch("baci", tmp_path / "file", QUERY, options=options())


def test_a_dry_run_writes_nothing(server, options, tmp_path: Path) -> None:
    report = fetch("baci", tmp_path / "new", QUERY, options=options(is_dry_run=True))
    assert only(report).status == "planned"
    assert not (tmp_path / "new").exists()
    assert server.asked == []


def test_the_register_has_size_and_checksum(server, options, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = (WHOLE, '"v1"')
    fetch("baci", tmp_path, QUERY, options=options())
    entry = json.loads((tmp_path / ".entrepot-fetch.json").read_text())["files"][NAME]
    assert (entry["size"], entry["sha256"]) == (len(WHOLE), hashlib.sha256(WHOLE).hexdigest())
    assert entry["vintage"] == "V202501"
