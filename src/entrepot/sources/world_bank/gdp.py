"""GDP from the fetched pages of the World Bank, as a table of ours."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from entrepot.errors import EmptyFileError, InputFileError, TruncatedFileError
from entrepot.nomenclature import resolve_area
from entrepot.schema import GDP
from entrepot.sources.world_bank.pages import COUNTRY_NEEDS, GDP_NEEDS, read_page

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["read_gdp"]

#: Channel Islands: Jersey and Guernsey in one, which is no area of trade statistics.
_NO_AREA: Final = {"CHI"}

_PAGE: Final = re.compile(
    r"(?P<answer>gdp(?:-\d{4}-\d{4})?|countries)-page-(?P<page>\d+)-of-(?P<pages>\d+)(?:\[(?P<day>[\d-]+)\])?\.json"
)


def read_gdp(folder: str | Path) -> pa.Table:
    """Return GDP by area and year from a folder that ``entrepot fetch world_bank`` has filled.

    Use it to weigh an import against the economy that takes it.

    Parameters
    ----------
    folder
        With all pages of the table and the list of economies. Of several updates the latest counts.

    Returns
    -------
    pyarrow.Table
        The contract ``ref__gdp``. **Grain**: area × year. ``gdp_usd`` in current US dollars. Regions,
        income groups and the Channel Islands (two areas in one) are left out.

    *Missing data*: a year that the World Bank leaves empty has no row.

    Raises
    ------
    EmptyFileError
        The folder has no such files.
    TruncatedFileError
        A page is missing.
    InputFileError
        A page is damaged, or a value is no amount.
    UnknownCodeError
        An economy is in no table of ours.
    """
    where = Path(folder)
    sets = _sets(where)
    economies = _economies(_rows(where, sets, "countries", COUNTRY_NEEDS))
    answers = dict.fromkeys(answer for answer, _ in sets if answer.startswith("gdp"))
    if not answers:
        raise EmptyFileError(
            "the folder holds no GDP", where=str(where), hint="entrepot fetch world_bank --to FOLDER"
        )
    found: dict[tuple[str, int], tuple[float, date]] = {}
    for answer in answers:
        day = max(day for name, day in sets if name == answer)
        for row in _rows(where, sets, answer, GDP_NEEDS):
            if row["value"] is None or (code := _economy(row, economies, where)) is None:
                continue
            key, amount = _amount(row, code, where)
            if key not in found or found[key][1] <= day:
                found[key] = (amount, day)
    return _table(found)


_Sets = dict[tuple[str, date], dict[int, tuple[int, Path]]]


def _sets(folder: Path) -> _Sets:
    """Return the pages that lie in a folder, by answer and day of update: page → (pages in all, file)."""
    found: _Sets = defaultdict(dict)
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if fits := _PAGE.fullmatch(path.name):
                day = _day(fits["day"] or "") or datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date()
                found[fits["answer"], day][int(fits["page"])] = int(fits["pages"]), path
    return found


def _rows(folder: Path, sets: _Sets, answer: str, needed: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the rows of an answer's latest update, all its pages."""
    days = [day for name, day in sets if name == answer]
    if not days:
        raise EmptyFileError(
            f"the folder lacks the pages of {answer}",
            where=str(folder),
            hint="entrepot fetch world_bank --to FOLDER brings the list of economies too",
        )
    pages = sets[answer, max(days)]
    count = max(total for total, _ in pages.values())
    absent = [number for number in range(1, count + 1) if pages.get(number, (0, folder))[0] != count]
    if absent:
        raise TruncatedFileError(
            f"of {answer} page {absent[0]} of {count} is missing",
            where=str(folder),
            hint="repeat the fetch: it brings what is missing",
        )
    for number in range(1, count + 1):
        path = pages[number][1]
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise InputFileError(
                f"the page cannot be read: {error}", where=str(path), hint="delete it and repeat the fetch"
            ) from error
        yield from read_page(content, where=str(path), needed=needed).rows


def _economies(rows: Iterable[dict[str, Any]]) -> dict[str, str | None]:
    """Return the code of each economy by its two codes, None for what is left out."""
    found: dict[str, str | None] = {}
    for row in rows:
        region = row["region"] if isinstance(row["region"], dict) else {}
        is_left_out = str(region.get("id", "")).strip() == "NA" or row["id"] in _NO_AREA
        code = None if is_left_out else str(row["id"])
        found |= {str(row["id"]): code, str(row["iso2Code"]): code}
    return found


def _economy(row: dict[str, Any], economies: dict[str, str | None], where: Path) -> str | None:
    """Return the code of a row's economy, None for a group; some rows have the two letters alone."""
    country = row["country"] if isinstance(row["country"], dict) else {}
    text = str(row["countryiso3code"] or country.get("id") or "").strip()
    if text not in economies:
        raise InputFileError(
            f"{text or 'an economy without a code'} is not in the list of economies",
            where=f"{where}, {row['date']}",
            hint="repeat the fetch: the list may be older than the table",
        )
    return economies[text]


def _amount(row: dict[str, Any], code: str, where: Path) -> tuple[tuple[str, int], float]:
    place = f"{where}, {code} {row['date']}"
    try:
        year, amount = int(row["date"]), float(row["value"])
    except (TypeError, ValueError):
        year, amount = 0, math.nan
    if not 0 < amount < math.inf or not 1900 <= year <= 2200:
        raise InputFileError(
            f"no amount of a year: date {row['date']!r}, value {row['value']!r}",
            where=place,
            hint="delete the file and fetch it again; report it if it stays so",
        )
    return (resolve_area(code, where=place), year), amount


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _table(found: dict[tuple[str, int], tuple[float, date]]) -> pa.Table:
    rows = sorted((area, year, amount, day) for (area, year), (amount, day) in found.items())
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    schema = GDP.arrow_schema()
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
