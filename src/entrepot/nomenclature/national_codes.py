"""Area codes that only one customs service uses, and that mean something else everywhere else."""

from __future__ import annotations

from typing import Literal

from entrepot.nomenclature.facts import fact_rows

__all__ = ["NationalScheme", "national_area_codes"]

#: China's customs statistics; the US Census Bureau's Schedule C; what Russia's customs add to ISO alpha-2.
NationalScheme = Literal["gacc", "schedule_c", "russia_fts"]


def national_area_codes(scheme: NationalScheme) -> dict[str, str]:
    """Return what the codes of a customs service mean, our area code by its own.

    When to use: by the reader of that service alone. ``112`` is Indonesia in China and Belarus in M49.
    Several of its codes may be one area (the archipelagos of French Polynesia).

    Examples
    --------
    >>> national_area_codes("gacc")["146"], national_area_codes("schedule_c")["4635"]
    ('KGZ', 'KGZ')
    """
    return {
        row["foreign_code"]: row["code"]
        for row in fact_rows("national_area_codes")
        if row["scheme"] == scheme
    }
