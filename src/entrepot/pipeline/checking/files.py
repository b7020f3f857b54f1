"""Files that came half: missing on the disk, interrupted, cut at a limit; and rows set aside."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from entrepot.engine import parquet
from entrepot.pipeline.checking.findings import Finding
from entrepot.schema import FLOW, QUARANTINE, CheckName, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from entrepot.engine import Engine
    from entrepot.store import Lake

__all__ = ["file_findings", "missing_files"]

#: Share of a file's rows in quarantine from which figures made of the rest are wrong.
_MUCH = 0.01

#: What publishers give at most in one answer (UN Comtrade, China's customs).
_LIMITS = frozenset({500, 10_000, 100_000, 250_000})


def missing_files(lake: Lake) -> list[Finding]:
    """Return findings on Parquet files of the core tables that are not on the disk."""
    gone = [
        path
        for table in (FLOW.name, QUARANTINE.name)
        for path in lake.table_files(table)
        if not path.is_file()
    ]
    return [
        Finding(
            severity=Severity.ERROR,
            check=CheckName.FILE_MISSING,
            file_name=str(path.relative_to(lake.path)),
            finding="the lake's log names a file that is not on the disk; nothing else was checked",
            hint="restore it from a copy, or ingest the publishers' files again into a new lake",
        )
        for path in gone
    ]


def file_findings(
    lake: Lake, engine: Engine, stored: str, sources: Sequence[str], register: list[dict[str, Any]]
) -> Iterator[Finding]:
    """Yield findings on the files of a lake.

    Parameters
    ----------
    lake, engine
        The lake, and where queries run.
    stored
        Query over the rows of ``core__flow``, all vintages.
    sources
        Only these; all when empty.
    register
        Rows of the register of files.
    """
    held = {
        (source, file_hash): rows
        for source, file_hash, rows in engine.rows(
            f"SELECT source, file_hash, count(*) FROM ({stored}) GROUP BY ALL"
        )
    }
    aside = _set_aside(lake, engine)
    for entry in register:
        key = (entry["source"], entry["file_hash"])
        reasons = aside.get(key, Counter())
        yield from _counts(entry, held.pop(key, 0), reasons.total())
        yield from _quarantine(entry, reasons)
        if entry["rows_read"] in _LIMITS:
            yield _about(
                entry,
                Severity.WARNING,
                CheckName.FILE_LIMIT,
                rows=entry["rows_read"],
                finding=f"the file has exactly {entry['rows_read']:,} rows, a limit of publishers",
                hint="make sure that it was not cut there: ask again by reporter, period or code",
            )
    for (source, file_hash), rows in held.items():
        yield Finding(
            severity=Severity.ERROR,
            check=CheckName.FILE_INCOMPLETE,
            source=source,
            rows=rows,
            finding=f"rows of a file that the register does not know ({file_hash[:12]})",
            hint="somebody else wrote into core__flow: ingest the publishers' files into a new lake",
        )
    for entry in lake.unfinished().to_pylist():
        if not sources or entry["source"] in sources:
            yield _about(
                entry,
                Severity.WARNING,
                CheckName.FILE_UNFINISHED,
                finding="its ingest was interrupted, or is under way: nothing of it is in the lake",
                hint=f"repeat entrepot ingest {entry['source']} {entry['file_name']}",
            )


def _set_aside(lake: Lake, engine: Engine) -> dict[tuple[str, str], Counter[str]]:
    """Return how many rows of each file are in quarantine, by reason."""
    files = lake.table_files(QUARANTINE.name)
    found: dict[tuple[str, str], Counter[str]] = {}
    if files:
        query = f"SELECT source, file_hash, reason, count(*) FROM {parquet(files)} GROUP BY ALL ORDER BY ALL"
        for source, file_hash, reason, rows in engine.rows(query):
            found.setdefault((source, file_hash), Counter())[reason] += rows
    return found


def _about(
    entry: dict[str, Any],
    severity: Severity,
    check: CheckName,
    *,
    finding: str,
    hint: str,
    rows: int | None = None,
) -> Finding:
    return Finding(
        severity=severity,
        check=check,
        source=entry["source"],
        file_name=entry["file_name"],
        rows=rows,
        finding=finding,
        hint=hint,
    )


def _counts(entry: dict[str, Any], held: int, aside: int) -> Iterator[Finding]:
    """Rows read = rows stored + rows set aside, in the register and in the tables."""
    pairs = (
        ("core__flow", held, entry["rows_stored"]),
        ("core__quarantine", aside, entry["rows_quarantined"]),
    )
    for table, have, said in pairs:
        if have != said:
            yield _about(
                entry,
                Severity.ERROR,
                CheckName.FILE_INCOMPLETE,
                rows=abs(have - said),
                finding=f"{said:,} rows were written to {table}, {have:,} are there",
                hint="ingest the publishers' files again into a new lake",
            )
    if entry["rows_read"] != entry["rows_stored"] + entry["rows_quarantined"]:
        yield _about(
            entry,
            Severity.ERROR,
            CheckName.FILE_INCOMPLETE,
            rows=entry["rows_read"] - entry["rows_stored"] - entry["rows_quarantined"],
            finding=f"of {entry['rows_read']:,} rows read {entry['rows_stored']:,} were stored and "
            f"{entry['rows_quarantined']:,} set aside",
            hint="ingest the file into a new lake, and report it if the counts differ again",
        )


def _quarantine(entry: dict[str, Any], reasons: Counter[str]) -> Iterator[Finding]:
    is_much = reasons.total() > _MUCH * max(entry["rows_read"], 1)
    for reason, rows in reasons.most_common():
        yield _about(
            entry,
            Severity.ERROR if is_much else Severity.WARNING,
            CheckName.QUARANTINE,
            rows=rows,
            finding=f"{rows:,} of {entry['rows_read']:,} rows set aside: {reason}",
            hint="read them (how-to: read the quarantine); mend the mapping or ask the publisher",
        )
