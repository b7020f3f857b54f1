"""Every block of shell and Python in README and docs runs, and prints what the page says it prints."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LANGUAGES = {"bash", "python", "text", "toml", "csv", "yaml", "mermaid", "sql"}
NOTES = ("", "real data", "output")


def test_every_block_says_what_it_is(page) -> None:
    for block in page.blocks:
        assert block.language in LANGUAGES, f"{page.name}:{block.line}: language {block.language!r}"
        has_reason = block.note.startswith("not run: ") and len(block.note) > 15
        is_code = block.language in {"bash", "python"}
        assert block.note in NOTES or has_reason or not is_code, f"{page.name}:{block.line}: {block.note!r}"


def test_every_block_runs(page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request) -> None:
    """Where a block needs real data, the folder ``data`` of the page is the folder of real customs files."""
    if any(block.note == "real data" for block in page.blocks):
        (tmp_path / "data").symlink_to(request.getfixturevalue("realdata"))
    monkeypatch.chdir(tmp_path)
    page.folder = tmp_path
    page.run_all()


def test_a_wrong_page_fails(parse, tmp_path: Path) -> None:
    """The runner can fail: on a failing command, a raising block, and an output that is not printed."""
    for text in (
        "```bash\nfalse\ntrue\n```\n",
        "```python\nraise SystemError\n```\n",
        '```python\nprint("a 1 b")\n```\n\n<!-- output -->\n```text\na 2 b\n```\n',
        "```bash\nmake no-such-target\n```\n",
    ):
        source = tmp_path / "page.md"
        source.write_text(text, encoding="utf-8")
        page = parse(source)
        page.folder = tmp_path
        with pytest.raises((AssertionError, SystemError, subprocess.CalledProcessError)):
            page.run_all()


def test_output_may_leave_parts_open(parse, tmp_path: Path) -> None:
    source = tmp_path / "page.md"
    text = '```python\nprint("a 1 b")\n```\n\n<!-- output -->\n```text\na ... b\n```\n'
    source.write_text(text, encoding="utf-8")
    page = parse(source)
    assert [block.note for block in page.blocks] == ["", "output"]
    page.run_all()
