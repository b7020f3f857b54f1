"""Every code, number and label of the real files resolves, and to the right area."""

from __future__ import annotations

import csv

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import area, list_codes, list_entries, resolve_area

pytestmark = pytest.mark.realdata

#: Labels of the national files that are no country: aggregates, groups and what is not specified.
TOTALS_AND_GROUPS = {
    "XWD": {"Total", "World", "Всего", "Всего в том числе"},
    "XCS": {"CIS", "Commonwealth of Independent States", "СНГ", "Страны СНГ"},
    "XEC": {"EAEU", "Eurasian Economic Union", "ЕАЭС", "Страны ЕАЭС"},
    "XEU": {
        "The EU", "ЕС", "Страны ЕС", "Европейский союз (ЕС)", "European Union (EU)",
        "European Union - 27 countries (from 2020)",
    },
    "XEX": {"Non-EU countries", "Страны вне ЕС", "Extra-EU27 (from 2020)", "Extra-UE27 (à partir de 2020)"},
    "XIE": {"Intra-EU27 (from 2020)", "Intra-UE27 (à partir de 2020)"},
    "XNE": {"Non-EAEU countries", "Страны вне ЕАЭС"},
    "XSO": {"SCO", "ШОС", "Shanghai Cooperation Organisation"},
    "XPA": {"Africa", "Африка"},
    "XPE": {"Europe", "Европа"},
    "XPM": {"America", "Америка"},
    "XPO": {"Australia and Oceania", "Австралия и Океания"},
    "XPS": {"Asia", "Азия"},
    "XRW": {"Rest of the world", "Other countries", "Остальные страны мира"},
}  # fmt: skip

NATIONAL = [
    ("armenia_armstat_by_country_monthly.csv", "country"),
    ("kazakhstan_by_country_annual.csv", "partner_ru"),
    ("kyrgyzstan_exports_by_country_annual.csv", "partner_en"),
    ("kyrgyzstan_exports_by_country_annual.csv", "partner_ru"),
    ("kyrgyzstan_imports_by_country_annual.csv", "partner_en"),
    ("kyrgyzstan_imports_by_country_annual.csv", "partner_ru"),
    ("national_imports_armenia_yearly_eur.csv", "PARTNER"),
    ("national_imports_kazakhstan_yearly_eur.csv", "PARTNER"),
    ("national_imports_kyrgyz_yearly_eur.csv", "PARTNER"),
    ("national_imports_uzbek_yearly_eur.csv", "PARTNER"),
    ("russia_fts_by_main_country_monthly.csv", "partner_ru"),
    ("eurostat_totals_eu_reporters_monthly_and_annual.csv", "reporter"),
    ("eurostat_totals_eu_reporters_monthly_and_annual.csv", "partner"),
]


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("file", "word", "rows"),
    [("comtrade_partner.csv", "Partner", 310), ("comtrade_reporter.csv", "reporter", 255)],
)
def test_comtrades_lists(realdata, file, word, rows):
    entries = read(realdata / "country-codes" / file)
    assert len(entries) == rows
    for entry in entries:
        code = resolve_area(entry["id"])
        labels = {entry["text"], entry[f"{word}Desc"], entry[f"{word.lower()}Note"] or entry["text"]}
        assert {resolve_area(label) for label in labels} == {code}, entry
        iso = entry[f"{word}CodeIsoAlpha3"]
        expired = bool(entry["entryExpiredDate"])
        known = area(code)
        # Comtrade calls 490 a group, but no other row repeats it: it is what stands for Taiwan.
        assert known.is_aggregate == (entry["isGroup"] == "True" and code != "XOA")
        if not expired and len(iso) == 3 and iso.isalpha() and entry["id"] not in {"492", "97"}:
            assert code == iso
        assert resolve_area(entry["id"].zfill(3)) == code


@pytest.mark.parametrize("language", ["en", "ru", "cn"])
def test_names_of_the_united_nations(realdata, language):
    entries = read(realdata / "country-codes" / f"UNSD-{language}.csv")
    assert len(entries) == 249
    for entry in entries:
        iso = entry["ISO-alpha3 Code"]
        assert resolve_area(entry["Country or Area"]) == iso
        assert resolve_area(entry["ISO-alpha2 Code"]) == iso
        if iso != "MCO":
            assert resolve_area(entry["M49 Code"]) == iso


def test_codes_seen_in_real_reports(realdata):
    for entry in read(realdata / "comtrade-all-pairs-fish-monthly" / "area_codes_seen.csv"):
        assert resolve_area(entry["area_code"]) == resolve_area(entry["area_desc"])


def test_bacis_codes(realdata):
    entries = read(realdata / "hs-nomenclature" / "baci_country_codes.csv")
    assert len(entries) == 238
    for entry in entries:
        code = resolve_area(entry["country_code"])
        assert resolve_area(entry["country_name_full"]) == code
        assert resolve_area(entry["country_name_abbreviation"]) == code


def test_labels_of_the_eu_panel(realdata):
    panel = pq.read_table(
        realdata / "eu-exports-cn8-monthly" / "eu_trade_cn8_monthly_long.parquet",
        columns=["reporter", "partner"],
    )
    reporters = {resolve_area(label) for label in pc.unique(panel["reporter"]).to_pylist()}
    partners = {resolve_area(label) for label in pc.unique(panel["partner"]).to_pylist()}
    assert len(reporters) == 27
    assert {area(code).kind for code in reporters} == {"country"}
    assert partners == {"ARM", "BLR", "GEO", "KAZ", "KGZ", "RUS", "UZB"}


@pytest.mark.parametrize(("file", "column"), NATIONAL)
def test_labels_of_national_files(realdata, file, column):
    labels = {entry[column] for entry in read(realdata / "mirror-totals" / file)}
    by_label = {label: code for code, written in TOTALS_AND_GROUPS.items() for label in written}
    for label in labels - {""}:
        code = resolve_area(label)
        if label in by_label:
            assert code == by_label[label]
            assert area(code).is_aggregate
        elif label.startswith(("Euro area", "European Union", "Union européenne")):
            assert code in {"XEA", "XEU"}
        else:
            assert not area(code).is_aggregate, f"{label} is taken for the aggregate {code}"
    if "" in labels:  # one nameless row of Armstat
        with pytest.raises(UnknownCodeError):
            resolve_area("")


@pytest.mark.parametrize("flow", ["exports", "imports"])
def test_two_languages_of_one_row_name_one_area(realdata, flow):
    entries = read(realdata / "mirror-totals" / f"kyrgyzstan_{flow}_by_country_annual.csv")
    pairs = {(entry["partner_en"], entry["partner_ru"]) for entry in entries}
    assert len(pairs) > 100
    assert [pair for pair in pairs if resolve_area(pair[0]) != resolve_area(pair[1])] == []


def test_the_priority_list_is_the_published_one(realdata):
    published = {
        (entry["tier"], entry["hs6"])
        for entry in read(realdata / "control-lists" / "chpl_50_hs6_2024-02-23.csv")
    }
    assert {(entry.tier, entry.code) for entry in list_entries("CHPL")} == published


def test_list_codes_exist_in_their_revisions(realdata):
    tables = pq.read_table(
        realdata / "hs-nomenclature" / "hs_nomenclature_1992_2022.parquet", columns=["vintage", "code"]
    )
    known = set(zip(tables["vintage"].to_pylist(), tables["code"].to_pylist(), strict=True))
    for revision in ("HS2007", "HS2012", "HS2017", "HS2022"):
        assert [code for code in list_codes("CHPL", revision=revision) if (revision, code) not in known] == []
