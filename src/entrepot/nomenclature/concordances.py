"""Weighted concordances between any two revisions of the Harmonized System, chained through adjacent ones.

The links between adjacent revisions (``data/hs_links.csv``) come from the correlation tables of the UN
Statistics Division, without the links that carry next to nothing, and with the corrections that
``data/SOURCES.md`` names. A weight is the share of a code's trade that goes to a code of the other
revision: the weights of a code sum to one in either direction, so values are conserved both ways. The two
directions are two tables, not a matrix and its inverse.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import pyarrow as pa

from entrepot.errors import OptionError, UnknownCodeError
from entrepot.nomenclature.code_lists import has_hs_code, hs_codes
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.hs import HS_REVISIONS, TOTAL, revision_of
from entrepot.nomenclature.learnt_shares import learnt_shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.nomenclature.learnt_shares import Shares

__all__ = [
    "CONCORDANCE_SCHEMA",
    "Concordance",
    "ShareRule",
    "changed_codes",
    "code_links",
    "concordance",
    "renumbered",
]

ShareRule = Literal["kept", "equal"]
_RULES: tuple[ShareRule, ...] = get_args(ShareRule)

#: Columns of a concordance: grain source_revision × source_code × target_code.
CONCORDANCE_SCHEMA = pa.schema(
    [
        ("source_revision", pa.string()),
        ("source_code", pa.string()),
        ("target_code", pa.string()),
        ("weight", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Concordance:
    """What the codes of other revisions become in one revision.

    Attributes
    ----------
    target
        The revision that all is brought to.
    shares
        For each source revision, by source code, the share of every target code. Codes of 6, 4 and 2 digits
        and TOTAL; a code without a counterpart has no entry.
    is_learnt
        Whether trade values had a part in the weights.
    """

    target: str
    shares: Mapping[str, Mapping[str, Mapping[str, float]]]
    is_learnt: bool = False

    def of(self, code: str, source: str) -> dict[str, float]:
        """Return the targets of a code with their weights; empty where it has no counterpart.

        Raises
        ------
        UnknownCodeError
            The source revision is not in the concordance.
        """
        known = revision_of(source)
        if known == self.target:
            return {code: 1.0}
        if known not in self.shares:
            raise UnknownCodeError(
                f"this concordance does not begin in {known}",
                hint=f"it begins in {', '.join(self.shares)}; make one with concordance({self.target!r})",
            )
        return dict(self.shares[known].get(code, {}))

    def table(self) -> pa.Table:
        """Return the weights as a table.

        Returns
        -------
        pyarrow.Table
            **Grain**: source_revision × source_code × target_code. ``weight`` is over zero and sums to one
            over the targets of a source code. The target revision itself is not among the sources.
        """
        rows = [
            (source, code, target, weight)
            for source, codes in self.shares.items()
            for code, targets in codes.items()
            for target, weight in targets.items()
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(CONCORDANCE_SCHEMA)
        return pa.table(
            [pa.array(column, field.type) for column, field in zip(columns, CONCORDANCE_SCHEMA, strict=True)],
            schema=CONCORDANCE_SCHEMA,
        )


def concordance(
    target: str,
    *,
    source: str | None = None,
    rule: ShareRule = "kept",
    values: Mapping[str, Mapping[str, float]] | None = None,
) -> Concordance:
    """Return the weighted concordance to a revision.

    When to use: going to the *older* of two revisions mostly merges codes and is nearly exact; going to the
    newer splits them, and the shares of a split are an assumption unless they are learnt.

    Parameters
    ----------
    target, source
        Revisions in any spelling of ``revision_of``; without a source all other revisions are sources.
    rule
        What happens to a code with several counterparts. ``kept``: a code that keeps its number keeps its
        goods (the customs administrations give a new number where the scope changes much); the others
        are shared equally. ``equal``: all are shared equally.
    values
        Trade values by code, by revision, in one currency. Between adjacent revisions that both have values
        the shares are learnt from them, where they say anything; elsewhere the rule holds.

    Raises
    ------
    UnknownCodeError
        A revision is unknown.
    OptionError
        The rule is unknown.

    Examples
    --------
    >>> back = concordance("HS2017", source="HS2022")
    >>> back.of("854151", "HS2022"), back.of("880730", "HS2022")
    ({'854150': 1.0}, {'880330': 1.0})
    >>> concordance("HS2022", source="HS2017").of("854140", "HS2017")
    {'854141': 0.25, '854142': 0.25, '854143': 0.25, '854149': 0.25}
    """
    if rule not in _RULES:
        raise OptionError(
            f"{rule!r} is no rule for shares", hint=f"rules are {', '.join(_RULES)}; or give values"
        )
    goal = revision_of(target)
    sources = [revision_of(source)] if source else list(HS_REVISIONS)
    sources = [one for one in sources if one != goal]
    if not values:
        return Concordance(goal, {one: _default_shares(one, goal, rule) for one in sources})
    named = {revision_of(name): codes for name, codes in values.items()}
    found = {one: _all_levels(_chained(one, goal, rule, named), one, rule, named.get(one)) for one in sources}
    return Concordance(goal, found, is_learnt=True)


@cache
def _default_shares(source: str, target: str, rule: ShareRule) -> Shares:
    return _all_levels(_chained(source, target, rule, {}), source, rule, None)


@cache
def code_links(older: str) -> tuple[tuple[str, str], ...]:
    """Return the links of a revision to the next: pairs of an older and a newer code.

    A code that both have is linked with itself.
    """
    newer = HS_REVISIONS[HS_REVISIONS.index(older) + 1]
    both = set(hs_codes(older)) & set(hs_codes(newer))
    moved = ((row["old_code"], row["new_code"]) for row in fact_rows("hs_links") if row["revision"] == newer)
    return tuple(sorted({*((code, code) for code in both), *moved}))


@cache
def renumbered(older: str, newer: str) -> Mapping[str, str]:
    """Return the codes of a revision that another one took over from, one from one, under a new number.

    Examples
    --------
    >>> renumbered("HS2017", "HS2022")["880330"]
    '880730'
    """
    forward, back = _default_shares(older, newer, "kept"), _default_shares(newer, older, "kept")
    found: dict[str, str] = {}
    for old, targets in forward.items():
        (new, *others) = targets
        is_alone = len(old) == 6 and not others and set(back.get(new, ())) == {old}
        if is_alone and old not in back and new not in forward:
            found[old] = new
    return found


@cache
def changed_codes(source: str, target: str) -> frozenset[str]:
    """Return the six-digit codes of a revision whose goods are not exactly those of their number in another.

    Those that have another number there, or several, or that share their number there with others.
    """
    there, back = _default_shares(source, target, "kept"), _default_shares(target, source, "kept")
    joined = Counter(goal for code, targets in there.items() if len(code) == 6 for goal in targets)
    return frozenset(
        code
        for code in hs_codes(source)
        if set(there.get(code, ())) != {code} or joined[code] > 1 or set(back.get(code, ())) != {code}
    )


def _chained(
    source: str, target: str, rule: ShareRule, values: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Return the shares of six-digit codes along all revisions from source to target."""
    first, last = HS_REVISIONS.index(source), HS_REVISIONS.index(target)
    way = HS_REVISIONS[first : last + 1] if first < last else HS_REVISIONS[last : first + 1][::-1]
    shares = {code: {code: 1.0} for code in hs_codes(source)}
    for here, there in pairwise(way):
        step = _step(here, there, rule, values)
        shares = {code: _onward(targets, step) for code, targets in shares.items()}
    return {code: targets for code, targets in shares.items() if targets}


def _onward(targets: Mapping[str, float], step: Shares) -> dict[str, float]:
    """Carry shares one revision further; what meets no counterpart is shared among the rest."""
    carried: dict[str, float] = {}
    for code, weight in targets.items():
        for onward, share in step.get(code, {}).items():
            carried[onward] = carried.get(onward, 0.0) + weight * share
    whole = sum(carried.values())
    return {code: weight / whole for code, weight in carried.items()} if whole else {}


def _step(here: str, there: str, rule: ShareRule, values: Mapping[str, Mapping[str, float]]) -> Shares:
    """Return the shares between adjacent revisions."""
    is_forward = HS_REVISIONS.index(here) < HS_REVISIONS.index(there)
    links = code_links(here if is_forward else there)
    targets: dict[str, list[str]] = {}
    for older, newer in links:
        code, other = (older, newer) if is_forward else (newer, older)
        targets.setdefault(code, []).append(other)
    shares = {code: _shared(code, others, rule) for code, others in targets.items()}
    if here in values and there in values:
        shares |= learnt_shares(targets, values[here], values[there])
    return shares


def _shared(code: str, others: list[str], rule: ShareRule) -> dict[str, float]:
    if rule == "kept" and code in others:
        return {code: 1.0}
    return dict.fromkeys(others, 1.0 / len(others))


def _all_levels(
    six: Shares, source: str, rule: ShareRule, values: Mapping[str, float] | None
) -> dict[str, dict[str, float]]:
    """Add headings, chapters and TOTAL to the shares of six-digit codes.

    A heading's shares are the mean of its codes', weighted by value where values are known. By the rule
    ``kept`` one that has its number in the target revision stays whole.
    """
    found: dict[str, dict[str, float]] = {code: dict(targets) for code, targets in six.items()}
    still = {target[:level] for targets in six.values() for target in targets for level in (2, 4)}
    for level in (4, 2):
        members: dict[str, list[str]] = {}
        for code in six:
            members.setdefault(code[:level], []).append(code)
        for code, below in members.items():
            if rule == "kept" and not values and code in still:
                found[code] = {code: 1.0}
            else:
                found[code] = _mean(six, below, level, values or {})
    found[TOTAL] = {TOTAL: 1.0}
    return {code: found[code] for code in sorted(found) if has_hs_code(code, source)}


def _mean(six: Shares, below: list[str], level: int, values: Mapping[str, float]) -> dict[str, float]:
    size = {code: max(values.get(code, 0.0), 0.0) for code in below}
    whole = sum(size.values())
    if not whole:
        size, whole = dict.fromkeys(below, 1.0), float(len(below))
    found: dict[str, float] = {}
    for code in below:
        for target, share in six[code].items():
            if size[code]:
                key = target[:level]
                found[key] = found.get(key, 0.0) + share * size[code] / whole
    total = sum(found.values())  # off by rounding: a single target has all, not nearly all
    return {target: share / total for target, share in found.items()}
