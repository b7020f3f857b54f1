"""One valuation, currency, unit and revision in what is added up: groups that mix them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.nomenclature import WORLD
from entrepot.pipeline.checking.findings import Finding
from entrepot.schema import CheckName, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrepot.engine import Engine

__all__ = ["PAGE", "group_findings", "keep_pages"]

#: What one publication of a reporter is: its page of the book.
PAGE: Final = ("source", "reporter", "flow", "frequency", "period")

#: Steps in which publishers round; the largest that all values of a page are multiples of is its own.
_STEPS: Final = (1_000_000, 100_000, 1_000, 100, 1)

_HINTS: Final = {
    CheckName.VALUATION_MIXED: "never add CIF and FOB: filter by valuation, or compare both books by flows",
    CheckName.CURRENCY_MIXED: "values in USD may be added; look which file has the other currency",
    CheckName.REVISION_MIXED: "commands count one revision; in sums of your own choose one, or use "
    "--hs-revision",
}


def keep_pages(engine: Engine, counted: str) -> None:
    """Keep the table ``pages``: what each page holds, learnt in one pass over the rows that count.

    **Grain**: :data:`PAGE`. ``leaf_rows``, ``goods_rows``, whether the page has totals of all goods by
    partner (``has_total``) and of the world (``has_world``, ``has_world_goods``), the ``levels`` of its
    codes as bits, the first and last term of what must not be mixed, and the step in USD that its values
    are rounded to.
    """
    published = "coalesce(reported_value, primary_value_usd)"
    is_leaf, is_world = "role = 'leaf'", f"partner = '{WORLD}' AND primary_value_usd IS NOT NULL"
    terms = {"valuation": is_leaf, "currency": is_leaf, "concept": is_leaf} | {
        "revision": f"{is_leaf} AND hs_level > 0"
    }
    mixes = ", ".join(
        f"min({name}) FILTER ({which}) AS first_{name}, max({name}) FILTER ({which}) AS last_{name}"
        for name, which in terms.items()
    )
    steps = " ".join(
        f"WHEN bool_and(abs({published} / {step} - round({published} / {step})) < 1e-6) THEN {step}"
        for step in _STEPS
    )
    engine.execute(
        f"""
        CREATE TEMP TABLE pages AS
        SELECT {", ".join(PAGE)}, count(*) FILTER ({is_leaf}) AS leaf_rows,
            count(*) FILTER ({is_leaf} AND hs_level > 0) AS goods_rows,
            bool_or({is_leaf} AND hs_level = 0 AND primary_value_usd IS NOT NULL) AS has_total,
            bool_or({is_world} AND hs_level = 0) AS has_world,
            bool_or({is_world} AND hs_level > 0) AS has_world_goods,
            bit_or(1::BIGINT << hs_level) AS levels,
            bool_or(partner_concept = 'reconciled') AS is_reconciled, {mixes},
            (CASE {steps} ELSE 0.01 END)
                * coalesce(sum(primary_value_usd) / nullif(sum({published}), 0), 1) AS step
        FROM (SELECT *, coalesce(reported_currency, 'USD') AS currency, hs_revision AS revision,
                     partner_concept AS concept
              FROM ({counted}))
        GROUP BY ALL
        """,
        where="looking at what each reporter published",
    )


def group_findings(engine: Engine, counted: str) -> Iterator[Finding]:
    """Yield findings on pages, and on codes, that mix what cannot be added; needs :func:`keep_pages`."""
    for name, check, severity in (
        ("valuation", CheckName.VALUATION_MIXED, Severity.ERROR),
        ("currency", CheckName.CURRENCY_MIXED, Severity.WARNING),
        ("revision", CheckName.REVISION_MIXED, Severity.WARNING),
    ):
        mixed = engine.rows(
            f"SELECT source, reporter, flow, count(*), min(period), max(period), sum(leaf_rows)::BIGINT, "
            f"list_sort(list_distinct(flatten(list([first_{name}, last_{name}])))) "
            f"FROM pages WHERE first_{name} <> last_{name} GROUP BY ALL ORDER BY ALL"
        )
        for source, reporter, flow, pages, first, last, rows, terms in mixed:
            when = first if pages == 1 else f"{first} to {last}, {pages:,} periods"
            yield Finding(
                severity=severity,
                check=check,
                source=source,
                reporter=reporter,
                flow=flow,
                period=first if pages == 1 else None,
                rows=rows,
                finding=f"{', '.join(terms)} in one {name} group ({when})",
                hint=_HINTS[check],
            )
    yield from _units(engine, counted)


def _units(engine: Engine, counted: str) -> Iterator[Finding]:
    """Yield findings on codes whose quantities are in several units within a page's year."""
    found = engine.rows(
        f"""
        WITH units AS (
            SELECT source, reporter, flow, coalesce(national_code, hs_code) AS code, hs_revision, period,
                   min(quantity_unit) AS one, max(quantity_unit) AS other, count(*) AS rows
            FROM ({counted}) WHERE role = 'leaf' AND hs_level > 0 AND quantity_unit IS NOT NULL
            GROUP BY ALL
        )
        SELECT source, reporter, flow, count(DISTINCT code), sum(rows)::BIGINT,
               min((code, one, other)), min(period), max(period)
        FROM units WHERE one <> other GROUP BY ALL ORDER BY ALL
        """,
        where="looking at units of quantities",
    )
    for source, reporter, flow, codes, rows, example, first, last in found:
        code, one, other = example.values() if isinstance(example, dict) else example
        yield Finding(
            severity=Severity.WARNING,
            check=CheckName.UNIT_MIXED,
            source=source,
            reporter=reporter,
            flow=flow,
            period=first if first == last else None,
            rows=rows,
            finding=f"{codes:,} {'code has' if codes == 1 else 'codes have'} quantities in several units "
            f"within a period, such as {code} in {one} and {other}",
            hint="never add quantities of several units: filter by quantity_unit, or use net weights",
        )
