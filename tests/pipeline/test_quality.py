"""What a lake's reports are worth: of goods, or of totals where there is nothing else."""

from __future__ import annotations

import numpy as np

from entrepot.pipeline.quality import data_quality, explain_reporter

AREAS = ("DEU", "FRA", "KGZ", "KAZ", "CHN", "POL")


def both_books(code: str) -> list[tuple]:
    rng = np.random.default_rng(1)
    rows = []
    for exporter in AREAS:
        for importer in AREAS:
            if exporter != importer:
                usd = float(np.exp(rng.normal(14, 1)))
                off = 0.5 if importer == "KGZ" else 0.05
                rows.append((exporter, "export", importer, "2022", code, usd))
                rows.append((importer, "import", exporter, "2022", code, usd * np.exp(rng.normal(0, off))))
    return rows


def test_a_lake_of_totals_alone_is_judged_by_them(take_in) -> None:
    lake = take_in(both_books("TOTAL"))
    table = data_quality(lake, ("reporter", "chapter"), frequency="A").to_pylist()
    assert {(row["reporter"], row["chapter"]) for row in table} == {(area, "TO") for area in AREAS}
    said = explain_reporter(lake, "KGZ", frequency="A")
    assert "KGZ imports" in said
    assert "5 yearly flows with 5 partners" in said


def test_totals_beside_goods_are_not_counted_twice(take_in) -> None:
    take_in(both_books("TOTAL"))
    lake = take_in(both_books("870323"))
    table = data_quality(lake, ("chapter",), frequency="A").to_pylist()
    assert {row["chapter"] for row in table} == {"87"}
