"""The command ``quality``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import Annotated

import typer
from rich.console import Console

from entrepot.app.arguments import parse_day
from entrepot.app.cli import app
from entrepot.errors import OptionError
from entrepot.nomenclature import resolve_areas

__all__ = ["quality_command"]


@app.command("quality")
def quality_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[str | None, typer.Option(help=".csv, .parquet, .xlsx or .json; - prints CSV")] = None,
    by: Annotated[
        str, typer.Option(help="some of reporter,flow,partner,chapter,year")
    ] = "reporter,flow,partner,chapter,year",
    chart: Annotated[
        Path | None, typer.Option(help=".svg file for a heat map of reporters by year, exports")
    ] = None,
    explain: Annotated[str | None, typer.Option(help="area: say on what its weight rests")] = None,
    freq: Annotated[str, typer.Option(help="M for months, A for years")] = "M",
    as_of: Annotated[
        str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")
    ] = None,
    memory: Annotated[str, typer.Option(help="memory of the engine")] = "4GB",
) -> None:
    """Write how good the reports are: who is silent, what partners know and the reporter does not, and gaps.

    Example: entrepot quality --lake lake --by reporter,flow,year --out quality.csv --chart quality.svg
    """
    if freq not in {"A", "M"}:
        raise OptionError(f"{freq!r} is no frequency", where="--freq", hint="use A for years or M for months")
    if out is None and chart is None and explain is None:
        raise OptionError(
            "nothing is asked for",
            where="entrepot quality",
            hint="add --out FILE, --chart FILE or --explain AREA",
        )
    day = parse_day(as_of, option="--as-of")
    reporters = resolve_areas(explain) if explain else ()

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.quality import data_quality, explain_reporter  # noqa: PLC0415
    from entrepot.report import check_out, write_table  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    told = Console(stderr=True, highlight=False)
    opened = Lake.open(lake)
    if out is not None:
        check_out(out)
        keys = tuple(key.strip() for key in by.split(","))
        table = data_quality(opened, keys, frequency=freq, as_of=day, memory_limit=memory)
        write_table(table, out, about={"table": "data quality", "by": by, "frequency": freq})
        told.print(f"{table.num_rows:,} rows by {by}")
    if chart is not None:
        check_out(chart, suffixes=(".svg",))
        from entrepot.report.charts import svg  # noqa: PLC0415
        from entrepot.report.heat import quality_chart  # noqa: PLC0415

        keys = ("reporter", "flow", "year")
        table = data_quality(opened, keys, frequency=freq, as_of=day, memory_limit=memory)
        chart.write_text(svg(quality_chart(table)), encoding="utf-8")
        told.print(f"heat map in {chart}")
    for reporter in reporters:
        typer.echo(explain_reporter(opened, reporter, frequency=freq, as_of=day, memory_limit=memory))
