"""Which flows were weighed by a publisher's estimate, in the book that leads and in the other."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.pipeline.loops import _estimated_weights

#: flow, reporter, partner, product, USD, whether its weight is estimated
ROWS = (
    ("export", "AUT", "BEL", "010121", 80.0, False),
    ("export", "AUT", "BEL", "010121", 20.0, True),  # a fifth: does not count
    ("import", "BEL", "AUT", "010121", 100.0, False),
    ("export", "AUT", "BEL", "010122", 100.0, False),
    ("import", "BEL", "AUT", "010122", 100.0, True),  # the importer's alone
    ("export", "AUT", "BEL", "010123", 90.0, False),
    ("export", "AUT", "BEL", "010123", 10.0, True),
    ("import", "BEL", "AUT", "010124", 100.0, True),  # no other book
    ("import", "BEL", "AUT", "010125", 100.0, None),
)


@pytest.mark.parametrize(
    ("of_importers", "codes"), [(False, {"010121", "010124"}), (True, {"010122", "010124"})]
)
def test_the_flags_of_the_book_that_is_asked_about_count(codes: set[str], *, of_importers: bool) -> None:
    values = ", ".join(
        f"('M', 'leaf', 6, '{flow}', '{reporter}', '{partner}', NULL, '{code}', {usd}, "
        f"{'NULL' if flag is None else flag})"
        for flow, reporter, partner, code, usd, flag in ROWS
    )
    reports = f"""
        SELECT * FROM (VALUES {values}) AS t(
            frequency, role, hs_level, flow, reporter, partner, national_code, hs_code, primary_value_usd,
            is_net_weight_estimated
        )
    """
    with Engine(memory_limit="1GB") as engine:
        found = _estimated_weights(engine, reports, of_importers=of_importers)
    assert set(found["hs_code"].to_pylist()) == codes
    assert set(found["exporter"].to_pylist()) == {"AUT"}
    assert set(found["importer"].to_pylist()) == {"BEL"}
