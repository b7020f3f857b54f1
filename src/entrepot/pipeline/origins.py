"""What publishers say of where goods were sent from, beside where they come from; and who reports on FOB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from entrepot.engine import literal
from entrepot.nomenclature import area_table
from entrepot.schema import FlowKind, PartnerConcept, RowRole, Valuation
from entrepot.store import flows_sql

if TYPE_CHECKING:
    import narwhals as nw

    from entrepot.engine import Engine
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["fob_importers", "side_reports"]

_SIX_DIGITS: Final = 6

#: A split of an origin's goods over consignors must add up to the origin's own figure within this share.
_ADDS_UP: Final = 0.02
#: Part of an importer's period, by value, that must be split so; else nothing is said of it.
_MOSTLY: Final = 0.95


def fob_importers(engine: Engine, lake: Lake, choice: ReportChoice) -> frozenset[str]:
    """Return the areas whose imports are mostly published on FOB: nothing must be taken off them."""
    rows = engine.rows(f"""
        SELECT reporter FROM ({_counted(engine, lake, choice)})
        WHERE flow = {literal(FlowKind.IMPORT.value)} AND role = {literal(RowRole.LEAF.value)}
        GROUP BY reporter HAVING avg((valuation = {literal(Valuation.FOB.value)})::INTEGER) > 0.5
    """)
    return frozenset(row[0] for row in rows)


def side_reports(engine: Engine, lake: Lake, *, frequency: str, choice: ReportChoice) -> nw.LazyFrame[Any]:
    """Return imports by country of consignment, and re-exports.

    Returns
    -------
    lazy frame
        **Grain**: exporter × importer × hs_code × period. ``consignment`` and ``re_exports``, USD as
        published. Imports by consignment are those that the publisher gives beside the ones by origin; else
        the sums by second partner, where these add up to the origins' own figures.

    *Missing data*: null where the one of the two is not published of a flow. Codes stay in the revision of
    their publisher: where another is asked for there are no rows.
    """
    if choice.revision is not None:
        return engine.frame(f"SELECT * FROM ({_EMPTY}) WHERE false")
    counted = _counted(engine, lake, choice)
    deepest = engine.rows(f"SELECT max(hs_level) FROM ({counted}) WHERE role = 'leaf'")[0][0] or 0
    level = min(deepest, _SIX_DIGITS)
    rows = _periods(f"SELECT * FROM ({counted}) WHERE hs_level IN (0, {level})", frequency)
    is_import = f"flow = {literal(FlowKind.IMPORT.value)}"
    return engine.frame(f"""
        WITH every AS ({rows}),
        stated AS (
            SELECT partner AS exporter, reporter AS importer, hs_code, period, sum(primary_value_usd) AS usd
            FROM every
            WHERE {is_import} AND partner_concept = {literal(PartnerConcept.CONSIGNMENT.value)}
              AND partner NOT IN ({_sums_of_areas()})
            GROUP BY ALL
        ),
        parts AS (
            SELECT reporter, partner, hs_code, period, sum(primary_value_usd) AS usd FROM every
            WHERE {is_import} AND role = 'breakdown' AND consignment_partner IS NOT NULL GROUP BY ALL
        ),
        wholes AS (
            SELECT reporter, partner, hs_code, period, sum(primary_value_usd) AS usd FROM every
            WHERE {is_import} AND role = 'leaf'
              AND partner_concept = {literal(PartnerConcept.ORIGIN.value)} GROUP BY ALL
        ),
        split AS (
            SELECT reporter, partner, hs_code, period, wholes.usd AS usd,
                   coalesce(abs(parts.usd - wholes.usd) <= {_ADDS_UP} * wholes.usd, false) AS is_whole
            FROM wholes LEFT JOIN parts USING (reporter, partner, hs_code, period)
        ),
        open AS (
            SELECT reporter, period FROM split GROUP BY ALL
            HAVING sum(CASE WHEN is_whole THEN usd END) >= {_MOSTLY} * sum(usd)
        ),
        made AS (
            SELECT consignment_partner AS exporter, reporter AS importer, hs_code, period,
                   sum(primary_value_usd) AS usd
            FROM every SEMI JOIN open USING (reporter, period)
            WHERE {is_import} AND role = 'breakdown' AND consignment_partner IS NOT NULL GROUP BY ALL
        ),
        consigned AS (
            FROM stated UNION ALL
            FROM made ANTI JOIN (SELECT DISTINCT importer, period FROM stated) USING (importer, period)
        ),
        sent_on AS (
            SELECT reporter AS exporter, partner AS importer, hs_code, period, sum(primary_value_usd) AS usd
            FROM every
            WHERE flow = {literal(FlowKind.RE_EXPORT.value)} AND role = {literal(RowRole.LEAF.value)}
            GROUP BY ALL
        )
        SELECT exporter, importer, hs_code, period, consigned.usd AS consignment, sent_on.usd AS re_exports
        FROM consigned FULL JOIN sent_on USING (exporter, importer, hs_code, period)
    """)


_EMPTY: Final = """
    SELECT '' AS exporter, '' AS importer, '' AS hs_code, '' AS period,
           0.0::DOUBLE AS consignment, 0.0::DOUBLE AS re_exports
"""


def _sums_of_areas() -> str:
    """Return the codes of World, groups and regions: the rows' role does not tell them apart here."""
    areas = area_table()
    return ", ".join(literal(code) for code in areas.filter(areas["is_aggregate"])["code"].to_pylist())


def _counted(engine: Engine, lake: Lake, choice: ReportChoice) -> str:
    return flows_sql(
        lake, engine, as_of=choice.as_of, years=choice.years or None, sources=choice.sources or None
    )


def _periods(rows: str, frequency: str) -> str:
    """Return the rows of a frequency; a year without annual rows is made of twelve months."""
    if frequency == "M":
        return f"SELECT * FROM ({rows}) WHERE frequency = 'M'"
    part = "reporter, flow, partner_concept, year"
    return f"""
        WITH rows AS ({rows}),
        annual AS (SELECT DISTINCT {part} FROM rows WHERE frequency = 'A'),
        whole AS (
            SELECT {part} FROM rows WHERE frequency = 'M' GROUP BY ALL HAVING count(DISTINCT period) = 12
        )
        FROM rows WHERE frequency = 'A'
        UNION ALL
        SELECT * REPLACE (substr(period, 1, 4) AS period) FROM rows
        SEMI JOIN (FROM whole ANTI JOIN annual USING ({part})) AS made USING ({part})
        WHERE frequency = 'M'
    """
