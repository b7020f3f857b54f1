"""CEPII's archives of BACI: one zip a code revision and release, which never changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import OptionError
from entrepot.nomenclature import revision_of
from entrepot.sources.baci.parse import BaciSource
from entrepot.sources.fetching.commands import ingest_command
from entrepot.sources.fetching.parts import Judged, Part, Plan

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.questions import FetchQuery

__all__ = ["BaciFetcher"]

_RELEASE: Final = re.compile(r"V?(20\d{2}(?:0[1-9]|1[0-2])[a-z]?)", re.IGNORECASE)


class BaciFetcher:
    """Fetcher of BACI."""

    @property
    def id(self) -> str:
        """Return ``baci``."""
        return "baci"

    @property
    def base_url(self) -> str:
        """Return the address of CEPII's downloads."""
        return "https://www.cepii.fr/DATA_DOWNLOAD/baci/data"

    @property
    def takes(self) -> frozenset[str]:
        """Return the fields of a query that mean something here."""
        return frozenset({"hs_revision", "release"})

    @property
    def pause(self) -> float:
        """Return the seconds between two requests."""
        return 1.0

    @property
    def key_header(self) -> str:
        """Return nothing: there are no keys."""
        return ""

    def plan(self, query: FetchQuery, client: Client) -> Plan:  # noqa: ARG002  (there is no list to ask)
        """Return the one archive of a revision and release."""
        found = _RELEASE.fullmatch(query.release)
        if found is None or not query.hs_revision:
            raise OptionError(
                f"{query.release!r} is no release"
                if query.release
                else "BACI is fetched by revision and release",
                where="--hs-revision and --release",
                hint="give --hs-revision HS2017 --release V202601; releases stand on CEPII's page of BACI",
            )
        revision = revision_of(query.hs_revision).removeprefix("HS")[2:]
        release = f"V{found[1].lower()}"
        name = f"BACI_HS{revision}_{release}.zip"
        part = Part(name=name, what=f"all years, HS{revision}, release {release}", url=name, container="zip",
                    judge=_judge, vintage=release)  # fmt: skip
        return Plan((part,))

    def next_step(self, folder: Path) -> str:
        """Return the command that takes the archive into a lake."""
        return ingest_command(self.id, folder)


def _judge(path: Path, _: Any) -> Judged:
    # The revision stands in the name, which the file does not have yet: its hidden name holds it.
    BaciSource().recognise(path)
    return Judged()
