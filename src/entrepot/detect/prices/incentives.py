"""Why a round trip pays: the mark-up against exchange rates between its legs, subsidies and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.periods import parse_period, period_text
from entrepot.errors import OptionError
from entrepot.nomenclature import area_currency
from entrepot.schema import INCENTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["loop_incentives"]

_MOST_RATE = 10.0


def loop_incentives(
    loops: pa.Table, rates: pa.Table, *, subsidy: float = 0.0, cost: float = 0.0, months: int = 12
) -> pa.Table:
    """Return what round trips earn either side, and where they would break even.

    The goods leave at the value 1 and are bought back, the lag later, at 1 + m, both in US dollars; each
    side counts in its own currency. With f the change of its units per dollar between the legs:

    *Formula*: maker 1 + s − (1 + m)(1 + f), break-even at the subsidy s = (1 + m)(1 + f) − 1; via
    (1 + m)(1 + f) − 1 − c, break-even at the costs c = (1 + m)(1 + f) − 1. f is the mean over the departures
    of the first ``months`` months from the onset.

    Parameters
    ----------
    loops
        Columns ``maker, via, hs_code, markup, markup_low, markup_high, lag_months, onset`` of ``out__loop``.
    rates
        Columns ``currency, period, per_usd``, see :func:`entrepot.sources.rates.ecb_rates`; an empty period
        holds for every period without a row.
    subsidy
        s: what the maker's side is paid for the round (export rebate, preference), over the value out.
    cost
        c: what the via's side spends (freight, duty, relabelling), over the value out.
    months
        Months of departure that f is averaged over.

    Returns
    -------
    table
        Columns of ``out__incentive``. **Grain**: round trip with a mark-up; others have none to weigh.

    *Missing data*: a side whose currency has no rate in any of the months has no gain, and ``status`` names
    the currency. Nothing is filled in.

    Raises
    ------
    OptionError
        A rate or number of months is out of its bounds.
    """
    for option, rate in (("--subsidy", subsidy), ("--cost", cost)):
        if not 0 <= rate < _MOST_RATE:
            raise OptionError(
                f"a rate of {rate:g}", where=option, hint="give a share of the value going out, such as 0.13"
            )
    if months < 1:
        raise OptionError(f"{months} months", where="--months", hint="give 1 or more")
    quoted = {
        (row["currency"], row["period"]): row["per_usd"]
        for row in rates.select(["currency", "period", "per_usd"]).to_pylist()
    }
    rows = [
        _incentive(row, quoted, subsidy, cost, months)
        for row in loops.to_pylist()
        if row["markup"] is not None and row["lag_months"] is not None and row["onset"] is not None
    ]
    return pa.Table.from_pylist(rows, schema=INCENTIVE.arrow_schema())


def _incentive(
    row: Mapping[str, Any], quoted: Mapping[tuple[str, str], float], subsidy: float, cost: float, months: int
) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: row[name] for name in ("maker", "via", "hs_code", "markup", "lag_months", "onset")
    }
    found |= {"months": months, "subsidy_rate": subsidy, "cost_rate": cost}
    lacking = []
    growth = {}
    for side in ("maker", "via"):
        currency = area_currency(row[side], row["onset"])
        change = (
            None if currency is None else _change(quoted, currency, row["onset"], row["lag_months"], months)
        )
        found |= {f"{side}_currency": currency, f"{side}_rate_change": change}
        if change is None:
            lacking.append(f"no rate of {currency}" if currency else f"no currency of {row[side]} is known")
        else:
            growth[side] = 1 + change
    ends = {
        name: row[column]
        for name, column in (("", "markup"), ("_low", "markup_low"), ("_high", "markup_high"))
    }
    opposite = {
        "": "",
        "_low": "_high",
        "_high": "_low",
    }  # the dearer the return, the less the maker's side gains
    for end, markup in ends.items():
        if "maker" in growth and markup is not None:
            found[f"maker_gain{opposite[end]}"] = 1 + subsidy - (1 + markup) * growth["maker"]
        if "via" in growth and markup is not None:
            found[f"via_gain{end}"] = (1 + markup) * growth["via"] - 1 - cost
    for side, column in (("maker", "break_even_subsidy"), ("via", "break_even_cost")):
        if side in growth:
            found[column] = (1 + row["markup"]) * growth[side] - 1
    return found | {"status": "; ".join(lacking) or "known"}


def _change(
    quoted: Mapping[tuple[str, str], float], currency: str, onset: str, lag: int, months: int
) -> float | None:
    """Return the mean change of the rate between the legs; None where no month has both rates."""
    first = parse_period(onset, option="onset")
    changes = []
    for number in range(first, first + months):
        ends = [period_text(number + later, is_monthly=True) for later in (0, lag)]
        values = [quoted.get((currency, end), quoted.get((currency, ""))) for end in ends]
        if values[0] is not None and values[1] is not None:
            changes.append(values[1] / values[0] - 1)
    return float(np.mean(changes)) if changes else None
