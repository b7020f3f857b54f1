"""Every public function that takes frames gives the same on every engine, and none is left out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import entrepot
from entrepot import reconcile as r
from entrepot.engine import map_groups, place_beside, small_table
from entrepot.model.world import WorldOptions, build_world
from entrepot.nomenclature import geography_table
from entrepot.reconcile.ratios import fit_ratios, ratio_statistics
from entrepot.schema import RECONCILED, bad_rows, conform, duplicated_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    Put = Callable[[pa.Table], Any]


class Tables:
    """What the steps start from, as Arrow tables, made once by Polars."""

    def __init__(self, reports: pa.Table) -> None:
        self.goods = reports
        rows = reports.to_pylist()
        extra = [row | {"partner": "XAN"} for row in rows[::7]]
        extra += [row | {"partner_concept": "reconciled"} for row in rows[::5] if row["flow"] == "export"]
        self.more = pa.concat_tables([reports, pa.Table.from_pylist(extra, schema=reports.schema)])
        totals = [row | {"hs_code": "TOTAL"} for row in rows[::3]]
        self.totals = pa.Table.from_pylist(totals, schema=reports.schema)

    @cached_property
    def listed(self) -> pa.Table:
        """Beside the reports six exporters, and the imports of an area that is on no list of theirs."""
        export = next(row for row in self.goods.to_pylist() if row["flow"] == "export")
        mine = {"reporter": "QQQ", "flow": "import", "partner_concept": "origin"}
        names = [f"P{n}" for n in range(6)]
        extra = [export | {"reporter": name} for name in names]
        extra += [export | mine | {"partner": name} for name in names]
        return pa.concat_tables([self.goods, pa.Table.from_pylist(extra, schema=self.goods.schema)])

    @cached_property
    def paired(self) -> pa.Table:
        return arrow(r.pair_books(pl.from_arrow(self.more)))

    @cached_property
    def ratios(self) -> pa.Table:
        return arrow(r.cif_fob_ratios(pl.from_arrow(self.paired)))

    @cached_property
    def flows(self) -> pa.Table:
        return arrow(r.reconcile_books(pl.from_arrow(self.paired), pl.from_arrow(self.ratios)))

    @cached_property
    def years(self) -> pa.Table:
        return arrow(r.measure_years(pl.from_arrow(self.paired)))

    @cached_property
    def freight(self) -> pa.Table:
        years = r.flow_years(pl.from_arrow(self.paired))
        return fit_ratios(arrow(ratio_statistics(years)), geography_table()).table

    @cached_property
    def imports(self) -> pa.Table:
        """Rows with the names of a flow's sides, as valuations are asked for."""
        imports = self.goods.filter(pc.equal(self.goods["flow"], "import"))
        names = {"partner": "exporter", "reporter": "importer"}
        columns = ["reporter", "partner", "hs_code", "period", "primary_value_usd"]
        found = imports.select(columns).rename_columns([names.get(name, name) for name in columns])
        return found.append_column(
            "valuation", pa.array(["cif", "fob"] * len(found), pa.string())[: len(found)]
        )

    @cached_property
    def world(self) -> pa.Table:
        """Flows of a small world, months alone."""
        options = WorldOptions(
            areas=18, products=10, months=30, event_month=18, treated_origins=3, hubs=4, booming_hubs=2
        )
        reports: Any = pl.from_arrow(build_world(options).reports)
        is_import = pl.col("flow").is_in(["import", "re_import"])
        paired: Any = r.pair_books(
            reports.filter(pl.col("period").str.len_chars() == 7, pl.col("hs_code") != "TOTAL").with_columns(
                frequency=pl.lit("M"), role=pl.lit("leaf"), primary_value_usd=pl.col("value_usd"),
                partner_concept=pl.when(is_import).then(pl.lit("origin"))
                .otherwise(pl.lit("last_known_destination")),
            )
        )  # fmt: skip
        return arrow(r.reconcile_books(paired, r.cif_fob_ratios(paired)))

    @cached_property
    def book(self) -> pa.Table:
        """One book of the world with weights."""
        flows: Any = pl.from_arrow(self.world)
        rows = flows.filter(pl.col("exporter_report_usd") > 0, pl.col("exporter_weight_kg") > 0)
        return arrow(
            rows.select(
                "exporter", "importer", "hs_code", "period", value_usd="exporter_report_usd",
                amount="exporter_weight_kg", unit=pl.lit("kg"), is_estimated=pl.lit(value=False),
            )
        )  # fmt: skip


def arrow(frame: Any) -> pa.Table:
    """Return the rows of a Polars frame with types that every engine has."""
    table = nw.from_native(frame).lazy().collect("pyarrow").to_native()
    plain = {pa.large_string(): pa.string(), pa.uint32(): pa.int64()}
    return table.cast(pa.schema([(field.name, plain.get(field.type, field.type)) for field in table.schema]))


@pytest.fixture(scope="module")
def tables(random_reports) -> Tables:
    return Tables(random_reports)


EVENT = "2021-07"
#: A hub that publishes its exports, and one that does not.
HUBS = r.HubFit(
    pa.table(
        {"hub": ["AAA", "DDD"], "share": [0.3, 0.2], "score": [9.0, 9.0], "gaps": [99, 99],
         "is_judged": [True, False]}
    ),
    suppliers=2, spread=0.3,
)  # fmt: skip
LOOPS = pa.table(
    {
        "maker": ["CHN", "TUR", "CHN"], "via": ["KAZ", "GEO", "GEO"],
        "hs_code": ["854231", "870323", "870323"],
        "markup": [0.12, 0.05, 0.1], "markup_low": [0.05, None, 0.02], "markup_high": [0.2, None, 0.2],
        "lag_months": pa.array([2, 1, None], pa.int32()), "onset": ["2022-03", "2023-01", "2022-05"],
    }
)  # fmt: skip
WEIGHTS = pa.table(
    {
        "source_revision": ["HS2022", "HS2022"], "source_code": ["880730", "880730"],
        "target_code": ["880330", "880320"], "weight": [0.75, 0.25],
    }
)  # fmt: skip
CODES = pa.table(
    {
        "hs_code": ["880730", "854231", "999999", None], "hs_revision": ["HS2022", "HS2022", "HS2022", None],
        "value_usd": [5.0, 7.0, None, 2.0],
    }
)  # fmt: skip


def largest(group: pa.Table) -> pa.Table:
    return pa.table({"hs_code": group["hs_code"][:1], "most": [pc.max(group["value_usd"]).as_py()]})


def weighed(put: Put, t: Tables) -> Any:
    """Give years that are there already: Spark plans every query anew from where it begins."""
    paired, years = put(t.paired), put(t.years)
    return r.weigh_books(paired, r.fit_books(paired, years=years), years=years)


def by_product(put: Put, t: Tables) -> pa.Table:
    schema = pa.schema([("hs_code", pa.string()), ("most", pa.float64())])
    return map_groups(put(t.flows.select(["hs_code", "value_usd"])), ["hs_code"], largest, schema)


def beside(put: Put, t: Tables) -> Any:
    frame = put(t.ratios)
    other = place_beside(pa.table({"exporter": ["AAA"], "n": [1]}), frame)
    return nw.from_native(frame).join(other, on="exporter", how="left").to_native()


def broken(put: Put, t: Tables) -> Any:
    value = t.flows.schema.get_field_index("value_usd")
    some = t.flows.slice(0, 60)
    nulls = pa.array([None if n % 9 == 0 else -1.0 if n % 7 == 0 else 1.0 for n in range(60)], pa.float64())
    return bad_rows(put(some.set_column(value, "value_usd", nulls)), RECONCILED)


def hubs_found(put: Any, t: Tables) -> pa.Table:
    """Return what is found of hubs, a row each, and a last one of them all."""
    fit = r.fit_hubs(put(t.paired))
    rows = fit.table.select(["hub", "share"]).to_pylist()
    rows.append({"hub": f"under {fit.suppliers} suppliers", "share": fit.spread})
    return pa.Table.from_pylist(rows)


#: Public functions, apart by commas → what is made of tables put on an engine.
CASES: dict[str, Callable[[Put, Tables], Any]] = {
    "add_up": lambda put, t: r.add_up(put(t.flows), put(t.totals)),
    "allocate_special": lambda put, t: r.allocate_special(put(t.paired), put(t.ratios)),
    "bad_rows": broken,
    "book_quality": lambda put, t: r.book_quality(put(t.flows), ["reporter", "flow", "year"]),
    "cif_fob_ratios": lambda put, t: r.cif_fob_ratios(put(t.paired)),
    "comparable_quantities": lambda put, t: r.comparable_quantities(put(t.paired)),
    "conform": lambda put, t: conform(put(t.flows.append_column("more", t.flows["period"])), RECONCILED),
    "decompose_gaps_in": lambda put, t: entrepot.decompose_gaps_in(put(t.world), entrepot.GapOptions()).table,
    "decompose_values_in": lambda put, t: (
        entrepot.decompose_values_in(put(t.book), entrepot.PriceOptions(event=EVENT)).table
    ),
    "duplicated_rows": lambda put, t: duplicated_rows(
        put(pa.concat_tables([t.flows.slice(0, 40), t.flows.slice(30, 40)])), RECONCILED
    ),
    "exporter_book": lambda put, t: r.exporter_book(put(t.goods)),
    "fit_books, weigh_books": weighed,
    "fit_hubs": hubs_found,
    "find_breaks_in": lambda put, t: (
        entrepot.find_breaks_in(put(t.world), entrepot.BreakOptions(permutations=49, rate=0.2)).table
    ),
    "find_circulation_in": lambda put, t: (
        entrepot.find_circulation_in(
            put(t.world), entrepot.CirculationOptions(since="2022-04", products=("020860",), placebos=1)
        ).table
    ),
    "find_detours_in": lambda put, t: (
        entrepot.find_detours_in(
            put(t.world),
            entrepot.DetourOptions(event=EVENT, spikes=4),
            amount=entrepot.Amount(value="value_eur"),
            memory_limit="500MB",
        ).table
    ),
    "find_gaps_in": lambda put, t: (
        entrepot.find_gaps_in(put(t.world), entrepot.GapOptions(event=EVENT)).table
    ),
    "find_incentives": lambda put, _: entrepot.find_incentives(put(LOOPS), subsidy=0.05, cost=0.02),
    "find_loops_in": lambda put, t: (
        entrepot.find_loops_in(
            put(t.world), entrepot.LoopOptions(since=EVENT, spikes=4), memory_limit="500MB"
        ).table
    ),
    "find_markups_in": lambda put, t: (
        entrepot.find_markups_in(put(t.book), entrepot.PriceOptions(event=EVENT, draws=40)).table
    ),
    "find_price_outliers_in": lambda put, t: (
        entrepot.find_price_outliers_in(put(t.book), entrepot.PriceOptions(threshold=2.0)).table
    ),
    "flow_years": lambda put, t: r.flow_years(put(t.paired), r.WEIGHT),
    "importer_book": lambda put, t: r.importer_book(put(t.goods)),
    "map_groups": by_product,
    "measure_years": lambda put, t: r.measure_years(put(t.paired)),
    "pair_books": lambda put, t: r.pair_books(put(t.listed)),
    "place_beside": beside,
    "published_flows": lambda put, t: r.published_flows(put(t.more)),
    "reconcile": lambda put, t: r.reconcile(put(t.goods), estimate="exporter_first"),
    "reconcile_books": lambda put, t: r.reconcile_books(put(t.paired), put(t.ratios)),
    "reporting_calendar": lambda put, t: r.reporting_calendar(put(t.goods)),
    "small_table": lambda put, t: small_table(put(t.ratios), what="ratios"),
    "to_cif": lambda put, t: r.to_cif(put(t.imports), put(t.freight)),
    "to_fob": lambda put, t: r.to_fob(put(t.imports), put(t.freight)),
    "to_revision": lambda put, _: r.to_revision(put(CODES), "HS2017", put(WEIGHTS)),
    "unspoken_pairs": lambda put, t: r.unspoken_pairs(put(t.listed)),
    "with_passage": lambda put, t: r.with_passage(r.pair_books(put(t.goods)), HUBS),
    "with_parts": lambda put, t: r.with_parts(put(t.flows), put(t.goods)),
}

#: Functions that give Arrow tables whatever they got.
TABLES_BACK = {name for name in CASES if name.endswith("_in")} | {
    "find_incentives",
    "fit_hubs",
    "map_groups",
    "small_table",
}


def test_every_public_function_that_takes_frames_has_a_case(frame_functions) -> None:
    """A new one fails here until its results are compared; measures have a file of their own."""
    public = set().union(
        *[names for package, names in frame_functions.items() if package != "entrepot.measures"]
    )
    named = {name for case in CASES for name in case.split(", ")}
    assert public == named


def test_the_case_of_paired_books_has_partners_on_no_list(tables) -> None:
    paired = pl.from_arrow(arrow(r.pair_books(pl.from_arrow(tables.listed))))
    silent = paired.filter(pl.col("importer") == "QQQ")
    assert silent["exporter_report_usd"].null_count() == len(silent) == 6


@pytest.mark.parametrize("case", CASES)
def test_every_engine_gives_the_rows_of_polars(case, put, rows, tables, assert_rows_equal) -> None:
    expected = rows(CASES[case](pl.from_arrow, tables))
    assert expected, "the case says nothing"
    found = CASES[case](put, tables)
    if case not in TABLES_BACK:
        assert type(found) is type(put(tables.flows.slice(0, 1))), "each caller gets its own kind"
    assert_rows_equal(rows(found), expected)
