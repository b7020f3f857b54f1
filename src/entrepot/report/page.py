"""A search as one HTML page that works anywhere: no script, no request, readable in print."""

from __future__ import annotations

import io
import math
import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pyarrow.csv as arrow_csv
from markupsafe import Markup, escape

from entrepot.report.about import LINEAGE, made_by
from entrepot.report.account import ALL_LATE, Account, account_of
from entrepot.report.amounts import MISSING, amount, amount_range, percent
from entrepot.report.evidence import BASELINES
from entrepot.report.figures import figures_of
from entrepot.report.files import as_printed, check_out, replacing
from entrepot.report.kinds import kind_words
from entrepot.report.labels import goods, hub_words, place, span
from entrepot.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from entrepot.detect.result import DetourResult

__all__ = ["write_page"]

_SUFFIXES = (".html", ".htm")
_MOST_SHOWN = 200
_MOST_EMBEDDED = 5_000
_KEPT_TOGETHER = re.compile(r"\d{4}-\d{2}(?!\d)|\d[\w.–]* USD")


def write_page(result: DetourResult, out: str | Path, *, about: Mapping[str, str]) -> None:
    """Write one self-contained HTML file for a search.

    Parameters
    ----------
    result
        The search.
    out
        Name ending in ``.html``.
    about
        What was asked, found and read; see :func:`entrepot.report.about.about_detours`.

    Raises
    ------
    OptionError
        The name does not end in ``.html``, or the file cannot be written there.
    """
    check_out(out, suffixes=_SUFFIXES)
    text = _templates().get_template("search.html").render(_context(result, about))
    with replacing(Path(out)) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("entrepot.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "nobreak": _nobreak,
        "amount": amount,
        "percent": percent,
        "place": place,
        "hub_words": hub_words,
        "goods": goods,
    }
    made.globals |= {"interval": amount_range, "missing": MISSING}
    return made


def _nobreak(text: str) -> Markup:
    """Return text in which no line breaks within a period or between an amount and its unit."""
    return Markup(_KEPT_TOGETHER.sub(r'<span class="nb">\g<0></span>', str(escape(text))))  # noqa: S704  (escaped)


def _context(result: DetourResult, about: Mapping[str, str]) -> dict[str, Any]:
    said = account_of(result)
    templates = _templates()
    style, _, _ = jinja2.PackageLoader("entrepot.report").get_source(templates, "page.css")
    return {
        "style": Markup(style),  # noqa: S704  (our own file, nothing from the data in it)
        "said": said,
        "all_late": ALL_LATE,
        "badge": _badge(said),
        "head": result.headline,
        "is_stated": result.headline.status == "identified",
        "calibration": result.calibration,
        "share_of_missing": _share_of_missing(result),
        "windows": {
            "before": span(result.windows, result.windows.before),
            "after": span(result.windows, result.windows.after),
        },
        "placebos": [
            {"label": label, "usd": usd, "share": _ratio(usd, result.headline.estimate_usd)}
            for label, usd in zip(result.placebo_labels, result.headline.placebo_usd, strict=True)
        ],
        "baselines": [
            {
                "name": name,
                "words": BASELINES.get(name, ""),
                "usd": usd,
                "is_used": name == result.headline.baseline,
            }
            for name, usd in result.headline.by_baseline.items()
        ],
        "figures": figures_of(result),
        "hubs": _rows(result.hubs.slice(0, 50)),
        "products": _rows(result.products.slice(0, 50)),
        "rows": _rows(result.table.slice(0, _MOST_SHOWN)),
        "n_rows": result.table.num_rows,
        "keys": _keys(result),
        "unit": result.valued.unit if result.valued else "",
        "columns": [COLUMNS[name] for name in result.table.column_names if name in COLUMNS],
        "download": _download(result.table),
        "about": dict(about),
        "lineage": {name: about[name] for name in LINEAGE if about.get(name)},
        "event": result.options.event,
        "made_by": made_by(),
    }


def _keys(result: DetourResult) -> list[str]:
    """Return the keys of the rows; a destination that all rows share stands in the title."""
    by = result.options.by
    has_one = len(set(result.table["destination"].to_pylist())) == 1 and len(by) > 1
    return [
        name
        for name in ("origin", "hub", "destination", "hs_code", "tier", "period")
        if name in by and not (has_one and name == "destination")
    ]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def _share_of_missing(result: DetourResult) -> float:
    return _ratio(result.headline.estimate_usd, result.headline.shortfall_usd)


def _badge(said: Account) -> str:
    return {
        "strong": "identified · evidence strong",
        "moderate": "identified · evidence moderate",
        "weak": "identified · evidence weak",
    }.get(said.strength, said.status.partition(":")[0])


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    return [row | {"kind_words": kind_words(row["kind"])} for row in table.to_pylist()]


def _download(table: pa.Table) -> dict[str, Any]:
    """Return the largest rows as a CSV that the page carries within itself."""
    kept = as_printed(table.slice(0, _MOST_EMBEDDED))
    file = io.BytesIO()
    arrow_csv.write_csv(kept, file)
    return {"n": kept.num_rows, "address": f"data:text/csv;base64,{b64encode(file.getvalue()).decode()}"}
