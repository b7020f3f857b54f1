"""What became of a finding: every combination of two states by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from entrepot.detect.watching import compare_findings
from entrepot.errors import OptionError
from entrepot.schema import DETOUR, WATCH

BY = ("hub", "destination")


def table(*rows: dict[str, Any]) -> pa.Table:
    common = dict.fromkeys(DETOUR.columns) | {"hub": "KGZ", "destination": "RUS", "status": "identified"}
    return pa.Table.from_pylist([common | row for row in rows], schema=DETOUR.arrow_schema())


def finding(usd: float | None, q: float | None = 0.01, *, low: float = 0.8, high: float = 1.3, **keys: Any):
    ends = {"low_usd": low * usd, "high_usd": high * usd} if usd is not None else {}
    return {"estimate_usd": usd, "q_value": q} | ends | keys


@pytest.mark.parametrize(
    ("now", "earlier", "change"),
    [
        ([finding(10e6)], [], "appeared"),
        ([finding(10e6)], [finding(9e6, 0.4)], "appeared"),
        ([finding(10e6)], [finding(None, 0.01)], "appeared"),
        ([], [finding(10e6)], "went"),
        ([finding(10e6, 0.2)], [finding(10e6)], "went"),
        ([finding(None)], [finding(10e6)], "went"),
        ([finding(20e6)], [finding(10e6)], "grew"),
        ([finding(10e6)], [finding(20e6)], "shrank"),
        ([finding(12e6)], [finding(10e6)], "stays"),
        ([finding(20e6, low=0.4)], [finding(10e6)], "stays"),
        ([finding(10e6, 0.2)], [finding(10e6, 0.3)], None),
        ([finding(10e6, None)], [], None),
        ([finding(0.0)], [], None),
    ],
)
def test_what_became_of_a_finding(now, earlier, change) -> None:
    found = compare_findings(table(*now), table(*earlier), by=BY)
    assert found["news"].to_pylist() == ([change] if change else [])
    assert found.schema.equals(WATCH.arrow_schema())


def test_both_states_stand_beside_each_other_the_news_first() -> None:
    now = table(finding(12e6, hub="ARM"), finding(50e6, hub="GEO"), finding(5e6, hub="TUR"))
    earlier = table(finding(10e6, hub="ARM"), finding(10e6, hub="KAZ"), finding(20e6, hub="GEO"))
    rows = compare_findings(now, earlier, by=BY).to_pylist()
    assert [(row["hub"], row["news"]) for row in rows] == [
        ("TUR", "appeared"), ("GEO", "grew"), ("KAZ", "went"), ("ARM", "stays")
    ]  # fmt: skip
    assert (rows[1]["earlier_estimate_usd"], rows[1]["estimate_usd"]) == (20e6, 50e6)
    assert (rows[2]["estimate_usd"], rows[2]["low_usd"]) == (None, None)


def test_in_sums_relays_stand_apart_and_the_other_kinds_do_not() -> None:
    now = table(finding(10e6, kind="declared"), finding(4e6, kind="relay"))
    earlier = table(finding(10e6, kind=None))
    changes = {row["kind"]: row["news"] for row in compare_findings(now, earlier, by=BY).to_pylist()}
    assert changes == {"declared": "stays", "relay": "appeared"}


def test_amounts_in_another_unit_stand_beside_both_states() -> None:
    def valued(one: pa.Table, rate: float) -> pa.Table:
        for name in ("estimate", "low", "high"):
            dollars = one[f"{name}_usd"].to_pylist()
            amounts = [None if usd is None else rate * usd for usd in dollars]
            one = one.append_column(f"{name}_amount", pa.array(amounts, pa.float64()))
        return one.append_column("amount_unit", pa.array(["EUR"] * one.num_rows))

    now, earlier = (
        valued(table(finding(20e6)), 0.9),
        valued(table(finding(10e6), finding(9e6, hub="ARM")), 0.8),
    )
    grew, went = compare_findings(now, earlier, by=BY).to_pylist()
    assert (grew["estimate_amount"], grew["earlier_estimate_amount"]) == (18e6, 8e6)
    assert (went["estimate_amount"], went["earlier_high_amount"]) == (None, pytest.approx(0.8 * 1.3 * 9e6))
    assert {grew["amount_unit"], went["amount_unit"]} == {"EUR"}


def test_the_limit_changes_the_result() -> None:
    now, earlier = table(finding(10e6, 0.05)), table(finding(10e6, 0.2))
    assert compare_findings(now, earlier, by=BY)["news"].to_pylist() == ["appeared"]
    assert compare_findings(now, earlier, by=BY, q=0.3)["news"].to_pylist() == ["stays"]
    with pytest.raises(OptionError, match="no share"):
        compare_findings(now, earlier, by=BY, q=0.0)
