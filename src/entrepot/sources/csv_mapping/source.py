"""The source ``csv:MAPPING.toml``: any table whose columns the user has described."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.container import read_head
from entrepot.errors import EmptyFileError, InputFileError, MappingError
from entrepot.nomenclature import area_table
from entrepot.sources.base import UNSTATED, Layout, Stated
from entrepot.sources.csv_mapping.cells import wide_cells
from entrepot.sources.csv_mapping.headers import check_columns, staged_names
from entrepot.sources.csv_mapping.labels import area_spellings
from entrepot.sources.csv_mapping.mapping import TableMapping, read_mapping
from entrepot.sources.csv_mapping.sections import MappedField
from entrepot.sources.csv_mapping.statement import AREAS_TABLE, RATES_TABLE, canonical_query
from entrepot.sources.csv_mapping.words import currency_code
from entrepot.sources.rates import RATE_SCHEMA, ecb_rates, own_rates
from entrepot.sources.text_files import read_text_head, sniff_delimiter, split_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["MappedTable"]

_SNIFFED_LINES = 20


@dataclass(frozen=True, slots=True)
class MappedTable:
    """The source of one mapping.

    Attributes
    ----------
    mapping
        What the columns mean.
    folder
        Folder of the mapping; a file of rates is looked for there.
    stated
        What the user states for all rows; it is among the mapping's constants.
    """

    mapping: TableMapping
    folder: Path
    stated: Stated = UNSTATED

    @classmethod
    def from_toml(cls, path: Path, stated: Stated | None = None) -> MappedTable:
        """Return the source that a mapping describes.

        Parameters
        ----------
        path
            The mapping.
        stated
            What the user states for all rows, where the mapping does not say it.

        Raises
        ------
        MappingError
            The mapping is not valid, or names areas that nobody knows.
        """
        mapping = read_mapping(path, stated)
        known = set(area_table()["code"].to_pylist())
        for label, choice in mapping.areas.names.items():
            if choice.area not in known:
                near = difflib.get_close_matches(choice.area, sorted(known), n=3, cutoff=0.3)
                raise MappingError(
                    f"areas.names: {label!r} is given the code {choice.area!r}, which no area has",
                    where=str(path),
                    hint=f"codes are ISO 3166 alpha-3 or ours; near ones are {', '.join(near) or 'none'}",
                )
        return cls(mapping, path.parent, stated or UNSTATED)

    @property
    def id(self) -> str:
        """Return ``csv:`` and the mapping's id."""
        return f"csv:{self.mapping.id}"

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file, reading no more than its head.

        ``extra`` holds what the file's name tells, by field, and ``vintage`` and ``row_limits`` where the
        mapping states them.

        Raises
        ------
        HeaderError
            A mapped column is missing or stands twice, or no column fits the wide pattern.
        EmptyFileError
            There is no data row.
        InputFileError
            The file is no table, or its name does not fit the mapping.
        """
        layout = self._parquet_layout(path) if self._is_parquet(path) else self._text_layout(path)
        wanted = [*self.mapping.columns.values(), *self.mapping.rows.keep, *self.mapping.rows.leave_out]
        check_columns(wanted, layout.columns, where=path.name)
        wide_cells(self.mapping, layout.columns, where=path.name)
        layout.extra.update(self._told_by_name(path))
        layout.extra.update(self.stated.notes())
        if self.mapping.constants.get(MappedField.HS_REVISION) == "by_year":
            layout.extra["hs_revision"] = "by_year"
        if self.mapping.file.row_limits:
            layout.extra["row_limits"] = ",".join(map(str, self.mapping.file.row_limits))
        return layout

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw`` (see ``Source``).

        Rows that the mapping leaves out or adds up (``[rows]``) and empty cells of a wide table are not among
        its rows; ``cell`` is then not null.
        """
        return canonical_query(self.mapping, layout, raw)

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the known spellings of areas and the exchange rates."""
        return {AREAS_TABLE: area_spellings(self.mapping.areas), RATES_TABLE: self._rates()}

    def _is_parquet(self, path: Path) -> bool:
        if self.mapping.file.format != "auto":
            return self.mapping.file.format == "parquet"
        return read_head(path, 4) == b"PAR1"

    def _parquet_layout(self, path: Path) -> Layout:
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputFileError(
                f"the file is not Parquet, or cut short: {error}",
                where=path.name,
                hint="write or download it again",
            ) from error
        with file:
            if file.metadata.num_rows == 0:
                raise EmptyFileError("the file has no rows", where=path.name, hint="leave it out")
            names = file.schema_arrow.names
        # Columns of Parquet are read by their own names: what would need another one is left in the file.
        columns = tuple(
            name for name, staged in zip(names, staged_names(names), strict=True) if name == staged
        )
        name = self.stated.layout_id("parquet")
        return Layout(name, self._raw_table(), "parquet", columns, skip_lines=0)

    def _text_layout(self, path: Path) -> Layout:
        options = self.mapping.file
        head = read_text_head(path, encoding="" if options.encoding == "auto" else options.encoding)
        lines = head.lines[options.skip_lines :]
        if not any(line.strip() for line in lines):
            raise EmptyFileError(
                f"nothing follows the {options.skip_lines} skipped lines",
                where=path.name,
                hint="check skip_lines",
            )
        delimiter = "\t" if options.format == "tsv" else options.delimiter
        if delimiter == "auto":
            delimiter = sniff_delimiter(
                [line for line in lines if line.strip()][:_SNIFFED_LINES], quote=options.quote
            )
        header_lines, names = self._header(lines, delimiter)
        data = [line for line in lines[header_lines:] if line.strip()]
        if not data:
            raise EmptyFileError("the file has a header and no row", where=path.name, hint="leave it out")
        width = len(split_line(data[0], delimiter, quote=options.quote))
        is_trailing = data[0].rstrip().endswith(delimiter) and width == len(names) + 1
        if names and not names[-1] and data[0].rstrip().endswith(delimiter):
            names, is_trailing = names[:-1], True
        return Layout(
            self.stated.layout_id("wide" if self.mapping.wide else "long"),
            self._raw_table(),
            "csv",
            staged_names(names),
            delimiter=delimiter,
            quote=options.quote,
            encoding=head.encoding,
            has_trailing_delimiter=is_trailing,
            skip_lines=options.skip_lines + header_lines,
        )

    def _header(self, lines: Sequence[str], delimiter: str) -> tuple[int, list[str]]:
        """Return how many lines the header takes, and the names."""
        options = self.mapping.file
        first = next(number for number, line in enumerate(lines) if line.strip())
        fields = split_line(lines[first], delimiter, quote=options.quote)
        if options.header is True:
            return first + 1, [name.strip().removeprefix("\ufeff") for name in fields]
        if options.header is False:
            return 0, [f"column_{number}" for number in range(1, len(fields) + 1)]
        return 0, list(options.header)

    def _raw_table(self) -> str:
        return f"raw_csv__{self.mapping.id}"

    def _told_by_name(self, path: Path) -> dict[str, str]:
        told: dict[str, str] = {}
        if self.mapping.file_name:
            found = re.search(self.mapping.file_name.pattern, path.name)
            if found is None:
                raise InputFileError(
                    f"the file's name does not fit [file_name] pattern {self.mapping.file_name.pattern!r}",
                    where=str(path),
                    hint="rename the file, or correct the pattern",
                )
            told = {name: text for name, text in found.groupdict().items() if text is not None}
        vintage = told.get("vintage") or self.mapping.constants.get("vintage")  # type: ignore[call-overload]
        if vintage:
            told["vintage"] = _iso_date(vintage, where=path.name)
        return told

    def _rates(self) -> pa.Table:
        """Return the rates: the mapping's own first, then its file's, then the ECB's; dollars need none."""
        options = self.mapping.rates
        if not options.file and not options.per_usd:
            is_dollars = currency_code(self.mapping.only_text(MappedField.CURRENCY)) == "USD"
            return RATE_SCHEMA.empty_table() if is_dollars else ecb_rates()
        found = {(row["currency"], row["period"]): row["per_usd"] for row in ecb_rates().to_pylist()}
        given = own_rates(self.folder / options.file).to_pylist() if options.file else []
        given += [{"currency": name, "period": "", "per_usd": rate} for name, rate in options.per_usd.items()]
        for row in sorted(given, key=lambda row: row["period"] != ""):
            periods = [row["period"]] if row["period"] else _EVERY_PERIOD
            found.update({(row["currency"], period): row["per_usd"] for period in periods})
        columns = zip(*((currency, period, rate) for (currency, period), rate in found.items()), strict=True)
        return pa.Table.from_arrays([pa.array(column) for column in columns], schema=RATE_SCHEMA)


_EVERY_PERIOD = [
    period
    for year in range(1900, 2101)
    for period in (f"{year}", *(f"{year}-{month:02d}" for month in range(1, 13)))
]


def _iso_date(text: str, *, where: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InputFileError(
            f"the vintage {text!r} is not a date", where=where, hint="write it as 2024-03-31"
        ) from error
