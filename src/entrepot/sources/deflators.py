"""Price indices that the user states, for values at constant prices. None is ever guessed."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from entrepot.errors import EncodingError, HeaderError, InputFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFLATOR_KEYS", "read_deflator"]

#: What an index may be told apart by, besides the period.
DEFLATOR_KEYS: Final = ("exporter", "importer", "hs_code")

_PERIOD = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
_CODE = re.compile(r"\d{2}|\d{4}|\d{6}")
_HINT: Final = (
    "its header is period,index, with exporter, importer or hs_code beside them where prices differ"
)


def read_deflator(path: str | Path) -> pa.Table:
    """Return a price index from a CSV file with the columns ``period, index``.

    Use it for constant prices: national accounts, unit-value indices and import price indices are published
    by statistical offices, and which one fits is the user's to say.

    Parameters
    ----------
    path
        UTF-8, comma-separated, with a header. ``period`` is ``2022`` or ``2022-03``, of the frequency that is
        measured; ``index`` a number above zero on any base. ``exporter``, ``importer`` (ISO 3166 alpha-3) and
        ``hs_code`` (of one length: 2, 4 or 6 digits) tell indices apart, where they stand.

    Returns
    -------
    pyarrow.Table
        **Grain**: period × the keys that there are. ``period``, the keys, ``index``.

    *Missing data*: a period without a row has no index; what is divided by it is null.

    Raises
    ------
    EncodingError
        The file is not UTF-8.
    HeaderError
        A column is missing or unknown.
    InputFileError
        A row is no index, or stands twice.
    """
    where = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"the price index is not UTF-8: {error}", where=where, hint="save it as CSV in UTF-8"
        ) from error
    except OSError as error:
        raise InputFileError(
            f"the price index cannot be read: {error.strerror}", where=where, hint="correct the path"
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    names = reader.fieldnames or []
    strange = [name for name in names if name not in {"period", "index", *DEFLATOR_KEYS}]
    if strange or not {"period", "index"} <= set(names):
        raise HeaderError(f"the columns are {', '.join(names) or 'none'}", where=where, hint=_HINT)
    keys = [name for name in DEFLATOR_KEYS if name in names]
    found: dict[tuple[str, ...], float] = {}
    for fields in reader:
        key, index = _row(fields, keys, where=f"{where}, line {reader.line_num}")
        if key in found:
            raise InputFileError(
                f"{' '.join(key)} stands twice", where=f"{where}, line {reader.line_num}", hint="keep one"
            )
        found[key] = index
    lengths = {len(key[-1]) for key in found} if "hs_code" in keys else {0}
    if not found or len(lengths) > 1:
        raise InputFileError(
            "there is no row" if not found else "codes are of several lengths",
            where=where,
            hint="give a row a period, and codes of one length: 2, 4 or 6 digits",
        )
    columns = dict(zip(("period", *keys), (list(one) for one in zip(*found, strict=True)), strict=True))
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in columns.items()}
        | {"index": pa.array(list(found.values()), pa.float64())}
    )


def _row(fields: Mapping[str, str | None], keys: list[str], *, where: str) -> tuple[tuple[str, ...], float]:
    said = [(fields[name] or "").strip() for name in ("period", *keys)]
    text = (fields["index"] or "").strip()
    try:
        index = float(text)
    except ValueError:
        index = math.nan
    code = said[-1] if "hs_code" in keys else "00"
    if (
        not _PERIOD.fullmatch(said[0])
        or not _CODE.fullmatch(code)
        or not all(said)
        or not 0 < index < math.inf
    ):
        raise InputFileError(
            f"no price index: {', '.join([*said, text])}",
            where=where,
            hint="write as in 2022-03,104.2: a month or year, codes where there are columns for them, "
            "and a number above zero",
        )
    return tuple(said), index
