"""What the queries share, against what Python says."""

from __future__ import annotations

from entrepot.nomenclature import revision_in_force
from entrepot.sources.expressions import revision_sql


def test_the_revision_of_a_year_is_that_of_the_nomenclature(engine) -> None:
    rows = engine.rows(f"SELECT year, {revision_sql('year')} FROM range(1980, 2041) AS years(year)")
    assert len(rows) == 61
    assert dict(rows) == {year: revision_in_force(year) if year >= 1988 else None for year, _ in rows}
