"""The file that a case of one's own begins with."""

from __future__ import annotations

import re

from entrepot.errors import OptionError

__all__ = ["new_case"]

_NAME = re.compile(r"[A-Za-z][\w-]{0,39}")


def new_case(name: str) -> str:
    """Return the text of a new case: it runs as it is where China's annual totals are in the lake.

    Raises
    ------
    OptionError
        The name is none.

    Examples
    --------
    >>> new_case("turkey").splitlines()[1]
    'id = "turkey"'
    """
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"{name!r} is no name of a case",
            where="NAME",
            hint="use letters, digits, - and _, a letter first",
        )
    return f"""\
# A case: entrepot case run {name}.toml --lake LAKE
id = "{name}"
title = "China's exports to Russia"
question = "How much did China export to Russia in 2022?"
# What the published figures rest on: official, study, press or unverified. An unverified claim is no target:
# is_target = false, and `confirm` says what data would confirm or refute it.
standing = "official"
source = "UN Comtrade, China's report of 2022, all goods"
answers = "What entrepot does about it, and what it cannot."
why = ["vintage: the lake's files are newer than the figure"]
# The figure that the case stands for: a run tests it under other books, vintages and periods, and without its
# largest parts.
headline = "exports_2022"
chart = "exports"

# What must be in the lake, and how it gets there. Products are code prefixes, or TOTAL.
[[needs]]
what = "China's exports by partner, 2022"
reporters = ["CHN"]
flow = "export"
products = ["TOTAL"]
periods = "2022"
get = "entrepot fetch comtrade --periods 2022:2022 --reporter CHN --flow export --products TOTAL --to china"
ingest = "entrepot ingest comtrade china --lake LAKE"

# Options are those of `entrepot measure`.
[[calls]]
id = "exports"
title = "China's exports to Russia by the exporter's book"
measure = "total"
book = "exports"
exporter = "CHN"
importer = "RUS"
products = "TOTAL"
by = "exporter,importer,period"
column = "value_usd"

# What was published: compared with the row of these areas and this period; several calls are added up.
# `over` divides by another row: over = {{ calls = ["exports"], period = "2021" }} and unit = "growth".
# Units: USD, EUR, share, growth, factor, units, rank, index. A tolerance of 0.02 is 2%, or 2 points.
[[figures]]
id = "exports_2022"
label = "China's exports to Russia, 2022"
exporter = "CHN"
importer = "RUS"
period = "2022"
value = 76122649188.0
unit = "USD"
calls = ["exports"]
tolerance = 0.02
"""
