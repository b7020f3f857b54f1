"""What entrepot needs to run may be used by anyone: no GPL and no AGPL among the locked dependencies."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED = re.compile(
    r"\b(?:MIT|BSD|0BSD|ISC|Apache|MPL|Mozilla Public|PSF|Python Software Foundation|Python-2\.0"
    r"|LGPL(?:v[23])?|Unlicense|CC0|Zlib)\b"
)
FORBIDDEN = re.compile(
    r"(?<!L)\bA?GPL|(?<!Lesser )\bGeneral Public License|Affero|SSPL|BUSL|Commons Clause", re.IGNORECASE
)


def _licence(name: str) -> str:
    """Return what a distribution says of its licence; the head of its licence file where it says nothing."""
    found = metadata.distribution(name)
    classified = [
        c.rpartition(" :: ")[2]
        for c in found.metadata.get_all("Classifier") or ()
        if c.startswith("License ::")
    ]
    stated = found.metadata.get("License-Expression") or "; ".join(classified)
    stated = stated or (found.metadata.get("License") or "").strip().split("\n")[0]
    if stated:
        return stated
    texts = (
        path.read_text() for path in found.files or () if path.name.upper().startswith(("LICENSE", "LICENCE"))
    )
    return next((" ".join(text.split())[:80] for text in texts), "not stated")


def _locked(root: Path) -> list[str]:
    lines = re.findall(
        r"^([a-z0-9][^\\\n]*?)\s*\\?$",
        (root / "requirements" / "base.lock").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    wanted = [Requirement(line) for line in lines]
    return [need.name for need in wanted if need.marker is None or need.marker.evaluate()]


def test_every_dependency_has_an_allowed_licence(root: Path) -> None:
    licences = {name: _licence(name) for name in _locked(root)}
    assert len(licences) > 20
    assert {
        n: text for n, text in licences.items() if FORBIDDEN.search(text) or not ALLOWED.search(text)
    } == {}


def test_the_rule_can_tell() -> None:
    assert all(
        FORBIDDEN.search(text)
        for text in ("GPL-3.0-only", "AGPL-3.0", "GNU General Public License v3 (GPLv3)")
    )
    assert not any(
        FORBIDDEN.search(text)
        for text in ("LGPL-2.1", "GNU Lesser General Public License v3 (LGPLv3)", "MIT")
    )
    assert ALLOWED.search("OSI Approved; GNU Lesser General Public License v2 or later (LGPLv2+)")
    assert not ALLOWED.search("Proprietary")
