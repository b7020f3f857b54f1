"""Literals of a query: what is written in it, with its type, and nothing that only a row can tell."""

from __future__ import annotations

from datetime import date

import pytest

from entrepot.engine import Engine
from entrepot.engine.literals import literal_columns


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT n, 'fob' AS valuation FROM r", {"valuation": "fob"}),
        ("SELECT NULL::VARCHAR AS cell, NULL::BOOLEAN AS is_so FROM r", {"cell": None, "is_so": None}),
        (
            "SELECT 6::INTEGER AS hs_level, DATE '2024-03-31' AS day FROM r",
            {"hs_level": 6, "day": date(2024, 3, 31)},
        ),
        ("SELECT 'it''s' AS quoted FROM r", {"quoted": "it's"}),
        # Its own common tables, conditions, groups and order say nothing about a literal.
        (
            (
                "WITH r AS (SELECT 1 AS n) SELECT n, count(*) AS rows, 'A' AS frequency FROM r "
                "WHERE n > 0 GROUP BY n HAVING count(*) > 0 ORDER BY n LIMIT 1"
            ),
            {"frequency": "A"},
        ),
        # A computed column may be the same in all rows: only they tell.
        ("SELECT upper('a') AS u, 'a' || 'b' AS ab, CASE WHEN n > 0 THEN 'x' END AS x FROM r", {}),
        ("SELECT (SELECT max(n) FROM r) AS most FROM r", {}),
        # Of several SELECTs each may say something else.
        ("SELECT 'import' AS flow FROM r UNION ALL SELECT 'export' FROM r", {}),
        ("FROM r", {}),
        ("SELECT * FROM (SELECT 'x' AS inner_one FROM r)", {}),
        ("SELECT 'nameless' FROM r", {}),
        ("no query at all", {}),
    ],
)
def test_only_what_is_written_as_a_literal_counts(query: str, found: dict[str, object]) -> None:
    with Engine() as engine:
        # There is no table r: nothing is executed.
        assert literal_columns(engine, query) == found
