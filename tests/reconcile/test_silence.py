"""Downloads of some partners: the silence about all others is no zero; a whole book's silence is one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.reconcile import pair_books
from entrepot.reconcile.silence import unspoken_pairs

if TYPE_CHECKING:
    import pandas as pd

MANY = [f"P{n:02}" for n in range(30)]


def _paired(rows: pd.DataFrame) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Return both reports by pair, None for what is not reported."""
    found = pair_books(rows)
    sides = [f"{side}_report_usd" for side in ("exporter", "importer")]
    values = found[sides].astype(object).where(found[sides].notna(), None)
    return dict(
        zip(
            zip(found["exporter"], found["importer"], strict=True),
            values.itertuples(index=False, name=None),
            strict=True,
        )
    )


def test_everybodys_exports_to_one_area_say_nothing_of_another_importer(reports) -> None:
    """CHN's own book of imports is whole; the others were taken in with Russia alone."""
    rows = [(area, "export", "RUS", 10.0) for area in MANY]
    rows += [("CHN", "import", area, 7.0) for area in MANY]
    paired = _paired(reports(rows))
    assert {paired[area, "CHN"] for area in MANY} == {(None, 7.0)}
    assert {paired[area, "RUS"] for area in MANY} == {(10.0, None)}


def test_everybodys_imports_from_one_area_beside_one_whole_book_of_exports(reports) -> None:
    """Germany's exports meet books that were taken in with China alone, but for one that names Germany."""
    rows = [(area, "import", "CHN", 5.0) for area in MANY]
    rows += [("DEU", "export", area, 8.0) for area in MANY] + [("P00", "import", "DEU", 6.0)]
    paired = _paired(reports(rows))
    assert paired["DEU", "P00"] == (8.0, 6.0)
    assert {paired["DEU", area] for area in MANY[1:]} == {(8.0, None)}


def test_one_book_of_a_few_hubs_beside_whole_books(reports) -> None:
    """China was taken in with four hubs; thirty importers report more from it."""
    hubs = MANY[:4]
    rows = [("CHN", "export", area, 10.0) for area in hubs]
    rows += [(area, "import", "CHN", 9.0) for area in MANY]
    paired = _paired(reports(rows))
    assert {paired["CHN", area] for area in hubs} == {(10.0, 9.0)}
    assert {paired["CHN", area] for area in MANY[4:]} == {(None, 9.0)}


def test_the_silence_of_a_whole_book_is_a_zero(reports) -> None:
    """It names half of the partners; that the others tell otherwise is what gaps are about."""
    rows = [("CHN", "export", area, 10.0) for area in MANY[:15]]
    rows += [(area, "import", "CHN", 9.0) for area in MANY]
    paired = _paired(reports(rows))
    assert {paired["CHN", area] for area in MANY[15:]} == {(0.0, 9.0)}


def test_four_that_tell_otherwise_are_a_gap_and_five_a_book_of_some_partners(reports) -> None:
    """A hub that few name as an origin is no area on nobody's list."""
    for silent, expected in ((4, 0.0), (5, None)):
        rows = [("GEO", "export", area, 10.0) for area in MANY[:silent]]
        rows += [(area, "import", "CHN", 9.0) for area in MANY[:silent]]
        paired = _paired(reports(rows))
        assert {paired["GEO", area] for area in MANY[:silent]} == {(10.0, expected)}


def test_imports_by_consignment_name_the_partner(reports) -> None:
    """Of France's sales to other members only their books by consignment tell: France is on their list."""
    rows = [("FRA", "export", area, 10.0) for area in MANY[:6]]
    rows += [(area, "import", "FRA", 9.0, {"partner_concept": "consignment"}) for area in MANY[:6]]
    rows += [(area, "import", "CHN", 9.0) for area in MANY[:6]]
    assert len(unspoken_pairs(reports(rows))) == 0


def test_years_are_judged_apart_from_months(reports) -> None:
    rows = [(area, "export", "RUS", 10.0) for area in MANY]
    rows += [("CHN", "import", area, 7.0) for area in MANY]
    rows += [(area, "export", "CHN", 10.0, {"frequency": "A", "period": "2022"}) for area in MANY[:20]]
    found = unspoken_pairs(reports(rows))
    assert set(found["frequency"]) == {"M"}


def _slow(rows: pd.DataFrame) -> set[tuple[str, str, str]]:
    """Say (side, exporter, importer) of what is unspoken, by loops."""
    books = {"exporter": defaultdict(float), "importer": defaultdict(float)}
    for row in rows.itertuples():
        if row.flow == "export":
            books["exporter"][row.reporter, row.partner] += row.primary_value_usd
        else:
            books["importer"][row.partner, row.reporter] += row.primary_value_usd
    pairs = set(books["exporter"]) | set(books["importer"])
    areas = {area for pair in pairs for area in pair}
    found = set()
    for at, (side, other) in enumerate((("exporter", "importer"), ("importer", "exporter"))):
        own, told = books[side], books[other]
        writers = {pair[at] for pair in own}
        mine = [pair for pair in pairs if pair[at] in writers]
        for pair in mine:
            if pair in own:
                continue
            of_partner = [one for one in mine if one[1 - at] == pair[1 - at]]
            of_book = [one for one in mine if one[at] == pair[at]]
            silent = sum(told.get(one, 0.0) > 0 for one in of_partner if one not in own)
            named = sum(one in own for one in of_partner)
            on_no_list = silent >= 5 and silent >= 10 * named
            silent = sum(told.get(one, 0.0) > 0 for one in of_book if one not in own)
            named = sum(one in own for one in of_book)
            covered = sum(told.get(one, 0.0) for one in of_book if one in own)
            every = sum(told.get(one, 0.0) for one in of_book)
            is_selected = silent >= 5 and covered < 0.5 * every and named < 0.2 * len(areas)
            if on_no_list or is_selected:
                found.add((side, *pair))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.tuples(st.integers(0, 2), st.sampled_from(MANY)), max_size=60),
    st.sets(st.tuples(st.sampled_from(MANY), st.integers(0, 2)), max_size=60),
    st.integers(0, 3),
)
def test_unspoken_pairs_are_those_of_loops(reports, exports, imports, worth) -> None:
    rows = [(f"H{a}", "export", b, 10.0) for a, b in sorted(exports)]
    rows += [(a, "import", f"H{b}", float(worth)) for a, b in sorted(imports)]
    rows += [(f"H{b}", "export", a, 3.0) for a, b in sorted(imports) if a < "P03"]
    rows += [(a, "export", f"H{b}", 3.0) for a, b in sorted(imports) if a > "P20"]
    if not rows:
        return
    table = reports(rows)
    found = unspoken_pairs(table)
    told = {
        (side, row.exporter, row.importer)
        for row in found.itertuples()
        for side in ("exporter", "importer")
        if getattr(row, f"{side}_unspoken") == 1
    }
    assert told == _slow(table)


@pytest.mark.parametrize("rows", [[], [("CHN", "export", "RUS", 1.0)]])
def test_little_says_nothing(reports, rows) -> None:
    assert len(unspoken_pairs(reports(rows))) == 0
