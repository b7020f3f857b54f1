"""A made-up world of BACI's size, as reconciled flows in Parquet: an embargo, hubs, nothing else known.

Every number is drawn from the seed. Flows are a gravity model times the comparative advantage of each
exporter in each product; the smallest are cut off, so that about one in twenty of all combinations trades,
as in BACI. They last from year to year with a noise that is the larger the smaller the flow. In the last
year 25 origins lose trade with one destination in half of all products; five hubs pass a part of it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ScaleWorld"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TRADED = 0.0455
_ORIGINS, _HUBS = 25, 5
_SMALLEST_USD = 1_000.0


@dataclass(frozen=True, slots=True)
class ScaleWorld:
    """What is drawn.

    Attributes
    ----------
    areas, products
        How many of each.
    years
        Years of data; the event is the last one.
    parts
        Rows that every flow of a year is split into, as a month's or a quarter's: more rows, the same cells.
    seed
        Seed of all draws.
    """

    areas: int = 220
    products: int = 5_000
    years: tuple[int, ...] = (2021, 2022, 2023)
    parts: int = 1
    seed: int = 1

    @property
    def area_codes(self) -> list[str]:
        """Return the codes of the areas, the order shuffled."""
        codes = [a + b + c for a in _LETTERS[:7] for b in _LETTERS[:7] for c in _LETTERS[:5]][: self.areas]
        return list(np.random.default_rng([self.seed, 9]).permutation(np.array(codes)))

    @property
    def product_codes(self) -> list[str]:
        """Return the codes of the products."""
        return [f"{10_000 + 19 * at * 5_000 // self.products:06d}" for at in range(self.products)]

    def periods(self, year: int) -> list[str]:
        """Return the periods of a year."""
        return (
            [f"{year}"] if self.parts == 1 else [f"{year}-{month:02d}" for month in range(1, self.parts + 1)]
        )

    def write(self, folder: Path) -> list[Path]:
        """Write a file a year, by exporter, importer and product, and return the files."""
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(self.seed)
        drawn = _Areas.draw(self, rng)
        cut = drawn.cut(self, np.random.default_rng([self.seed, 8]))
        files = [folder / f"flows-{year}.parquet" for year in self.years]
        writers = [pq.ParquetWriter(path, _SCHEMA, compression="zstd") for path in files]
        for exporter in range(self.areas):
            for year, table in enumerate(self._flows(exporter, drawn, cut)):
                writers[year].write_table(table, row_group_size=250_000)
        for writer in writers:
            writer.close()
        return files

    def _flows(self, exporter: int, drawn: _Areas, cut: float) -> list[pa.Table]:
        """Return the flows of one exporter, a table a year."""
        rng = np.random.default_rng([self.seed, 1, exporter])
        usual = drawn.log_usd(exporter, rng)
        # Flows just under the cut may pass it in one year or another.
        at = np.flatnonzero(usual > cut - 1.5)
        importer, product = np.divmod(at, self.products)
        usual = usual[at]
        level = usual.copy()
        tables = []
        for number, year in enumerate(self.years):
            noise = 0.25 + 0.9 * np.exp(-np.maximum(usual - cut, 0.0) / 3.0)
            level = usual + 0.7 * (level - usual) + rng.normal(0.0, 1.0, at.size) * noise
            level += drawn.growth[number][importer] + drawn.growth[number][exporter]
            usd = _SMALLEST_USD * np.exp(level - cut)
            there = level > cut
            if number == len(self.years) - 1:
                usd, there = drawn.event(exporter, importer, product, usd, there)
            tables.append(
                self._table(year, exporter, importer[there], product[there], usd[there], drawn, rng)
            )
        return tables

    def _table(
        self,
        periods: list[str],
        exporter: int,
        flows: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
        drawn: _Areas,
        rng: np.random.Generator,
    ) -> pa.Table:
        """Return the rows of one exporter's flows of a year, both books beside each other."""
        importer, product, usd = (np.repeat(column, self.parts) for column in flows)
        usd = usd / self.parts * rng.lognormal(0.0, 0.1, usd.size)
        n = usd.size
        exports = np.full(n, drawn.exports[exporter])
        imports = drawn.imports[importer]
        keep = exports | imports
        ratio = drawn.ratio[exporter, importer]
        mine = np.where(exports, usd * rng.lognormal(0.0, 0.1, n), np.nan)
        theirs = np.where(imports, usd * ratio * rng.lognormal(0.0, 0.2, n), np.nan)
        kg = np.where(
            rng.random(n) < 0.95, usd / drawn.unit_value[product] * rng.lognormal(0, 0.2, n), np.nan
        )
        codes = np.array(self.area_codes)

        def text(numbers: NDArray[np.int64], words: list[str]) -> pa.Array:
            indices = pa.array(numbers.astype(np.int32)[keep])
            return pa.DictionaryArray.from_arrays(indices, pa.array(words)).cast(pa.string())

        def number(values: NDArray[np.float64]) -> pa.Array:
            return pa.array(values[keep], from_pandas=True)

        return pa.table(
            {
                "exporter": text(np.full(n, exporter), codes.tolist()),
                "importer": text(importer, codes.tolist()),
                "hs_code": text(product, self.product_codes),
                "period": text(np.tile(np.arange(self.parts), n // self.parts), periods),
                "value_usd": number(np.where(exports, mine, theirs / ratio)),
                "net_weight_kg": number(kg),
                "exporter_report_usd": number(mine),
                "importer_report_usd": number(theirs),
                "cif_fob_ratio": number(ratio),
            },
            schema=_SCHEMA,
        )


_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("exporter", "importer", "hs_code", "period")]
    + [
        (name, pa.float64())
        for name in (
            "value_usd",
            "net_weight_kg",
            "exporter_report_usd",
            "importer_report_usd",
            "cif_fob_ratio",
        )
    ]
)


@dataclass(frozen=True, slots=True)
class _Areas:
    """Sizes, tastes and books of the areas."""

    supply: NDArray[np.float64]
    demand: NDArray[np.float64]
    resistance: NDArray[np.float64]
    advantage: NDArray[np.float64]
    taste: NDArray[np.float64]
    growth: NDArray[np.float64]
    exports: NDArray[np.bool_]
    imports: NDArray[np.bool_]
    ratio: NDArray[np.float64]
    unit_value: NDArray[np.float64]
    origins: NDArray[np.int64]
    hubs: NDArray[np.int64]
    destination: int
    listed: NDArray[np.bool_]

    @classmethod
    def draw(cls, world: ScaleWorld, rng: np.random.Generator) -> _Areas:
        n, k = world.areas, world.products
        size = rng.normal(0.0, 2.0, n)
        order = np.argsort(-size)
        places = rng.permutation(order[: _ORIGINS + _HUBS + 1])
        n_origins = min(_ORIGINS, places.size - _HUBS - 1)
        exports, imports = rng.random(n) < 0.9, rng.random(n) < 0.9
        exports[order[:60]] = imports[order[:60]] = True
        return cls(
            supply=size + rng.normal(0.0, 0.3, n),
            demand=size * 0.8 + rng.normal(0.0, 0.3, n),
            resistance=rng.normal(0.0, 1.0, (n, n)),
            advantage=rng.normal(0.0, 1.2, (n, k)),
            taste=rng.normal(0.0, 0.6, (n, k)),
            growth=rng.normal(0.02, 0.06, (len(world.years), n)),
            exports=exports,
            imports=imports,
            ratio=rng.uniform(1.02, 1.2, (n, n)),
            unit_value=rng.lognormal(2.0, 1.5, k),
            origins=places[:n_origins],
            hubs=places[n_origins : n_origins + _HUBS],
            destination=int(places[-1]),
            listed=rng.random(k) < 0.5,
        )

    def log_usd(self, exporter: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the usual size of all flows of an exporter, importer by importer."""
        n, k = self.taste.shape
        usual = (self.demand + self.resistance[exporter])[:, None] + self.taste
        usual += self.supply[exporter] + self.advantage[exporter]
        usual[exporter] = -np.inf
        usual += rng.standard_normal((n, k), dtype=np.float32)
        return usual.ravel()

    def cut(self, world: ScaleWorld, rng: np.random.Generator) -> float:
        """Return the size under which nothing is traded, from a sample of the exporters."""
        some = rng.choice(world.areas, min(20, world.areas), replace=False)
        every = np.concatenate(
            [self.log_usd(e, np.random.default_rng([world.seed, 1, int(e)])) for e in some]
        )
        return float(np.quantile(every, 1.0 - _TRADED))

    def event(
        self,
        exporter: int,
        importer: NDArray[np.int64],
        product: NDArray[np.int64],
        usd: NDArray[np.float64],
        there: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the flows of the last year with the embargo in them."""
        listed, usd = self.listed[product], usd.copy()
        if exporter in self.origins:
            lost = listed & (importer == self.destination)
            went = np.zeros(self.listed.size)
            went[product[lost]] = usd[lost] * 0.7
            usd[lost] *= 0.3
            at = np.flatnonzero(self.hubs != exporter)
            for place in at:
                through = listed & (importer == self.hubs[place])
                usd[through] += went[product[through]] * 0.5 / at.size
        if exporter in self.hubs:
            # The hub cannot know here what reached it: it sends a third more of everything that is listed.
            usd[listed & (importer == self.destination)] *= 2.5
        return usd, there
