"""Cases in words and as charts: what is asked, what was published, what the lake says, why they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entrepot.errors import OptionError
from entrepot.report.amounts import amount
from entrepot.report.case_robustness import apart, figure, print_robustness
from entrepot.report.drawing import Caption, bars_chart
from entrepot.report.measured import BOOKS, TITLES, measure_chart, print_measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

__all__ = ["STANDING", "about_case", "case_chart", "print_case", "print_case_list", "print_case_result"]

#: What a source is worth, in words.
STANDING = {
    "official": "official statistic",
    "study": "published study",
    "press": "press",
    "unverified": "unverified: no data are named, and nothing is aimed at it",
}


def about_case(case: Mapping[str, Any], *, sources: Sequence[Mapping[str, Any]] = ()) -> dict[str, str]:
    """Return what goes beside the rows of a case in a file.

    Parameters
    ----------
    case
        The case as plain values.
    sources
        The files of the lake.
    """
    files = {str(row["file_name"]): str(row["vintage"]) for row in sources}
    about = {
        "case": f"{case['id']}: {case['title']}",
        "question": case["question"],
        "standing": STANDING[case["standing"]],
        "source of the published figures": case["source"],
    }
    if files:
        about["files and vintages"] = "; ".join(f"{name} ({day})" for name, day in files.items())
    return about


def print_case_list(cases: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print cases, a line each: whether they run without data, and what their figures rest on."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("case", "standing", "data", "what it is about"):
        grid.add_column(name, style="bold" if name == "case" else "", overflow="fold")
    for case in cases:
        grid.add_row(case["id"], case["standing"], _data_words(case), case["title"])
    console.print(grid)


def _data_words(case: Mapping[str, Any]) -> str:
    """Return how much a case needs, and what of it is no download."""
    if case["bars"]:
        return "none needed"
    needed = [need for need in case["needs"] if not need["is_optional"]]
    tables = [need for need in needed if need["table"]]
    more = len(case["needs"]) - len(needed)
    words = f"{len(needed) - len(tables)} to get" if len(needed) > len(tables) else ""
    words += f"{' and ' if words else ''}a table of yours" if tables else ""
    return f"{words}, {more} optional" if more else words or "not public"


def print_case(case: Mapping[str, Any], console: Console, *, commands: Sequence[str] = ()) -> None:
    """Print what a case asks, needs and does.

    Parameters
    ----------
    case
        The case as plain values.
    console
        Where to.
    commands
        Its calls as commands.
    """
    console.print(Text(f"{case['id']}: {case['title']}", style="bold"))
    _line(console, "", case["question"])
    _line(console, "source", f"{STANDING[case['standing']]}; {case['source']}")
    _line(console, "answer", case["answers"])
    if case["confirm"]:
        _line(console, "to settle it", case["confirm"])
    for need in case["needs"]:
        _line(console, "may have" if need["is_optional"] else "needs", need["what"])
        console.print(Padding(Text(f"{need['get']}\n{need['ingest']}"), (0, 0, 0, 4)))
    for command in commands:
        _line(console, "calls", command)
    for command in case["further"]:
        _line(console, "further", command)


def _line(console: Console, head: str, text: str) -> None:
    console.print(Text.assemble((f"{head}: " if head else "", "bold"), text))


def print_case_result(
    case: Mapping[str, Any],
    compared: pa.Table,
    tables: Mapping[str, pa.Table],
    console: Console,
    *,
    robustness: pa.Table | None = None,
    sources: Sequence[str] = (),
    most: int = 12,
) -> None:
    """Print published beside computed figures with the likely reasons of a difference, then the answers.

    Parameters
    ----------
    case
        The case as plain values.
    compared
        Its figures, as ``CaseResult.table``.
    tables
        The answer of each call.
    console
        Where to.
    robustness
        The headline under other choices, as ``CaseResult.robustness``.
    sources
        Publishers of the files in the lake, each with its vintage.
    most
        Rows to print of answers that no figure is compared with.
    """
    console.print(Text(f"{case['id']}: {case['title']}", style="bold"))
    _line(console, "", case["question"])
    _line(console, "published figures", f"{STANDING[case['standing']]}; {case['source']}")
    rows = compared.to_pylist()
    if case["bars"] and not tables:
        console.print(_side_by_side(case, rows))
    elif rows:
        console.print(_compared(rows))
    ran = [call for call in case["calls"] if call["id"] in tables]
    books = dict.fromkeys(BOOKS[call["book"]] for call in ran if not call["table"])
    books |= dict.fromkeys(f"your table {call['table']}" for call in ran if call["table"])
    if books:
        words = f"; vintages: {', '.join(sources)}" if sources else ""
        _line(console, "computed from", f"{'; '.join(books)}{words}")
    if any(row["verdict"] == "differs" for row in rows):
        _line(console, "likely why", "; ".join(case["why"]) or "not stated")
    for note in dict.fromkeys(row["note"] for row in rows if row["note"]):
        _line(console, "note", note)
    if robustness is not None and robustness.num_rows:
        print_robustness(robustness, console)
    told = {name for figure in case["figures"] for name in figure["calls"]}
    titles = {call["id"]: call["title"] for call in case["calls"]}
    for name, table in tables.items():
        own = next(call["table"] for call in case["calls"] if call["id"] == name)
        if name not in told or own or name == case["chart"]:
            console.print(Text(f"\n{titles[name]}", style="bold"))
            print_measure(_latest(table), console, most=most)
    _line(console, "\nanswer", case["answers"])
    if case["confirm"]:
        _line(console, "to settle it", case["confirm"])
    for command in case["further"]:
        _line(console, "further", command)


def _latest(table: pa.Table) -> pa.Table:
    """Return the rows of the last periods first."""
    if "period" not in table.column_names:
        return table
    texts = [field.name for field in table.schema if field.name != "period" and field.type == pa.string()]
    return table.sort_by([("period", "descending"), *[(name, "ascending") for name in texts]])


def _compared(rows: Sequence[Mapping[str, Any]]) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("figure", "published", "computed", "difference", "verdict"):
        grid.add_column(name, justify="left" if name in {"figure", "verdict"} else "right", overflow="fold")
    for row in rows:
        how = apart(row["difference"], row["unit"])
        grid.add_row(
            row["label"], figure(row["published"], row["unit"]), figure(row["computed"], row["unit"]), how,
            row["verdict"],
        )  # fmt: skip
    return grid


def _side_by_side(case: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return what the published figures say of one another: the later over the earlier."""
    values = {row["figure"]: row["published"] for row in rows}
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    earlier, later = case["bars"]["series"]
    for name in ("", earlier, later, "ratio"):
        grid.add_column(name, justify="left" if not name else "right")
    for label, before, after in case["bars"]["rows"]:
        was, now = values[before], values[after]
        grid.add_row(label, f"{was:,.0f}", f"{now:,.0f}", f"{now / was:.2f}")
    return grid


def case_chart(
    case: Mapping[str, Any], compared: pa.Table, tables: Mapping[str, pa.Table], *, footer: str = ""
) -> Any:
    """Return the chart of a case: its bars of published figures, or that of one of its calls.

    Parameters
    ----------
    case
        The case as plain values.
    compared, tables
        See :func:`print_case_result`.
    footer
        Files and vintages.

    Raises
    ------
    OptionError
        The case has no chart.
    """
    if case["bars"]:
        return _bars(case, compared, footer=footer)
    if not case["chart"]:
        raise OptionError(
            f"{case['id']} has no chart", where="--chart", hint="name the call to be drawn in the case: chart"
        )
    if case["chart"] not in tables:
        raise OptionError(
            f"the call {case['chart']} that is drawn was not run",
            where="--chart",
            hint="entrepot case show says what data it needs",
        )
    call = next(one for one in case["calls"] if one["id"] == case["chart"])
    column = {"usd": "value_usd", "eur": "value_eur", "kg": "net_weight_kg", "units": "quantity"}[
        call["value"]
    ]
    unit = {"usd": "US dollars", "eur": "euro", "kg": "kilograms", "units": "units"}[call["value"]]
    what = TITLES.get(call["measure"], call["measure"].capitalize()).format(base=call["base"])
    subtitle = f"{what}; {unit}; {BOOKS[call['book']]}"
    caption = Caption(title=call["title"], subtitle=subtitle, footer=footer)
    return measure_chart(
        tables[case["chart"]],
        call["measure"],
        caption,
        value=column,
        kind=case["chart_kind"],
        first=case["chart_first"],
        events=_events(case["chart_events"], tables[case["chart"]]),
    )


def _events(texts: Sequence[str], table: pa.Table) -> list[tuple[str, str]]:
    """Return periods and words of the events that lie within the periods of a table."""
    periods = sorted(table["period"].to_pylist()) if "period" in table.column_names else []
    pairs = [(period, words) for period, _, words in (text.partition("=") for text in texts)]
    return [pair for pair in pairs if periods and periods[0] <= pair[0] <= periods[-1]]


def _bars(case: Mapping[str, Any], compared: pa.Table, *, footer: str) -> Any:
    """Return the published figures as bars; computed ones in their place where there are any."""
    rows = {row["figure"]: row for row in compared.to_pylist()}
    has_data = any(row["computed"] is not None for row in rows.values())
    bars = case["bars"]
    drawn = [
        {
            "label": label, "series": series, "value": value,
            "figure": _bar(value, rows[names[0]], is_later=place == 1, has_data=has_data),
        }
        for label, *names in bars["rows"]
        for place, (series, name) in enumerate(zip(bars["series"], names, strict=True))
        for value in [rows[name]["computed"] if has_data else rows[name]["published"]]
    ]  # fmt: skip
    source = footer if has_data else f"Source: {case['source']}. Standing: {STANDING[case['standing']]}."
    title = f"{bars['title']}" if not has_data else case["title"]
    return bars_chart(drawn, Caption(title=title, subtitle=bars["subtitle"], footer=source))


def _bar(value: float | None, earlier: Mapping[str, Any], *, is_later: bool, has_data: bool) -> str:
    was = earlier["computed"] if has_data else earlier["published"]
    ratio = f"  × {value / was:.3g}" if is_later and value and was else ""
    return f"{amount(value)}{ratio}"
