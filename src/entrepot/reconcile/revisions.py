"""Everything to one revision of the Harmonized System: amounts are shared, conserved and never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.errors import OptionError
from entrepot.nomenclature import CONCORDANCE_SCHEMA, Concordance, concordance, revision_of
from entrepot.schema import COLUMNS, RevisionMatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame, IntoFrameT

__all__ = ["amount_columns", "to_revision"]

#: Units of what is shared when a row is split; ratios, scores and flags are not.
_SHARED_UNITS = frozenset({"USD", "kg", "quantity_unit", "reported_currency"})

_NAMES = {
    "source_revision": "__revision",
    "source_code": "__code",
    "target_code": "__target",
    "weight": "__weight",
}
_TRACE = ("source_hs_code", "source_hs_revision", "revision_weight", "revision_match")


def amount_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return those of our columns that hold amounts: values, weights, quantities.

    Examples
    --------
    >>> amount_columns(["hs_code", "value_usd", "net_weight_kg", "cif_fob_ratio"])
    ('value_usd', 'net_weight_kg')
    """
    return tuple(
        name
        for name in names
        if name in COLUMNS
        and COLUMNS[name].unit in _SHARED_UNITS
        and not name.startswith("unit_value")
        and COLUMNS[name].kind == "float64"
    )


def to_revision(
    flows: IntoFrameT,
    revision: str,
    weights: Concordance | IntoFrame | None = None,
    *,
    amounts: Sequence[str] = (),
) -> IntoFrameT:
    """Return flows with all codes in one revision, amounts shared by weights.

    When to use: before flows of several revisions are compared or added, over time or between the two
    books. Rows that come to share a code are left side by side: add them up by the keys that you need.

    Parameters
    ----------
    flows
        Any frame that Narwhals accepts with ``hs_code`` and ``hs_revision``; rows may be of different
        revisions and of 6, 4 or 2 digits or TOTAL. Nothing is executed on a lazy frame.
    revision
        The revision asked for, in any spelling of ``revision_of``.
    weights
        A concordance to that revision; the default one without it. For a lazy frame of an engine give its
        ``table()`` as a frame of the same connection (``engine.arrow_frame``).
    amounts
        More columns that are to be shared; our own (:func:`amount_columns`) always are.

    Returns
    -------
    frame of the caller's kind
        **Grain**: a row of ``flows`` × code of the revision. All columns, with ``hs_code`` and
        ``hs_revision`` those asked for, amounts multiplied by the weight, and ``source_hs_code``,
        ``source_hs_revision``, ``revision_weight``, ``revision_match`` beside. The sum of an amount over
        the rows made of one row is the amount.

    *Missing data*: a code without a counterpart, and a row without a revision, stay as they are and are
    marked ``unmatched``. A null amount stays null.

    Raises
    ------
    OptionError
        A column is missing, the concordance leads elsewhere, or it is no frame of the engine of ``flows``.

    Examples
    --------
    >>> import pyarrow as pa
    >>> flows = pa.table({"hs_code": ["880730"], "hs_revision": ["HS2022"], "value_usd": [5.0]})
    >>> to_revision(flows, "HS2017").select(["hs_code", "hs_revision", "value_usd"]).to_pylist()
    [{'hs_code': '880330', 'hs_revision': 'HS2017', 'value_usd': 5.0}]
    """
    goal = revision_of(revision)
    data = nw.from_native(cast("Any", flows))
    columns = data.collect_schema().names()
    _require(columns, ("hs_code", "hs_revision", *amounts))
    shares = _beside(data, _checked(weights, goal))
    data = data.drop(*[name for name in _TRACE if name in columns])
    joined = data.join(
        shares, left_on=["hs_revision", "hs_code"], right_on=["__revision", "__code"], how="left"
    )
    kept = [name for name in columns if name not in _TRACE]
    shared = [*amount_columns(kept), *(name for name in amounts if name not in amount_columns(kept))]
    has_target = ~nw.col("__target").is_null()
    weight = nw.when(has_target).then(nw.col("__weight")).otherwise(nw.lit(1.0))
    return cast(
        "IntoFrameT",
        joined.with_columns(
            nw.col("hs_code").alias("source_hs_code"),
            nw.col("hs_revision").alias("source_hs_revision"),
            weight.alias("revision_weight"),
            _match(goal).alias("revision_match"),
        )
        .with_columns(
            nw.coalesce(nw.col("__target"), nw.col("hs_code")).alias("hs_code"),
            nw.when(has_target).then(nw.lit(goal)).otherwise(nw.col("hs_revision")).alias("hs_revision"),
            *[(nw.col(name) * nw.col("revision_weight")).alias(name) for name in shared],
        )
        .select(*kept, *_TRACE)
        .to_native(),
    )


def _match(goal: str) -> nw.Expr:
    """Return how a row comes to its code; a null revision is no match."""
    whole = nw.col("__weight") >= 1.0
    return (
        nw.when(nw.col("hs_revision") == goal)
        .then(nw.lit(RevisionMatch.AS_PUBLISHED.value))
        .when(nw.col("__target").is_null())
        .then(nw.lit(RevisionMatch.UNMATCHED.value))
        .when(~whole)
        .then(nw.lit(RevisionMatch.SPLIT.value))
        .when(nw.col("__target") == nw.col("hs_code"))
        .then(nw.lit(RevisionMatch.KEPT.value))
        .otherwise(nw.lit(RevisionMatch.RECODED.value))
    )


def _require(columns: Sequence[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise OptionError(
            f"the flows have no column {', '.join(missing)}",
            where="to_revision",
            hint="every row needs hs_code (text) and hs_revision, such as HS2017",
        )


def _checked(weights: Concordance | IntoFrame | None, goal: str) -> Any:
    """Return the weights as an Arrow table, or as the caller's frame."""
    if weights is None:
        return concordance(goal).table()
    if not isinstance(weights, Concordance):
        return weights
    if weights.target != goal:
        raise OptionError(
            f"the concordance leads to {weights.target}, not to {goal}",
            where="to_revision",
            hint=f"make one with concordance({goal!r})",
        )
    return weights.table()


def _beside(data: Any, weights: Any) -> Any:
    """Return the weights as a frame that can be joined to the data."""
    table = nw.from_native(weights)
    if table.implementation != data.implementation:
        if not table.implementation.is_pyarrow() or not _is_in_memory(data):
            raise OptionError(
                f"a concordance in {table.implementation.name.lower()} cannot be joined to flows in "
                f"{data.implementation.name.lower()}",
                where="to_revision",
                hint="give concordance(…).table() as a frame of the same engine, as engine.arrow_frame does",
            )
        table = nw.from_dict(
            {name: table[name].to_list() for name in CONCORDANCE_SCHEMA.names}, backend=data.implementation
        )
    if isinstance(data, nw.LazyFrame):
        table = table.lazy()
    return table.rename(_NAMES)


def _is_in_memory(data: Any) -> bool:
    """Say whether a table made from Python values can be joined to the frame."""
    kind = data.implementation
    return bool(kind.is_pandas_like() or kind.is_polars() or kind.is_pyarrow())
