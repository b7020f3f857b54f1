"""From a file of round trips and a table of exchange rates to what they earn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from entrepot.detect.prices.incentives import loop_incentives
from entrepot.errors import HeaderError, InputFileError
from entrepot.schema import LOOP
from entrepot.sources.rates import ecb_rates, own_rates

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

__all__ = ["find_incentives"]

_READ = ("maker", "via", "hs_code", "markup", "markup_low", "markup_high", "lag_months", "onset")


def find_incentives(
    loops: str | Path | IntoFrame,
    *,
    subsidy: float = 0.0,
    cost: float = 0.0,
    months: int = 12,
    rates: str | Path | None = None,
) -> pa.Table:
    """Weigh the mark-ups of round trips against exchange rates, a subsidy and costs.

    Parameters
    ----------
    loops
        The table of :func:`entrepot.find_loops`, or the ``.csv`` or ``.parquet`` file of ``entrepot loops``.
        Chains through two vias are left out.
    subsidy, cost, months
        See :func:`entrepot.detect.prices.incentives.loop_incentives`.
    rates
        CSV file ``currency, period, per_usd`` of your own rates, which come before the ECB's.

    Returns
    -------
    pa.Table
        See :func:`entrepot.detect.prices.incentives.loop_incentives`.

    Raises
    ------
    InputFileError
        The file cannot be read, or lacks columns.
    """
    table = _read(Path(loops)) if isinstance(loops, str | Path) else _arrow(loops)
    absent = [name for name in _READ if name not in table.column_names]
    if absent:
        raise HeaderError(
            f"the round trips lack the columns {', '.join(absent)}",
            where=str(loops) if isinstance(loops, str | Path) else "the table",
            hint="give the file that `entrepot loops --out` wrote",
        )
    quoted = ecb_rates()
    if rates is not None:  # the last of two rates of one month counts
        quoted = pa.concat_tables([quoted, own_rates(Path(rates)).cast(quoted.schema)])
    if "second_via" in table.column_names:  # two vias share the mark-up of a chain: neither's gain is known
        table = table.filter(pc.is_null(table["second_via"]))
    # pandas keeps whole numbers with a gap among them as fractions
    wanted = pa.schema([LOOP.arrow_schema().field(name).with_nullable(nullable=True) for name in _READ])
    return loop_incentives(
        table.select(_READ).cast(wanted), quoted, subsidy=subsidy, cost=cost, months=months
    )


def _arrow(frame: Any) -> pa.Table:
    table: pa.Table = nw.from_native(frame).lazy().collect(backend="pyarrow").to_native()
    return table


def _read(path: Path) -> pa.Table:
    types = {field.name: field.type for field in LOOP.arrow_schema()}
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        if path.suffix == ".csv":
            options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True)
            return pa_csv.read_csv(path, convert_options=options)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputFileError(
            f"the file of round trips cannot be read: {error}",
            where=str(path),
            hint="give the file that `entrepot loops --out` wrote",
        ) from error
    raise InputFileError(
        f"round trips are not read from {path.suffix or 'files without an ending'}",
        where=str(path),
        hint="write them with `entrepot loops --out loops.csv` or .parquet",
    )
