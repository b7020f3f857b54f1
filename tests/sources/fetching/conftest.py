"""A real HTTP server on loopback that misbehaves as told, and publishers' answers to put on it."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from entrepot import FetchOptions, Patience
from entrepot.schema.layouts import COMTRADE_WEB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Waits as short as they can be told apart: what is tested is how often and in which order.
HASTY = Patience(
    attempts=4, first_wait=0.01, longest_wait=0.02, longest_asked_wait=2, answer_wait=30, pause=0
)


@dataclass
class Reply:
    """One answer, and what goes wrong with it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    #: Close the connection after so many bytes of the body, though more are promised.
    drop_at: int | None = None
    #: Say nothing of the length: the end of the connection is the end of the body.
    has_length: bool = True
    #: Seconds before anything is said.
    silence: float = 0.0


@dataclass
class Asked:
    """One request that came."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    target: str


class Served:
    """Replies by path (and parameters), and the requests that came.

    A reply may be a list: the first for the first request, the last for all further ones.
    """

    def __init__(self) -> None:
        self.replies: list[tuple[str, dict[str, str], list[Reply]]] = []
        self.files: dict[str, tuple[bytes, str]] = {}
        self.asked: list[Asked] = []
        self.base = ""

    def on(self, path: str, *replies: Reply, **params: str) -> None:
        """Answer a path with these, one after the other; a later rule counts before an earlier one."""
        self.replies.insert(0, (path, params, list(replies)))

    def json(self, path: str, content: object, **params: str) -> None:
        self.on(
            path, Reply(json.dumps(content).encode(), headers={"Content-Type": "application/json"}), **params
        )

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def find_file(self, name: str) -> Reply:
        """Return the whole of a file, whatever range is asked for."""
        body, etag = self.files[f"/{name}"]
        return Reply(body, 200, {"ETag": etag})

    def find(self, one: Asked) -> Reply:
        for path, params, replies in self.replies:
            if path == one.path and params.items() <= one.params.items():
                return replies.pop(0) if len(replies) > 1 else replies[0]
        if one.path in self.files:
            return self._part(one, *self.files[one.path])
        return Reply(
            b"<html><head><title>The resource you are looking for has been removed</title></head></html>", 404
        )

    def _part(self, one: Asked, body: bytes, etag: str) -> Reply:
        """Answer as a file server does: ranges, and whether anything is newer."""
        headers = {"ETag": etag} if etag else {}
        if etag and one.headers.get("If-None-Match") == etag:
            return Reply(b"", 304, headers)
        span = one.headers.get("Range", "")
        fits = one.headers.get("If-Range", etag) == etag
        if span and fits:
            start = int(span.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return Reply(body[start:], 206, headers)
        return Reply(body, 200, headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        one = Asked(split.path, dict(parse_qsl(split.query)), dict(self.headers.items()), self.path)
        served: Served = self.server.served
        with self.server.lock:
            served.asked.append(one)
            reply = served.find(one)
        if reply.silence:
            self.server.stopped.wait(reply.silence)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.has_length and reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if reply.drop_at is None:
            self.wfile.write(reply.body)
            return
        self.wfile.write(reply.body[: reply.drop_at])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests read what was asked."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that went away: the tests make them."""


def _serving() -> Iterator[Served]:
    served = Served()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.served, server.lock, server.stopped = served, threading.Lock(), threading.Event()
    served.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    server.stopped.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_proxy_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tester's own proxy and key out of the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
                 "ENTREPOT_COMTRADE_KEY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Served]:
    """Return a server on loopback."""
    yield from _serving()


@pytest.fixture
def other_server() -> Iterator[Served]:
    """Return a second server: another host, as far as a client can tell."""
    yield from _serving()


@pytest.fixture
def options(server: Served) -> Callable[..., FetchOptions]:
    """Return a maker of options that lead to the server and do not wait long."""

    def make(path: str = "", **given: object) -> FetchOptions:
        return FetchOptions(**{"base_url": server.base + path, "patience": HASTY, **given})

    return make


_SAMPLES = Path(__file__).parents[3] / "src/entrepot/sources/comtrade/samples"
_ROW = json.loads((_SAMPLES / "api.json").read_text(encoding="utf-8"))["data"][0]


def comtrade_row(number: int = 156, period: str = "202203", **changes: object) -> dict[str, object]:
    """Return one row of the API, its members in the publisher's order."""
    assert set(_ROW) == set(COMTRADE_WEB)
    frequency = "A" if len(period) == 4 else "M"
    row = {**_ROW, "freqCode": frequency, "refPeriodId": f"{period}01", "refYear": period[:4],
           "refMonth": period[4:] or "52", "period": period, "reporterCode": number}  # fmt: skip
    return row | changes


def comtrade_answer(rows: list[dict[str, object]], **changes: object) -> dict[str, object]:
    """Return an answer of the API."""
    return {"elapsedTime": "0.1 secs", "count": len(rows), "data": rows, "error": "", **changes}


def dataset_row(number: int = 156, period: str = "202203", **changes: object) -> dict[str, object]:
    """Return one row of the data availability."""
    row = {
        "datasetCode": 20003150015600, "typeCode": "C", "freqCode": "A" if len(period) == 4 else "M",
        "period": int(period), "reporterCode": number, "reporterISO": None, "reporterDesc": None,
        "classificationCode": "H6", "classificationSearchCode": "HS", "isOriginalClassification": True,
        "isExtendedFlowCode": False, "totalRecords": 210345, "datasetChecksum": -1234567,
        "firstReleased": "2022-06-01T00:00:00", "lastReleased": "2023-01-03T21:27:01.16",
    }  # fmt: skip
    return row | changes


@pytest.fixture
def reply() -> type[Reply]:
    """Return the maker of replies."""
    return Reply


@pytest.fixture
def api() -> SimpleNamespace:
    """Return the makers of UN Comtrade's answers."""
    return SimpleNamespace(row=comtrade_row, answer=comtrade_answer, dataset=dataset_row, samples=_SAMPLES)


@pytest.fixture
def comtrade(server: Served) -> Served:
    """Return the server with one published month of China and an answer of three rows."""
    server.json("/public/v1/getDA/C/M/HS", comtrade_answer([dataset_row()]))
    rows = [comtrade_row(cmdCode=code) for code in ("870323", "870421", "854231")]
    server.json("/public/v1/preview/C/M/HS", comtrade_answer(rows))
    server.json("/data/v1/get/C/M/HS", comtrade_answer(rows))
    return server
