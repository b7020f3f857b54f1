"""One tree of errors: all derive from one base, all are drawn, all survive a trip between processes."""

from __future__ import annotations

import ast
import inspect
import pickle
import re

import pytest

from entrepot import errors
from entrepot.errors import EntrepotError

CLASSES = sorted((getattr(errors, name) for name in errors.__all__), key=lambda kind: kind.__name__)


def _drawn() -> dict[str, str]:
    """Read the tree in the docstring: child → parent."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in inspect.getdoc(errors).splitlines():
        found = re.match(r"^( {4}(?:│   |    )*(?:├── |└── )?)([A-Z]\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4 - 1
            path = [*path[:depth], found[2]]
            parents[found[2]] = path[-2] if depth else ""
    return parents


def test_the_drawing_is_the_tree() -> None:
    real = {kind.__name__: kind.__base__.__name__ for kind in CLASSES if kind is not EntrepotError}
    assert _drawn() == {"EntrepotError": "", **real}


def test_all_public_names_of_errors_are_in_the_tree() -> None:
    classes = {
        name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)
    }
    assert classes == set(errors.__all__)
    assert all(issubclass(kind, EntrepotError) for kind in CLASSES)


def test_no_error_is_defined_elsewhere(modules) -> None:
    strays = [
        f"{module.at(node)} {node.name}"
        for module in modules
        if module.name != "entrepot.errors"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and any(
            ast.unparse(base).rpartition(".")[2].endswith(("Error", "Exception", "Warning"))
            for base in node.bases
        )
    ]
    assert strays == []


def test_every_class_is_raised_somewhere_or_a_base(modules) -> None:
    used = {
        node.id
        for m in modules
        if m.name != "entrepot.errors"
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Name)
    }
    bases = {kind.__base__ for kind in CLASSES}
    assert [kind.__name__ for kind in CLASSES if kind.__name__ not in used and kind not in bases] == []


def test_no_handler_swallows(modules) -> None:
    """A handler that only passes hides a failure; contextlib.suppress at least names what it lets go."""
    strays = [
        module.at(node.body[0])
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and all(isinstance(part, ast.Pass) for part in node.body)
    ]
    assert strays == []


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_says_what_where_and_hint(kind: type[EntrepotError]) -> None:
    error = kind("3 of 12 lines are bad", where="a.csv, line 7", hint="save the file as UTF-8")
    assert str(error) == "3 of 12 lines are bad\nwhere: a.csv, line 7\nhint: save the file as UTF-8"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert type(again) is kind
    assert (again.what, again.where, again.hint) == (error.what, error.where, error.hint)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_hint_is_required(kind: type[EntrepotError]) -> None:
    with pytest.raises(TypeError, match="hint"):
        kind("wrong")
