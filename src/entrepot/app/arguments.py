"""Arguments that several commands read in the same way."""

from __future__ import annotations

from datetime import date

from entrepot.errors import OptionError

__all__ = ["parse_day"]


def parse_day(text: str | None, *, option: str) -> date | None:
    """Return the day of ``2023-01-31``; None where nothing was given.

    Raises
    ------
    OptionError
        The text is no date.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OptionError(f"{text!r} is no date", where=option, hint="write it as 2023-01-31") from error
