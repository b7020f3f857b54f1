"""The data dictionary of the documentation, made from the contracts."""

from __future__ import annotations

from entrepot.schema.tables import TABLES

__all__ = ["data_dictionary"]


def data_dictionary() -> str:
    """Return the data dictionary as Markdown: a section a table, a row a column."""
    lines = ["# Data dictionary", "", "Made from the contracts in `entrepot.schema`; do not edit.", ""]
    for table in TABLES:
        lines += [f"## `{table.name}`", "", table.description, "", f"**One row is** {table.grain}.", ""]
        lines += [f"**Unique by** {', '.join(f'`{name}`' for name in table.key)}.", ""]
        if table.traps:
            lines += ["**Traps**", "", *[f"- {trap}" for trap in table.traps], ""]
        lines += ["| column | type | unit | meaning | null means |", "|---|---|---|---|---|"]
        for column in table.column_contracts():
            meaning = column.description
            if column.allowed is not None:
                meaning += ": " + ", ".join(f"`{term.value}`" for term in column.allowed)
            null = column.missing or "not allowed"
            lines.append(f"| `{column.name}` | {column.kind} | {column.unit} | {meaning} | {null} |")
        lines.append("")
    return "\n".join(lines)
