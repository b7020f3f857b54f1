"""One page of an answer of the World Bank's API (version 2): a list of what page it is, and its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from entrepot.errors import EmptyFileError, FetchError, HeaderError, TruncatedFileError
from entrepot.sources.fetching.answers import saying

__all__ = ["COUNTRY_NEEDS", "GDP_NEEDS", "Page", "read_page"]

#: What rows of the two answers must say: amounts, and what is an economy.
GDP_NEEDS: Final = ("countryiso3code", "date", "value", "country")
COUNTRY_NEEDS: Final = ("id", "iso2Code", "region")

_MOST_PAGES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes
    ----------
    number, pages
        Which page of how many.
    per_page, total
        Rows of a full page, and of all pages.
    updated
        Day of the last update, empty where the answer does not say it.
    rows
        The rows, as published.
    """

    number: int
    pages: int
    per_page: int
    total: int
    updated: str
    rows: tuple[dict[str, Any], ...]

    @property
    def expected_rows(self) -> int:
        """Return how many rows the page must have."""
        return min(self.per_page, self.total - (self.number - 1) * self.per_page)


def read_page(content: Any, *, where: str, needed: tuple[str, ...]) -> Page:
    """Return a page of an answer, checked: its rows are as many as it says, and have what is needed.

    Parameters
    ----------
    content
        What the JSON says.
    where
        For messages.
    needed
        Members that a row must have.

    Raises
    ------
    FetchError
        It is a message: the API answers with status 200 to what it does not know.
    EmptyFileError
        It has no rows.
    TruncatedFileError
        It has fewer rows than it says.
    HeaderError
        A row lacks a member.
    """
    if not isinstance(content, list) or len(content) != 2 or not isinstance(content[0], dict):
        raise FetchError(
            f"the World Bank answers with a message: {saying(json.dumps(content).encode())!r}",
            where=where,
            hint="check the years; if the API has changed, report it to the authors of entrepot",
        )
    about, rows = content
    try:
        number, pages, per_page, total = (int(about[name]) for name in ("page", "pages", "per_page", "total"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise HeaderError(
            f"the answer does not say which page it is: {error}",
            where=where,
            hint="the API has changed: report it to the authors of entrepot",
        ) from error
    if not isinstance(rows, list | None) or min(number, per_page) < 1 or total < 0 or pages > _MOST_PAGES:
        raise HeaderError(
            f"the answer says page {number} of {pages}, {per_page} rows a page, {total} in all",
            where=where,
            hint="the API has changed: report it to the authors of entrepot",
        )
    if not rows or total == 0:
        raise EmptyFileError("the answer has no rows", where=where, hint="check the years that are asked for")
    page = Page(number, pages, per_page, total, str(about.get("lastupdated") or ""), tuple(rows))
    if len(page.rows) != page.expected_rows:
        raise TruncatedFileError(
            f"page {number} of {pages} has {len(page.rows):,} rows instead of {page.expected_rows:,}",
            where=where,
            hint="repeat the command",
        )
    for row in page.rows:
        absent = [name for name in needed if not isinstance(row, dict) or name not in row]
        if absent:
            raise HeaderError(
                f"a row lacks {', '.join(absent)}",
                where=where,
                hint="the API has changed: report it to the authors of entrepot",
            )
    return page
