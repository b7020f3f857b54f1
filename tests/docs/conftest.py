"""Pages of the documentation as tests: every block of shell and Python in them runs."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_SECONDS = 400


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.

    Attributes
    ----------
    line
        Line of its first line of code in the page.
    note
        What the comment on the line above says of it: ``real data``, ``output`` or ``not run: why``.
    """

    language: str
    code: str
    line: int
    note: str


@dataclass(slots=True)
class Page:
    """One page, run block by block in one folder; Python blocks share their names."""

    path: Path
    blocks: list[Block]
    folder: Path | None = None
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__page__"})
    printed: str = ""

    @property
    def name(self) -> str:
        return self.path.relative_to(_ROOT).as_posix() if self.path.is_relative_to(_ROOT) else self.path.name

    def run_all(self) -> None:
        """Run every block in order; compare an output block with what the block before it printed."""
        for block in self.blocks:
            if not block.note.startswith("not run: "):
                self._run(block)

    def _run(self, block: Block) -> None:
        if block.note == "output":
            self._compare(block)
        elif block.language == "python":
            self._run_python(block)
        elif block.language == "bash":
            self._run_shell(block)

    def _run_python(self, block: Block) -> None:
        shown = io.StringIO()
        code = compile("\n" * (block.line - 1) + block.code, str(self.path), "exec")
        with contextlib.redirect_stdout(shown):
            exec(code, self.names)  # noqa: S102  # the page is ours: running it is the point
        self.printed = shown.getvalue()

    def _run_shell(self, block: Block) -> None:
        lines = block.code.splitlines()
        for line in (line for line in lines if line.startswith("make ")):
            # A target of the Makefile is tested by being called; here it only has to exist.
            subprocess.run(
                ["make", "--dry-run", *line.split()[1:2]], cwd=_ROOT, check=True, capture_output=True
            )
        script = "\n".join(line for line in lines if not line.startswith("make "))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder, env={**os.environ, "PATH": path, "COLUMNS": "120"}, check=False,
            capture_output=True, text=True, timeout=_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{self.name}:{block.line}\n{done.stdout}\n{done.stderr}"
        self.printed = done.stdout

    def _compare(self, block: Block) -> None:
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        same = doctest.OutputChecker().check_output(block.code, self.printed, options)
        assert same, f"{self.name}:{block.line} says\n{block.code}\nbut it printed\n{self.printed}"


def _parse(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    blocks = []
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start("code")) + 1
        code = _dedent(found["code"], found["indent"])
        blocks.append(Block(found["language"], code, line, found["note"] or ""))
    return Page(path, blocks)


def _dedent(code: str, indent: str) -> str:
    return re.sub(f"^{indent}", "", code, flags=re.MULTILINE)


def _pages() -> list[Path]:
    top = [_ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
    return [*top, *sorted((_ROOT / "docs").rglob("*.md"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every page; one that needs the real customs files carries the mark."""
    if "page_path" not in metafunc.fixturenames:
        return
    cases = []
    for path in _pages():
        needs_data = any(block.note == "real data" for block in _parse(path).blocks)
        marks = [pytest.mark.realdata] if needs_data else []
        cases.append(pytest.param(path, id=path.relative_to(_ROOT).as_posix(), marks=marks))
    metafunc.parametrize("page_path", cases)


@pytest.fixture
def page(page_path: Path) -> Page:
    """Return the page, parsed."""
    return _parse(page_path)


@pytest.fixture
def parse():
    """Return the parser of pages, for tests of the rules themselves."""
    return _parse
