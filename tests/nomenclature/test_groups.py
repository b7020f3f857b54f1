"""Groups on a day."""

from __future__ import annotations

from datetime import date

import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import group_members, group_names, memberships


def test_the_groups_that_options_may_name():
    wanted = {
        "EU", "EU15", "EU27", "EU28", "EA", "EFTA", "G7", "G20", "EAEU", "CIS", "CENTRAL_ASIA",
        "BALTICS", "GCC",
        "ASEAN", "OECD", "BRICS", "NATO", "SANCTIONING", "SACU", "MERCOSUR", "USMCA",
    }  # fmt: skip
    assert wanted <= set(group_names())
    assert list(group_names()) == sorted(group_names())


@pytest.mark.parametrize(
    ("group", "member", "last_out", "first_in"),
    [
        ("EU", "HRV", date(2013, 6, 30), date(2013, 7, 1)),
        ("EU", "POL", date(2004, 4, 30), date(2004, 5, 1)),
        ("EU", "BGR", date(2006, 12, 31), date(2007, 1, 1)),
        ("EU", "GBR", date(2020, 2, 1), date(2020, 1, 31)),
        ("EAEU", "ARM", date(2015, 1, 1), date(2015, 1, 2)),
        ("EAEU", "KGZ", date(2015, 8, 11), date(2015, 8, 12)),
        ("EAEU", "RUS", date(2014, 12, 31), date(2015, 1, 1)),
        ("EA", "HRV", date(2022, 12, 31), date(2023, 1, 1)),
        ("CIS", "GEO", date(2009, 8, 18), date(2009, 8, 17)),
        ("EFTA", "SWE", date(1995, 1, 1), date(1994, 12, 31)),
        ("NATO", "FIN", date(2023, 4, 3), date(2023, 4, 4)),
        ("BRICS", "ARE", date(2023, 12, 31), date(2024, 1, 1)),
        ("SANCTIONING", "DEU", date(2022, 2, 25), date(2022, 2, 26)),
        ("SANCTIONING", "CHE", date(2022, 3, 3), date(2022, 3, 4)),
    ],
)
def test_days_of_joining_and_leaving(group, member, last_out, first_in):
    assert member not in group_members(group, on=last_out)
    assert member in group_members(group, on=first_in)


@pytest.mark.parametrize(
    ("group", "day", "size"),
    [
        ("EU", date(1958, 1, 1), 6), ("EU", date(1973, 1, 1), 9), ("EU", date(1981, 1, 1), 10),
        ("EU", date(1986, 1, 1), 12), ("EU", date(1995, 1, 1), 15), ("EU", date(2004, 5, 1), 25),
        ("EU", date(2007, 1, 1), 27), ("EU", date(2013, 7, 1), 28), ("EU", date(2020, 2, 1), 27),
        ("EU", None, 27), ("EU15", None, 15), ("EU27", None, 27), ("EU28", None, 28),
        ("EA", date(1999, 1, 1), 11), ("EA", date(2015, 1, 1), 19), ("EA", date(2023, 1, 1), 20),
        ("EA", None, 21),
        ("EFTA", None, 4), ("G7", None, 7), ("G20", None, 19), ("EAEU", None, 5), ("CENTRAL_ASIA", None, 5),
        ("BALTICS", None, 3), ("GCC", None, 6), ("ASEAN", date(2000, 1, 1), 10), ("OECD", None, 38),
        ("NATO", None, 32), ("SACU", None, 5), ("USMCA", None, 3), ("BRICS", None, 10), ("EACU", None, 3),
    ],
)  # fmt: skip
def test_sizes(group, day, size):
    members = group_members(group, on=day)
    assert len(members) == size
    assert list(members) == sorted(set(members))


def test_fixed_compositions_are_those_of_their_years():
    assert (
        group_members("EU27")
        == group_members("EU", on=date(2020, 2, 1))
        == group_members("EU27", on=date(1999, 1, 1))
    )
    assert group_members("EU28") == group_members("EU", on=date(2016, 1, 1))
    assert group_members("EU15") == group_members("EU", on=date(2000, 1, 1))


def test_the_coalition_holds_the_g7_the_eu_and_both_spellings_of_taiwan():
    coalition = set(group_members("SANCTIONING"))
    assert set(group_members("EU27")) | set(group_members("G7")) <= coalition
    assert {"AUS", "NZL", "CHE", "NOR", "ISL", "KOR", "SGP", "TWN", "XOA"} <= coalition
    assert not coalition & {"CHN", "TUR", "KAZ", "KGZ", "ARM", "ARE", "HKG", "RUS"}
    assert group_members("SANCTIONING", on=date(2022, 2, 23)) == ()


def test_names_are_taken_in_any_case_and_unknown_ones_refused():
    assert group_members(" eaeu ") == group_members("EAEU")
    with pytest.raises(UnknownCodeError, match="EAEU"):
        group_members("EURASIA")
    assert memberships("EAEU")[0].source
