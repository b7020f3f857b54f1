"""Modules are small, named after an idea, say what is public, and the pure ones execute nothing."""

from __future__ import annotations

import ast
import importlib
import inspect
from typing import TYPE_CHECKING

import entrepot

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES = 600
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "base_utils", "tools"}
PURE = ("entrepot.reconcile", "entrepot.measures")
EXECUTES = {
    "collect", "to_arrow", "to_pandas", "to_polars", "to_native_namespace", "arrow", "fetchall", "fetchone",
    "fetchnumpy", "fetch_arrow_table", "fetch_record_batch", "execute", "sql", "toPandas", "compute",
    "write_csv", "write_parquet", "sink_parquet",
}  # fmt: skip


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that a module's own statements define; imports are not definitions."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (
                name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)
            )
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For):
            yield from _defined(node.body)


def _reexported(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("entrepot"):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.If):
            yield from _reexported(node.body)


def _stated(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            return ast.literal_eval(node.value)
    return None


def _is_stub(function: ast.FunctionDef) -> bool:
    last = function.body[-1]
    is_ellipsis = isinstance(last, ast.Expr) and ast.unparse(last) == "..."
    is_refusal = isinstance(last, ast.Raise) and "NotImplemented" in ast.unparse(last)
    is_overload = any("overload" in ast.unparse(decorator) for decorator in function.decorator_list)
    return (is_ellipsis or is_refusal) and not is_overload


def test_no_module_is_long(modules) -> None:
    assert {m.name: n for m in modules if (n := m.text.count("\n")) > MOST_LINES} == {}


def test_no_module_has_a_vague_name(modules) -> None:
    assert [m.name for m in modules if m.name.rpartition(".")[2].strip("_") in VAGUE] == []


def test_all_is_exactly_what_is_public(modules) -> None:
    wrong = {}
    for module in modules:
        names = set(_defined(module.tree.body))
        if module.is_package:
            names |= set(_reexported(module.tree.body))
        public = {name for name in names if not name.startswith("_")}
        if module.name == "entrepot":
            public.add("__version__")
        stated = _stated(module.tree)
        if public or stated is not None:
            missing, extra = public - set(stated or ()), set(stated or ()) - public
            if stated is None or missing or extra or len(stated) != len(set(stated)):
                wrong[module.name] = (
                    f"__all__ {'lacks ' if stated is not None else 'is absent: '}{missing}, has {extra}"
                )
    assert wrong == {}


def test_everything_in_all_exists(modules) -> None:
    missing = [
        f"{module.name}.{name}"
        for module in modules
        if module.name != "entrepot.__main__"
        for name in _stated(module.tree) or ()
        if not hasattr(importlib.import_module(module.name), name)
    ]
    assert missing == []


def test_no_public_name_hides_a_module(modules) -> None:
    names = {module.name for module in modules}
    hiding = [
        f"{module.name}.{name}"
        for module in modules
        if module.is_package
        for name in _stated(module.tree) or ()
        if f"{module.name}.{name}" in names
        and not inspect.ismodule(getattr(importlib.import_module(module.name), name))
    ]
    assert hiding == []


def test_every_module_says_what_it_is_for(modules) -> None:
    silent = [m.name for m in modules if m.tree.body and not ast.get_docstring(m.tree)]
    assert silent == []


def test_every_module_postpones_annotations(modules) -> None:
    lines = {
        m.name for m in modules if len(m.tree.body) > 1 and "from __future__ import annotations" not in m.text
    }
    assert lines == set()


def test_nothing_is_a_stub(modules) -> None:
    """An ellipsis stands for a body only in a Protocol, where the signature is all there is."""
    stubs = []
    for module in modules:
        protocols = {
            node
            for kind in ast.walk(module.tree)
            if isinstance(kind, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in kind.bases)
            for node in ast.walk(kind)
        }
        stubs += [
            f"{module.at(node)} {node.name}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.FunctionDef) and node not in protocols and _is_stub(node)
        ]
    assert stubs == []


def test_pure_folders_execute_nothing(modules) -> None:
    calls = [
        f"{module.at(node)} .{node.func.attr}()"
        for module in modules
        if module.is_in(*PURE)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EXECUTES
    ]
    assert calls == []


def test_pure_folders_open_nothing(modules) -> None:
    calls = [
        f"{module.at(node)} {node.func.id}()"
        for module in modules
        if module.is_in(*PURE)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"open", "print", "input"}
    ]
    assert calls == []


def test_nothing_reads_the_clock_or_the_environment_on_import(modules) -> None:
    """Module level and constructors take dates and settings as arguments."""
    reads = {"now", "today", "utcnow", "getenv", "environ"}
    found = []
    for module in modules:
        constructors = [
            function
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef)
            for function in node.body
            if isinstance(function, ast.FunctionDef) and function.name in {"__init__", "__post_init__"}
        ]
        level = [
            n
            for n in module.tree.body
            if not isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        ]
        found += [
            module.at(node)
            for part in (*level, *constructors)
            for node in ast.walk(part)
            if isinstance(node, ast.Attribute) and node.attr in reads
        ]
    assert found == []


def test_public_names_are_lazy_and_complete() -> None:
    homes = dict(entrepot._HOME)
    assert sorted([*homes, "__version__"]) == sorted(entrepot.__all__)
    for name, home in homes.items():
        assert getattr(entrepot, name) is getattr(importlib.import_module(home), name)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    assert not hasattr(entrepot, "no_such_name")
