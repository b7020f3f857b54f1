"""Fixtures of the command line's tests: made-up Comtrade files, and the command itself."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from entrepot.app.cli import main
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_ROW = dict.fromkeys(COMTRADE_WEB, "") | {
    "typeCode": "C", "freqCode": "M", "refPeriodId": "20220301", "refYear": "2022", "refMonth": "3", "period": "202203",
    "reporterCode": "156", "reporterISO": "CHN", "reporterDesc": "China", "flowCode": "X", "flowDesc": "Export",
    "partnerCode": "417", "partnerISO": "KGZ", "partnerDesc": "Kyrgyzstan", "partner2Code": "0",
    "partner2ISO": "W00", "partner2Desc": "World", "classificationCode": "H6", "classificationSearchCode": "HS",
    "isOriginalClassification": "true", "cmdCode": "854231", "cmdDesc": "Processors", "aggrLevel": "6",
    "isLeaf": "true", "customsCode": "C00", "customsDesc": "TOTAL CPC", "mosCode": "0", "motCode": "0",
    "motDesc": "TOTAL MOT", "qtyUnitCode": "5", "qtyUnitAbbr": "u", "qty": "10", "isQtyEstimated": "false",
    "altQtyUnitCode": "-1", "altQtyUnitAbbr": "N/A", "altQty": "0", "isAltQtyEstimated": "false",
    "netWgt": "2.5", "isNetWgtEstimated": "false", "grossWgt": "0", "isGrossWgtEstimated": "false",
    "cifvalue": "", "fobvalue": "1000", "primaryValue": "1000", "legacyEstimationFlag": "0",
    "isReported": "true", "isAggregate": "false",
}  # fmt: skip

PARTNERS = ("417", "398", "643", "860", "51", "268", "112", "792", "784", "276")


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


def web_text(changes: Iterable[dict[str, str]], *, header: str = "", newline: str = "\r\n") -> str:
    """Return a download with one row per dictionary of changes."""
    lines = [header or ",".join(COMTRADE_WEB)]
    for change in changes:
        row = _ROW | change
        lines.append(",".join(f'"{row[name]}"' if row[name] else "" for name in COMTRADE_WEB) + ",")
    return newline.join(lines) + newline


@pytest.fixture
def download(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of downloads: ten good rows (one a partner) and the given ones behind."""

    def write(
        *extra: dict[str, str],
        good: int = 10,
        name: str = "TradeData.csv",
        encoding: str = "latin-1",
        **options: str,
    ) -> Path:
        rows = [{"partnerCode": code, "fobvalue": f"{10 + i}", "primaryValue": f"{10 + i}"} for i, code in
                enumerate(PARTNERS[:good])]  # fmt: skip
        path = tmp_path / name
        path.write_bytes(web_text([*rows, *extra], **options).encode(encoding))
        return path

    return write


@pytest.fixture
def entrepot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that runs the command line in this process, as ``main`` does."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["entrepot", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "300")
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        written = capsys.readouterr()
        return Outcome(status, re.sub(r"\s+", " ", written.out), re.sub(r"\s+", " ", written.err))

    return run


@pytest.fixture
def is_untouched() -> Callable[[Path], bool]:
    """Return a check that a lake has no file, no rows and no leftovers, or was not left at all."""

    def check(path: Path) -> bool:
        if not path.exists():
            return True
        lake = Lake.open(path)
        parquet = [file for file in path.rglob("*.parquet") if "_delta_log" not in file.parts]
        return (
            lake.files().num_rows == 0
            and lake.quarantine().num_rows == 0
            and not lake.table_files("core__flow")
            and not parquet
        )

    return check
