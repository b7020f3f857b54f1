"""The sources that a command can name."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, cast

from entrepot.errors import OptionError
from entrepot.sources.baci import BaciSource
from entrepot.sources.comext import ComextSource
from entrepot.sources.comtrade import ComtradeSource
from entrepot.sources.csv_mapping import MappedTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.sources.base import Source

__all__ = ["SOURCES", "open_source"]

#: Publishers with a reader of their own.
SOURCES: tuple[Callable[[], Source], ...] = (ComtradeSource, ComextSource, BaciSource)

_MAPPED = "csv:"
_SHIPPED = Path(__file__).with_name("csv_mapping") / "samples"
#: Other packages add sources to this group: a name, and a callable without arguments.
_GROUP = "entrepot.sources"


def open_source(name: str) -> Source:
    """Return the source of a name.

    Parameters
    ----------
    name
        A publisher's id, or ``csv:`` and the path of a mapping or the name of one that ships with the
        package.

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
    if name.startswith(_MAPPED):
        return MappedTable.from_toml(_mapping(name.removeprefix(_MAPPED)))
    known = {source.id: source for source in (make() for make in SOURCES)}
    if name in known:
        return known[name]
    outside = {point.name: point for point in entry_points(group=_GROUP)}
    if name in outside:
        return cast("Source", outside[name].load()())
    raise OptionError(
        f"no source is called {name!r}",
        where="SOURCE",
        hint=f"sources are {', '.join([*known, *outside, 'csv:MAPPING.toml'])}",
    )


def _mapping(name: str) -> Path:
    """Return the path of a mapping: the user's file, else the one of that name in the package."""
    path = Path(name).expanduser()
    if path.suffix or path.exists():
        return path
    shipped = sorted(_SHIPPED.glob("*.toml"))
    names = [file.stem for file in shipped]
    if name in names:
        return shipped[names.index(name)]
    raise OptionError(
        f"there is no mapping {name!r}",
        where=f"{_MAPPED}{name}",
        hint=f"give the path of a .toml file, or one that ships with the package: {', '.join(names)}",
    )
