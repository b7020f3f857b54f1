"""Concordances conserve value both ways, avoid the known traps, and agree with UN's tables."""

from __future__ import annotations

from itertools import pairwise, permutations

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.errors import OptionError, UnknownCodeError
from entrepot.nomenclature import (
    CONCORDANCE_SCHEMA,
    HS_REVISIONS,
    code_links,
    concordance,
    has_hs_code,
    hs_codes,
    list_codes,
)

PAIRS = list(permutations(HS_REVISIONS, 2))
#: Codes without a counterpart: waste that came out of a thousand codes, and one that UN's tables leave out.
ORPHANS = {"HS2022": {"854921", "854929", "854931", "854939", "854991", "854999"}, "HS2017": {"300219"}}


@pytest.fixture(scope="module")
def un_tables(realdata):
    """Return UN's links by (newer, older, kind): pairs of a newer and an older code."""
    table = pq.read_table(realdata / "hs-nomenclature" / "un_hs_concordances.parquet")
    found: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    names = ("from_vintage", "to_vintage", "table", "from_code", "to_code")
    for newer, older, kind, code, other in zip(*(table[name].to_pylist() for name in names), strict=True):
        found.setdefault((newer, older, kind), set()).add((code, other))
    return found


@pytest.mark.parametrize("target", HS_REVISIONS)
@pytest.mark.parametrize("rule", ["kept", "equal"])
def test_the_weights_of_every_code_sum_to_one(target, rule):
    made = concordance(target, rule=rule)
    assert set(made.shares) == set(HS_REVISIONS) - {target}
    for source, codes in made.shares.items():
        for code, targets in codes.items():
            assert sum(targets.values()) == pytest.approx(1.0, abs=1e-12), (source, code)
            assert all(weight > 0 for weight in targets.values())
            assert all(has_hs_code(one, target) and len(one) == len(code) for one in targets)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_code_has_a_counterpart_but_the_known_orphans(source, target):
    shares = concordance(target, source=source).shares[source]
    without = {code for code in hs_codes(source) if code not in shares}
    is_forward = source < target
    if source == "HS2022":
        assert without == ORPHANS["HS2022"]
    elif (source, target) == ("HS2017", "HS2022"):
        assert without == ORPHANS["HS2017"]
    else:
        assert without == set(), is_forward


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_value_is_conserved_there_and_back(source, target):
    there, back = concordance(target, source=source), concordance(source, source=target)
    values = {
        code: float(1 + index % 97) for index, code in enumerate(there.shares[source]) if len(code) == 6
    }
    moved = _carried(values, there.shares[source])
    assert sum(moved.values()) == pytest.approx(sum(values.values()), rel=1e-12)
    returned = _carried(
        {code: moved[code] for code in moved if code in back.shares[target]}, back.shares[target]
    )
    lost = sum(value for code, value in moved.items() if code not in back.shares[target])
    assert sum(returned.values()) + lost == pytest.approx(sum(values.values()), rel=1e-12)


def _carried(values, shares):
    found: dict[str, float] = {}
    for code, value in values.items():
        for target, weight in shares[code].items():
            found[target] = found.get(target, 0.0) + value * weight
    return found


def test_a_code_that_was_only_renumbered_comes_back_as_itself():
    there, back = concordance("HS2022", source="HS2017"), concordance("HS2017", source="HS2022")
    assert there.of("880330", "HS2017") == {"880730": 1.0}
    assert back.of("880730", "HS2022") == {"880330": 1.0}
    unchanged = [c for c in hs_codes("HS2017") if there.of(c, "HS2017") == back.of(c, "HS2022") == {c: 1.0}]
    assert len(unchanged) > 5000


@pytest.mark.parametrize(
    ("code", "ancestor"),
    [
        ("854151", "854150"), ("854159", "854150"), ("854800", "854890"), ("880730", "880330"),
        ("852589", "852580"), ("854149", "854140"),
    ],
)  # fmt: skip
def test_the_six_new_priority_codes_go_to_their_ancestors(code, ancestor):
    for rule in ("kept", "equal"):
        assert concordance("HS2017", source="HS2022", rule=rule).of(code, "HS2022") == {ancestor: 1.0}
        assert code in concordance("HS2022", source="HS2017", rule=rule).of(ancestor, "HS2017")


def test_no_priority_code_is_diluted_in_older_revisions():
    """UN's correlation links 854231 to 159 codes of HS2012; equal shares would spread chips over them all."""
    back = concordance("HS2012", source="HS2017")
    for code in ("854231", "854232", "854233", "854239"):
        assert back.of(code, "HS2017") == {code: 1.0}
    assert "851712" not in concordance("HS2017", source="HS2022").of("852491", "HS2022")
    for code in list_codes("CHPL"):
        assert concordance("HS2017", source="HS2022").of(code, "HS2022")


def test_the_rules_differ_where_a_code_keeps_its_number():
    kept, equal = (concordance("HS2022", source="HS2017", rule=rule) for rule in ("kept", "equal"))
    assert kept.of("852990", "HS2017") == {"852990": 1.0}
    assert equal.of("852990", "HS2017")["852990"] == pytest.approx(1 / 7)
    assert kept.of("8529", "HS2017") == {"8529": 1.0}
    assert 0 < equal.of("8529", "HS2017")["8524"] < 1


def test_chains_go_through_every_revision_between():
    long = concordance("HS2022", source="HS1992")
    value = {"854211": 100.0}
    for here, there in pairwise(HS_REVISIONS):
        value = _carried(value, concordance(there, source=here).shares[here])
    assert value == pytest.approx({c: 100 * w for c, w in long.of("854211", "HS1992").items()})


def test_shares_are_learnt_where_both_revisions_were_seen():
    values = {
        "H5": {"854140": 50.0, "852990": 70.0},
        "H6": {"854142": 30.0, "854143": 70.0, "852990": 80.0, "852412": 20.0},
    }
    made = concordance("HS2022", source="HS2017", values=values)
    assert made.is_learnt
    assert made.of("854140", "HS2017") == pytest.approx({"854142": 0.3, "854143": 0.7})
    assert made.of("852990", "HS2017") == pytest.approx({"852990": 0.8, "852412": 0.2})
    assert made.of("8529", "HS2017") == pytest.approx({"8529": 0.8, "8524": 0.2})
    assert made.of("870120", "HS2017") == concordance("HS2022", source="H5").of("870120", "H5")


def test_learnt_shares_recover_the_truth_of_a_family_with_merges():
    """Two old codes, two new ones: A splits into X and Y, B goes to Y; the values leave one answer."""
    links = code_links("HS2017")
    olds: dict[str, set[str]] = {}
    for old, new in links:
        olds.setdefault(new, set()).add(old)
    back = concordance(
        "HS2017",
        source="HS2022",
        values={
            "HS2017": {"852990": 60.0, "901380": 40.0},
            "HS2022": {"852990": 30.0, "901380": 30.0, "852491": 40.0},
        },
    )
    assert back.of("852491", "HS2022") == pytest.approx({"852990": 0.75, "901380": 0.25})
    assert olds["852491"] == {"852990", "901380"}


@settings(deadline=None)
@given(
    before=st.dictionaries(st.sampled_from(hs_codes("HS2017")), st.floats(0, 1e9), max_size=60),
    after=st.dictionaries(st.sampled_from(hs_codes("HS2022")), st.floats(0, 1e9), max_size=60),
    is_forward=st.booleans(),
)
def test_learnt_weights_sum_to_one_whatever_was_seen(before, after, is_forward):
    source, target = ("HS2017", "HS2022") if is_forward else ("HS2022", "HS2017")
    made = concordance(target, source=source, values={"HS2017": before, "HS2022": after, "HS1992": {}})
    plain = concordance(target, source=source)
    assert set(made.shares[source]) == set(plain.shares[source])
    for targets in made.shares[source].values():
        assert sum(targets.values()) == pytest.approx(1.0, abs=1e-9)
        assert min(targets.values()) >= 0


def test_the_table_has_one_row_a_link():
    table = concordance("HS2017").table()
    assert table.schema == CONCORDANCE_SCHEMA
    keys = list(zip(*(table[name].to_pylist() for name in CONCORDANCE_SCHEMA.names[:3]), strict=True))
    assert len(keys) == len(set(keys)) > 30_000
    assert concordance("HS2017", source="HS2017").table().num_rows == 0


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="no rule"):
        concordance("HS2017", rule="fair")
    with pytest.raises(UnknownCodeError, match="HS2050"):
        concordance("HS2050")
    with pytest.raises(UnknownCodeError, match="does not begin"):
        concordance("HS2017", source="HS2022").of("854140", "HS2012")
    assert concordance("HS2017").of("854140", "H5") == {"854140": 1.0}


# --- against UN's own tables ----------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.parametrize(("older", "newer"), list(pairwise(HS_REVISIONS)))
def test_links_follow_the_stated_rule(older, newer, un_tables):
    """The shipped links are what the rule of SOURCES.md gives from UN's two tables, written here anew."""
    correlation = {(o, n) for n, o in un_tables[newer, older, "correlation"]}
    conversion = {(o, n) for n, o in un_tables[newer, older, "conversion"]} & correlation
    if newer == "HS2022":
        corrected = {n: {"852990"} for n in ("852412", "852419", "852492", "852499")}
        corrected |= {n: {"852990", "901380"} for n in ("852411", "852491")}
        corrected |= {n: {"854150"} for n in ("854151", "854159")} | {n: set() for n in ORPHANS["HS2022"]}
        right = {(o, n) for n, found in corrected.items() for o in found}
        correlation = {link for link in correlation if link[1] not in corrected} | right
        conversion = {link for link in conversion if link[1] not in corrected} | right
    chosen = conversion | {link for link in correlation if link[0] == link[1]}
    links = set(chosen)
    for side in (0, 1):
        covered = {link[side] for link in chosen}
        for code in {link[side] for link in correlation} - covered:
            own = {link for link in correlation if link[side] == code}
            links |= next(
                near for k in (4, 2, 0) if (near := {link for link in own if link[0][:k] == link[1][:k]})
            )
    if newer == "HS2012":
        links.add(("291636", "291616"))
    links |= {(code, code) for code in set(hs_codes(older)) & set(hs_codes(newer))}
    assert set(code_links(older)) == links


@pytest.mark.realdata
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_chains_agree_with_uns_direct_tables(source, target, un_tables):
    """Both ways, all 21 pairs: nearly all chained weight lies on links of UN's direct correlation table."""
    newer, older = max(source, target), min(source, target)
    direct = un_tables[newer, older, "correlation"]
    is_back = source == newer
    inside = outside = 0.0
    for code, targets in concordance(target, source=source).shares[source].items():
        if len(code) == 6 and code != "999999":
            for one, weight in targets.items():
                link = (code, one) if is_back else (one, code)
                inside, outside = (inside + weight, outside) if link in direct else (inside, outside + weight)
    assert inside / (inside + outside) > 0.985, (inside, outside)
    if is_back:
        conversion = dict(un_tables[newer, older, "conversion"])
        shares = concordance(target, source=source).shares[source]
        same = sum(conversion[code] in shares[code] for code in conversion if code in shares)
        assert same / len(conversion) > 0.95, same / len(conversion)


@pytest.mark.realdata
@pytest.mark.parametrize("revision", HS_REVISIONS)
def test_codes_are_those_of_the_publisher(revision, realdata):
    table = pq.read_table(realdata / "hs-nomenclature" / "hs_nomenclature_1992_2022.parquet")
    rows = [row for row in table.to_pylist() if row["vintage"] == revision and row["digits"]]
    legacy = {row["code"] for row in rows if "LEGACY NON-WCO" in row["description"]}
    for level in (2, 4, 6):
        published = {row["code"] for row in rows if row["digits"] == level} - legacy
        assert set(hs_codes(revision, level=level)) == published, level


@pytest.mark.realdata
def test_kept_codes_keep_their_goods(realdata):
    """Why "kept" is the rule: of US imports in 2024 a code that split and kept its number has 94%."""
    table = pq.read_table(realdata / "us-census-hs10" / "us_imports_2024_hs10_by_country.parquet")
    value: dict[str, float] = {}
    for code, usd in zip(table["HS10"].to_pylist(), table["imports"].to_pylist(), strict=True):
        value[code[:6]] = value.get(code[:6], 0.0) + usd
    children: dict[str, set[str]] = {}
    parents: dict[str, set[str]] = {}
    for old, new in code_links("HS2017"):
        children.setdefault(old, set()).add(new)
        parents.setdefault(new, set()).add(old)
    wrong = {"kept": 0.0, "equal": 0.0}
    total = 0.0
    for old, news in children.items():
        whole = sum(value.get(new, 0.0) for new in news)
        if len(news) > 1 and old in news and whole and not any(len(parents[n]) > 1 for n in news - {old}):
            total += whole
            for rule in wrong:
                shares = concordance("HS2022", source="HS2017", rule=rule).of(old, "HS2017")
                wrong[rule] += sum(abs(shares.get(n, 0.0) * whole - value.get(n, 0.0)) for n in news) / 2
    assert wrong["kept"] / total < 0.07
    assert wrong["equal"] / total > 0.4
