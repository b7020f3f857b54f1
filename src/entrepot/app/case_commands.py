"""The commands of ready cases: ``case list``, ``show``, ``run``, ``facts``, ``new``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from entrepot.app.cli import app
from entrepot.errors import OptionError

if TYPE_CHECKING:
    from entrepot.pipeline.cases import CaseResult

__all__ = [
    "case_facts_command",
    "case_list_command",
    "case_new_command",
    "case_run_command",
    "case_show_command",
    "cases_app",
]

cases_app = typer.Typer(
    no_args_is_help=True, help="Ready cases: the claims of the field's reports, and official figures."
)
app.add_typer(cases_app, name="case")

_OutOption = Annotated[
    str | None, typer.Option(help="write the rows to .csv, .parquet, .xlsx or .json; - prints CSV")
]
_NameArgument = Annotated[str, typer.Argument(help="a case, such as C6, or the TOML file of one of your own")]


@cases_app.command("list")
def case_list_command(*, out: _OutOption = None) -> None:
    """Name the cases: what they ask, what their figures rest on, how many downloads they need.

    Example: entrepot case list
    """
    import pyarrow as pa  # noqa: PLC0415

    from entrepot.pipeline.cases import case_names, find_case  # noqa: PLC0415
    from entrepot.report import print_case_list, write_table  # noqa: PLC0415

    cases = [find_case(name) for name in case_names()]
    if out is not None:
        keys = ("id", "title", "question", "standing", "source", "answers", "confirm")
        rows = [{key: getattr(case, key) or None for key in keys} for case in cases]
        write_table(pa.Table.from_pylist(rows), out, about={"table": "cases"})
    if out != "-":
        print_case_list([case.model_dump() for case in cases], Console(highlight=False))


@cases_app.command("show")
def case_show_command(name: _NameArgument) -> None:
    """Show a case: its question and source, the data it needs and how to get them, its calls.

    Example: entrepot case show C6
    """
    from entrepot.pipeline.cases import find_case  # noqa: PLC0415
    from entrepot.report import print_case  # noqa: PLC0415

    case = find_case(name)
    commands = [call.command() for call in case.calls]
    print_case(case.model_dump(), Console(highlight=False), commands=commands)


@cases_app.command("facts")
def case_facts_command(*, out: Annotated[str, typer.Option(help="file; - prints CSV")] = "-") -> None:
    """Write every figure that the cases state as published, with its source and standing.

    Example: entrepot case facts --out published.csv
    """
    from entrepot.pipeline.cases import published_figures  # noqa: PLC0415
    from entrepot.report import write_table  # noqa: PLC0415

    rows = published_figures()
    write_table(rows, out, about={"table": "figures as published, by case"})
    if out != "-":
        Console(highlight=False).print(f"{rows.num_rows} figures in {out}", markup=False)


@cases_app.command("new")
def case_new_command(
    name: Annotated[str, typer.Argument(help="name of the case, which is the file's too")],
    *,
    to: Annotated[Path | None, typer.Option(help="the file; default NAME.toml here")] = None,
) -> None:
    """Write the TOML file of a new case, to be changed: question, data, calls, published figures.

    Example: entrepot case new turkey
    """
    from entrepot.pipeline.cases import new_case  # noqa: PLC0415

    path = to if to is not None else Path(f"{name}.toml")
    text = new_case(name)
    if path.suffix.lower() != ".toml":
        raise OptionError("a case is a TOML file", where="--to", hint="end its name in .toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise OptionError(
            "the file is there already", where=str(path), hint="choose another name, or move it away"
        ) from error
    except OSError as error:
        raise OptionError(
            f"the file cannot be written: {error.strerror}",
            where=str(path),
            hint="choose a folder that is there and that you may write to",
        ) from error
    typer.echo(f"{path}: change it, then entrepot case run {path} --lake LAKE")


@cases_app.command("run")
def case_run_command(
    name: _NameArgument,
    *,
    lake: Annotated[
        Path | None, typer.Option(help="folder of the lake; C6 says something without one")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: a table of your own that the case asks for; may be repeated"),
    ] = None,
    out: _OutOption = None,
    chart: Annotated[
        Path | None, typer.Option(help=".svg, .png or .json (Vega-Lite) file for the chart")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="run what there is data for, and name what is missing")
    ] = False,
    robustness: Annotated[
        str | None, typer.Option(help="write the headline under other choices to this file, as --out")
    ] = None,
    memory: Annotated[str, typer.Option(help="memory of the engine; larger work spills to disk")] = "4GB",
) -> None:
    """Run a case: published beside computed figures, the likely why, how robust the headline is.

    A case whose data are not in the lake says which download is missing and how to take it in.

    Example: entrepot case run C6 --chart vehicles.svg
    """
    from entrepot.pipeline.cases import find_case, run_case  # noqa: PLC0415
    from entrepot.report import (  # noqa: PLC0415
        about_case,
        check_out,
        print_case_result,
        write_chart,
        write_table,
    )
    from entrepot.sources.registry import publisher_name  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    case = find_case(name)
    own = dict(_own_table(text) for text in table or ())
    for file in (out, robustness):
        if file is not None:
            check_out(file)
    if chart is not None:
        check_out(chart, suffixes=(".svg", ".png", ".json"))
    opened = None if lake is None else Lake.open(lake)
    files = [] if opened is None else opened.files().to_pylist()
    console = Console(stderr=out == "-", highlight=False)
    result = run_case(case, opened, own_tables=own, is_partial=partial, memory_limit=memory)
    plain = case.model_dump()
    drawn = None
    sources = sorted({f"{publisher_name(row['source'])} ({row['vintage']})" for row in files})
    sources += [f"{path.name} (your table {key})" for key, path in own.items()]
    undrawn: OptionError | None = None
    if chart is not None:
        drawn, undrawn = _drawn(plain, result, sources)
    if out is not None:
        write_table(result.table, out, about=about_case(plain, sources=files))
    if robustness is not None:
        about = about_case(plain, sources=files) | {"table": "the headline under other choices"}
        write_table(result.robustness, robustness, about=about)
    if chart is not None and undrawn is None:
        write_chart(drawn, chart)
    print_case_result(
        plain, result.table, result.tables, console, robustness=result.robustness, sources=sources
    )
    for note in result.notes:
        console.print(f"note: {note}", markup=False)
    for path in (out, robustness, None if undrawn else chart):
        if path is not None and str(path) != "-":
            console.print(f"written: {path}", markup=False)
    if undrawn is not None:
        raise undrawn


def _own_table(text: str) -> tuple[str, Path]:
    """Return the name and the file of ``NAME=FILE``."""
    name, _, file = text.partition("=")
    if not name.strip() or not file.strip():
        raise OptionError(
            f"{text!r} names no table and file", where="--table", hint="--table settlement=settlement.csv"
        )
    return name.strip(), Path(file.strip())


def _drawn(plain: dict[str, Any], result: CaseResult, sources: list[str]) -> tuple[Any, OptionError | None]:
    """Return the chart of a case, or why there is none: the answer is given all the same."""
    from entrepot.report import case_chart  # noqa: PLC0415

    footer = f"Source: {'; '.join(sources)}; own calculation (entrepot)."
    try:
        return case_chart(plain, result.table, result.tables, footer=footer), None
    except OptionError as error:
        return None, error
