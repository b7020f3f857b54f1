"""Both books of a flow over a calendar year: the window in which months of departure and arrival agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = [
    "PRODUCT_GROUPS",
    "VALUE",
    "WEIGHT",
    "Measure",
    "chapter",
    "flow_years",
    "of_measure",
    "product_group",
    "years_of",
]

#: Goods whose freight is alike, by the last chapter of the group.
PRODUCT_GROUPS: tuple[tuple[str, str], ...] = (
    ("24", "food"),
    ("27", "minerals"),
    ("40", "chemicals"),
    ("49", "wood and paper"),
    ("67", "textiles and footwear"),
    ("83", "stone and metals"),
    ("90", "machines and vehicles"),
    ("99", "other goods"),
)
_ALL_GOODS = "all goods"
_KEYS = ("exporter", "importer", "hs_code", "frequency", "year")


@dataclass(frozen=True, slots=True)
class Measure:
    """What of a flow both books state.

    Attributes
    ----------
    name
        ``value``, ``weight`` or ``quantity``.
    exporter, importer
        Columns of the paired books that hold it.
    unit
        Column of the unit, where flows have different ones.
    is_valued
        Whether freight and insurance are in the importer's figure.
    """

    name: str
    exporter: str
    importer: str
    unit: str | None = None
    is_valued: bool = False

    @property
    def unit_value(self) -> str:
        """Name of the unit value of the flows that the measure is known of, see :func:`years_of`."""
        return f"{self.name}_log_unit_value" if self.unit else "log_unit_value"


VALUE = Measure("value", "exporter_report_usd", "importer_report_usd", is_valued=True)
WEIGHT = Measure("weight", "exporter_weight_kg", "importer_weight_kg")


def chapter() -> nw.Expr:
    """Return the expression of a row's HS chapter; ``TO`` for totals of all goods."""
    return nw.col("hs_code").str.slice(0, 2)


def product_group() -> nw.Expr:
    """Return the expression of a row's product group, see :data:`PRODUCT_GROUPS`."""
    group: nw.Expr = nw.lit(_ALL_GOODS)
    for last, name in reversed(PRODUCT_GROUPS):
        group = nw.when(chapter() <= last).then(nw.lit(name)).otherwise(group)
    return group


def flow_years(paired: IntoFrameT, measure: Measure = VALUE, *, is_monthly: bool = True) -> IntoFrameT:
    """Sum both books of each flow over the months of a calendar year that both sides published.

    What leaves in one month arrives in the next: over a year that hardly matters, in a month it is most of
    the difference. Reliability is therefore judged by the year.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    measure
        What is summed.
    is_monthly
        False where every period is a year already, so that nothing needs to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × hs_code × frequency × year. ``chapter``, ``product_group``,
        ``exporter_sum``, ``importer_sum``; ``log_unit_value`` (logs of USD a kg by the exporter's book);
        ``log_passed`` (see :func:`entrepot.reconcile.with_passage`; 0 where that was not asked).

    *Missing data*: the sums are null where no month was published by both, or in several units.
    """
    return of_measure(years_of((measure,), paired, is_monthly=is_monthly), measure)


def of_measure(years: IntoFrameT, measure: Measure) -> IntoFrameT:
    """Return one measure's columns of :func:`years_of`, under the names of :func:`flow_years`.

    Of a measure in several units, flows of which nobody knows the measure are left out.
    """
    data = nw.from_native(cast("Any", years))
    if measure.unit:
        data = data.filter(nw.col(f"{measure.name}_is_known") > 0)
    return cast(
        "IntoFrameT",
        data.select(
            *_KEYS, "chapter", "product_group",
            *[nw.col(f"{measure.name}_{side}_sum").alias(f"{side}_sum") for side in ("exporter", "importer")],
            nw.col(measure.unit_value).alias("log_unit_value"), "log_passed",
        ).to_native(),
    )  # fmt: skip


def years_of(measures: Sequence[Measure], paired: IntoFrameT, *, is_monthly: bool = True) -> IntoFrameT:
    """Return the years of several measures in one frame, see :func:`flow_years`.

    Parameters
    ----------
    measures
        What is summed.
    paired, is_monthly
        See :func:`flow_years`.

    Returns
    -------
    frame of the caller's kind
        As there, with ``<name>_exporter_sum`` and ``<name>_importer_sum``; of measures in several units also
        ``<name>_is_known`` (0 where nobody knows the measure) and ``<name>_log_unit_value`` of the months in
        which somebody does.
    """
    data = nw.from_native(cast("Any", paired)).select(
        *_KEYS[:-1],
        nw.col("period").str.slice(0, 4).alias("year"),
        *[part for measure in measures for part in _parts(measure)],
        *_weighed("__usd", "__kg"),
        _passed(paired),
    )
    if is_monthly:
        sums = [total for measure in measures for total in _sums(measure)]
        whole = data.group_by(*_KEYS).agg(
            *sums, nw.col("__usd").sum(), nw.col("__kg").sum(), nw.col("log_passed").max()
        )
    else:
        alike = [
            nw.col(f"__{measure.name}_unit").alias(f"__{measure.name}_other_unit")
            for measure in measures
            if measure.unit
        ]
        whole = data.with_columns(*alike) if alike else data
    return cast(
        "IntoFrameT",
        whole.select(
            *_KEYS, chapter().alias("chapter"), product_group().alias("product_group"),
            *[column for measure in measures for column in _columns(measure)],
            _log_unit_value("__usd", "__kg").alias("log_unit_value"), "log_passed",
        ).to_native(),
    )  # fmt: skip


def _parts(measure: Measure) -> list[nw.Expr]:
    """Return the expressions of what a row gives to a measure's year."""
    exporter, importer, name = nw.col(measure.exporter), nw.col(measure.importer), measure.name
    is_shared = ~exporter.is_null() & ~importer.is_null()
    parts = [
        nw.when(is_shared).then(exporter).alias(f"__{name}_x"),
        nw.when(is_shared).then(importer).alias(f"__{name}_m"),
        nw.when(is_shared).then(1).otherwise(0).alias(f"__{name}_shared"),
    ]
    if measure.unit:
        is_known = ~exporter.is_null() | ~importer.is_null()
        parts += [
            nw.col(measure.unit).alias(f"__{name}_unit"),
            nw.when(is_known).then(1).otherwise(0).alias(f"{name}_is_known"),
            *_weighed(f"__{name}_usd", f"__{name}_kg", is_known),
        ]
    return parts


def _weighed(usd: str, kg: str, where: nw.Expr | None = None) -> list[nw.Expr]:
    """Return the expressions of the exporter's value and weight where it has both."""
    weight = nw.col("exporter_weight_kg")
    is_weighed = ~weight.is_null() if where is None else ~weight.is_null() & where
    return [
        nw.when(is_weighed).then(nw.col("exporter_report_usd")).alias(usd),
        nw.when(is_weighed).then(weight).alias(kg),
    ]


def _sums(measure: Measure) -> list[nw.Expr]:
    """Return the expressions of what the months of a year add up to."""
    name = measure.name
    sums = [nw.col(f"__{name}_{part}").sum() for part in ("x", "m", "shared")]
    if measure.unit:
        unit = nw.col(f"__{name}_unit")
        sums += [unit.min(), unit.max().alias(f"__{name}_other_unit"), nw.col(f"{name}_is_known").max()]
        sums += [nw.col(f"__{name}_{part}").sum() for part in ("usd", "kg")]
    return sums


def _columns(measure: Measure) -> list[nw.Expr]:
    """Return the expressions of a measure's columns from its sums."""
    name = measure.name
    is_known = nw.col(f"__{name}_shared") > 0
    more = []
    if measure.unit:
        is_known &= nw.col(f"__{name}_unit") == nw.col(f"__{name}_other_unit")
        more = [
            nw.col(f"{name}_is_known"),
            _log_unit_value(f"__{name}_usd", f"__{name}_kg").alias(measure.unit_value),
        ]
    return [
        nw.when(is_known).then(nw.col(f"__{name}_x")).alias(f"{name}_exporter_sum"),
        nw.when(is_known).then(nw.col(f"__{name}_m")).alias(f"{name}_importer_sum"),
        *more,
    ]


def _passed(paired: Any) -> nw.Expr:
    """Return the expression of what hubs put the importer's report off by, alike in all months of a year."""
    known = "log_passed" in nw.from_native(paired).collect_schema().names()
    return nw.col("log_passed") if known else nw.lit(0.0).alias("log_passed")


def _log_unit_value(usd: str, kg: str) -> nw.Expr:
    """Return the expression of the log of a unit value; null where one of the two is no positive number."""
    return nw.when((nw.col(kg) > 0) & (nw.col(usd) > 0)).then(_ratio(usd, kg).log())


def _ratio(above: str, below: str) -> nw.Expr:
    """Divide, with a harmless number below where there is nothing to divide by (Spark raises on zero)."""
    return nw.when(nw.col(above) > 0).then(nw.col(above)).otherwise(1.0) / nw.when(nw.col(below) > 0).then(
        nw.col(below)
    ).otherwise(1.0)
