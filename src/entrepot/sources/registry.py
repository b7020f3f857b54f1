"""The sources that a command can name."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, cast

from entrepot.errors import OptionError
from entrepot.sources.comtrade import ComtradeSource
from entrepot.sources.csv_mapping import MappedTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.sources.base import Source

__all__ = ["SOURCES", "open_source"]

#: Publishers with a reader of their own.
SOURCES: tuple[Callable[[], Source], ...] = (ComtradeSource,)

_MAPPED = "csv:"
#: Other packages add sources to this group: a name, and a callable without arguments.
_GROUP = "entrepot.sources"


def open_source(name: str) -> Source:
    """Return the source of a name.

    Parameters
    ----------
    name
        A publisher's id, or ``csv:`` and the path of a mapping.

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
        return MappedTable.from_toml(Path(name.removeprefix(_MAPPED)).expanduser())
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
