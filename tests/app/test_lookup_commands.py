"""Facts by words on the command line: found, printed on any width, written, and the nearest proposed."""

from __future__ import annotations

import csv
import io
from importlib import metadata

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from entrepot.nomenclature import look_up_areas, look_up_codes, look_up_events, look_up_list
from entrepot.report import print_facts


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("codes", "ball", "bearings"), "848210 Ball bearings"),
        (("codes", "8803", "--hs-revision", "H5"), "880330 ended, now 880730"),
        (("lists",), "CHPL 50"),
        (("lists", "CHPL:2", "--hs-revision", "HS2012"), "854890 854800 exact"),
        (("lists", "CHPL", "--as-of", "2023-06-01"), "as of 2023-06-01): 38"),
        (("lists", "CHPL", "--as-of", "2020-01-01"), ": 0"),
        (("events", "food", "embargo"), "2014-08-07"),
        (("events", "--since", "2025-02-01", "--until", "2025-02-28"), "sixteenth package"),
        (("events", "2014-08"), "2014-08-07 Russian food embargo"),
        (("events", "embargo", "2014"), "2014-12-19 US embargo on Crimea"),
        (("areas", "Киргизия"), "KGZ KG 417 Kyrgyzstan"),
        (("areas", "吉尔吉斯斯坦"), "KGZ"),
        (("areas", "842"), "USA"),
        (("areas", "EAEU", "--as-of", "2015-01-01"), "areas: 3"),
        (("areas", "guinea"), "GNB"),
    ],
)
def test_facts_are_found(entrepot, arguments, says) -> None:
    outcome = entrepot(*arguments)
    assert outcome.status == 0, outcome.err
    assert says in outcome.out


def test_the_version_is_said(entrepot) -> None:
    outcome = entrepot("--version")
    assert (outcome.status, outcome.out.strip()) == (0, f"entrepot {metadata.version('entrepot')}")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("codes", "semikonductor"), "semiconductor"),
        (("codes", "854151", "--hs-revision", "HS2017"), "HS2022"),
        (("codes", "chips", "--hs-revision", "HS2018"), "HS2017"),
        (("lists", "CHLP"), "CHPL"),
        (("lists", "CHPL", "--as-of", "yesterday"), "2023-01-31"),
        (("events", "sancktion"), "sanction"),
        (("events", "RUS", "EU", "tariff"), "fewer"),
        (("events", "2019-12"), "--since and --until"),
        (("areas", "Kirgistann"), "KGZ (Kyrgyzstan)"),
        (("areas", "RUZ"), "did you mean RUS (Russia)"),
        (("areas", "kgs"), "did you mean KGZ (Kyrgyzstan)"),
    ],
)
def test_the_unknown_proposes_the_nearest(entrepot, arguments, hint) -> None:
    outcome = entrepot(*arguments)
    assert outcome.status == 1
    assert outcome.out == ""
    assert hint in outcome.err


def test_rows_are_written_in_full(entrepot, tmp_path) -> None:
    file = tmp_path / "list.parquet"
    assert "written" in entrepot("lists", "CHPL", "--most", "1", "--out", file).out
    assert pq.read_table(file).equals(look_up_list("CHPL"))
    printed = entrepot("areas", "EAEU", "--out", "-").out
    assert next(csv.reader(io.StringIO(printed)))[:2] == ["code", "name"]
    assert "areas: 5" not in printed
    assert entrepot("codes", "camera", "--out", "camera.doc").status == 1


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_console(width, encoding) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, highlight=False)
    print_facts(
        look_up_areas("guinea"), console, narrow=("code", "name", "groups"),
        wide=("code", "name", "other_names"), most=2, title="areas",
    )  # fmt: skip
    file.flush()
    text = file.buffer.getvalue().decode(encoding)
    assert "areas: 4" in text
    assert "and 2 more" in text
    assert ("·" in text) == (width > 110 and encoding == "utf-8")
    lines = [line for line in text.splitlines() if "more" not in line]
    assert max(Console().measure(line).maximum for line in lines) <= width


def test_tables_keep_their_columns_when_empty() -> None:
    from datetime import date  # noqa: PLC0415  (used once)

    assert look_up_events("package", until=date(1990, 1, 1)).column_names[0] == "date"
    assert look_up_codes("ball bearings", revision="HS1992")["hs_code"].to_pylist()[0] == "848210"
