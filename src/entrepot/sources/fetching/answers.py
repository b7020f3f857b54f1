"""What a server's answer is and says: data, an error page, or how long to wait."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.sources.fetching.parts import Container

__all__ = ["CONTAINER_NAMES", "asked_wait", "begins_as", "saying", "what_it_is"]

CONTAINER_NAMES: Final[dict[Container, str]] = {
    "json": "JSON",
    "zip": "a zip archive",
    "7z": "a 7z archive",
    "gzip": "a gzip file",
    "xls": "an Excel workbook (.xls)",
}

_MAGIC: Final[tuple[tuple[bytes, Container], ...]] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
)
_MARKUP: Final = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<soap", b"<s:envelope", b"<")
_LONGEST: Final = 200

_AGAIN: Final = re.compile(r"again in (\d+) second", re.IGNORECASE)
_REPLENISHED: Final = re.compile(r"replenished in (?:(\d+)\.)?(\d+):(\d\d):(\d\d)", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_HIDDEN: Final = re.compile(r"<(script|style)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")


def _container(head: bytes) -> Container | None:
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if found is None and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return "json"
    return found


def begins_as(head: bytes, container: Container) -> bool:
    """Tell whether bytes begin as the container does."""
    return _container(head) == container


def what_it_is(head: bytes) -> str:
    """Return in words what bytes begin as.

    Examples
    --------
    >>> what_it_is(b"<!DOCTYPE html><html>"), what_it_is(b"{}"), what_it_is(b"")
    ('a web page or XML', 'JSON', 'nothing')
    """
    if not head.strip():
        return "nothing"
    if (known := _container(head)) is not None:
        return CONTAINER_NAMES[known]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "a web page or XML" if start.startswith(_MARKUP) else "text"


def saying(body: bytes) -> str:
    """Return what an error body says, in one line: a JSON message, a page's title, or its first words.

    Examples
    --------
    >>> saying(b'{"statusCode": 401, "message": "Access denied due to invalid subscription key."}')
    'Access denied due to invalid subscription key.'
    >>> saying(b"<html><head><title>Request URL Too Long</title></head></html>")
    'Request URL Too Long'
    """
    text = body.decode("utf-8", errors="replace").strip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        try:
            return _clipped(_message(json.loads(text)) or text)
        except (ValueError, RecursionError):
            return _clipped(text)
    if text.startswith("<"):
        title = _TITLE.search(text)
        shown = title[1] if title and title[1].strip() else _TAG.sub(" ", _HIDDEN.sub(" ", text))
        return _clipped(shown)
    return _clipped(text)


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _message(found: object) -> str:
    """Return the message of an error object, however deep the publisher has put it."""
    if isinstance(found, list):
        return next((text for one in found if (text := _message(one))), "")
    if not isinstance(found, dict):
        return ""
    for name in ("message", "errorMessage", "error", "value", "label", "detail", "errorObject"):
        value = found.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, dict | list) and (text := _message(value)):
            return text
    return ""


def asked_wait(headers: Mapping[str, str], body: bytes, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a server asks to wait, None if it does not say.

    Parameters
    ----------
    headers
        Of the answer: ``retry-after`` may be seconds or a date.
    body
        UN Comtrade says it in words: "Try again in 2 seconds", "replenished in 03:30:56".
    now
        The time to count a date from; the clock's without it.

    Examples
    --------
    >>> asked_wait({"retry-after": "7"}, b""), asked_wait({}, b"Try again in 2 seconds.")
    (7.0, 2.0)
    """
    stated = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", stated):
        return float(stated)
    if stated:
        try:
            at = parsedate_to_datetime(stated)
        except (ValueError, TypeError, IndexError, OverflowError):
            at = None
        if at is not None:
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
    text = body.decode("utf-8", errors="replace")
    if found := _AGAIN.search(text):
        return float(found[1])
    if found := _REPLENISHED.search(text):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    return None
