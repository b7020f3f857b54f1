from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from entrepot.detect.untold import Untold
from entrepot.detect.valued import ValuedTotal
from entrepot.report import print_detours
from entrepot.schema import VALUED_DETOUR

if TYPE_CHECKING:
    from entrepot.detect.result import DetourResult


def _printed(result: DetourResult, width: int, *, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    print_detours(result, Console(file=stream, width=width, highlight=False))
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_it_fits_and_is_plain_when_piped(result: DetourResult, width: int) -> None:
    text = _printed(result, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [80, 160])
def test_the_headline_stands_before_the_rows(result: DetourResult, width: int) -> None:
    text = " ".join(_printed(result, width).split())
    order = [
        "Germany and France via Kyrgyzstan and Armenia to Russia",
        "consistent with 1.26bn USD (90% interval 0.91–1.60bn)",
        "Plain increase 5.70bn",
        "Of 100 sets of detours planted",
        "Armenia (14 of 20, to 2023-06)",
        "Hubs",
        "Rows",
        "upper bound on controlled goods",
        "The onward leg is not observed for Armenia",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_hubs_that_cannot_be_told_stand_under_the_headline(result: DetourResult) -> None:
    assert "Cannot be told" not in _printed(result, 80)
    untold = Untold(*[np.array([values]) for values in (0, 9e6, 2e6, 5e6, 7e6, -1)]).table(("TUR",), ())
    text = " ".join(_printed(replace(result, untold=untold), 80).split())
    order = ("0.91–1.60bn", "Cannot be told: Türkiye (up to 7.00m USD)", "Hubs")
    assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)


def test_a_narrow_table_has_codes_and_a_wide_one_names(result: DetourResult) -> None:
    narrow = next(line for line in _printed(result, 80).splitlines() if "870323" in line and "DEU" in line)
    wide = next(line for line in _printed(result, 160).splitlines() if "870323" in line and "Germany" in line)
    assert narrow.split()[:5] == ["DEU", "KGZ", "RUS", "870323", "1.26bn"]
    assert "Vehicles" in wide
    assert "5.00m" in wide  # the plain increase of the row


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (80, {"declared", "unseen", "not observed", "others' goods", "several"}),
        (
            160,
            {
                "declared",
                "unseen: not in the hub's books",
                "onward leg not observed",
                "others' goods, relayed",
                "several kinds",
            },
        ),
    ],
)
def test_rows_say_their_kind_in_plain_words(of_all_kinds: DetourResult, width: int, words: set[str]) -> None:
    lines = _printed(of_all_kinds, width).splitlines()
    starts = ("DEU", "CHN", "KGZ", "ARM") if width == 80 else ("Germany", "China", "Kyrgyz", "Armenia")
    rows = [
        line.rstrip() for line in lines if line.startswith(starts) and "–" in line and " via " not in line
    ]
    assert len(rows) == 6
    assert {word for word in words if any(row.endswith(f" {word}") for row in rows)} == words


def test_others_goods_stand_below_the_headline_and_in_no_hub(of_all_kinds: DetourResult) -> None:
    text = " ".join(_printed(of_all_kinds, 100).split())
    order = [
        "the onward leg is not observed.",
        "More weakly:",
        "Estimate 1.26bn",
        "of it unseen 241m",
        "Hubs",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    hubs = text[text.index("Hubs hub") : text.index("Rows origin")]
    assert "90.0m" not in hubs
    assert "others' goods" not in hubs
    assert "do not add these rows to the others" in text


def test_an_unidentified_baseline_prints_no_amount(untold: DetourResult) -> None:
    text = " ".join(_printed(untold, 80).split())
    assert "nothing in the data tells ordinary growth from the event" in text
    assert not any(figure in text for figure in ("1.26bn", "241m", "90.0m", "200m", "More weakly"))


def test_amounts_are_right_aligned(result: DetourResult) -> None:
    lines = _printed(result, 80).splitlines()
    ends = {
        line.index(text) + len(text)
        for text in ("1.26bn", "200m")
        for line in lines
        if "RUS" in line and text in line
    }
    heading = next(line for line in lines if line.startswith("origin") and "USD" in line)
    assert len(ends) <= 2  # one column in each of the two tables
    assert heading.index("USD") + 3 in ends


def test_a_withheld_amount_says_so(unidentified: DetourResult) -> None:
    text = _printed(unidentified, 80)
    assert "Not identified" in text
    assert text.count("withheld") >= 3
    assert "1.26bn" not in text
    assert "placebo dates give 44% of it" in " ".join(text.split())


def test_nothing_found_prints_no_table(empty: DetourResult) -> None:
    text = _printed(empty, 80)
    assert "No detour was found" in text
    assert "Hubs" not in text


def test_labels_are_no_markup(result: DetourResult) -> None:
    at = result.table.column_names.index("origin")
    table = result.table.set_column(at, "origin", pa.array(["[red]X[/]", "[/]"]))
    assert "[red]X[/]" in _printed(replace(result, table=table), 80)


def test_a_console_without_unicode_gets_ascii(result: DetourResult) -> None:
    text = _printed(result, 80, encoding="ascii")
    assert "0.91-1.60bn" in text


def test_rows_are_as_many_as_can_be_read(result: DetourResult) -> None:
    many = pa.concat_tables([result.table] * 12)
    text = _printed(replace(result, table=many), 80)
    assert "Largest rows (10 of 24)" in text
    assert text.count("870323") == 5 + 1  # five of the ten rows, and the question


def test_another_unit_stands_below_the_headline_and_in_a_column(result: DetourResult) -> None:
    amounts = {"estimate_amount": 1.1e9, "low_amount": 8e8, "high_amount": 1.4e9, "amount_unit": "EUR"}
    table = pa.Table.from_pylist(
        [row | amounts for row in result.table.to_pylist()], schema=VALUED_DETOUR.arrow_schema()
    )
    valued = replace(result, table=table, valued=ValuedTotal("EUR", 1.1e9, 8e8, 1.4e9))
    text = _printed(valued, 160)
    assert "In EUR: 1.10bn (90% interval 0.80–1.40bn), each flow by its own rate" in text
    heading = next(line for line in text.splitlines() if "missing direct" in line and "EUR" in line)
    row = next(line for line in text.splitlines() if "870323" in line and "Germany" in line)
    at = heading.index("EUR") + len("EUR")
    assert row[:at].endswith("1.10bn")
    assert "under four fifths" in _printed(replace(result, valued=ValuedTotal("u", *[float("nan")] * 3)), 160)


def test_without_hubs_there_is_no_heading_for_them(result: DetourResult) -> None:
    assert "\nHubs\n" not in _printed(replace(result, hubs=result.hubs.slice(0, 0)), 80)


@pytest.mark.parametrize("width", [80, 120, 131, 160])
def test_where_room_is_scarce_words_are_cut_and_no_figure_is(of_all_kinds: DetourResult, width: int) -> None:
    amounts = {"estimate_amount": 1.1e9, "low_amount": 8e8, "high_amount": 1.4e9, "amount_unit": "EUR"}
    rows = [row | amounts for row in of_all_kinds.table.to_pylist()]
    table = pa.Table.from_pylist(rows, schema=VALUED_DETOUR.arrow_schema())
    text = _printed(replace(of_all_kinds, table=table), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert re.search(r"\d[mbk]?…", text) is None
    assert "1.26bn" in text
    assert "0.91–1.60bn" in text
