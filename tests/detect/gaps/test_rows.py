"""Which rows have a gap at all: both sides published, both on FOB."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from entrepot.detect.gaps.rows import load_part_rows, load_rows
from entrepot.errors import CoverageError

#: What each side says of a flow: nothing published, published and no row (zero), something.
SAYS = (None, 0.0, 100.0)


@pytest.mark.parametrize(("sent", "arrived"), list(product(SAYS, SAYS)))
def test_a_gap_exists_only_where_both_published(sent, arrived, books) -> None:
    """The truth table of missing sides: a zero is a full gap, a silence is none."""
    rows = load_rows(
        books([("AAA", "BBB", "854231", "2022-01", sent, arrived), ("CCC", "DDD", "854231", "2022-01", 1, 1)])
    )
    mine = rows.only(rows.exporter == rows.areas.index("AAA")) if "AAA" in rows.areas else None
    if sent is None or arrived is None:
        assert mine is None
    else:
        assert (mine.x - mine.m).tolist() == [sent - arrived]


def test_the_importers_figure_is_put_on_fob(books) -> None:
    rows = load_part_rows(books([("AAA", "BBB", "854231", "2022", 100.0, 107.0, 1.07)]))
    assert rows.m.tolist() == pytest.approx([100.0])
    assert rows.published.tolist() == [107.0]


def test_goods_coming_home_have_no_mirror(books) -> None:
    rows = load_rows(
        books([("CHN", "CHN", "854231", "2022", 0.0, 5.0), ("AAA", "BBB", "854231", "2022", 1.0, 1.0)])
    )
    assert rows.x.size == 1


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((), {"854231", "870323"}),
        (("85",), {"854231"}),
        (("TOTAL",), {"TOTAL"}),
        (("87", "854231"), {"854231", "870323"}),
    ],
)
def test_goods_and_totals_never_mix(asked, found, books) -> None:
    flows = books([("AAA", "BBB", code, "2022", 1.0, 1.0) for code in ("854231", "870323", "TOTAL")])
    assert set(load_rows(flows, asked).products) == found


def test_nothing_to_compare_is_an_error_that_says_so(books) -> None:
    flows = books([("AAA", "BBB", "TOTAL", "2022", 1.0, 1.0), ("AAA", "BBB", "854231", "2022", 1.0, None)])
    with pytest.raises(CoverageError, match="published by both") as caught:
        load_rows(flows)
    assert "--products TOTAL" in caught.value.hint


def test_rows_are_sorted_and_numbered_alike_in_any_order(books) -> None:
    table = [
        (e, i, k, p, float(n), 1.0)
        for n, (e, i, k, p) in enumerate(product("BA", "CD", ("854231", "010121"), ("2022-02", "2022-01")))
    ]
    one, other = load_rows(books(table)), load_rows(books(table[::-1]))
    for name in ("exporter", "importer", "product", "period", "x"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (np.diff(one.cell * 2 + one.period) > 0).all()
