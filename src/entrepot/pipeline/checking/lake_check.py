"""The check of a lake, from its files to its vintages: the order, and what each step needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.engine import Engine
from entrepot.pipeline.checking.coverage import part_findings, total_findings
from entrepot.pipeline.checking.files import file_findings, missing_files
from entrepot.pipeline.checking.findings import CheckOptions, CheckReport, report_of
from entrepot.pipeline.checking.groups import group_findings, keep_pages
from entrepot.pipeline.checking.totals import part_checks
from entrepot.pipeline.checking.values import duplicate_findings, value_findings
from entrepot.pipeline.checking.vintages import row_findings, vanished_findings
from entrepot.schema import FLOW
from entrepot.store import flows_sql, stored_rows_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.store import Lake

__all__ = ["check_lake"]

_DEFAULT = CheckOptions()


def check_lake(
    lake: Lake,
    options: CheckOptions = _DEFAULT,
    *,
    memory_limit: str = "1GB",
    tell: Callable[[str], None] | None = None,
) -> CheckReport:
    """Look for everything in a lake that makes wrong figures: half files, doubles, mixed terms, totals.

    Parameters
    ----------
    lake
        The lake.
    options
        What counts as a fault.
    memory_limit
        Memory of the engine; larger work spills to disk.
    tell
        Told in words what is being looked at.

    Returns
    -------
    CheckReport
        Findings (columns of ``out__finding``) and every total with its parts (``out__part_check``).

    *Missing data*: a total that is not there is a finding of its own, never a pass.

    Examples
    --------
    >>> check_lake(Lake.open("lake")).is_passed  # doctest: +SKIP
    True
    """
    say = tell or _silent
    findings = missing_files(lake)
    files = lake.table_files(FLOW.name, sources=options.sources or None)
    if findings or not files:
        return report_of(findings, None, rows=0, accepted=options.accepted)
    register = [
        entry
        for entry in lake.files().to_pylist()
        if not options.sources or entry["source"] in options.sources
    ]
    names = {entry["file_hash"]: entry["file_name"] for entry in register}
    with Engine(memory_limit=memory_limit) as engine:
        stored = stored_rows_sql(FLOW, files)
        rows = engine.rows(f"SELECT count(*) FROM ({stored})")[0][0]
        counted = flows_sql(lake, engine, sources=options.sources or None)
        say("files and quarantine")
        findings += file_findings(lake, engine, stored, options.sources, register)
        say("values and keys")
        findings += value_findings(engine, stored, names)
        findings += duplicate_findings(engine, stored, counted, rows=rows)
        say("valuations, units, revisions")
        keep_pages(engine, counted)
        findings += group_findings(engine, counted)
        say("totals and their parts")
        totals = part_checks(engine, counted)
        findings += part_findings(totals, tolerance=options.tolerance)
        findings += total_findings(engine)
        say("vintages")
        findings += row_findings(lake, engine, options.sources, rows_changed=options.rows_changed)
        findings += vanished_findings(engine, stored)
    return report_of(findings, totals, rows=rows, accepted=options.accepted)


def _silent(_: str) -> None:
    """Tell nobody."""
