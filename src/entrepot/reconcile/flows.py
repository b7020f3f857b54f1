"""One flow out of two reports: the reliability-weighted mean, or the exporter's report first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import narwhals as nw

from entrepot.engine import place_beside
from entrepot.errors import OptionError
from entrepot.nomenclature import geography_table
from entrepot.reconcile.estimate import estimate_measure
from entrepot.reconcile.exporter_first import reconcile_books
from entrepot.reconcile.fitting import MeasureFit, fit_measure
from entrepot.reconcile.hubs import HubFit, no_hubs
from entrepot.reconcile.pairing import pair_books
from entrepot.reconcile.passage import fit_hubs, passed_amount, with_passage
from entrepot.reconcile.quantities import QUANTITY, comparable_quantities, in_reported_unit
from entrepot.reconcile.special import SpecialAreas, allocate_special
from entrepot.reconcile.valuation import cif_fob_ratios
from entrepot.reconcile.windows import VALUE, WEIGHT, Measure, flow_years
from entrepot.schema import RECONCILED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa
    from narwhals.typing import IntoFrameT

__all__ = ["MEASURES", "BooksFit", "Estimate", "fit_books", "measure_years", "reconcile", "weigh_books"]

#: What is reconciled of a flow, each with ratios and reliabilities of its own.
MEASURES = (VALUE, WEIGHT, QUANTITY)

#: How one figure is made of two: ``weighted`` by the reporters' reliability, or ``exporter_first``.
Estimate = Literal["weighted", "exporter_first"]


@dataclass(frozen=True, slots=True, eq=False)
class BooksFit:
    """What was learnt of two books.

    Attributes
    ----------
    value, weight, quantity
        Ratios, reliabilities and interval widths of values, net weights and quantities.
    hubs
        Whose goods stand under their origin in importers' books.
    """

    value: MeasureFit
    weight: MeasureFit
    quantity: MeasureFit
    hubs: HubFit = field(default_factory=no_hubs)

    def explain(self, reporter: str) -> str:
        """Say in words what a reporter's weight rests on, in values and in what else it reports.

        Parameters
        ----------
        reporter
            Area code.

        Raises
        ------
        UnknownCodeError
            The reporter has no flow that its partner reports too.
        """
        said = [self.value.reliability.explain(reporter)]
        passed = self.hubs.share_of(reporter)
        if passed:
            said.append(
                f"{reporter} is a hub: importers enter about {100 * passed:.0f}% of its exports under the "
                "goods' origin, which is no error of either side and taken out."
            )
        said += [
            fit.reliability.explain(reporter, what)
            for what, fit in (("net weight", self.weight), ("quantity", self.quantity))
            if fit.reliability.is_judged(reporter)
        ]
        return "\n".join(said)


def reconcile(
    reports: IntoFrameT,
    *,
    estimate: Estimate = "weighted",
    special: SpecialAreas = "keep",
    geography: pa.Table | None = None,
) -> IntoFrameT:
    """Return one row per flow, on FOB, from the reports of both sides.

    ``weighted`` is for the question how much was traded; ``exporter_first`` for questions about hubs: goods
    that passed a hub stand under their origin in the importer's book, and what a hub does not declare is a
    signal that a mean would take away. :func:`entrepot.find_detours_in` wants ``exporter_first``.

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level, one vintage and one frequency (see ``Lake``), any frame that
        Narwhals accepts.
    estimate
        Which of the two. ``exporter_first`` executes nothing on a lazy frame; ``weighted`` executes a few
        queries on aggregates, see :func:`fit_books`.
    special
        Keep areas that are no place ("not elsewhere specified", free zones) as partners, or allocate what
        was booked on them, see :func:`allocate_special`.
    geography
        Distances that freight depends on, columns of :func:`entrepot.nomenclature.geography_table`, which
        is taken where nothing is given.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of ``core__reconciled``. ``low_usd`` to ``high_usd`` is a 90% interval.

    *Missing data*: ``exporter_report_usd`` is null where the exporter did not publish the period and zero
    where it published and has no row; the same for ``importer_report_usd``. A pair that the importer
    reports by country of consignment alone (members of the European Union among themselves, as long as
    both are) has none by origin: null. A flow that nobody published has no row.

    Raises
    ------
    OptionError
        ``estimate`` or ``special`` is none of the words.
    """
    for name, word, words, what in (
        ("estimate", estimate, get_args(Estimate), "make one figure of two"),
        ("special", special, get_args(SpecialAreas), "treat special areas"),
    ):
        if word not in words:
            raise OptionError(
                f"{word!r} is no way to {what}", where=name, hint=f"use one of: {', '.join(words)}"
            )
    paired = pair_books(reports)
    if special == "allocate":
        paired = allocate_special(paired, cif_fob_ratios(paired))
    if estimate == "exporter_first":
        return reconcile_books(paired, cif_fob_ratios(paired))
    hubs = fit_hubs(paired)
    paired = with_passage(paired, hubs)
    return weigh_books(paired, fit_books(paired, geography=geography, hubs=hubs))


def fit_books(
    paired: IntoFrameT,
    *,
    geography: pa.Table | None = None,
    is_monthly: bool = True,
    years: Mapping[str, Any] | None = None,
    keep: Callable[[Any, str], Any] | None = None,
    hubs: HubFit | None = None,
) -> BooksFit:
    """Learn from the flows that both sides report: ratios, reliabilities, widths of intervals.

    The named step of reconciliation that executes: five queries a measure, each with a small result.

    Parameters
    ----------
    paired
        See :func:`pair_books`; with what hubs put off, see :func:`with_passage`, or without.
    geography
        See :func:`reconcile`.
    is_monthly
        Whether there are months; false saves steps where all periods are years.
    years
        :func:`measure_years`, where they are kept already.
    keep
        Executes a lazy frame once and returns its rows, such as ``Engine.keep``; without it a lazy frame is
        executed in every query.
    hubs
        Those that ``paired`` was corrected for; they are kept for :meth:`BooksFit.explain`.

    Returns
    -------
    BooksFit
        For :func:`weigh_books`.
    """
    places = geography_table() if geography is None else geography
    known = years or measure_years(paired, is_monthly=is_monthly)
    value, weight, quantity = (
        fit_measure(
            _measurable(paired, measure),
            known[measure.name],
            places,
            measure=measure,
            is_monthly=is_monthly,
            keep=keep,
        )
        for measure in MEASURES
    )
    return BooksFit(value, weight, quantity, no_hubs() if hubs is None else hubs)


def measure_years(paired: IntoFrameT, *, is_monthly: bool = True) -> dict[str, IntoFrameT]:
    """Return :func:`flow_years` of every measure, by its name.

    Parameters
    ----------
    paired, is_monthly
        See :func:`fit_books`.
    """
    return {
        measure.name: flow_years(_measurable(paired, measure), measure, is_monthly=is_monthly)
        for measure in MEASURES
    }


def _measurable(paired: IntoFrameT, measure: Measure) -> IntoFrameT:
    """Return the flows of which the measure is known to somebody, in units that can be compared."""
    if measure is not QUANTITY:
        return paired
    known: Any = nw.from_native(cast("Any", comparable_quantities(paired)))
    is_known = ~nw.col(QUANTITY.exporter).is_null() | ~nw.col(QUANTITY.importer).is_null()
    return cast("IntoFrameT", known.filter(is_known).to_native())


def weigh_books(
    paired: IntoFrameT,
    fit: BooksFit,
    *,
    is_monthly: bool = True,
    years: Mapping[str, Any] | None = None,
) -> IntoFrameT:
    """Return one row per flow from paired books, weighted by reliability: see :func:`estimate_measure`.

    Parameters
    ----------
    paired
        See :func:`pair_books`.
    fit
        See :func:`fit_books`.
    is_monthly, years
        As there.

    Returns
    -------
    frame of the caller's kind
        Columns of ``core__reconciled``. Nothing is executed.
    """

    def place(table: pa.Table) -> Any:
        return place_beside(table, paired)

    frame = paired
    known = years or (measure_years(paired) if is_monthly else {})
    for measure, learnt in zip(MEASURES, (fit.value, fit.weight, fit.quantity), strict=True):
        frame = comparable_quantities(frame) if measure is QUANTITY else frame
        of_year = known[measure.name] if is_monthly else None
        frame = estimate_measure(frame, of_year, learnt, measure, place)
    return cast(
        "IntoFrameT",
        nw.from_native(cast("Any", frame))
        .rename(
            {
                "value": "value_usd",
                "value_low": "low_usd",
                "value_high": "high_usd",
                "value_basis": "basis",
                "value_share": "exporter_share",
                "value_ratio": "cif_fob_ratio",
                "value_freight": "freight_ratio",
                "value_log_gap": "log_gap",
                "weight": "net_weight_kg",
            }
        )
        .with_columns(*in_reported_unit(), passed_amount(paired))
        .select(*RECONCILED.columns)
        .to_native(),
    )
