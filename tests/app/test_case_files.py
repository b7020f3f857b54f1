"""Every claim as a user runs it: downloads in the publisher's form, the commands of the case, its answer."""

from __future__ import annotations

import csv
import json
import shlex
from typing import TYPE_CHECKING

import pytest

from entrepot.measures.spans import parse_window
from entrepot.nomenclature import area
from entrepot.pipeline.cases import case_names, find_case
from entrepot.schema.layouts import COMTRADE_WEB

if TYPE_CHECKING:
    from pathlib import Path

PARTNERS = ("RUS", "CHN", "KAZ", "KGZ", "UZB", "BLR", "ARM", "TJK", "GEO", "DEU", "SAU", "USA")
#: Six-digit codes below what a need states in fewer.
BELOW = {
    "84": "847150", "85": "853400", "87": "870423", "27": "270900", "2709": "270900", "8708": "870899",
    "8541": "854110", "8542": "854231", "8517": "851762", "8471": "847150",
}  # fmt: skip
PLAIN = {
    "typeCode": "C", "partner2Code": "0", "partner2ISO": "W00", "classificationCode": "H5",
    "classificationSearchCode": "HS", "isOriginalClassification": "true", "customsCode": "C00",
    "mosCode": "0", "motCode": "0", "isReported": "true", "isAggregate": "false",
    "qtyUnitCode": "5", "qtyUnitAbbr": "u", "isQtyEstimated": "false", "isNetWgtEstimated": "false",
}  # fmt: skip
#: Cases all of whose data UN Comtrade publishes.
OF_COMTRADE = [
    name
    for name in case_names()
    if (needs := [need for need in find_case(name).needs if need.reporters])
    and all(need.ingest.startswith("entrepot ingest comtrade ") for need in needs)
]


def periods_of(text: str) -> list[str]:
    window = parse_window(text, option="periods")
    if len(window.first) == 4:
        return [str(int(window.first) + step) for step in range(window.length)]
    start = int(window.first[:4]) * 12 + int(window.first[5:]) - 1
    return [f"{n // 12:04d}{n % 12 + 1:02d}" for n in range(start, start + window.length)]


def download(need, folder: Path) -> None:
    """Write the file that UN Comtrade's website gives for a need; amounts grow with place and time."""
    folder.mkdir(exist_ok=True)
    with (folder / "TradeData.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COMTRADE_WEB) + "\r\n")
        writer = csv.DictWriter(file, COMTRADE_WEB, lineterminator=",\r\n", restval="")
        writer.writerows(rows_of(need))


def rows_of(need):
    flow, value = ("X", "fobvalue") if need.flow == "export" else ("M", "cifvalue")
    for reporter in need.reporters:
        for place, partner in enumerate(one for one in PARTNERS if one != reporter):
            for step, period in enumerate(periods_of(need.periods)):
                for product in need.products:
                    usd = str(1e6 * (place + 1) * (step + 2))
                    yield PLAIN | {
                        "freqCode": need.freq, "flowCode": flow, "period": period, "refYear": period[:4],
                        "refMonth": period[4:].lstrip("0") or "52", "refPeriodId": f"{period:0<6}01",
                        "reporterCode": str(area(reporter).m49[0]), "reporterISO": reporter,
                        "partnerCode": str(area(partner).m49[0]), "partnerISO": partner,
                        "cmdCode": BELOW.get(product, product),
                        "aggrLevel": "0" if product == "TOTAL" else "6",
                        "isLeaf": "false" if product == "TOTAL" else "true",
                        value: usd, "primaryValue": usd, "qty": "10", "netWgt": "1000",
                    }  # fmt: skip


@pytest.mark.parametrize("name", OF_COMTRADE)
def test_downloads_and_the_commands_of_a_claim_give_its_answer(name, entrepot, tmp_path) -> None:
    case, lake, out = find_case(name), tmp_path / "lake", tmp_path / "answer.json"
    for need in case.needs:
        if need.table:
            continue
        words = shlex.split(need.ingest)[1:]
        download(need, tmp_path / words[2])
        words = [{words[2]: str(tmp_path / words[2]), "LAKE": str(lake)}.get(word, word) for word in words]
        done = entrepot(*words)
        assert done.status == 0, done.err
        assert " 0 quarantined" in done.out
    done = entrepot("case", "run", name, "--lake", lake, "--out", out)
    assert done.status == 0, done.err
    rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
    asked = {
        figure.id
        for figure in case.figures
        if figure.calls and not any(call.table for call in case.calls if call.id in figure.calls)
    }
    assert {row["figure"] for row in rows if row["computed"] is not None} == asked
    assert asked
    assert "How robust is the headline" in done.out


def test_every_claim_with_data_of_comtrade_is_run() -> None:
    assert {f"C{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)} <= set(OF_COMTRADE)
