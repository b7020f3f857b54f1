"""From codes, numbers and names to area codes."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import (
    OTHER_ASIA,
    UNSPECIFIED,
    WORLD,
    area,
    area_code_table,
    area_name,
    area_name_table,
    area_table,
    normalise_name,
    resolve_area,
    resolve_areas,
)

CODES = area_table()["code"].to_pylist()


@pytest.mark.parametrize("code", CODES)
def test_our_own_codes_resolve_to_themselves(code):
    assert resolve_area(code) == code
    assert resolve_area(code.lower()) == code
    assert resolve_area(f" {code} ") == code
    assert resolve_area(area_name(code)) == code


#: Area code, then its spellings as publishers write them, blanks and all.
SPELLINGS = """
USA|842|840|841|US|us|United States (incl. Navassa Island (part of 'UM') from 1995 -> 2000)|США
FRA|251|250|FR|France (incl. Saint Barthélemy 'BL' -> 2012; incl. French Guiana 'GF' from 1997)
IND|699|356|Индия
NOR|579|578|Norway (incl. Svalbard and Jan Mayen 'SJ' -> 1994 and again from 1997)
CHE|757|756|Schweiz|Suisse
ITA|380|381|Italy (incl. San Marino 'SM' -> 1993)
PUS|849
XSA|711|ZA1
AFG|4|04|004
XWD|0|000|001|W00|WLD|World|Total 2|Всего 2|Весь мир
XOA|490|S19|Other Asia, nes|Other Asia, n.e.s.|Other Asia, not elsewhere specified
XAN|899|_X |_X|Areas, nes|Areas, n.e.s.|Unknown country|Неопределенная страна
XBU|837|X1 |X1|Bunkers
XFZ|838|X2 |Free Zones
XSC|839|XX |Special Categories
XOC|527|O19
XOE|568|E19
XOF|577|F19
XRA|636|A79|Rest of America, nes
XNC|637|A59
XLA|473|LAIA, nes
XWA|879|F97
XUN|492|Europe EU, nes
XEU|97|EU|EUR|EU27_2020|ЕС|European Union - 27 countries (AT, BE, BG, CY, CZ, DE)
XAS|975|R4 |R4|ASEAN
XEC|EAEU| Страны ЕАЭС
GRC|EL|GR|300
SRB|XS|RS|688
XKX|XK|412|_KS|KSV|Kosovo
XNI|XI
XGB|XU
XCE|XC|Ceuta (incl. Melilla 'XL' -> 1998)
XML|XL
XQP|QP|High seas|Haute mer
XQX|QX
XQY|QY
XQZ|QZ
XQU|QU
XQV|QV
XQW|QW
XQR|QR
GBR|UK|GB|826|Great Britain (United Kingdom)
NAM|NA|516
SUN|810|SU|USSR (...1990)
YUG|890
SCG|891
CSK|200
DDR|278|DD
XBL|58|Belgium-Luxembourg (...1998)
BEL|56|Belgium (incl. Luxembourg 'LU' -> 1998)
ANT|530
ROU|ROM
COD|ZAR|Congo, Democratic Republic of|Congo, Democratic Republic of the|Dem. Rep. of the Congo|Заир
COG|Congo|Конго|Kongo
TLS|TMP
KGZ|Kirgizstan|Киргизия|Кыргызстан|Kyrgyz Republic|417
BLR|Belarus (Belorussia)|Беларусь|Белоруссия
RUS|ru|Russian Federation (Russia)|Российская Федерация|俄罗斯联邦
DEU|276|Germany (incl. German Democratic Republic 'DD' from 1991)|Deutschland|Allemagne
CZE|Czechia|Czech Republic|Чешская Республика
TUR|Türkiye|Turkiye|Turkey|Türkei|Турция
KOR|Korea, Republic of (South Korea)|Rep. of Korea|Республика Корея|Korea (?)
PRK|Korea (DPRK)|Корея (КНДР)|Korea, DPR of
NER|Niger|Нигер
NGA|Nigeria|Нигерия
GIN|Guinea
GNB|Guinea-Bissau|Гвинея - Бисау
GNQ|Equatorial Guinea
PNG|Papua New Guinea
DMA|Dominica
DOM|Dominican Rep.
ASM|American Samoa|Восточное САМОА
WSM|Samoa
SDN|Sudan (incl. South Sudan 'SS' -> 2012)|729
XSD|Sudan (...2011)
SSD|South Sudan
AUT|Österreich
CIV|Côte d’Ivoire (Ivory Coast)|Cote d' Ivoire|Котд'Ивуар
CHN|中国
KAZ|Қазақстан
UZB|Oʻzbekiston|Ўзбекистон
ARM|Հայաստան
MNE|Monténégro (depuis 2007)
MCO|Monaco|MC|MCO|Monako
"""


@pytest.mark.parametrize(
    ("text", "code"),
    [(text, line.split("|")[0]) for line in SPELLINGS.strip().splitlines() for text in line.split("|")[1:]],
)
def test_spellings(text, code):
    assert resolve_area(text) == code


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("736", (date(2011, 6, 30), "XSD"), (date(2011, 7, 1), "SDN")),
        ("280", (date(1990, 12, 31), "XFG"), (date(1991, 1, 1), "DEU")),
        ("230", (date(1992, 12, 31), "XET"), (date(1993, 1, 1), "ETH")),
        ("886", (date(1990, 12, 31), "XYA"), (date(1991, 1, 1), "YEM")),
        ("CS", (date(1992, 12, 31), "CSK"), (date(2004, 1, 1), "SCG")),
        ("YUG", (date(1991, 12, 31), "YUG"), (date(1999, 1, 1), "SCG")),
        ("58", (date(1990, 1, 1), "XBL"), (date(2015, 1, 1), "XBL")),
        ("891", (date(1999, 1, 1), "SCG"), (date(2015, 1, 1), "SCG")),
    ],
)
def test_codes_that_changed_their_meaning(text, before, after):
    assert resolve_area(text, on=before[0]) == before[1]
    assert resolve_area(text, on=after[0]) == after[1]


def test_a_number_without_a_day_has_its_usual_meaning():
    assert resolve_area("736") == "XSD"
    assert resolve_area("280") == "XFG"
    assert resolve_area("729") == "SDN"
    assert resolve_area("CS") == "SCG"


def test_monaco_is_a_name_and_an_iso_code_but_not_comtrades_492():
    assert resolve_area("Monaco") == resolve_area("MCO") == resolve_area("MC") == "MCO"
    assert resolve_area("492") == "XUN"
    assert area("MCO").m49 == ()


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("Kyrgystan", "KGZ"),
        ("Kazahkstan", "KAZ"),
        ("Untied States", "USA"),
        ("Казахстн", "KAZ"),
        ("Geogria", "GEO"),
    ],
)
def test_unknown_names_propose_the_nearest(text, proposed):
    with pytest.raises(UnknownCodeError) as caught:
        resolve_area(text, where="line 7")
    assert proposed in caught.value.hint
    assert caught.value.hint.count("(") >= 3
    assert caught.value.where == "line 7"
    assert text in caught.value.what


@pytest.mark.parametrize("text", ["", "   ", "999", "-1", "Virgin Islands", "…"])
def test_what_names_no_single_area_is_refused(text):
    with pytest.raises(UnknownCodeError):
        resolve_area(text)


def test_a_bracket_that_tells_two_areas_apart_is_not_dropped():
    for text in (
        "Korea (Atlantis)",
        "Denmark (Greenland)",
        "France (Réunion)",
        "Китай (Монголия)",
        "中国（蒙古）",
    ):
        with pytest.raises(UnknownCodeError):
            resolve_area(text)
    assert resolve_area("China (Taiwan)") == resolve_area("中国（台湾）") == "TWN"
    assert resolve_area("China (Hong Kong)") == resolve_area("Китай (Сар Гонконг)") == "HKG"
    assert resolve_area("Гуам (США)") == "GUM"
    assert resolve_area("Belarus (Atlantis)") == "BLR"


def test_a_group_is_no_area_and_the_hint_says_so():
    with pytest.raises(UnknownCodeError, match="G7 is a group"):
        resolve_area("G7")


def test_lists_of_areas():
    assert resolve_areas("KGZ,398, Armenia ") == ("KGZ", "KAZ", "ARM")
    assert resolve_areas("KGZ,417,Киргизия") == ("KGZ",)
    assert resolve_areas("eaeu") == ("ARM", "BLR", "KAZ", "KGZ", "RUS")
    assert resolve_areas("RUS,EAEU") == ("RUS", "ARM", "BLR", "KAZ", "KGZ")
    assert resolve_areas(["USA", "G7,TWN"]) == ("USA", "CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "TWN")
    assert resolve_areas("Korea, Republic of") == ("KOR",)
    assert len(resolve_areas("EU27")) == 27
    assert resolve_areas("EU", on=date(1990, 1, 1)) == resolve_areas(
        "BEL,DEU,DNK,ESP,FRA,GBR,GRC,IRL,ITA,LUX,NLD,PRT"
    )


@pytest.mark.parametrize("text", ["", " , ", [], "KGZ,Nowhere"])
def test_empty_or_unknown_lists_are_refused(text):
    with pytest.raises(UnknownCodeError):
        resolve_areas(text)


def outcome(text):
    try:
        return resolve_area(text)
    except UnknownCodeError as refused:
        return refused.hint


@settings(deadline=None)  # the first call loads the names of all languages
@given(st.text(max_size=30))
def test_any_text_resolves_to_an_area_or_is_refused_with_a_hint(text):
    found = outcome(text)
    assert found in CODES or len(found) > 10


def test_normal_forms_are_stable():
    names = area_name_table()["name"].to_pylist()
    assert [name for name in names if normalise_name(name) != name] == []
    assert len(names) == len(set(names)) > 5000


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Кыргызстан¹", "кыргызстан"),
        ("Total 2", "total"),
        ("Brasil12)", "brasil"),
        ("Sudan (...2011)", "sudan 2011"),
        ("Comoros (incl. Mayotte 'YT' -> 1976)", "comoros"),
        ("St Kitts & Nevis", "saint kitts and nevis"),
        ("Wallis and Futuna Isds", "wallis and futuna islands"),
        ("European Union - 27 countries (AT, BE, BG)", "european union 27 countries"),
        ("Euro area (AT-01/1999, BE-01/1999)", "euro area"),
        ("Åland Islands ", "aland islands"),
        ("1,234", "1 234"),
        ("Россия", "россия"),
        ("Йемен", normalise_name("йемен")),
    ],
)
def test_normal_form(text, form):
    assert normalise_name(text) == form


def test_tables_join_in_sql():
    connection = duckdb.connect()
    connection.register("codes", area_code_table())
    reports = "(VALUES ('004', DATE '2020-01-01'), ('4', DATE '2020-01-01'), ('736', DATE '2005-01-01'), "
    reports += "('736', DATE '2012-01-01'), ('842', DATE '2012-01-01')) AS reports(m49, day)"
    found = connection.sql(
        f"""
        SELECT code FROM {reports} JOIN codes ON scheme = 'm49' AND foreign_code = m49
        AND day >= coalesce(valid_from, DATE '0001-01-01') AND day <= coalesce(valid_to, DATE '9999-12-31')
        ORDER BY m49, day
        """
    ).fetchall()
    assert [code for (code,) in found] == ["AFG", "AFG", "XSD", "SDN", "USA"]
    padded = connection.sql(
        "SELECT foreign_code, code FROM codes WHERE scheme = 'comtrade_iso' AND code = 'XAN' ORDER BY 1"
    ).fetchall()
    assert padded == [("_X", "XAN"), ("_X ", "XAN")]
    connection.close()


def test_comtrades_iso_column_means_the_older_territory_then():
    rows = [row for row in area_code_table().to_pylist() if row["scheme"] == "comtrade_iso"]
    by_day = {
        (row["foreign_code"], row["code"]): (row["valid_from"], row["valid_to"])
        for row in rows
        if row["foreign_code"] in {"BEL", "MCO", "SDN"}
    }
    assert by_day[("BEL", "XBL")] == (None, date(1998, 12, 31))
    assert by_day[("BEL", "BEL")] == (date(1999, 1, 1), None)
    assert by_day[("MCO", "XUN")] == (None, None)


def test_aggregates_are_marked():
    assert area(WORLD).is_aggregate
    assert area("XEU").is_aggregate
    for leaf in (OTHER_ASIA, UNSPECIFIED, "XBU", "XQZ", "DEU", "SUN"):
        assert not area(leaf).is_aggregate
    codes = area_code_table()
    marked = {
        row["foreign_code"] for row in codes.to_pylist() if row["is_aggregate"] and row["scheme"] == "m49"
    }
    assert {"0", "97", "975"} <= marked
    assert "490" not in marked


def test_an_area_knows_all_its_numbers():
    assert set(area("USA").m49) == {840, 841, 842}
    assert area("FRA").m49 == (250, 251)
    with pytest.raises(UnknownCodeError, match="resolve_area"):
        area("France")


def test_three_hundred_labels_take_milliseconds():
    labels = [f"{name} {number % 9 + 1}" for number, name in enumerate(area_table()["name"].to_pylist())][
        :300
    ]
    area_name_table()  # the first call loads the names of all languages
    started = time.perf_counter()
    for label in labels:
        resolve_area(label)
    assert time.perf_counter() - started < 0.05  # 2 ms on an idle machine


def test_libraries_of_names_are_loaded_by_unknown_labels_only():
    program = (
        "import sys\nfrom entrepot.nomenclature import resolve_area, resolve_areas, area_code_table\n"
        "heavy = {'pycountry', 'babel', 'rapidfuzz'}\nassert not heavy & set(sys.modules)\n"
        "resolve_area('842'); resolve_area('Russian Federation')\n"
        "resolve_areas('EU27,KGZ,398'); area_code_table()\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "resolve_area('Österreich')\nassert 'babel' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("slip", ["EU26", "eu29", "USA2", "G8"])
def test_a_code_with_a_number_glued_on_is_no_area(slip) -> None:
    with pytest.raises(UnknownCodeError, match=slip):
        resolve_areas(slip)
