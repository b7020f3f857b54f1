"""Goods by ordinary words: what analysts ask in six languages, and that the table of names is sound."""

from __future__ import annotations

import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import find_hs_codes, has_hs_code, list_codes
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.spoken_names import Likeness, named_prefixes

LANGUAGES = ("en", "de", "fr", "es", "ru", "zh")

#: What is asked, and a heading that has to be among the first three headings found.
QUESTIONS = {
    "en": {
        "lorries": "8704",
        "truck": "8704",
        "laptop": "8471",
        "microchips": "8542",
        "drone": "8806",
        "ball bearing": "8482",
        "tyre": "4011",
        "tires": "4011",
        "gasoline": "2710",
        "petrol": "2710",
        "cell phone": "8517",
        "washing machine": "8450",
        "fridge": "8418",
        "forklift": "8427",
        "aluminum": "7601",
        "used clothes": "6309",
        "machine tools": "8458",
        "oscilloscope": "9030",
        "jet engine": "8411",
        "oil": "2709",
        "vodka": "2208",
        "diapers": "9619",
        "LNG": "2711",
        "night vision": "8525",
    },
    "ru": {
        "лампа": "8539",
        "подшипников": "8482",
        "грузовиков": "8704",
        "микросхема": "8542",
        "беспилотников": "8806",
        "ноутбук": "8471",
        "станков с ЧПУ": "8458",
        "легковых автомобилей": "8703",
        "стиральная машина": "8450",
        "экскаватор": "8429",
        "нефти": "2709",
        "удобрений": "31",
        "пшеницы": "1001",
        "сигарет": "2402",
        "телефона": "8517",
        "шин": "4011",
        "запчастей": "8708",
        "прицел": "9013",
        "конденсаторов": "8532",
        "пиломатериалов": "4407",
    },
    "zh": {
        "芯片": "8542",
        "无人机": "8806",
        "卡车": "8704",
        "轴承": "8482",
        "笔记本电脑": "8471",
        "手机": "8517",
        "锂电池": "8507",
        "太阳能板": "8541",
        "机床": "8459",
        "原油": "2709",
        "大豆": "1201",
        "服装": "62",
    },
    "de": {
        "Lastwagen": "8704",
        "Mikrochip": "8542",
        "Drohne": "8806",
        "Kugellager": "8482",
        "Kuehlschrank": "8418",
        "Glühbirne": "8539",
        "Waschmaschinen": "8450",
        "Autoteil": "8708",
        "Drehbank": "8458",
        "Düngemittel": "31",
        "Rohöl": "2709",
        "Zielfernrohr": "9013",
    },
    "fr": {
        "camion": "8704",
        "puce": "8542",
        "drone": "8806",
        "roulement à billes": "8482",
        "ordinateur portable": "8471",
        "pétrole": "2709",
        "telephone portable": "8517",
        "pneu": "4011",
        "engrais": "31",
        "tour": "8458",
        "voiture": "8703",
        "médicament": "30",
    },
    "es": {
        "camión": "8704",
        "chip": "8542",
        "dron": "8806",
        "rodamiento": "8482",
        "portátil": "8471",
        "petroleo": "2709",
        "lámpara": "8539",
        "neumático": "4011",
        "excavadora": "8429",
        "teléfono móvil": "8517",
        "fertilizante": "31",
        "condensador": "8532",
    },
}


@pytest.mark.parametrize(
    ("words", "code"), [(words, code) for asked in QUESTIONS.values() for words, code in asked.items()]
)
def test_analysts_find_their_headings(words, code):
    headings = list(dict.fromkeys(one[: len(code)] for one in find_hs_codes(words)))
    assert code in headings[:3]


def test_every_name_is_of_a_code_that_exists_and_finds_it():
    for row in fact_rows("hs_words"):
        assert has_hs_code(row["prefix"], "HS2022")
        for language in LANGUAGES:
            names = row[language].split(";")
            assert len(set(names)) == len(names)
            for name in names:
                assert name
                assert name == name.strip()
                whole = [one for one in named_prefixes(name) if one.likeness < Likeness.PART]
                assert row["prefix"] in [one.prefix for one in whole], name


def test_a_prefix_stands_in_the_table_once():
    prefixes = [row["prefix"] for row in fact_rows("hs_words")]
    assert len(set(prefixes)) == len(prefixes)
    assert {prefix for prefix in prefixes if len(prefix) == 2} == {
        f"{chapter:02d}" for chapter in range(1, 98) if chapter != 77
    }


def test_all_listed_goods_have_names_in_every_language():
    named = {row["prefix"]: row for row in fact_rows("hs_words")}
    for code in list_codes("CHPL"):
        for prefix in (code[:4], code):
            assert all(named[prefix][language] for language in LANGUAGES)


def test_whole_names_come_before_parts_and_narrow_ones_before_wide_ones():
    assert find_hs_codes("ball bearings")[:2] == ("848210", "8482")
    first = named_prefixes("bearings")[0]
    assert (first.prefix, first.likeness) == ("8482", Likeness.SAME)
    assert find_hs_codes("печатных плат")[0] == "853400"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("gruzovik", "8704"), ("podshipniki", "8482"), ("xinpian", "8542"), ("雷達", "8526"),
        ("PODSHIPNIK", "8482"),
    ],
)  # fmt: skip
def test_latin_spelling_of_russian_and_chinese_and_traditional_characters(words, code):
    assert named_prefixes(words)[0].prefix == code


def test_letters_are_not_taken_for_words():
    assert named_prefixes("") == ()
    assert named_prefixes("шз") == ()
    assert named_prefixes("???") == ()


@pytest.mark.parametrize(
    ("words", "hint"),
    [("подшыпник", "подшипники"), ("lorrry", "lorr"), ("Kugelager", "Kugellager"), ("芯芯", "芯片")],
)
def test_a_miss_proposes_the_nearest_names(words, hint):
    with pytest.raises(UnknownCodeError) as caught:
        find_hs_codes(words)
    assert hint in caught.value.hint
