"""CEPII BACI as a source.

BACI is no report: CEPII makes one figure of the exporter's and the importer's, on FOB. A row enters the
lake once, as an export of the exporter whose ``partner_concept`` is ``reconciled``; nothing takes it for a
book of either side.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine.quoting import literal
from entrepot.engine.staging import texts_of
from entrepot.errors import EmptyFileError, HeaderError, InputFileError, NoFlowsError, UnknownCodeError
from entrepot.nomenclature import area_code_table, revision_of
from entrepot.nomenclature.hs import hs_chapters
from entrepot.schema import QuarantineReason
from entrepot.schema.layouts import BACI, BACI_FIRST
from entrepot.sources.base import Layout
from entrepot.sources.expressions import figure_sql, text_sql, word_sql, words_of
from entrepot.sources.judging import ABSURD, Judgement, detail_sql, is_no_number, reason_sql
from entrepot.sources.named_columns import find_columns
from entrepot.sources.text_files import read_text_head, sniff_delimiter, split_line

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BaciSource"]

#: Members of the publisher's archive that hold flows; the others are lists of codes and a readme.
_MEMBERS: Final = r"(?i)^baci_.*\.csv$"
#: The others, as they lie beside the flows once the archive is unpacked.
_BESIDE: Final = re.compile(r"(?i)(country|product)_codes_.*\.csv|readme.*\.(txt|pdf|md)")
_REVISION: Final = re.compile(r"(?i)baci_?(?:hs)?(\d{2})(?!\d)")
_RELEASE: Final = re.compile(r"(?i)_v(\d{4})(\d{2})([a-z]?)(?![a-z0-9])")
_YEAR: Final = re.compile(r"(?i)_y(\d{4})(?!\d)")

_REQUIRED: Final = {
    "the year": ("t",), "the exporter": ("i",), "the importer": ("j",), "the product": ("k", "hs6"),
    "the value": ("v",), "the quantity": ("q",),
}  # fmt: skip


_YEARS: Final = words_of("baci_year", {"period": "period"})
_AREAS: Final = words_of("baci_area", {"code": "reporter"})


class BaciSource:
    """Reader of BACI's yearly files, and of the archive that holds those of all years."""

    @property
    def id(self) -> str:
        """Return ``baci``."""
        return "baci"

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file; revision, year and release are in its name."""
        where = str(path)
        if _BESIDE.fullmatch(path.name):
            raise NoFlowsError(
                "a list of codes or a readme, no flows", where=where, hint="give the files BACI_HS…_Y….csv"
            )
        extra = _told_by_name(path)
        head = read_text_head(path, members=_MEMBERS)
        lines = [line for line in head.lines if line.strip()]
        delimiter = sniff_delimiter(lines[:1])
        columns = tuple(name.strip() for name in split_line(lines[0], delimiter))
        known = {*BACI, *BACI_FIRST}
        found = find_columns(columns, known, required=_REQUIRED, where=where, publisher="CEPII BACI")
        strange = [name for name in columns if name not in found.values()]
        if strange or len({"k", "hs6"} & set(found)) > 1:
            raise HeaderError(
                f"a BACI file has no column {strange[0] if strange else 'hs6 beside k'!r}",
                where=where,
                hint=f"its columns are {','.join(BACI)}: take out what is your own",
            )
        if len(lines) == 1:
            raise EmptyFileError("the file has a header and no row", where=where, hint="download it again")
        return Layout(
            id="first" if "hs6" in found else "baci",
            raw_table="raw_baci__first" if "hs6" in found else "raw_baci__baci",
            form="csv",
            columns=columns,
            delimiter=delimiter,
            encoding=head.encoding,
            extra=extra,
        )

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw``."""
        names = find_columns(
            layout.columns, {*BACI, *BACI_FIRST}, required=_REQUIRED, where=layout.id, publisher="CEPII BACI"
        )
        text = {meaning: text_sql(name) for meaning, name in names.items()}
        product = f"upper({text.get('k') or text['hs6']})"
        products = texts_of(raw, names.get("k") or names["hs6"])
        judgements = _judgements(layout.extra.get("year", ""))
        return f"""
        WITH published AS (
            SELECT row_number, {text["t"]} AS year_text, {text["i"]} AS exporter_text,
                {text["j"]} AS importer_text, {product} AS product_text,
                {figure_sql(names["v"])} AS value_text, {figure_sql(names["q"], none="NA")} AS tonnes_text
            FROM {raw} AS raw
        ),
        goods AS MATERIALIZED (
            SELECT text, regexp_full_match(text, '[0-9]{{5}}') AS is_short,
                text = '9999AA' OR (chapter IS NOT NULL AND regexp_full_match(text, '[0-9]{{6}}')) AS is_code
            FROM (SELECT DISTINCT {product} AS text FROM {products} AS raw)
            LEFT JOIN baci_chapter ON chapter = left(text, 2)
        ),
        joined AS (
            SELECT published.*, TRY_CAST(value_text AS DOUBLE) * 1000 AS usd,
                TRY_CAST(tonnes_text AS DOUBLE) * 1000 AS net_weight,
                exporters.code AS exporter, importers.code AS importer,
                coalesce(exporters.is_aggregate, FALSE)
                    OR coalesce(importers.is_aggregate, FALSE) AS is_aggregate,
                years.year, years.period, goods.is_code, goods.is_short
            FROM published
            LEFT JOIN {_YEARS} AS years ON years.text = year_text
            LEFT JOIN {_AREAS} AS exporters ON exporters.text = exporter_text
                AND years.day BETWEEN exporters.first_day AND exporters.last_day
            LEFT JOIN {_AREAS} AS importers ON importers.text = importer_text
                AND years.day BETWEEN importers.first_day AND importers.last_day
            LEFT JOIN goods ON goods.text = product_text
        ),
        judged AS (SELECT *, {reason_sql(judgements)} AS reason FROM joined)
        SELECT row_number, NULL::VARCHAR AS cell,
            CASE WHEN is_aggregate THEN {word_sql("role", "aggregate")}
                 ELSE {word_sql("role", "leaf")} END AS role,
            exporter AS reporter, importer AS partner, 'reconciled' AS partner_concept,
            NULL::VARCHAR AS consignment_partner, 'export' AS flow, 'A' AS frequency,
            period, year,
            product_text AS hs_code, 6::INTEGER AS hs_level,
            {literal(layout.extra["hs_revision"])} AS hs_revision, NULL::VARCHAR AS national_code,
            usd AS primary_value_usd, 'fob' AS valuation, NULL::DOUBLE AS reported_value,
            NULL::VARCHAR AS reported_currency, nullif(net_weight, 0) AS net_weight_kg,
            NULL::BOOLEAN AS is_net_weight_estimated, NULL::DOUBLE AS quantity,
            NULL::VARCHAR AS quantity_unit, NULL::BOOLEAN AS is_quantity_estimated, reason,
            CASE WHEN reason IS NOT NULL THEN {detail_sql(judgements)} END AS detail
        FROM judged
        """

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the tables of years, areas and chapters."""
        years = range(1989, 2101)
        return {
            "baci_year": pa.table(
                {
                    "text": [str(year) for year in years],
                    "period": [str(year) for year in years],
                    "year": pa.array(years, pa.int32()),
                    "day": pa.array([date(year, 1, 1) for year in years], pa.date32()),
                }
            ),
            "baci_area": _areas(),
            "baci_chapter": pa.table({"chapter": list(hs_chapters())}),
        }


def _told_by_name(path: Path) -> dict[str, str]:
    """Return what only the file's name says: the revision; the year and the release where they stand."""
    hint = "keep the publisher's name, such as BACI_HS17_Y2022_V202501.csv: the rows do not say the revision"
    found = _REVISION.search(path.name)
    if found is None:
        raise InputFileError("the file's name does not say the code revision", where=str(path), hint=hint)
    try:
        told = {"hs_revision": revision_of(f"HS{found[1]}"), "members": _MEMBERS}
    except UnknownCodeError as error:
        raise InputFileError(
            f"the file's name says HS{found[1]}, which is no code revision", where=str(path), hint=hint
        ) from error
    if year := _YEAR.search(path.name):
        told["year"] = year[1]
    release = _RELEASE.search(path.name)
    if release and 1 <= int(release[2]) <= 12 and int(release[1]) > 1988:
        # Only the month is known. Its last day, so that a question "as of" an earlier day never sees it; a
        # release mended in the same month (V202401b) comes after the first.
        month = int(release[1]), int(release[2])
        day = date(*month, calendar.monthrange(*month)[1])
        mended = "abcdefghijklmnopqrstuvwxyz".find(release[3].lower()) if release[3] else 0
        told["vintage"] = (day + timedelta(days=mended)).isoformat()
    return told


def _areas() -> pa.Table:
    """Return the meaning of Comtrade's numbers, which BACI uses, by day; for each day at most one."""
    table = area_code_table()
    rows = table.filter(pc.equal(table["scheme"], "m49")).to_pylist()
    return pa.table(
        {
            "text": [row["foreign_code"] for row in rows],
            "first_day": pa.array([row["valid_from"] or date(1, 1, 1) for row in rows], pa.date32()),
            "last_day": pa.array([row["valid_to"] or date(9999, 12, 31) for row in rows], pa.date32()),
            "code": [row["code"] for row in rows],
            "is_aggregate": [row["is_aggregate"] for row in rows],
        }
    )


def _judgements(year: str) -> tuple[Judgement, ...]:
    reasons = QuarantineReason
    other_year = (
        (
            Judgement(
                reasons.BAD_PERIOD, f"year_text <> {literal(year)}", "t", "year_text", f"the file is {year}'s"
            ),
        )
        if year
        else ()
    )
    return (
        Judgement(reasons.BAD_PERIOD, "year IS NULL", "t", "year_text"),
        *other_year,
        Judgement(reasons.UNKNOWN_AREA, "exporter IS NULL", "i", "exporter_text"),
        Judgement(reasons.UNKNOWN_AREA, "importer IS NULL", "j", "importer_text"),
        Judgement(
            reasons.UNKNOWN_HS_CODE,
            "is_short",
            "k",
            "product_text",
            "its leading zero is lost, as in a spreadsheet: take the file as it was published",
        ),
        Judgement(
            reasons.UNKNOWN_HS_CODE,
            "is_code IS NOT TRUE",
            "k",
            "product_text",
        ),
        Judgement(reasons.MISSING_VALUE, "value_text IS NULL", "v", "value_text"),
        Judgement(reasons.BAD_NUMBER, is_no_number("value_text", "usd"), "v", "value_text"),
        Judgement(reasons.BAD_NUMBER, is_no_number("tonnes_text", "net_weight"), "q", "tonnes_text"),
        Judgement(reasons.NEGATIVE_VALUE, "usd < 0", "v", "value_text"),
        Judgement(reasons.NEGATIVE_VALUE, "net_weight < 0", "q", "tonnes_text"),
        Judgement(reasons.ABSURD_VALUE, f"usd > {ABSURD}", "v", "value_text"),
        Judgement(reasons.ABSURD_VALUE, f"net_weight > {ABSURD}", "q", "tonnes_text"),
    )
