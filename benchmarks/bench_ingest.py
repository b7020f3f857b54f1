"""Ingest of a Comtrade download against DuckDB's bare copy of the same file to Parquet, in the same run.

    python benchmarks/bench_ingest.py --rows 5_000_000

The file is made up: the publisher's 47 columns, every value quoted (without the
comma at the end of the data lines, at which DuckDB's own detection stops). Each
contender runs in a process of its own, whose peak memory the kernel tells. Never a timed test.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from entrepot.engine import Engine, parquet
from entrepot.nomenclature.areas import area_code_table, area_table
from entrepot.pipeline import IngestOptions, ingest
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.sources.comtrade import ComtradeSource
from entrepot.store import Lake, flows_sql

_ISO = (
    "CHN",
    "DEU",
    "USA",
    "KAZ",
    "KGZ",
    "RUS",
    "TUR",
    "ARE",
    "UZB",
    "ARM",
    "GEO",
    "BLR",
    "IND",
    "VNM",
    "POL",
    "NLD",
)


def _numbers() -> list[tuple[str, str, str]]:
    """Return number, ISO code and name of areas, as the publisher writes them."""
    found = duckdb.sql(
        "SELECT DISTINCT foreign_code, code FROM codes WHERE scheme = 'm49' AND valid_from IS NULL "
        "AND valid_to IS NULL AND length(foreign_code) <= 3 AND NOT is_aggregate AND left(code, 1) <> 'X' "
        "AND foreign_code NOT LIKE '0%' "
        "QUALIFY row_number() OVER (PARTITION BY code ORDER BY foreign_code) = 1"
    ).fetchall()
    names = dict(zip(area_table()["code"].to_pylist(), area_table()["name"].to_pylist(), strict=True))
    return sorted((number, code, names[code].encode("ascii", "ignore").decode()) for number, code in found)


def write_download(path: Path, rows: int) -> None:
    """Write a download of so many rows: months × reporters × flows × partners × codes, no key twice."""
    duckdb.register("codes", area_code_table())
    areas = _numbers()
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("CREATE TABLE area (place INTEGER, number VARCHAR, iso VARCHAR, name VARCHAR)")
    connection.executemany(
        "INSERT INTO area VALUES (?, ?, ?, ?)", [(i, *area) for i, area in enumerate(areas)]
    )
    pairs_codes = 600
    block = len(_ISO) * 2 * len(areas) * pairs_codes
    months = -(-rows // block)
    values = {
        "typeCode": "'C'", "freqCode": "'M'", "refPeriodId": "period || '01'", "refYear": "left(period, 4)",
        "refMonth": "ltrim(right(period, 2), '0')", "period": "period",
        "reporterCode": "r.number", "reporterISO": "r.iso", "reporterDesc": "r.name",
        "flowCode": "CASE WHEN is_import THEN 'M' ELSE 'X' END",
        "flowDesc": "CASE WHEN is_import THEN 'Import' ELSE 'Export' END",
        "partnerCode": "p.number", "partnerISO": "p.iso", "partnerDesc": "p.name",
        "partner2Code": "'0'", "partner2ISO": "'W00'", "partner2Desc": "'World'",
        "classificationCode": "'H6'", "classificationSearchCode": "'HS'",
        "isOriginalClassification": "'true'",
        "cmdCode": "cmd", "cmdDesc": "'Goods ' || cmd",
        "aggrLevel": "'6'", "isLeaf": "'true'", "customsCode": "'C00'", "customsDesc": "'TOTAL CPC'",
        "mosCode": "'0'", "motCode": "'0'", "motDesc": "'TOTAL MOT'",
        "qtyUnitCode": "CASE WHEN draw % 3 = 0 THEN '-1' ELSE '8' END",
        "qtyUnitAbbr": "CASE WHEN draw % 3 = 0 THEN 'N/A' ELSE 'kg' END",
        "qty": "CASE WHEN draw % 3 = 0 THEN '0' ELSE weight END", "isQtyEstimated": "'false'",
        "altQtyUnitCode": "'-1'", "altQtyUnitAbbr": "'N/A'", "altQty": "'0'", "isAltQtyEstimated": "'false'",
        "netWgt": "weight", "isNetWgtEstimated": "CASE WHEN draw % 5 = 0 THEN 'true' ELSE 'false' END",
        "grossWgt": "'0'", "isGrossWgtEstimated": "'false'",
        "cifvalue": "CASE WHEN is_import THEN value END",
        "fobvalue": "CASE WHEN NOT is_import THEN value END",
        "primaryValue": "value", "legacyEstimationFlag": "'0'", "isReported": "'true'",
        "isAggregate": "'false'",
    }  # fmt: skip
    line = " || ',' || ".join(f"coalesce('\"' || {values[name]} || '\"', '')" for name in COMTRADE_WEB)
    reporters = ", ".join(f"'{iso}'" for iso in _ISO)
    header = ",".join(COMTRADE_WEB)
    # One column without quoting: the line is made whole, so that the quotes are the publisher's.
    connection.execute(
        f"""
        COPY (
            SELECT line AS "{header}" FROM (
                SELECT {line} AS line FROM (
                    SELECT *, strftime(DATE '2022-01-01' + to_months(month::INTEGER), '%Y%m') AS period,
                           hash(month, code, flow, reporter, partner) AS draw,
                           CAST(draw % 99999989 AS VARCHAR) AS value,
                           CAST(draw % 7654321 AS VARCHAR) AS weight, flow = 0 AS is_import,
                           printf('%02d%02d%02d', 1 + code % 76, 1 + code % 23, 10 + code % 89) AS cmd
                    FROM range({months}) AS m (month),
                         (SELECT place AS reporter FROM area WHERE iso IN ({reporters})),
                         range(2) AS f (flow), range({pairs_codes}) AS c (code),
                         (SELECT place AS partner FROM area)
                    LIMIT {rows}
                ) AS drawn JOIN area AS r ON r.place = reporter JOIN area AS p ON p.place = partner
            )
        ) TO '{path}' (FORMAT csv, HEADER true, QUOTE '', ESCAPE '', DELIMITER '\x01')
        """
    )


def run_copy(path: Path, target: Path) -> dict[str, float]:
    """Copy the file to Parquet as DuckDB does it by itself."""
    start = time.perf_counter()
    connection = duckdb.connect()
    connection.execute(f"COPY (SELECT * FROM read_csv('{path}')) TO '{target}/copy.parquet' (FORMAT parquet)")
    return {"seconds": time.perf_counter() - start}


def run_ingest(path: Path, target: Path) -> dict[str, float]:
    """Take the file into a lake, and follow one number back to its row."""
    start = time.perf_counter()
    last = [start, ""]
    steps: dict[str, float] = {}

    def note(step: object) -> None:
        now = time.perf_counter()
        if last[1]:
            steps[last[1]] = steps.get(last[1], 0) + now - last[0]
        last[:] = [now, step.name]

    report = ingest(
        ComtradeSource(), [path], lake=target / "lake", options=IngestOptions(is_complete=True), progress=note
    )
    seconds = time.perf_counter() - start
    file = report.files[0]
    if file.error is not None:
        raise file.error
    if file.rows_stored != file.rows_read:
        raise SystemExit(f"{file.reasons}")
    lake = Lake.open(target / "lake")
    with Engine() as engine:
        row = engine.rows(
            f"SELECT row_number, primary_value_usd FROM ({flows_sql(lake, engine)}) "
            f"WHERE row_number = {file.rows_read // 2}"
        )[0]
        total = engine.rows(f"SELECT count(*) FROM {parquet(lake.table_files('core__flow'))}")[0][0]
    published = lake.raw_row(file.file_hash, row[0])
    if float(published["primaryValue"]) != row[1] or total != file.rows_read:
        raise SystemExit("lineage is broken")
    print(json.dumps({name: round(value, 1) for name, value in steps.items()}), file=sys.stderr)
    return {"seconds": seconds}


def _measure(what: str, path: Path, folder: Path) -> dict[str, float]:
    target = folder / what
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    done = subprocess.run(
        [sys.executable, __file__, "--run", what, "--file", str(path), "--folder", str(target)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    shutil.rmtree(target)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=50_000_000)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    parser.add_argument("--run", choices=["copy", "ingest"])
    parser.add_argument("--file", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the file for another run")
    chosen = parser.parse_args()
    if chosen.run:
        result = {"copy": run_copy, "ingest": run_ingest}[chosen.run](chosen.file, chosen.folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**result, "peak_mb": peak}))
        return
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = chosen.folder / f"comtrade-{chosen.rows}.csv"
    if not path.exists():
        write_download(path, chosen.rows)
    print(f"{chosen.rows:,} rows, {path.stat().st_size / 1e9:.2f} GB")
    results = {what: _measure(what, path, chosen.folder) for what in ("copy", "ingest")}
    print(f"{'':10}{'seconds':>10}{'rows/s':>12}{'peak MB':>10}{'ratio':>8}")
    for what, result in results.items():
        ratio = results["copy"]["seconds"] / result["seconds"]
        rate = chosen.rows / result["seconds"]
        print(f"{what:10}{result['seconds']:>10.1f}{rate:>12,.0f}{result['peak_mb']:>10,.0f}{ratio:>8.2f}")
    if not chosen.keep:
        path.unlink()


if __name__ == "__main__":
    main()
