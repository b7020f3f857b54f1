"""Notebooks of the documentation run from the first cell to the last, and print what their text says."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest

from entrepot.report.charts import svg

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs").rglob("*.ipynb"))
#: What the text of a notebook rests on.
PRINTED = {
    "russias-suppliers": (
        "3506 rows stored, 0 set aside",
        "CHN 24.8% in 2021, 45.2% in 2023",
        "EU -18.0 points",
        "USA -5.3 points",
        "UGA +12.1bn USD",
        "45.2% as published, 47.4% without Uganda",
        "{'agrees'}",
    )
}


def cells(path: Path) -> list[dict]:
    return [
        cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_output(path: Path) -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(path))


@pytest.mark.realdata
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_its_text_says(path, realdata, tmp_path, monkeypatch) -> None:
    (tmp_path / "data").symlink_to(realdata)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__notebook__"}
    printed, charts = io.StringIO(), []
    with contextlib.redirect_stdout(printed):
        for number, cell in enumerate(cells(path), start=1):
            *code, last = "".join(cell["source"]).rstrip().split("\n")
            if last.startswith("measure_chart("):  # what a notebook shows is the value of its last line
                exec(compile("\n".join(code), f"{path.name}, cell {number}", "exec"), names)  # noqa: S102
                charts.append(eval(last, names))  # noqa: S307
            else:
                exec(compile("\n".join([*code, last]), f"{path.name}, cell {number}", "exec"), names)  # noqa: S102
    for words in PRINTED[path.stem]:
        assert words in printed.getvalue()
    assert charts
    assert all("Source: IMF" in svg(chart) for chart in charts)
