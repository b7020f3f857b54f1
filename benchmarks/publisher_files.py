"""Made-up files of any size in the publishers' exact bytes, for the benchmarks of the readers.

No key stands twice and every code is one that the publisher has, so that every row can be stored.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
from babel import Locale

from entrepot.nomenclature import area_code_table, area_table, group_members, named_area
from entrepot.nomenclature.national_codes import national_area_codes
from entrepot.schema.layouts import BACI, COMEXT_FULL_V2, COMTRADE_WEB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["FILES", "LONG_MAPPING", "WIDE_MAPPING", "BenchFile"]

LONG_MAPPING = """\
id = "long"
[columns]
reporter = "reporter"
partner = "partner"
flow = "flow"
period = "period"
product = "product"
value = "value_eur"
net_weight = "weight_kg"
[constants]
currency = "EUR"
hs_revision = "by_year"
[product]
national_digits = 8
"""

WIDE_MAPPING = """\
id = "wide"
[columns]
partner = "partner"
product = "product"
[constants]
reporter = "KAZ"
flow = "import"
currency = "USD"
unit_multiplier = 1000
hs_revision = "by_year"
[wide]
columns = '(?P<period>\\d{4}-\\d{2})'
"""

_MONTHS = tuple(f"2021-{month:02d}" for month in range(1, 13))


@dataclass(frozen=True, slots=True)
class BenchFile:
    """One kind of file.

    Attributes
    ----------
    source
        What ``entrepot ingest`` calls it; a mapping is text of its own.
    name
        The file's name, as the publisher gives it.
    write
        Writes so many rows to a path.
    bare
        How DuckDB reads the file by itself, ``{path}`` being the path.
    flow
        What the user states.
    mapping
        Text of a mapping.
    codec
        What the bytes have to be recoded from before DuckDB can read them.
    """

    source: str
    name: str
    write: Callable[[Path, int], None]
    bare: str = "read_csv('{path}')"
    flow: str = ""
    mapping: str = ""
    codec: str = ""


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + "]"


def _pick(texts: Iterable[str], radix: _Radix) -> str:
    """Return the SQL that takes one of the texts, each in its turn."""
    return _at(_list(texts), radix.digit(len(tuple(texts))))


def _at(texts: str, place: str) -> str:
    return f"({texts})[1 + {place}]"


class _Radix:
    """A row's number taken apart into digits, so that no two rows have all digits in common."""

    def __init__(self) -> None:
        self._rest = "n"

    def digit(self, size: int) -> str:
        found, self._rest = f"({self._rest}) % {size}", f"({self._rest}) // {size}"
        return found

    def code(self, digits: int) -> str:
        """Return commodity codes of so many digits, the last digit of all to be taken."""
        first, rest = self.digit(76), self._rest
        return f"printf('%02d%0{digits - 2}d', 1 + {first}, {10 ** (digits - 3)} + {rest})"


def _copy(path: Path, header: str, line: str, rows: int, *, end: str = "\n") -> None:
    """Write lines that are made whole in SQL, so that quotes and commas are the publisher's."""
    break_ = "" if end == "\n" else " || '\r'"
    text = header + ("" if end == "\n" else "\r")
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            COPY (SELECT {line}{break_} AS line FROM range({rows}) AS r (n))
            TO '{path}.part' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')
            """
        )
    part = path.with_name(path.name + ".part")
    with path.open("wb") as out, part.open("rb") as lines:
        out.write(text.encode() + b"\n" if header else b"")
        while block := lines.read(1 << 22):
            out.write(block)
    part.unlink()


def _joined(fields: Iterable[str], *, delimiter: str = ",", quote: str = "") -> str:
    """Return the SQL of a line; a null is nothing between two delimiters, quoted or not."""
    marks = f"'{quote}' || {{}} || '{quote}'" if quote else "{}"
    texts = [f"coalesce({marks.format(f'({field})::VARCHAR')}, '')" for field in fields]
    return f" || '{delimiter}' || ".join(texts)


def _areas() -> list[tuple[str, str, str]]:
    """Return number, ISO code and name of areas of today, as UN Comtrade writes them."""
    codes, names = area_code_table(), area_table()
    with duckdb.connect() as connection:
        connection.register("codes", codes)
        found = connection.execute(
            "SELECT foreign_code, code FROM codes WHERE scheme = 'm49' AND valid_from IS NULL "
            "AND valid_to IS NULL AND length(foreign_code) = 3 AND NOT is_aggregate "
            "AND left(code, 1) <> 'X' AND foreign_code NOT LIKE '0%' AND code <> 'YUG' "
            "QUALIFY row_number() OVER (PARTITION BY code ORDER BY foreign_code) = 1 ORDER BY code"
        ).fetchall()
    named = dict(zip(names["code"].to_pylist(), names["name"].to_pylist(), strict=True))
    return [(number, code, named[code].encode("ascii", "ignore").decode()) for number, code in found]


def _of(column: int, place: str) -> str:
    """Return the SQL of the number, ISO code or name of the area in a place."""
    return _at(_list(area[column] for area in _areas()), place)


def write_comtrade(path: Path, rows: int) -> None:
    """UN Comtrade's web download: all values quoted, a comma behind the last that the header lacks."""
    radix = _Radix()
    partner, reporter = radix.digit(len(_areas())), f"({radix.digit(16)}) * 12"
    is_import, month = f"({radix.digit(2)}) = 0", radix.digit(12)
    values = dict.fromkeys(COMTRADE_WEB, "'0'") | {
        "typeCode": "'C'", "freqCode": "'M'", "refYear": "'2022'", "refMonth": f"1 + {month}",
        "refPeriodId": f"20220101 + 100 * ({month})", "period": f"202201 + ({month})",
        "reporterCode": _of(0, reporter), "reporterISO": _of(1, reporter), "reporterDesc": _of(2, reporter),
        "flowCode": f"if({is_import}, 'M', 'X')", "flowDesc": f"if({is_import}, 'Import', 'Export')",
        "partnerCode": _of(0, partner), "partnerISO": _of(1, partner), "partnerDesc": _of(2, partner),
        "partner2ISO": "'W00'", "partner2Desc": "'World'", "classificationCode": "'H6'",
        "classificationSearchCode": "'HS'", "isOriginalClassification": "'true'",
        "cmdCode": radix.code(6), "cmdDesc": "'Goods of a kind'", "aggrLevel": "'6'", "isLeaf": "'true'",
        "customsCode": "'C00'", "customsDesc": "'TOTAL CPC'", "motDesc": "'TOTAL MOT'",
        "qtyUnitCode": "if(n % 3 = 0, '-1', '8')", "qtyUnitAbbr": "if(n % 3 = 0, 'N/A', 'kg')",
        "qty": "if(n % 3 = 0, 0, hash(n, 1) % 7654321)", "isQtyEstimated": "'false'",
        "altQtyUnitCode": "'-1'", "altQtyUnitAbbr": "'N/A'", "isAltQtyEstimated": "'false'",
        "netWgt": "hash(n, 1) % 7654321", "isNetWgtEstimated": "if(n % 5 = 0, 'true', 'false')",
        "isGrossWgtEstimated": "'false'", "cifvalue": f"if({is_import}, hash(n) % 99999989, NULL)",
        "fobvalue": f"if({is_import}, NULL, hash(n) % 99999989)", "primaryValue": "hash(n) % 99999989",
        "isReported": "'true'", "isAggregate": "'false'",
    }  # fmt: skip
    line = _joined((values[name] for name in COMTRADE_WEB), quote='"')
    _copy(path, ",".join(COMTRADE_WEB), f"{line} || ','", rows)


def write_comext(path: Path, rows: int) -> None:
    """A month of Eurostat's bulk files since December 2024."""
    radix = _Radix()
    members = sorted(_two_letters(group_members("EU27")))
    partners = _two_letters({"USA", "CHN", "KGZ", "KAZ", "RUS", "TUR", "ARE", "UZB", "ARM", "GEO", "BLR"})
    values = {
        "REPORTER": _pick(members, radix), "PARTNER": _pick([*sorted(partners), "QZ", "XK"], radix),
        "TRADE_TYPE": "'E'", "FLOW": f"1 + {radix.digit(2)}", "PRODUCT_NC": radix.code(8),
        "PRODUCT_SITC": "'77640'", "PRODUCT_CPA21": "'2611'", "PRODUCT_CPA22": "'2611'",
        "PRODUCT_BEC": "'420'", "PRODUCT_BEC5": "'421110'", "PRODUCT_SECTION": "'16'",
        "STAT_PROCEDURE": "'1'", "SUPPL_UNIT": "if(n % 3 = 0, 'PST', 'NO_SU')", "PERIOD": "'202403'",
        "VALUE_EUR": "hash(n) % 9999999", "VALUE_NAC": "hash(n) % 9999999",
        "QUANTITY_KG": "hash(n, 1) % 765432",
        "QUANTITY_SUPPL_UNIT": "if(n % 3 = 0, hash(n, 2) % 999, 0)",
    }  # fmt: skip
    _copy(path, ",".join(COMEXT_FULL_V2), _joined(values[name] for name in COMEXT_FULL_V2), rows)


def _two_letters(codes: Iterable[str]) -> list[str]:
    table, wanted = area_code_table().to_pylist(), set(codes)
    found = {
        row["code"]: row["foreign_code"]
        for row in table
        if row["scheme"] == "iso2" and row["code"] in wanted and row["valid_to"] is None
    }
    return sorted(found.values())


def write_baci(path: Path, rows: int) -> None:
    """A year of CEPII's BACI."""
    radix = _Radix()
    count = len(_areas())
    exporter, importer = radix.digit(count), radix.digit(count)
    values = {
        "t": "2022", "i": f"{_of(0, exporter)}::INTEGER", "j": f"{_of(0, importer)}::INTEGER",
        "k": radix.code(6), "v": "(hash(n) % 99999999) / 1000",
        "q": "if(n % 50 = 0, 'NA', ((hash(n, 1) % 765432) / 1000)::VARCHAR)",
    }  # fmt: skip
    _copy(path, ",".join(BACI), _joined(values[name] for name in BACI), rows)


def write_baci_zip(path: Path, rows: int) -> None:
    """The publisher's archive: the year, and a list of codes that is no flow."""
    inside = path.with_name("BACI_HS17_Y2022_V202501.csv")
    write_baci(inside, rows)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.write(inside, inside.name)
        archive.writestr("country_codes_V202501.csv", "country_code,country_name\n4,Afghanistan\n")
    inside.unlink()


def write_gacc(path: Path, rows: int) -> None:
    """China's query page, all columns: GB18030, quoted, a comma behind the last column, by province."""
    radix = _Radix()
    chinese = {named_area(name): name for name in Locale("zh").territories.values()}
    partners = {code: chinese[area] for code, area in national_area_codes("gacc").items() if area in chinese}
    provinces = {"11": "北京市", "31": "上海市", "37": "山东省", "44": "广东省", "65": "新疆维吾尔自治区"}
    province, partner = radix.digit(len(provinces)), radix.digit(len(partners))
    month = radix.digit(12)
    fields = [
        f"202301 + {month}", radix.code(8), "'某种商品'", _at(_list(partners), partner),
        _at(_list(partners.values()), partner), "'10'", "'一般贸易'", _at(_list(provinces), province),
        _at(_list(provinces.values()), province), "format('{:,}', (hash(n, 1) % 9999)::BIGINT)", "'台'",
        "format('{:,}', (hash(n, 2) % 999999)::BIGINT)", "'千克'",
        "format('{:,}', (hash(n) % 99999999)::BIGINT)",
    ]  # fmt: skip
    names = (
        "数据年月", "商品编码", "商品名称", "贸易伙伴编码", "贸易伙伴名称", "贸易方式编码", "贸易方式名称",
        "注册地编码", "注册地名称", "第一数量", "第一计量单位", "第二数量", "第二计量单位", "美元",
    )  # fmt: skip
    header = "".join(f'"{name}",' for name in names)
    text = path.with_name("utf8.csv")
    _copy(text, header, _joined(fields, quote='"') + " || ','", rows)
    recode(text, path, "utf-8", "gb18030")
    text.unlink()


def recode(path: Path, target: Path, codec: str, to: str = "utf-8") -> None:
    """Write a text in another encoding, in blocks."""
    with path.open(encoding=codec, newline="") as file, target.open("w", encoding=to, newline="") as out:
        while block := file.read(1 << 22):
            out.write(block)


def write_us_census(path: Path, rows: int) -> None:
    """An answer of the Census API: an array of arrays of text, a row a line."""
    radix = _Radix()
    countries = list({area: code for code, area in national_area_codes("schedule_c").items()}.values())
    partner, month = radix.digit(len(countries)), radix.digit(12)
    names = (
        "CTY_CODE", "CTY_NAME", "I_COMMODITY", "GEN_VAL_MO", "CON_VAL_MO", "GEN_QY1_MO", "UNIT_QY1",
        "SUMMARY_LVL", "time",
    )  # fmt: skip
    fields = [
        _at(_list(countries), partner), "'COUNTRY OF ITS NAME'", radix.code(10), "hash(n) % 99999999",
        "hash(n) % 99999999", "hash(n, 1) % 99999", "if(n % 2 = 0, 'KG', 'NO')", "'DET'",
        f"printf('2021-%02d', 1 + {month})",
    ]  # fmt: skip
    header = "[[" + ",".join(f'"{name}"' for name in names) + "],"
    end = f" || if(n = {rows - 1}, ']', ',')"
    _copy(path, header, "'[' || " + _joined(fields, quote='"') + " || ']'" + end, rows)


def write_russia_fts(path: Path, rows: int) -> None:
    """Russia's unload as text: TAB, decimal comma, CRLF, by region."""
    radix = _Radix()
    regions = (
        "45000 - Г.МОСКВА", "40000 - Г.САНКТ-ПЕТЕРБУРГ", "46000 - МОСКОВСКАЯ ОБЛАСТЬ",
        "05000 - ПРИМОРСКИЙ КРАЙ",
    )  # fmt: skip
    region = radix.digit(len(regions))
    flow, month = radix.digit(2), radix.digit(12)
    partner = _pick(("CN", "DE", "US", "KZ", "TR", "AE", "BY", "KG", "IT", "FR", "JP", "KR"), radix)
    number = "replace(((hash(n, {}) % {}) / 100)::VARCHAR, '.', ',')"
    fields = [
        f"if({flow} = 0, 'ИМ', 'ЭК')", f"printf('%02d/2021', 1 + {month})", partner, radix.code(10),
        "if(n % 3 = 0, 'ШТ', NULL)", number.format(0, 99999999), number.format(1, 765432),
        "if(n % 3 = 0, hash(n, 2) % 999, 0)", _at(_list(regions), region),
        "'01 - ЦЕНТРАЛЬНЫЙ ФЕДЕРАЛЬНЫЙ ОКРУГ'",
    ]  # fmt: skip
    header = "napr\tperiod\tnastranapr\ttnved\tedizm\tStoim\tNetto\tKol\tRegion\tRegion_s"
    _copy(path, header, _joined(fields, delimiter="\t"), rows, end="\r\n")


def write_long(path: Path, rows: int) -> None:
    """A user's long table: labels, euro."""
    radix = _Radix()
    reporters = ("Germany", "France", "Italy", "Poland", "Netherlands", "Czechia", "Spain", "Lithuania")
    partners = ("Armenia", "Belarus", "Georgia", "Kazakhstan", "Kyrgyzstan", "Russia", "Uzbekistan")
    fields = [
        _pick(reporters, radix), _pick(partners, radix), _pick(("EXPORT", "IMPORT"), radix),
        _pick(_MONTHS, radix), radix.code(8), "hash(n) % 9999999", "hash(n, 1) % 765432",
    ]  # fmt: skip
    _copy(path, "reporter,partner,flow,period,product,value_eur,weight_kg", _joined(fields), rows)


def write_wide(path: Path, rows: int) -> None:
    """A user's wide table, twelve months across: as many cells as rows were asked for."""
    radix = _Radix()
    partner = radix.digit(len(_areas()))
    fields = [_of(1, partner), radix.code(6)]
    fields += [f"(hash(n, {month}) % 9999999) / 10" for month in range(12)]
    _copy(path, ",".join(["partner", "product", *_MONTHS]), _joined(fields), rows // len(_MONTHS))


def write_wits(path: Path, rows: int) -> None:
    """UN Comtrade as WITS gives it out: texts quoted, numbers bare, thousand dollars."""
    radix = _Radix()
    partner, reporter = radix.digit(len(_areas())), f"({radix.digit(16)}) * 12"
    flow, year = radix.digit(2), radix.digit(6)

    def quoted(sql: str) -> str:
        return f"'\"' || {sql} || '\"'"

    fields = [
        quoted(_of(1, reporter)), quoted(radix.code(6)), quoted(_of(1, partner)), f"2015 + {year}",
        f"5 + {flow}", "(hash(n) % 99999999) / 1000", quoted(_of(2, reporter)), quoted(_of(2, partner)),
        f"if({flow} = 0, '\"Import\"', '\"Export\"')", "hash(n, 1) % 765432", "hash(n, 2) % 999",
        "'\"Item\"'",
    ]  # fmt: skip
    names = (
        "ReporterISO3", "ProductCode", "PartnerISO3", "Year", "TradeFlowCode", "TradeValue in 1000 USD",
        "ReporterName", "PartnerName", "TradeFlowName", "NetWeight in KGM", "Quantity", "QtyUnit",
    )  # fmt: skip
    _copy(path, ",".join(f'"{name}"' for name in names), _joined(fields), rows)


_NAMELESS = _list([*COMTRADE_WEB, "nameless"])

FILES: dict[str, BenchFile] = {
    # DuckDB's own detection stops at the comma behind the last column: it is told of it.
    "comtrade": BenchFile(
        "comtrade", "TradeData.csv", write_comtrade,
        f"read_csv('{{path}}', header = false, skip = 1, names = {_NAMELESS})",
    ),
    "comext": BenchFile("comext", "full_202403.dat", write_comext),
    "baci": BenchFile("baci", "BACI_HS17_Y2022_V202501.csv", write_baci),
    "baci zip": BenchFile("baci", "BACI_HS17_V202501.zip", write_baci_zip),
    "gacc": BenchFile("gacc", "downloadData.csv", write_gacc, flow="export", codec="gb18030"),
    "us_census": BenchFile(
        "us_census", "imports.json", write_us_census, "read_json('{path}', format = 'array')"
    ),
    "russia_fts": BenchFile(
        "russia_fts", "DATTSVT.csv", write_russia_fts, "read_csv('{path}', decimal_separator = ',')"
    ),
    "csv long": BenchFile("csv", "long.csv", write_long, mapping=LONG_MAPPING),
    # Of each row twelve are made: the bare engine makes them too, or the two would not write the same rows.
    "csv wide": BenchFile(
        "csv", "wide.csv", write_wide,
        "(UNPIVOT (FROM read_csv('{path}')) ON COLUMNS(* EXCLUDE (partner, product)) "
        "INTO NAME period VALUE value)",
        mapping=WIDE_MAPPING,
    ),
    "wits": BenchFile("wits", "wits.csv", write_wits),
}  # fmt: skip
