"""Taking files into a lake: read, judge every row, and commit the file whole or not at all."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from entrepot.errors import EntrepotError
from entrepot.pipeline.addressed import LocalCopies, given_files
from entrepot.pipeline.intake_report import FileReport, IngestOptions, IngestReport, Step, not_taken
from entrepot.pipeline.one_file import already_in, look_at, prepare
from entrepot.pipeline.wave import take_in_waves
from entrepot.store import Staging, lake_to_fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from entrepot.sources.base import Source
    from entrepot.store import Lake
    from entrepot.store.object_store import StoredFile

__all__ = ["ingest"]


def ingest(
    source: Source,
    paths: Iterable[str | Path],
    *,
    lake: str | Path,
    options: IngestOptions | None = None,
    progress: Callable[[Step], None] | None = None,
) -> IngestReport:
    """Take files into a lake.

    Each file is taken in whole or not at all; one that fails does not stop the others. A file that is in
    already is left alone. Rows that cannot be used go to quarantine with their reasons; a file of which
    more than half would go there is refused.

    Parameters
    ----------
    source
        Reads the files.
    paths
        Files, folders and patterns; also addresses of an object store (``s3://…``), of which each file is
        copied into the lake's folder while it is read.
    lake
        Folder of the lake; made if there is none, and not left behind if no file gets in.
    options
        How files are taken in.
    progress
        Is told what is being done; on Spark only that a file is in.

    Returns
    -------
    IngestReport
        One entry a file. Failures are entries, not exceptions.

    Raises
    ------
    LakeError
        The lake cannot be made or opened.
    EmptyFileError
        A folder or address holds no files.
    InputFileError
        An object store does not answer.
    OptionError
        An address cannot be opened, or Spark is asked for and cannot be started.
    """
    chosen = options or IngestOptions()
    files = given_files(paths)
    tell = progress or _silent
    with lake_to_fill(lake) as target, LocalCopies(target) as copies:
        take = partial(_take_in, source, lake=target, options=chosen, tell=tell)
        if chosen.engine == "spark":
            # Executors read side by side: all copies are there first.
            local = [copies.local(file) for file in files]
            here = [path for path in local if not isinstance(path, FileReport)]
            done = iter(take_in_waves(source, here, target, chosen, tell, alone=take))
            reports = tuple(one if isinstance(one, FileReport) else copies.named(next(done)) for one in local)
            return IngestReport(reports)
        return IngestReport(tuple(_take_copy(file, copies, take) for file in files))


def _take_copy(
    file: Path | StoredFile, copies: LocalCopies, take: Callable[[Path], FileReport]
) -> FileReport:
    """Take one file in, of a store by way of a copy that is gone afterwards."""
    path = copies.local(file)
    if isinstance(path, FileReport):
        return path
    try:
        return copies.named(take(path))
    finally:
        copies.drop(path)


def _silent(_: Step) -> None:
    """Tell nobody."""


def _take_in(
    source: Source, path: Path, *, lake: Lake, options: IngestOptions, tell: Callable[[Step], None]
) -> FileReport:
    """Take one file in, in this process."""
    start = time.monotonic()
    try:
        known = look_at(source, path, tell)
        with Staging(lake, source.id, known.bytes.file_hash, known.layout.raw_table) as staging:
            if staging.is_done():
                return already_in(lake, source, known)
            prepared = prepare(source, known, staging.workspace, options, tell)
            tell(Step(path, "committing", rows=prepared.report.rows_read))
            staging.commit(prepared.rows, raw_schema=prepared.raw_schema)
            return prepared.report
    except EntrepotError as error:
        return not_taken(path, error, time.monotonic() - start)
