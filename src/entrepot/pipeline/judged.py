"""The canonical rows of one file: the good ones for ``core__flow``, the bad ones with their reasons."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine import identifier, literal, null_column, parquet
from entrepot.errors import ContractError
from entrepot.pipeline.twins import EXCLUDED, excluded_rows
from entrepot.schema import FLOW, QUARANTINE, QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrepot.engine import Engine, ParquetFile, Staged
    from entrepot.store import Workspace

__all__ = ["JudgedRows"]

#: Up to so many years a file's rows are written year by year; above, they are split while writing.
_FEW_YEARS = 3


def _completed(engine: Engine, canonical: str) -> str:
    """Return a source's query with nulls for the columns that its publisher does not have."""
    found = {row[0] for row in engine.rows(f"DESCRIBE {canonical}")}
    nulls = [
        null_column(field) for field in FLOW.arrow_schema() if field.nullable and field.name not in found
    ]
    return f"SELECT *, {', '.join(nulls)} FROM ({canonical})" if nulls else canonical


class JudgedRows:
    """The canonical rows of one file, good and bad, as Parquet in the lake's folders."""

    def __init__(
        self, engine: Engine, workspace: Workspace, staged: Staged, canonical: str, tell: Callable[..., None]
    ) -> None:
        self._engine = engine
        self._workspace = workspace
        self._staged = staged
        self._canonical = _completed(engine, canonical)
        self._tell = tell
        self._has_sums = "parts" in engine.sql(f"SELECT * FROM ({canonical}) LIMIT 0").column_names
        self._bad = EXCLUDED.empty_table()
        self.flow: tuple[ParquetFile, ...] = ()
        self.quarantine: tuple[ParquetFile, ...] = ()
        self.reasons: Counter[str] = Counter()
        self.rows_stored = 0
        self.rows_quarantined = 0
        #: Rows of the file that are in the sum of another row, and rows that have none of their own.
        self.rows_added = 0
        self.rows_left_out = 0

    @property
    def rows_read(self) -> int:
        """Rows of the file; cells, where a row has several values."""
        return self.rows_stored + self.rows_quarantined

    def write(self, constants: dict[str, Any]) -> None:
        """Write the good rows and the bad ones, and count them."""
        folder = self._workspace.folder(FLOW.name)
        self._tell("judging", rows=self._staged.rows)
        if self._has_sums:
            # Sums are dear: the query runs once.
            self._engine.execute(f"CREATE TEMP TABLE summed_rows AS {self._canonical}")
            self._canonical = "SELECT * FROM summed_rows"
        self.flow = self._copy_flow(self._good(constants), folder / "rows", constants["source"])
        written = sum(file.rows for file in self.flow)
        unreadable = self._staged.unreadable
        judged_bad = EXCLUDED.empty_table()
        if written != self._staged.file.rows:
            judged_bad = self._engine.sql(
                f"SELECT row_number, cell, reason, detail FROM ({self._canonical}) WHERE reason IS NOT NULL"
            ).cast(EXCLUDED)
            self._account(written, judged_bad)
        self._tell("checking keys", rows=self._staged.rows)
        excluded = EXCLUDED.empty_table()
        if written:
            excluded = excluded_rows(
                self._engine, [file.path for file in self.flow], written, self._canonical
            )
        if excluded.num_rows:
            self._rewrite_without(excluded, folder / "kept", constants["source"])
        lines = pa.table(
            {
                "row_number": unreadable["row_number"],
                "cell": pa.nulls(unreadable.num_rows, pa.string()),
                "reason": pa.array([QuarantineReason.UNREADABLE.value] * unreadable.num_rows, pa.string()),
                "detail": unreadable["detail"],
            },
            schema=EXCLUDED,
        )
        self._bad = pa.concat_tables([lines, judged_bad, excluded.cast(EXCLUDED)])
        self.rows_stored = sum(file.rows for file in self.flow)
        self.rows_quarantined = self._bad.num_rows
        self.reasons = Counter(self._bad["reason"].to_pylist())
        if self.rows_quarantined:
            self._write_quarantine(constants)

    def _good(self, constants: dict[str, Any]) -> str:
        fixed = {
            "source": literal(constants["source"]),
            "vintage": f"{literal(constants['vintage'].isoformat())}::DATE",
            "file_hash": literal(constants["file_hash"]),
        }
        columns = ", ".join(f"{fixed[name]} AS {name}" if name in fixed else name for name in FLOW.columns)
        return f"SELECT {columns} FROM ({self._canonical}) WHERE reason IS NULL"

    def _copy_flow(self, query: str, folder: Path, source: str) -> tuple[ParquetFile, ...]:
        """Write rows as one or more files a year.

        They are judged once, into one file, which stays where it holds one year, as most files do. DuckDB's
        partitioned writing takes three times as long as its plain writing.
        """
        folder.mkdir()
        (whole,) = self._engine.copy_to_parquet(query, folder / "rows.parquet")
        if not whole.rows:
            whole.path.unlink()
            return ()
        first, last = (int(whole.statistics["year"][end]) for end in ("min", "max"))
        if first == last:
            return (replace(whole, partition={"source": source, "year": str(first)}),)
        rows = f"SELECT * FROM {parquet([whole.path])}"
        written: list[ParquetFile] = []
        if last - first >= _FEW_YEARS:
            split = self._engine.copy_to_parquet(rows, folder / "years", partition_by=FLOW.partition_by)
            # Others who read Delta tables take folders such as source=csv%3Aown for columns.
            written += [
                replace(file, path=file.path.rename(folder / f"{file.partition['year']}-{place}.parquet"))
                for place, file in enumerate(split)
            ]
            shutil.rmtree(folder / "years")
        else:
            for year in range(first, last + 1):
                chosen = f"{rows} WHERE year = {year}"
                written += [
                    replace(file, partition={"source": source, "year": str(year)})
                    for file in self._engine.copy_to_parquet(chosen, folder / f"{year}.parquet")
                ]
        whole.path.unlink()
        return tuple(file for file in written if file.rows)

    def _account(self, written: int, bad: pa.Table) -> None:
        """Find out what became of every row of the file: good, bad, part of a sum, or none of its own."""
        rows = self._staged.file.rows
        if self._has_sums:
            self.rows_added = self._engine.rows(
                "SELECT coalesce(sum(parts) - count(*), 0)::BIGINT FROM summed_rows WHERE reason IS NULL"
            )[0][0]
        if written + bad.num_rows + self.rows_added == rows:
            return
        if not self._has_cells(bad):
            raise ContractError(
                f"{rows:,} rows read, but {written:,} good and {bad.num_rows:,} bad ones made",
                where=str(self._workspace.lake.path),
                hint="this is a bug of the source's query: it drops or doubles rows; please report it",
            )
        good = f"SELECT row_number FROM {parquet([file.path for file in self.flow])}" if self.flow else ""
        seen = " UNION ".join(filter(None, (good, "SELECT row_number FROM bad_cells")))
        found = self._engine.sql(f"SELECT count(*) AS rows FROM ({seen})", bad_cells=bad)
        self.rows_left_out = rows - found["rows"][0].as_py() - self.rows_added

    def _has_cells(self, bad: pa.Table) -> bool:
        """Tell whether the source's rows are cells: then a row of the file may have many, or none."""
        if bad["cell"].null_count < bad.num_rows or (not self.flow and not bad.num_rows):
            return True
        if not self.flow:
            return False
        written = parquet([file.path for file in self.flow])
        return bool(self._engine.rows(f"SELECT count(cell) FROM {written}")[0][0])

    def _rewrite_without(self, excluded: pa.Table, folder: Path, source: str) -> None:
        old = self.flow
        self._engine.register("excluded_rows", excluded)
        self.flow = self._copy_flow(
            f"SELECT kept.* FROM {parquet([file.path for file in old])} AS kept "
            "ANTI JOIN excluded_rows AS gone "
            "ON kept.row_number = gone.row_number AND kept.cell IS NOT DISTINCT FROM gone.cell",
            folder,
            source,
        )
        for file in old:
            file.path.unlink()

    def _write_quarantine(self, constants: dict[str, Any]) -> None:
        self._engine.register("bad_rows", self._bad)
        self._engine.register("unreadable_lines", self._staged.unreadable)
        names = ", ".join(
            identifier(name)
            for name in pq.read_schema(self._staged.file.path).names
            if name not in {"file_hash", "_trailing"}
        )
        self.quarantine = self._engine.copy_to_parquet(
            f"""
            SELECT {literal(constants["file_hash"])} AS file_hash, bad.row_number, bad.cell,
                   {literal(constants["source"])} AS source, bad.reason, bad.detail,
                   coalesce(line.raw_line, to_json(published.fields)::VARCHAR) AS raw_line
            FROM bad_rows AS bad
            LEFT JOIN unreadable_lines AS line
                   ON line.row_number = bad.row_number AND bad.reason = 'unreadable'
            LEFT JOIN (SELECT row_number, struct_pack({names}) AS fields FROM staged_rows
                       WHERE row_number IN (SELECT row_number FROM bad_rows)) AS published
                   ON published.row_number = bad.row_number
            ORDER BY bad.row_number, bad.cell
            """,
            self._workspace.folder(QUARANTINE.name) / "rows.parquet",
            keeps_order=True,
        )

    def example(self) -> str:
        """Return a hint made of the most frequent reason's first row."""
        if not self.reasons:
            return ""
        reason = self.reasons.most_common(1)[0][0]
        rows = [row for row in self._bad.to_pylist() if row["reason"] == reason]
        first = min(rows, key=lambda row: (row["row_number"], row["cell"] or ""))
        return f"row {first['row_number']:,}: {reason}, {first['detail']}"

    def facts(self) -> dict[str, Any]:
        """Return what the good rows are about."""
        rows = parquet([file.path for file in self.flow])
        found = self._engine.rows(
            f"""
            SELECT min(period), max(period), count(DISTINCT reporter),
                   list_sort(list(DISTINCT hs_level)), list_sort(list(DISTINCT hs_revision))
            FROM {rows}
            """
        )[0]
        return dict(
            zip(("first_period", "last_period", "reporters", "levels", "revisions"), found, strict=True)
        )
