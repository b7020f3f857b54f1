"""The options that bring codes to one revision, read alike by several commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from entrepot.nomenclature import list_tiers, product_codes

if TYPE_CHECKING:
    from entrepot.pipeline.revisions import RevisionChoice, SplitRule

__all__ = [
    "PUBLISHED",
    "HsRevisionOption",
    "HsSearchRevisionOption",
    "HsSharesOption",
    "parse_revision",
    "product_list",
    "product_tiers",
]

HsRevisionOption = Annotated[
    str | None,
    typer.Option(help="bring all codes to one revision, HS1992 to HS2022; default each as published"),
]
HsSearchRevisionOption = Annotated[
    str | None,
    typer.Option(
        help="bring all codes to one revision, HS1992 to HS2022, or leave them as published; default one "
        "code for each good whose code changed within the windows"
    ),
]

#: Word for codes as their publishers have them.
PUBLISHED = "published"

HsSharesOption = Annotated[
    str, typer.Option(help="shares of a code with several counterparts: kept, equal or learnt")
]


def parse_revision(revision: str | None, shares: str) -> RevisionChoice | None:
    """Return the revision asked for; None where nothing was given, or codes as published.

    Raises
    ------
    UnknownCodeError
        No revision has the name.
    OptionError
        The shares are none of the allowed ways.
    """
    # The pipeline is heavy: only those who ask for a revision wait for it here.
    if revision is None or revision == PUBLISHED:
        return None
    from entrepot.pipeline.revisions import RevisionChoice  # noqa: PLC0415

    return RevisionChoice(revision, cast("SplitRule", shares))


def product_list(products: str | None, revision: RevisionChoice | None) -> tuple[str, ...]:
    """Return the codes of ``--products``, lists expanded in the revision asked for."""
    if not products:
        return ()
    return (
        product_codes(products) if revision is None else product_codes(products, revision=revision.revision)
    )


def product_tiers(products: str | None, revision: RevisionChoice | None) -> tuple[tuple[str, str], ...]:
    """Return the codes of the lists that ``--products`` names, each with its tier."""
    if not products:
        return ()
    tiers = list_tiers(products) if revision is None else list_tiers(products, revision=revision.revision)
    return tuple(tiers.items())
