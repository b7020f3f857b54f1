"""Tables as files: CSV, Parquet, Excel, JSON; whole or not at all."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from entrepot.errors import ContractError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["SUFFIXES", "as_printed", "check_out", "replacing", "write_table"]

#: Suffixes that name a format.
SUFFIXES = (".csv", ".parquet", ".xlsx", ".json")

#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = r"^[=+\-@\t\r]"
_NEEDS_QUOTES = r'[",\r\n]'
_PLAIN_NAME = re.compile(r"[\w .-]+")


def check_out(out: str | Path, *, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Refuse a name that cannot be written to; call it before the work begins.

    Parameters
    ----------
    out
        Name of a file; ``-`` is standard output.
    suffixes
        The formats that are possible.

    Raises
    ------
    OptionError
        The suffix names no format, the folder is missing, or the name is that of a folder.
    """
    path = Path(out)
    can_print = ".csv" in suffixes
    if str(out) == "-" and can_print:
        return
    if path.suffix.lower() not in suffixes:
        raise OptionError(
            f"{path.suffix!r} names no format"
            if path.suffix
            else "the name has no suffix that names a format",
            where=str(out),
            hint=f"end the name in {', '.join(suffixes)}" + (", or give - to print CSV" if can_print else ""),
        )
    if path.is_dir():
        raise OptionError(
            "the name is that of a folder", where=str(out), hint="give the name of a file in it"
        )
    if not path.parent.is_dir():
        raise OptionError(
            f"there is no folder {path.parent}",
            where=str(out),
            hint="make the folder first, or choose another",
        )


def write_table(table: pa.Table, out: str | Path, *, about: Mapping[str, str]) -> None:
    """Write a table in the format that the name's suffix says.

    The file appears under its name only when it is complete; a file that stood there before stays until
    then. NaN becomes a null.

    Parameters
    ----------
    table
        Any table: findings, flows. Meanings and units are taken from the schema's columns.
    out
        Name ending in ``.csv`` (UTF-8, RFC 4180, empty is null), ``.parquet``, ``.xlsx`` (with the sheets
        about and columns) or ``.json`` (``{"about": …, "rows": […]}``). ``-`` prints CSV.
    about
        What a reader of the file must know. It is in the metadata of Parquet, on a sheet of Excel, in the
        JSON; a CSV has no place for it. Texts in CSV and Excel that a spreadsheet would take for a formula
        get an apostrophe in front.

    Raises
    ------
    OptionError
        The suffix names no format, or the file cannot be written there.
    ContractError
        A number is infinite.
    """
    if str(out) == "-":
        _print_csv(as_printed(_finite(_plain(table))))
        return
    check_out(out)
    path = Path(out)
    table = _finite(_plain(table))
    with replacing(path) as part:
        match path.suffix.lower():
            case ".csv":
                with part.open("wb") as file:
                    _write_csv(as_printed(table), file, eol="\r\n")
            case ".parquet":
                kept = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
                pq.write_table(table.replace_schema_metadata(kept | dict(about)), part, compression="zstd")
            case ".json":
                _write_json(table, part, about)
            case _:
                from entrepot.report.workbook import write_workbook  # noqa: PLC0415  (only Excel pays for it)

                write_workbook(as_printed(table), part, about=about)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a new name in the same folder; what is written there takes the path's place at the end.

    Raises
    ------
    OptionError
        The operating system refuses. Nothing half-written is left behind.
    """
    target = path.resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, target)  # noqa: PTH105  (Path.replace says the same; os names the two files in errors)
    except OSError as fault:
        raise OptionError(
            f"cannot write {path.name}: {fault.strerror or fault}", where=str(path), hint=_hint(fault)
        ) from fault
    finally:
        part.unlink(missing_ok=True)


def _hint(fault: OSError) -> str:
    match fault:
        case PermissionError():
            return "close the file in other programs, or choose a folder that you may write to"
        case _:
            return "free some space or choose another folder; the file that stood there before is untouched"


def _plain(table: pa.Table) -> pa.Table:
    """Return the table with types that all formats know: plain text for every kind of text, no decimals."""
    for at, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            kind = pa.string()
        elif pa.types.is_decimal(kind):
            kind = pa.float64()
        if kind != field.type:
            table = table.set_column(at, field.with_type(kind), table[field.name].cast(kind))
    return table


def _finite(table: pa.Table) -> pa.Table:
    """Return the table with nulls for NaN; refuse infinity, which is no amount."""
    for at, field in enumerate(table.schema):
        if not pa.types.is_floating(field.type):
            continue
        infinite = pc.sum(pc.is_inf(table[field.name])).as_py() or 0
        if infinite:
            raise ContractError(
                f"{infinite:,} values are infinite",
                where=f"column {field.name}",
                hint="this is a fault of entrepot: report it with the command that was run",
            )
        is_nan = pc.is_nan(table[field.name])
        if pc.any(is_nan).as_py():
            values = pc.if_else(is_nan, pa.scalar(None, field.type), table[field.name])
            table = table.set_column(at, field.with_nullable(True), values)
    return table


def as_printed(table: pa.Table) -> pa.Table:
    """Return the table with an apostrophe before texts that a spreadsheet would run as a formula."""
    for at, field in enumerate(table.schema):
        if field.type != pa.string():
            continue
        texts = table[field.name]
        risky = pc.match_substring_regex(texts, _FORMULA)
        if pc.any(risky).as_py():
            marked = pc.if_else(risky, pc.binary_join_element_wise("'", texts, ""), texts)
            table = table.set_column(at, field, marked)
    return table


def _write_csv(table: pa.Table, file: Any, *, eol: str) -> None:
    texts = [table[field.name] for field in table.schema if field.type == pa.string()]
    # Arrow quotes every text or none; only an empty text and the format's own characters need quotes.
    quotes = any(
        pc.any(pc.or_(pc.match_substring_regex(text, _NEEDS_QUOTES), pc.equal(text, ""))).as_py()
        for text in texts
    )
    is_plain = all(_PLAIN_NAME.fullmatch(name) for name in table.column_names)
    options = arrow_csv.WriteOptions(
        quoting_style="needed" if quotes else "none", quoting_header="none" if is_plain else "needed", eol=eol
    )
    arrow_csv.write_csv(table, file, options)


def _print_csv(table: pa.Table) -> None:
    """Print to standard output; a reader that has had enough (``| head``) is no error."""
    binary: IO[bytes] | None = getattr(sys.stdout, "buffer", None)
    try:
        if binary is None:
            sink = pa.BufferOutputStream()
            _write_csv(table, sink, eol="\n")
            sys.stdout.write(sink.getvalue().to_pybytes().decode())
        else:
            _write_csv(table, binary, eol="\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end: let that go nowhere, as its documentation advises.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_json(table: pa.Table, path: Path, about: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"about": ')
        json.dump(dict(about), file, ensure_ascii=False, indent=1)
        file.write(',\n"rows": [')
        separator = "\n"
        for batch in table.to_batches(max_chunksize=50_000):
            for row in batch.to_pylist():
                file.write(separator)
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False, default=_iso))
                separator = ",\n"
        file.write("\n]}\n")


def _iso(value: Any) -> str:
    """Return dates and times as ISO 8601 text."""
    return str(value.isoformat())
