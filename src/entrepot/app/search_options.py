"""Options that the commands on detours share: windows, suspects, products."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from entrepot.app.arguments import parse_areas, parse_day, parse_period_day, parse_sources
from entrepot.app.revision_options import PUBLISHED
from entrepot.detect.options import EXPECTED
from entrepot.detect.periods import parse_span
from entrepot.errors import OptionError
from entrepot.nomenclature import CUSTOMS_UNIONS, resolve_areas

if TYPE_CHECKING:
    from entrepot.detect.options import DetourOptions, ExpectedMethod
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.pipeline.revisions import RevisionChoice
    from entrepot.store import Lake

__all__ = [
    "AfterOption",
    "AsOfOption",
    "BeforeOption",
    "ByOption",
    "DestinationOption",
    "EventOption",
    "ExpectedOption",
    "HubOption",
    "LakeOption",
    "MemoryOption",
    "OriginOption",
    "OutOption",
    "PageOption",
    "ProductsOption",
    "Reports",
    "SeedOption",
    "SourceOption",
    "SpikesOption",
    "Suspects",
    "ThresholdOption",
    "YearsAsMonthsOption",
    "check_periods",
    "open_reports",
    "parse_corridor",
    "parse_expected",
    "parse_keys",
    "suspects_of",
]

LakeOption = Annotated[Path, typer.Option(help="folder of the lake")]
EventOption = Annotated[str, typer.Option(help="month of the event, 2022-03; a year for annual data")]
BeforeOption = Annotated[
    str | None, typer.Option(help="first:last month before; default the 24 to two before")
]
AfterOption = Annotated[str | None, typer.Option(help="first:last month after; default from two after on")]
ExpectedOption = Annotated[
    str, typer.Option(help="how the expected trade is learnt: robust, gravity or controls")
]
ProductsOption = Annotated[
    str | None, typer.Option(help="codes, list names (CHPL, CHPL:1) or @file; default all goods")
]
ByOption = Annotated[str, typer.Option(help="keys of the rows: origin,hub,destination,hs_code,period,tier")]
OutOption = Annotated[
    str | None, typer.Option(help="write all rows to .csv, .parquet, .xlsx or .json; - prints CSV")
]
PageOption = Annotated[Path | None, typer.Option(help="also write a self-contained HTML page here")]
AsOfOption = Annotated[str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")]
SourceOption = Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")]
YearsAsMonthsOption = Annotated[
    str, typer.Option(help="spread the years of reporters that publish nothing else: auto, always, never")
]
SpikesOption = Annotated[
    int,
    typer.Option(help="sets of planted detours that calibrate the intervals; with 0 no amount is identified"),
]
SeedOption = Annotated[int, typer.Option(help="seed of all draws")]
_CORRIDOR = ("origin", "hub", "destination", "code")

OriginOption = Annotated[str | None, typer.Option(help="areas or groups that the goods come from")]
HubOption = Annotated[str | None, typer.Option(help="areas or groups that they may pass")]
DestinationOption = Annotated[str | None, typer.Option(help="areas or groups where they end")]
ThresholdOption = Annotated[
    float, typer.Option(help="departures within so many standard deviations are noise")
]
MemoryOption = Annotated[
    str, typer.Option(help="memory of the engine, on Spark of each task; larger work spills to disk")
]


@dataclass(frozen=True, slots=True)
class Suspects:
    """Who is asked about, as area codes; empty where the search is open.

    Attributes
    ----------
    origins, hubs, destinations
        Areas that may take each part.
    pooled
        Members of the customs union among the origins.
    """

    origins: tuple[str, ...]
    hubs: tuple[str, ...]
    destinations: tuple[str, ...]
    pooled: tuple[str, ...]


def parse_expected(text: str) -> ExpectedMethod:
    """Return the value of ``--expected``.

    Raises
    ------
    OptionError
        It is none of the three.
    """
    if text in EXPECTED:
        return cast("ExpectedMethod", text)
    raise OptionError(
        f"{text!r} is no way to expect flows", where="--expected", hint=f"choose among {', '.join(EXPECTED)}"
    )


def suspects_of(event: str, *, origin: str | None, hub: str | None, destination: str | None) -> Suspects:
    """Return the suspects of ``--origin``, ``--hub`` and ``--destination``, groups as they were at the event.

    Raises
    ------
    OptionError
        The event is no period, or the hubs can be none.
    UnknownCodeError
        A part is no area.
    """
    day = parse_period_day(event, option="--event")
    origins = parse_areas(origin, option="--origin", on=day)
    destinations = parse_areas(destination, option="--destination", on=day)
    hubs = _hubs_between(parse_areas(hub, option="--hub", on=day), origins, destinations)
    return Suspects(origins, hubs, destinations, _pooled(origin, event))


def _hubs_between(
    hubs: tuple[str, ...], origins: tuple[str, ...], destinations: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the hubs without the destinations, which a group may hold; refuse those that can be none.

    Without hubs all areas are hubs: an answer to another question must not come of a slip.
    """
    between = tuple(code for code in hubs if code not in destinations)
    if hubs and (not between or (len(origins) == 1 and between == origins)):
        raise OptionError(
            f"{', '.join(hubs)} can be no hub: it is where the goods come from or end",
            where="--hub",
            hint="name areas between the two, or leave --hub out to search among all",
        )
    return between


def _pooled(origin: str | None, event: str) -> tuple[str, ...]:
    """Return the members of the customs union that was named as an origin."""
    named = [part.strip().upper() for part in (origin or "").split(",")]
    unions = list(dict.fromkeys(name for name in named if name in CUSTOMS_UNIONS))
    if len(unions) > 1:
        raise OptionError(
            f"{', '.join(unions)} are {len(unions)} customs unions; one can be pooled",
            where="--origin",
            hint="name one union, and the members of the other one by one",
        )
    return resolve_areas(unions[0], on=parse_period_day(event, option="--event")) if unions else ()


def parse_keys(text: str) -> tuple[str, ...]:
    """Return the keys of ``origin,month``: ``month`` and ``product`` are words for two of them."""
    names = {"month": "period", "product": "hs_code", "products": "hs_code"}
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    return tuple(names.get(part, part) for part in parts)


def parse_corridor(text: str) -> tuple[str, str, str, str]:
    """Return origin, hub, destination and code of ``DEU,KGZ,RUS,870323``.

    Raises
    ------
    OptionError
        It has not four parts, or a place is more than one area.
    UnknownCodeError
        A place is no area.
    """
    parts = [part.strip() for part in text.split(",")]
    places = [parse_areas(part, option="corridor") for part in parts[:3]]
    if len(parts) != len(_CORRIDOR) or any(len(codes) != 1 for codes in places):
        raise OptionError(
            f"{text!r} is no corridor",
            where="corridor",
            hint=f"write {','.join(_CORRIDOR)}, such as DEU,KGZ,RUS,870323: each place one area",
        )
    return places[0][0], places[1][0], places[2][0], parts[3]


@dataclass(frozen=True, slots=True)
class Reports:
    """Which reports of a lake are asked for, before the lake has been opened.

    Attributes
    ----------
    as_of
        ``--as-of`` as given.
    source
        ``--source`` as given.
    revision
        The revision that codes are brought to.
    hs_revision
        ``--hs-revision`` as given.
    years_as_months
        ``--years-as-months`` as given.
    """

    as_of: str | None
    source: str | None
    revision: RevisionChoice | None
    hs_revision: str | None
    years_as_months: str


def check_periods(options: DetourOptions) -> None:
    """Refuse periods that are none, before the lake is read.

    Raises
    ------
    OptionError
        The event or the end of a window is no period.
    """
    parse_period_day(options.event, option="--event")
    for option, span in (("--before", options.before), ("--after", options.after)):
        if span is not None:
            parse_span(span, option=option)


def open_reports(folder: Path, reports: Reports) -> tuple[Lake, ReportChoice]:
    """Open the lake and return it with the reports that count."""
    from entrepot.pipeline.choices import (  # noqa: PLC0415  (heavy: typing errors answer at once)
        ReportChoice,
        YearsAsMonths,
    )
    from entrepot.store import Lake  # noqa: PLC0415

    words = [word.value for word in YearsAsMonths]
    if reports.years_as_months not in words:
        raise OptionError(
            f"{reports.years_as_months!r} is no way to use years",
            where="--years-as-months",
            hint=f"choose among {', '.join(words)}",
        )
    day = parse_day(reports.as_of, option="--as-of")
    lake = Lake.open(folder)
    sources = parse_sources(reports.source, known=lake.files()["source"].to_pylist())
    return lake, ReportChoice(
        as_of=day,
        sources=sources,
        revision=reports.revision,
        are_codes_linked=reports.hs_revision != PUBLISHED,
        years_as_months=YearsAsMonths(reports.years_as_months),
    )
