"""The command ``measure-table``: any dimension of a table of one's own, and what is refused."""

from __future__ import annotations

import json

import pytest

ROWS = (
    "period,currency,mode,hs_code,value_usd",
    "2021,USD,sea,870421,50", "2021,USD,rail,870421,5", "2021,CNY,rail,854231,45",
    "2022,USD,sea,870421,20", "2022,CNY,rail,854231,60", "2022,CNY,sea,870421,20",
)  # fmt: skip


@pytest.fixture
def run(entrepot, tmp_path):
    (tmp_path / "trade.csv").write_text("\n".join(ROWS), encoding="utf-8")

    def run(*words: str, status: int = 0):
        out = tmp_path / "out.json"
        done = entrepot("measure-table", *words, "--table", tmp_path / "trade.csv", "--out", out)
        assert done.status == status, done.err
        return json.loads(out.read_text(encoding="utf-8"))["rows"] if status == 0 else done.err

    return run


def test_shares_concentration_growth_and_totals_by_any_column(run) -> None:
    shares = {(row["period"], row["currency"]): row["share"] for row in run("share", "--of", "currency")}
    assert shares == {
        ("2021", "CNY"): 0.45, ("2021", "USD"): 0.55, ("2022", "CNY"): 0.8, ("2022", "USD"): 0.2
    }  # fmt: skip
    (first, second) = run("concentration", "--of", "mode")
    assert first["hhi"] == pytest.approx(0.5**2 + 0.5**2)
    assert second["hhi"] == pytest.approx(0.4**2 + 0.6**2)
    growth = {(row["period"], row["mode"]): row["growth"] for row in run("growth", "--by", "mode")}
    assert growth["2022", "rail"] == pytest.approx(0.2)
    assert growth["2021", "sea"] is None
    totals = run("total", "--by", "mode", "--only", "hs_code=8704", "--only", "currency=USD,RUB")
    assert {row["mode"]: row["value_usd"] for row in totals} == {"sea": 70.0, "rail": 5.0}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rank",), "total, share, concentration, growth"),
        (("share",), "whose share?"),
        (("share", "--of", "colour"), "no column is called colour"),
        (("total", "--value", "weight"), "no column is called weight"),
        (("total", "--only", "mode"), "names no column and word"),
        (("total", "--only", "port=A"), "no column is called port"),
    ],
)
def test_what_cannot_be_asked_is_refused(run, words, says) -> None:
    assert says in run(*words, status=1)
