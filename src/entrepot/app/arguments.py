"""Arguments that several commands read in the same way."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, cast

import typer

from entrepot.detect.periods import parse_period
from entrepot.engine.choosing import check_engine
from entrepot.errors import OptionError, UnknownCodeError
from entrepot.nomenclature import resolve_areas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrepot.engine.choosing import EngineName

__all__ = [
    "EngineOption",
    "one_of",
    "parse_areas",
    "parse_chart_event",
    "parse_day",
    "parse_engine",
    "parse_period_day",
    "parse_sources",
]

EngineOption = Annotated[
    str, typer.Option(help="duckdb, on this machine, or spark, on a cluster", metavar="duckdb|spark")
]


def parse_areas(text: str | None, *, option: str, on: date | None = None) -> tuple[str, ...]:
    """Return the codes of ``KGZ,EAEU``; none where nothing was given.

    Raises
    ------
    UnknownCodeError
        A part is no area, or the option was given without any.
    """
    if text is None:
        return ()
    try:
        return resolve_areas(text, on=on)
    except UnknownCodeError as error:
        raise UnknownCodeError(error.what, where=error.where or option, hint=error.hint) from error


def one_of(text: str, words: tuple[str, ...], *, option: str) -> str:
    """Return the word, if it is one of those allowed.

    Raises
    ------
    OptionError
        It is none of them.
    """
    if text not in words:
        raise OptionError(
            f"{text!r} is none of the words of this option",
            where=option,
            hint=f"use one of: {', '.join(words)}",
        )
    return text


def parse_chart_event(text: str) -> tuple[str, str]:
    """Return the period and the words of ``2022-03=export bans``.

    Raises
    ------
    OptionError
        The text is not of that form.
    """
    period, _, words = (part.strip() for part in text.partition("="))
    parse_period(period, option="--chart-event")
    return period, words or period


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


def parse_period_day(text: str, *, option: str) -> date:
    """Return the first day of ``2022-03`` or ``2022``.

    Raises
    ------
    OptionError
        The text is no period.
    """
    number = parse_period(text, option=option)
    year, month = divmod(number, 12) if "-" in text else (number, 0)
    return date(max(year, 1), month + 1, 1)


def parse_sources(text: str | None, *, known: Iterable[str]) -> tuple[str, ...]:
    """Return the sources of ``comtrade,comext``; none where nothing was given.

    Raises
    ------
    OptionError
        The lake holds nothing of a source.
    """
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    held = sorted(set(known))
    absent = [name for name in names if name not in held]
    if absent:
        raise OptionError(
            f"the lake holds nothing of {', '.join(absent)}",
            where="--source",
            hint=f"it holds {', '.join(held) or 'nothing yet'}",
        )
    return names


def parse_engine(text: str) -> EngineName:
    """Return the engine of a name.

    Raises
    ------
    OptionError
        There is none of it.
    """
    name = text.strip().lower()
    check_engine(name)
    return cast("EngineName", name)
