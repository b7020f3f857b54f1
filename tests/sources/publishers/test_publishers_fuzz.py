"""Any file under a publisher's header: an error of ours, or every line there once, good or with its reason.

The same with many more inputs: ``benchmarks/fuzz_readers.py``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from entrepot.errors import EntrepotError
from entrepot.schema.layouts import BACI, COMEXT_FULL_V1, COMEXT_FULL_V2, COMEXT_NC, COMEXT_SDMX
from entrepot.sources.baci import BaciSource
from entrepot.sources.comext import ComextSource

if TYPE_CHECKING:
    from entrepot.sources.base import Source

CASES: dict[str, tuple[Source, str, tuple[str, ...]]] = {
    "full_v2": (ComextSource(), "full_202403.dat", COMEXT_FULL_V2),
    "full_v1": (ComextSource(), "full200101.dat", COMEXT_FULL_V1),
    "nc": (ComextSource(), "nc200201.dat", COMEXT_NC),
    "sdmx": (ComextSource(), "sdmx.csv", COMEXT_SDMX),
    "baci": (BaciSource(), "BACI_HS17_Y2022_V202501.csv", BACI),
}

NEAR = (
    "DE", "GR", "GB", "XU", "QZ", "001", "0720", "EU27_2020", "WORLD", "842", "I", "E", "L", "1", "2", "4",
    "9", "85423190", "8542", "39XXXXXX", "39SSS582", "TOTAL", "1012100", "9999AA", "202403", "202352",
    "2024-03", "2022", "199801", "M", "A", "PST", "NO_SU", "VALUE_IN_EUROS", "QUANTITY_IN_100KG", "NA", ":",
    "1e308", "-1", "nan", "inf", "", " ", "0", "7.5", '"', "'", "\\", "\u00a0", "\U0001f6a2", "9" * 400,
)  # fmt: skip

field = st.one_of(st.sampled_from(NEAR), st.text(max_size=8))


@pytest.mark.parametrize("case", CASES)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_every_line_comes_out_once(case: str, data: st.DataObject, read_file) -> None:
    source, name, header = CASES[case]
    rows = data.draw(
        st.lists(st.lists(field, min_size=len(header), max_size=len(header)), min_size=1, max_size=8)
    )
    text = "\n".join(",".join(row) for row in [header, *rows]) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8", errors="ignore", newline="")
        try:
            found = read_file(source, path)
        except EntrepotError as error:
            event(type(error).__name__)
            return
    event("read")
    found.check()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes, read_file) -> None:
    for source, name, header in CASES.values():
        for start in (b"", b"7z\xbc\xaf\x27\x1c", ",".join(header).encode() + b"\n"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / name
                path.write_bytes(start + data)
                try:
                    found = read_file(source, path)
                except EntrepotError:
                    continue
            found.check()
