"""The 21 workbooks of the UN Statistics Division that link one revision of the HS to an earlier one.

The links that entrepot works with stand in ``nomenclature/data/hs_links.csv`` and are made from these tables:
they are fetched to check the links, or to see the publisher's own.
"""

from __future__ import annotations

import zipfile
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import HeaderError, OptionError
from entrepot.nomenclature import HS_REVISIONS, revision_of
from entrepot.sources.fetching.parts import Freshness, Judged, Part, Plan

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.parts import Container
    from entrepot.sources.fetching.questions import FetchQuery

__all__ = ["UnHsFetcher"]

#: How the publisher spells the name of a table, by the later of the two revisions.
_SPELLINGS: Final = {
    "HS2022": "{later}to{earlier}ConversionAndCorrelationTables.xlsx",
    "HS2017": "{later}to{earlier}ConversionAndCorrelationTables.xlsx",
    "HS2012": "HS {later_year} to HS {earlier_year} Correlation and conversion tables.xls",
    "HS2007": "HS {later_year} to HS {earlier_year} Correlation and conversion tables.xls",
    "HS2002": "{later} to {earlier} - Correlation and conversion tables.xls",
    "HS1996": "{later} to {earlier} - Correlation and conversion tables.xls",
}


class UnHsFetcher:
    """Fetcher of the UN's HS concordances."""

    @property
    def id(self) -> str:
        """Return ``un_hs``."""
        return "un_hs"

    @property
    def base_url(self) -> str:
        """Return the address of the tables."""
        return "https://unstats.un.org/unsd/classifications/Econ/tables"

    @property
    def takes(self) -> frozenset[str]:
        """Return the fields of a query that mean something here."""
        return frozenset({"hs_revision"})

    @property
    def pause(self) -> float:
        """Return the seconds between two requests."""
        return 1.0

    @property
    def key_header(self) -> str:
        """Return nothing: there are no keys."""
        return ""

    def plan(self, query: FetchQuery, client: Client) -> Plan:  # noqa: ARG002  (there is no list to ask)
        """Return all tables, or those from one revision to earlier ones."""
        wanted = revision_of(query.hs_revision) if query.hs_revision else ""
        if wanted == HS_REVISIONS[0]:
            raise OptionError(
                f"{wanted} is the first revision: no table leads from it to an earlier one",
                where="--hs-revision",
                hint=f"give {HS_REVISIONS[1]} to {HS_REVISIONS[-1]}, or none for all tables",
            )
        pairs = [pair for pair in combinations(reversed(HS_REVISIONS), 2) if wanted in {"", pair[0]}]
        return Plan(tuple(_part(later, earlier) for later, earlier in pairs))

    def next_step(self, folder: Path) -> str:
        """Say where the tables are of use."""
        return f"open the workbooks in {folder}; entrepot has their links already (entrepot codes CODE)"


def _part(later: str, earlier: str) -> Part:
    name = _SPELLINGS[later].format(
        later=later, earlier=earlier, later_year=later[2:], earlier_year=earlier[2:]
    )
    container: Container = "zip" if name.endswith(".xlsx") else "xls"
    return Part(
        name=name,
        what=f"{later} to {earlier}",
        url=name.replace(" ", "%20"),
        container=container,
        judge=_judge,
        freshness=Freshness.ASKED,
    )


def _judge(path: Path, _: Any) -> Judged:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as workbook:
            names = workbook.namelist()
        if "xl/workbook.xml" not in names:
            raise HeaderError(
                f"the archive is no workbook: it holds {', '.join(names[:3]) or 'nothing'}",
                where=path.name,
                hint="the publisher has changed the table's form: report it to the authors of entrepot",
            )
    return Judged()
