"""Values and amounts of one book: units, estimates, what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from entrepot.detect.prices.options import PriceOptions
from entrepot.errors import CoverageError, OptionError


@pytest.mark.parametrize(
    ("more", "priced", "reason"),
    [
        ({}, 500.0, None),
        ({"amount": None}, 0.0, "no amount"),
        ({"amount": 0.0}, 0.0, "no amount"),
        ({"unit": "u"}, 0.0, "another unit"),
        ({"unit": None}, 0.0, "another unit"),
        ({"is_estimated": True}, 0.0, "estimated by the publisher"),
        ({"is_estimated": None}, 500.0, None),
    ],
)
def test_which_amounts_count(sale, load, more: dict[str, object], priced: float, reason: str | None) -> None:
    good = sale("CHN", "KAZ", "2022-01", 5.0)
    rows = load([good, sale("CHN", "KGZ", "2022-01", 5.0) | more])
    at = rows.areas.index("KGZ")
    (own,) = rows.priced_usd[rows.importer == at]
    assert own == priced
    assert rows.usd[rows.importer == at].tolist() == [500.0]  # its value stays
    assert np.isnan(rows.log_unit_value[rows.importer == at][0]) == (priced == 0)
    assert {name: count for name, count in rows.left_out.items() if count} == ({reason: 1} if reason else {})


def test_estimates_are_used_when_asked_for(sale, load) -> None:
    rows = load([sale("CHN", "KGZ", "2022-01", 5.0, is_estimated=True)], estimated="use")
    assert rows.priced_usd.tolist() == [500.0]
    with pytest.raises(CoverageError, match="no flow asked for has an amount in kg"):
        load([sale("CHN", "KGZ", "2022-01", 5.0, is_estimated=True)])


@pytest.mark.parametrize(
    ("rows", "says", "hint"),
    [
        ([], "no flow asked for is there", "--book importer"),
        ([{"amount": None}, {"amount": 0.0}], "no weight or quantity: 2", "ingest files"),
        ([{"amount": None}, {"unit": "u"}], "another unit: 1 .u.", "--unit"),
        ([{"unit": "u"}, {"is_estimated": True}], "the publisher estimated: 1", "--estimated use"),
    ],
)
def test_an_error_says_why_nothing_has_a_unit_value(sale, load, rows, says: str, hint: str) -> None:
    with pytest.raises(CoverageError, match=says) as raised:
        load([sale("CHN", "KGZ", "2022-01", 5.0) | more for more in rows])
    assert hint in raised.value.hint


def test_units_are_turned_into_one_another_where_that_is_exact(sale, load) -> None:
    rows = load(
        [
            sale("CHN", "KGZ", "2022-01", 2.0, 3.0, unit="1000u"),
            sale("CHN", "KGZ", "2022-01", 2.0, 500.0, unit="u"),
            sale("CHN", "KGZ", "2022-01", 2.0, 7.0, unit="kg"),
        ],
        unit="u",
    )
    assert rows.amount.tolist() == [3500.0]
    assert rows.priced_usd.tolist() == [6.0 + 1000.0]
    assert rows.usd.tolist() == [6.0 + 1000.0 + 14.0]
    assert rows.left_out["another unit"] == 1


def test_what_is_asked_for_and_who_published(sale, load) -> None:
    book = [
        sale("CHN", "KGZ", "2022-01", 5.0),
        sale("CHN", "KGZ", "2022-02", 5.0, hs_code="854231"),
        sale("DEU", "KGZ", "2022-03", 5.0),
        sale("CHN", "CHN", "2022-01", 5.0),  # coming home: no sale
        sale("CHN", "KGZ", "2022-01", 5.0, hs_code="TOTAL"),
    ]
    rows = load(book, exporters=("CHN",), products=("87",))
    assert rows.usd.tolist() == [500.0]
    assert rows.periods == ("2022-01", "2022-02", "2022-03")
    assert rows.published[rows.areas.index("CHN")].tolist() == [True, True, False]  # by any goods of its own


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"by": ("period",)}, "cannot sum"),
        ({"book": "both"}, "none of the words"),
        ({"estimated": "no"}, "none of the words"),
        ({"unit": "t"}, "counted in kg"),
        ({"threshold": 0.0}, "threshold"),
        ({"draws": 0}, "0 draws"),
        ({"products": ("TOTAL",)}, "no unit value"),
    ],
)
def test_what_makes_no_question(options: dict[str, object], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        PriceOptions(**options)
