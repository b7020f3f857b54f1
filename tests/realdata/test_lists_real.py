"""Control lists that others collected, brought as files of one's own."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import has_hs_code, list_codes, list_entries

if TYPE_CHECKING:
    from pathlib import Path


def test_the_common_high_priority_list_of_others_is_ours(realdata: Path, tmp_path: Path):
    with (realdata / "control-lists" / "chpl_50_hs6_2024-02-23.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    mine = tmp_path / "chpl.csv"
    lines = ("tier,hs6", *(f"{row['tier']},{row['hs6']}" for row in rows))
    mine.write_text("\n".join(lines), encoding="utf-8")
    for revision in ("HS2022", "HS2017", "HS2007"):
        own = {(entry.tier, entry.code) for entry in list_entries(f"@{mine}", revision=revision)}
        assert own == {(entry.tier, entry.code) for entry in list_entries("CHPL", revision=revision)}


def test_a_list_of_eight_digit_codes_holds_most_of_annex_xxiii(realdata: Path, tmp_path: Path):
    """One author's list of the codes under EU export sanctions in January 2023, all annexes, those traded."""
    file = realdata / "eu-exports-cn8-monthly" / "sanctioned_cn8_codes.csv"
    with pytest.raises(UnknownCodeError, match="HS2022 has no code '44129490'") as caught:
        list_codes(f"@{file}")  # a few codes of his are older
    assert "HS2017" in caught.value.hint
    with file.open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    mine = tmp_path / "theirs.csv"
    revisions = {row["code"]: "" if has_hs_code(row["code"][:6], "HS2022") else "HS2017" for row in rows}
    lines = ("code;revision", *(f"{code};{revision}" for code, revision in revisions.items()))
    mine.write_text("\n".join(lines), encoding="utf-8")
    theirs = set(list_codes(f"@{mine}"))
    assert len(theirs) > 1300
    annex = set(list_codes("EU833-XXIII"))
    assert len(annex & theirs) > 0.85 * len(annex)
