"""What a check is asked and what it answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from entrepot.errors import OptionError
from entrepot.schema import FINDING, PART_CHECK, CheckName, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CheckOptions", "CheckReport", "Finding", "report_of"]

_GRAVITY = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What counts as a fault.

    Attributes
    ----------
    sources
        Only these sources; all when empty.
    rows_changed
        Share of the rows of a reporter's period from which a loss or gain against the vintage before is a
        finding.
    tolerance
        Share of a total up to which parts that do not add up to it are no finding, and above which parts
        that exceed it are an error.
    accepted
        Checks whose findings are known: they are told and are no errors.
    """

    sources: tuple[str, ...] = ()
    rows_changed: float = 0.1
    tolerance: float = 0.01
    accepted: tuple[CheckName, ...] = ()

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for option in ("rows_changed", "tolerance"):
            share = getattr(self, option)
            if not 0 <= share < 1:
                raise OptionError(
                    f"{option.replace('_', '-')} is {share:g}, which is no share",
                    where=f"--{option.replace('_', '-')}",
                    hint="give a number from 0 to under 1: 0.1 is a tenth",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; the attributes are the columns of ``out__finding``.

    Attributes
    ----------
    severity, check
        How grave it is, and what it is about.
    source, reporter, flow, period, file_name
        Where; None where it is about all of them.
    rows, total_usd, parts_usd
        How much.
    finding, hint
        What was found and what to do next, in words.
    """

    severity: Severity
    check: CheckName
    finding: str
    hint: str
    source: str | None = None
    reporter: str | None = None
    flow: str | None = None
    period: str | None = None
    file_name: str | None = None
    rows: int | None = None
    total_usd: float | None = None
    parts_usd: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CheckReport:
    """The answer of a check.

    Attributes
    ----------
    findings
        Columns of ``out__finding``, the gravest first.
    totals
        Columns of ``out__part_check``: every total that was compared, found faulty or not.
    rows
        Rows of ``core__flow`` that were looked at, all vintages.
    """

    findings: pa.Table
    totals: pa.Table
    rows: int

    def count(self, severity: Severity) -> int:
        """Return how many findings have a severity."""
        return Counter(self.findings["severity"].to_pylist())[severity.value]

    @property
    def is_passed(self) -> bool:
        """Whether no finding is an error."""
        return self.count(Severity.ERROR) == 0


def report_of(
    findings: Iterable[Finding], totals: pa.Table | None, *, rows: int, accepted: Iterable[CheckName]
) -> CheckReport:
    """Return the report of findings; those that are accepted are notes."""
    known = set(accepted)
    found = [asdict(finding) for finding in findings]
    for row in found:
        row["severity"] = Severity.NOTE if row["check"] in known else row["severity"]
    place = ("check", "source", "reporter", "flow", "period", "file_name", "finding")
    found.sort(key=lambda row: (_GRAVITY[row["severity"]], *(row[name] or "" for name in place)))
    return CheckReport(
        pa.Table.from_pylist(found, schema=FINDING.arrow_schema()),
        PART_CHECK.arrow_schema().empty_table() if totals is None else totals,
        rows,
    )
