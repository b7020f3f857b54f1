"""The World Bank's API (version 2): GDP at current US dollars, and the list of what is an economy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import OptionError, TruncatedFileError
from entrepot.sources.fetching.commands import python_call
from entrepot.sources.fetching.parts import Freshness, Judged, Part, Plan
from entrepot.sources.world_bank.pages import COUNTRY_NEEDS, GDP_NEEDS, read_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.questions import FetchQuery
    from entrepot.sources.world_bank.pages import Page

__all__ = ["WorldBankFetcher"]

#: Gross domestic product, current US dollars.
_INDICATOR: Final = "NY.GDP.MKTP.CD"

_PER_PAGE: Final = 1000
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of several pages: what it is called, how it is asked for, what its rows must say."""

    name: str
    what: str
    address: str
    params: Mapping[str, str]
    needed: tuple[str, ...]


class WorldBankFetcher:
    """Fetcher of GDP."""

    @property
    def id(self) -> str:
        """Return ``world_bank``."""
        return "world_bank"

    @property
    def base_url(self) -> str:
        """Return the address of the API."""
        return "https://api.worldbank.org/v2"

    @property
    def takes(self) -> frozenset[str]:
        """Return the fields of a query that mean something here."""
        return frozenset({"periods"})

    @property
    def pause(self) -> float:
        """Return the seconds between two requests."""
        return 0.5

    @property
    def key_header(self) -> str:
        """Return nothing: there are no keys."""
        return ""

    def plan(self, query: FetchQuery, client: Client) -> Plan:
        """Return a part each page, of as many pages as the first one says."""
        years: dict[str, str] = {}
        if query.periods:
            if query.frequency != "A":
                raise OptionError("GDP is annual", where="--periods", hint="give years: --periods 2015:2024")
            years = {"date": f"{min(query.periods)}:{max(query.periods)}"}
        span = f"-{years['date'].replace(':', '-')}" if years else ""
        answers = (
            _Answer(
                name=f"gdp{span}",
                what=f"GDP {years.get('date', 'of all years')}",
                address=f"country/all/indicator/{_INDICATOR}",
                params=years,
                needed=GDP_NEEDS,
            ),
            _Answer(
                name="countries",
                what="list of economies",
                address="country/all",
                params={},
                needed=COUNTRY_NEEDS,
            ),
        )
        return Plan(tuple(part for answer in answers for part in _parts(client, answer)))

    def next_step(self, folder: Path) -> str:
        """Return the call that reads the table."""
        return python_call("read_gdp", "entrepot.sources.world_bank", folder)


def _parts(client: Client, answer: _Answer) -> Iterator[Part]:
    params = {"format": "json", "per_page": str(_PER_PAGE), **answer.params}
    content = client.json(answer.address, {**params, "page": "1"})
    first = read_page(content, where=client.address(answer.address), needed=answer.needed)
    updated = first.updated if _DAY.fullmatch(first.updated) else ""
    for number in range(1, first.pages + 1):
        yield Part(
            name=f"{answer.name}-page-{number}-of-{first.pages}{f'[{updated}]' if updated else ''}.json",
            what=f"{answer.what}, page {number} of {first.pages}",
            url=answer.address,
            container="json",
            judge=_judge(first, number, answer.needed),
            params={**params, "page": str(number)},
            vintage=f"{updated} {first.total}".strip() if updated else "",
            published=date.fromisoformat(updated) if updated else None,
            rows=min(first.per_page, first.total - (number - 1) * first.per_page),
            freshness=Freshness.FIXED if updated else Freshness.ASKED,
        )


def _judge(first: Page, number: int, needed: tuple[str, ...]) -> Any:
    def judge(path: Path, content: Any) -> Judged:
        page = read_page(content, where=path.name, needed=needed)
        date_asked, date_came = first.updated or "no date", page.updated or "no date"
        said = (page.number, page.pages, page.per_page, page.total, page.updated)
        if said != (number, first.pages, first.per_page, first.total, first.updated):
            raise TruncatedFileError(
                f"page {number} of {first.pages} ({first.total:,} rows, {date_asked}) was asked, "
                f"page {page.number} of {page.pages} ({page.total:,} rows, {date_came}) came",
                where=path.name,
                hint="the World Bank was renewing the table: repeat the command",
            )
        return Judged(rows=len(page.rows))

    return judge
