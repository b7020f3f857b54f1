"""A classification of one's own: a CSV file that gives codes categories, such as UN's of BEC Rev.5.

The first column found of ``hs_code``, ``hs6``, ``code`` has codes of two, four or six digits, longer ones
counting before shorter; zeros that a spreadsheet took off the front are put back. Which column has the
categories is said behind the file's name: ``bec5.csv:BEC5EndUse``. See docs/how-to/measure-trade.md.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa

from entrepot.errors import InputFileError, UnknownCodeError
from entrepot.nomenclature.code_lists import has_hs_code, hs_codes
from entrepot.nomenclature.concordances import concordance
from entrepot.nomenclature.hs import HS_REVISIONS, revision_of
from entrepot.nomenclature.own_csv import read_own_csv

__all__ = ["file_class_table"]

_CODES = ("hs_code", "hs6", "code")
_REVISIONS = ("hs_revision", "revision", "hs")
_CATEGORIES = ("category", "bec5enduse")
_TITLES = ("title",)
_WEIGHTS = ("weight",)
_LATEST = HS_REVISIONS[-1]
_OUTSIDE = "999999"
_MANY = 5
_TABLE = pa.schema(
    [("hs_code", pa.string()), ("category", pa.string()), ("title", pa.string()), ("weight", pa.float64())]
)


def file_class_table(name: str, *, revision: str = _LATEST) -> pa.Table:
    """Return the categories that a file gives the six-digit codes of a revision, to be joined to flows.

    Parameters
    ----------
    name
        Path of the file, with ``:COLUMN`` behind it where the categories stand in another column than
        ``category`` (or ``BEC5EndUse``, as in UN's correspondence of BEC Rev.5).
    revision
        Of the codes wanted. The file says its own in a column ``hs_revision`` (or ``HS``: H0 to H6), one for
        all its rows; it is the latest where it says none.

    Returns
    -------
    pyarrow.Table
        **Grain**: hs_code × category. ``hs_code, category, title, weight``; the weights of a code sum to one.
        A code that stands in several rows is shared equally, or by a column ``weight``. Codes of another
        revision take the categories of their counterparts, by the weights of the concordance.

    *Missing data*: codes that the file does not name are absent; so are rows without a category.

    Raises
    ------
    InputFileError
        The file cannot be read, has no such column, states two revisions, or a row has no code.
    UnknownCodeError
        The revision has no such code, or the file classifies nothing.
    """
    path, _, column = name.rpartition(":")
    if not path or column.endswith((".csv", ".tsv", ".txt")) or "/" in column or "\\" in column:
        path, column = name, ""
    file = Path(path)
    stated, titles, home = _read(path, column, file.stat().st_mtime_ns if file.is_file() else 0)
    goal = revision_of(revision)
    links = concordance(home, source=goal)
    rows: list[tuple[str, str, str, float]] = []
    for code in hs_codes(goal):
        found: dict[str, float] = {}
        for target, share in links.of(code, goal).items():
            own = next((stated[target[:k]] for k in (6, 4, 2) if target[:k] in stated), {})
            for category, weight in own.items():
                found[category] = found.get(category, 0.0) + share * weight
        whole = sum(found.values())
        rows += [(code, one, titles.get(one, one), weight / whole) for one, weight in sorted(found.items())]
    named = [dict(zip(_TABLE.names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(named, schema=_TABLE)


@cache
def _read(name: str, column: str, _: int) -> tuple[dict[str, dict[str, float]], dict[str, str], str]:
    """Return the categories of each code with their shares, the titles, and the revision of the codes."""
    header, rows = _rows(name)
    at = {role: _place(header, names) for role, names in (
        ("code", _CODES), ("revision", _REVISIONS), ("title", _TITLES), ("weight", _WEIGHTS)
    )}  # fmt: skip
    category = _place(header, (column.lower(),) if column else _CATEGORIES)
    for role, place, asked in (
        ("codes", at["code"], _CODES),
        ("categories", category, (column or "category",)),
    ):
        if place is None:
            raise InputFileError(
                f"no column has the {role}: {', '.join(asked)}",
                where=f"{name}, line 1",
                hint=f"its columns are {', '.join(header)}; say which has the categories: {name}:COLUMN",
            )
    found: dict[str, dict[str, float]] = {}
    titles: dict[str, str] = {}
    revisions: dict[str, int] = {}
    for line, cells in rows:
        what = cells[category or 0]
        if at["revision"] is not None and cells[at["revision"]]:
            revisions.setdefault(_revision(cells[at["revision"]], f"{name}, line {line}"), line)
        if not what:
            continue
        code = _code(cells[at["code"] or 0], f"{name}, line {line}")
        weight = 1.0 if at["weight"] is None else _weight(cells[at["weight"]], f"{name}, line {line}")
        shares = found.setdefault(code, {})
        shares[what] = shares.get(what, 0.0) + weight
        if at["title"] is not None and cells[at["title"]]:
            titles[what] = cells[at["title"]]
    if len(revisions) > 1:
        raise InputFileError(
            f"codes of {' and '.join(sorted(revisions))} stand in one file",
            where=f"{name}, line {max(revisions.values())}",
            hint="keep the rows of one revision in a file: UN's workbook has a sheet for each",
        )
    home = next(iter(revisions), _LATEST)
    _check_codes(found, home, name)
    shared = {
        code: {one: weight / sum(shares.values()) for one, weight in shares.items()}
        for code, shares in found.items()
    }
    return shared, titles, home


def _rows(name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header, and the rows with their lines."""
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputFileError(
            f"the classification {name!r} cannot be read: {fault}",
            where="option --scheme",
            hint="after @ give the path of a UTF-8 CSV file; a workbook's sheet is saved as CSV first",
        ) from fault
    return read_own_csv(text, where=name)


def _place(header: list[str], names: tuple[str, ...]) -> int | None:
    lower = [one.lower() for one in header]
    return next((lower.index(name) for name in names if name in lower), None)


def _revision(text: str, where: str) -> str:
    try:
        return revision_of(text)
    except UnknownCodeError as fault:
        raise InputFileError(fault.what, where=where, hint="write HS2017, or H5 as Comtrade does") from fault


def _code(text: str, where: str) -> str:
    """Return a code, with the zero in front that spreadsheets take off."""
    digits = text.replace(".", "").replace(" ", "")
    digits = digits.zfill(len(digits) + len(digits) % 2)
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in {2, 4, 6}:
        raise InputFileError(f"{text!r} is no code", where=where, hint="write 2, 4 or 6 digits")
    return digits


def _weight(text: str, where: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0.0 < weight < float("inf"):
        raise InputFileError(f"{text!r} is no weight", where=where, hint="write a number above 0 in each row")
    return weight


def _check_codes(found: dict[str, dict[str, float]], home: str, name: str) -> None:
    prefixes = {code[:k] for code in hs_codes(home) for k in (2, 4)}
    strange = [
        code
        for code in found
        if code != _OUTSIDE and not (has_hs_code(code, home) if len(code) == 6 else code in prefixes)
    ]
    if strange:
        more = f" and {len(strange) - _MANY} more" if len(strange) > _MANY else ""
        raise UnknownCodeError(
            f"{home} has no code {', '.join(strange[:_MANY])}{more}",
            where=name,
            hint="name the revision of the codes in a column hs_revision",
        )
    if not found:
        raise UnknownCodeError("the file classifies nothing", where=name, hint="look at its columns and rows")
