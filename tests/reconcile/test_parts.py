"""Re-exports and re-imports stand beside the flows that contain them and are never added."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest

from entrepot.reconcile import reconcile, with_parts
from entrepot.schema import FLOW_PARTS, bad_rows

NOTHING, ZERO, SOME = None, 0.0, 40.0

#: What each side says of the part: not published, published and none here, some.
TRUTH_TABLE = list(product((NOTHING, ZERO, SOME), repeat=2))


@pytest.mark.parametrize("estimate", ["weighted", "exporter_first"])
@pytest.mark.parametrize(("re_export", "re_import"), TRUTH_TABLE)
def test_parts_are_null_zero_or_what_was_reported(re_export, re_import, estimate, reports) -> None:
    whole = [("AAA", "export", "BBB", 100.0), ("BBB", "import", "AAA", 106.0)]
    rows = list(whole)
    for part, side, flow, other in (
        (re_export, "AAA", "re_export", "BBB"),
        (re_import, "BBB", "re_import", "AAA"),
    ):
        rows += [(side, flow, "ZZZ", 9.0)] * (part is not NOTHING) + [(side, flow, other, part)] * bool(part)
    frame = reports(rows)
    flows = reconcile(frame, estimate=estimate)
    pd.testing.assert_frame_equal(flows, reconcile(reports(whole), estimate=estimate))
    found = with_parts(flows, frame)
    assert bad_rows(found, FLOW_PARTS).empty
    row = found.iloc[0]
    for name, part in (("re_export_usd", re_export), ("re_import_usd", re_import)):
        np.testing.assert_equal(row[name], math.nan if part is NOTHING else part)
    assert row["exporter_report_usd"] == 100.0
    assert not row["is_home"]


def test_what_is_published_of_one_month_says_nothing_of_another(reports) -> None:
    rows = [("AAA", "export", "BBB", 100.0, {"period": p}) for p in ("2022-01", "2022-02")]
    rows += [("AAA", "re_export", "ZZZ", 9.0, {"period": "2022-01"})]
    frame = reports(rows)
    found = with_parts(reconcile(frame), frame).set_index("period")["re_export_usd"]
    assert found["2022-01"] == 0.0
    assert math.isnan(found["2022-02"])


def test_other_roles_and_concepts_are_no_parts(reports) -> None:
    rows = [
        ("AAA", "export", "BBB", 100.0), ("BBB", "import", "AAA", 106.0), ("AAA", "re_export", "ZZZ", 1.0),
        ("AAA", "re_export", "BBB", 7.0, {"role": "aggregate"}),
        ("BBB", "re_import", "AAA", 7.0, {"partner_concept": "consignment"}),
    ]  # fmt: skip
    frame = reports(rows)
    row = with_parts(reconcile(frame), frame).iloc[0]
    assert row["re_export_usd"] == 0.0
    assert math.isnan(row["re_import_usd"])


def test_goods_coming_home_are_marked(reports) -> None:
    frame = reports(
        [("AAA", "import", "AAA", 50.0), ("AAA", "re_import", "AAA", 50.0), ("AAA", "export", "BBB", 1.0)]
    )
    found = with_parts(reconcile(frame), frame).set_index("importer")
    assert found["is_home"].to_dict() == {"AAA": True, "BBB": False}
    assert found.loc["AAA", "re_import_usd"] == 50.0
