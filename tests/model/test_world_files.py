"""The truth is written so that it can be read without us."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq

from entrepot.model.world import write_truth


def test_truth_is_written_in_full(smooth, tmp_path) -> None:
    written = write_truth(smooth, tmp_path / "truth")
    assert sorted(written) == sorted((tmp_path / "truth").iterdir())
    assert pq.read_table(written[0]).equals(smooth.truth_flows)
    for name in ("truth_detours", "truth_loops", "truth_areas", "truth_pairs", "truth_products"):
        read = pd.read_csv(tmp_path / "truth" / f"{name}.csv", dtype={"hs_code": str}, keep_default_na=False)
        table = getattr(smooth, name)
        assert list(read.columns) == table.column_names
        assert len(read) == table.num_rows
    detours = pd.read_csv(tmp_path / "truth" / "truth_detours.csv", dtype={"hs_code": str})
    assert detours["amount_usd"].tolist() == smooth.truth_detours["amount_usd"].to_pylist()


def test_readme_names_every_file_and_the_event(smooth, quiet, tmp_path) -> None:
    written = write_truth(smooth, tmp_path)
    text = (tmp_path / "README.txt").read_text("utf-8")
    assert [file.name for file in written if file.name not in text and file.name != "README.txt"] == []
    assert f"The event is in {smooth.event}." in text
    write_truth(quiet, tmp_path)
    assert "there is no event" in (tmp_path / "README.txt").read_text("utf-8")


def test_options_can_be_read_back(smooth, tmp_path) -> None:
    write_truth(smooth, tmp_path)
    options = pd.read_csv(tmp_path / "options.csv", dtype=str).set_index("option")["value"]
    assert int(options["seed"]) == smooth.options.seed
    assert options["setting"] == "smooth"
