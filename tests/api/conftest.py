"""What the house rules are checked on: the files, their syntax trees and the graph of imports."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import grimp
import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SOURCE = _ROOT / "src"


@dataclass(frozen=True, slots=True)
class Module:
    """One file of the package, read and parsed."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def is_in(self, *packages: str) -> bool:
        return any(self.name == package or self.name.startswith(f"{package}.") for package in packages)

    def at(self, node: ast.stmt | ast.expr) -> str:
        return f"{self.path.relative_to(_ROOT)}:{node.lineno}"


def _read(path: Path) -> Module:
    parts = path.relative_to(_SOURCE).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text, filename=str(path)))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's folder."""
    return _ROOT


@pytest.fixture(scope="session")
def modules() -> tuple[Module, ...]:
    """Return every module of the package."""
    found = tuple(_read(path) for path in sorted((_SOURCE / "entrepot").rglob("*.py")))
    assert len(found) > 10, "the package was not found"
    return found


@pytest.fixture(scope="session")
def graph() -> grimp.ImportGraph:
    """Return the graph of imports, those inside functions and under TYPE_CHECKING included."""
    return grimp.build_graph("entrepot", include_external_packages=True, cache_dir=None)
