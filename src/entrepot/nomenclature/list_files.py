"""A control list of one's own: a CSV file with a code a row, since when and until when it is listed.

Columns are found by their names; a code may be a chapter, a heading, six digits, a national code of more,
or a range. See docs/how-to/look-things-up.md for an example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from entrepot.errors import InputFileError, UnknownCodeError
from entrepot.nomenclature.code_lists import code_revisions, has_hs_code, hs_codes
from entrepot.nomenclature.hs import HS_REVISIONS, revision_of
from entrepot.nomenclature.own_csv import delimiter_of, read_own_csv

__all__ = ["ListRow", "is_list_file", "read_list_file"]

_LATEST = HS_REVISIONS[-1]

#: What a column may be called.
_NAMES = {
    "code": ("code", "hs_code", "hs", "hs6", "cn", "cn8", "cn_code", "hts"),
    "revision": ("revision", "hs_revision"),
    "from": ("from", "added", "since", "valid_from"),
    "until": ("until", "to", "valid_to"),
    "tier": ("tier",),
    "title": ("title", "product", "description", "name"),
    "source": ("source",),
}
_COLUMNS = {other: name for name, others in _NAMES.items() for other in others}
_RANGE = re.compile(r"\s*(?:-|–|to)\s*")
_EX = re.compile(r"^ex\b\s*", re.IGNORECASE)
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row of a list, as it is written.

    Attributes
    ----------
    code, last
        First and last code of a range; the same where it is one.
    is_part
        Whether only some goods of the code are listed ("ex", or a national code of more than six digits).
    revision
        Revision of the codes.
    tier, title, source
        As in the list; may be empty.
    added, removed
        First day on the list, and first day not on it any more; None where it is not said.
    certainty
        Of the days.
    """

    code: str
    last: str
    is_part: bool
    revision: str
    tier: str = ""
    title: str = ""
    source: str = ""
    added: date | None = None
    removed: date | None = None
    certainty: str = "sure"

    @property
    def written(self) -> str:
        """The code or range as the list has it."""
        return self.code if self.code == self.last else f"{self.code}-{self.last}"

    def codes(self) -> tuple[str, ...]:
        """Return the six-digit codes that it holds, in its own revision."""
        first, last = self.code[:6], self.last[:6]
        if first == last and len(first) == 6:
            return (first,) if has_hs_code(first, self.revision) else ()
        width = len(first)
        return tuple(code for code in hs_codes(self.revision) if first <= code[:width] <= last)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputFileError(
            f"the file of codes {str(path)!r} cannot be read: {fault}",
            where="option --products",
            hint="after @ give the path of a UTF-8 text file with a code a line, or of a list in CSV",
        ) from fault


def _header(text: str) -> list[str]:
    """Return the names of the first line."""
    first = text.splitlines()[0] if text.strip() else ""
    return [name.strip().strip('"').lower() for name in first.split(delimiter_of(text))]


def is_list_file(name: str) -> bool:
    """Say whether a file is a list with a header, rather than codes line by line."""
    return any(_COLUMNS.get(one) == "code" for one in _header(_text(Path(name))))


def read_list_file(name: str) -> tuple[ListRow, ...]:
    """Return the rows of a list in a CSV file, separated by comma, semicolon or tab.

    Raises
    ------
    InputFileError
        The file cannot be read, a column is not known, or a day is none.
    UnknownCodeError
        A code is none, or its revision does not have it.
    """
    path = Path(name)
    return _rows_of(name, path.stat().st_mtime_ns if path.is_file() else 0)


@cache
def _rows_of(name: str, _: int) -> tuple[ListRow, ...]:
    text = _text(Path(name))
    header = _header(text)
    _check_header(header, name)
    rows = read_own_csv(text, where=name)[1]
    columns = [_COLUMNS[one] for one in header]
    found = [_row(dict(zip(columns, cells, strict=True)), f"{name}, line {line}") for line, cells in rows]
    if not found:
        raise UnknownCodeError("the list has no row", where=name, hint="write a code a row below the header")
    return tuple(found)


def _check_header(header: list[str], name: str) -> None:
    meant = [_COLUMNS.get(one) for one in header]
    known = "; ".join(" or ".join(others) for others in _NAMES.values())
    for place, one in enumerate(header):
        if meant[place] is None:
            raise InputFileError(
                f"the column {one!r} is not known", where=f"{name}, line 1", hint=f"columns are {known}"
            )
        if meant.index(meant[place]) < place:
            raise InputFileError(
                f"the columns {header[meant.index(meant[place])]!r} and {one!r} mean the same",
                where=f"{name}, line 1",
                hint="leave one of them out",
            )


def _row(row: dict[str, str], where: str) -> ListRow:
    revision = revision_of(row["revision"]) if row.get("revision") else _LATEST
    text = _EX.sub("", row["code"])
    ends = [re.sub(r"[\s.]", "", part) for part in _RANGE.split(text)]
    if len(ends) > 2:
        raise UnknownCodeError(
            f"{row['code']!r} is no code and no range", where=where, hint="write a range as 8401-8410"
        )
    first, last = _digits(ends[0], row["code"], where), _digits(ends[-1], row["code"], where)
    until = _day(row.get("until", ""), where)
    made = ListRow(
        code=first,
        last=last,
        is_part=text != row["code"] or len(first) > 6 or len(last) > 6,
        revision=revision,
        tier=row.get("tier", "").upper(),
        title=row.get("title", ""),
        source=row.get("source", ""),
        added=_day(row.get("from", ""), where),
        removed=None if until is None else date.fromordinal(until.toordinal() + 1),
    )
    if made.added and until and until < made.added:
        raise InputFileError(
            f"it ends on {until}, before it begins on {made.added}", where=where, hint="check both days"
        )
    if len(first) != len(last) or first > last:
        raise UnknownCodeError(
            f"{row['code']!r} is no range",
            where=where,
            hint="both ends need as many digits, the smaller first",
        )
    if not made.codes():
        others = ", ".join(code_revisions(first[:6])) if len(first) >= 6 else ""
        raise UnknownCodeError(
            f"{revision} has no code {row['code']!r}",
            where=where,
            hint=f"it is in {others}: say which in a column 'revision'" if others else "check the digits",
        )
    return made


def _digits(text: str, written: str, where: str) -> str:
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS or len(text) < 2:
        raise UnknownCodeError(
            f"{written!r} is no code", where=where, hint="write 2, 4 or 6 digits, or a national code of more"
        )
    if len(text) % 2:
        raise UnknownCodeError(
            f"{written!r} has {len(text)} digits",
            where=where,
            hint=f"a spreadsheet may have lost a leading zero: 0{text}? Keep the column as text",
        )
    return text


def _day(text: str, where: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputFileError(f"{text!r} is no day", where=where, hint="write days as 2022-04-09") from None
