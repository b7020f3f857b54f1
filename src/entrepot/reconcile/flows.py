"""One flow out of two reports: the reliability-weighted mean, or the exporter's report first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import narwhals as nw

from entrepot.engine import place_beside
from entrepot.errors import OptionError
from entrepot.nomenclature import geography_table
from entrepot.reconcile.estimate import estimate_measures
from entrepot.reconcile.exporter_first import reconcile_books
from entrepot.reconcile.fitting import MeasureFit, fit_measures
from entrepot.reconcile.hubs import HubFit, no_hubs
from entrepot.reconcile.pairing import pair_books
from entrepot.reconcile.passage import fit_hubs, passed_amount, with_passage
from entrepot.reconcile.quantities import QUANTITY, comparable_quantities, in_reported_unit
from entrepot.reconcile.special import SpecialAreas, allocate_special
from entrepot.reconcile.valuation import cif_fob_ratios
from entrepot.reconcile.windows import VALUE, WEIGHT, years_of
from entrepot.schema import RECONCILED

if TYPE_CHECKING:
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
    years: IntoFrameT | None = None,
    hubs: HubFit | None = None,
) -> BooksFit:
    """Learn from the flows that both sides report: ratios, reliabilities, widths of intervals.

    The named step of reconciliation that executes queries, each with a small result: see
    :func:`entrepot.reconcile.fitting.fit_measures`. Of more than three million flows that both report,
    reliability is learnt from three million (:func:`entrepot.reconcile.gaps.read_gaps`).

    Parameters
    ----------
    paired
        See :func:`pair_books`; with what hubs put off, see :func:`with_passage`, or without.
    geography
        See :func:`reconcile`.
    is_monthly
        Whether there are months; false saves steps where all periods are years.
    years
        :func:`measure_years`, where they are kept already: they are read up to seven times.
    hubs
        Those that ``paired`` was corrected for; they are kept for :meth:`BooksFit.explain`.

    Returns
    -------
    BooksFit
        For :func:`weigh_books`.
    """
    places = geography_table() if geography is None else geography
    known = measure_years(paired, is_monthly=is_monthly) if years is None else years
    value, weight, quantity = fit_measures(
        comparable_quantities(paired), known, places, measures=MEASURES, is_monthly=is_monthly
    )
    return BooksFit(value, weight, quantity, no_hubs() if hubs is None else hubs)


def measure_years(paired: IntoFrameT, *, is_monthly: bool = True) -> IntoFrameT:
    """Return the calendar years of every measure, see :func:`entrepot.reconcile.windows.years_of`.

    Parameters
    ----------
    paired, is_monthly
        See :func:`fit_books`.
    """
    return years_of(MEASURES, comparable_quantities(paired), is_monthly=is_monthly)


def weigh_books(
    paired: IntoFrameT,
    fit: BooksFit,
    *,
    is_monthly: bool = True,
    years: IntoFrameT | None = None,
) -> IntoFrameT:
    """Return one row per flow from paired books, weighted by reliability: see :func:`estimate_measures`.

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

    of_years = None
    if is_monthly:
        of_years = measure_years(paired) if years is None else years
    fits = tuple(zip(MEASURES, (fit.value, fit.weight, fit.quantity), strict=True))
    frame = estimate_measures(comparable_quantities(paired), of_years, fits, place)
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
