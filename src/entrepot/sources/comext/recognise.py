"""Which of Eurostat's layouts a file has, told from its header."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from entrepot.errors import EmptyFileError, HeaderError, InputFileError
from entrepot.schema.layouts import COMEXT_FULL_V1, COMEXT_FULL_V2, COMEXT_NC, COMEXT_SDMX
from entrepot.sources.base import Layout
from entrepot.sources.named_columns import find_columns
from entrepot.sources.text_files import read_text_head, sniff_delimiter, split_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from entrepot.sources.text_files import TextHead

__all__ = ["match_columns", "recognise"]

_LAYOUTS: Final = {
    "full_v2": COMEXT_FULL_V2, "full_v1": COMEXT_FULL_V1, "nc": COMEXT_NC, "sdmx": COMEXT_SDMX,
}  # fmt: skip

#: What a row must say, and the columns of which one is enough to say it.
_REQUIRED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "full_v2": {
        "the reporter": ("REPORTER",), "the partner": ("PARTNER",), "the product": ("PRODUCT_NC",),
        "the flow": ("FLOW",), "the period": ("PERIOD",), "the value": ("VALUE_EUR",),
        "the kind of trade": ("TRADE_TYPE",), "the procedure": ("STAT_PROCEDURE",),
    },
    "full_v1": {
        "the reporter": ("DECLARANT_ISO", "DECLARANT"), "the partner": ("PARTNER_ISO", "PARTNER"),
        "the product": ("PRODUCT_NC",), "the flow": ("FLOW",), "the period": ("PERIOD",),
        "the value": ("VALUE_IN_EUROS",), "the procedure": ("STAT_REGIME",),
    },
    "nc": {
        "the reporter": ("DECLARANT",), "the partner": ("PARTNER",), "the product": ("PRODUCT_NC",),
        "the flow": ("FLOW",), "the period": ("PERIOD",), "the value": ("VALUE_1000ECU",),
        "the procedure": ("STAT_REGIME",),
    },
    "sdmx": {
        "the frequency": ("freq",), "the reporter": ("reporter",), "the partner": ("partner",),
        "the product": ("product",), "the flow": ("flow",), "the indicator": ("indicators",),
        "the period": ("TIME_PERIOD",), "the value": ("OBS_VALUE",),
    },
}  # fmt: skip

#: Columns that tell the generations apart.
_MARKS: Final = {
    "full_v2": {"reporter", "trade_type", "product_nc", "stat_procedure", "value_eur", "quantity_kg"},
    "full_v1": {"declarant", "declarant_iso", "partner_iso", "value_in_euros", "quantity_in_kg"},
    "nc": {"declarant", "value_1000ecu", "quantity_ton"},
    "sdmx": {"obs_value", "indicators", "time_period", "freq"},
}  # fmt: skip
_FEWEST_MARKS: Final = 2


def recognise(path: Path) -> Layout:
    """Return the layout of a file; see :class:`~entrepot.sources.base.Source`."""
    head = read_text_head(path)
    where = str(path)
    delimiter = sniff_delimiter([line for line in head.lines if line.strip()][:1])
    names = [name.strip() for name in split_line(head.lines[0], delimiter)]
    _refuse_others(head, names, where)
    kind = _kind(names, where)
    columns = tuple(names)
    found = match_columns(kind, columns, where=where)
    if not any(line.strip() for line in head.lines[1:]):
        raise EmptyFileError("the file has a header and no row", where=where, hint="widen the query")
    extra = _unknown(kind, columns, set(found.values()), where)
    if kind == "sdmx":
        extra |= _last_update(head, delimiter, columns, found)
    return Layout(
        id=kind,
        raw_table=f"raw_comext__{kind}",
        form="csv",
        columns=columns,
        delimiter=delimiter,
        encoding=head.encoding,
        extra=extra,
    )


def _refuse_others(head: TextHead, names: Sequence[str], where: str) -> None:
    """Refuse the publisher's other forms by their names, which says more than missing columns."""
    if head.lines[0].lstrip().startswith(("{", "[")):
        raise InputFileError(
            "the file is JSON (JSON-stat)", where=where, hint="ask the service for format=SDMX-CSV"
        )
    if any("\\time_period" in name.casefold() for name in names):
        raise InputFileError(
            "the file is Eurostat's TSV, with a column a period",
            where=where,
            hint="ask the service for format=SDMX-CSV",
        )
    if {"product", "value_in_eur"} <= {name.casefold() for name in names}:
        raise HeaderError(
            "the file is a view of easy Comext, not a bulk file",
            where=where,
            hint="its mapping ships with the package: entrepot ingest csv:comext_easy FILE",
        )


def _plain(name: str) -> str:
    """Return a name without the label that ``label=both`` puts behind it."""
    return name.partition(":")[0].strip().casefold()


def _kind(names: Sequence[str], where: str) -> str:
    plain = {_plain(name) for name in names}
    kind = max(_MARKS, key=lambda one: len(_MARKS[one] & plain))
    if len(_MARKS[kind] & plain) < _FEWEST_MARKS:
        raise HeaderError(
            f"the first line is no header of a Comext file: {','.join(names)[:80]!r}",
            where=f"{where}, line 1",
            hint="its columns are REPORTER,PARTNER,TRADE_TYPE,… or DECLARANT,… or (SDMX) freq,reporter,…",
        )
    return kind


def match_columns(kind: str, columns: Sequence[str], *, where: str) -> dict[str, str]:
    """Return the file's name of each of the layout's columns that it has.

    Raises
    ------
    HeaderError
        A column is missing or stands twice.
    """
    names = {_plain(name) if kind == "sdmx" else name: name for name in columns}
    if len(names) < len(columns):
        raise HeaderError(
            "a name stands twice in the header", where=where, hint="keep one of the columns of that name"
        )
    found = find_columns(
        list(names), _LAYOUTS[kind], required=_REQUIRED[kind], where=where, publisher="Eurostat Comext"
    )
    return {meaning: names[name] for meaning, name in found.items()}


def _unknown(kind: str, columns: Sequence[str], known: set[str], where: str) -> dict[str, str]:
    """Return the classifications that no layout knows; refuse what may split the figures anew."""
    unknown = [name for name in columns if name not in known]
    strange = [name for name in unknown if kind == "sdmx" or not name.casefold().startswith("product_")]
    if strange:
        raise HeaderError(
            f"the layout {kind} has no column {strange[0]!r}: rows may be split by it",
            where=where,
            hint="ask for the data without it, or take the column out if it is your own note",
        )
    return {"unknown_columns": ", ".join(unknown)} if unknown else {}


def _last_update(
    head: TextHead, delimiter: str, columns: Sequence[str], found: dict[str, str]
) -> dict[str, str]:
    """Return the day of publication where the first row tells it (``15/09/26 11:00:00``)."""
    if "LAST UPDATE" not in found:
        return {}
    row = split_line(next(line for line in head.lines[1:] if line.strip()), delimiter)
    place = columns.index(found["LAST UPDATE"])
    text = row[place].strip()[:8] if place < len(row) else ""
    try:
        day = datetime.strptime(text, "%d/%m/%y").date()  # noqa: DTZ007  a day has no time zone
    except ValueError:
        return {}
    return {"vintage": day.isoformat()}
