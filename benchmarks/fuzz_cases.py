"""What the readers are fuzzed with: samples of every layout, and ways to damage them."""

from __future__ import annotations

import csv
import io
import json
import struct
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import py7zr
from publisher_files import LONG_MAPPING, WIDE_MAPPING

from entrepot.schema import FlowKind
from entrepot.sources.base import Stated
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.registry import open_source

if TYPE_CHECKING:
    import random

    from entrepot.sources.base import Source

__all__ = ["CASES", "Case", "Sample", "damaged_bytes", "damaged_rows"]

#: Texts that are near to right somewhere.
NEAR = (
    "", " ", "0", "-1", "1e308", "nan", "inf", "9" * 400, "0x1F", "1_000", "1,000", "1,234,567", "104500,5",
    "10.5", ":", "NA", "-", "?", "TOTAL", "TT", "1012100", "8542", "85423190", "39XXXXXX", "39SSS582",
    "9999AA", "XXXXXXXXXX", "202352", "202403", "2024-03", "12/2021", "2021", "2022", "199801", "WORLD", "EU",
    "WLD", "XU", "QZ", "001", "0720", "842", "146", "5700", "CN", "CHN", "World", "China", "吉尔吉斯斯坦",
    "Россия", "1", "2", "3", "4", "5", "6", "M", "X", "RX", "ИМ", "ЭК", "EXPORT", "H5", "H6", "C00",
    "千克", "台", "KG",
    "NO", "ШТ", "PST", "VALUE_IN_EUROS", "QUANTITY_KG", "Year", "7", "é", "\u00a0", "\u200b", "１２",
    "\U0001f6a2", "'", "\\", "\\N", "NULL", "(null)", "%", "{", "[", "\x01", "\ufeff",
)  # fmt: skip

#: What breaks a line or a field where none ends.
BREAKING = ('"', '""', "\n", "\r", "\r\n", ",", "\t", ";", '"\n"')

_PIECES = (
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\x00",
    b"\t",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"7z",
    b"PK",
)

_WITS = """\
"ReporterISO3","ProductCode","PartnerISO3","Year","TradeFlowCode","TradeValue in 1000 USD","ReporterName",\
"PartnerName","TradeFlowName","NetWeight in KGM","Quantity","QtyUnit"
"USA","8471","CHN",2020,5,10.5,"United States","China","Import",3,2,"Item"
"VNM","8542","WLD",2019,6,651.732,"Vietnam"," World","Export",,0,"N.Q."
"THA","9401","USA",2018,3,1,"Thailand","United States","Re-Export",1150609,0,"N.Q."
"""
_LONG = """\
reporter,partner,flow,period,product,value_eur,weight_kg
Germany,Kyrgyzstan,EXPORT,2022-03,87032310,1000,20
France,Russian Federation,IMPORT,2021-12,8542,12.5,
Italy,World,EXPORT,2020-01,TOTAL,7,0
"""
_WIDE = """\
partner,product,2021-01,2021-02,2021-03
China,870323,1.5,2,
Russia,8542,,,7
World,TOTAL,10,20.5,30
"""
_ARMSTAT = """\
country,export,import_consigment,import_origin,timeperiod,year
China,-,0.1,12.5,5,2020
Russian Federation,7,8.25,9,Year,2020
Georgia,1,,-,12,2021
"""
_CENSUS = """\
CTY_CODE,CTY_NAME,E_COMMODITY,ALL_VAL_MO,QTY_1_MO,UNIT_QY1,DF,DISTRICT,time
5700,CHINA,8542310001,12000,40,NO,-,-,2024-03
4635,KYRGYZSTAN,8542310001,100,,KG,1,-,2024-03
4635,KYRGYZSTAN,870323,100,2,X,-,10,2024-02
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A small file.

    Attributes
    ----------
    name, data
        Name and bytes.
    codec, delimiter
        How its lines are taken apart; no delimiter: they cannot be. A bracket: JSON.
    """

    name: str
    data: bytes
    codec: str = "utf-8"
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Case:
    """A reader and its samples."""

    source: Source
    samples: tuple[Sample, ...]


def _shipped(source: str, name: str, codec: str = "utf-8", delimiter: str = ",") -> Sample:
    data = (files(f"entrepot.sources.{source}") / "samples" / name).read_bytes()
    return Sample(name, data, codec, delimiter)


def _seven_zip(sample: Sample, name: str) -> Sample:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        archive.writestr(sample.data, sample.name)
    return Sample(name, buffer.getvalue(), delimiter="")


def _zip(sample: Sample, name: str) -> Sample:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(sample.name, sample.data)
    return Sample(name, buffer.getvalue(), delimiter="")


def _dbf() -> Sample:
    """Return an unload of Russia's customs as dBASE III."""
    fields = {"NAPR": 2, "PERIOD": 7, "STRANA": 2, "TNVED": 10, "STOIM": 12, "NETTO": 12}
    records = [
        ("ИМ", "12/2021", "CN", "8542319010", "104500.5", "12.5"),
        ("ЭК", "01/2022", "KG", "2709", "7", "0"),
    ]
    head = 32 + 32 * len(fields) + 1
    data = bytearray(struct.pack("<4BIHH20x", 3, 122, 2, 1, len(records), head, 1 + sum(fields.values())))
    for name, width in fields.items():
        data += struct.pack("<11sc4xB15x", name.encode(), b"C", width)
    data += b"\x0d"
    for record in records:
        data += b" " + b"".join(
            text.encode("cp866").ljust(width) for text, width in zip(record, fields.values(), strict=True)
        )
    return Sample("DATTSVT.dbf", bytes(data + b"\x1a"), delimiter="")


def _mapped(text: str) -> MappedTable:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mapping.toml"
        path.write_text(text, encoding="utf-8")
        return MappedTable.from_toml(path)


def _cases() -> dict[str, Case]:
    comext = _shipped("comext", "full_202403.dat")
    baci = _shipped("baci", "BACI_HS17_Y2022_V202501.csv")
    months = Stated(FlowKind.EXPORT)
    year = Stated(FlowKind.IMPORT, "2023")
    return {
        "comtrade": Case(
            open_source("comtrade"),
            (
                _shipped("comtrade", "web.csv", "latin-1"),
                _shipped("comtrade", "bulk.txt", delimiter="\t"),
                _shipped("comtrade", "legacy.csv"),
                _shipped("comtrade", "api.json", delimiter="["),
            ),
        ),
        "comext": Case(
            open_source("comext"),
            (
                comext,
                _shipped("comext", "full200101.dat"),
                _shipped("comext", "nc200201.dat"),
                _shipped("comext", "sdmx.csv"),
                _seven_zip(comext, "full_v2_202403.7z"),
            ),
        ),
        "baci": Case(
            open_source("baci"),
            (baci, _shipped("baci", "baci92_2006.csv"), _zip(baci, "BACI_HS17_V202501.zip")),
        ),
        "gacc": Case(open_source("gacc", months), (_shipped("gacc", "chinese.csv", "gb18030"),)),
        "gacc one year": Case(open_source("gacc", year), (_shipped("gacc", "english.csv", "gb18030"),)),
        "us_census": Case(
            open_source("us_census"),
            (
                _shipped("us_census", "imports.json", delimiter="["),
                _shipped("us_census", "exports.json", delimiter="["),
                Sample("exports.csv", _CENSUS.encode()),
            ),
        ),
        "russia_fts": Case(
            open_source("russia_fts"), (_shipped("russia_fts", "DATTSVT.csv", delimiter="\t"), _dbf())
        ),
        "wits": Case(open_source("wits"), (Sample("wits.csv", _WITS.encode()),)),
        "armstat": Case(open_source("armstat"), (Sample("armstat.csv", _ARMSTAT.encode()),)),
        "csv long": Case(_mapped(LONG_MAPPING), (Sample("long.csv", _LONG.encode()),)),
        "csv wide": Case(_mapped(WIDE_MAPPING), (Sample("wide.csv", _WIDE.encode()),)),
    }


CASES = _cases()


def damaged_bytes(data: bytes, draw: random.Random) -> bytes:
    """Return a file after cuts, insertions, deletions, repetitions and flipped bytes; sometimes another."""
    content = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3, 6))):
        place = draw.randrange(len(content) + 1)
        match draw.choice(("cut", "insert", "delete", "repeat", "flip", "word", "noise")):
            case "cut":
                del content[place:]
            case "insert":
                content[place:place] = draw.choice(_PIECES)
            case "delete":
                del content[place : place + draw.randint(1, 60)]
            case "repeat":
                content[place:place] = content[max(0, place - draw.randint(1, 60)) : place]
            case "flip":
                content[place : place + 1] = bytes([draw.randrange(256)])
            case "word":
                content[place : place + 4] = draw.choice(NEAR).encode("utf-8", "ignore")
            case _:
                content[place:place] = draw.randbytes(draw.randint(1, 12))
    return bytes(content)


def damaged_rows(sample: Sample, draw: random.Random, count: int, *, breaks: bool) -> bytes:
    """Return a file of so many rows made of the sample's, with fields swapped, lost and added.

    Parameters
    ----------
    sample
        A sample whose lines can be taken apart.
    draw
        Where chance comes from.
    count
        Rows.
    breaks
        Fields may hold what ends a field or a line, so that nobody knows how many rows there are.
    """
    near = (*NEAR, *BREAKING) if breaks else NEAR
    if sample.delimiter == "[":
        return _damaged_json(sample, draw, count)
    header, *rows = csv.reader(
        io.StringIO(sample.data.decode(sample.codec), newline=""), delimiter=sample.delimiter
    )
    # Behind a comma at the end of the line stands nothing, and something there is another file.
    width = len([name for name in header if name])
    lines = [_line(header, sample)]
    for _ in range(count):
        row = list(draw.choice(rows))
        for _ in range(draw.choice((0, 1, 1, 2, 5))):
            is_near = draw.random() < 0.8
            row[draw.randrange(width)] = draw.choice(near) if is_near else chr(draw.randrange(32, 0x2FFF))
        if draw.random() < 0.02 and len(row) == width:
            row.append(draw.choice(NEAR))
        elif draw.random() < 0.02:
            row.pop()
        line = _line(row, sample)
        lines.append(sample.delimiter.join(row) if breaks and draw.random() < 0.05 else line)
    end = "\r\n" if b"\r\n" in sample.data else "\n"
    return (end.join(lines) + end).encode(sample.codec, "replace")


def _line(row: list[str], sample: Sample) -> str:
    """Return a line, quoted as the sample is; one that is not quotes what must be."""
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if sample.data.startswith(b'"') else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=sample.delimiter, quoting=quoting, lineterminator="").writerow(row)
    return out.getvalue()


def _damaged_json(sample: Sample, draw: random.Random, count: int) -> bytes:
    """Return an answer of an API with odd values, which keeps its form."""
    odd = (*NEAR, *BREAKING, None, True, 0, -1, 7.5, 1e300, 10**30, [], {}, ["x"], {"a": 1})
    whole = json.loads(sample.data)
    is_table = isinstance(whole, list)
    rows = whole[1:] if is_table else whole["data"]
    made = []
    for _ in range(count):
        row = json.loads(json.dumps(draw.choice(rows)))
        for _ in range(draw.choice((0, 1, 1, 2, 5))):
            place = draw.choice(range(len(row)) if is_table else list(row))
            row[place] = draw.choice(odd)
        made.append(row)
    if is_table:
        return json.dumps([whole[0], *made]).encode()
    return json.dumps(whole | {"data": made, "count": count}).encode()
