"""The command ``measure-table``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import Annotated

import typer
from rich.console import Console

from entrepot.app.arguments import one_of
from entrepot.app.cli import app
from entrepot.errors import OptionError

__all__ = ["measure_table_command"]

_MEASURES = ("total", "share", "concentration", "growth")


@app.command("measure-table")
def measure_table_command(
    name: Annotated[str, typer.Argument(help="total, share, concentration or growth")],
    *,
    table: Annotated[Path, typer.Option(help="CSV or Parquet file: a row an observation, with a header")],
    out: Annotated[
        str | None, typer.Option(help="write the rows to .csv, .parquet, .xlsx or .json; - prints CSV")
    ] = None,
    by: Annotated[
        str, typer.Option(help="columns of the rows; of shares and concentration the whole they are in")
    ] = "period",
    of: Annotated[str, typer.Option(help="columns whose shares and concentration, such as currency")] = "",
    value: Annotated[str, typer.Option(help="column that is measured")] = "value_usd",
    only: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=WORD or COLUMN=WORD,WORD: keep those rows, codes by their beginning"),
    ] = None,
) -> None:
    """Measure a table of your own by any column: currency, province, mode of transport, company.

    Example: entrepot measure-table share --table settlement.csv --of currency --by period
    """
    one_of(name, _MEASURES, option="NAME")
    keys, shared = _words(by), _words(of)
    kept = dict(_kept(text) for text in only or ())
    if name in {"share", "concentration"} and not shared:
        raise OptionError(f"whose {name}?", where="--of", hint="name a column: --of currency")
    if name == "growth":
        keys = tuple(key for key in keys if key != "period")

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.cases.own_tables import measure_table  # noqa: PLC0415
    from entrepot.pipeline.cases.reading import Call  # noqa: PLC0415
    from entrepot.report import check_out, print_measure, write_table  # noqa: PLC0415
    from entrepot.sources.own_table import read_own_table  # noqa: PLC0415

    if out is not None:
        check_out(out)
    needed = dict.fromkeys([*keys, *shared, *kept, *(["period"] if name == "growth" else [])])
    rows = read_own_table(table, texts=tuple(needed), numbers=(value,))
    call = Call(
        id="table", title=name, measure=name, table="table", amount=value, only=kept,
        by=",".join(keys), of=",".join(shared),
    )  # fmt: skip
    found = measure_table(call, rows)
    if out is not None:
        write_table(found, out, about={"table": f"{name} of {value}", "made of": table.name})
    console = Console(stderr=out == "-", highlight=False)
    print_measure(found, console)
    if out not in {None, "-"}:
        console.print(f"written: {out}", markup=False)


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _kept(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the column and the words of ``COLUMN=WORD,WORD``."""
    column, _, words = text.partition("=")
    if not column.strip() or not _words(words):
        raise OptionError(f"{text!r} names no column and word", where="--only", hint="--only hs_code=650610")
    return column.strip(), _words(words)
