"""Damaged files drawn by Hypothesis: what is found is made as small as it can be before it is kept.

The chance of ``fuzz_cases`` is Hypothesis's own here, which varies what it drew before, tries small and
extreme draws first, and shrinks a finding. ``fuzz_readers.py --by hypothesis`` calls it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["try_drawn"]


def try_drawn(
    try_one: Callable[[random.Random, Path], Counter[str]], inputs: int, start: int, keep: Path
) -> Counter[str]:
    """Let Hypothesis draw so many inputs; what one raises is raised, for the smallest input that does it.

    Parameters
    ----------
    try_one
        Makes one file out of chance, in an empty folder, tries it, and says what became of it.
    inputs
        How many are tried.
    start
        Where the draws start: the same ones for the same number.
    keep
        Where the smallest file goes that makes a finding.
    """
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:

        @seed(start)
        @settings(
            max_examples=inputs,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.target, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(draw=st.randoms(use_true_random=False))
        def one(draw: random.Random) -> None:
            for old in Path(folder).iterdir():
                old.unlink()
            outcomes.update(try_one(draw, Path(folder)))

        try:
            one()
        except Exception:
            keep.mkdir(parents=True, exist_ok=True)
            for path in Path(folder).iterdir():
                print(f"kept: {shutil.copy(path, keep)}", file=sys.stderr)
            raise
    return outcomes
