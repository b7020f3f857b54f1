"""Eurostat's bulk files of Comext: one 7z archive a month, all reporters, partners and goods.

The listing of the folder says what there is, its size and its date. A revised month comes beside the earlier
one: its date stands in brackets behind the publisher's name, where the reader takes the vintage from.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import FetchError, HeaderError, OptionError
from entrepot.sources.comext.recognise import recognise
from entrepot.sources.fetching.answers import what_it_is
from entrepot.sources.fetching.commands import ingest_command
from entrepot.sources.fetching.parts import Freshness, Judged, Part, Plan

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.questions import FetchQuery

__all__ = ["ComextFetcher"]

_FOLDER: Final = "comext/COMEXT_DATA/PRODUCTS"
_LISTING: Final = {
    "format": "csv", "hierarchy": "false", "sizeFormat": "NONE", "dateFormat": "ISO", "dir": _FOLDER,
}  # fmt: skip
_BULK: Final = re.compile(r"full_v2_(\d{6})\.7z")
_FIRST_YEAR: Final = 2002


@dataclass(frozen=True, slots=True)
class _Listed:
    """A file as the listing has it; None is what the listing does not say."""

    size: int | None
    changed: str


class ComextFetcher:
    """Fetcher of Comext's bulk files of the current generation (2002 on)."""

    @property
    def id(self) -> str:
        """Return ``comext``."""
        return "comext"

    @property
    def base_url(self) -> str:
        """Return the address of Eurostat's file service."""
        return "https://ec.europa.eu/eurostat/api/dissemination/files"

    @property
    def takes(self) -> frozenset[str]:
        """Return the fields of a query that mean something here."""
        return frozenset({"periods"})

    @property
    def pause(self) -> float:
        """Return the seconds between two requests."""
        return 1.0

    @property
    def key_header(self) -> str:
        """Return nothing: there are no keys."""
        return ""

    def plan(self, query: FetchQuery, client: Client) -> Plan:
        """Return a part each month or year that the listing has."""
        if not query.periods:
            raise OptionError(
                "no period is asked for", where="--periods", hint="give --periods 2022-01:2022-12"
            )
        early = [period for period in query.periods if int(period[:4]) < _FIRST_YEAR]
        if early:
            raise OptionError(
                f"{early[0]} is not among the files of this generation",
                where="--periods",
                hint="files of 1988 to 2001 lie in COMEXT_HISTORICAL_DATA/PRODUCTS_1988_2001: download "
                "them by hand; comext reads them",
            )
        is_annual = query.frequency == "A"
        listed = _listing(client)
        latest = max((code for code in listed if code.endswith("52") == is_annual), default="")
        parts, absent = [], []
        for period in query.periods:
            code = f"{period}52" if is_annual else period.replace("-", "")
            # Only what is later than all that is listed is not there yet; a gap is asked for, and fails.
            if code > latest and listed:
                absent.append(period)
            else:
                parts.append(_part(code, period, listed.get(code)))
        return Plan(tuple(parts), tuple(absent))

    def next_step(self, folder: Path) -> str:
        """Return the command that takes the files into a lake."""
        return ingest_command(self.id, folder)


def _listing(client: Client) -> dict[str, _Listed]:
    """Return the bulk files by their month; empty where the listing does not show any of them."""
    where = f"{client.address('')}, listing of {_FOLDER}"
    body = client.body("", _LISTING)
    text = body.decode("utf-8-sig", errors="replace")
    reader = csv.DictReader(io.StringIO(text))
    names = {name.strip().casefold(): name for name in reader.fieldnames or []}
    if "name" not in names:
        kind = what_it_is(body[:512])
        message = f"the listing is {kind} without a column NAME: {client.quoted(body)}"
        error = HeaderError if kind == "text" else FetchError
        raise error(
            message,
            where=where,
            hint="repeat the command later; if the listing has changed its form, report it to the authors",
        )
    found: dict[str, _Listed] = {}
    for row in reader:
        fits = _BULK.fullmatch((row[names["name"]] or "").strip().rpartition("/")[2])
        if fits:
            size = (row.get(names.get("size", "")) or "").strip()
            changed = next(
                (row[names[name]] or "" for name in names if "modified" in name or "date" in name), ""
            )
            found[fits[1]] = _Listed(int(size) if size.isdigit() else None, changed.strip())
    return found


def _part(code: str, period: str, listed: _Listed | None) -> Part:
    day = _day(listed.changed) if listed else None
    vintage = f"{listed.changed} {listed.size if listed.size is not None else ''}".strip() if listed else ""
    name = f"full_v2_{code}.7z"
    return Part(
        name=f"full_v2_{code}[{day}].7z" if day else name,
        what=f"all reporters {period}",
        url="",
        container="7z",
        judge=_judge,
        params={"file": f"{_FOLDER}/{name}"},
        vintage=vintage,
        published=day,
        size=listed.size if listed else None,
        freshness=Freshness.FIXED if vintage else Freshness.ASKED,
    )


def _judge(path: Path, _: Any) -> Judged:
    recognise(path)
    return Judged()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
