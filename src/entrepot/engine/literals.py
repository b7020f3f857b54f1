"""Columns of a query that are literals: the same in every row, so that no row need carry them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from entrepot.engine.quoting import literal

if TYPE_CHECKING:
    from entrepot.engine.duck import Engine

__all__ = ["literal_columns"]


def literal_columns(engine: Engine, query: str) -> dict[str, Any]:
    """Return the columns that a query's outermost SELECT spells as literals, with their values.

    Only what is written as a literal counts, with a type or without: of a column that merely happens to have
    one value nothing is known before the rows are read. A query of several SELECTs has none.

    Parameters
    ----------
    engine
        Reads the query; nothing of it is executed.
    query
        The query.

    Examples
    --------
    >>> from entrepot.engine import Engine
    >>> with Engine() as engine:
    ...     literal_columns(engine, "SELECT n, 'fob' AS valuation, NULL::VARCHAR AS cell FROM rows")
    {'valuation': 'fob', 'cell': None}
    """
    select = "'$.statements[0].node.select_list'"
    ((found,),) = engine.rows(f"SELECT json_serialize_sql({literal(query)}) -> {select}")
    chosen = [one for one in json.loads(found or "[]") if one["alias"] and _is_literal(one)]
    if not chosen:
        return {}
    # A query of them alone: the engine itself says what its literals are.
    tree = json.loads(engine.rows("SELECT json_serialize_sql('SELECT 1')")[0][0])
    tree["statements"][0]["node"]["select_list"] = chosen
    alone = engine.rows(f"SELECT json_deserialize_sql({literal(json.dumps(tree))}::JSON)")[0][0]
    (values,) = engine.rows(alone)
    return dict(zip((one["alias"] for one in chosen), values, strict=True))


def _is_literal(expression: dict[str, Any]) -> bool:
    match expression["class"]:
        case "CONSTANT":
            return True
        case "CAST":
            return _is_literal(expression["child"])
        case _:
            return False
