"""What commands that search a lake do alike: open it, choose its reports, write, and say what was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from entrepot.app.arguments import parse_day, parse_sources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa
    from rich.console import Console

    from entrepot.pipeline.choices import ReportChoice
    from entrepot.pipeline.revisions import RevisionChoice
    from entrepot.store import Lake

__all__ = ["Run", "open_run"]


@dataclass(frozen=True, slots=True)
class Run:
    """A lake that is searched, and what is to be said at the end.

    Attributes
    ----------
    lake, files
        The lake, and its rows of ``core__file``.
    choice
        Which reports count.
    notes
        What the search told in words.
    written
        Files written, in order.
    """

    lake: Lake
    files: list[dict[str, Any]]
    choice: ReportChoice
    notes: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def write(self, table: pa.Table, out: str | None, *, about: Mapping[str, str]) -> None:
        """Write a table, where a file was asked for, with its record and the notes so far."""
        from entrepot.report import write_table  # noqa: PLC0415

        if out is None:
            return
        write_table(table, out, about={**about, **({"codes": "; ".join(self.notes)} if self.notes else {})})
        if out != "-":
            self.written.append(out)

    def draw(self, drawn: Any, chart: Path, console: Console, *, nothing: str) -> None:
        """Write a chart, or say that there is ``nothing`` to draw."""
        from entrepot.report.charts import svg  # noqa: PLC0415

        if drawn is None:
            console.print(nothing, markup=False)
            return
        chart.write_text(svg(drawn), encoding="utf-8")
        self.written.append(str(chart))

    def close(self, console: Console) -> None:
        """Say the notes, and which files were written."""
        for note in self.notes:
            console.print(f"note: {note}", markup=False)
        for path in self.written:
            console.print(f"written: {path}", markup=False)


def open_run(
    lake: Path,
    *outputs: str | None,
    chart: Path | None = None,
    as_of: str | None = None,
    source: str | None = None,
    revision: RevisionChoice | None = None,
) -> Run:
    """Open a lake, once all that is to be written can be.

    Parameters
    ----------
    lake
        Its folder.
    outputs
        Files of tables; None where none was asked for.
    chart
        File of a chart.
    as_of, source
        As typed: the last day of vintages, the sources to use.
    revision
        What all codes are brought to.
    """
    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.choices import ReportChoice  # noqa: PLC0415
    from entrepot.report import check_out  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    day = parse_day(as_of, option="--as-of")
    for out in outputs:
        if out is not None:
            check_out(out)
    if chart is not None:
        check_out(chart, suffixes=(".svg",))
    opened = Lake.open(lake)
    files = opened.files().to_pylist()
    sources = parse_sources(source, known=[file["source"] for file in files])
    return Run(opened, files, ReportChoice(as_of=day, sources=sources, revision=revision))
