"""The sources that a command can name."""

from __future__ import annotations

import difflib
import tomllib
from contextlib import suppress
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, cast

from entrepot.errors import EntrepotError, OptionError
from entrepot.schema import FlowKind
from entrepot.sources.baci import BaciSource
from entrepot.sources.base import UNSTATED, Stated, TellableSource
from entrepot.sources.comext import ComextSource
from entrepot.sources.comtrade import ComtradeSource
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.gacc import GaccSource
from entrepot.sources.russia_fts import RussiaFtsSource
from entrepot.sources.us_census import UsCensusSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.sources.base import Source

__all__ = ["SOURCES", "open_source", "publisher_name", "sources_that_read"]

#: Publishers with a reader of their own.
SOURCES: tuple[Callable[[], Source], ...] = (
    ComtradeSource,
    ComextSource,
    BaciSource,
    GaccSource,
    RussiaFtsSource,
    UsCensusSource,
)

_MAPPED = "csv:"
_SHIPPED = Path(__file__).with_name("csv_mapping") / "samples"
#: Other packages add sources to this group: a name, and a callable without arguments.
_GROUP = "entrepot.sources"


def open_source(name: str, stated: Stated | None = None) -> Source:
    """Return the source of a name.

    Parameters
    ----------
    name
        A publisher's id, the name of a mapping that ships with the package, or ``csv:`` and the path of a
        mapping.
    stated
        What the files leave unsaid.

    Raises
    ------
    OptionError
        No source has the name.
    MappingError
        The mapping is not valid.

    Examples
    --------
    >>> open_source("comtrade").id
    'comtrade'
    """
    given = stated or UNSTATED
    if name.startswith(_MAPPED):
        return MappedTable.from_toml(_mapping(name.removeprefix(_MAPPED)), given)
    known = {source.id: source for source in (make() for make in SOURCES)}
    if name in known:
        return _told(known[name], given)
    outside = {point.name: point for point in entry_points(group=_GROUP)}
    if name in outside:
        return _told(cast("Source", outside[name].load()()), given)
    shipped = _shipped()
    if name in shipped:
        return MappedTable.from_toml(shipped[name], given)
    names = [*known, *outside, *shipped]
    near = [f"did you mean {one}? " for one in difflib.get_close_matches(name.lower(), names, n=1)]
    raise OptionError(
        f"no source is called {name!r}",
        where="SOURCE",
        hint=f"{''.join(near)}sources are {', '.join([*names, 'csv:MAPPING.toml'])}",
    )


def sources_that_read(path: Path) -> tuple[str, ...]:
    """Return the names of the sources that recognise a file by its head: what a wrong name was to be.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple
        Publishers first, then mappings that ship with the package; none for a file that nobody knows.
    """
    makers = {make().id: make for make in SOURCES}
    makers |= {name: partial(MappedTable.from_toml, file) for name, file in _shipped().items()}
    found = []
    for name, make in makers.items():
        with suppress(EntrepotError):
            try:
                make().recognise(path)
            except OptionError:  # what must be stated with the file: anything does to look at its head
                _told(make(), Stated(FlowKind.IMPORT)).recognise(path)
            found.append(name)
    return tuple(found)


def _told(source: Source, stated: Stated) -> Source:
    """Return the source with what the user states, where it asks for something."""
    if isinstance(source, TellableSource):
        return source.told(stated)
    if given := stated.fields():
        raise OptionError(
            f"the files of {source.id} say their own {' and '.join(given)}",
            where=" ".join(f"--{name}" for name in given),
            hint="leave it out",
        )
    return source


def _shipped() -> dict[str, Path]:
    """Return the mappings that ship with the package by name."""
    return {file.stem: file for file in sorted(_SHIPPED.glob("*.toml"))}


def publisher_name(source: str) -> str:
    """Return the publisher's name for the reader, the id of a source of the user's own.

    Examples
    --------
    >>> publisher_name("csv:imf_wide"), publisher_name("csv:mine")
    ('International Monetary Fund', 'csv:mine')
    """
    facts = Path(__file__).with_name(source) / "source.yml"
    if source.isidentifier() and facts.exists():
        lines = facts.read_text(encoding="utf-8").splitlines()
        return next(line.removeprefix("name: ") for line in lines if line.startswith("name: "))
    mapping = _shipped().get(source.removeprefix(_MAPPED))
    if mapping is None:
        return source
    return str(tomllib.loads(mapping.read_text(encoding="utf-8")).get("publisher", source))


def _mapping(name: str) -> Path:
    """Return the path of a mapping: the user's file, else the one of that name in the package."""
    path = Path(name).expanduser()
    if path.suffix or path.exists():
        return path
    shipped = _shipped()
    if name in shipped:
        return shipped[name]
    raise OptionError(
        f"there is no mapping {name!r}",
        where=f"{_MAPPED}{name}",
        hint=f"give the path of a .toml file, or one that ships with the package: {', '.join(shipped)}",
    )
