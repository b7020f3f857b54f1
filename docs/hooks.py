"""What the documentation build does beyond MkDocs: generated pages, navigation, and the offline promise."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

sys.path.insert(0, str(Path(__file__).parent))
from generate import PAGES  # (a hook is a single file to MkDocs; its neighbour is found through the path)

ROLE = re.compile(r":(?:class|func|meth|mod|data):<code>~?([^<]*)</code>")
SECTIONS = ("tutorial", "how-to", "explanation", "reference")

#: The pages with which their sections begin.
FIRST = ("tutorial/first-detour.md", "how-to/ingest-comtrade.md", "explanation/conservation.md")
LOADS = re.compile(
    r"<(?:script|img|iframe|link rel=\"(?:stylesheet|preload|icon)\")[^>]*"
    r"(?:src|href)=\"?(?:https?:)?//[^>]*>"
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages in the navigation: the four kinds in the order in which a reader needs them."""
    docs = Path(config.docs_dir)
    written = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    pages = sorted(written | set(PAGES), key=lambda page: (page not in FIRST, page))
    nav: list[str | dict[str, list[str]]] = ["index.md"]
    for section in SECTIONS:
        inside = [page for page in pages if page.startswith(f"{section}/")]
        nav.append({section.replace("-", " ").capitalize(): inside})
    nav += [page for page in pages if "/" not in page and page != "index.md"]
    config.nav = nav
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the code."""
    for path, make in PAGES.items():
        files.append(File.generated(config, path, content=make()))
    return files


def on_page_content(html: str, **_: object) -> str:
    """Show the reStructuredText roles of docstrings as plain code."""
    return ROLE.sub(r"<code>\1</code>", html).replace("<p>::</p>", "")


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that loads anything from the network: it must open on a train."""
    for page in Path(config.site_dir).rglob("*.html"):
        found = LOADS.search(page.read_text(encoding="utf-8"))
        if found:
            msg = f"{page} loads from the network: {found[0]}"
            raise PluginError(msg)
