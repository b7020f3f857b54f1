"""UN Comtrade's API: the free preview, the service with a key, and bulk files.

What is published is asked first (``getDA``, without a key). Its checksum and release date are the vintage: a
dataset whose checksum is known is not fetched again, a revised one comes beside the earlier.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import EmptyFileError, FetchError, HeaderError, OptionError, TruncatedFileError
from entrepot.nomenclature import HS_REVISIONS, area, revision_of
from entrepot.schema import FlowKind
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.sources.comtrade.availability import (
    comtrade_periods,
    not_published,
    published_datasets,
    readable_period,
    rows_of,
)
from entrepot.sources.comtrade.bulk_files import bulk_plan
from entrepot.sources.comtrade.recognise import ROW_LIMITS, recognise
from entrepot.sources.fetching.commands import ingest_command
from entrepot.sources.fetching.parts import Judged, Part, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from entrepot.sources.comtrade.availability import Dataset
    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.questions import FetchQuery

__all__ = ["ComtradeFetcher"]

_PREVIEW_LIMIT: Final = 500
_KEY_LIMIT: Final = 100_000
_LIMITS: Final = frozenset(ROW_LIMITS["json"])
_FLOWS: Final = {
    FlowKind.IMPORT: "M", FlowKind.EXPORT: "X", FlowKind.RE_IMPORT: "RM", FlowKind.RE_EXPORT: "RX",
    FlowKind.DOMESTIC_EXPORT: "DX", FlowKind.FOREIGN_IMPORT: "FM",
}  # fmt: skip
#: All goods at six digits; and of each cell the row over all second partners, procedures and modes.
_ALL_GOODS: Final = "AG6"
_TOTALS: Final = {"partner2Code": "0", "customsCode": "C00", "motCode": "0"}
#: Codes of goods, and of partners, in one question: an address near 2,000 characters is refused.
_CODES_AT_ONCE: Final = 100
#: Columns without which a number would be lost or misread, although the reader can do without some of them.
_COLUMNS: Final = (
    "period", "reporterCode", "flowCode", "partnerCode", "partner2Code", "classificationCode", "cmdCode",
    "customsCode", "motCode", "qtyUnitCode", "qty", "netWgt", "cifvalue", "fobvalue", "primaryValue",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Service:
    """How the API is asked: where, up to how many rows, and for what besides reporter and period."""

    address: str
    classification: str
    frequency: str
    limit: int
    filters: Mapping[str, str]

    @property
    def is_narrow(self) -> bool:
        """Whether a dataset that is published may have no row of what is asked."""
        return bool({"partnerCode", "flowCode"} & set(self.filters)) or self.filters["cmdCode"] != _ALL_GOODS


class ComtradeFetcher:
    """Fetcher of UN Comtrade's final data."""

    @property
    def id(self) -> str:
        """Return ``comtrade``."""
        return "comtrade"

    @property
    def base_url(self) -> str:
        """Return the address of the API."""
        return "https://comtradeapi.un.org"

    @property
    def takes(self) -> frozenset[str]:
        """Return the fields of a query that mean something here."""
        return frozenset(
            {"periods", "reporters", "partners", "flows", "products", "hs_revision", "method", "row_limit"}
        )

    @property
    def pause(self) -> float:
        """Return the seconds between two requests: the API throttles more than one a second."""
        return 1.1

    @property
    def key_header(self) -> str:
        """Return the header that takes the subscription key."""
        return "Ocp-Apim-Subscription-Key"

    def plan(self, query: FetchQuery, client: Client) -> Plan:
        """Return a part each published reporter and period, or each bulk file."""
        method = query.method or ("get" if client.has_key else "preview")
        classification = _classification(query.hs_revision)
        _check(query, method, client)
        periods = comtrade_periods(query.periods)
        if method == "bulk":
            return bulk_plan(
                client, query, frequency=query.frequency, classification=classification, periods=periods
            )
        published = published_datasets(
            client, frequency=query.frequency, classification=classification, periods=periods
        )
        wanted, absent = _chosen(published, query, periods)
        parts = [
            _part(client, service, dataset)
            for dataset in wanted
            for service in _services(query, method, classification)
        ]
        return Plan(tuple(parts), absent)

    def next_step(self, folder: Path) -> str:
        """Return the command that takes the files into a lake."""
        return ingest_command(self.id, folder)


def _classification(hs_revision: str) -> str:
    """Return Comtrade's letter of a revision; ``HS`` is whatever the reporter used."""
    return f"H{HS_REVISIONS.index(revision_of(hs_revision))}" if hs_revision else "HS"


def _check(query: FetchQuery, method: str, client: Client) -> None:
    if not query.periods:
        raise OptionError(
            "no period is asked for", where="--periods", hint="give --periods 2022-01:2022-12 or 2019:2023"
        )
    if method != "preview" and not client.has_key:
        raise OptionError(
            f"the service {method!r} asks for a key",
            where="--method",
            hint="set ENTREPOT_COMTRADE_KEY (registration is free; bulk asks for a premium key), "
            "or use --method preview for up to 500 rows an answer",
        )
    if method == "bulk" and (query.partners or query.flows or query.products or query.row_limit):
        raise OptionError(
            "a bulk file holds all partners, flows and goods of a reporter and period",
            where="--method bulk",
            hint="leave out --partner, --flow, --products and --row-limit; choose when you analyse",
        )
    if query.row_limit < 0:
        raise OptionError(f"{query.row_limit} rows", where="--row-limit", hint="give 100000 or 250000")


def _chosen(
    published: tuple[Dataset, ...], query: FetchQuery, periods: tuple[str, ...]
) -> tuple[list[Dataset], tuple[str, ...]]:
    """Return the datasets that are asked for, and what of the question is not published."""
    if query.reporters:
        wanted = [one for one in published if one.area in query.reporters]
    else:
        wanted = [one for one in published if not one.is_group]
    there = {(one.area, one.period) for one in wanted}
    return wanted, not_published(query.reporters, periods, there)


def _services(query: FetchQuery, method: str, classification: str) -> Iterator[_Service]:
    """Yield how one dataset is asked for; many goods or partners make several questions."""
    is_preview = method == "preview"
    filters = dict(_TOTALS)
    if query.flows:
        filters["flowCode"] = ",".join(_FLOWS[flow] for flow in query.flows)
    goods = [{"cmdCode": codes} for codes in _joined(query.products or (_ALL_GOODS,))]
    partners = [{"partnerCode": numbers} for numbers in _joined(_numbers(query.partners))]
    for some_goods, some_partners in product(goods, partners or [{}]):
        yield _Service(
            address="public/v1/preview" if is_preview else "data/v1/get",
            classification=classification,
            frequency=query.frequency,
            limit=_PREVIEW_LIMIT if is_preview else query.row_limit or _KEY_LIMIT,
            filters={**filters, **some_goods, **some_partners},
        )


def _joined(codes: Sequence[str]) -> list[str]:
    return [",".join(codes[start : start + _CODES_AT_ONCE]) for start in range(0, len(codes), _CODES_AT_ONCE)]


def _numbers(partners: Sequence[str]) -> list[str]:
    """Return every number that Comtrade uses for the areas; an empty list would mean all partners."""
    numberless = [code for code in partners if not area(code).m49]
    if numberless:
        raise OptionError(
            f"UN Comtrade has no number for {', '.join(numberless)}",
            where="--partner",
            hint="leave it out, or ask for all partners and choose when you analyse",
        )
    return list(dict.fromkeys(str(number) for code in partners for number in area(code).m49))


def _part(client: Client, service: _Service, dataset: Dataset) -> Part:
    address = f"{service.address}/C/{service.frequency}/{service.classification}"
    params = {
        "reporterCode": dataset.number,
        "period": dataset.period,
        **service.filters,
        "maxRecords": str(service.limit),
    }
    mark = hashlib.sha256(f"{address} {sorted(params.items())} {dataset.checksum}".encode()).hexdigest()[:10]
    who = dataset.area or dataset.number
    released = f" [{dataset.released}]" if dataset.released else ""

    def judge(path: Path, content: Any) -> Judged:
        rows = rows_of(content, where=path.name)
        if not rows:
            return _empty(client, service, dataset)
        _refuse_full(rows, service, dataset)
        _refuse_others_rows(rows, dataset)
        _refuse_changed_columns(rows[0], dataset)
        recognise(path)
        return Judged(rows=len(rows))

    return Part(
        name=f"comtrade {service.frequency} {who} {dataset.period} {mark}{released}.json".replace(" ", "-"),
        what=f"{who} {readable_period(dataset.period)}",
        url=address,
        container="json",
        judge=judge,
        params=params,
        vintage=dataset.checksum,
        published=dataset.released,
        rows=None if service.is_narrow else dataset.rows,
    )


def _where(dataset: Dataset) -> str:
    return f"UN Comtrade, {dataset.area or dataset.number} {readable_period(dataset.period)}"


def _refuse_full(rows: list[dict[str, Any]], service: _Service, dataset: Dataset) -> None:
    if len(rows) < service.limit and len(rows) not in _LIMITS:
        return
    raise TruncatedFileError(
        f"the answer has exactly {len(rows):,} rows, the publisher's limit: more were cut off",
        where=_where(dataset),
        hint="ask for less at a time: --flow import, then export; --partner; --products by chapter; "
        + ("or use a key" if service.limit == _PREVIEW_LIMIT else "or --method bulk"),
    )


def _refuse_others_rows(rows: list[dict[str, Any]], dataset: Dataset) -> None:
    """Refuse rows of another reporter or period: they would be taken for what was not asked."""
    for row in rows:
        plain = {name.casefold(): value for name, value in row.items()}
        got = str(plain.get("reportercode", dataset.number)), str(plain.get("period", dataset.period))
        if got != (dataset.number, dataset.period):
            raise FetchError(
                f"the answer holds rows of reporter {got[0]}, period {got[1]}",
                where=f"{_where(dataset)} (reporter {dataset.number}, period {dataset.period})",
                hint="it answers another question: repeat the command, and report it if it stays so",
            )


def _refuse_changed_columns(row: dict[str, Any], dataset: Dataset) -> None:
    there = {name.casefold() for name in row}
    absent = [name for name in _COLUMNS if name.casefold() not in there]
    if absent:
        strange = sorted(set(row) - set(COMTRADE_WEB))
        raise HeaderError(
            f"the answer lacks the columns {', '.join(absent)}"
            + (f"; new are {', '.join(strange[:5])}" if strange else ""),
            where=_where(dataset),
            hint="the publisher has changed its API: report it to the authors of entrepot",
        )


def _empty(client: Client, service: _Service, dataset: Dataset) -> Judged:
    """Accept an answer without rows where what is published says that it is right.

    The API answers so for nonsense too. The dataset is published; so a question for all goods, partners and
    flows must have rows, and a narrower one may have none only if the reporter's total is there.
    """
    if service.is_narrow:
        total = {**_TOTALS, "cmdCode": "TOTAL", "partnerCode": "0"}
        control = replace(service, filters=total)
        address = f"{control.address}/C/{control.frequency}/{control.classification}"
        params = {"reporterCode": dataset.number, "period": dataset.period, **total}
        if rows_of(client.json(address, params), where=_where(dataset)):
            return Judged(rows=0, empty="published, and nothing of what was asked is in it")
    raise EmptyFileError(
        "the answer has no rows, and the publisher's own list says that there are data"
        + (f" ({dataset.rows:,} rows)" if dataset.rows else ""),
        where=_where(dataset),
        hint="repeat the command later: the publisher may be exchanging the dataset",
    )
