"""Goods by ordinary words of six languages: in any inflection, without accents, in Latin letters.

``data/hs_words.csv`` names chapters, headings and some codes of HS2022 as people do, in English (British,
American, of the trade), German, French, Spanish, Russian and Chinese. A word is compared by its stem, so that
``подшипников`` finds ``подшипники``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from anyascii import anyascii

from entrepot.nomenclature.facts import fact_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Likeness", "NamedPrefix", "named_prefixes", "spoken_words"]

#: Columns of the table, the likeliest first, with the stemmers of their languages; Chinese has no endings.
_STEMMERS = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "ru": "russian", "zh": ""}
_BETWEEN = ";"
_WORD = re.compile(r"\w+")
_LATIN = re.compile(r"[\u0080-\u024f\u1e00-\u1eff]+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_UMLAUT = re.compile(r"([aou])e")
#: The vowel that comes and goes in Russian: станок, станки; огурец, огурцы; уголь, угля.
_FLEETING = re.compile(r"[ое]([кцл])$")

#: A word is taken for the beginning of a longer one from this length on.
_BEGINNING = 3
#: So much shorter or longer a stem may be and still be of the same word ("микросх", "микросхем").
_LOOSE_END = 2
#: A shorter one has to be the same.
_SHORT_STEM = 3


class Likeness(IntEnum):
    """How words and a name are alike, the closest first."""

    SAME = 0
    INFLECTED = 1
    NEARLY = 2
    PART = 3


@dataclass(frozen=True, slots=True, order=True)
class NamedPrefix:
    """A chapter, heading or code that words name.

    Attributes
    ----------
    likeness
        How close the words are to the name.
    difference
        Letters that the name has more or less: endings are short.
    language
        Place of the language in the table, English first.
    width
        Digits of the prefix, negative: of several the narrowest comes first.
    prefix
        Two, four or six digits of HS2022.
    """

    likeness: Likeness
    difference: int
    language: int
    width: int
    prefix: str


@dataclass(frozen=True, slots=True)
class _Name:
    prefix: str
    language: str
    words: tuple[str, ...]
    stems: tuple[str, ...]

    def found(self, likeness: Likeness, words: tuple[str, ...]) -> NamedPrefix:
        letters = abs(sum(map(len, self.words or self.stems)) - sum(map(len, words)))
        place = tuple(_STEMMERS).index(self.language)
        return NamedPrefix(likeness, letters, place, -len(self.prefix), self.prefix)


def _plain(text: str) -> str:
    """Return Latin letters without accents, small; ё as е; other letters as they are."""
    small = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return _LATIN.sub(lambda run: anyascii(run.group()), small).casefold()


@cache
def _stemmed(word: str, language: str) -> str:
    from snowballstemmer import stemmer  # noqa: PLC0415  (25 ms that only look-ups pay)

    stem = str(stemmer(_STEMMERS[language]).stemWord(word)) if _STEMMERS[language] else word
    return _FLEETING.sub(r"\1", stem)


def _split(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_plain(text)))


def _stems(words: tuple[str, ...], language: str) -> tuple[str, ...]:
    return tuple(_stemmed(word, language) for word in words)


@cache
def _names(language: str, table: str) -> tuple[_Name, ...]:
    """Return all names, and all names of a prefix taken together, which words may be spread over."""
    names = []
    for row in fact_rows(table):
        prefix, apart = next(iter(row.values())), [_split(name) for name in row[language].split(_BETWEEN)]
        names += [_Name(prefix, language, words, _stems(words, language)) for words in apart]
        if len(apart) > 1 and language != "zh":
            names.append(_Name(prefix, language, (), _stems(tuple(chain(*apart)), language)))
    return tuple(names)


@cache
def _names_by_beginning(language: str, table: str) -> dict[str, list[_Name]]:
    found: dict[str, list[_Name]] = {}
    for name in _names(language, table):
        for beginning in {stem[:_BEGINNING] for stem in name.stems}:
            found.setdefault(beginning, []).append(name)
    return found


def _candidates(words: tuple[str, ...], stems: tuple[str, ...], language: str, table: str) -> Iterable[_Name]:
    """Return the names that may be like the words: one of theirs begins like the first."""
    if language == "zh":
        return _names(language, table)
    by_beginning = _names_by_beginning(language, table)
    return chain(*(by_beginning.get(one, ()) for one in {words[0][:_BEGINNING], stems[0][:_BEGINNING]}))


@cache
def spoken_words() -> tuple[str, ...]:
    """Return every name of the table once, for hints."""
    rows = fact_rows("hs_words")
    return tuple(sorted({name for row in rows for lang in _STEMMERS for name in row[lang].split(_BETWEEN)}))


def _languages(text: str) -> tuple[str, ...]:
    if _CHINESE.search(text):
        return ("zh",)
    if _CYRILLIC.search(text):
        return ("ru",)
    return ("en", "de", "fr", "es") if text.isascii() else ("de", "fr", "es")


def named_prefixes(text: str, *, table: str = "hs_words") -> tuple[NamedPrefix, ...]:
    """Return what words name, the best first: whole names before parts, the narrower before the wider.

    Only if no name has the words are they compared with the Latin spelling of the Russian and Chinese names.

    Parameters
    ----------
    text
        Words in one of the six languages.
    table
        The table of facts whose first column is named: of goods, or of events (``event_words``).

    Examples
    --------
    >>> [found.prefix for found in named_prefixes("lorries")]
    ['8704', '8705']
    >>> named_prefixes("грузовиков")[0].prefix, named_prefixes("gruzovik")[0].prefix
    ('8704', '8704')
    """
    found = [name for language in _languages(text) for name in _in_language(_split(text), language, table)]
    if not found and not _CYRILLIC.search(text):
        found = _in_latin_letters(anyascii(text), table)
    best: dict[str, NamedPrefix] = {}
    for one in sorted(found):
        best.setdefault(one.prefix, one)
    return tuple(sorted(best.values()))


def _in_language(words: tuple[str, ...], language: str, table: str) -> list[NamedPrefix]:
    if not words:
        return []
    spelt = {words}
    if language == "de":
        spelt.add(tuple(_UMLAUT.sub(r"\1", word) for word in words))
    likeness = _likeness_in_chinese if language == "zh" else _likeness
    return [
        name.found(like, wanted)
        for wanted in spelt
        for stems in (_stems(wanted, language),)
        for name in _candidates(wanted, stems, language, table)
        if (like := likeness(name, wanted, stems)) is not None
    ]


def _likeness(name: _Name, words: tuple[str, ...], stems: tuple[str, ...]) -> Likeness | None:
    if words == name.words:
        return Likeness.SAME
    if stems == name.stems:
        return Likeness.INFLECTED
    if len(stems) == len(name.stems) and all(map(_is_same, stems, name.stems)):
        return Likeness.NEARLY
    if all(
        any(_begins(one, stem, word) for one in name.stems) for word, stem in zip(words, stems, strict=True)
    ):
        return Likeness.PART
    return None


def _likeness_in_chinese(name: _Name, words: tuple[str, ...], _: tuple[str, ...]) -> Likeness | None:
    """Compare without words: Chinese is written without blanks."""
    wanted, whole = "".join(words), "".join(name.words)
    if wanted == whole:
        return Likeness.SAME
    return Likeness.PART if wanted in whole else None


def _in_latin_letters(text: str, table: str) -> list[NamedPrefix]:
    wanted = "".join(text.casefold().split())
    if len(wanted) <= _BEGINNING:
        return []
    return [
        name.found(Likeness.NEARLY, (wanted,))
        for language in ("ru", "zh")
        for name in _names(language, table)
        for spelt in (anyascii("".join(name.stems)).casefold(),)
        if spelt == wanted or (language == "ru" and _is_same(wanted, spelt))
    ]


def _is_same(wanted: str, stem: str) -> bool:
    """Say whether two stems are of one word: stemmers leave some endings on, and cut others too far."""
    if wanted == stem:
        return True
    short, long = sorted((wanted, stem), key=len)
    return long.startswith(short) and len(long) - len(short) <= min(len(short) - _SHORT_STEM, _LOOSE_END)


def _begins(stem: str, wanted: str, raw: str) -> bool:
    return _is_same(wanted, stem) or any(
        len(one) >= _BEGINNING and stem.startswith(one) for one in (wanted, raw)
    )
