"""What a terminal shows of a measure: no figure is cut, and what does not fit is named."""

from __future__ import annotations

import io

import pyarrow as pa
from rich.console import Console

from entrepot.report.measured import print_measure

TABLE = pa.table(
    {
        "period": ["2023-01"], "exporter": ["CHN"], "importer": ["RUS"], "value_usd": [1.2e9], "share": [0.5],
        "covered_value_usd": [9e8], "coverage": [0.75], "own_covered_value_usd": [1e8],
        "own_coverage": [0.08],
        "sole_value_usd": [2e8], "sole_share": [0.17],
    }
)  # fmt: skip


def shown(width: int) -> str:
    text = io.StringIO()
    print_measure(TABLE, Console(file=text, width=width))
    return text.getvalue()


def test_a_narrow_terminal_keeps_the_answer_and_names_the_rest() -> None:
    wide, narrow = shown(200), shown(60)
    assert "in the file besides" not in wide
    assert "900m" in wide
    for word in ("2023-01", "CHN", "RUS", "75%", "17%"):
        assert word in narrow
    head, rest = narrow.split("in the file besides: ")
    assert "covered_value_usd" in rest
    assert "900m" not in head
