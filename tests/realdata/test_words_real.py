"""Whatever is traded much can be asked for by a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from entrepot.nomenclature import has_hs_code
from entrepot.nomenclature.facts import fact_rows

if TYPE_CHECKING:
    from pathlib import Path

#: A heading under three ten-thousandths of all imports may lack a name.
_MUCH = 0.0003


def test_every_heading_that_is_imported_much_has_names(realdata: Path):
    file = realdata / "us-census-hs10" / "us_imports_2024_hs10_by_country.parquet"
    headings = duckdb.sql(f"SELECT HS10[:4], sum(imports) FROM '{file}' GROUP BY 1").fetchall()
    imports = {heading: value for heading, value in headings if has_hs_code(heading, "HS2022")}
    named = {row["prefix"][:4] for row in fact_rows("hs_words") if len(row["prefix"]) >= 4}
    whole = sum(imports.values())
    assert [one for one, value in imports.items() if value > _MUCH * whole and one not in named] == []
    assert sum(value for one, value in imports.items() if one in named) > 0.96 * whole
