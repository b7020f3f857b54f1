"""Two books of flows as frames, small ones by hand and larger ones by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

COLUMNS = (
    "exporter", "importer", "hs_code", "period", "exporter_report_usd", "importer_report_usd",
    "freight_ratio",
)  # fmt: skip


@pytest.fixture(scope="session")
def books() -> Callable[..., nw.LazyFrame]:
    """Return a maker of flows from (exporter, importer, code, period, sent, arrived[, freight]) rows."""

    def make(rows: Iterable[tuple], **extra: Iterable[float | None]) -> nw.LazyFrame:
        frame = pd.DataFrame([(*row, 1.0)[:7] for row in rows], columns=list(COLUMNS))
        for name, values in extra.items():
            frame[name] = pd.Series(list(values), dtype="float64")
        amounts = dict.fromkeys(COLUMNS[4:], "float64")
        return nw.from_native(frame.astype(amounts)).lazy()

    return make


def months(n: int, start: int = 2018) -> list[str]:
    return [f"{start + m // 12}-{m % 12 + 1:02d}" for m in range(n)]


@pytest.fixture(scope="session")
def random_books() -> Callable[..., list[tuple]]:
    """Return a maker of monthly trade of everybody with everybody, both books noisy.

    ``declared`` is the importer's habit, by area number; ``late`` the share that arrives a month later.
    """

    def make(
        seed: int = 0, *, areas: int = 7, codes: int = 6, n: int = 48, noise: float = 0.1,
        declared: dict[int, float] | None = None, late: float = 0.0, sparse: float = 0.0,
        headings: tuple[str, ...] = ("8542",),
    ) -> list[tuple]:  # fmt: skip
        def code(k: int) -> str:
            return f"{headings[k % len(headings)]}{k // len(headings):02d}"

        rng = np.random.default_rng(seed)
        rows = []
        for e in range(areas):
            for i in range(areas):
                if e == i:
                    continue
                for k in range(codes):
                    size = np.exp(rng.normal(13.0, 1.2))
                    x = size * np.exp(rng.normal(0.0, 0.3, n)) * (rng.random(n) >= sparse)
                    arrived = x * (1 - late) + np.r_[x[0], x[:-1]] * late
                    m = arrived * (declared or {}).get(i, 1.0) * np.exp(rng.normal(0.0, noise, n))
                    rows += [
                        (f"E{e:02d}", f"E{i:02d}", code(k), month, a, b)
                        for month, a, b in zip(months(n), x, m, strict=True)
                        if a or b
                    ]
        return rows

    return make
