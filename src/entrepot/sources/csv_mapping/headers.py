"""Names of columns: as the file has them, and as they are staged."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from entrepot.errors import HeaderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["check_columns", "staged_name", "staged_names"]

#: The staged table has these columns beside the file's own.
_RESERVED: Final = frozenset({"row_number", "file_row_number", "file_hash", "_trailing"})


def staged_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names that are unique, case-blind: empty ones are numbered, repeated ones get ``_2``, ``_3``, ….

    Examples
    --------
    >>> staged_names(["Unit", "", "UNIT", "row_number"])
    ('Unit', 'column_2', 'UNIT_2', 'row_number_2')
    """
    taken = set(_RESERVED)
    staged = []
    for number, name in enumerate(names, start=1):
        base = name.strip() or f"column_{number}"
        unique, copy = base, 1
        while unique.lower() in taken:
            copy += 1
            unique = f"{base}_{copy}"
        taken.add(unique.lower())
        staged.append(unique)
    return tuple(staged)


def staged_name(name: str) -> str:
    """Return under which name a column of the file is staged."""
    return f"{name}_2" if name.lower() in _RESERVED else name


def check_columns(wanted: Iterable[str], columns: Sequence[str], *, where: str) -> None:
    """Refuse a file in which a mapped column is missing or stands twice.

    Parameters
    ----------
    wanted
        Names that the mapping uses.
    columns
        Names as staged.
    where
        The file.

    Raises
    ------
    HeaderError
        The hint proposes the nearest name.
    """
    mapped = list(dict.fromkeys(wanted))
    absent = [name for name in mapped if staged_name(name) not in columns]
    if absent:
        near = {
            name: difflib.get_close_matches(name.lower(), [c.lower() for c in columns], n=1)
            for name in absent
        }
        by_lower = {column.lower(): column for column in columns}
        taken = [
            f"rename the column {name}: the name is ours" for name in absent if name.lower() in _RESERVED
        ]
        meant = taken + [f"{name}: did you mean {by_lower[one[0]]}?" for name, one in near.items() if one]
        raise HeaderError(
            f"{len(absent)} mapped columns are not in the file: {', '.join(absent)}",
            where=where,
            hint="; ".join(meant) or f"the file has the columns {', '.join(columns)}",
        )
    lower = {column.lower() for column in columns}
    for name in mapped:
        second = f"{name}_2"
        if name.lower() not in _RESERVED and second.lower() in lower and second not in mapped:
            raise HeaderError(
                f"the column {name} stands twice, or has a namesake {second}",
                where=where,
                hint="name all columns in [file] header, each once, and skip the file's own header",
            )
