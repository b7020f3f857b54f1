"""The cases that ship: all claims, each with its source, its needs and commands that exist."""

from __future__ import annotations

import inspect
import re
import shlex

import pytest
import typer.main

from entrepot import measures
from entrepot.app.cli import app
from entrepot.errors import EntrepotError, InputFileError, OptionError, UnknownCodeError
from entrepot.pipeline.cases import case_names, find_case, new_case, published_figures
from entrepot.pipeline.cases.answers import query_of
from entrepot.pipeline.cases.reading import read_case

CLAIMS = tuple(f"C{number}" for number in range(1, 12))


def test_every_claim_is_a_case() -> None:
    assert case_names()[: len(CLAIMS)] == CLAIMS
    assert {"RUSSIA-PARTNERS", "KYRGYZ-IMPORTS", "KAZAKH-IMPORTS", "EU-EXPORTS"} <= set(case_names())


@pytest.mark.parametrize("name", case_names())
def test_a_case_says_what_it_rests_on(name) -> None:
    case = find_case(name)
    assert case.id == name
    assert case.question.endswith("?")
    assert case.source
    assert case.answers
    assert case.needs or case.bars or not case.calls
    for figure in case.figures:
        assert figure.calls or figure.note or not case.is_target or case.standing != "official"


def test_the_unverified_claim_is_no_target() -> None:
    case = find_case("C11")
    assert (case.standing, case.is_target) == ("unverified", False)
    assert "Confirmed or refuted by" in case.confirm
    assert all(figure.value is None for figure in case.figures if figure.calls)
    assert [name for name in case_names() if find_case(name).standing == "unverified"] == ["C11"]


def test_the_table_of_vehicles_is_that_of_the_report() -> None:
    rows = {
        (r["importer"], r["period"]): r["value"]
        for r in published_figures().to_pylist()
        if r["case"] == "C6" and r["unit"] == "USD"
    }
    assert rows == {
        ("BLR", "2021"): 1_808_203_000, ("BLR", "2023"): 1_733_846_058,
        ("KAZ", "2021"): 3_257_459_702, ("KAZ", "2023"): 2_889_635_078,
        ("KGZ", "2021"): 302_909_157, ("KGZ", "2023"): 3_155_495_461,
        ("RUS", "2021"): 26_788_687_343, ("RUS", "2023"): 22_518_173_442,
        ("TJK", "2021"): 359_091_839, ("TJK", "2023"): 441_829_960,
        ("UZB", "2021"): 2_111_080_106, ("UZB", "2023"): 3_068_506_022,
    }  # fmt: skip


def test_every_published_figure_has_its_source_and_standing() -> None:
    rows = published_figures().to_pylist()
    assert {row["standing"] for row in rows} == {"official", "study", "press", "unverified"}
    assert all(row["source"] for row in rows)
    assert len({(row["case"], row["figure"]) for row in rows}) == len(rows)


def commands():
    for name in case_names():
        case = find_case(name)
        for text in (
            *[call.command() for call in case.calls if not call.table],
            *case.further,
            *[one for need in case.needs for one in (need.get, need.ingest) if one.startswith("entrepot ")],
        ):
            yield pytest.param(text, id=f"{name}: {' '.join(text.split()[1:4])}")


@pytest.mark.parametrize("text", list(commands()))
def test_every_command_that_a_case_names_exists_with_its_options(text) -> None:
    words = shlex.split(text)[1:]
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    options = {spelling for parameter in command.params for spelling in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("name", case_names())
def test_every_call_is_a_question_that_can_be_put(name) -> None:
    """Names of measures, areas, codes and keys are right: only the data may be missing."""
    for call in find_case(name).calls:
        if call.table:
            function, _, words = call.command().removeprefix("entrepot.measures.").partition("(")
            named = {word.partition("=")[0].strip() for word in re.findall(r"\w+=", words)}
            assert named <= set(inspect.signature(getattr(measures, function)).parameters)
            continue
        query = query_of(call)
        assert query.name == call.measure


def test_a_new_case_is_a_case_and_can_be_put() -> None:
    case = read_case(new_case("mine"), where="mine.toml")
    assert case.id == "mine"
    assert query_of(case.calls[0]).flows.exporters == ("CHN",)
    with pytest.raises(OptionError, match="no name"):
        new_case("../mine")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('standing = "official"', 'standing = "sure"'), "standing"),
        (('chart = "exports"', 'chart = "imports"'), "imports is named"),
        (('calls = ["exports"]', 'calls = ["other"]'), "other is named"),
        (('unit = "USD"', 'unit = "USD"\ncolour = "red"'), "colour"),
        (('standing = "official"', 'standing = "unverified"'), "no target"),
        (('id = "mine"', "id = "), "no TOML"),
    ],
)  # fmt: skip
def test_what_is_no_case_says_where(change, word) -> None:
    text = new_case("mine").replace(*change)
    assert text != new_case("mine")
    with pytest.raises(InputFileError, match=word) as caught:
        read_case(text, where="mine.toml")
    assert caught.value.where == "mine.toml"


def test_an_unknown_case_proposes_the_nearest(tmp_path) -> None:
    with pytest.raises(UnknownCodeError, match="no case is called") as caught:
        find_case("KYRGYZ-IMPORT")
    assert "KYRGYZ-IMPORTS" in caught.value.hint
    with pytest.raises(EntrepotError):
        find_case(tmp_path / "none.toml")


def further():
    for name in case_names():
        for text in find_case(name).further:
            yield pytest.param(text, id=f"{name}: {' '.join(text.split()[1:4])}")


@pytest.mark.parametrize("text", list(further()))
def test_a_command_that_takes_a_case_further_asks_for_one_frequency(text) -> None:
    """An event of a month with windows of years found no reports, whatever had been taken in."""
    words = shlex.split(text)
    spans = [words[k + 1] for k, word in enumerate(words) if word in {"--event", "--before", "--after"}]
    assert len({"-" in span for span in spans}) < 2


@pytest.mark.parametrize("name", ["C6", "C7", "C8"])
def test_a_detour_of_goods_whose_seller_lost_nothing_names_no_origin(name) -> None:
    """China's direct sales did not fall: it relays what others no longer sell, who must be in the search."""
    for text in find_case(name).further:
        if " detours " in text or " robustness " in text:
            assert "--origin" not in text
            assert "--destination RUS" in text
