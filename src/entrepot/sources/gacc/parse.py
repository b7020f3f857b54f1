"""China's customs statistics as a source: what a download says, and what the user must say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entrepot.errors import HeaderError, OptionError
from entrepot.schema import FlowKind
from entrepot.schema.layouts import GACC_QUERY
from entrepot.sources.base import UNSTATED, Layout, Stated
from entrepot.sources.gacc.statement import gacc_sql, gacc_tables
from entrepot.sources.tables import match_names, read_table_head

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["ROW_LIMIT", "GaccSource"]

#: The query page gives out no more rows, and does not say so.
ROW_LIMIT: Final = 10_000

_KNOWN: Final = {name.lower(): meaning for name, meaning in GACC_QUERY.items()}

#: What a row must say. Without a partner or a code the file may be of one that only the query names.
_REQUIRED: Final = {
    "the trading partner (贸易伙伴编码)": ("partner", "partner_name"),
    "the commodity (商品编码)": ("product",),
    "the value (美元 or 人民币)": ("value_usd", "value_cny"),
}


@dataclass(frozen=True, slots=True)
class GaccSource:
    """Reader of the downloads of China's customs statistics, in Chinese and English.

    Attributes
    ----------
    stated
        The direction, which no file says, and the period, which a file of one period does not say.
    """

    stated: Stated = UNSTATED

    @property
    def id(self) -> str:
        """Return ``gacc``."""
        return "gacc"

    def told(self, stated: Stated) -> GaccSource:
        """Return the source that knows the direction; see :class:`~entrepot.sources.base.TellableSource`."""
        if stated.flow not in {FlowKind.IMPORT, FlowKind.EXPORT}:
            raise OptionError(
                "files of China's customs do not say whether they are imports or exports"
                if stated.flow is None
                else f"China's customs give out imports and exports, no {stated.flow.value}",
                where="--flow",
                hint="say --flow import or --flow export, as the query was made",
            )
        return GaccSource(stated)

    def recognise(self, path: Path) -> Layout:
        """Return the layout of a file, from its head."""
        where = str(path)
        self.told(self.stated)
        head = read_table_head(path, encodings=("", "gb18030"))
        found = match_names(head.columns, _KNOWN, required=_REQUIRED, where=where)
        self._check_period(found, where)
        unknown = [name for name in head.columns if name not in found.values()]
        extra = {"row_limits": str(ROW_LIMIT), "hs_revision": "by_year", **self.stated.notes()}
        if unknown:
            extra["unknown_columns"] = ", ".join(unknown)
        return Layout(
            id=self.stated.layout_id("query"),
            raw_table="raw_gacc__query",
            form=head.form,
            columns=head.columns,
            delimiter=head.delimiter,
            # An English header is ASCII, and what follows it is not UTF-8.
            encoding="gb18030" if head.encoding == "utf-8" else head.encoding,
            has_trailing_delimiter=head.has_trailing_delimiter,
            extra=extra,
        )

    def _check_period(self, found: dict[str, str], where: str) -> None:
        if "period" not in found and self.stated.period is None:
            raise HeaderError(
                "the file does not say its period: that of a query for one month or year has no date column",
                where=where,
                hint="say --period 2023-07 for a month, --period 2023 for a year, as the query was made",
            )
        if "period" in found and self.stated.period is not None:
            raise OptionError(
                f"the rows of the file have their own dates ({found['period']})",
                where=f"--period; {where}",
                hint="leave --period out",
            )

    def canonical_sql(self, layout: Layout, raw: str) -> str:
        """Return the query that makes canonical rows of the staged table ``raw``."""
        found = match_names(layout.columns, _KNOWN, required=_REQUIRED, where=layout.id)
        return gacc_sql(found, self.stated, raw)

    def reference_tables(self) -> dict[str, pa.Table]:
        """Return the tables of periods, areas, flows, units and rates."""
        return gacc_tables()
