"""Read the tables of facts that ship with the package (``data/*.csv``)."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib import resources

__all__ = ["fact_rows", "is_in_force", "optional_date"]


@cache
def fact_rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a table of facts, every value as text, empty where there is none.

    Parameters
    ----------
    name
        File name without ``.csv``.
    """
    file = resources.files("entrepot.nomenclature").joinpath("data", f"{name}.csv")
    return tuple(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def optional_date(text: str) -> date | None:
    """Return the date of a text cell, None of an empty one."""
    return date.fromisoformat(text) if text else None


def is_in_force(valid_from: date | None, valid_to: date | None, on: date) -> bool:
    """Say whether a day lies within a validity; both ends belong to it, an open end has no limit."""
    return (valid_from is None or valid_from <= on) and (valid_to is None or on <= valid_to)
