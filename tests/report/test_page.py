from __future__ import annotations

import base64
import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from entrepot.errors import OptionError
from entrepot.report import about_detours, write_page

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.detect.result import DetourResult

VOID = {"meta", "img", "source", "br", "hr", "link", "input"}
LOADS = {"src", "srcset", "href", "action", "data", "poster", "background", "cite", "formaction"}


class Reader(HTMLParser):
    """Reads a page strictly: every tag closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


Page = tuple[str, Reader]


def _page(result: DetourResult, folder: Path) -> Page:
    write_page(result, folder / "page.html", about=about_detours(result, sources=[]))
    text = (folder / "page.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return text, reader


@pytest.fixture(scope="module")
def pages(
    result: DetourResult,
    unidentified: DetourResult,
    empty: DetourResult,
    unobserved: DetourResult,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Page]:
    folder = tmp_path_factory.mktemp("pages")
    found = {"result": result, "unidentified": unidentified, "empty": empty, "unobserved": unobserved}
    return {name: _page(one, folder) for name, one in found.items()}


@pytest.fixture(params=["result", "unidentified", "empty", "unobserved"])
def any_page(request: pytest.FixtureRequest, pages: dict[str, Page]) -> Page:
    return pages[request.param]


def test_nothing_is_loaded_from_anywhere(any_page: Page) -> None:
    text, reader = any_page
    addresses = [
        value or "" for _, attributes in reader.tags for name, value in attributes.items() if name in LOADS
    ]
    assert [address[:40] for address in addresses if not address.startswith("data:")] == []
    assert "script" not in {tag for tag, _ in reader.tags}
    assert not re.search(r"https?://|@import|url\(", text)
    policies = [a["content"] for tag, a in reader.tags if tag == "meta" and a.get("http-equiv")]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_drawings_load_nothing_either(pages: dict[str, Page]) -> None:
    text, _ = pages["result"]
    drawings = [base64.b64decode(d).decode() for d in re.findall(r"svg\+xml;base64,([\w+/=]+)", text)]
    assert len(drawings) == 9
    for drawing in drawings:
        assert set(re.findall(r"https?://[^\"' ]+", drawing)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_the_page_is_readable_by_everybody(any_page: Page) -> None:
    _, reader = any_page
    tags = [tag for tag, _ in reader.tags]
    assert ("html", {"lang": "en"}) in reader.tags
    assert tags.count("h1") == tags.count("title") == tags.count("main") == 1
    assert all(len(a.get("alt") or "") > 40 for tag, a in reader.tags if tag == "img")
    assert all(a.get("scope") in {"col", "row"} for tag, a in reader.tags if tag == "th")
    scrolled = [a for tag, a in reader.tags if "scroll" in (a.get("class") or "").split()]
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrolled)
    headings = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_the_headline_and_its_figures_are_there(pages: dict[str, Page]) -> None:
    _, reader = pages["result"]
    for words in (
        "Germany and France via Kyrgyzstan and Armenia to Russia",
        "consistent with 1.26bn USD (90% interval 0.91–1.60bn)",
        "identified · evidence strong",
        "870323 Vehicles",
        "12.0m",
        "2020-02:2020-08 against 2020-09:2021-01",
        "What would refute this",
        "What this cannot say",
        "Sources and lineage",
        "upper bound on controlled goods",
    ):
        assert words in reader.text, words


def test_a_withheld_estimate_is_nowhere_on_the_page(pages: dict[str, Page]) -> None:
    text, reader = pages["unidentified"]
    assert "Not identified" in reader.text
    assert "Every amount is withheld: not identified: placebo dates give 44% of it." in reader.text
    assert "1.26bn" not in text
    assert "1260000000" not in text


def test_an_unobserved_leg_is_said(pages: dict[str, Page]) -> None:
    text, reader = pages["unobserved"]
    assert "The onward leg is observed for none of it." in reader.text
    assert "No data of the onward leg." in reader.text
    assert "evidence weak" in text


def test_kinds_are_said_in_plain_words(of_all_kinds: DetourResult, tmp_path: Path) -> None:
    text, reader = _page(of_all_kinds, tmp_path)
    for words in (
        "More weakly: the statistics are also consistent with up to 90.0m USD",
        "241m USD reached hubs whose own books do not show them arriving",
        "unseen: not in the hub's books",
        "onward leg not observed",
        "others' goods, relayed",
        "several kinds",
        "consistent with transit, and with under-declaration or misclassification; it accuses nobody",
        "do not add these rows to the others",
    ):
        assert words in reader.text, words
    assert text.count('<tr class="relay">') == 1
    assert text.count('<tr class="part">') == 3


def test_what_others_sent_needs_an_amount(
    pages: dict[str, Page], untold: DetourResult, tmp_path: Path
) -> None:
    text, reader = _page(untold, tmp_path)
    assert (
        "Every amount is withheld: not identified: nothing in the data tells ordinary growth" in reader.text
    )
    assert not any(figure in text for figure in ("1.26bn", "1260000000", "241m", "90.0m"))
    for name in ("unidentified", "empty", "unobserved"):
        assert "More weakly" not in pages[name][0]


def test_an_empty_search_is_a_page(pages: dict[str, Page]) -> None:
    _, reader = pages["empty"]
    assert "No detour was found" in reader.text
    assert "No row: no corridor was found." in reader.text


def test_labels_cannot_write_html(result: DetourResult, tmp_path: Path) -> None:
    evil = '<script>alert("1")</script>'
    table = result.table
    for name in ("origin", "hub", "hs_code", "status"):
        table = table.set_column(table.column_names.index(name), name, pa.array([evil, '"><img src=x>']))
    hubs = table.set_column(table.column_names.index("origin"), "origin", pa.nulls(2, pa.string()))
    options = replace(result.options, origins=(evil,))
    risky = replace(result, table=table, hubs=hubs, options=options, reporters_late={evil: evil})
    write_page(risky, tmp_path / "page.html", about={evil: evil, "files": evil})
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text


def test_the_rows_can_be_taken_along(pages: dict[str, Page]) -> None:
    _, reader = pages["result"]
    link = next(a for tag, a in reader.tags if tag == "a" and "download" in a)
    held = base64.b64decode((link["href"] or "").partition("base64,")[2]).decode()
    rows = list(csv.DictReader(io.StringIO(held)))
    assert [row["hub"] for row in rows] == ["KGZ", "ARM"]
    assert float(rows[0]["estimate_usd"]) == pytest.approx(1.26e9)


def test_only_the_largest_rows_are_shown(result: DetourResult, tmp_path: Path) -> None:
    many = pa.concat_tables([result.table] * 150)
    text, reader = _page(replace(result, table=many), tmp_path)
    assert "The largest 200 of 300 rows" in reader.text
    assert text.count('<span class="code">') == 200 + result.products.num_rows


def test_where_the_figures_come_from(result: DetourResult, tmp_path: Path) -> None:
    about = about_detours(result, sources=[]) | {"sources": "comtrade", "files": "a.csv, b.csv"}
    write_page(result, tmp_path / "page.html", about=about)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<th scope="row">sources</th><td>comtrade</td>' in text
    assert "a.csv, b.csv" in text


def test_a_page_by_month_and_by_few_keys(result: DetourResult, tmp_path: Path) -> None:
    by = replace(result.options, by=("hub", "period"))
    table = result.table.set_column(
        result.table.column_names.index("period"), "period", pa.array(["2022-06", "2022-07"])
    )
    for name in ("origin", "destination", "hs_code"):
        table = table.set_column(table.column_names.index(name), name, pa.nulls(2, pa.string()))
    _, reader = _page(replace(result, table=table, options=by), tmp_path)
    assert "Kyrgyzstan 2022-06 1.26bn" in reader.text.replace("Hub Period", "")


@pytest.mark.parametrize("name", ["page.pdf", "page", "-", "absent/page.html"])
def test_names_that_cannot_be(name: str, result: DetourResult, tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        write_page(result, tmp_path / name if name != "-" else name, about={})
    assert list(tmp_path.iterdir()) == []


def test_the_same_search_is_the_same_page(
    result: DetourResult, pages: dict[str, Page], tmp_path: Path
) -> None:
    again, _ = _page(result, tmp_path)
    assert again == pages["result"][0]
