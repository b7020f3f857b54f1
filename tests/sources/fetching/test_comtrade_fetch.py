"""UN Comtrade over a real server: availability, limits, empty answers, keys, bulk files."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from entrepot import FetchQuery, fetch
from entrepot.errors import (
    AccessError,
    EmptyFileError,
    EntrepotError,
    FetchError,
    HeaderError,
    OptionError,
    TruncatedFileError,
)
from entrepot.nomenclature import area, area_table
from entrepot.schema import FlowKind

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0123456789abcdef0123456789abcdef"
MARCH = FetchQuery(periods=("2022-03",), reporters=("CHN",))
NARROW = FetchQuery(periods=("2022-03",), reporters=("CHN",), partners=("KGZ",), products=("870421",))
PREVIEW = "/public/v1/preview/C/M/HS"
GET = "/data/v1/get/C/M/HS"
AVAILABLE = "/public/v1/getDA/C/M/HS"


def only(report):
    assert len(report.parts) == 1
    return report.parts[0]


def everything_written(folder: Path) -> str:
    return "\n".join(
        f"{path}\n{path.read_text('utf-8', 'replace')}" for path in folder.rglob("*") if path.is_file()
    )


def test_a_month_comes_with_its_vintage(comtrade, options, tmp_path: Path) -> None:
    report = fetch("comtrade", tmp_path, MARCH, options=options())
    part = only(report)
    assert (part.status, part.rows, part.vintage) == ("fetched", 3, "-1234567")
    assert part.name.startswith("comtrade-M-CHN-202203-")
    assert part.name.endswith("-[2023-01-03].json")
    assert json.loads(part.path.read_bytes())["count"] == 3
    assert report.next_step == f"entrepot ingest comtrade {tmp_path} --lake lake"
    asked = comtrade.asked[-1].params
    assert asked == {
        "reporterCode": "156", "period": "202203", "cmdCode": "AG6", "partner2Code": "0",
        "customsCode": "C00", "motCode": "0", "maxRecords": "500",
    }  # fmt: skip


def test_the_question_says_flow_partner_and_goods(comtrade, options, tmp_path: Path) -> None:
    query = FetchQuery(
        periods=("2022-03",), reporters=("CHN",), partners=("KGZ", "USA"), products=("8704", "87"),
        flows=(FlowKind.EXPORT, FlowKind.RE_EXPORT),
    )  # fmt: skip
    fetch("comtrade", tmp_path, query, options=options())
    asked = comtrade.asked[-1].params
    assert (asked["flowCode"], asked["cmdCode"]) == ("X,RX", "8704,87")
    assert asked["partnerCode"].split(",")[0] == "417"
    assert {"842", "840"} <= set(asked["partnerCode"].split(","))


def test_many_codes_make_several_questions_that_fit_an_address(comtrade, options, tmp_path: Path) -> None:
    codes = tuple(f"{8400 + n // 100:04d}{n % 100:02d}" for n in range(250))
    partners = tuple(code for code in area_table()["code"].to_pylist() if area(code).m49)
    assert len(partners) > 200
    query = FetchQuery(periods=("2022-03",), reporters=("CHN",), products=codes, partners=partners)
    report = fetch("comtrade", tmp_path, query, options=options())
    asked = [one for one in comtrade.asked if one.path == PREVIEW]
    assert len({part.name for part in report.parts}) == len(report.parts) == len(asked) > 6
    assert max(len(one.target) for one in asked) < 1900
    pairs = [
        (code, number)
        for one in asked
        for code in one.params["cmdCode"].split(",")
        for number in one.params["partnerCode"].split(",")
    ]
    numbers = {str(number) for code in partners for number in area(code).m49}
    assert len(pairs) == len(set(pairs)) == len(codes) * len(numbers)


def test_a_partner_without_a_number_does_not_become_all_partners(comtrade, options, tmp_path: Path) -> None:
    numberless = next(code for code in area_table()["code"].to_pylist() if not area(code).m49)
    query = FetchQuery(periods=("2022-03",), reporters=("CHN",), partners=("KGZ", numberless))
    with pytest.raises(OptionError, match=f"no number for {numberless}"):
        fetch("comtrade", tmp_path, query, options=options())


def test_what_is_not_published_is_no_failure_and_no_hole(comtrade, options, tmp_path: Path) -> None:
    query = FetchQuery(periods=("2022-03", "2022-04"), reporters=("CHN", "RUS"))
    report = fetch("comtrade", tmp_path, query, options=options())
    assert [part.status for part in report.parts] == ["fetched"]
    assert report.not_published == ("CHN 2022-04", "RUS 2022-03", "RUS 2022-04")
    assert report.failed == ()


def test_all_reporters_are_those_that_published_without_groups(
    comtrade, options, api, tmp_path: Path
) -> None:
    rows = [api.dataset(), api.dataset(398), api.dataset(97)]
    comtrade.json(AVAILABLE, api.answer(rows))
    comtrade.json(PREVIEW, api.answer([api.row(398)]), reporterCode="398")
    report = fetch("comtrade", tmp_path, FetchQuery(periods=("2022-03",)), options=options())
    assert [part.what for part in report.parts] == ["CHN 2022-03", "KAZ 2022-03"]


def test_years_are_asked_as_years_and_many_periods_in_turns(server, options, api, tmp_path: Path) -> None:
    years = tuple(str(year) for year in range(2005, 2024))
    server.json("/public/v1/getDA/C/A/HS", api.answer([]))
    report = fetch("comtrade", tmp_path, FetchQuery(periods=years, reporters=("CHN",)), options=options())
    assert [len(one.params["period"].split(",")) for one in server.asked] == [12, 7]
    assert len(report.not_published) == 19
    report = fetch("comtrade", tmp_path, FetchQuery(periods=("2023",)), options=options())
    assert report.not_published == ("2023, any reporter",)


def test_a_checksum_that_is_known_costs_no_question(comtrade, options, api, tmp_path: Path) -> None:
    fetch("comtrade", tmp_path, MARCH, options=options())
    comtrade.asked.clear()
    assert only(fetch("comtrade", tmp_path, MARCH, options=options())).status == "kept"
    assert comtrade.paths() == [AVAILABLE]


def test_a_new_checksum_is_a_new_vintage_beside_the_old(comtrade, options, api, tmp_path: Path) -> None:
    first = only(fetch("comtrade", tmp_path, MARCH, options=options()))
    revised = api.dataset(datasetChecksum=42, lastReleased="2024-05-06T00:00:00")
    comtrade.json(AVAILABLE, api.answer([revised]))
    second = only(fetch("comtrade", tmp_path, MARCH, options=options()))
    assert (second.status, second.vintage) == ("fetched", "42")
    assert second.name.endswith("[2024-05-06].json")
    assert first.path.exists()
    assert second.path.exists()


def test_another_question_is_another_file(comtrade, options, tmp_path: Path) -> None:
    names = {only(fetch("comtrade", tmp_path, query, options=options())).name for query in (MARCH, NARROW)}
    assert len(names) == 2


# --- limits


@pytest.mark.parametrize(("key", "path", "limit"), [("", PREVIEW, 500), (KEY, GET, 1000)])
def test_an_exactly_full_answer_is_truncated(
    comtrade, options, api, tmp_path: Path, key, path, limit
) -> None:
    comtrade.json(path, api.answer([api.row(cmdCode=f"{n:06d}") for n in range(limit)]))
    query = FetchQuery(periods=("2022-03",), reporters=("CHN",), row_limit=1000 if key else 0)
    part = only(fetch("comtrade", tmp_path, query, options=options(key=key)))
    assert isinstance(part.error, TruncatedFileError)
    assert (
        part.error.what == f"the answer has exactly {limit:,} rows, the publisher's limit: more were cut off"
    )
    assert part.error.where == "UN Comtrade, CHN 2022-03"
    assert "--flow import" in part.error.hint
    assert list(tmp_path.glob("c*.json")) == []
    # One row less is whole.
    comtrade.json(path, api.answer([api.row(cmdCode=f"{n:06d}") for n in range(limit - 1)]))
    assert only(fetch("comtrade", tmp_path, query, options=options(key=key))).rows == limit - 1


def test_a_limit_of_another_key_is_known_too(comtrade, options, api, tmp_path: Path) -> None:
    comtrade.json(GET, api.answer([api.row(cmdCode=f"{n:06d}") for n in range(500)]))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options(key=KEY)))
    assert isinstance(part.error, TruncatedFileError)


def test_fewer_rows_than_said_are_truncated(comtrade, options, api, tmp_path: Path) -> None:
    comtrade.json(PREVIEW, api.answer([api.row()], count=7))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options()))
    assert isinstance(part.error, TruncatedFileError)
    assert "says 7 rows and has 1" in part.error.what


def test_a_full_list_of_what_is_published_is_truncated(comtrade, options, api, tmp_path: Path) -> None:
    comtrade.json(AVAILABLE, api.answer([api.dataset(1000 + n) for n in range(500)]))
    with pytest.raises(TruncatedFileError, match="exactly 500 rows"):
        fetch("comtrade", tmp_path, MARCH, options=options())


def test_cut_json_is_asked_again_then_an_error(comtrade, reply, options, api, tmp_path: Path) -> None:
    whole = json.dumps(api.answer([api.row(), api.row()])).encode()
    cut = reply(whole[: whole.index(b"}, {") + 1], has_length=False)
    comtrade.on(PREVIEW, cut, reply(whole))
    assert only(fetch("comtrade", tmp_path, MARCH, options=options())).rows == 2
    comtrade.on(PREVIEW, cut)
    part = only(fetch("comtrade", tmp_path / "again", MARCH, options=options()))
    assert isinstance(part.error, TruncatedFileError)
    assert "the JSON breaks" in part.error.what


# --- empty answers


def test_an_empty_answer_for_a_published_month_is_an_error(comtrade, options, api, tmp_path: Path) -> None:
    comtrade.json(PREVIEW, api.answer([]))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options()))
    assert isinstance(part.error, EmptyFileError)
    assert "the publisher's own list says that there are data (210,345 rows)" in part.error.what


def test_a_witness_does_not_excuse_an_empty_answer_for_all_goods(
    comtrade, options, api, tmp_path: Path
) -> None:
    comtrade.json(PREVIEW, api.answer([]))
    comtrade.json(PREVIEW, api.answer([api.row(cmdCode="TOTAL", partnerCode=0)]), cmdCode="TOTAL")
    assert isinstance(only(fetch("comtrade", tmp_path, MARCH, options=options())).error, EmptyFileError)


def test_an_empty_answer_to_a_narrow_question_needs_a_witness(comtrade, options, api, tmp_path: Path) -> None:
    comtrade.json(PREVIEW, api.answer([]))
    comtrade.json(PREVIEW, api.answer([api.row(cmdCode="TOTAL", partnerCode=0)]), cmdCode="TOTAL")
    part = only(fetch("comtrade", tmp_path, NARROW, options=options()))
    assert (part.status, part.path, part.rows) == ("empty", None, 0)
    assert part.note == "published, and nothing of what was asked is in it"
    assert list(tmp_path.glob("c*.json")) == []
    comtrade.asked.clear()
    assert only(fetch("comtrade", tmp_path, NARROW, options=options())).status == "empty"
    assert comtrade.paths() == [AVAILABLE]


def test_without_the_witness_it_is_an_error(comtrade, options, api, tmp_path: Path) -> None:
    comtrade.json(PREVIEW, api.answer([]))
    part = only(fetch("comtrade", tmp_path, NARROW, options=options()))
    assert isinstance(part.error, EmptyFileError)


# --- answers that are something else


def test_an_error_in_the_answer_is_told(comtrade, options, api, tmp_path: Path) -> None:
    comtrade.json(PREVIEW, api.answer([], error="The query is too complex"))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options()))
    assert isinstance(part.error, FetchError)
    assert "'The query is too complex'" in part.error.what


@pytest.mark.parametrize("changes", [{"period": "202204"}, {"number": 398}])
def test_rows_of_another_question_are_refused(comtrade, options, api, tmp_path: Path, changes) -> None:
    comtrade.json(PREVIEW, api.answer([api.row(), api.row(**changes)]))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options()))
    assert isinstance(part.error, FetchError)
    assert "the answer holds rows of reporter" in part.error.what


@pytest.mark.parametrize(
    ("old", "new"), [("cmdCode", "goods"), ("netWgt", "weightNet"), ("primaryValue", "usd")]
)
def test_a_changed_column_is_an_error(comtrade, options, api, tmp_path: Path, old: str, new: str) -> None:
    row = {(new if name == old else name): value for name, value in api.row().items()}
    comtrade.json(PREVIEW, api.answer([row]))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options()))
    assert isinstance(part.error, HeaderError)
    assert old in str(part.error)
    assert new in str(part.error)
    assert list(tmp_path.glob("c*.json")) == []


def test_a_changed_column_of_the_availability_is_an_error(comtrade, options, api, tmp_path: Path) -> None:
    row = api.dataset()
    row["checksum"] = row.pop("datasetChecksum")
    comtrade.json(AVAILABLE, api.answer([row]))
    with pytest.raises(HeaderError, match="lacks datasetchecksum"):
        fetch("comtrade", tmp_path, MARCH, options=options())


def test_columns_of_the_availability_are_known_in_any_case(comtrade, options, api, tmp_path: Path) -> None:
    row = {name[0].upper() + name[1:]: value for name, value in api.dataset().items()}
    comtrade.json(AVAILABLE, api.answer([row]))
    assert only(fetch("comtrade", tmp_path, MARCH, options=options())).vintage == "-1234567"


def test_a_page_in_place_of_the_availability_is_told(comtrade, reply, options, tmp_path: Path) -> None:
    comtrade.on(AVAILABLE, reply(b"<html><title>Request URL Too Long</title></html>"))
    with pytest.raises(FetchError, match="a web page or XML in place of JSON: 'Request URL Too Long'"):
        fetch("comtrade", tmp_path, MARCH, options=options())


# --- failures of some periods


def test_a_failed_period_is_told_and_a_repeat_fetches_it_alone(
    comtrade, reply, options, api, tmp_path: Path
) -> None:
    months = ("2022-03", "2022-04", "2022-05")
    comtrade.json(AVAILABLE, api.answer([api.dataset(period=month.replace("-", "")) for month in months]))
    for month in months:
        code = month.replace("-", "")
        comtrade.json(PREVIEW, api.answer([api.row(period=code)]), period=code)
    comtrade.on(PREVIEW, reply(b"", 500), period="202204")
    query = FetchQuery(periods=months, reporters=("CHN",))
    report = fetch("comtrade", tmp_path, query, options=options())
    assert [part.status for part in report.parts] == ["fetched", "failed", "fetched"]
    assert [part.what for part in report.failed] == ["CHN 2022-04"]
    comtrade.json(PREVIEW, api.answer([api.row(period="202204")]), period="202204")
    comtrade.asked.clear()
    report = fetch("comtrade", tmp_path, query, options=options())
    assert [part.status for part in report.parts] == ["kept", "fetched", "kept"]
    assert [one.params["period"] for one in comtrade.asked if one.path == PREVIEW] == ["202204"]


def _five_months(comtrade, api) -> FetchQuery:
    months = tuple(f"2022-0{n}" for n in range(1, 6))
    comtrade.json(AVAILABLE, api.answer([api.dataset(period=month.replace("-", "")) for month in months]))
    return FetchQuery(periods=months, reporters=("CHN",))


def test_a_spent_quota_stops_the_rest(comtrade, reply, options, api, tmp_path: Path) -> None:
    query = _five_months(comtrade, api)
    comtrade.json(GET, api.answer([api.row(period="202201")]), period="202201")
    body = (
        b'{"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 03:30:56."}'
    )
    comtrade.on(GET, reply(body, 403), period="202202")
    report = fetch("comtrade", tmp_path, query, options=options(key=KEY))
    assert [part.status for part in report.parts] == ["fetched", "failed", *["not_tried"] * 3]
    assert isinstance(report.parts[1].error, AccessError)
    assert "ask again in 3.5 hours" in report.parts[1].error.what
    assert comtrade.paths().count(GET) == 2


def test_a_server_that_is_down_is_not_asked_the_rest(comtrade, reply, options, api, tmp_path: Path) -> None:
    query = _five_months(comtrade, api)
    comtrade.on(PREVIEW, reply(b"", 503))
    report = fetch("comtrade", tmp_path, query, options=options())
    assert [part.status for part in report.parts] == [*["failed"] * 3, *["not_tried"] * 2]


# --- keys


def test_a_refused_key_is_told_without_the_key(comtrade, reply, options, tmp_path: Path) -> None:
    body = json.dumps({"statusCode": 401, "message": f"Access denied due to invalid subscription key {KEY}."})
    comtrade.on(GET, reply(body.encode(), 401))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options(key=KEY)))
    assert isinstance(part.error, AccessError)
    assert "refuses the key (401): 'Access denied due to invalid subscription key ***.'" in part.error.what
    assert KEY not in str(part.error)
    assert KEY not in everything_written(tmp_path)


def test_a_key_at_the_end_of_what_is_quoted_is_not_shown_in_part(
    comtrade, reply, options, tmp_path: Path
) -> None:
    comtrade.on(GET, reply(b"x" * 190 + KEY.encode() + b" y" * 50, 401))
    part = only(fetch("comtrade", tmp_path, MARCH, options=options(key=KEY)))
    assert KEY[:4] not in part.error.what


def test_the_key_goes_in_a_header_to_the_publisher_alone(
    comtrade, other_server, reply, options, api, tmp_path: Path
) -> None:
    comtrade.on(GET, reply(b"", 302, {"Location": f"{other_server.base}/elsewhere"}))
    other_server.json("/elsewhere", api.answer([api.row()]))
    made = options(key=KEY)
    assert only(fetch("comtrade", tmp_path, MARCH, options=made)).status == "fetched"
    first = next(one for one in comtrade.asked if one.path == GET)
    assert first.headers["Ocp-Apim-Subscription-Key"] == KEY
    assert "Ocp-Apim-Subscription-Key" not in other_server.asked[0].headers
    assert KEY not in repr(made)
    assert not any(KEY in str(one.params) for one in [*comtrade.asked, *other_server.asked])
    assert KEY not in everything_written(tmp_path)


def test_the_key_may_stand_in_the_environment(comtrade, options, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ENTREPOT_COMTRADE_KEY", f" {KEY}\n")
    fetch("comtrade", tmp_path, MARCH, options=options())
    assert comtrade.asked[-1].path == GET
    assert comtrade.asked[-1].headers["Ocp-Apim-Subscription-Key"] == KEY


def test_a_key_that_cannot_be_one_is_not_repeated(options, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no key has") as caught:
        fetch("comtrade", tmp_path, MARCH, options=options(key="my secret key"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("method", ["get", "bulk"])
def test_a_service_with_a_key_asks_for_it(options, tmp_path: Path, method) -> None:
    query = FetchQuery(periods=("2022-03",), method=method)
    with pytest.raises(OptionError, match="asks for a key") as caught:
        fetch("comtrade", tmp_path, query, options=options())
    assert "ENTREPOT_COMTRADE_KEY" in caught.value.hint


# --- bulk


BULK_LIST = "/bulk/v1/get/C/M/HS"


def bulk_file(api) -> bytes:
    text = ((api.samples / "bulk.txt").read_text(encoding="utf-8")).encode()
    return gzip.compress(text)


def listed(server, size: int, **changes: object) -> dict[str, object]:
    return {
        "datasetCode": 1, "typeCode": "C", "freqCode": "M", "period": "202203", "reporterCode": 156,
        "classificationCode": "H6", "isOriginalClassification": True,
        "fileUrl": f"{server.base}/bulk/v1/file/156/ab12", "fileSize": f"{size / 1024:.2f} KB",
        "publicationDate": "2023-01-03T00:00:00", **changes,
    }  # fmt: skip


BULK = FetchQuery(periods=("2022-03", "2022-04"), reporters=("CHN",), method="bulk")


def test_a_bulk_file_comes_under_the_official_clients_name(server, options, api, tmp_path: Path) -> None:
    body = bulk_file(api)
    server.json(BULK_LIST, api.answer([listed(server, len(body))]))
    server.files["/bulk/v1/file/156/ab12"] = (body, '"b1"')
    report = fetch("comtrade", tmp_path, BULK, options=options(key=KEY))
    assert only(report).name == "COMTRADE-FINAL-CM156202203H6[2023-01-03].gz"
    assert only(report).path.read_bytes() == body
    assert report.not_published == ("CHN 2022-04",)
    assert all(one.headers["Ocp-Apim-Subscription-Key"] == KEY for one in server.asked)
    server.asked.clear()
    assert only(fetch("comtrade", tmp_path, BULK, options=options(key=KEY))).status == "kept"
    assert server.paths() == [BULK_LIST]


def test_a_bulk_file_of_another_size_than_listed_is_truncated(server, options, api, tmp_path: Path) -> None:
    body = bulk_file(api)
    server.json(BULK_LIST, api.answer([listed(server, len(body) + 4096)]))
    server.files["/bulk/v1/file/156/ab12"] = (body, '"b1"')
    part = only(fetch("comtrade", tmp_path, BULK, options=options(key=KEY)))
    assert isinstance(part.error, TruncatedFileError)
    assert f"{len(body):,} bytes came, the publisher's list says" in part.error.what


def test_a_bulk_file_that_breaks_inside_is_truncated(server, reply, options, api, tmp_path: Path) -> None:
    body = bulk_file(api)
    server.json(BULK_LIST, api.answer([listed(server, len(body))]))
    server.on("/bulk/v1/file/156/ab12", reply(body[:-20], has_length=False))
    part = only(fetch("comtrade", tmp_path, BULK, options=options(key=KEY)))
    assert isinstance(part.error, TruncatedFileError)
    assert "the gzip stream" in part.error.what


def test_the_key_does_not_follow_a_listed_address_elsewhere(
    server, other_server, options, api, tmp_path: Path
) -> None:
    body = bulk_file(api)
    server.json(BULK_LIST, api.answer([listed(server, len(body), fileUrl=f"{other_server.base}/x/ab12")]))
    other_server.files["/x/ab12"] = (body, "")
    assert only(fetch("comtrade", tmp_path, BULK, options=options(key=KEY))).status == "fetched"
    assert "Ocp-Apim-Subscription-Key" not in other_server.asked[0].headers


def test_a_list_that_names_a_path_is_refused(server, options, api, tmp_path: Path) -> None:
    row = listed(server, 10, classificationCode="H6/../../x")
    server.json(BULK_LIST, api.answer([row]))
    with pytest.raises(FetchError, match="no sound file name"):
        fetch("comtrade", tmp_path, BULK, options=options(key=KEY))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (FetchQuery(reporters=("CHN",)), "no period is asked for"),
        (FetchQuery(periods=("2022", "2022-03")), "years and months cannot be fetched together"),
        (FetchQuery(periods=("2022-3",)), "'2022-3' is no period"),
        (FetchQuery(periods=("2022",), release="V1"), "--release means nothing to comtrade"),
        (FetchQuery(periods=("2022",), hs_revision="HS2031"), "HS2031"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(options, tmp_path: Path, query, said) -> None:
    with pytest.raises(EntrepotError, match=said):
        fetch("comtrade", tmp_path, query, options=options())
