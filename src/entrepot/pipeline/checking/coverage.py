"""What totals and their parts say: too much, too little, a selection, or nothing to compare with."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from entrepot.detect.periods import period_spans
from entrepot.pipeline.checking.findings import Finding
from entrepot.schema import CheckName, PartsOf, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from entrepot.engine import Engine

__all__ = ["part_findings", "total_findings"]

#: Share of a total from which its parts were meant to be all of it.
_WHOLE: Final = 0.95

#: A page whose parts cover so much less of the total than usual has lost rows.
_LOSS: Final = 0.1

#: Share of a total up to which parts that exceed it are no finding: figures of several precisions.
_NEGLIGIBLE: Final = 1e-5

#: Pages from which a reporter's own habit is known.
_HABIT: Final = 3

_LEVELS: Final = {0: "all goods", 2: "chapters", 4: "headings", 6: "six-digit codes", 8: "eight-digit codes"}

_Row = dict[str, Any]


def part_findings(checked: pa.Table, *, tolerance: float) -> Iterator[Finding]:
    """Yield findings on totals that are not the sum of their parts.

    Parameters
    ----------
    checked
        Columns of ``out__part_check``.
    tolerance
        Share of a total up to which a difference is no finding.
    """
    rows = [row for row in checked.to_pylist() if row["total_usd"] > 0]
    groups: dict[tuple[str, ...], list[_Row]] = defaultdict(list)
    for row in rows:
        row["coverage"] = 1 - row["missing_usd"] / row["total_usd"]
        groups[row["source"], row["parts_of"], row["hs_level"]].append(row)
        if row["surplus_usd"] > _NEGLIGIBLE * row["total_usd"]:
            yield _too_much(row, tolerance)
    for group in groups.values():
        usual = median(row["coverage"] for row in group)
        if usual < _WHOLE:
            yield _selection(group)
        else:
            yield from _too_little(group, usual, tolerance)


def _parts(row: _Row) -> str:
    if row["parts_of"] == PartsOf.PARTNERS:
        return f"partners of the world, {_LEVELS.get(row['hs_level'], 'codes')}"
    return f"codes below {_LEVELS.get(row['hs_level'], 'codes')}"


def _at(row: _Row, severity: Severity, check: CheckName, *, finding: str, hint: str) -> Finding:
    """Return a finding on a page."""
    return Finding(
        severity=severity,
        check=check,
        source=row["source"],
        reporter=row["reporter"],
        flow=row["flow"],
        period=row["period"],
        total_usd=row["total_usd"],
        parts_usd=row["total_usd"] - row["missing_usd"] + row["surplus_usd"] - row["rounding_usd"],
        finding=finding,
        hint=hint,
    )


def _too_much(row: _Row, tolerance: float) -> Finding:
    share = row["surplus_usd"] / row["total_usd"]
    return _at(
        row,
        Severity.ERROR if share > tolerance else Severity.WARNING,
        CheckName.PARTS_EXCEED_TOTAL,
        finding=f"{_parts(row)}: {row['surplus_usd']:,.0f} USD ({share:.2%}) more than the total",
        hint="parts counted twice, or a total of an older vintage: compare with the publisher's page",
    )


def _too_little(group: list[_Row], usual: float, tolerance: float) -> Iterator[Finding]:
    """Yield findings on pages of a source that is meant to be whole."""
    by_reporter: dict[tuple[str, str, str], list[_Row]] = defaultdict(list)
    for row in group:
        by_reporter[row["reporter"], row["flow"], row["frequency"]].append(row)
    for pages in by_reporter.values():
        habit = median(row["coverage"] for row in pages) if len(pages) >= _HABIT else usual
        if habit < _WHOLE:
            yield _selection(pages, of_reporter=True)
            continue
        lost = [row for row in pages if row["coverage"] < habit - _LOSS and _is_to_be_whole(row)]
        for row in lost:
            yield _at(
                row,
                Severity.ERROR,
                CheckName.PARTS_MISSING,
                finding=f"{_parts(row)}: {row['coverage']:.1%} of the total, usually {habit:.1%}: "
                "rows are missing",
                hint="the download was cut or the publication is not complete: fetch the period again",
            )
        short = [row for row in pages if row["coverage"] < 1 - tolerance and row not in lost]
        if short:
            yield _short(short, len(pages))


def _is_to_be_whole(row: _Row) -> bool:
    """Tell whether parts are published wherever the total is; below headings they may be withheld."""
    return bool(row["parts_of"] == PartsOf.PARTNERS or row["hs_level"] == 0)


def _short(pages: list[_Row], published: int) -> Finding:
    """Return the finding on a reporter's pages of which a part stands in no row."""
    missing, total = (sum(row[name] for row in pages) for name in ("missing_usd", "total_usd"))
    row = pages[0]
    return Finding(
        severity=Severity.WARNING,
        check=CheckName.PARTS_MISSING,
        source=row["source"],
        reporter=row["reporter"],
        flow=row["flow"],
        period=row["period"] if len(pages) == 1 else None,
        total_usd=total,
        parts_usd=total - missing,
        finding=f"{_parts(row)}: {missing:,.0f} USD of the total ({missing / total:.1%}) in no row, not as "
        f"confidential or unallocated either, in {len(pages):,} of {published:,} periods: "
        f"{period_spans(row['period'] for row in pages)}",
        hint="withheld by the publisher, or not fetched: fetch again, or say it beside shares of the total",
    )


def _spanned(shares: Sequence[float]) -> str:
    """Return the first and the last share, once where they are one."""
    first, last = f"{shares[0]:.1%}", f"{shares[-1]:.1%}"
    return first if first == last else f"{first} to {last}"


def _pages(count: int) -> str:
    return "one period of a reporter" if count == 1 else f"{count:,} periods of reporters"


def _selection(group: list[_Row], *, of_reporter: bool = False) -> Finding:
    shares = sorted(row["coverage"] for row in group)
    first = group[0]
    return Finding(
        severity=Severity.WARNING,
        check=CheckName.PARTS_SELECTED,
        source=first["source"],
        reporter=first["reporter"] if of_reporter else None,
        flow=first["flow"] if of_reporter else None,
        total_usd=sum(row["total_usd"] for row in group),
        parts_usd=sum(row["total_usd"] - row["missing_usd"] for row in group),
        finding=f"{_parts(first)}: {_spanned(shares)} of the totals in {_pages(len(group))}: a selection",
        hint="whether rows are missing cannot be told from a selection: compare with another download",
    )


def total_findings(engine: Engine) -> Iterator[Finding]:
    """Yield findings on pages without totals to check them by; needs the table ``pages``."""
    for kind, has, word, rows in (
        (PartsOf.CODES, "has_total OR has_world", "total of all goods", "goods_rows"),
        (PartsOf.PARTNERS, "has_world OR has_world_goods", "row of the world", "leaf_rows"),
    ):
        pages = engine.rows(
            f"SELECT source, reporter, flow, period, {has}, {rows}, is_reconciled FROM pages "
            f"WHERE {rows} > 0 ORDER BY ALL"
        )
        by_source: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for page in pages:
            by_source[page[0]].append(page)
        for source, found in by_source.items():
            if any(page[4] for page in found):
                yield from _lacking(found, kind, word)
            elif any(not page[4] for page in found):
                is_note = all(page[6] for page in found)
                yield Finding(
                    severity=Severity.NOTE if is_note else Severity.WARNING,
                    check=CheckName.TOTAL_MISSING,
                    source=source,
                    rows=sum(page[5] for page in found),
                    finding=f"no {word} stands beside the rows of any period: "
                    "whether some are missing was not checked",
                    hint="the publisher gives none" if is_note else _HINTS[kind],
                )


_HINTS: Final = {
    PartsOf.CODES: "ingest the totals too (Comtrade: cmdCode TOTAL), then check again",
    PartsOf.PARTNERS: "ingest the rows of the world too (Comtrade: partnerCode 0), then check again",
}


def _lacking(pages: Iterable[tuple[Any, ...]], kind: PartsOf, word: str) -> Iterator[Finding]:
    """Yield a finding a reporter and flow whose totals are missing in a source that has totals."""
    by_reporter: dict[tuple[str, str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for page in pages:
        by_reporter[page[0], page[1], page[2]].append(page)
    for (source, reporter, flow), found in by_reporter.items():
        without = [page for page in found if not page[4]]
        if not without:
            continue
        spans = period_spans(page[3] for page in without)
        when = "in any period" if len(without) == len(found) else f"in {spans}"
        yield Finding(
            severity=Severity.WARNING,
            check=CheckName.TOTAL_MISSING,
            source=source,
            reporter=reporter,
            flow=flow,
            period=without[0][3] if len(without) == 1 else None,
            rows=sum(page[5] for page in without),
            finding=f"no {word} {when}: whether rows are missing there was not checked",
            hint=_HINTS[kind],
        )
