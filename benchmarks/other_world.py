"""A second generator of worlds with known detours, which shares nothing with the one in the package.

Worlds of one's own making have one's own assumptions in them. This one draws consignments: their number
(Poisson) and their sizes (gamma, or with a heavy tail), around a gravity level that seasons, a pandemic,
growth of exporters, importers and chapters, and slow drifts of single flows move. Measures bite over some
months; hubs are markets of any size; goods take hubs chapter by chapter; friendly suppliers and hubs sell
the destination more of their own goods in place of what it lost. What reporters write down has their own
noise, delays of a month, missing months and a threshold. Every part has a random stream of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["MAPPING", "OtherWorld"]

_AREAS = (
    "ARG AUS AUT BEL BRA CAN CHE CHL CHN COL CZE DEU DNK EGY ESP FIN FRA GBR GRC HUN IDN IND ISR ITA JPN KAZ "
    "KGZ KOR MAR MEX MYS NLD NOR PER POL PRT ROU SWE THA TUR UKR URY VNM ZAF"
)
_CODES = (
    "010290 020329 020713 030389 040510 070200 080610 090121 100590 120190 150710 170199 190590 210690 "
    "220421 240220 270119 283650 290511 310210 320611 330499 340220 380894 390110 390230 401110 440710 "
    "480100 520100 540220 610910 640399 680221 690721 700510 720839 730890 740311 760120 820730 841370 "
    "842199 843149 844540 846693 847989 848210 850440 851762 853400 853690 870323 870899 880330 890190 "
    "901380 901890 903289 940360"
)

#: The mapping with which the package reads what :meth:`OtherWorld.write` writes.
MAPPING = """
id = "other_world"
title = "A world of another generator"
publisher = "benchmarks/other_world.py"

[columns]
reporter = "reporter"
partner = "partner"
flow = "flow"
period = "month"
product = "product"
value = "usd"
net_weight = "kg"

[constants]
currency = "USD"
hs_revision = "HS2017"
"""

_SEED = 20_220_224

#: Areas that publish at all, that are late, months without a report, entries made a month late: shares.
_PUBLISHING, _LATE, _MISSING, _A_MONTH_LATE = 0.85, 0.1, 0.004, 0.05


@dataclass(frozen=True, slots=True)
class OtherWorld:
    """A world; equal arguments give equal worlds.

    Attributes
    ----------
    seed
        Everything is drawn from it.
    setting
        ``smooth``: large flows of many consignments; ``rough``: few consignments of very different sizes.
    areas, products, months
        Its size. The first area drawn is the destination.
    event
        Month, counted from 0, in which the measures begin.
    origins, hubs, friends
        Areas under measures, areas that goods go through, and suppliers that fill in.
    """

    seed: int
    setting: Literal["smooth", "rough"] = "smooth"
    areas: int = 40
    products: int = 50
    months: int = 48
    event: int = 38
    origins: int = 8
    hubs: int = 4
    friends: int = 3

    # --- who and what

    @property
    def names(self) -> list[str]:
        """Areas in the order of their parts: the destination, origins, hubs, friends, the others."""
        return [str(name) for name in self._rng("names").permutation(_AREAS.split())[: self.areas]]

    @property
    def destination(self) -> str:
        """The area under measures."""
        return self.names[0]

    @property
    def origin_names(self) -> tuple[str, ...]:
        """The areas that take measures."""
        return tuple(self.names[1 : 1 + self.origins])

    @property
    def hub_names(self) -> tuple[str, ...]:
        """The areas that goods go through."""
        return tuple(self.names[1 + self.origins : 1 + self.origins + self.hubs])

    @property
    def codes(self) -> list[str]:
        """The products."""
        return sorted(str(code) for code in self._rng("codes").permutation(_CODES.split())[: self.products])

    @property
    def listed(self) -> tuple[str, ...]:
        """The products under measures: two fifths, machinery first."""
        by_chapter = sorted(self.codes, key=lambda code: (code[:2] not in {"84", "85", "90"}, code[::-1]))
        return tuple(sorted(by_chapter[: self.products * 2 // 5]))

    @property
    def periods(self) -> list[str]:
        """The months, from 2019-01 on."""
        return [f"{2019 + month // 12}-{month % 12 + 1:02d}" for month in range(self.months)]

    def _rng(self, part: str) -> np.random.Generator:
        return np.random.default_rng([_SEED, self.seed, *part.encode()])

    # --- what happens

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write the table of all reports and the mapping that reads it."""
        folder.mkdir(parents=True, exist_ok=True)
        table, mapping = folder / "reports.csv", folder / "mapping.toml"
        mapping.write_text(MAPPING, encoding="utf-8")
        pa.csv.write_csv(self._reports(), table)
        return table, mapping

    def truth(self, periods: Sequence[str]) -> pa.Table:
        """Return what was truly sent, as :func:`entrepot.model.world.score_detours` takes it.

        **Grain**: origin × hub × destination × hs_code; ``usd`` FOB at the origin, over the periods.
        """
        chosen = np.isin(np.array(self.periods), np.array(list(periods)))
        sent = self._detours(self._direct()[1])[0][..., chosen].sum(axis=-1)
        origin, hub, product = np.nonzero(sent)
        return pa.table(
            {
                "origin": [self.origin_names[at] for at in origin],
                "hub": [self.hub_names[at] for at in hub],
                "destination": [self.destination] * origin.size,
                "hs_code": [self.codes[at] for at in product],
                "kind": ["declared"] * origin.size,
                "usd": sent[origin, hub, product],
            }
        )

    def _direct(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (exporter, importer, product, month) USD of ordinary trade, and what the measures took off.

        The second is (origins, products, month), means.
        """
        n, k = self.areas, self.products
        rng, rough = self._rng("levels"), self.setting == "rough"
        place = rng.uniform(0.0, 1.0, (n, 2)) * 9000.0
        distance = np.hypot(*(place[:, None] - place[None, :]).transpose(2, 0, 1)) + 300.0
        supply = rng.normal(0.0, 1.1, (n, 1)) + rng.normal(0.0, 1.3, (n, k))
        market = rng.normal(0.0, 1.2, (n, 1)) + rng.normal(0.0, 0.8, (n, k))
        level = supply[:, None] + market[None, :] - 1.1 * np.log(distance)[:, :, None] + 19.5
        level = level + rng.normal(0.0, 1.4 if rough else 0.9, (n, n, k)) + rng.normal(0.0, 0.8, k)
        there = rng.random((n, n, k)) < np.where(rough, 0.55, 0.4)
        there &= ~np.eye(n, dtype=bool)[:, :, None]
        if not rough:
            there &= level > np.quantile(level[there], 0.15)
        mean = np.where(there, np.exp(level), 0.0)[..., None] * np.exp(self._growth())
        lost = self._lost(mean)
        o, d = slice(1, 1 + self.origins), 0
        mean[o, d] -= lost
        mean[:, d] += self._filled_in(mean, lost)
        return self._shipped(mean), lost

    def _growth(self) -> NDArray[np.float64]:
        """Return (exporter, importer, product, month) log movements."""
        n, k, t = self.areas, self.products, self.months
        rng = self._rng("growth")

        def drifting(*shape: int, step: float, kept: float) -> NDArray[np.float64]:
            path = np.zeros((*shape, t))
            for month in range(1, t):
                path[..., month] = kept * path[..., month - 1] + rng.normal(0.0, step, shape)
            return path

        month = np.arange(t)
        trend = rng.normal(0.03, 0.05, (n, 1)) * month / 12.0
        seasons = rng.uniform(0.0, 0.3, (k, 1)) * np.cos(
            2 * np.pi * (month - rng.integers(0, 12, (k, 1))) / 12.0
        )
        pandemic = -rng.uniform(0.1, 0.5, (n, 1)) * np.isin(month, (15, 16, 17))
        chapters = np.array([int(code[:2]) // 10 for code in self.codes])
        exporters = drifting(n, step=0.02, kept=1.0) + trend + pandemic
        importers = (
            drifting(n, step=0.02, kept=1.0) + rng.normal(0.02, 0.04, (n, 1)) * month / 12.0 + pandemic
        )
        sectors = drifting(n, 10, step=0.015, kept=0.97)[:, chapters]
        flows = drifting(n, n, k, step=0.02 if self.setting == "smooth" else 0.05, kept=0.9)
        return (
            exporters[:, None, None]
            + importers[None, :, None]
            + sectors[:, None]
            + (seasons + drifting(k, step=0.02, kept=1.0))[None, None]
            + flows
        )

    def _since(self, months: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far something has come, from 0 to 1, that takes so many months from the event on."""
        passed = np.arange(self.months) - self.event + 1.0
        return np.clip(passed / months[..., None], 0.0, 1.0)

    def _lost(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        rng = self._rng("measures")
        depth = rng.uniform(0.5, 0.97, (self.origins, self.products)) * np.isin(self.codes, self.listed)
        bite = self._since(rng.integers(1, 6, self.origins).astype(float))
        lost: NDArray[np.float64] = mean[1 : 1 + self.origins, 0] * depth[..., None] * bite[:, None]
        return lost

    def _filled_in(self, mean: NDArray[np.float64], lost: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (exporter, product, month) what hubs and friends sell the destination of their own goods."""
        rng = self._rng("filled in")
        first, last = 1 + self.origins, 1 + self.origins + self.hubs + self.friends
        more = rng.uniform(0.0, 0.8, (self.areas, self.products))
        gone = lost.sum(axis=0)
        part = gone / (mean[1:first, 0].sum(axis=0) + gone + 1.0)
        filled = np.zeros((self.areas, self.products, self.months))
        filled[first:last] = mean[first:last, 0] * more[first:last, :, None] * part
        return filled

    def _shipped(self, mean: NDArray[np.float64], part: str = "shipped") -> NDArray[np.float64]:
        """Draw what leaves: a Poisson number of consignments, each month's sum of sizes of a given mean."""
        rng = self._rng(part)
        if self.setting == "smooth":
            size = np.exp(rng.normal(8.0, 0.5, mean.shape[:-1]))[..., None]
            number = rng.poisson(np.minimum(mean / size, 1e7))
            drawn = rng.gamma(np.maximum(number * 2.0, 1e-9), size / 2.0)
            return np.where(number > 0, drawn, 0.0)
        often = np.exp(rng.normal(0.3, 1.2, mean.shape[:-1]))[..., None] * np.maximum(mean / 2e4, 1e-9) ** 0.6
        number = rng.poisson(np.minimum(often, 1e6) * (mean > 0))
        size = np.divide(mean, often, out=np.zeros_like(mean), where=often > 0)
        # Lognormal sizes of sd 1.1, of whose sums mean and variance are kept.
        variance = np.log1p(np.expm1(1.1**2) / np.maximum(number, 1))
        return np.where(
            number > 0,
            number * size * np.exp(rng.normal(size=mean.shape) * np.sqrt(variance) - variance / 2),
            0.0,
        )

    def _detours(
        self, lost: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return (origin, hub, product, month) USD at departure; by hub the hidden part and the price."""
        rng = self._rng("detours")
        origins, hubs, products = self.origins, self.hubs, self.products
        back = rng.beta(2.0, 3.0, (origins, products))
        chapters = np.array([int(code[:2]) // 10 for code in self.codes])
        taste = rng.gamma(0.7, 1.0, (10, hubs))[chapters].T * rng.gamma(1.0, 1.0, (origins, hubs, 1))
        share = taste / taste.sum(axis=1, keepdims=True)
        share[share < 0.05] = 0.0
        share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
        slow = self._since(rng.integers(2, 7, (origins, hubs)).astype(float))
        mean = (lost * back[..., None])[:, None] * share[..., None] * slow[:, :, None]
        hidden = rng.choice([0.0, 0.25, 0.6], hubs)
        return self._shipped(mean, "detours shipped"), hidden, rng.uniform(1.05, 1.3, hubs)

    # --- what is written down

    def _reports(self) -> pa.Table:
        n, first_hub = self.areas, 1 + self.origins
        direct, lost = self._direct()
        out, arrived = self._books(direct, *self._detours(lost))
        rng = self._rng("books")
        freight = np.exp(rng.uniform(np.log(1.02), np.log(1.15), (n, n)))
        noise = np.exp(rng.uniform(np.log(0.02), np.log(0.2), n)) * (1.0 if self.setting == "smooth" else 1.3)
        publishes = rng.random(n) < _PUBLISHING
        publishes[1:first_hub] = True
        until = np.where(rng.random(n) < _LATE, self.months - rng.integers(2, 5, n), self.months)
        until[0] = self.event
        threshold = rng.choice([0.0, 100.0, 1000.0], n)
        kg_of_usd = 1.0 / np.exp(rng.normal(1.5, 1.0, self.products))
        missing = rng.random((n, self.months)) < _MISSING
        parts: list[pa.Table] = []
        for area in np.flatnonzero(publishes):
            is_open = (np.arange(self.months) < until[area]) & ~missing[area]
            for flow, book, factor in (
                ("export", out[area], np.ones(n)),
                ("import", arrived[:, area], freight[:, area]),
            ):
                written = book * factor[:, None, None]
                written *= np.exp(rng.normal(-(noise[area] ** 2) / 2, noise[area], written.shape))
                late = written * (rng.random(written.shape) < _A_MONTH_LATE)
                written -= late
                written[..., 1:] += late[..., :-1]
                partner, product, month = np.nonzero((written > threshold[area]) & is_open)
                usd = written[partner, product, month].round()
                parts.append(
                    pa.table(
                        {
                            "reporter": pa.repeat(self.names[area], usd.size),
                            "partner": np.array(self.names)[partner],
                            "flow": pa.repeat(flow, usd.size),
                            "month": np.array(self.periods)[month],
                            "product": np.array(self.codes)[product],
                            "usd": usd,
                            "kg": (usd * kg_of_usd[product]).round(1),
                        }
                    )
                )
        return pa.concat_tables(parts)

    def _books(
        self,
        direct: NDArray[np.float64],
        sent: NDArray[np.float64],
        hidden: NDArray[np.float64],
        dearer: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what exporters and importers have to write down: (exporter, importer, product, month), FOB.

        What a hub hides is in the origin's book alone; what it declares goes on under its own name, up to two
        months later and dearer.
        """
        out, arrived = direct.copy(), direct.copy()
        later = self._rng("lags").integers(0, 3, (self.origins, self.hubs))
        for o, h in np.ndindex(self.origins, self.hubs):
            hub = 1 + self.origins + h
            out[1 + o, hub] += sent[o, h]
            seen = sent[o, h] * (1.0 - hidden[h])
            arrived[1 + o, hub] += seen
            out[hub, 0, :, later[o, h] :] += seen[:, : self.months - later[o, h]] * dearer[h]
        return out, arrived
