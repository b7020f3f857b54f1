"""Broad Economic Categories and SITC of any code, against UN's own tables."""

from __future__ import annotations

import csv

import pytest

from entrepot.errors import OptionError, UnknownCodeError
from entrepot.nomenclature import HS_REVISIONS, class_of, class_table, code_classes, has_hs_code
from entrepot.nomenclature.facts import fact_rows


def test_every_category_has_a_title():
    for row in fact_rows("class_codes"):
        for category in row["category"].split():
            assert class_of(row["scheme"], category).title
    assert {row["end_use"] for row in fact_rows("class_titles") if row["scheme"] == "BEC4"} == {
        "capital", "consumption", "intermediate", "mixed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "revision", "category"),
    [
        ("870323", "HS2022", "51"), ("870421", "HS2017", "521"), ("854231", "HS2022", "42"),
        ("847130", "HS2012", "41"), ("270900", "HS1992", "31"), ("880330", "HS2017", "53"),
    ],
)  # fmt: skip
def test_known_categories(code, revision, category):
    assert code_classes(code, "BEC4", revision=revision) == {category: 1.0}


@pytest.mark.parametrize(
    ("code", "scheme", "revision", "classes"),
    [
        ("854231", "ICT", "HS2017", {"ICT": 1.0}),
        ("851712", "ICT", "HS2012", {"ICT": 1.0}),
        ("851713", "ICT", "HS2022", {"ICT": 1.0}),
        ("870323", "ICT", "HS2022", {}),
        ("854141", "ICT", "HS2022", {}),
        ("270900", "RAUCH", "HS2022", {"w": 1.0}),
        ("100190", "RAUCH", "HS1992", {"w": 1.0}),
        ("720839", "RAUCH", "HS2017", {"r": 1.0}),
        ("870323", "RAUCH", "HS2007", {"n": 1.0}),
        ("120300", "RAUCH", "HS2017", {}),
    ],
)
def test_technology_and_rauch(code, scheme, revision, classes):
    assert code_classes(code, scheme, revision=revision) == classes


def test_a_list_says_which_share_of_a_code_is_on_it():
    """A code of which a part alone became an ICT good is not one as a whole."""
    shares = {row["hs_code"]: row["weight"] for row in class_table("ICT", revision="HS1992").to_pylist()}
    assert max(shares.values()) == pytest.approx(1.0)
    assert any(share < 0.99 for share in shares.values())
    assert len(class_table("ICT", revision="HS2017")) == 92
    assert class_of("ICT", "ICT").end_use == ""


@pytest.mark.parametrize("scheme", ["BEC4", "SITC4", "RAUCH"])
def test_weights_of_a_code_sum_to_one(scheme):
    table = class_table(scheme, revision="HS2007").to_pylist()
    weights: dict[str, float] = {}
    for row in table:
        weights[row["hs_code"]] = weights.get(row["hs_code"], 0.0) + row["weight"]
    assert len(weights) > (4500 if scheme == "RAUCH" else 5000)
    assert all(weight == pytest.approx(1.0) for weight in weights.values())


def test_what_is_unknown_is_refused():
    with pytest.raises(OptionError, match="BEC4, SITC4, ICT, RAUCH"):
        class_table("ISIC")
    with pytest.raises(UnknownCodeError, match="HS2017 has no code '854151'"):
        code_classes("854151", "BEC4", revision="HS2017")
    with pytest.raises(UnknownCodeError, match="category"):
        class_of("BEC4", "99")
    assert code_classes("710820", "BEC4") == {}


@pytest.mark.realdata
@pytest.mark.parametrize("revision", HS_REVISIONS[1:])
def test_bec_is_uns(revision, realdata):
    published: dict[str, set[str]] = {}
    with (realdata / "hs-nomenclature" / "hs_to_bec4.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["vintage"] == revision and has_hs_code(row["code"], revision):
                published.setdefault(row["code"], set()).add(row["bec4"])
    agree = [bool(found & set(code_classes(c, "BEC4", revision=revision))) for c, found in published.items()]
    assert len(agree) > 5000
    assert sum(agree) / len(agree) > 0.99


@pytest.mark.realdata
@pytest.mark.parametrize(("revision", "share"), [("HS2022", 1.0), ("HS2017", 0.99)])
def test_sitc_is_uns(revision, share, realdata):
    with (realdata / "hs-nomenclature" / f"{revision.lower()}_to_sitc4.csv").open(encoding="utf-8") as lines:
        published = {row[revision.lower()]: row["sitc4"][:3] for row in csv.DictReader(lines)}
    found = [
        group in {category[:3] for category in code_classes(code, "SITC4", revision=revision)}
        for code, group in published.items()
    ]
    assert sum(found) / len(found) >= share
