"""China's customs: the publisher's bytes, the direction that is asked for, parts that are added once."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.errors import (
    EmptyFileError,
    EncodingError,
    HeaderError,
    InputFileError,
    OptionError,
    TruncatedFileError,
)
from entrepot.pipeline import IngestOptions, ingest
from entrepot.schema import FlowKind
from entrepot.schema.layouts import GACC_QUERY
from entrepot.sources.base import Stated
from entrepot.sources.gacc import GaccSource
from entrepot.sources.rates import ecb_rates
from entrepot.sources.registry import open_source

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(str(files("entrepot.sources.gacc"))) / "samples"
EXPORTS = GaccSource(Stated(FlowKind.EXPORT))
FULL = [
    "数据年月", "商品编码", "商品名称", "贸易伙伴编码", "贸易伙伴名称", "贸易方式编码", "贸易方式名称",
    "注册地编码", "注册地名称", "第一数量", "第一计量单位", "第二数量", "第二计量单位", "美元",
]  # fmt: skip
ROW = ["202303", "87042100", "货车", "146", "吉尔吉斯斯坦", "10", "一般贸易", "65", "新疆维吾尔自治区",
       "2", "辆", "6,000", "千克", "1,234,567"]  # fmt: skip


def changed(**changes: str) -> list[str]:
    """Return a good row with changes, by what the columns mean."""
    places = {GACC_QUERY[name]: place for place, name in enumerate(FULL)}
    row = list(ROW)
    for meaning, text in changes.items():
        row[places[meaning]] = text
    return row


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(
        rows: list[list[str]], header: list[str] = FULL, *, encoding: str = "gb18030", end: str = ",\r\n"
    ):
        text = "".join(",".join(f'"{value}"' for value in row) + end for row in (header, *rows))
        path = tmp_path / "downloadData.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return _write


def test_a_download_in_chinese(judge_file) -> None:
    found = judge_file(EXPORTS, SAMPLES / "chinese.csv")
    assert (found.staged, found.unreadable, found.faults) == (5, 0, [])
    assert found.layout.encoding == "gb18030"
    assert found.layout.has_trailing_delimiter
    by_partner = {row["partner"]: row for row in found.good}
    lorries = by_partner["KGZ"]
    expected = {
        "row_number": 1, "role": "leaf", "reporter": "CHN", "flow": "export", "period": "2023-03", "frequency": "M",
        "partner_concept": "last_known_destination", "hs_code": "870421", "hs_level": 8, "national_code": "87042100",
        "hs_revision": "HS2022", "primary_value_usd": 5_321_500.0, "valuation": "fob", "net_weight_kg": 450_000.0,
        "quantity": 150.0, "quantity_unit": "u", "reported_value": None, "parts": 2,
    }  # fmt: skip
    assert {name: lorries[name] for name in expected} == expected
    assert set(by_partner) == {"KGZ", "RUS", "HKG", "TWN"}
    assert by_partner["HKG"]["net_weight_kg"] == 12.0, "kilograms may be the second quantity"
    assert by_partner["TWN"]["net_weight_kg"] is None, "a weight of nothing beside a value is not reported"
    assert by_partner["TWN"]["quantity"] is None


def test_a_download_in_english_of_one_year_in_renminbi(judge_file) -> None:
    imports = GaccSource(Stated(FlowKind.IMPORT, "2023"))
    found = judge_file(imports, SAMPLES / "english.csv")
    assert found.faults == []
    assert [row["partner"] for row in found.good] == ["KGZ", "TWN", "TUR"]
    assert {
        (row["period"], row["frequency"], row["valuation"], row["partner_concept"]) for row in found.good
    } == {("2023", "A", "cif", "origin")}
    rate = next(
        r["per_usd"] for r in ecb_rates().to_pylist() if (r["currency"], r["period"]) == ("CNY", "2023")
    )
    assert found.good[0]["reported_currency"] == "CNY"
    assert found.good[0]["reported_value"] == 36_600_000.0
    assert found.good[0]["primary_value_usd"] == pytest.approx(36_600_000 / rate)
    assert (found.good[0]["quantity"], found.good[0]["quantity_unit"]) == (150.0, "set")


@pytest.mark.parametrize("flow", [None, FlowKind.RE_EXPORT])
def test_the_direction_is_asked_for(flow: FlowKind | None, write) -> None:
    with pytest.raises(OptionError) as caught:
        open_source("gacc", Stated(flow))
    assert "--flow import or --flow export" in caught.value.hint
    with pytest.raises(OptionError):
        GaccSource(Stated(flow)).recognise(write([ROW]))


def test_the_period_is_asked_for_where_the_file_has_none(write) -> None:
    path = write([ROW[1:]], FULL[1:])
    with pytest.raises(HeaderError, match="does not say its period"):
        EXPORTS.recognise(path)
    assert GaccSource(Stated(FlowKind.EXPORT, "2023-03")).recognise(path).id == "query-export-2023-03"
    with pytest.raises(OptionError, match="have their own dates"):
        GaccSource(Stated(FlowKind.EXPORT, "2023-03")).recognise(write([ROW]))
    with pytest.raises(OptionError, match="no period"):
        Stated(FlowKind.EXPORT, "2023-13")


def test_sources_that_say_their_flow_refuse_another() -> None:
    with pytest.raises(OptionError, match="say their own flow"):
        open_source("comtrade", Stated(FlowKind.IMPORT))


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8", "\n"), ("utf-8-sig", ",\n"), ("utf-16", ",\r\n"), ("gb18030", ",\n")]
)
def test_copies_that_users_save(encoding: str, end: str, write, judge_file) -> None:
    found = judge_file(
        EXPORTS, write([ROW, changed(partner="344", partner_name="俄罗斯联邦")], encoding=encoding, end=end)
    )
    assert [(row["partner"], row["primary_value_usd"]) for row in found.good] == [
        ("KGZ", 1_234_567.0),
        ("RUS", 1_234_567.0),
    ]


def test_a_name_may_hold_a_line_break_and_a_comma(write, judge_file) -> None:
    found = judge_file(
        EXPORTS,
        write([changed(product_name="货车,\r\n柴油"), changed(partner="145", partner_name="哈萨克斯坦")]),
    )
    assert [row["partner"] for row in found.good] == ["KGZ", "KAZ"]


def test_columns_in_another_order_and_unknown_ones(write, judge_file) -> None:
    order = list(reversed(range(len(FULL))))
    path = write([[ROW[n] for n in order] + ["x"]], [FULL[n] for n in order] + ["新列"])
    found = judge_file(EXPORTS, path)
    assert [row["primary_value_usd"] for row in found.good] == [1_234_567.0]
    assert found.layout.extra["unknown_columns"] == "新列"


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"period": "202313"}, "bad_period", "数据年月 202313"),
        ({"period": "2023"}, "bad_period", "数据年月 2023"),
        ({"partner": "888", "partner_name": "?"}, "unknown_area", "贸易伙伴编码 888"),
        # Codes of another scheme: 112 is Belarus in M49 and Indonesia here.
        ({"partner": "112", "partner_name": "白俄罗斯"}, "unknown_area", "贸易伙伴编码 112 白俄罗斯"),
        ({"product": "7042100"}, "unknown_hs_code", "商品编码 7042100"),
        ({"product": "00042100"}, "unknown_hs_code", "商品编码 00042100"),
        ({"value_usd": ""}, "missing_value", "美元 is empty"),
        ({"value_usd": "?"}, "missing_value", "美元 is empty"),
        ({"value_usd": "12,34"}, "bad_number", "美元 12,34"),
        ({"value_usd": "万"}, "bad_number", "美元 万"),
        ({"value_usd": "-5"}, "negative_value", "美元 -5"),
        ({"value_usd": "9" * 16}, "absurd_value", f"美元 {'9' * 16}"),
        ({"quantity": "x"}, "bad_number", "第一数量 x"),
    ],
)  # fmt: skip
def test_bad_rows(changes: dict[str, str], reason: str, detail: str, write, judge_file) -> None:
    other = changed(partner="344", partner_name="俄罗斯联邦")
    found = judge_file(EXPORTS, write([changed(**changes), other]))
    assert found.faults == [(1, reason, detail)]
    assert [row["partner"] for row in found.good] == ["RUS"]


def test_a_month_without_a_rate_is_set_aside(write, judge_file) -> None:
    header = ["Renminbi Yuan" if name == "美元" else name for name in FULL]
    found = judge_file(EXPORTS, write([changed(period="202303"), changed(period="209903")], header))
    assert found.faults == [(2, "missing_rate", "no rate of CNY for 2099-03")]


def test_parts_are_added_once(write, judge_file) -> None:
    rows = [
        changed(value_usd="100"),
        changed(province="11", value_usd="10", quantity_2="?"),  # no weight of the sum
        changed(regime="19", value_usd="1", unit="台"),
        changed(partner="344", partner_name="俄罗斯联邦", value_usd="7"),
        changed(partner="612", partner_name="社会群岛", value_usd="3"),  # two of theirs, one of ours
        changed(partner="616", partner_name="土布艾群岛", value_usd="4"),
    ]
    found = judge_file(EXPORTS, write(rows))
    assert [(r["partner"], r["primary_value_usd"], r["net_weight_kg"], r["quantity"], r["parts"]) for r in found.good] == [
        ("KGZ", 111.0, None, 6.0, 3), ("RUS", 7.0, 6000.0, 2.0, 1), ("PYF", 7.0, 12000.0, 4.0, 2),
    ]  # fmt: skip
    assert found.accounted == len(rows)


def test_a_sum_with_a_bad_part_is_no_sum(write, judge_file) -> None:
    found = judge_file(EXPORTS, write([ROW, changed(province="11", value_usd="x"), changed(period="202304")]))
    assert found.faults == [
        (1, "missing_value", "part of a sum, of which row 2 cannot be used"),
        (2, "bad_number", "美元 x"),
    ]
    assert [row["period"] for row in found.good] == ["2023-04"]


def test_a_part_that_stands_twice(write, judge_file) -> None:
    found = judge_file(EXPORTS, write([ROW, ROW, changed(province="11")]))
    assert found.faults == [(2, "duplicate_key", "identical to row 1")]
    assert [row["primary_value_usd"] for row in found.good] == [2 * 1_234_567.0]
    found = judge_file(EXPORTS, write([ROW, changed(value_usd="5"), changed(province="11")]))
    assert [(number, reason) for number, reason, _ in found.faults] == [
        (1, "duplicate_key"), (2, "duplicate_key"), (3, "missing_value"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "error", "what"),
    [
        (FULL[:3] + FULL[5:], HeaderError, "trading partner"),
        (["数据年月", *FULL[3:]], HeaderError, "the commodity"),
        (FULL[:-1], HeaderError, "the value"),
        ([*FULL, "US dollar"], HeaderError, "two columns mean the same"),
    ],
)  # fmt: skip
def test_bad_headers(header: list[str], error: type[Exception], what: str, write) -> None:
    path = write([["1"] * len(header)], header)
    with pytest.raises(error) as caught:
        EXPORTS.recognise(path)
    assert what in caught.value.what


def test_a_renamed_value_proposes_the_name(write) -> None:
    header = [*FULL[:-1], "US dollars"]
    with pytest.raises(HeaderError) as caught:
        EXPORTS.recognise(write([ROW], header))
    assert "'US dollars' looks like 'us dollar'" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", EmptyFileError),
        (b"<html><body>\xb5\xb1\xc7\xb0</body></html>", InputFileError),
        ("当前服务请求较多，请稍后重试".encode("gb18030"), HeaderError),
        (",".join(FULL).encode("gb18030") + b",\r\n", EmptyFileError),
        (b"\xff\xff\xff,\xff\n1,2\n", EncodingError),
        (b"PK\x03\x04 cut", InputFileError),
        (b"\x1f\x8b\x08\x00cut", TruncatedFileError),
    ],
)  # fmt: skip
def test_what_is_no_download(content: bytes, error: type[Exception], tmp_path: Path) -> None:
    path = tmp_path / "downloadData.csv"
    path.write_bytes(content)
    with pytest.raises(error):
        EXPORTS.recognise(path)


def test_a_file_of_exactly_the_limit_is_cut(write, tmp_path: Path) -> None:
    path = write([changed(province=f"{n}") for n in range(10_000)])
    (report,) = ingest(EXPORTS, [path], lake=tmp_path / "lake").files
    assert isinstance(report.error, TruncatedFileError)
    assert "10,000 rows" in report.error.what
    (report,) = ingest(EXPORTS, [path], lake=tmp_path / "lake", options=IngestOptions(is_complete=True)).files
    assert (report.rows_stored, report.rows_added, report.rows_quarantined) == (1, 9_999, 0)


def test_a_file_is_not_taken_in_twice_in_two_directions(write, tmp_path: Path) -> None:
    path = write([ROW])
    assert ingest(EXPORTS, [path], lake=tmp_path / "lake").files[0].status == "stored"
    assert ingest(EXPORTS, [path], lake=tmp_path / "lake").files[0].status == "already_in"
    (report,) = ingest(GaccSource(Stated(FlowKind.IMPORT)), [path], lake=tmp_path / "lake").files
    assert "query-export, not as query-import" in report.error.what


PARTNERS = {
    "146": ("吉尔吉斯斯坦", "KGZ"),
    "344": ("俄罗斯联邦", "RUS"),
    "612": ("社会群岛", "PYF"),
    "616": ("土布艾群岛", "PYF"),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(list(PARTNERS)), st.sampled_from(["87042100", "8704"]), st.sampled_from(["10", "19"]),
            st.integers(10, 14), st.sampled_from(["1", "20", "1,000", "x"]), st.sampled_from(["0", "7", "?"]),
        ),
        min_size=1, max_size=25,
    )
)  # fmt: skip
def test_sums_are_those_of_a_slow_twin(rows: list[tuple], write, judge_file) -> None:
    """Row by row in Python: parts once, conflicts and unreadable parts spoil their sum, copies do not."""
    table = [
        changed(partner=partner, partner_name=PARTNERS[partner][0], product=code, regime=regime, province=str(province),
                value_usd=value, quantity="1", quantity_2=weight)
        for partner, code, regime, province, value, weight in rows
    ]  # fmt: skip
    expected: dict[tuple[str, str], tuple[float, float | None]] = {}
    for area, code in {(PARTNERS[row[0]][1], row[1]) for row in rows}:
        parts: dict[tuple, set[tuple[str, str]]] = {}
        for partner, its_code, regime, province, value, weight in rows:
            if (PARTNERS[partner][1], its_code) == (area, code):
                parts.setdefault((partner, regime, province), set()).add((value, weight))
        said = [one for told in parts.values() for one in told]
        if len(said) == len(parts) and all(value != "x" for value, _ in said):
            weights = [None if weight == "?" else float(weight) for _, weight in said]
            total = None if None in weights else sum(weights) or None
            expected[area, code] = (sum(float(value.replace(",", "")) for value, _ in said), total)
    found = judge_file(EXPORTS, write(table))
    sums = {(row["partner"], row["national_code"] or row["hs_code"]): row for row in found.good}
    assert {key: (row["primary_value_usd"], row["net_weight_kg"]) for key, row in sums.items()} == expected
    assert len(sums) == len(found.good)
    assert found.accounted == len(rows)
