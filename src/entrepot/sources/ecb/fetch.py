"""The European Central Bank's file of all daily reference rates, renewed every working day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from entrepot.sources.fetching.commands import python_call
from entrepot.sources.fetching.parts import Freshness, Judged, Part, Plan
from entrepot.sources.rates import daily_quotes

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.questions import FetchQuery

__all__ = ["EcbFetcher"]

_NAME: Final = "eurofxref-hist.zip"


class EcbFetcher:
    """Fetcher of the ECB's rates."""

    @property
    def id(self) -> str:
        """Return ``ecb``."""
        return "ecb"

    @property
    def base_url(self) -> str:
        """Return the address of the rates."""
        return "https://www.ecb.europa.eu/stats/eurofxref"

    @property
    def takes(self) -> frozenset[str]:
        """Return nothing: there is one file."""
        return frozenset()

    @property
    def pause(self) -> float:
        """Return the seconds between two requests."""
        return 1.0

    @property
    def key_header(self) -> str:
        """Return nothing: there are no keys."""
        return ""

    def plan(self, query: FetchQuery, client: Client) -> Plan:  # noqa: ARG002  (there is one file)
        """Return the one file."""
        part = Part(name=_NAME, what="daily rates since 1999", url=_NAME, container="zip", judge=_judge,
                    freshness=Freshness.ASKED)  # fmt: skip
        return Plan((part,))

    def next_step(self, folder: Path) -> str:
        """Return the call that reads the rates."""
        return python_call("ecb_rates", "entrepot.sources.rates", folder / _NAME)


def _judge(path: Path, _: Any) -> Judged:
    return Judged(rows=daily_quotes(path).num_rows)
