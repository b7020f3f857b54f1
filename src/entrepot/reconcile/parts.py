"""Re-exports and re-imports beside the flows that contain them: kept apart, never added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import narwhals as nw

from entrepot.reconcile.books import CELL
from entrepot.schema import FLOW_PARTS, FlowKind, PartnerConcept, RowRole

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["HomeFlows", "with_parts"]

#: Goods coming home (partner = reporter): with the others, without them, or alone.
HomeFlows = Literal["with", "without", "only"]

#: Column → flow, reporter's side, what the partner must be.
_PARTS = (
    ("re_export_usd", FlowKind.RE_EXPORT, "exporter", PartnerConcept.LAST_KNOWN_DESTINATION),
    ("re_import_usd", FlowKind.RE_IMPORT, "importer", PartnerConcept.ORIGIN),
)


def with_parts(flows: IntoFrameT, reports: IntoFrameT) -> IntoFrameT:
    """Put the re-exports and re-imports that were reported beside the flows that contain them.

    Exports contain re-exports and imports contain re-imports: the columns are parts of
    ``exporter_report_usd`` and ``importer_report_usd``, not more trade.

    Parameters
    ----------
    flows
        Rows of ``core__reconciled``.
    reports
        Rows of ``core__flow`` that they were made of.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of ``out__flow_parts``: the rows of ``flows``.

    *Missing data*: a part is null where its side published no such part of the period for anybody (most
    reporters never do), zero where it did and has none of this flow. A part without the flow that should
    contain it has no row here; it stays among the reports.
    """
    data = nw.from_native(cast("Any", flows))
    leaves = nw.from_native(cast("Any", reports)).filter(nw.col("role") == RowRole.LEAF.value)
    for name, flow, side, concept in _PARTS:
        partner = "importer" if side == "exporter" else "exporter"
        own = leaves.filter(
            (nw.col("flow") == flow.value) & (nw.col("partner_concept") == concept.value)
        ).rename({"reporter": side, "partner": partner})
        cells = own.group_by(*CELL).agg(nw.col("primary_value_usd").sum().alias(name))
        periods = own.group_by(side, "frequency", "period").agg(nw.len().alias("__rows"))
        published = periods.with_columns(nw.lit(0.0).alias("__zero")).drop("__rows")
        data = (
            data.join(cells, on=list(CELL), how="left")
            .join(published, on=[side, "frequency", "period"], how="left")
            .with_columns(nw.coalesce(nw.col(name), nw.col("__zero")).alias(name))
            .drop("__zero")
        )
    is_home = nw.col("exporter") == nw.col("importer")
    return cast(
        "IntoFrameT",
        data.with_columns(is_home.alias("is_home")).select(*FLOW_PARTS.columns).to_native(),
    )
