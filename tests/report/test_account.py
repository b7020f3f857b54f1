from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
import pytest

from entrepot.detect.periods import event_windows
from entrepot.detect.untold import Untold
from entrepot.nomenclature import group_members
from entrepot.report import about_detours
from entrepot.report.account import account_of
from entrepot.report.evidence import strength
from entrepot.report.kinds import MEANINGS, Shares, kind_words
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from entrepot.detect.periods import WindowPair
    from entrepot.detect.result import DetourResult
    from entrepot.report.account import Account

FILE = {
    "file_name": "b.csv",
    "file_hash": "0123456789abcdef" * 4,
    "source": "comtrade",
    "vintage": date(2024, 2, 1),
    "rows_read": 1000,
    "rows_stored": 990,
    "rows_quarantined": 10,
}


def test_an_identified_search_is_said_with_its_interval(result: DetourResult) -> None:
    said = account_of(result)
    assert said.title == "Germany and France via Kyrgyzstan and Armenia to Russia"
    assert said.headline == (
        "The statistics are consistent with 1.26bn USD (90% interval 0.91–1.60bn) of goods from Germany and "
        "France having reached Russia through Kyrgyzstan and Armenia in 2022-05 to 2023-12. Of it, 819m USD "
        "go on from the hubs in published books (declared), 241m USD reached hubs whose own books do not "
        "show them arriving (unseen) and for 200m USD the onward leg is not observed."
    )
    assert said.question == (
        "Event 2022-03; goods of HS 870323 and 854231; 2022-05 to 2023-12 against 2020-02 to 2022-01; "
        "USD, FOB at the origin"
    )
    figures = {one.label: one.figure for one in said.comparisons}
    assert figures == {
        "Estimate": "1.26bn",
        "of it declared": "819m",
        "of it unseen": "241m",
        "of it not observed": "200m",
        "The books allow": "0.20–2.20bn",
        "With baseline unchanged": "1.50bn",
        "Placebo dates": "12.0–40.0m",
        "Excess only": "3.10bn",
        "Plain increase": "5.70bn",
        "Missing direct trade": "8.40bn",
        "Relayed by others": "up to 90.0m",
    }
    assert "88% of the value" in said.calibration
    assert said.late == "Periods of the after-window published so far: Armenia (14 of 20, to 2023-06)."


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "strong"),
        ({"placebo_usd": (12e7,)}, "moderate"),
        ({"onward_observed_share": 0.4}, "moderate"),
        ({"low_usd": 1e8}, "moderate"),
        ({"low_usd": 1e8, "onward_observed_share": 0.4}, "weak"),
        ({"onward_observed_share": 0.05}, "weak"),
        ({"placebo_usd": ()}, "weak"),
        ({"placebo_usd": (5e8,)}, "none"),
        ({"low_usd": math.nan, "high_usd": math.nan}, "none"),
        ({"estimate_usd": 0.0}, "none"),
    ],
)
def test_wording_follows_the_evidence(
    result: DetourResult, changes: dict[str, object], expected: str
) -> None:
    head = replace(result.headline, **changes)
    assert strength(head) == expected
    headline = account_of(replace(result, headline=head)).headline
    assert ("weakly" in headline) == (expected == "weak")
    assert ("with reservations" in headline) == (expected == "moderate")
    assert ("consistent with" in headline) == (expected != "none")


def test_a_withheld_amount_is_nowhere_in_the_words(unidentified: DetourResult) -> None:
    said = account_of(unidentified)
    assert said.headline.startswith("Not identified: dates at which nothing happened give 44% of what")
    assert said.withheld == "2 of 2 rows have no amount (most often: placebo dates give 44% of it)."
    every = " ".join([said.headline, said.baseline, said.placebos, *[one.figure for one in said.comparisons]])
    assert "1.26bn" not in every
    assert "1.50bn" not in every
    about = about_detours(unidentified, sources=[])
    assert not {"estimate_usd", "low_usd", "high_usd", "by_baseline_usd"} & set(about)
    assert "1260000000" not in " ".join(about.values())


def test_reasons_for_no_amount(result: DetourResult) -> None:
    def headline(**changes: object) -> str:
        return account_of(replace(result, headline=replace(result.headline, **changes))).headline

    assert "too little before the event" in headline(low_usd=math.nan, high_usd=math.nan, placebo_usd=())
    assert "give more than the event does" in headline(placebo_usd=(9e9,))


def test_an_unidentified_baseline_withholds_every_amount(untold: DetourResult) -> None:
    said = account_of(untold)
    assert said.headline.startswith(
        "Not identified: nothing in the data tells ordinary growth from the event"
    )
    assert said.strength == "none"
    assert said.relay == ""
    assert said.withheld.endswith("(most often: nothing in the data tells ordinary growth from the event).")
    figures = {one.label: one for one in said.comparisons}
    assert figures["Estimate"].figure == "withheld"
    assert (
        figures["Excess only"].note == "inbound trade over the level of before, where hub and goods stand out"
    )
    assert not [label for label in figures if label.startswith(("of it", "Relayed"))]
    about = about_detours(untold, sources=[])
    assert not [name for name in about if name.startswith(("declared_", "unseen_", "onward_", "relay_"))]
    every = " ".join([said.headline, said.baseline, *about.values()])
    assert not any(figure in every for figure in ("1.26bn", "1260000000", "241m", "241000000", "90.0m"))


@pytest.mark.parametrize(
    ("declared", "unseen", "expected"),
    [
        (1.0, 0.0, " Published books show all of it going on from the hubs."),
        (0.0, 1.26e9, " The hubs' own books show none of it arriving."),
        (0.0, 0.0, " The onward leg is observed for none of it."),
        (0.5, 6.3e8, "630m USD go on from the hubs in published books (declared) and 630m USD reached hubs"),
        (0.5, 0.0, "(declared) and for 630m USD the onward leg is not observed."),
        (math.nan, 0.0, "in 2022-05 to 2023-12."),
    ],
)
def test_the_headline_names_only_the_parts_that_are_there(
    result: DetourResult, declared: float, unseen: float, expected: str
) -> None:
    head = replace(result.headline, onward_observed_share=declared, unseen_usd=unseen)
    said = account_of(replace(result, headline=head))
    assert expected in said.headline
    parts = Shares.of(head).named()
    assert sum(parts.values()) == pytest.approx(0.0 if math.isnan(declared) else head.estimate_usd)
    assert ("of it unseen" in {one.label for one in said.comparisons}) == (0 < unseen < head.estimate_usd)


def test_what_others_sent_is_said_apart_and_weaker(result: DetourResult) -> None:
    said = account_of(result)
    assert said.relay == (
        "More weakly: the statistics are also consistent with up to 90.0m USD relayed through the same hubs "
        "by suppliers whose own direct trade did not fall. That is not part of the total."
    )
    assert "90.0m" not in said.headline
    alone = replace(result, headline=replace(result.headline, relay_usd=0.0))
    assert account_of(alone).relay == ""
    assert account_of(alone).headline == said.headline
    assert "Relayed by others" not in {one.label for one in account_of(alone).comparisons}
    about = about_detours(result, sources=[])
    assert about["what others sent"] == said.relay
    assert about["relay_high_usd (not in the estimate)"] == "90000000"
    assert about["estimate_usd"] == "1260000000"
    parts = [about[name] for name in ("declared_usd", "unseen_usd", "onward_unobserved_usd")]
    assert sum(map(int, parts)) == 1_260_000_000


def test_hubs_that_cannot_be_told_are_named_with_a_limit(result: DetourResult) -> None:
    assert account_of(result).untold == ""
    columns = [np.array([values]) for values in (0, 9e6, 2e6, 5e6, 7e6, -1)]
    told = replace(result, untold=Untold(*columns).table(("TUR",), ()))
    said = account_of(told)
    assert said.untold.startswith("Cannot be told: Türkiye (up to 7.00m USD). ")
    assert "sales to Russia" in said.untold
    assert "no part of the estimate" in said.untold
    assert about_detours(told, sources=[])["who cannot be told"] == said.untold


def test_a_hub_that_was_asked_about_and_shows_nothing_is_not_in_the_finding(result: DetourResult) -> None:
    found = [code for code in dict.fromkeys(result.hubs["hub"].to_pylist()) if code]
    asked = replace(result, options=replace(result.options, hubs=(*found, "UZB")))
    said = account_of(asked)
    assert "Uzbekistan" in said.title or f"via {len(found) + 1} hubs" in said.title
    assert said.headline == account_of(result).headline
    assert "Uzbekistan" not in said.headline


def test_hubs_of_one_good_that_nobody_sees_selling_are_named_with_the_reason(result: DetourResult) -> None:
    usd = [np.array(values) for values in ([9e6, np.nan], [2e6, 3e6], [5e6, 1e6], [7e6, 4e6])]
    untold = Untold(np.array([0, 1]), *usd, product=np.array([-1, 0])).table(("TUR", "KGZ"), ("870323",))
    both = account_of(replace(result, untold=untold)).untold
    assert "Türkiye (up to 7.00m USD) and Kyrgyzstan (up to 4.00m USD of 870323)" in both
    assert "the other varies by more than that" in both
    assert "; or arrivals rose clearly in a single one, and nobody publishes sales to Russia" in both
    alone = account_of(replace(result, untold=untold.slice(1))).untold
    assert "arrivals rose clearly in a single one" in alone
    assert "varies" not in alone


def test_relays_without_a_detour_are_pointed_to_without_an_amount(
    of_all_kinds: DetourResult, empty: DetourResult
) -> None:
    table = of_all_kinds.table.filter(pc.equal(of_all_kinds.table["kind"], "relay"))
    said = account_of(
        replace(
            empty,
            table=table,
            headline=replace(empty.headline, relay_usd=8e7, relay_high_usd=9e7),
        )
    )
    assert said.headline.startswith("No detour was found")
    assert "What others sent through hubs stands in rows of its own" in said.headline
    assert "90.0m" not in said.headline + said.relay
    assert "rows of its own" not in account_of(empty).headline


def test_every_kind_that_occurs_is_explained(of_all_kinds: DetourResult, result: DetourResult) -> None:
    said = account_of(of_all_kinds)
    assert [text.partition(":")[0] for text in said.kinds] == [
        "Declared",
        "Unseen",
        "Onward leg not observed",
        "Others' goods",
    ]
    unseen = said.kinds[1]
    for words in (
        "the hub's books do not show them arriving",
        "consistent with transit, and with under-declaration or misclassification",
        "accuses nobody",
    ):
        assert words in unseen
    assert "not part of the total" in said.kinds[3]
    assert [text.partition(":")[0] for text in account_of(result).kinds] == [
        "Declared",
        "Onward leg not observed",
    ]
    assert set(MEANINGS) == set(DetourKind)
    assert len({kind_words(kind) for kind in DetourKind} | {kind_words(None)}) == len(DetourKind) + 1


def test_nothing_found(empty: DetourResult) -> None:
    said = account_of(empty)
    assert said.headline.startswith("No detour was found from Germany and France to Russia in 2022-05")
    assert said.title == "Germany and France via hubs to Russia"
    assert said.placebos.startswith("No placebo date was possible")
    assert said.calibration.startswith("Not calibrated")
    assert said.refutations[0].startswith("Nothing was found")


def test_why_no_interval_is_known(result: DetourResult) -> None:
    """Too short a past and planted detours that nobody finds are two reasons; years are not months."""

    def said(placebos: tuple[float, ...], windows: WindowPair = result.windows) -> Account:
        head = replace(result.headline, low_usd=math.nan, high_usd=math.nan, placebo_usd=placebos)
        return account_of(replace(result, headline=head, windows=windows))

    assert said(()).headline.startswith("Not identified: too little before the event to calibrate on.")
    assert said((0.0,)).headline.startswith("Not identified: no planted detour was found")
    yearly = event_windows("2022", published=[str(year) for year in range(2018, 2024)])
    for windows, span in ((result.windows, "months"), (yearly, "years")):
        (more,) = [line for line in said((0.0,), windows).refutations if line.startswith("More ")]
        assert more.startswith(f"More {span} before the event")


def test_why_nothing_was_found(empty: DetourResult) -> None:
    def said(**changes: object) -> Account:
        return account_of(replace(empty, headline=replace(empty.headline, **changes)))

    lost = said(shortfall_usd=5e8, by_baseline={"untreated": 0.0, "unchanged": 2e7})
    assert "nowhere do missing direct trade and an excess through a hub meet" in lost.headline
    assert "no direct trade fell by more than chance gives" in said(shortfall_usd=0.0).headline
    # Of pairs with fewer products an open search tells nothing, so it claims nothing of them.
    quiet = replace(empty, headline=replace(empty.headline, shortfall_usd=0.0))
    searched = account_of(replace(quiet, options=replace(quiet.options, origins=())))
    assert "no direct trade of a pair with 5 or more products fell" in searched.headline
    figures = {one.label: one.figure for one in lost.comparisons}
    assert figures["Estimate"] == "0"
    assert figures["With baseline unchanged"] == "20.0m"
    # Without anything to tell ordinary growth from the event, that nothing meets says nothing.
    assert said(baseline="unidentified").headline.startswith("Not identified: nothing in the data tells")


def test_an_unobserved_leg_is_said_everywhere(unobserved: DetourResult) -> None:
    said = account_of(unobserved)
    assert said.headline.endswith("The onward leg is observed for none of it.")
    assert said.refutations[0].startswith(
        "Kyrgyzstan and Armenia: the onward leg is in no published data, or not by code."
    )
    assert any("The onward leg is not observed for Kyrgyzstan and Armenia" in line for line in said.limits)


def test_limits_come_with_every_search(
    result: DetourResult, unidentified: DetourResult, empty: DetourResult
) -> None:
    for one in (result, unidentified, empty):
        limits = " ".join(account_of(one).limits)
        assert "upper bound on controlled goods" in limits
        assert "accuses nobody" in limits


def test_what_is_said_of_a_kind_of_row_needs_such_a_row(
    of_all_kinds: DetourResult, result: DetourResult
) -> None:
    of_unseen, of_relays = "declared and the unseen row", "Relay rows are the goods of others"
    all_kinds = " ".join(account_of(of_all_kinds).limits)
    assert of_unseen in all_kinds
    assert of_relays in all_kinds
    is_declared = pc.equal(result.table["kind"], DetourKind.DECLARED.value)
    declared = " ".join(account_of(replace(result, table=result.table.filter(is_declared))).limits)
    assert of_unseen not in declared
    assert of_relays not in declared
    assert "accuses nobody" in declared


def test_no_word_accuses(
    result: DetourResult,
    unidentified: DetourResult,
    unobserved: DetourResult,
    of_all_kinds: DetourResult,
) -> None:
    accusing = re.compile(
        r"\b(evad|evas|smuggl|illegal|illicit|launder|violat|guilt|prove[sdn]?\b|crim)", re.IGNORECASE
    )
    for one in (result, unidentified, unobserved, of_all_kinds):
        said = account_of(one)
        words = [said.headline, said.relay, said.placebos, said.late, *said.kinds]
        words += [*said.refutations, *said.limits]
        assert [text for text in words if accusing.search(text)] == []


def test_suspects_not_named_are_those_found(result: DetourResult) -> None:
    options = replace(result.options, origins=(), destinations=())
    said = account_of(replace(result, options=options))
    assert said.title == "Germany via Kyrgyzstan and Armenia to Russia"
    about = about_detours(replace(result, options=options), sources=[])
    assert about["origins"] == "DEU (found by the search)"


def test_a_group_has_its_name(result: DetourResult) -> None:
    options = replace(result.options, origins=(), pooled_origins=group_members("EU27"))
    assert account_of(replace(result, options=options)).title.startswith("EU27 via ")


def test_the_record_says_where_the_figures_come_from(result: DetourResult) -> None:
    other = FILE | {"file_name": "a.csv", "vintage": date(2023, 12, 1), "source": "csv:armstat"}
    about = about_detours(result, sources=[FILE, other])
    assert about["sources"] == "comtrade, csv:armstat"
    assert about["vintages"] == "2023-12-01 to 2024-02-01"
    assert about["rows read"] == "2,000, of which 20 set aside"
    assert about["files"].startswith("a.csv (2023-12-01, 990 rows, SHA-256 0123456789ab…); b.csv (")
    assert all(isinstance(value, str) for value in about.values())
    assert about["placebos_usd"].startswith("2020-02:2020-08 against 2020-09:2021-01: 12000000; ")


def test_many_late_reporters_are_counted_and_the_weighty_ones_named(result: DetourResult) -> None:
    late = dict.fromkeys(["AFG", "ALB", "AND", "KGZ", "ZWE"], "1 of 20, to 2022-05") | {"RUS": "0 of 20"}
    said = account_of(replace(result, reporters_late=late))
    assert said.late.startswith("6 reporters have published the after-window in part or not at all")
    named = said.late.partition(": ")[2].partition(" and ")[0]
    assert named == ("Kyrgyzstan (1 of 20, to 2022-05), Russia (0 of 20), Afghanistan (1 of 20, to 2022-05)")
    assert "and 3 others" in said.late
    assert "--page" in said.late
    assert len(said.all_late) == len(late)
    assert {text.partition(" (")[0] for text in said.all_late} >= {"Zimbabwe", "Andorra"}
