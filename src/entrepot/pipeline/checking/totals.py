"""Published totals against the sums of their parts, the difference explained; totals that are missing.

A total is compared with the next finer level that the same slice has under it: all goods with chapters,
chapters with headings or six digits; and the world with the partners. Parts of the codes are added within
one revision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from entrepot.engine import literal
from entrepot.nomenclature import OTHER_ASIA, WORLD, area_table
from entrepot.pipeline.checking.groups import PAGE
from entrepot.schema import PART_CHECK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.engine import Engine

__all__ = ["part_checks"]

_PAGE: Final = ", ".join(PAGE)
_SLICE: Final = f"{_PAGE}, partner, partner_concept"

#: Levels at which publishers give totals, and the longest codes.
_LEVELS: Final = (0, 2, 4, 6, 8)

#: Partners that the publisher keeps secret, in part or in full.
_WITHHELD: Final = ("XQX", "XQY", "XQZ")


def part_checks(engine: Engine, counted: str) -> pa.Table:
    """Return every total with its parts, added up by page; needs the table ``pages``.

    Parameters
    ----------
    engine
        Where queries run.
    counted
        Query over the rows that count.

    Returns
    -------
    pa.Table
        Columns of ``out__part_check``. Totals without any part in the lake are left out: there is nothing
        to compare.
    """
    engine.execute(
        f"""
        CREATE TEMP VIEW valued AS
        SELECT {_PAGE}, partner, partner_concept, hs_level, hs_revision, role, primary_value_usd AS usd,
               CASE WHEN hs_level > 0 THEN coalesce(national_code, hs_code) ELSE '' END AS code
        FROM ({counted})
        WHERE primary_value_usd IS NOT NULL
              AND (role = 'leaf' OR (role = 'aggregate' AND partner = '{WORLD}'))
        """
    )
    held = engine.rows("SELECT bit_or(levels) FROM pages")[0][0]
    levels = {level for level in range(11) if held >> level & 1}
    queries = [_codes(level) for level in _LEVELS if level in levels and any(one > level for one in levels)]
    if engine.rows("SELECT bool_or(has_world OR has_world_goods) FROM pages")[0][0]:
        queries.append(_partners(engine))
    schema = PART_CHECK.arrow_schema()
    found = [engine.sql(_by_page(query), where="adding up parts").cast(schema) for query in queries]
    return pa.concat_tables([schema.empty_table(), *found])


def _codes(level: int) -> str:
    """Return the query over the totals of one level of codes with the sums of their parts.

    **Grain**: one total that has parts, or of which the slice has parts of others; and codes withheld below
    a heading, which are part of no total (``loose``).
    """
    # All goods have one total, whatever the revision of the codes.
    revision, code = (", hs_revision", f"substr(code, 1, {level})") if level else ("", "''")
    key = f"{_SLICE}{revision}, code"
    has_total = "" if level else f"SEMI JOIN (FROM pages WHERE has_total OR has_world) USING ({_PAGE})"
    return f"""
        WITH sums AS MATERIALIZED (
            SELECT {_SLICE}, hs_revision, {code} AS code, hs_level AS part_level, count(*) AS parts,
                   sum(usd) AS usd,
                   sum(CASE WHEN contains(valued.code, 'X') AND NOT starts_with(valued.code, '99')
                            THEN usd ELSE 0 END) AS withheld,
                   sum(CASE WHEN starts_with(valued.code, '99') THEN usd ELSE 0 END) AS unallocated
            FROM valued {has_total} WHERE hs_level >= {level} GROUP BY ALL
        ),
        totals AS (SELECT {key}, max(usd) AS total FROM sums WHERE part_level = {level} GROUP BY ALL),
        parts AS (
            SELECT * FROM sums WHERE part_level > {level}
            QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY part_level, usd DESC) = 1
        )
        SELECT {_PAGE}, 'codes' AS parts_of, {level} AS hs_level, total, coalesce(usd, 0) AS usd,
               coalesce(withheld, 0) AS withheld, coalesce(unallocated, 0) AS unallocated,
               coalesce(parts, 0) AS parts, starts_with(code, '99') AND parts IS NULL AS is_unallocated,
               0.0 AS loose
        FROM totals LEFT JOIN parts USING ({key})
        QUALIFY bool_or(parts IS NOT NULL) OVER (PARTITION BY {_SLICE})
        UNION ALL BY NAME
        SELECT {_PAGE}, 'codes' AS parts_of, {level} AS hs_level, usd AS loose
        FROM parts ANTI JOIN totals USING ({key}) WHERE contains(code, 'X')
    """


def _partners(engine: Engine) -> str:
    """Return the query over the totals of the world with the sums of the partners, a row a total."""
    unstated = [
        row["code"]
        for row in area_table().to_pylist()
        if row["kind"] == "special" and row["code"] not in {OTHER_ASIA, *_WITHHELD}
    ]
    concept = f"CASE WHEN source IN ({_texts(_both_concepts(engine))}) THEN partner_concept ELSE '' END"
    key = f"{_PAGE}, concept, hs_level, hs_revision, code"
    return f"""
        WITH sums AS MATERIALIZED (
            SELECT {_PAGE}, {concept} AS concept, hs_level, hs_revision, code,
                   partner = '{WORLD}' AS is_world, count(*) AS parts, sum(usd) AS usd,
                   sum(CASE WHEN partner IN ({_texts(_WITHHELD)}) THEN usd ELSE 0 END) AS withheld,
                   sum(CASE WHEN partner IN ({_texts(unstated)}) THEN usd ELSE 0 END) AS unallocated
            FROM valued SEMI JOIN (FROM pages WHERE has_world OR has_world_goods) USING ({_PAGE})
            GROUP BY ALL
        ),
        totals AS (SELECT {key}, usd AS total FROM sums WHERE is_world),
        parts AS (SELECT {key}, parts, usd, withheld, unallocated FROM sums WHERE NOT is_world)
        SELECT {_PAGE}, 'partners' AS parts_of, hs_level, total, coalesce(usd, 0) AS usd,
               coalesce(withheld, 0) AS withheld, coalesce(unallocated, 0) AS unallocated,
               coalesce(parts, 0) AS parts, FALSE AS is_unallocated, 0.0 AS loose
        FROM totals LEFT JOIN parts USING ({key})
        QUALIFY bool_or(parts IS NOT NULL) OVER (PARTITION BY {_PAGE}, hs_level)
    """


def _texts(values: Sequence[str]) -> str:
    return ", ".join(map(literal, values)) or "NULL"


def _both_concepts(engine: Engine) -> list[str]:
    """Return the sources that give the same partner by origin and by consignment: each adds up by itself.

    Where a partner is in one of the two alone, as inside a customs union, they add up together.
    """
    mixed = f"SEMI JOIN (FROM pages WHERE first_concept <> last_concept) USING ({_PAGE})"
    found = engine.rows(
        f"SELECT DISTINCT source FROM (SELECT {_PAGE}, partner FROM valued {mixed} WHERE role = 'leaf' "
        "GROUP BY ALL HAVING min(partner_concept) <> max(partner_concept))"
    )
    return [source for (source,) in found]


def _by_page(compared: str) -> str:
    """Return the query that adds totals and parts up by page and explains the differences.

    Each figure of a page is rounded to its step: a total may differ from its parts by one step a figure.
    """
    return f"""
        WITH differences AS (
            SELECT *, total - usd AS difference, (parts + 1) * step + 1e-9 * total AS slack
            FROM ({compared}) JOIN (SELECT {_PAGE}, step FROM pages) USING ({_PAGE})
        ),
        sums AS (
            SELECT {_PAGE}, parts_of, hs_level, count(total) AS totals,
                coalesce(sum(total), 0) AS total_usd,
                coalesce(sum(usd - withheld - unallocated), 0) AS named_usd,
                coalesce(sum(withheld), 0) AS withheld_usd, sum(loose) AS loose_usd,
                coalesce(sum(CASE WHEN is_unallocated AND difference > slack THEN difference
                                  ELSE unallocated END), 0) AS unallocated_usd,
                coalesce(sum(difference) FILTER (abs(difference) <= slack), 0) AS rounding_usd,
                coalesce(sum(difference) FILTER (NOT is_unallocated AND difference > slack), 0) AS short_usd,
                coalesce(-sum(difference) FILTER (difference < -slack), 0) AS surplus_usd
            FROM differences GROUP BY ALL HAVING count(total) > 0
        )
        SELECT {_PAGE}, parts_of, hs_level::INTEGER AS hs_level, totals, total_usd, named_usd,
            withheld_usd + least(short_usd, loose_usd) AS confidential_usd, unallocated_usd,
            rounding_usd, greatest(short_usd - loose_usd, 0) AS missing_usd, surplus_usd
        FROM sums ORDER BY ALL
    """
