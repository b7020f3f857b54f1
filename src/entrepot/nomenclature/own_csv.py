"""Small CSV files that users write themselves: lists of codes, classifications, tables of a case."""

from __future__ import annotations

import csv
import io

from entrepot.errors import InputFileError

__all__ = ["delimiter_of", "read_own_csv"]


def delimiter_of(text: str) -> str:
    """Return what stands most often in the first line: comma, semicolon or tab."""
    first = text.splitlines()[0] if text.strip() else ""
    return max(",;\t", key=first.count)


def read_own_csv(text: str, *, where: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header, and the rows with the line on which each ends; empty lines are left out.

    Parameters
    ----------
    text
        Separated by comma, semicolon or tab. Spaces around cells are taken off.
    where
        The file's name, for errors.

    Raises
    ------
    InputFileError
        A row has more or fewer cells than the header, or cannot be split.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    rows: list[tuple[int, list[str]]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputFileError(
                    f"{len(cells)} cells where the header has {len(header)}",
                    where=f"{where}, line {reader.line_num}",
                    hint="put a text that holds the separator in double quotes",
                )
            rows.append((reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as fault:
        raise InputFileError(
            f"the line cannot be split: {fault}",
            where=f"{where}, line {reader.line_num}",
            hint="look for a quote that is never closed",
        ) from fault
    return header, rows
