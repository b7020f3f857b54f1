"""Lakes of the real files that the page "Why mirrors differ" is about, its figures and its charts.

    python docs/mirrors.py FOLDER-OF-REAL-FILES

Writes docs/images/mirrors-*.svg and prints what the page says. The files are not part of the project: see
the page for where they come from.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.detect.gaps.options import GapOptions
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.gaps import find_gaps, take_gaps_apart
from entrepot.report.charts import svg
from entrepot.report.gap_charts import gaps_chart
from entrepot.sources.registry import open_source
from entrepot.store import Lake

if TYPE_CHECKING:
    from entrepot.detect.gaps.parts_result import GapParts
    from entrepot.detect.gaps.result import GapResult

#: Mappings of tables that have no reader of their own, by name.
MAPPINGS = {
    "kyrgyz_long": """
        title = "Kyrgyzstan by partner and year"
        publisher = "National Statistical Committee of the Kyrgyz Republic"
        [columns]
        partner = "partner_en"
        year = "year"
        flow = "flow"
        value = "value_thousand_usd"
        [constants]
        reporter = "KGZ"
        product = "TOTAL"
        currency = "USD"
        unit_multiplier = 1000
        hs_revision = "by_year"
        [areas.names]
        "European Union (EU)" = "XUN"
    """,
    "eu_totals": """
        title = "Exports of EU members, all goods"
        publisher = "Eurostat"
        [columns]
        reporter = "reporter"
        partner = "partner"
        product = "product"
        flow = "flow"
        period = "period"
        value = "value_eur"
        [constants]
        currency = "EUR"
        hs_revision = "by_year"
        [rows.leave_out]
        folder = ["kazahstan_export_eurostat", "eu_year_export"]
    """,
    "from_china": """
        title = "Imports from China, all goods"
        publisher = "UN Comtrade"
        [columns]
        reporter = "reporterDesc"
        partner = "partnerDesc"
        year = "refYear"
        flow = "flowCode"
        value = "value_usd"
        [constants]
        product = "TOTAL"
        currency = "USD"
        hs_revision = "by_year"
        [rows.keep]
        focus_country = ["China"]
        file = ["China_2.1.1_top_export_partners_reverse.xlsx"]
    """,
    "salmon": """
        title = "Monthly trade in salmon, all reporters and partners"
        publisher = "UN Comtrade"
        [columns]
        reporter = "reporter_code"
        partner = "partner_code"
        product = "cmd_code"
        flow = "flow_code"
        period = "period"
        value = "primary_value"
        net_weight = "net_wgt"
        [constants]
        currency = "USD"
        hs_revision = "by_year"
        [areas]
        scheme = "m49"
    """,
}
TOTALS = (
    ("comtrade", "comtrade-raw/TradeData_CHN_DEU_USA_2022_TOTAL_all_partners_raw.csv"),
    ("from_china", "comtrade-raw/cipf_partner_totals_long.parquet"),
    ("kyrgyz_long", "mirror-totals/kyrgyzstan_imports_by_country_annual.csv"),
    ("kazakhstan", "mirror-totals/kazakhstan_by_country_annual.csv"),
    ("armstat", "mirror-totals/armenia_armstat_by_country_monthly.csv"),
    ("eu_totals", "mirror-totals/eurostat_totals_eu_reporters_monthly_and_annual.csv"),
)
SALMON = (("salmon", "comtrade-all-pairs-fish-monthly/comtrade_monthly_030214.parquet"),)
PAIR = ("exporter", "importer")
CENTRAL_ASIA = ("KGZ", "KAZ", "TJK", "UZB")


def make_lake(files: tuple[tuple[str, str], ...], data: Path, folder: Path) -> Lake:
    """Take real files into a new lake."""
    for source, path in files:
        name = source
        if source in MAPPINGS:
            mapping = folder / f"{source}.toml"
            lines = [line.strip() for line in MAPPINGS[source].splitlines()]
            mapping.write_text("\n".join([f'id = "{source}"', *lines]), encoding="utf-8")
            name = f"csv:{mapping}"
        done = ingest(
            open_source(name), [data / path], lake=folder / "lake", options=IngestOptions(threads=1)
        )
        for file in done.failed:
            raise SystemExit(f"{path}: {file.error}")
    return Lake.open(folder / "lake")


def china_parts(lake: Lake) -> GapParts:
    """Take China's exports to Central Asia in 2022 apart."""
    options = GapOptions(
        exporters=("CHN",), importers=CENTRAL_ASIA, products=("TOTAL",), periods="2022:2022", by=PAIR
    )
    return take_gaps_apart(lake, options, frequency="A")


def eu_gaps(lake: Lake, importer: str) -> GapResult:
    """Compare the European Union's exports to a country by year; Armenia's file ends in January 2023."""
    options = GapOptions(
        exporters=("XEU",), importers=(importer,), products=("TOTAL",), unions=("EU",), by=PAIR,
        periods="2019:2022" if importer == "ARM" else "2019:2023",
    )  # fmt: skip
    return find_gaps(lake, options, frequency="A")


def armenia_parts(lake: Lake) -> GapParts:
    """Take Armenia's imports of 2022 apart: by origin against by consignment."""
    options = GapOptions(
        importers=("ARM",), products=("TOTAL",), periods="2022:2022", by=PAIR, unions=("EU",),
        exporters=("CHN", "USA", "XEU", "DEU"),
    )  # fmt: skip
    return take_gaps_apart(lake, options, frequency="A")


def salmon_gaps(lake: Lake, importer: str) -> GapResult:
    """Compare the books of Norway's salmon around Russia's food embargo."""
    options = GapOptions(
        event="2014-08", after="2014-10:2015-12", exporters=("NOR",), importers=(importer,), by=PAIR
    )
    return find_gaps(lake, options)


def main() -> None:
    """Write the charts and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    asked = parser.parse_args()
    images = Path(__file__).parent / "images"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("totals", "salmon"):
            (Path(folder) / name).mkdir()
        totals = make_lake(TOTALS, asked.data, Path(folder) / "totals")
        salmon = make_lake(SALMON, asked.data, Path(folder) / "salmon")
        results: dict[str, GapResult | GapParts] = {
            "china": china_parts(totals),
            "armenia": armenia_parts(totals),
            "eu-kyrgyzstan": eu_gaps(totals, "KGZ"),
            "eu-armenia": eu_gaps(totals, "ARM"),
            "salmon-russia": salmon_gaps(salmon, "RUS"),
            "salmon-belarus": salmon_gaps(salmon, "BLR"),
        }
    for name, result in results.items():
        (images / f"mirrors-{name}.svg").write_text(svg(gaps_chart(result)), encoding="utf-8")
        print(f"\n== {name}")
        for row in result.table.to_pylist()[:10]:
            if row.get("direction", "one") is not None:  # nets of one direction would say the same
                print(result.explain(row))


if __name__ == "__main__":
    main()
