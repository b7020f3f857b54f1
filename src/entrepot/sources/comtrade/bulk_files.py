"""UN Comtrade's bulk files: one gzip of text for each reporter, period and classification."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import HeaderError, TruncatedFileError
from entrepot.nomenclature import area
from entrepot.sources.comtrade.availability import area_of_number, not_published, readable_period, rows_of
from entrepot.sources.comtrade.recognise import recognise
from entrepot.sources.fetching.parts import Judged, Part, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.questions import FetchQuery

__all__ = ["bulk_plan"]

_NEEDED: Final = ("fileurl", "reportercode", "period", "classificationcode")
_PERIODS_AT_ONCE: Final = 12
_SIZE: Final = re.compile(r"([\d.]+)\s*(B|KB|MB|GB)", re.IGNORECASE)
_UNITS: Final = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_PLAIN: Final = re.compile(r"[A-Za-z0-9]+")


def bulk_plan(
    client: Client, query: FetchQuery, *, frequency: str, classification: str, periods: Sequence[str]
) -> Plan:
    """Return a part each bulk file that is published of what is asked.

    Parameters
    ----------
    client
        The server, with a premium key.
    query
        Which reporters.
    frequency, classification, periods
        As Comtrade writes them.

    Raises
    ------
    FetchError
        The list of files cannot be had.
    """
    address = f"bulk/v1/get/C/{frequency}/{classification}"
    parts: list[Part] = []
    there: set[tuple[str | None, str]] = set()
    for start in range(0, len(periods), _PERIODS_AT_ONCE):
        some = periods[start : start + _PERIODS_AT_ONCE]
        params = {"period": ",".join(some)}
        if query.reporters:
            numbers = [str(number) for code in query.reporters for number in area(code).m49]
            params["reporterCode"] = ",".join(dict.fromkeys(numbers))
        where = f"{client.address(address)}, periods {some[0]} to {some[-1]}"
        for row in _files(rows_of(client.json(address, params), where=where), where):
            code = area_of_number(str(row["reportercode"]), str(row["period"]))
            is_group = code is not None and area(code).is_aggregate
            is_meant = code in query.reporters if query.reporters else not is_group
            if is_meant and str(row["period"]) in some:
                parts.append(_part(row, code, frequency))
                there.add((code, str(row["period"])))
    return Plan(tuple(parts), not_published(query.reporters, periods, there))


def _files(rows: list[dict[str, Any]], where: str) -> Iterator[dict[str, Any]]:
    for row in rows:
        plain = {name.casefold(): value for name, value in row.items()}
        absent = [name for name in _NEEDED if not _PLAIN.match(str(plain.get(name, "")))]
        if absent:
            raise HeaderError(
                f"the list of bulk files lacks {', '.join(absent)}",
                where=where,
                hint="the publisher has changed its API: report it to the authors of entrepot",
            )
        yield plain


def _part(row: dict[str, Any], code: str | None, frequency: str) -> Part:
    released = _released(row)
    number, period, revision = (str(row[name]) for name in ("reportercode", "period", "classificationcode"))
    # The official client's name: the reader takes the vintage from the brackets.
    name = f"COMTRADE-FINAL-C{frequency}{number.zfill(3)}{period}{revision}[{released or '1900-01-01'}].gz"
    stated = str(row.get("filesize") or "")

    def judge(path: Path, _: Any) -> Judged:
        _refuse_other_size(path, stated)
        recognise(path)
        return Judged()

    return Part(
        name=name,
        what=f"{code or number} {readable_period(period)} {revision}" + (f", {stated}" if stated else ""),
        url=str(row["fileurl"]),
        container="gzip",
        judge=judge,
        vintage=f"{row.get('publicationdate') or ''} {row.get('datasetchecksum') or row['fileurl']}".strip(),
        published=released,
    )


def _released(row: dict[str, Any]) -> date | None:
    try:
        day = date.fromisoformat(str(row.get("publicationdate"))[:10])
    except ValueError:
        return None
    return day if day.year > 1900 else None


def _refuse_other_size(path: Path, stated: str) -> None:
    """Compare with the list's size, which is rounded to two decimals of its unit."""
    found = _SIZE.fullmatch(stated.strip())
    if found is None:
        return
    unit = _UNITS[found[2].lower()]
    size = path.stat().st_size
    if abs(size / unit - float(found[1])) > 0.0101:
        raise TruncatedFileError(
            f"{size:,} bytes came, the publisher's list says {stated}",
            where=path.name,
            hint="repeat the command: the publisher may have been exchanging the file",
        )
