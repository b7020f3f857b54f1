"""Options for what amounts are given in, read alike by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from entrepot.app.arguments import one_of

if TYPE_CHECKING:
    from entrepot.pipeline.amounts import Amount, Value

__all__ = [
    "VALUE_WORDS",
    "DeflatorOption",
    "PricesOfOption",
    "UnitOption",
    "ValueOption",
    "parse_amount",
    "parse_other_amount",
]

#: Words of the option, the column, and what it is.
VALUE_WORDS = {
    "usd": ("value_usd", "US dollars"),
    "eur": ("value_eur", "euro"),
    "kg": ("net_weight_kg", "kilograms"),
    "units": ("quantity", "units"),
}

ValueOption = Annotated[
    str, typer.Option(help="usd, eur (mean ECB rate of the period), kg or units (numbers as counted)")
]
UnitOption = Annotated[
    str, typer.Option(help="of --value units: which, such as u (pieces); needed where goods have several")
]
DeflatorOption = Annotated[
    Path | None,
    typer.Option(help="constant prices: CSV with period,index (and exporter, importer, hs_code)"),
]
PricesOfOption = Annotated[
    str | None, typer.Option(help="of --deflator: period or first:last whose prices are taken")
]


def parse_amount(value: str, unit: str, deflator: Path | None, prices_of: str | None) -> Amount:
    """Return what amounts are given in.

    Raises
    ------
    OptionError
        The word is none of the four, or the options do not go together.
    InputFileError
        The price index cannot be read.
    """
    one_of(value, tuple(VALUE_WORDS), option="--value")
    # Heavy imports wait until the option is known to be right.
    from entrepot.pipeline.amounts import Amount  # noqa: PLC0415
    from entrepot.sources.deflators import read_deflator  # noqa: PLC0415

    return Amount(
        value=cast("Value", VALUE_WORDS[value][0]),
        unit=unit,
        deflator=None if deflator is None else read_deflator(deflator),
        prices_of=prices_of,
    )


def parse_other_amount(value: str, unit: str, deflator: Path | None, prices_of: str | None) -> Amount | None:
    """Return what amounts are given in beside dollars; None where dollars are enough.

    Raises
    ------
    OptionError, InputFileError
        See :func:`parse_amount`.
    """
    amount = parse_amount(value, unit, deflator, prices_of)
    return None if amount.column == "value_usd" else amount
