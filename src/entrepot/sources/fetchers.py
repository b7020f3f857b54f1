"""The publishers that can be asked, and the function that asks them."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from entrepot.errors import OptionError
from entrepot.sources.fetching.questions import FetchOptions, FetchQuery
from entrepot.sources.fetching.reports import FetchStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.sources.fetching.parts import Fetcher
    from entrepot.sources.fetching.reports import FetchReport

__all__ = ["FETCHERS", "fetch", "key_variable", "open_fetcher"]

#: Fetchers by id: module and class. They are imported when one is asked for.
FETCHERS: Final[dict[str, tuple[str, str]]] = {
    "comtrade": ("entrepot.sources.comtrade.fetch", "ComtradeFetcher"),
    "comext": ("entrepot.sources.comext.fetch", "ComextFetcher"),
    "baci": ("entrepot.sources.baci.fetch", "BaciFetcher"),
    "un_hs": ("entrepot.sources.un_hs.fetch", "UnHsFetcher"),
    "world_bank": ("entrepot.sources.world_bank.fetch", "WorldBankFetcher"),
    "ecb": ("entrepot.sources.ecb.fetch", "EcbFetcher"),
}

_OPTIONS: Final = {
    "periods": "--periods", "reporters": "--reporter", "partners": "--partner", "flows": "--flow",
    "products": "--products", "hs_revision": "--hs-revision", "release": "--release", "method": "--method",
    "row_limit": "--row-limit",
}  # fmt: skip


def key_variable(source: str) -> str:
    """Return the environment variable that may hold the key of a publisher.

    Examples
    --------
    >>> key_variable("comtrade")
    'ENTREPOT_COMTRADE_KEY'
    """
    return f"ENTREPOT_{source.upper()}_KEY"


def open_fetcher(source: str) -> Fetcher:
    """Return the fetcher of a publisher.

    Raises
    ------
    OptionError
        None has the name.
    """
    if source not in FETCHERS:
        raise OptionError(
            f"nothing can be fetched from {source!r}",
            where="SOURCE",
            hint=f"fetch knows {', '.join(FETCHERS)}; files of others are downloaded by hand",
        )
    module, name = FETCHERS[source]
    return cast("Fetcher", getattr(import_module(module), name)())


def fetch(
    source: str,
    to: str | Path,
    query: FetchQuery | None = None,
    *,
    options: FetchOptions | None = None,
    progress: Callable[[FetchStep], None] | None = None,
) -> FetchReport:
    """Fetch a publisher's files into a folder.

    Use it before ``ingest``. A repeat fetches only what is missing or has been published anew: what lies
    there is compared with the register of the folder by checksum. A file has its name only when it is whole
    and was found to be what the reader reads.

    Parameters
    ----------
    source
        ``comtrade``, ``comext``, ``baci``; ``un_hs`` (concordances), ``world_bank`` (GDP), ``ecb`` (rates).
    to
        Folder of the files, one publisher each; made if there is none.
    query
        What to fetch.
    options
        Key, address, patience, dry run. Without a key the environment variable of :func:`key_variable`
        counts.
    progress
        Is told what is being done.

    Returns
    -------
    FetchReport
        A report each file, what is not published yet, and what to type next.

    *Missing data*: what the publisher's own list of what there is does not have is no error, and stands in
    ``not_published``. Every other period that did not come stands in ``failed``.

    Raises
    ------
    OptionError
        The query lacks something, or says something that means nothing to this publisher.
    AccessError
        The publisher refuses the key or the quota is spent, before there is a plan.
    FetchError
        Its list cannot be had, or another fetch holds the folder.
    """
    # HTTP is loaded when something is fetched, not before.
    from entrepot.sources.fetching.client import Client  # noqa: PLC0415
    from entrepot.sources.fetching.conduct import carry_out, only_say  # noqa: PLC0415
    from entrepot.sources.fetching.ledger import locked  # noqa: PLC0415

    fetcher = open_fetcher(source)
    asked, how, step = query or FetchQuery(), options or FetchOptions(), progress or (lambda _: None)
    _refuse_strange(fetcher, asked)
    folder = Path(to).expanduser()
    with Client(
        how.base_url or fetcher.base_url,
        patience=how.patience,
        pause=fetcher.pause,
        key_header=fetcher.key_header,
        key=_key(fetcher, how),
        tell=lambda note: step(FetchStep(0, 0, source, "waiting", note=note)),
    ) as client:
        step(FetchStep(0, 0, f"what {source} has", "asking"))
        plan = fetcher.plan(asked, client)
        if how.is_dry_run:
            return only_say(fetcher, plan, folder)
        with locked(folder):
            return carry_out(fetcher, plan, client, folder, step=step)


def _refuse_strange(fetcher: Fetcher, query: FetchQuery) -> None:
    strange = [name for name in query.given() if name not in fetcher.takes]
    if strange:
        known = (
            ", ".join(_OPTIONS[name] for name in _OPTIONS if name in fetcher.takes) or "no option of these"
        )
        raise OptionError(
            f"{' and '.join(_OPTIONS[name] for name in strange)} means nothing to {fetcher.id}",
            where=f"fetch {fetcher.id}",
            hint=f"leave it out; {fetcher.id} takes {known}",
        )


def _key(fetcher: Fetcher, options: FetchOptions) -> str:
    """Return the key, from the options or the environment; a key that cannot be sent is refused unshown."""
    if not fetcher.key_header:
        if options.key:
            raise OptionError(f"{fetcher.id} asks for no key", where="--key", hint="leave it out")
        return ""
    key = (options.key or os.environ.get(key_variable(fetcher.id), "")).strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise OptionError(
            "the key has blanks or letters that no key has",
            where=f"--key or {key_variable(fetcher.id)}",
            hint="copy the key again from the publisher's page, without quotes",
        )
    return key
