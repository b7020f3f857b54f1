"""SQL expressions that the queries of several sources share."""

from __future__ import annotations

from entrepot.engine.quoting import identifier, literal
from entrepot.nomenclature import HS_REVISIONS

__all__ = ["revision_sql", "text_sql"]

#: The Harmonized System came into force.
_FIRST_YEAR = 1988


def text_sql(column: str) -> str:
    """Return the SQL of what stands in a column of the staged table ``raw``: trimmed, null where it is empty.

    Examples
    --------
    >>> print(text_sql("time"))
    nullif(trim(raw."time"), '')
    """
    return f"nullif(trim(raw.{identifier(column)}), '')"


def revision_sql(year: str) -> str:
    """Return the SQL of the revision in force in a year, null before the first.

    As :func:`~entrepot.nomenclature.revision_in_force` says it of one year.

    Parameters
    ----------
    year
        SQL of the year, a number.
    """
    since = [(int(revision[2:]), revision) for revision in HS_REVISIONS[1:]]
    cases = [
        f"WHEN {year} >= {first} THEN {literal(revision)}"
        for first, revision in [*reversed(since), (_FIRST_YEAR, HS_REVISIONS[0])]
    ]
    return f"CASE {' '.join(cases)} END"
