"""Classifications of one's own from CSV: UN's layout of BEC Rev.5, weights, revisions, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrepot.errors import EntrepotError
from entrepot.nomenclature import code_links, file_class_table

if TYPE_CHECKING:
    from pathlib import Path

#: The columns of the United Nations' sheet, as a spreadsheet saves it: codes are numbers without their zeros.
UN_HEADER = (
    "HS,HS4,HS4Desc,HS6,HS6Desc,BEC5Code1,BEC5Code2,BEC5Category,BEC5EndUse,BEC5Processing,"
    "BEC5Specification,BEC5Durability"
)
UN_ROWS = (
    'H5,101,Horses,10121,"horses, made up",712010,,"Health, made up",CAP,PRIMARY,GENERIC,NON-DURABLE',
    "H5,8542,Chips,854231,Processors,712020,,ICT,INT,PROCESSED,SPECIFIED,",
    "H5,8703,Cars,870323,Cars,612030,,Transport,CONS,PROCESSED,,DURABLE",
    "H5,8703,Cars,870323,Cars,611010,,Transport,CAP,PROCESSED,,DURABLE",
    "H5,9999,Rest,999999,Rest,,,,,,,",
)


def saved(folder: Path, *lines: str, name: str = "bec5.csv") -> str:
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    return str(path)


def kinds(table, code: str) -> dict[str, float]:
    return {row["category"]: row["weight"] for row in table.to_pylist() if row["hs_code"] == code}


def test_the_united_nations_sheet_is_read_as_it_is(tmp_path) -> None:
    file = saved(tmp_path, UN_HEADER, *UN_ROWS)
    end_use = file_class_table(file, revision="HS2017")
    assert kinds(end_use, "010121") == {"CAP": 1.0}
    assert kinds(end_use, "854231") == {"INT": 1.0}
    assert kinds(end_use, "870323") == {"CAP": 0.5, "CONS": 0.5}  # two uses, which no six digits tell apart
    assert kinds(end_use, "999999") == {}
    stages = file_class_table(f"{file}:BEC5Processing", revision="HS2017")
    assert kinds(stages, "870323") == {"PROCESSED": 1.0}
    assert kinds(stages, "010121") == {"PRIMARY": 1.0}


def test_codes_of_another_revision_take_the_categories_of_their_counterparts(tmp_path) -> None:
    """What a code of HS2022 came from that the file does not name has no part in its shares."""
    file = saved(tmp_path, UN_HEADER, *UN_ROWS)
    later = file_class_table(file, revision="HS2022")
    named = {"010121", "854231", "870323"}
    by_links = {newer for older, newer in code_links("HS2017") if older in named}
    assert set(later["hs_code"].to_pylist()) == by_links
    assert kinds(later, "854231") == {"INT": 1.0}


def test_longer_codes_come_first_and_weights_share(tmp_path) -> None:
    file = saved(
        tmp_path, "hs_code;category;title;weight", "84;machines;Machines;1", "8471;computers;Computers;3",
        "8471;toys;Toys;1", "854231;chips;Chips;2",
    )  # fmt: skip
    table = file_class_table(file)
    assert kinds(table, "847130") == {"computers": 0.75, "toys": 0.25}
    assert kinds(table, "840110") == {"machines": 1.0}
    assert kinds(table, "854232") == {}
    assert {row["title"] for row in table.to_pylist() if row["category"] == "chips"} == {"Chips"}


@pytest.mark.parametrize(
    ("lines", "column", "says"),
    [
        (("hs_code,kind", "8471,a"), "", "no column has the categories: category"),
        (("hs_code,kind", "8471,a"), ":use", "no column has the categories: use"),
        (("goods,category", "8471,a"), "", "no column has the codes"),
        (("hs_code,category", "847x,a"), "", "'847x' is no code"),
        (("hs_code,category", "847199,a"), "", "HS2022 has no code 847199"),
        (("hs_code,category,weight", "8471,a,-1"), "", "'-1' is no weight"),
        (
            ("hs_code,category,hs_revision", "8471,a,HS2017", "8471,a,HS2012"),
            "",
            "HS2012 and HS2017 stand in",
        ),
        (("hs_code,category,hs_revision", "8471,a,1066"), "", "1066"),
        (("hs_code,category", "8471"), "", "1 cells where the header has 2"),
        (("hs_code,category", "8471,"), "", "classifies nothing"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(tmp_path, lines, column, says) -> None:
    with pytest.raises(EntrepotError, match=says) as refused:
        file_class_table(saved(tmp_path, *lines) + column)
    assert refused.value.hint
    with pytest.raises(EntrepotError, match="cannot be read"):
        file_class_table(str(tmp_path / "absent.csv"))


def test_a_file_that_changes_is_read_anew(tmp_path) -> None:
    file = saved(tmp_path, "hs_code,category", "8471,a")
    assert kinds(file_class_table(file), "847130") == {"a": 1.0}
    saved(tmp_path, "hs_code,category", "8471,b")
    assert kinds(file_class_table(file), "847130") == {"b": 1.0}
