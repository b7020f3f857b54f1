"""The truth of a world as files, with a page that says what is what."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.model.world.build import World

__all__ = ["write_truth"]

_README = """\
A made-up world of {areas} areas, {products} products and {months} months from {start}, setting {setting},
seed {seed}. {event}
Area and product codes are real, but dealt at random: they say nothing about real countries or goods.

truth_flows.parquet     physical flows, USD FOB and kg, by the month in which they leave. leg: direct;
                        detour_in (origin to hub), detour_on (hub to destination); loop_out (maker to via),
                        loop_on (via to second via), loop_back (last via to maker). expected_usd: mean of the
                        direct flow had nothing happened.
truth_detours.csv       origin, hub, destination, hs_code, period of departure from the origin. kind: declared
                        (in the hub's books both ways), unseen (in the origin's export book only), relay (a
                        friendly origin, whose direct trade did not fall). amount_usd FOB at the origin,
                        onward_usd = amount_usd x (1 + markup), lag_months later; arrives_in_world: whether
                        that month is still in the files.
truth_loops.csv         maker, via, second_via (empty where the goods come back from the first), hs_code,
                        period of departure from the maker: out_usd, back_usd, weights, markup on the unit
                        value, lag_months until they leave the last via; home_share of the return is
                        recorded by the maker under itself as partner; is_chronic: ran before the event
                        already.
truth_areas.csv         role (treated_origin, destination, hub, booming_hub, friendly_origin, other);
                        publishes (all, until_event, never, late, annual), last_period; unseen_share of
                        a hub's detoured goods; under_declaration: mean of what its import book shows of
                        arrivals.
truth_pairs.csv         distance, CIF/FOB ratio, and the share that the importer declares, by pair.
truth_products.csv      is_listed: whether the event's control list names it; demand_shock in logs.
options.csv             the options that make this world again.
"""


def write_truth(world: World, folder: Path) -> tuple[Path, ...]:
    """Write what is true in a world: small tables as CSV, the flows as Parquet, and README.txt.

    Parameters
    ----------
    world
        The world.
    folder
        Where the files go; made if it is not there.

    Returns
    -------
    tuple
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "truth_flows.parquet"]
    pq.write_table(world.truth_flows, written[0], compression="zstd")
    options = asdict(world.options)
    tables = {
        "truth_detours": world.truth_detours,
        "truth_loops": world.truth_loops,
        "truth_areas": world.truth_areas,
        "truth_pairs": world.truth_pairs,
        "truth_products": world.truth_products,
        "options": pa.table({"option": list(options), "value": [str(value) for value in options.values()]}),
    }
    for name, table in tables.items():
        written.append(folder / f"{name}.csv")
        pa_csv.write_csv(table, written[-1], pa_csv.WriteOptions(quoting_style="needed"))
    event = (
        f"The event is in {world.event}." if not world.options.quiet else "A quiet world: there is no event."
    )
    written.append(folder / "README.txt")
    written[-1].write_text(_README.format(**options, event=event), "utf-8")
    return tuple(written)
