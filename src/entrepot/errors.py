"""What can go wrong: one tree, and every error says what to do next.

::

    EntrepotError
    ├── UnknownCodeError        a code or name that no table of ours knows (area, group, HS, list, event)
    ├── OptionError             an option or argument outside its allowed values
    ├── InputFileError          a file that cannot be read as what it claims to be
    │   ├── HeaderError         columns missing, renamed or given twice
    │   ├── EncodingError       bytes that are not the stated text encoding
    │   ├── TruncatedFileError  a download or archive cut short
    │   ├── EmptyFileError      no data row, or none that is valid
    │   └── NoFlowsError        a list of codes or a readme that goes with the flows
    ├── FetchError              a publisher's server did not give what was asked
    │   └── AccessError         it refuses the key, throttles on, or the quota is spent
    ├── MappingError            a mapping TOML that does not describe the file
    ├── ContractError           a table that breaks its contract (types, keys, totals among leaves)
    ├── LakeError               a lake that is missing, locked, full or damaged
    └── CoverageError           the data needed for a question are not in the lake
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "ContractError",
    "CoverageError",
    "EmptyFileError",
    "EncodingError",
    "EntrepotError",
    "FetchError",
    "HeaderError",
    "InputFileError",
    "LakeError",
    "MappingError",
    "NoFlowsError",
    "OptionError",
    "TruncatedFileError",
    "UnknownCodeError",
]


class EntrepotError(Exception):
    """Base of all errors that entrepot raises on purpose.

    Parameters
    ----------
    what
        What is wrong, with the figures.
    where
        Source, file, line, option or period; empty where there is no place.
    hint
        The next action for the reader. Required: an error that does not help is a bug.
    """

    def __init__(self, what: str, *, where: str = "", hint: str) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what, where, hint)

    def __str__(self) -> str:
        """Say what, where and hint, a line each."""
        lines = [self.what]
        if self.where:
            lines.append(f"where: {self.where}")
        lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, tuple[type[EntrepotError], str, str, str]]:
        """Survive a trip between processes: the constructor is keyword-only."""
        return _rebuild, (type(self), self.what, self.where, self.hint)


def _rebuild(kind: type[EntrepotError], what: str, where: str, hint: str) -> EntrepotError:
    return kind(what, where=where, hint=hint)


class UnknownCodeError(EntrepotError):
    """A code or name is in no table; the hint proposes the nearest."""


class OptionError(EntrepotError):
    """An option has a value outside the allowed ones; the message lists them."""


class InputFileError(EntrepotError):
    """A file cannot be read as what it claims to be."""


class HeaderError(InputFileError):
    """Columns are missing, renamed or given twice."""


class EncodingError(InputFileError):
    """The bytes are not the stated text encoding."""


class TruncatedFileError(InputFileError):
    """A download or an archive was cut short."""


class EmptyFileError(InputFileError):
    """The file has no data row, or none that is valid."""


class NoFlowsError(InputFileError):
    """The file goes with the publisher's flows and holds none itself: a list of codes, a readme."""


class FetchError(EntrepotError):
    """A publisher's server did not give what was asked."""


class AccessError(FetchError):
    """The server refuses the key, throttles on, or the quota is spent: asking for more is of no use now."""


class MappingError(EntrepotError):
    """A mapping TOML does not describe the file."""


class ContractError(EntrepotError):
    """A table breaks its contract."""


class LakeError(EntrepotError):
    """The lake is missing, locked, full or damaged."""


class CoverageError(EntrepotError):
    """The data that a question needs are not in the lake."""
