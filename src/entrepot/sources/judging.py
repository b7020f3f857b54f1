"""What is wrong with a row, as SQL: the first judgement that holds gives the reason and the detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entrepot.engine.quoting import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.schema import QuarantineReason

__all__ = ["ABSURD", "Judgement", "detail_sql", "is_no_number", "reason_sql"]

#: World trade is some 25 million million dollars a year: no figure is larger than four times that.
ABSURD: Final = "1e14"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One thing that may be wrong with a row.

    Attributes
    ----------
    reason
        Its code.
    condition
        SQL that is true where it is wrong.
    name
        The publisher's name of the column, for the reader.
    text
        SQL of what stands there.
    note
        What else the reader should know; said behind the value.
    """

    reason: QuarantineReason
    condition: str
    name: str
    text: str
    note: str = ""


def reason_sql(judgements: Sequence[Judgement]) -> str:
    """Return the SQL of the reason code, null for a good row."""
    cases = " ".join(f"WHEN {one.condition} THEN {literal(one.reason.value)}" for one in judgements)
    return f"CASE {cases} END"


def detail_sql(judgements: Sequence[Judgement]) -> str:
    """Return the SQL of the offending column and value, by the same judgements in the same order."""
    cases = " ".join(
        f"WHEN {one.condition} THEN {literal(one.name + ' ')} || coalesce({one.text}, 'is empty')"
        + (f" || {literal('; ' + one.note)}" if one.note else "")
        for one in judgements
    )
    return f"CASE {cases} END"


def is_no_number(text: str, number: str) -> str:
    """Return the SQL that is true where a text is there and its number is none, or not finite."""
    return f"({text} IS NOT NULL AND ({number} IS NULL OR NOT isfinite({number})))"
