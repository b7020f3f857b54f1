"""What becomes of one row: words, codes, periods, numbers, currencies, and why rows are set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrepot.engine import Engine
from entrepot.engine.literals import literal_columns
from entrepot.nomenclature import area_name_table
from entrepot.schema import FLOW
from entrepot.sources.base import Layout
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.rates import ecb_rates

if TYPE_CHECKING:
    from pathlib import Path


def test_a_good_row_has_every_canonical_column(one) -> None:
    row = one()
    own = {*FLOW.columns} - {"source", "vintage", "file_hash", "customs_procedure"}
    assert set(row) == own | {"reason", "detail"}
    assert row == {
        "row_number": 1,
        "cell": None,
        "role": "leaf",
        "reporter": "DEU",
        "partner": "KGZ",
        "partner_concept": "last_known_destination",
        "consignment_partner": None,
        "flow": "export",
        "frequency": "M",
        "period": "2022-03",
        "year": 2022,
        "hs_code": "870323",
        "hs_level": 6,
        "hs_revision": "HS2022",
        "national_code": None,
        "primary_value_usd": 1000.0,
        "valuation": "fob",
        "reported_value": None,
        "reported_currency": None,
        "net_weight_kg": None,
        "is_net_weight_estimated": None,
        "quantity": None,
        "quantity_unit": None,
        "is_quantity_estimated": None,
        "reason": None,
        "detail": None,
    }


PERIODS = {
    "2022-03": (
        "2022-03",
        "202203",
        "2022M03",
        "2022-M3",
        "03/2022",
        "3.2022",
        "Mar. 2022",
        "March 2022",
        "2022 Mar",
        "март 2022",
        "2022年3月",
        "2022-3",
        "2022-03-15",
        "2022-03-01 00:00:00",
        "20220301",
        "15.03.2022",
        "202203-Mar. 2022",
        " 2022-03\u00a0",
        "2022.03",
    ),
    "2022-04": ("Apl 2022",),
    "2022": ("2022", "Y2022", "202252", "202252-Jan.-Dec. 2022", "Jan.-Dec. 2022"),
}


def test_periods(many) -> None:
    expected = {text: period for period, texts in PERIODS.items() for text in texts}
    rows = many("period", expected)
    assert {text: row["period"] for text, row in rows.items()} == expected
    assert {len(row["period"]): row["frequency"] for row in rows.values()} == {7: "M", 4: "A"}


def test_what_is_no_period(many) -> None:
    texts = (
        "",
        "2022-13",
        "2022-00",
        "202213",
        "2022Q1",
        "22-03",
        "1899",
        "2101-01",
        "03/04/2022",
        "Jan.-Aug. 2022",
        "2022.3",
        "Brumaire 2022",
        "2022-03-32",
        "20223",
        "２０２２",
        "total",
    )
    for text, row in many("period", texts).items():
        assert (row["reason"], row["detail"]) == ("bad_period", f"period {text or 'is empty'}")


def test_a_format_by_name_settles_what_is_ambiguous(one, long_mapping: str) -> None:
    for name, period in (("DD/MM/YYYY", "2022-04"), ("MM/DD/YYYY", "2022-03")):
        row = one(long_mapping + f'[period]\nformats = ["{name}"]\n', period="03/04/2022")
        assert row["period"] == period
    assert one(long_mapping + '[period]\nformats = ["YYYY-MM"]\n', period="202203")["reason"] == "bad_period"


def test_own_months_and_annual_marks(one, long_mapping: str) -> None:
    mapping = long_mapping + '[period]\nannual_marks = ["13"]\n[period.months]\nBrumaire = 11\n'
    assert one(mapping, period="Brumaire 2022")["period"] == "2022-11"
    assert one(mapping, period="2022-13")["period"] == "2022"
    assert one(mapping, period="202252")["reason"] == "bad_period"


def test_year_and_month_of_their_own(read, long_mapping: str) -> None:
    mapping = long_mapping.replace('period = "period"', 'year = "y"\nmonth = "m"')
    table = "reporter,partner,flow,y,m,product,value\n" + "".join(
        f"DEU,KGZ,export, 2022 ,{month},TOTAL,1\n" for month in ("3", " 03", "Year", "52", "Apl", "", "13")
    )
    rows = read(mapping, table).rows
    assert [row["period"] for row in rows[:5]] == ["2022-03", "2022-03", "2022", "2022", "2022-04"]
    assert [row["reason"] for row in rows] == [None] * 5 + ["bad_period"] * 2


def test_flow_words(many) -> None:
    expected = {
        "EXPORT": "export",
        "Import": "import",
        "X": "export",
        "M": "import",
        "Re-Export": "re_export",
        "экспорт": "export",
        "ИМ": "import",
        "domestic exports": "domestic_export",
        "re_import": "re_import",
    }
    rows = many("flow", expected)
    assert {text: row["flow"] for text, row in rows.items()} == expected
    for row in rows.values():
        is_import = "import" in row["flow"]
        assert row["valuation"] == ("cif" if is_import else "fob")
        assert row["partner_concept"] == ("origin" if is_import else "last_known_destination")


def test_a_figure_is_a_flow_only_where_the_mapping_says_so(one, long_mapping: str) -> None:
    assert one(flow="2")["reason"] == "unknown_flow"
    assert one(long_mapping + '[flows]\n2 = "export"\n', flow="2")["flow"] == "export"
    assert one(long_mapping + '[flows]\n2 = "import"\nexport = "re_export"\n')["flow"] == "re_export"


def test_areas_in_any_form(many) -> None:
    expected = {
        "417": "KGZ",
        "004": "AFG",
        "4": "AFG",
        "KG": "KGZ",
        "kgz": "KGZ",
        "EL": "GRC",
        "XK": "XKX",
        "Kyrgyzstan": "KGZ",
        "Киргизия": "KGZ",
        "Côte d’Ivoire": "CIV",
        "Belarus (Belorussia)": "BLR",
        "Belgium (incl. Luxembourg 'LU' -> 1998)": "BEL",
        "KOREA, SOUTH": "KOR",
        "Viet Nam": "VNM",
        "Ireland (Eire)": "IRL",
        "Russian Federation (Russia)": "RUS",
        "Türkiye": "TUR",
        "St Lucia": "LCA",
    }
    assert {text: row["partner"] for text, row in many("partner", expected).items()} == expected


def test_an_unknown_area_is_set_aside_with_its_label(many) -> None:
    texts = (
        "Atlantis",
        "Serbia (Kosovo)",
        "China (and Hong Kong too)",
        "Korea (land of)",
        "ZZZ",
        "12345",
        "",
        "Congo (x)",
    )
    for text, row in many("partner", texts).items():
        assert (row["reason"], row["detail"]) == ("unknown_area", f"partner {text or 'is empty'}")
        assert row["partner"] is None


def test_labels_mean_what_the_nomenclature_says(many) -> None:
    """The normal form made in SQL agrees with the one made in Python, or knows nothing."""
    names = [name for name in area_name_table()["name"].to_pylist() if '"' not in name]
    rows = many("partner", names)
    codes = dict(zip(*(area_name_table()[name].to_pylist() for name in ("name", "code")), strict=True))
    assert len(rows) > 5000
    wrong = {name: row["partner"] for name, row in rows.items() if row["partner"] not in {None, codes[name]}}
    assert {name for name in wrong if len(name) > 3} == set()
    unknown = [name for name, row in rows.items() if row["partner"] is None]
    assert len(unknown) < 0.002 * len(names), unknown


def test_a_code_means_what_it_meant_in_the_period(one) -> None:
    assert one(partner="736", period="2005")["partner"] == "XSD"
    assert one(partner="736", period="2012")["partner"] == "SDN"


def test_own_names_of_areas(one, long_mapping: str) -> None:
    mapping = long_mapping + (
        '[areas.names]\n"Serbia (Kosovo)" = "XKX"\nGermany = "AUT"\n5700 = "CHN"\n'
        'Far = { area = "XRW", aggregate = true }\n"Near" = { area = "KAZ", aggregate = true }\n'
    )
    assert one(mapping, partner="serbia (kosovo)")["partner"] == "XKX"
    assert one(mapping, partner="5700")["partner"] == "CHN"
    assert one(mapping, reporter="Germany")["reporter"] == "AUT"
    assert [one(mapping, partner=name)["role"] for name in ("Far", "Near", "KAZ")] == [
        "aggregate",
        "aggregate",
        "leaf",
    ]


@pytest.mark.parametrize(
    ("scheme", "known"),
    [("m49", {"417"}), ("iso2", {"KG"}), ("iso3", {"KGZ"}), ("labels", {"Kyrgyzstan"}), ("own", set())],
)
def test_a_scheme_narrows_what_is_understood(scheme: str, known: set[str], one, long_mapping: str) -> None:
    mapping = long_mapping + f'[areas]\nscheme = "{scheme}"\n[areas.names]\nhome = "DEU"\n'
    texts = {"417", "KG", "KGZ", "Kyrgyzstan"}
    understood = {text for text in texts if one(mapping, reporter="home", partner=text)["reason"] is None}
    assert understood == known


def test_aggregates_are_no_leaves(many) -> None:
    roles = {
        text: row["role"] for text, row in many("partner", ("World", "0", "WLD", "DEU", "899", "EU")).items()
    }
    assert roles == {
        "World": "aggregate",
        "0": "aggregate",
        "WLD": "aggregate",
        "DEU": "leaf",
        "899": "leaf",
        "EU": "aggregate",
    }
    assert {row["role"] for row in many("reporter", ("EU", "ASEAN")).values()} == {"aggregate"}


def test_products(many) -> None:
    expected = {
        "TOTAL": ("TOTAL", 0, None),
        "All commodities": ("TOTAL", 0, None),
        "27": ("27", 2, None),
        "8703": ("8703", 4, None),
        "87.03": ("8703", 4, None),
        "8703.23": ("870323", 6, None),
        "8703 23 10": ("870323", 8, "87032310"),
        "'0101210000": ("010121", 10, "0101210000"),
        "87032310": ("870323", 8, "87032310"),
    }
    rows = many("product", expected)
    found = {text: (row["hs_code"], row["hs_level"], row["national_code"]) for text, row in rows.items()}
    assert found == expected


def test_what_is_no_product(many) -> None:
    texts = (
        "",
        "10121",
        "7",
        "00",
        "004110",
        "78XXXX",
        "39XXXXXX",
        "cars",
        "870323101",
        "870323101234",
        "８７",
    )
    assert {row["reason"] for row in many("product", texts).values()} == {"unknown_hs_code"}


def test_lost_zeros_are_given_back_only_on_demand(one, long_mapping: str) -> None:
    mapping = long_mapping + "[product]\npad = true\n"
    assert [one(mapping, product=text)["hs_code"] for text in ("10121", "7", "101", "1012100")] == [
        "010121",
        "07",
        "0101",
        "010121",
    ]
    assert one(mapping, product="870323")["hs_code"] == "870323"
    japan = long_mapping + "[product]\nnational_digits = 9\npad = true\n"
    row = one(japan, product="10121000")
    assert (row["national_code"], row["hs_level"]) == ("010121000", 9)


def test_revisions(one, many, long_mapping: str) -> None:
    years = ("1990", "1996", "2006", "2016", "2021", "2022")
    found = {year: row["hs_revision"] for year, row in many("period", years).items()}
    assert found == {
        "1990": "HS1992",
        "1996": "HS1996",
        "2006": "HS2002",
        "2016": "HS2012",
        "2021": "HS2017",
        "2022": "HS2022",
    }
    assert one(period="1987")["reason"] == "unknown_revision"
    mapping = long_mapping.replace('hs_revision = "by_year"', "").replace(
        "[constants]", 'hs_revision = "rev"\n[constants]'
    )
    assert [one(mapping, rev=text)["hs_revision"] for text in ("H5", "HS 2017", "HS17", "2017")] == [
        "HS2017"
    ] * 4
    assert one(mapping, rev="SITC")["reason"] == "unknown_revision"


NUMBERS = {
    "": {"1234.5": 1234.5, "+7": 7.0, "1e3": 1000.0, " 5 ": 5.0, "0": 0.0, ".5": 0.5, "5.": 5.0},
    'thousands = ","': {
        "1,234,567.8": 1234567.8,
        "1,234,567": 1234567.0,
        "+1,234": 1234.0,
        "12": 12.0,
        "1234": 1234.0,
        "999": 999.0,
        "000,001": 1.0,
    },
    'decimal = ","': {"1234,5": 1234.5},
    'decimal = ","\nthousands = "."': {"1.234,5": 1234.5, "1.234": 1234.0},
    'thousands = " "': {"9 000 000": 9e6, "9\u00a0000\u202f000": 9e6},
    'thousands = "\'"': {"1'234": 1234.0, "1’234": 1234.0},
}
NO_NUMBERS = {
    "": ("12x", "1,234", "1 000", "nan5", "inf", "0x10", "1_000", "(5)", "５", "1e", "+-5", "."),
    'thousands = ","': (
        "1,23",
        "1234,567",
        "1,,234",
        "1,234e5",
        "1,234,",
        "1,2345",
        ",123",
        "1,234_5",
        "12,34,567",
        "1,234x",
    ),
    'decimal = ","': ("1.234", "1,2,3"),
}


@pytest.mark.parametrize("options", NUMBERS)
def test_numbers(options: str, many, long_mapping: str) -> None:
    rows = many("value", NUMBERS[options], long_mapping + f"[file]\ndelimiter = ';'\n{options}\n")
    assert {text: row["primary_value_usd"] for text, row in rows.items()} == NUMBERS[options]


@pytest.mark.parametrize("options", NO_NUMBERS)
def test_what_is_no_number(options: str, many, long_mapping: str) -> None:
    """A number read with a lost separator would be wrong a thousandfold."""
    rows = many(
        "value", NO_NUMBERS[options], long_mapping + f"[file]\ndelimiter = ';'\nnull_values = []\n{options}\n"
    )
    for text, row in rows.items():
        assert (row["reason"], row["detail"]) == ("bad_number", f"value {text}")


def test_values_that_cannot_be_used(many) -> None:
    expected = {
        "-5": "negative_value",
        "−5": "negative_value",
        "1e15": "absurd_value",
        "1e999": "absurd_value",
        "": "missing_value",
        ":": "missing_value",
        "N/A": "missing_value",
        "-": "missing_value",
    }
    assert {text: row["reason"] for text, row in many("value", expected).items()} == expected


def test_own_null_words_replace_the_usual(one, long_mapping: str) -> None:
    mapping = long_mapping + '[file]\nnull_values = ["?", "-9999"]\n'
    assert [one(mapping, value=text)["reason"] for text in ("?", "-9999", ":", "")] == [
        "missing_value",
        "missing_value",
        "bad_number",
        "missing_value",
    ]


def test_missing_values_may_be_skipped(read, long_mapping: str) -> None:
    table = "reporter,partner,flow,period,product,value\n" + "".join(
        f"DEU,KGZ,export,2022,TOTAL,{value}\n" for value in ("1", ":", "x")
    )
    assert read(long_mapping, table).reasons == [None, "missing_value", "bad_number"]
    skipped = read(long_mapping + "[rows]\nskip_missing = true\n", table)
    assert skipped.reasons == [None, "bad_number"]
    assert {row["cell"] for row in skipped.rows} == {"value"}


def test_rows_are_kept_and_left_out(read, long_mapping: str) -> None:
    table = "reporter,partner,flow,period,product,value,kind\n" + "".join(
        f"DEU,KGZ,export,2022,TOTAL,{number},{kind}\n" for number, kind in enumerate(("a", " b ", "", "c"))
    )
    assert [
        row["row_number"] for row in read(long_mapping + '[rows.keep]\nkind = ["a", "b"]\n', table).rows
    ] == [1, 2]
    left = read(long_mapping + '[rows.leave_out]\nkind = ["a", ""]\n', table)
    assert [row["row_number"] for row in left.rows] == [2, 4]


def test_weight_and_quantity(read, long_mapping: str) -> None:
    mapping = long_mapping.replace(
        'value = "value"', 'value = "value"\nnet_weight = "w"\nquantity = "q"\nquantity_unit = "u"'
    )
    table = "reporter,partner,flow,period,product,value,w,q,u\n" + "".join(
        f"DEU,KGZ,export,2022,870323,10,{rest}\n"
        for rest in (
            "2.5,3,Item",
            "0,0,N.Q.",
            ",,",
            "x,1,u",
            "1,x,u",
            "-1,1,u",
            "1,-1,u",
            "1,1,furlong",
            "1,4,no_su",
        )
    )
    rows = read(mapping + '[units]\nnet_weight = "t"\n', table).rows
    assert [(row["net_weight_kg"], row["quantity"], row["quantity_unit"]) for row in rows[:3]] == [
        (2500.0, 3.0, "u"),
        (None, None, None),
        (None, None, None),
    ]
    assert [(row["reason"], row["detail"]) for row in rows[3:8]] == [
        ("bad_number", "net_weight x"),
        ("bad_number", "quantity x"),
        ("negative_value", "net_weight -1"),
        ("negative_value", "quantity -1"),
        ("unknown_unit", "quantity_unit furlong"),
    ]
    assert (rows[8]["reason"], rows[8]["quantity"]) == (None, None)
    own = read(mapping + '[units.quantity]\nfurlong = "m"\n', table).rows
    assert (own[7]["quantity_unit"], own[0]["net_weight_kg"]) == ("m", 2.5)


def test_the_multiplier_may_stand_in_a_column(one, long_mapping: str) -> None:
    assert one(long_mapping + "unit_multiplier = 1000\n")["primary_value_usd"] == 1e6
    mapping = long_mapping.replace("[constants]", 'unit_multiplier = "scale"\n[constants]')
    assert one(mapping, scale="1000000")["primary_value_usd"] == 1e9
    assert one(mapping, scale="")["primary_value_usd"] == 1000
    assert [one(mapping, scale=text)["reason"] for text in ("thousand", "0")] == ["unknown_unit"] * 2


def _per_usd(currency: str, period: str) -> float:
    return {(r["currency"], r["period"]): r["per_usd"] for r in ecb_rates().to_pylist()}[currency, period]


@pytest.mark.parametrize("period", ["2022-03", "2022"])
def test_currencies_are_converted_at_the_periods_average(period: str, one, long_mapping: str) -> None:
    mapping = long_mapping.replace('"USD"', '"EUR"')
    row = one(mapping, period=period)
    assert row["primary_value_usd"] == pytest.approx(1000 / _per_usd("EUR", period), rel=1e-14)
    assert (row["reported_value"], row["reported_currency"]) == (1000.0, "EUR")


def test_the_currency_may_stand_in_a_column(one, long_mapping: str) -> None:
    mapping = long_mapping.replace('currency = "USD"', "").replace(
        "[constants]", 'currency = "cur"\n[constants]'
    )
    assert one(mapping, cur="jpy")["reported_currency"] == "JPY"
    assert one(mapping, cur="Euro")["reported_currency"] == "EUR"
    assert one(mapping, cur="USD")["reported_currency"] is None
    assert one(mapping, cur="$")["reason"] == "unknown_unit"
    for currency, period in (("KZT", "2022-03"), ("RUB", "2022-03"), ("XXX", "2022")):
        row = one(mapping, cur=currency, period=period)
        assert row["reason"] == "missing_rate"
        assert f"currency {currency} has no rate for {period}" in row["detail"]
        assert "[rates] file" in row["detail"]
    assert one(mapping, cur="RUB", period="2022-02")["reason"] is None


def test_own_rates_come_before_the_banks(one, long_mapping: str, tmp_path) -> None:
    (tmp_path / "rates.csv").write_text("currency,period,per_usd\nKZT,2022-03,500\nKZT,,400\nEUR,2022-03,2\n")
    mapping = long_mapping.replace('currency = "USD"', "").replace(
        "[constants]", 'currency = "cur"\n[constants]'
    )
    mapping += '[rates]\nfile = "rates.csv"\n[rates.per_usd]\nKGS = 80\n'
    for currency, period, value in (
        ("KZT", "2022-03", 2.0),
        ("KZT", "2022-04", 2.5),
        ("KZT", "2022", 2.5),
        ("EUR", "2022-03", 500.0),
        ("KGS", "2022-03", 12.5),
        ("EUR", "2022-04", 1000 / _per_usd("EUR", "2022-04")),
    ):
        assert one(mapping, cur=currency, period=period)["primary_value_usd"] == pytest.approx(value)


def test_valuation_and_concept_may_be_other(one, long_mapping: str) -> None:
    mapping = long_mapping + '[valuation]\nimports = "fob"\n[partner_concept]\nimports = "consignment"\n'
    row = one(mapping, flow="import")
    assert (row["valuation"], row["partner_concept"], row["role"]) == ("fob", "consignment", "leaf")
    assert one(mapping)["valuation"] == "fob"
    repeating = mapping + 'repeats = ["consignment"]\n'
    assert one(repeating, flow="import")["role"] == "aggregate"


def test_country_of_consignment(one, long_mapping: str) -> None:
    mapping = long_mapping.replace(
        "[constants]", 'consignment_partner = "via"\npartner_concept = "what"\n[constants]'
    )
    row = one(mapping, via="Kazakhstan", what="origin")
    assert (row["consignment_partner"], row["partner_concept"]) == ("KAZ", "origin")
    assert one(mapping, via="", what="")["consignment_partner"] is None
    assert one(mapping, via="Atlantis", what="")["detail"] == "consignment_partner Atlantis"
    assert one(mapping, via="", what="whim")["detail"] == "partner_concept whim"


def test_patterns_take_the_part_that_counts(one, long_mapping: str) -> None:
    mapping = long_mapping + "[patterns]\nproduct = '^([0-9]+)-'\nflow = '^[0-9]-(.+)$'\n"
    row = one(mapping, product="87032319-Cars", flow="2-EXPORT")
    assert (row["national_code"], row["flow"]) == ("87032319", "export")
    assert one(mapping, product="8703", flow="Export")["reason"] is None


def test_what_the_mapping_states_for_all_rows_is_a_literal(long_mapping: str, tmp_path: Path) -> None:
    stated = long_mapping.replace('flow = "flow"\n', "").replace(
        'hs_revision = "by_year"', 'hs_revision = "HS2017"\nflow = "Imports"'
    )
    layout = Layout("long", "raw_csv__own", "csv", ("reporter", "partner", "period", "product", "value"))
    path = tmp_path / "own.toml"
    path.write_text(stated, encoding="utf-8")
    with Engine() as engine:
        fixed = literal_columns(engine, MappedTable.from_toml(path).canonical_sql(layout, "raw"))
    expected = {"flow": "import", "valuation": "cif", "partner_concept": "origin", "hs_revision": "HS2017"}
    assert {name: fixed.get(name) for name in expected} == expected


def test_an_empty_cell_is_a_word_that_a_mapping_may_know(one, long_mapping: str) -> None:
    """Empty cells are null in the staged table; a lookup finds them all the same."""
    assert one(flow="")["reason"] == "unknown_flow"
    assert one(long_mapping + '[flows]\n"" = "import"\n', flow="")["flow"] == "import"
    for field in ("reporter", "partner", "flow", "period", "product"):
        row = one(**{field: ""})
        assert (row["reason"] is not None, row["detail"]) == (True, f"{field} is empty")
