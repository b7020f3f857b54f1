"""Files to take in: which ones a command means, as of when they were published, and as DuckDB reads them."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.engine import TextForm, stage_text
from entrepot.engine.archives import is_archive
from entrepot.engine.container import has_mixed_line_ends, unify_line_ends, unpack_json, unpack_text
from entrepot.engine.dbf import unpack_dbf
from entrepot.errors import EmptyFileError, InputFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrepot.engine import Engine, Staged
    from entrepot.engine.container import Fingerprint
    from entrepot.sources.base import Layout

__all__ = ["Readable", "file_paths", "make_readable", "stage", "vintage_of"]

_RELEASE = re.compile(r"\[(\d{4}-\d{2}-\d{2})\]")
#: The publisher's date for "never released anew".
_NO_RELEASE = date(1900, 1, 1)


def file_paths(paths: Iterable[str | Path]) -> tuple[Path, ...]:
    """Return the files that are meant by paths, folders and patterns, each once, in order.

    A folder stands for the files in it and below, hidden ones left out. A path that does not exist is
    kept, so that its own error names it.

    Raises
    ------
    EmptyFileError
        A folder holds no files, or a pattern fits none.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given).expanduser()
        if path.is_dir():
            inside = [
                one
                for one in sorted(path.rglob("*"))
                if one.is_file() and not any(part.startswith(".") for part in one.relative_to(path).parts)
            ]
            if not inside:
                raise EmptyFileError("the folder holds no files", where=str(path), hint="check the path")
        elif path.exists():
            inside = [path]
        else:
            matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  absolute patterns too
            if not matches and glob.has_magic(str(path)):
                raise EmptyFileError(
                    "no file matches the pattern", where=str(path), hint="check the folder and the ending"
                )
            inside = [Path(one) for one in matches] or [path]
        found |= dict.fromkeys(inside)
    return tuple(found)


def vintage_of(path: Path, layout: Layout) -> tuple[date, str]:
    """Return the publication date of a file and from where it is known.

    The release date in the name (``[2023-01-03]``) counts first, then what the layout says, then the day
    of the file's last change.
    """
    for text in _RELEASE.findall(path.name):
        try:
            released = date.fromisoformat(text)
        except ValueError:
            continue
        if released != _NO_RELEASE:
            return released, "file name"
    if "vintage" in layout.extra:
        return date.fromisoformat(layout.extra["vintage"]), "mapping"
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date(), "date of the file"


@dataclass(frozen=True, slots=True)
class Readable:
    """A file in the form that the engine reads.

    Attributes
    ----------
    path
        The file itself, or its unpacked copy in a temporary folder.
    form
        How its rows are split.
    notes
        What was done to it.
    """

    path: Path
    form: TextForm
    notes: tuple[str, ...]


def make_readable(path: Path, layout: Layout, known: Fingerprint, scratch: Path) -> Readable:
    """Return a file as plain UTF-8 text, one object a line if JSON; itself when it is so already.

    Parameters
    ----------
    path, layout, known
        The file, how it is laid out, and what its bytes say.
    scratch
        Folder for an unpacked copy.
    """
    form = TextForm(
        form="csv" if layout.form == "dbf" else layout.form,
        columns=layout.columns,
        delimiter=layout.delimiter,
        quote=layout.quote,
        has_trailing_delimiter=layout.has_trailing_delimiter,
        skip_lines=layout.skip_lines,
        null_text=layout.extra.get("null_text", ""),
    )
    packed = is_archive(path)
    notes = ("unpacked",) if packed else ()
    if layout.form == "parquet":
        if packed:
            raise InputFileError(
                "a Parquet file inside an archive",
                where=str(path),
                hint="unpack it: Parquet is compressed already",
            )
        return Readable(path, form, ())
    if layout.form == "json":
        is_table = layout.extra.get("json_rows") == "arrays"
        if is_table and known.is_utf8 and not packed:
            return Readable(path, replace(form, form="arrays"), ())
        unpack_json(path, scratch / "rows.json", names=layout.columns if is_table else ())
        return Readable(scratch / "rows.json", form, notes)
    if layout.form == "dbf":
        if deleted := unpack_dbf(path, scratch / "rows.csv", encoding=layout.encoding):
            notes = (*notes, f"{deleted:,} records are marked as deleted and were left out")
        return Readable(scratch / "rows.csv", form, notes)
    encoding = layout.encoding.lower().replace("_", "-")
    if not packed and known.is_utf8 and encoding in {"utf-8", "utf-8-sig", "ascii"}:
        return Readable(path, form, ())
    used = unpack_text(
        path,
        scratch / "rows.csv",
        encoding="utf-8" if known.is_utf8 and not packed and encoding != "utf-16" else encoding,
        fallback=layout.extra.get("fallback_encoding", ""),
        members=layout.extra.get("members", ""),
        header_lines=layout.skip_lines,
    )
    if used not in {"utf-8", "utf-8-sig"}:
        notes = (*notes, f"read as {used}")
    return Readable(scratch / "rows.csv", form, notes)


def stage(
    engine: Engine, readable: Readable, target: Path, *, constants: dict[str, str], path: Path, scratch: Path
) -> tuple[Staged, tuple[str, ...]]:
    """Stage a file, and once more if mixed line ends, or JSON that DuckDB does not take, keep it from that.

    Returns
    -------
    tuple
        The staged rows, and the notes on what was done to the file.
    """
    try:
        staged = stage_text(
            engine, readable.path, target, readable.form, constants=constants, where=str(path)
        )
        if not staged.unreadable.num_rows or not has_mixed_line_ends(readable.path):
            return staged, readable.notes
    except InputFileError:
        if readable.form.form == "arrays":
            return _stage_rows_of_arrays(
                engine, readable, target, constants=constants, path=path, scratch=scratch
            )
        if readable.form.form != "csv" or not has_mixed_line_ends(readable.path):
            raise
    unify_line_ends(readable.path, scratch / "lines.csv")
    again = replace(readable, path=scratch / "lines.csv")
    staged = stage_text(engine, again.path, target, again.form, constants=constants, where=str(path))
    return staged, (*readable.notes, "line ends were mixed: read as line feeds")


def _stage_rows_of_arrays(
    engine: Engine, readable: Readable, target: Path, *, constants: dict[str, str], path: Path, scratch: Path
) -> tuple[Staged, tuple[str, ...]]:
    """Stage a list of lists row by row: the slow way, which says in which row it breaks."""
    unpack_json(readable.path, scratch / "rows.json", names=readable.form.columns)
    form = replace(readable.form, form="json")
    staged = stage_text(engine, scratch / "rows.json", target, form, constants=constants, where=str(path))
    return staged, readable.notes
