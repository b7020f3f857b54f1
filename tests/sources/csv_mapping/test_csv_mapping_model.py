"""Mappings that are wrong say what is wrong, where, and which key was meant; wide headers."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from entrepot.errors import HeaderError, InputFileError, MappingError
from entrepot.sources.csv_mapping import MappedTable, read_mapping
from entrepot.sources.registry import open_source

SAMPLES = Path(str(files("entrepot.sources.csv_mapping"))) / "samples"


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_sample_is_a_mapping_that_says_where_its_data_come_from(path: Path) -> None:
    source = open_source(f"csv:{path}")
    assert isinstance(source, MappedTable)
    assert source.id == f"csv:{path.stem}"
    assert source.mapping.title
    assert source.mapping.publisher
    assert source.mapping.url.startswith("https://")


def test_the_samples_are_those_promised() -> None:
    names = {path.stem for path in SAMPLES.glob("*.toml")}
    assert names == {
        "armstat",
        "census_hs10",
        "comext_easy",
        "eu_panel",
        "imf_wide",
        "kazakhstan",
        "kyrgyz_wide",
        "kyrgyzstan",
        "russia_countries",
        "wits",
    }


@pytest.mark.parametrize(
    ("old", "new", "what", "hint"),
    [
        (
            "[constants]",
            "[file]\ndelimitr = ';'\n[constants]",
            "unknown key file.delimitr",
            "did you mean delimiter?",
        ),
        ('id = "own"', 'id = "own"\nlicense = "x"', "unknown key license", "did you mean licence?"),
        ("[constants]", "[constant]", "unknown key constant", "did you mean constants?"),
        (
            'partner = "partner"',
            'partners = "partner"',
            "unknown field columns.partners",
            "did you mean partner?",
        ),
        ('partner = "partner"\n', "", "gives partner", ""),
        ('period = "period"\n', "", "gives year (or period)", ""),
        ('hs_revision = "by_year"', "", "gives hs_revision", ""),
        ('id = "own"', 'id = "Own Table"', "id: ", ""),
        ('id = "own"', "", "key id is missing", ""),
        ("[constants]", '[constants]\nflow = "import"', "flow is given by columns and by constants", ""),
        ("[constants]", '[constants]\nyear = "2022"', "either period, or year", ""),
        ("[constants]", '[patterns]\nflow = "("\n[constants]', "patterns.flow", ""),
        ("[constants]", '[patterns]\nflow = "(?=x)(.)"\n[constants]', "patterns.flow", ""),
        ("[constants]", '[patterns]\nflow = "x"\n[constants]', "no group in parentheses", ""),
        (
            "[constants]",
            '[file_name]\npattern = "x"\n[constants]',
            "file_name.pattern names the groups []",
            "",
        ),
        ("[constants]", '[file_name]\npattern = "(?P<cost>x)"\n[constants]', "['cost']", ""),
        ("[constants]", '[file_name]\npattern = "["\n[constants]', "not a regular expression", ""),
        ("[constants]", '[wide]\ncolumns = "(?P<year>.*)"\n[constants]', "year", ""),
        ("[constants]", '[period]\nformats = ["YY"]\n[constants]', "unknown format 'YY'", ""),
        ("[constants]", '[flows]\n1 = "incoming"\n[constants]', "flows.1", ""),
        ("[constants]", '[areas.names]\nX = "XXY"\n[constants]', "'XXY', which no area has", "near ones"),
        ("[constants]", '[areas.names]\nx = "KAZ"\n" X" = "KGZ"\n[constants]', "are one spelling", ""),
        (
            "[constants]",
            '[areas.names]\nx = { area = "KAZ", agregate = true }\n[constants]',
            "agregate",
            "aggregate",
        ),
        ("[constants]", '[file]\ndecimal = ","\nthousands = ","\n[constants]', "decimal and thousands", ""),
        ("[constants]", "[rates.per_usd]\nKZT = 0\n[constants]", "rates.per_usd.KZT", ""),
        ("[constants]", "[product]\nnational_digits = 6\n[constants]", "product.national_digits", ""),
        ("[constants]", "[columns", "not TOML", ""),
    ],
)
def test_wrong_mappings(old: str, new: str, what: str, hint: str, long_mapping: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    assert old in long_mapping
    path.write_text(long_mapping.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        open_source(f"csv:{path}")
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert str(path) in caught.value.where


def test_a_quantity_needs_its_unit(long_mapping: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(long_mapping.replace("[constants]", 'quantity = "q"\n[constants]'), encoding="utf-8")
    with pytest.raises(MappingError, match="quantity_unit"):
        read_mapping(path)


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        open_source(f"csv:{tmp_path / 'absent.toml'}")
    (tmp_path / "latin.toml").write_bytes(b'id = "\xe9"')
    with pytest.raises(MappingError, match="not TOML"):
        read_mapping(tmp_path / "latin.toml")


WIDE = """
id = "own"
[columns]
reporter = "reporter"
partner = "partner"
product = "hs"
[constants]
flow = "import"
currency = "USD"
hs_revision = "by_year"
quantity_unit = "u"
"""


def test_years_across(read) -> None:
    table = "reporter,partner,hs,2021,2022,note\nKAZ,CHN,8703,5,:,7\nKAZ,DEU,8703,,x,\nKAZ,FRA,8703,,,\n"
    found = read(WIDE + "[wide]\ncolumns = '(?P<year>\\d{4})'\n", table)
    assert [(row["row_number"], row["cell"], row["period"], row["reason"]) for row in found.rows] == [
        (1, "2021", "2021", None),
        (2, "2022", "2022", "bad_number"),
    ]


def test_flows_measures_and_months_across(read) -> None:
    """The layout of Japan's tables, with an export column beside it."""
    table = (
        "reporter,partner,hs,Year,Quantity-Jan,Value-Jan,Quantity-Apl,Value-Apl,Quantity2-Apl,Value-Year,OUT_USD\n"
        "JPN,CHN,8703,2022,2,100,,200,9,300,50\n"
        "JPN,KOR,8703,2022,7,,3,-1,,,x\n"
    )
    mapping = WIDE.replace('product = "hs"', 'product = "hs"\nyear = "Year"').replace('flow = "import"\n', "")
    mapping += (
        "[wide]\ncolumns = '(?:(?P<measure>Value|Quantity2?)-(?P<month>\\w+))'\n"
        '[wide.measures]\nValue = "value"\nQuantity = "quantity"\nQuantity2 = "ignore"\n'
    )
    mapping = mapping.replace("[constants]", '[constants]\nflow = "import"')
    rows = read(mapping, table).rows
    keys = ("row_number", "cell", "period", "quantity", "reason")
    assert [tuple(row[key] for key in keys) for row in rows] == [
        (1, "Value-Apl", "2022-04", None, None),
        (1, "Value-Jan", "2022-01", 2.0, None),
        (1, "Value-Year", "2022", None, None),
        (2, "Value-Apl", "2022-04", 3.0, "negative_value"),
    ]


@pytest.mark.parametrize(
    ("pattern", "measures", "said"),
    [
        (r"(?P<year>19\d\d)", "", "no column fits"),
        (r"(?P<measure>[A-Z]+)_(?P<year>\d{4})", "", "does not know"),
        (r"(?P<measure>[A-Z]+)_(?P<year>\d{4})", 'V = "value"\nQ = "value"', "are the same cell"),
        (r"(?P<measure>[A-Z]+)_(?P<year>\d{4})", 'V = "ignore"\nQ = "quantity"', "have no value beside them"),
    ],
)
def test_wide_headers_that_do_not_fit(pattern: str, measures: str, said: str, read) -> None:
    mapping = WIDE + f"[wide]\ncolumns = '{pattern}'\n[wide.measures]\n{measures}\n"
    with pytest.raises(HeaderError, match=said):
        read(mapping, "reporter,partner,hs,V_2021,Q_2021\nKAZ,CHN,8703,5,5\n")


def test_a_wide_mapping_may_not_name_a_value_column(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = (
        WIDE.replace('product = "hs"', 'product = "hs"\nvalue = "v"') + "[wide]\ncolumns = '(?P<year>.*)'\n"
    )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match="leave value out"):
        read_mapping(path)


def test_a_rates_file_that_is_not_there(read, long_mapping: str) -> None:
    table = "reporter,partner,flow,period,product,value\nDEU,KGZ,export,2022,27,5\n"
    with pytest.raises(InputFileError, match="rates cannot be read"):
        read(long_mapping + '[rates]\nfile = "absent.csv"\n', table)


def test_a_table_in_dollars_asks_for_no_rate(long_mapping: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    for currency, has_rates in (("USD", False), ("us dollars", False), ("EUR", True)):
        path.write_text(long_mapping.replace('currency = "USD"', f'currency = "{currency}"'))
        assert (MappedTable.from_toml(path).reference_tables()["csv_rates"].num_rows > 0) == has_rates
