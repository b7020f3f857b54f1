"""From a plan to files: one after the other, each whole or not at all, the failures told."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx2

from entrepot.errors import AccessError, EntrepotError, FetchError
from entrepot.sources.fetching.download import digest, download
from entrepot.sources.fetching.ledger import Entry, Ledger
from entrepot.sources.fetching.parts import Freshness
from entrepot.sources.fetching.reports import FetchReport, FetchStep, PartReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.download import Landed
    from entrepot.sources.fetching.parts import Fetcher, Part, Plan

__all__ = ["carry_out", "only_say"]

#: A server that does not answer this many questions one after the other is not asked the rest.
_MOST_FAILURES: Final = 3
#: Names come from publishers' lists too: no path, and nothing hidden.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._\-\[\]]{0,180}")


def only_say(fetcher: Fetcher, plan: Plan, folder: Path) -> FetchReport:
    """Return what would be fetched, and what lies there already."""
    ledger = Ledger(folder, fetcher.id)
    reports = []
    for part in _checked(plan):
        entry = _intact(part, ledger, folder)
        if entry is not None and part.freshness is Freshness.FIXED:
            reports.append(_kept(part, entry, folder))
        else:
            reports.append(
                PartReport(
                    part.name, part.what, "planned", size=part.size, rows=part.rows, vintage=part.vintage
                )
            )
    return FetchReport(tuple(reports), plan.not_published, "")


def carry_out(
    fetcher: Fetcher, plan: Plan, client: Client, folder: Path, *, step: Callable[[FetchStep], None]
) -> FetchReport:
    """Fetch what a plan names into a folder; a part that fails does not stop the others.

    Parameters
    ----------
    fetcher
        The publisher.
    plan
        What to fetch.
    client
        The server.
    folder
        Where the files go.
    step
        Is told what is being done.

    Returns
    -------
    FetchReport
        A report each part. A refusal that concerns all (key, quota, throttling to the end, no answer three
        times in a row) leaves the rest ``not_tried``.
    """
    ledger = Ledger(folder, fetcher.id)
    parts = _checked(plan)
    reports: list[PartReport] = []
    silent, stop = 0, None
    for number, part in enumerate(parts, start=1):
        if stop is not None:
            reports.append(PartReport(part.name, part.what, "not_tried", note=stop.what))
            continue

        def told(done: int, size: int | None, number: int = number, part: Part = part) -> None:
            step(FetchStep(number, len(parts), part.name, "downloading", done, size))

        step(FetchStep(number, len(parts), part.name, "asking"))
        report = _one(part, client, ledger, folder, told)
        reports.append(report)
        silent = silent + 1 if _is_down(report.error) else 0
        if isinstance(report.error, AccessError) or silent >= _MOST_FAILURES:
            stop = report.error
    has_files = any(report.path is not None for report in reports)
    return FetchReport(tuple(reports), plan.not_published, fetcher.next_step(folder) if has_files else "")


def _is_down(error: EntrepotError | None) -> bool:
    """Tell whether the server is to blame, not the question."""
    cause = error.__cause__ if error is not None else None
    while isinstance(cause, EntrepotError):
        cause = cause.__cause__
    if isinstance(cause, httpx2.HTTPStatusError):
        return cause.response.status_code >= 500
    return isinstance(cause, httpx2.TransportError)


def _checked(plan: Plan) -> tuple[Part, ...]:
    names = [part.name for part in plan.parts]
    wrong = [name for name in names if not _NAME.fullmatch(name) or name.endswith(".part")]
    if wrong or len(set(names)) < len(names):
        raise FetchError(
            f"the publisher's list makes no sound file name: {wrong[0]!r}"
            if wrong
            else "the publisher's list names one file twice",
            where="; ".join(wrong[:3]) or "; ".join(sorted({n for n in names if names.count(n) > 1})[:3]),
            hint="the list has changed its form: report it to the authors of entrepot",
        )
    return plan.parts


def _one(
    part: Part, client: Client, ledger: Ledger, folder: Path, told: Callable[[int, int | None], None]
) -> PartReport:
    entry = _intact(part, ledger, folder)
    if entry is not None and part.freshness is Freshness.FIXED:
        return _kept(part, entry, folder)
    try:
        landed = download(client, part, folder, seen=entry.mark if entry else "", step=told)
    except EntrepotError as error:
        return PartReport(part.name, part.what, "failed", vintage=part.vintage, error=error)
    if landed is None and entry is not None:
        return _kept(part, entry, folder)
    if landed is None:
        strange = FetchError(
            "the server says that nothing is newer than what it was not told of",
            where=client.address(part.url),
            hint="repeat the command later",
        )
        return PartReport(part.name, part.what, "failed", error=strange)
    ledger.put(part.name, _entry(part, landed))
    return PartReport(
        part.name,
        part.what,
        "empty" if landed.path is None else "fetched",
        path=landed.path,
        size=None if landed.path is None else landed.size,
        rows=landed.judged.rows,
        vintage=part.vintage,
        note=landed.judged.empty,
    )


def _entry(part: Part, landed: Landed) -> Entry:
    return Entry(
        question=_question(part),
        vintage=part.vintage,
        published=part.published.isoformat() if part.published else "",
        mark=landed.mark,
        size=landed.size,
        sha256=landed.sha256,
        rows=landed.judged.rows,
        empty=landed.judged.empty,
        fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _question(part: Part) -> str:
    """Return what identifies a question, whatever server is asked."""
    asked = "&".join(f"{name}={value}" for name, value in sorted(part.params.items()))
    return f"{part.url}?{asked}" if asked else part.url


def _intact(part: Part, ledger: Ledger, folder: Path) -> Entry | None:
    """Return the entry of a file that answers the question in its version and lies there unchanged."""
    entry = ledger.get(part.name)
    if entry is None or (entry.question, entry.vintage) != (_question(part), part.vintage):
        return None
    if entry.empty:
        return entry
    path = folder / part.name
    is_there = path.is_file() and path.stat().st_size == entry.size and digest(path) == entry.sha256
    return entry if is_there else None


def _kept(part: Part, entry: Entry, folder: Path) -> PartReport:
    if entry.empty:
        return PartReport(part.name, part.what, "empty", vintage=part.vintage, note=entry.empty)
    return PartReport(
        part.name,
        part.what,
        "kept",
        path=folder / part.name,
        size=entry.size,
        rows=entry.rows,
        vintage=part.vintage,
        note="lies there already",
    )
