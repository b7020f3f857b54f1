"""Damaged and nonsensical files for every reader: an error of ours, or every row there, good or with its reason.

``ENTREPOT_FUZZ`` says how many examples each test tries; the suite tries few.
"""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import json
import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.errors import EntrepotError
from entrepot.schema import FLOW, FlowKind, QuarantineReason
from entrepot.schema.layouts import COMTRADE_WEB, GACC_QUERY
from entrepot.sources.base import Stated
from entrepot.sources.comtrade import ComtradeSource
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.gacc import GaccSource
from entrepot.sources.russia_fts import RussiaFtsSource
from entrepot.sources.us_census import UsCensusSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPTIONS = settings(
    max_examples=int(os.environ.get("ENTREPOT_FUZZ", "15")),
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
HOME = Path(str(files("entrepot.sources")))
SOURCES = {
    "gacc": GaccSource(Stated(FlowKind.EXPORT)),
    "gacc one year": GaccSource(Stated(FlowKind.IMPORT, "2023")),
    "us_census": UsCensusSource(),
    "russia_fts": RussiaFtsSource(),
    "comtrade": ComtradeSource(),
    "csv": MappedTable.from_toml(HOME / "csv_mapping" / "samples" / "wits.toml"),
}
WITS = b'"ReporterISO3","ProductCode","PartnerISO3","Year","TradeFlowCode","TradeValue in 1000 USD","NetWeight in KGM",'
WITS += b'"Quantity","QtyUnit"\n"USA","8471","CHN",2020,5,10.5,3,2,"Item"\n"USA","8471","WLD",2020,3,1,,0,"N.Q."\n'
BYTES = {
    "gacc": (HOME / "gacc" / "samples" / "chinese.csv").read_bytes(),
    "gacc one year": (HOME / "gacc" / "samples" / "english.csv").read_bytes(),
    "us_census": (HOME / "us_census" / "samples" / "imports.json").read_bytes(),
    "russia_fts": (HOME / "russia_fts" / "samples" / "DATTSVT.csv").read_bytes(),
    "comtrade": (HOME / "comtrade" / "samples" / "web.csv").read_bytes(),
    "csv": WITS,
}
COLUMNS = {
    "gacc": [name for name in GACC_QUERY if not name.isascii() and name not in {"人民币", "备注"}],
    "us_census": ["CTY_CODE", "CTY_NAME", "E_COMMODITY", "ALL_VAL_MO", "QTY_1_MO", "UNIT_QY1", "DF", "DISTRICT", "time"],
    "russia_fts": ["napr", "period", "nastranapr", "tnved", "edizm", "Stoim", "Netto", "Kol", "Region"],
    "comtrade": list(COMTRADE_WEB),
}  # fmt: skip

#: Texts that are near to right, for every column.
NEAR = (
    "202303", "2024-03", "12/2021", "2021", "CN", "146", "5700", "4635", "842", "0", "-", "吉尔吉斯斯坦", "CHINA",
    "87042100", "8542310001", "870421", "87", "TOTAL", "XXXXXXXXXX", "9999AA", "1,234,567", "104500,5", "10.5", "0",
    "-1", "1e308", "9" * 400, "nan", "inf", "?", "", " ", "千克", "辆", "Kilogram", "KG", "NO", "ШТ", "1", "2", "10",
    "65", "ИМ", "ЭК", "M", "X", "H5", "H6", "C", "A", "C00", "'", '"', "\\", "\n", "\r\n", "\u00a0", "\U0001f6a2", "NULL",
)  # fmt: skip
cells = st.one_of(st.sampled_from(NEAR), st.text(max_size=8))
edits = st.lists(
    st.tuples(
        st.sampled_from(["cut", "insert", "delete", "repeat"]), st.floats(0, 1), st.integers(1, 60),
        st.one_of(st.binary(max_size=12), st.sampled_from([b",", b'"', b"\n", b"\r", b"\x00", b"\t", b"[", b"]", b"\xff"])),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def damaged(content: bytes, changes: Sequence[tuple[str, float, int, bytes]]) -> bytes:
    """Return the bytes after cuts, insertions, deletions and repetitions."""
    for kind, share, length, piece in changes:
        place = int(share * len(content))
        match kind:
            case "cut":
                content = content[:place] if share > 0.5 else content
            case "insert":
                content = content[:place] + piece + content[place:]
            case "delete":
                content = content[:place] + content[place + length :]
            case _:
                content = content[: place + length] + content[place:]
    return content


def check(found: object) -> None:
    """Every row of the file is accounted for, and what is good keeps the contract."""
    assert found.accounted == found.staged
    for row in found.rows:
        if row["reason"] is not None:
            assert row["reason"] in {reason.value for reason in QuarantineReason}
            assert row["detail"]
            continue
        for column in FLOW.column_contracts():
            value = row.get(column.name)
            if column.name in {"source", "vintage", "file_hash"}:
                continue
            assert value is not None or column.is_nullable, column.name
            assert value is None or column.allowed is None or value in {term.value for term in column.allowed}
            assert value is None or column.minimum is None or column.minimum <= value < float("inf"), (
                column.name
            )


def judged(judge_file: Callable, name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            found = judge_file(SOURCES[name], path)
        except EntrepotError as error:
            assert error.what  # noqa: PT017  the error is the result
            assert error.hint  # noqa: PT017
        else:
            check(found)


@pytest.mark.parametrize("name", SOURCES)
@OPTIONS
@given(changes=edits)
def test_damaged_files(name: str, changes: list, judge_file) -> None:
    judged(judge_file, name, damaged(BYTES[name], changes))


@pytest.mark.parametrize("name", SOURCES)
@OPTIONS
@given(content=st.binary(max_size=200), changes=edits)
def test_heads_of_any_bytes(name: str, content: bytes, changes: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        for data in (content, damaged(BYTES[name], changes)):
            path.write_bytes(data)
            try:
                layout = SOURCES[name].recognise(path)
            except EntrepotError as error:
                assert error.hint  # noqa: PT017  the error is the result
            else:
                assert len({column.lower() for column in layout.columns}) == len(layout.columns)


@pytest.mark.parametrize("name", COLUMNS)
@OPTIONS
@given(data=st.data())
def test_nonsense_in_cells(name: str, data: st.DataObject, judge_file) -> None:
    width = len(COLUMNS[name])
    rows = data.draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8))
    if name == "us_census":
        content = json.dumps([COLUMNS[name], *rows]).encode()
    else:
        separator = "\t" if name == "russia_fts" else ","
        table = [COLUMNS[name], *rows]
        text = "".join(
            separator.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in table
        )
        content = text.encode("utf-8", "ignore")
    judged(judge_file, name, content)
