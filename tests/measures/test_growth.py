"""Growth against a plain Python twin, closed forms, and what gaps and nulls do to it."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.errors import ContractError, OptionError
from entrepot.measures import indexed, rolling_year, totals, year_on_year, year_to_date
from entrepot.measures.spans import parse_window, two_windows


def add(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> dict[tuple[str, ...], float | None]:
    """Return sums by keys, null where a part is null: the twin of ``totals``."""
    found: dict[tuple[str, ...], float | None] = {}
    for row in rows:
        key, value = tuple(row[k] for k in keys), row["value_usd"]
        was = found.get(key, 0.0)
        found[key] = None if was is None or value is None else was + value
    return found


def back(period: str, months: int) -> str:
    number = int(period[:4]) * 12 + int(period[5:]) - 1 - months
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def plus(values: list[float | None]) -> float | None:
    return None if any(v is None for v in values) else sum(values)


def compared(now: float | None, was: float | None) -> float | None:
    return None if now is None or not was else now / was - 1


def check(found, series, current, earlier) -> None:
    assert set(found) == set(series)
    for (area, period), row in found.items():
        now, was = current(area, period), earlier(area, period)
        assert row["value_usd"] == (None if now is None else pytest.approx(now, rel=1e-12))
        assert row["year_earlier_value_usd"] == (None if was is None else pytest.approx(was, rel=1e-12))
        growth = compared(now, was)
        assert row["growth"] == (None if growth is None else pytest.approx(growth, rel=1e-9, abs=1e-12))
        change = None if now is None or was is None else now - was
        assert row["change_value_usd"] == (None if change is None else pytest.approx(change, abs=1e-9))


@pytest.mark.parametrize("seed", range(3))
def test_growth_is_that_of_the_twin(seed, flows, read) -> None:
    table = flows(seed)
    table = table.filter(pa.array([k != 5 for k in range(table.num_rows)]))
    series = add(table.to_pylist(), ("exporter", "period"))
    for holes in (set(), {("AAA", "2021-02"), ("BBB", "2021-12"), ("CCC", "2020-01")}):
        kept = {key: value for key, value in series.items() if key not in holes}
        frame = pl.from_arrow(table).filter(
            ~pl.struct("exporter", "period").map_elements(
                lambda r, out=holes: (r["exporter"], r["period"]) in out, return_dtype=pl.Boolean
            )
        )

        def at(a: str, t: str, kept=kept) -> float | None:
            return kept.get((a, t))

        def ytd(a: str, t: str, at=at) -> float | None:
            return plus([at(a, f"{t[:4]}-{m:02d}") for m in range(1, int(t[5:]) + 1)])

        def year(a: str, t: str, at=at) -> float | None:
            return plus([at(a, back(t, k)) for k in range(12)])

        def before(current, kept=kept):
            """Return the value of a year earlier, where the series has a row of that month."""
            return lambda a, t: current(a, back(t, 12)) if (a, back(t, 12)) in kept else None

        for measure, current in ((year_on_year, at), (year_to_date, ytd), (rolling_year, year)):
            check(read(measure(frame, by=["exporter"])), kept, current, before(current))


def test_years_are_compared_with_the_year_before_and_no_other(read) -> None:
    table = pa.table({"period": ["2020", "2022", "2023"], "value_usd": [1.0, 2.0, 3.0]})
    found = read(year_on_year(table))
    assert found["2022",]["growth"] is None
    assert found["2023",]["growth"] == pytest.approx(0.5)


def test_zero_is_no_null(read) -> None:
    table = pa.table({"period": ["2020", "2021", "2022", "2023"], "value_usd": [0.0, 2.0, 0.0, None]})
    found = read(year_on_year(table))
    assert found["2021",]["growth"] is None, "growth from nothing has no rate"
    assert found["2021",]["change_value_usd"] == 2.0
    assert found["2022",]["growth"] == -1.0
    assert found["2023",]["growth"] is None
    assert found["2023",]["value_usd"] is None


def test_the_first_report_of_russias_suppliers(read) -> None:
    """DESIGN, C1: 190 bn in 2022 and 240 bn in 2023 are 26% more."""
    found = read(year_on_year(pa.table({"period": ["2022", "2023"], "value_usd": [190e9, 240e9]})))
    assert found["2023",]["growth"] == pytest.approx(0.26, abs=0.005)


@given(
    rate=st.floats(-0.5, 2.0),
    start=st.floats(1.0, 1e9),
    first=st.integers(1, 12),
    length=st.integers(36, 48),
)
def test_steady_growth_is_the_same_in_every_measure(rate, start, first, length) -> None:
    """A series that grows at one rate a year grows at it by month, by year to date, and by twelve months."""
    months = [f"{2000 + (first - 1 + k) // 12}-{(first - 1 + k) % 12 + 1:02d}" for k in range(length)]
    values = [start * (1 + rate) ** (k // 12) for k in range(length)]
    frame = pl.DataFrame({"period": months, "value_usd": values})
    least = {year_on_year: length - 12, rolling_year: length - 23, year_to_date: 1}
    for measure, count in least.items():
        found = measure(frame)["growth"].drop_nulls().to_list()
        assert len(found) >= count
        assert found == [pytest.approx(rate, abs=1e-9)] * len(found)


@given(st.floats(0.01, 1e6))
def test_growth_and_index_do_not_depend_on_the_unit(factor) -> None:
    frame = pl.DataFrame({"period": ["2020", "2021", "2022"], "value_usd": [3.0, 4.0, 2.0]})
    scaled = frame.with_columns(pl.col("value_usd") * factor)
    growth = year_on_year(scaled).sort("period")["growth"].to_list()
    assert growth == [None, pytest.approx(1 / 3), pytest.approx(-0.5)]
    index = indexed(scaled, base="2020").sort("period")["index"].to_list()
    assert index == pytest.approx([100.0, 400 / 3, 200 / 3])


def test_an_index_needs_its_whole_base(read) -> None:
    table = pa.table(
        {
            "exporter": ["A", "A", "A", "B", "B"],
            "period": ["2020", "2021", "2022", "2021", "2022"],
            "value_usd": [10.0, 30.0, 40.0, 5.0, 10.0],
        }
    )
    found = read(indexed(table, base="2020:2021", by=["exporter"]))
    assert found["A", "2022"]["index"] == 200.0
    assert found["B", "2022"]["index"] is None
    assert read(indexed(table, base="2021", by=["exporter"]))["B", "2022"]["index"] == 200.0


def test_totals_of_any_dimension(flows, read) -> None:
    table = flows(7)
    expected = add(table.to_pylist(), ("importer", "hs_code"))
    found = read(totals(table, by=["importer", "hs_code"]))
    assert {key: row["value_usd"] for key, row in found.items()} == {
        key: None if value is None else pytest.approx(value) for key, value in expected.items()
    }
    assert None in expected.values()
    with pytest.raises(ContractError, match="no column currency"):
        totals(table, by=["currency"])


@pytest.mark.parametrize("text", ["2021-13", "2021:2022-01", "21", "2022:2021", "2020:2021:2022"])
def test_what_is_no_window_is_refused(text) -> None:
    with pytest.raises(OptionError):
        parse_window(text, option="base")


@pytest.mark.parametrize(("before", "after"), [("2020", "2021:2022"), ("2020", "2021-01"), ("2021", "2021")])
def test_windows_that_cannot_be_compared_are_refused(before, after) -> None:
    with pytest.raises(OptionError, match=r"periods|begin"):
        two_windows(before, after)
