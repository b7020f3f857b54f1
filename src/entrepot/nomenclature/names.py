"""Names of areas as publishers and languages write them, on one normal form.

A label is looked up first among our own names and the publishers' spellings (``data/area_names.csv``),
then among the territory names of pycountry and of Babel (CLDR) in the languages of :data:`LANGUAGES`.
Both libraries are loaded only when a label is in none of our own tables.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from anyascii import anyascii

from entrepot.nomenclature.facts import fact_rows

__all__ = [
    "AMBIGUOUS_STEMS",
    "LANGUAGES",
    "all_names",
    "bracketed_forms",
    "exact_forms",
    "loose_forms",
    "names_in",
    "normalise_name",
    "own_names",
]

#: Languages of the territory names, the most likely to be met first: of two areas the first keeps a name.
LANGUAGES = (
    *("en", "fr", "ru", "zh", "de", "es", "it", "pt", "nl", "pl", "tr", "uk", "be", "kk", "ky", "uz", "tg"),
    *("tk", "hy", "ka", "az", "zh_Hant", "ja", "ko", "ar", "fa", "cs", "sk", "hu", "ro", "bg", "el", "sv"),
    *("da", "nb", "fi", "et", "lv", "lt", "hr", "sr", "sl", "vi", "id"),
)

#: Names that say nothing without what stands in brackets after them ("Korea (DPRK)").
AMBIGUOUS_STEMS = frozenset({
    "china", "chine", "congo", "corea", "coree", "germany", "guinea", "ireland", "korea", "micronesia",
    "saint martin", "samoa", "sudan", "vietnam", "virgin islands", "yemen",
    "виргинские острова", "китай", "конго", "корея", "中国", "刚果", "朝鲜",
})  # fmt: skip

_NOTE = re.compile(
    r"\(\s*(?:incl|excl|including|excluding|y compris|sauf|включая|без|part of)\b[^()]*\)", re.IGNORECASE
)
_DATES = re.compile(r"\(\s*[A-Z]{2}(?:-[\d/>-]+)?(?:\s*,\s*[A-Z]{2}(?:-[\d/>-]+)?)+\s*\)")
_INNER = re.compile(r"\([^()]*\)")
_FOOTNOTE = re.compile(r"(?<=[^\W\d]|[)])\s*\d{1,2}\s*[)*]?\s*$")
_SUPERSCRIPT = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹*†‡]+")
_NES = re.compile(r"\bn\.?\s?e\.?\s?[sc]\b\.?|\bnot elsewhere (?:specified|classified)\b", re.IGNORECASE)
_LATIN = re.compile(r"[\u0080-\u024f\u1e00-\u206f]+")
_WORD = re.compile(r"\w+")
_SHORT = {
    "dem": "democratic",
    "isd": "island",
    "isds": "islands",
    "rep": "republic",
    "st": "saint",
    "ste": "sainte",
    "terr": "territory",
}
_DROPPED = frozenset({"the", "of"})


def _plain(text: str) -> str:
    """Take the diacritics off; letters of other scripts stay what they are."""
    if text.isascii():
        return text
    latin = _LATIN.sub(lambda run: anyascii(run.group()), text)
    if latin.isascii():
        return latin
    return "".join(c for c in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(c))


def _without_notes(text: str) -> str:
    """Take out brackets that are notes on coverage, also nested ones, and lists of dated members."""
    before = "" if "(" in text else text
    while before != text:
        before = text
        text = _DATES.sub(" ", _NOTE.sub(" ", text))
        inner = _INNER.search(text)
        if inner and "(" in text[: inner.start()].rpartition(")")[2]:
            # A bracket inside a bracket is loosened, so that the outer one can be judged as a whole.
            text = f"{text[: inner.start()]} {inner.group()[1:-1]} {text[inner.end() :]}"
    return text


@lru_cache(maxsize=65536)
def normalise_name(text: str) -> str:
    """Return the normal form of an area's name, the key of the name table.

    When to use: on the *distinct* labels of a file, in Python, before a join in SQL with
    ``area_name_table``. A twin written in SQL has to keep to the steps below.

    In order: notes on coverage in brackets ("(incl. South Sudan 'SS' -> 2012)") and footnote marks at the
    end ("Total 2", "Кыргызстан¹") go; "not elsewhere specified" is "nes"; Latin letters lose their
    diacritics; case is folded; punctuation and brackets become blanks; "St", "Isds", "Rep." and their
    like are written out; "the" and "of" go. Other brackets keep their words, since they may tell two
    areas apart ("Korea (DPRK)"). Cyrillic, Chinese and other scripts are not transliterated.

    Parameters
    ----------
    text
        A label as published.

    Returns
    -------
    str
        The normal form; empty for a label without a letter.

    Examples
    --------
    >>> normalise_name("Germany (incl. German Democratic Republic 'DD' from 1991)")
    'germany'
    >>> normalise_name("Côte d’Ivoire 2"), normalise_name("St Kitts & Nevis")
    ('cote d ivoire', 'saint kitts and nevis')
    """
    bare = _NES.sub(" nes ", _SUPERSCRIPT.sub(" ", _without_notes(_square(text)).replace("&", " and ")))
    words = _WORD.findall(_plain(_FOOTNOTE.sub("", bare.rstrip())).casefold())
    return " ".join(_SHORT.get(word, word) for word in words if word not in _DROPPED)


def exact_forms(text: str) -> tuple[str, ...]:
    """Return the normal forms of a whole label; one with a comma is also turned ("Korea, Republic of")."""
    return _forms(text, _turned(text))


def loose_forms(text: str) -> tuple[str, ...]:
    """Return the normal forms of a label without its brackets ("Belarus (Belorussia)").

    Empty where what is left is shared by several areas ("Korea (…)").
    """
    bare = _square(text)
    while _INNER.search(bare):
        bare = _INNER.sub(" ", bare)
    return () if normalise_name(bare) in AMBIGUOUS_STEMS else _forms(bare, _turned(bare))


def bracketed_forms(text: str) -> tuple[str, ...]:
    """Return the normal forms of what a label has in brackets."""
    return _forms(*(inner[1:-1] for inner in _INNER.findall(_without_notes(_square(text)))))


def _forms(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for text in texts if (form := normalise_name(text))))


def _square(text: str) -> str:
    """Make the wide brackets of Chinese and Japanese text plain ones."""
    return text.replace("（", "(").replace("）", ")")


def _turned(text: str) -> str:
    head, comma, tail = text.partition(",")
    return f"{tail} {head}" if comma and "," not in tail and "(" not in tail else text


@cache
def own_names() -> dict[str, str]:
    """Return area code by normalised name, of our own names and the publishers' spellings."""
    names: dict[str, str] = {}
    for row in (*fact_rows("area_names"), *fact_rows("areas")):
        names.setdefault(normalise_name(row["name"]), row["code"])
    return names


@cache
def all_names() -> dict[str, str]:
    """Return area code by normalised name in every language; the first call loads pycountry and Babel."""
    import pycountry  # noqa: PLC0415  (40 ms that only unknown labels pay)
    from babel import Locale  # noqa: PLC0415

    names = dict(own_names())
    by_iso2 = {row["iso2"]: row["code"] for row in fact_rows("areas") if row["iso2"]}
    known = set(by_iso2.values())
    for country in pycountry.countries:
        if country.alpha_3 in known:
            for field in ("name", "official_name", "common_name"):
                if written := getattr(country, field, ""):
                    names.setdefault(normalise_name(written), country.alpha_3)
    for language in LANGUAGES:
        for iso2, written in Locale.parse(language).territories.items():
            if iso2 in by_iso2:
                names.setdefault(normalise_name(written), by_iso2[iso2])
    names.pop("", None)
    return names


#: The languages of the United Nations besides English, and two more of the region's.
_SHOWN = ("fr", "es", "ru", "zh", "ar", "de", "tr")


@cache
def names_in(iso2: str) -> dict[str, str]:
    """Return an area's name by language, as CLDR writes it; empty for an area without an ISO code.

    Examples
    --------
    >>> names_in("KG")["ru"], names_in("KG")["zh"]
    ('Киргизия', '吉尔吉斯斯坦')
    """
    from babel import Locale  # noqa: PLC0415  (40 ms that only look-ups pay)

    found = {}
    for language in _SHOWN:
        written = Locale.parse(language).territories.get(iso2)
        if iso2 and written:
            found[language] = written
    return found
