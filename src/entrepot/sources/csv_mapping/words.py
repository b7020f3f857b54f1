"""Spellings met in the field: the words that a mapping need not translate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANNUAL_MARKS",
    "CONCEPTS",
    "CURRENCIES",
    "FLOWS",
    "MONTHS",
    "NULLS",
    "QUANTITY_UNITS",
    "REVISIONS",
    "TOTALS",
    "currency_code",
]


def _by_word(spellings: Mapping[str, str]) -> dict[str, str]:
    """Return meaning by word; the words of a meaning are separated by bars."""
    return {word.strip(): meaning for meaning, words in spellings.items() for word in words.split("|")}


#: Flow words, lower case. Figures are left out on purpose: 1 is the import of Comext and Comtrade and the
#: export of Japan, so that a mapping must say what a figure means.
FLOWS: Final = _by_word(
    {
        "import": "import | imports | m | imp | importation | importations | importación | importaciones "
        "| einfuhr | ithalat | импорт | им | 进口 | 输入 | 輸入 | mg | imports of goods | general imports",
        "export": "export | exports | x | exp | exportation | exportations | exportación | exportaciones "
        "| ausfuhr | ihracat | экспорт | эк | 出口 | 输出 | 輸出 | xg | exports of goods | total exports",
        "re_import": "re_import | re-import | re-imports | reimport | rm | реимпорт",
        "re_export": "re_export | re-export | re-exports | reexport | rx | реэкспорт | foreign exports",
        "domestic_export": "domestic_export | domestic export | domestic exports | dx",
        "foreign_import": "foreign_import | foreign import | foreign imports | fm",
    }
)

CONCEPTS: Final = _by_word(
    {
        "origin": "origin | country of origin",
        "last_known_destination": "last_known_destination | destination | country of destination",
        "consignment": "consignment | country of consignment | dispatch",
    }
)

#: Words for the sum over all products.
TOTALS: Final = (
    "total", "all", "all commodities", "all products", "all goods", "grand total", "total-total",
    "всего", "合计", "总计", "toplam",
)  # fmt: skip

#: Texts of a value cell that say "no value here".
NULLS: Final = (
    "", ":", "-", "–", "—", ".", "..", "...", "…", "na", "n/a", "nan", "null", "none", "(null)", "<na>",
    "#n/a",
)  # fmt: skip

#: Texts of a month that say "the whole year": 52 is UN Comtrade's and Comext's mark.
ANNUAL_MARKS: Final = ("year", "annual", "total", "52", "год", "всего", "yıl", "年")

_ENGLISH = "january february march april may june july august september october november december"
_LANGUAGES = (
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "januar februar märz april mai juni juli august september oktober november dezember",
    _ENGLISH,
    " ".join(word[:3] for word in _ENGLISH.split()),
)

#: Month words, lower case and without a full stop. ``apl`` is how Japan's customs spell April.
MONTHS: Final = {
    **{word: number for names in _LANGUAGES for number, word in enumerate(names.split(), start=1)},
    "apl": 4,
    "sept": 9,
}

CURRENCIES: Final = _by_word(
    {"EUR": "€ | euro | euros", "USD": "us$ | $us | us dollar | us dollars", "CNY": "rmb | renminbi yuan"}
)

#: Units of the supplementary quantity: publishers' words → UN abbreviations, lower case. Empty: no quantity.
QUANTITY_UNITS: Final = _by_word(
    {
        "u": "u | item | items | number of items | number | no | no. | nmb | pst | p/st | шт | adet "
        "| 个 | 台 | 辆 | 件",
        "kg": "kg | kgs | kgm | kilogram | kilograms | кг | 千克",
        "t": "t | ton | tonne | tonnes | т",
        "g": "g | gram | grams",
        "l": "l | litre | litres | liter | liters | volume in litres | л | 升",
        "m": "m | metre | metres | meters | length in metres | 米",
        "m2": "m2 | m² | square metres | area in square metres | 平方米",
        "m3": "m3 | m³ | cubic metres | volume in cubic meters | 立方米",
        "2u": "2u | pa | pair | pairs | number of pairs | 双",
        "12u": "12u | dozen | doz",
        "1000u": "1000u | thousands of items | 千个",
        "carat": "carat | ct/l | 克拉",
        "1000kwh": "1000kwh | 1000 kwh | 1000_kwh",
        "": "| n.q. | n/a | na | no quantity | no_su | - | x",
    }
)

_NAMES = {1992: "h0", 1996: "h1", 2002: "h2", 2007: "h3", 2012: "h4", 2017: "h5", 2022: "h6"}

#: Code revisions: UN Comtrade's, the two-figure and the bare year spelling → ours.
REVISIONS: Final = {
    word: f"HS{year}"
    for year, name in _NAMES.items()
    for word in (name, f"hs{year}", f"hs {year}", f"h{year}", f"hs{year % 100:02d}", str(year))
}


def currency_code(text: str) -> str:
    """Return the ISO 4217 code that a text means, empty for one that means none.

    Examples
    --------
    >>> currency_code("€"), currency_code("kzt"), currency_code("shells")
    ('EUR', 'KZT', '')
    """
    is_code = len(text) == 3 and text.isascii() and text.isalpha()
    return CURRENCIES.get(text.lower(), text.upper() if is_code else "")
