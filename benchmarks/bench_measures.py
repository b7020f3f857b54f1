"""Measures on 50 million rows against hand-written DuckDB SQL for the same figure: processor seconds.

ROWS in the environment asks for fewer rows, arguments for some measures alone. Rows are drawn from hashes, so
that both read the same Parquet
file. Measures that set rows beside each other add up first, as `entrepot measure` does.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import narwhals as nw

from entrepot import measures
from entrepot.engine import Engine

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = int(os.environ.get("ROWS", "50000000"))
_PAIRS = (
    "WITH s AS MATERIALIZED (SELECT exporter, importer, period, sum(value_usd) AS v FROM t GROUP BY ALL) "
)
_WINDOWS = (
    "WITH s AS (SELECT importer, exporter, hs_code, "
    "sum(CASE WHEN period < '2019' THEN value_usd ELSE 0 END) AS a, "
    "sum(CASE WHEN period >= '2023' THEN value_usd ELSE 0 END) AS b "
    "FROM t WHERE period < '2019' OR period >= '2023' GROUP BY ALL) "
)
_CELL = ("exporter", "importer", "hs_code")
_CELLS = (
    "WITH s AS MATERIALIZED (SELECT exporter, importer, hs_code, sum(value_usd) AS v FROM t GROUP BY ALL)"
)
_GOODS = (
    "WITH b AS MATERIALIZED (SELECT exporter, hs_code, sum(value_usd) AS v FROM t GROUP BY ALL), "
    "x AS MATERIALIZED (SELECT *, v / sum(v) OVER (PARTITION BY exporter) AS s, "
    "v * sum(v) OVER () / sum(v) OVER (PARTITION BY exporter) / sum(v) OVER (PARTITION BY hs_code) AS r "
    "FROM b) "
)
#: Twenty categories of the codes, one code in ten in two of them; GDP of the importers.
_CLASSES_SQL = (
    "(SELECT (850000 + i)::VARCHAR AS hs_code, 'C' || ((i + j) % 20)::VARCHAR AS category, "
    "CASE WHEN i % 10 = 0 THEN 0.5 ELSE 1.0 END AS weight FROM range(500) AS c(i), range(2) AS d(j) "
    "WHERE j = 0 OR i % 10 = 0)"
)
_GDP_SQL = (
    "(SELECT 'I' || lpad(i::VARCHAR, 3, '0') AS area, 2018 + j AS year, (i + 1) * 1e9 AS gdp_usd "
    "FROM range(150) AS c(i), range(6) AS d(j))"
)
_SPANS = {"before": "2018-01:2018-12", "after": "2023-01:2023-12"}
_PAIR = ["exporter", "importer"]
_MARKET = ["importer", "period"]


def _table(sql: str) -> pa.Table:
    return duckdb.connect().sql(f"FROM {sql}").to_arrow_table()


#: Name, measure, keys that are added up first (none: the measure does it), SQL.
COMPARED = (
    ("totals", partial(measures.totals, by=[*_PAIR, "period"]), (), _PAIRS + "FROM s"),
    (
        "year_on_year", partial(measures.year_on_year, by=_PAIR), (),
        _PAIRS + "SELECT *, v / lag(v, 12) OVER (PARTITION BY exporter, importer ORDER BY period) - 1 FROM s",
    ),
    (
        "year_to_date", partial(measures.year_to_date, by=_PAIR), (),
        _PAIRS + ", x AS (SELECT *, sum(v) OVER (PARTITION BY exporter, importer, left(period, 4) "
        "ORDER BY period) AS x FROM s) "
        "SELECT *, x / lag(x, 12) OVER (PARTITION BY exporter, importer ORDER BY period) - 1 FROM x",
    ),
    (
        "rolling_year", partial(measures.rolling_year, by=_PAIR), (),
        _PAIRS + ", x AS (SELECT *, sum(v) OVER (PARTITION BY exporter, importer ORDER BY period "
        "ROWS 11 PRECEDING) AS x FROM s) "
        "SELECT *, x / lag(x, 12) OVER (PARTITION BY exporter, importer ORDER BY period) - 1 FROM x",
    ),
    (
        "indexed", partial(measures.indexed, base="2018-01:2018-12", by=_PAIR), (),
        _PAIRS + "SELECT *, 100 * v / avg(v) FILTER (period <= '2018-12') "
        "OVER (PARTITION BY exporter, importer) FROM s",
    ),
    (
        "shares", partial(measures.shares, of=["exporter"], within=_MARKET), (),
        _PAIRS + "SELECT *, v / sum(v) OVER (PARTITION BY importer, period) FROM s",
    ),
    (
        "ranks", partial(measures.ranks, of=["exporter"], within=_MARKET), (),
        _PAIRS + "SELECT *, v / sum(v) OVER (PARTITION BY importer, period), "
        "rank() OVER (PARTITION BY importer, period ORDER BY v DESC) FROM s",
    ),
    (
        "herfindahl_hirschman", measures.herfindahl_hirschman, (),
        _PAIRS + "SELECT importer, period, sum(v * v) / sum(v) ^ 2 FROM s GROUP BY ALL",
    ),
    (
        "dependence", measures.dependence, (*_PAIR, "period"),
        _PAIRS + ", b AS (SELECT period, a, p, sum(x) AS x, sum(m) AS m FROM ("
        "SELECT period, exporter AS a, importer AS p, v AS x, 0 AS m FROM s UNION ALL "
        "SELECT period, importer, exporter, 0, v FROM s) GROUP BY ALL), "
        "d AS MATERIALIZED (SELECT *, (x + m) / sum(x + m) OVER (PARTITION BY period, a) AS d FROM b) "
        "SELECT l.*, r.d, l.d - r.d FROM d AS l "
        "LEFT JOIN d AS r ON l.period = r.period AND l.a = r.p AND l.p = r.a",
    ),
    (
        "advantage", measures.revealed_comparative_advantage, (),
        ("WITH s AS (SELECT exporter, hs_code, period, sum(value_usd) AS v FROM t GROUP BY ALL) "
        "SELECT *, v * sum(v) OVER (PARTITION BY period) / sum(v) OVER (PARTITION BY period, exporter) "
        "/ sum(v) OVER (PARTITION BY period, hs_code) FROM s"),
    ),
    (
        "supplanting", partial(measures.supplanting, **_SPANS), (),
        _WINDOWS + ", k AS (SELECT *, sum(a) OVER (PARTITION BY importer, hs_code) AS k0, "
        "sum(b) OVER (PARTITION BY importer, hs_code) AS k1, sum(a) OVER (PARTITION BY importer) AS m0, "
        "sum(b) OVER (PARTITION BY importer) AS m1 FROM s) "
        "SELECT importer, exporter, sum(a), sum(b), sum((m1 / m0 - 1) * a), "
        "sum((k1 / nullif(k0, 0) - m1 / m0) * a), sum(b - k1 / nullif(k0, 0) * a) FROM k GROUP BY ALL",
    ),
    (
        "margins", partial(measures.margins, **_SPANS), (),
        _WINDOWS + "SELECT importer, exporter, sum(CASE WHEN a > 0 AND b > 0 THEN b - a END), "
        "sum(CASE WHEN a = 0 THEN b END), sum(CASE WHEN b = 0 THEN -a END) FROM s GROUP BY ALL",
    ),
    (
        "overtakings", measures.overtakings, ("exporter", "period"),
        ("WITH s AS MATERIALIZED (SELECT exporter, period, sum(value_usd) AS v FROM t GROUP BY ALL), "
        "p AS (SELECT l.exporter AS a, r.exporter AS b, period, max(CASE WHEN l.v <= r.v THEN period END) "
        "OVER (PARTITION BY l.exporter, r.exporter) AS last FROM s AS l JOIN s AS r USING (period) "
        "WHERE l.exporter <> r.exporter) SELECT a, b, min(period) FROM p WHERE period > last GROUP BY ALL"),
    ),
    (
        "similarity", partial(measures.export_similarity, within=[]), ("exporter", "hs_code"),
        _GOODS + "SELECT l.exporter, r.exporter, sum(least(l.s, r.s)) FROM x AS l JOIN x AS r "
        "USING (hs_code) WHERE l.exporter <> r.exporter GROUP BY ALL",
    ),
    (
        "complementarity", partial(measures.complementarity, within=[]), _CELL,
        _CELLS + ", x AS (SELECT exporter, hs_code, sum(v) AS v FROM s GROUP BY ALL), "
        "y AS (SELECT *, v / sum(v) OVER (PARTITION BY exporter) AS part FROM x), "
        "m AS (SELECT importer, hs_code, sum(v) AS v FROM s GROUP BY ALL), "
        "n AS (SELECT *, v / sum(v) OVER (PARTITION BY importer) AS part FROM m) "
        "SELECT exporter, importer, sum(least(y.part, n.part)) FROM y JOIN n USING (hs_code) GROUP BY ALL",
    ),
    (
        "proximity", partial(measures.proximity, within=[]), ("exporter", "hs_code"),
        _GOODS + ", h AS MATERIALIZED (SELECT exporter, hs_code FROM x WHERE r >= 1), "
        "n AS (SELECT hs_code, count(*) AS n FROM h GROUP BY ALL) "
        "SELECT a, b, c / greatest(p.n, q.n) FROM (SELECT l.hs_code AS a, r.hs_code AS b, count(*) AS c "
        "FROM h AS l JOIN h AS r USING (exporter) WHERE l.hs_code <> r.hs_code GROUP BY ALL) "
        "JOIN n AS p ON p.hs_code = a JOIN n AS q ON q.hs_code = b",
    ),
    (
        "substitutability", partial(measures.substitutability, within=[]), _CELL,
        _CELLS + ", e AS (SELECT exporter AS importer, hs_code, sum(v) AS e FROM s GROUP BY ALL), "
        "w AS (SELECT *, sum(v) OVER (PARTITION BY hs_code) - sum(v) OVER (PARTITION BY exporter, hs_code) "
        "- sum(v) OVER (PARTITION BY importer, hs_code) + v AS o FROM s) "
        "SELECT exporter, importer, sum(v), sum(least(v, o - coalesce(e, 0))), "
        "sum(least(v, coalesce(e, 0))), sum(CASE WHEN o - coalesce(e, 0) > 0 THEN 0 ELSE v END) "
        "FROM w LEFT JOIN e USING (importer, hs_code) GROUP BY ALL",
    ),
    (
        "composition", partial(measures.composition, classes=_table(_CLASSES_SQL), by=["exporter", "period"]),
        (),
        ("WITH s AS (SELECT exporter, period, hs_code, sum(value_usd) AS v FROM t GROUP BY ALL), "
        "x AS (SELECT exporter, period, coalesce(category, 'other') AS category, "
        f"sum(v * coalesce(weight, 1)) AS v FROM s LEFT JOIN {_CLASSES_SQL} AS k USING (hs_code) "
        "GROUP BY ALL) SELECT *, sum(v) OVER w, v / sum(v) OVER w FROM x "
        "WINDOW w AS (PARTITION BY exporter, period)"),
    ),
    (
        "plausibility", partial(measures.plausibility, gdp=_table(_GDP_SQL), frequency="M"), (),
        ("WITH s AS (SELECT importer, period, sum(value_usd) AS v FROM t GROUP BY ALL), "
        "y AS (SELECT importer, period, sum(v) OVER (PARTITION BY importer ORDER BY period "
        "ROWS 11 PRECEDING) AS v FROM s), x AS (SELECT *, (lag(v, 12) OVER w + lag(v, 24) OVER w "
        "+ lag(v, 36) OVER w) / 3 AS past FROM y WINDOW w AS (PARTITION BY importer ORDER BY period)) "
        f"SELECT x.*, gdp_usd, v / gdp_usd, v / past FROM x LEFT JOIN {_GDP_SQL} AS g "
        "ON g.area = x.importer AND g.year = left(period, 4)::INT"),
    ),
)  # fmt: skip


def draw(path: Path) -> None:
    """Write the rows: 150 exporters and importers, 500 codes, 72 months."""
    duckdb.connect().execute(f"""
        COPY (
            SELECT 'E' || lpad((hash(i) % 150)::VARCHAR, 3, '0') AS exporter,
                   'I' || lpad((hash(i * 7 + 1) % 150)::VARCHAR, 3, '0') AS importer,
                   (850000 + hash(i * 13 + 5) % 500)::VARCHAR AS hs_code,
                   (2018 + hash(i * 3 + 2) % 6)::VARCHAR || '-'
                       || lpad((1 + hash(i * 5 + 9) % 12)::VARCHAR, 2, '0') AS period,
                   (hash(i * 17) % 100000)::DOUBLE AS value_usd
            FROM range({ROWS}) AS rows(i)
        ) TO '{path}' (FORMAT parquet)
    """)


def seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(work) -> float:
    began = seconds()
    work()
    return seconds() - began


def ours(engine: Engine, path: Path, measure, keys: tuple[str, ...]) -> None:
    flows = engine.frame(f"SELECT * FROM '{path}'").to_native()
    if keys:
        summed = nw.from_native(measures.totals(flows, by=keys)).lazy()
        flows = engine.keep(summed, engine.unused("sums")).to_native()
    nw.from_native(measure(flows)).lazy().collect("pyarrow")


def main() -> int:
    """Print a row a measure."""
    print(f"{ROWS:,} rows; processor seconds")
    print(f"{'measure':22}{'SQL':>8}{'entrepot':>10}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flows.parquet"
        draw(path)
        for name, measure, keys, sql in COMPARED:
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            with Engine(memory_limit="6GB", threads=2) as engine:
                theirs = timed(lambda e=engine, q=sql: e.sql(q.replace("FROM t ", f"FROM '{path}' ")))
                mine = timed(lambda e=engine, m=measure, k=keys: ours(e, path, m, k))
            print(f"{name:22}{theirs:8.1f}{mine:10.1f}{mine / theirs:7.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
