"""Imports point down, each library has one home, and importing the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from importlinter.cli import lint_imports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import grimp

HOMES = {
    "duckdb": ("entrepot.engine",),
    "pyspark": ("entrepot.engine",),
    "deltalake": ("entrepot.store",),
    "py7zr": ("entrepot.engine",),
    "numba": ("entrepot.detect.kernels",),
    "llvmlite": ("entrepot.detect.kernels",),
    "altair": ("entrepot.report",),
    "vl_convert": ("entrepot.report",),
    "xlsxwriter": ("entrepot.report",),
    "typer": ("entrepot.app",),
    "click": ("entrepot.app",),
    "fastapi": ("entrepot.app",),
    "uvicorn": ("entrepot.app",),
    "splink": ("entrepot.companies",),
    "rigour": ("entrepot.companies",),
    "pyfixest": ("entrepot.model",),
    "httpx": ("entrepot.sources",),
    "httpx2": ("entrepot.sources.fetching",),
    "tenacity": ("entrepot.sources.fetching",),
    "requests": ("entrepot.sources",),
    "aiohttp": ("entrepot.sources",),
    "urllib3": ("entrepot.sources",),
}
HTTP_OF_THE_STANDARD_LIBRARY = {"urllib.request", "http.client", "socket", "ftplib"}
#: Packages in ``sources`` that are no publisher: publishers share them, and they know no publisher.
SHARED = {"entrepot.sources.fetching"}
NEVER = {"pandas", "polars"}  # optional: callers bring them, Narwhals speaks to them
HEAVY = (
    "altair", "deltalake", "duckdb", "httpx2", "jinja2", "llvmlite", "narwhals", "numba", "numpy", "pandas",
    "polars", "pyarrow", "pydantic", "pyspark", "rich", "scipy", "tenacity", "typer", "importlib.metadata",
)  # fmt: skip


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _imported(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def test_the_import_contract_holds(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(root)
    assert lint_imports(config_filename=str(root / "pyproject.toml"), no_cache=True, no_logo=True) == 0


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_imported_only_at_home(library: str, graph: grimp.ImportGraph) -> None:
    importers = graph.find_modules_that_directly_import(library) if library in graph.modules else set()
    strays = {name for name in importers if not any(_is_in(name, home) for home in HOMES[library])}
    assert not strays, f"{library} belongs to {HOMES[library]}"


@pytest.mark.parametrize("library", sorted(NEVER))
def test_optional_frame_libraries_are_never_imported(library: str, graph: grimp.ImportGraph) -> None:
    assert library not in graph.modules or not graph.find_modules_that_directly_import(library)


def test_only_sources_speak_to_the_network(modules) -> None:
    strays = [
        f"{module.at(node)} {name}"
        for module in modules
        if not module.is_in("entrepot.sources", "entrepot.app.web")
        for node, name in _imported(module.tree)
        if name in HTTP_OF_THE_STANDARD_LIBRARY
    ]
    assert strays == []


def test_no_source_knows_another(graph: grimp.ImportGraph) -> None:
    publishers = [name for name in graph.find_children("entrepot.sources") if graph.find_children(name)]
    strays = [
        (module, imported)
        for publisher in publishers
        for module in {publisher, *graph.find_descendants(publisher)}
        for imported in graph.find_modules_directly_imported_by(module)
        for other in publishers
        if other != publisher and other not in SHARED and _is_in(imported, other)
    ]
    assert strays == []


def test_kernels_know_only_arrays_errors_and_schema(graph: grimp.ImportGraph) -> None:
    kernels = "entrepot.detect.kernels"
    allowed = (kernels, "entrepot.errors", "entrepot.schema")
    strays = [
        (module, imported)
        for module in {kernels, *graph.find_descendants(kernels)}
        for imported in graph.find_modules_directly_imported_by(module)
        if _is_in(imported, "entrepot") and not any(_is_in(imported, home) for home in allowed)
    ]
    tables = [
        (module, library)
        for library in ("narwhals", "pyarrow", "pandas", "polars")
        if library in graph.modules
        for module in graph.find_modules_that_directly_import(library)
        if _is_in(module, kernels)
    ]
    assert strays + tables == []


def test_the_command_line_loads_no_http_until_something_is_fetched() -> None:
    script = "import sys, entrepot.app.cli; print(*sorted(sys.modules), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "entrepot.app.fetch_command" in loaded
    assert loaded.isdisjoint({"httpx2", "httpcore2", "tenacity", "anyio"})


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, entrepot; print(*sorted(sys.modules), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "entrepot" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert [name for name in loaded if name.startswith("entrepot.")] == []
