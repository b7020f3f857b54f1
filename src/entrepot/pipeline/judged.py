"""The canonical rows of one file: the good ones for ``core__flow``, the bad ones with their reasons."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from entrepot.engine import identifier, literal, null_column, parquet
from entrepot.engine.literals import literal_columns
from entrepot.errors import ContractError
from entrepot.pipeline.flow_files import FlowFiles, write_flow
from entrepot.pipeline.twins import EXCLUDED, excluded_rows
from entrepot.schema import FLOW, QUARANTINE, QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from entrepot.engine import Engine, ParquetFile, Staged
    from entrepot.store import Workspace

__all__ = ["JudgedRows"]

#: A number with separators at the end of what is said of a row: 1234,5 or 1,234,567.8 or 1.234.567.
_SEPARATED = re.compile(r"(?<![\w.,])-?\d+(?:[.,' ]\d{3})*[.,]\d+$")


def _absent(found: Iterable[str]) -> list[pa.Field]:
    """Return the columns that a source's query leaves out, since its publisher does not have them."""
    return [field for field in FLOW.arrow_schema() if field.nullable and field.name not in {*found}]


class JudgedRows:
    """The canonical rows of one file, good and bad, as Parquet in the lake's folders."""

    def __init__(
        self, engine: Engine, workspace: Workspace, staged: Staged, canonical: str, tell: Callable[..., None]
    ) -> None:
        self._engine = engine
        self._workspace = workspace
        self._staged = staged
        # No view: of a long query the binding is dear, and a view is bound once more.
        found = [row[0] for row in engine.rows(f"DESCRIBE {canonical}")]
        nulls = [null_column(field) for field in _absent(found)]
        self._canonical = f"SELECT {', '.join(['*', *nulls])} FROM ({canonical})"
        #: Columns that are the same in all rows: no row need carry them.
        self._fixed = dict.fromkeys((field.name for field in _absent(found)), None) | {
            name: value
            for name, value in literal_columns(engine, canonical).items()
            if name in FLOW.columns and name != "year"
        }
        self._tell = tell
        self._has_sums = "parts" in found
        self._bad = EXCLUDED.empty_table()
        self._flow = FlowFiles(files=(), keys=None, key="", facts={})
        self.quarantine: tuple[ParquetFile, ...] = ()
        self.reasons: Counter[str] = Counter()
        self.rows_stored = 0
        self.rows_quarantined = 0
        #: Rows of the file that are in the sum of another row, and rows that have none of their own.
        self.rows_added = 0
        self.rows_left_out = 0

    @property
    def flow(self) -> tuple[ParquetFile, ...]:
        """The good rows, a file a year."""
        return self._flow.files

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
        self._flow = write_flow(
            self._engine,
            self._canonical,
            folder / "rows",
            constants=self._fixed | constants,
            good="reason IS NULL",
        )
        written = self._flow.rows
        unreadable = self._staged.unreadable
        judged_bad = EXCLUDED.empty_table()
        if self._flow.bad:
            judged_bad = self._engine.sql(
                f"SELECT row_number, cell, reason, detail FROM ({self._canonical}) WHERE reason IS NOT NULL"
            ).cast(EXCLUDED)
        self._account(written, judged_bad)
        self._tell("checking keys", rows=self._staged.rows)
        excluded = EXCLUDED.empty_table()
        if written:
            excluded = excluded_rows(self._engine, self._flow, self._canonical)
        if excluded.num_rows:
            self._rewrite_without(excluded, folder / "kept", constants)
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
        self.rows_stored = self._flow.rows
        self.rows_quarantined = self._bad.num_rows
        self.reasons = Counter(self._bad["reason"].to_pylist())
        if self.rows_quarantined:
            self._write_quarantine(constants)

    def _account(self, written: int, bad: pa.Table) -> None:
        """Find out what became of every row of the file: good, bad, part of a sum, or none of its own."""
        rows = self._staged.file.rows
        if self._has_sums:
            self.rows_added = self._engine.rows(
                "SELECT coalesce(sum(parts) - count(*), 0)::BIGINT FROM summed_rows WHERE reason IS NULL"
            )[0][0]
        # Cells may be as many as rows although a row has several of them and another none.
        is_even = written + bad.num_rows + self.rows_added == rows
        if is_even and "cell" in self._fixed:
            return
        if not self._has_cells(bad):
            if is_even:
                return
            raise ContractError(
                f"{rows:,} rows read, but {written:,} good and {bad.num_rows:,} bad ones made",
                where=str(self._workspace.lake.path),
                hint="this is a bug of the source's query: it drops or doubles rows; please report it",
            )
        good = f"SELECT row_number FROM {parquet(self._flow.paths)}" if self.flow else ""
        seen = " UNION ".join(filter(None, (good, "SELECT row_number FROM bad_cells")))
        found = self._engine.sql(f"SELECT count(*) AS rows FROM ({seen})", bad_cells=bad)
        self.rows_left_out = rows - found["rows"][0].as_py() - self.rows_added

    def _has_cells(self, bad: pa.Table) -> bool:
        """Tell whether the source's rows are cells: then a row of the file may have many, or none."""
        if bad["cell"].null_count < bad.num_rows or (not self.flow and not bad.num_rows):
            return True
        if not self.flow:
            return False
        written = parquet(self._flow.paths)
        return bool(self._engine.rows(f"SELECT count(cell) FROM {written}")[0][0])

    def _rewrite_without(self, excluded: pa.Table, folder: Path, constants: dict[str, Any]) -> None:
        old = self._flow
        self._engine.register("excluded_rows", excluded)
        self._flow = write_flow(
            self._engine,
            f"SELECT kept.* FROM {parquet(old.paths)} AS kept ANTI JOIN excluded_rows AS gone "
            "ON kept.row_number = gone.row_number AND kept.cell IS NOT DISTINCT FROM gone.cell",
            folder,
            constants=self._fixed | constants,
        )
        for path in old.paths:
            path.unlink()

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

    def examples(self) -> dict[str, str]:
        """Return by reason the first row that has it, and what stands there; the most frequent first."""
        return {reason: self._first(reason) for reason, _ in self.reasons.most_common()}

    def example(self) -> str:
        """Return a hint made of the most frequent reason's first row."""
        if not self.reasons:
            return ""
        reason = self.reasons.most_common(1)[0][0]
        row, _, said = self._first(reason).partition(": ")
        told = f"{row}: {reason}, {said}"
        if reason == QuarantineReason.BAD_NUMBER and _SEPARATED.search(said):
            told += (
                "; Excel saves numbers with separators of its own: download the file again, "
                "or save it with plain numbers, 1234567.8"
            )
        return told

    def _first(self, reason: str) -> str:
        order = [("row_number", "ascending"), ("cell", "ascending")]
        rows = self._bad.filter(pc.equal(self._bad["reason"], reason)).sort_by(order)
        first = rows.slice(0, 1).to_pylist()[0]
        return f"row {first['row_number']:,}: {first['detail']}"

    def facts(self) -> dict[str, Any]:
        """Return what the good rows are about."""
        facts = self._flow.facts
        return {
            "first_period": min(facts["period"]),
            "last_period": max(facts["period"]),
            "reporters": len(facts["reporter"]),
            "levels": sorted(facts["hs_level"]),
            "revisions": sorted(facts["hs_revision"]),
        }
