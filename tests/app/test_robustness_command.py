"""``entrepot robustness``, as typed: what it refuses at once. The how-to page runs it to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "curve.txt"), "curve.txt"),
        (("--out", "curve.csv", "--chart", "curve.png"), ".svg"),
        (("--out", "curve.csv", "--destination", "Atlantis"), "Atlantis"),
        (("--out", "curve.csv", "--before", "2021-13:2022-01"), "--before"),
    ],
)
def test_a_slip_is_told_before_the_lake_is_read(
    entrepot: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, message
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = entrepot("robustness", "--lake", "none", "--event", "2022-03", *arguments)
    assert outcome.status != 0
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.iterdir())
