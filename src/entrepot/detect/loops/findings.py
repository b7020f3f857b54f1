"""From judged candidates to the rows of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.loops.by_month import month_shares
from entrepot.detect.loops.legs import leg_series
from entrepot.detect.loops.net import net_trade
from entrepot.detect.loops.records import read_records, via_supply
from entrepot.detect.loops.result import LoopHeadline, LoopResult
from entrepot.detect.loops.search import FALSE
from entrepot.detect.loops.timing import share_median
from entrepot.schema import LOOP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.calibration import LoopCalibration
    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.chain_trips import ChainFindings
    from entrepot.detect.loops.chains import Chains
    from entrepot.detect.loops.measure import Tools
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.search import Judged

__all__ = ["IDENTIFIED", "Findings", "loop_result"]

#: What ``status`` says of an amount that stands.
IDENTIFIED = "identified"

_NO_EXCESS = "not identified: {leg} did not exceed what was expected"
_AS_STRONG = "not identified: placebos give findings as strong"
_UNLIKELY = "not identified: less likely than not"
_NOT_PLANTED = "not identified: nothing planted was found, so that no interval is known"
_NOT_TOLD = "not identified: the excess is under twice its own error"
_SURE_LAG = 0.8
_LAG_ENDS = (0.05, 0.95)
_SLACK = 1.25  # what went round may be somewhat more than a leg that is reported too low


@dataclass(frozen=True, slots=True)
class Findings:
    """A search before it is put into words.

    Attributes
    ----------
    tools
        Windows, expectations, months.
    judged
        Candidates measured.
    q_value, identified : (m,)
        Of each of them.
    unheard
        Candidates that were not measured.
    calibration
        Planted round trips.
    records
        What books record of goods coming home.
    """

    tools: Tools
    judged: Judged[Candidates]
    q_value: NDArray[np.float64]
    identified: NDArray[np.bool_]
    unheard: Candidates
    calibration: LoopCalibration
    records: pa.Table | None

    @property
    def cells(self) -> NDArray[np.int64]:
        """Cells of the legs of what is identified."""
        return self.judged.candidates.only(self.identified).cells


def loop_result(
    findings: Findings,
    chains: ChainFindings | None,
    options: LoopOptions,
    *,
    is_since_found: bool,
    is_asked: bool,
) -> LoopResult:
    """Return the result of a search.

    Parameters
    ----------
    findings
        The search for round trips through one via.
    chains
        That for chains; None where they were not looked for.
    options
        What was asked.
    is_since_found
        Whether the first month was searched for.
    is_asked
        Whether maker and via were both named: all their products are listed then.
    """
    tools = findings.tools
    found = findings.judged.only(np.flatnonzero(findings.identified))
    q_value = findings.q_value[findings.identified]
    columns = _found_columns(findings, found, q_value, findings.calibration)
    candidates: list[Candidates | Chains] = [found.candidates]
    if chains is not None:
        more = _found_columns(findings, chains.judged, chains.q_value, chains.calibration)
        columns = {name: np.concatenate([columns[name], more[name]]) for name in columns}
        candidates.append(chains.judged.candidates)
    order = np.argsort(-columns["estimate_usd"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    others, of_pairs_found = _other_columns(findings, found)
    listed = np.ones(of_pairs_found.size, dtype=bool) if is_asked else of_pairs_found
    parts = [_rows(columns), _rows({name: v[listed] for name, v in others.items()})]
    if chains is not None:
        parts.append(_rows(_other_chains(findings, chains)))
    table = pa.concat_tables(parts)
    series = pa.concat_tables([_series(tools, some) for some in candidates])
    head = _headline(columns, findings.calibration, chains)
    return LoopResult(
        table=table,
        unlisted=_rows({name: values[~listed] for name, values in others.items()}),
        pairs=_pairs(table),
        series=series,
        month_shares=pa.concat_tables(
            [month_shares(tools, some, _codes(tools, some)) for some in candidates]
        ),
        totals=net_trade(tools.trade, columns, findings.calibration.total_interval),
        headline=head,
        chain_calibration=chains.calibration if chains is not None else None,
        calibration=findings.calibration,
        options=options,
        windows=tools.trade.windows[0],
        is_since_found=is_since_found,
    )


def _rows(columns: dict[str, Any]) -> pa.Table:
    schema = LOOP.arrow_schema()
    return pa.table(
        {field.name: pa.array(columns[field.name], field.type, from_pandas=True) for field in schema},
        schema=schema,
    )


def _codes(tools: Tools, candidates: Candidates | Chains) -> dict[str, NDArray[Any]]:
    areas = np.array(tools.trade.areas, dtype=object)
    products = np.array(tools.trade.products, dtype=object)
    second = areas[candidates.last]
    second[candidates.last == candidates.via] = None
    return {
        "second_via": second,
        "maker": areas[candidates.maker],
        "via": areas[candidates.via],
        "hs_code": products[candidates.product],
    }


def _found_columns(
    findings: Findings,
    found: Judged[Candidates] | Judged[Chains],
    q_value: NDArray[np.float64],
    calibration: LoopCalibration,
) -> dict[str, Any]:
    """Return the columns of identified round trips."""
    tools, amounts, timing = findings.tools, found.measured.amounts, found.measured.timing
    out, back = found.measured.out, found.measured.back
    low, high = _ends(calibration, amounts.usd, amounts.log_sd)
    dearer = _markup_ends(calibration, amounts.markup, amounts.markup_sd)
    at = np.arange(timing.lag.size)
    near = sum(
        np.where(
            (timing.lag + step >= 0) & (timing.lag + step < timing.lag_share.shape[1]),
            timing.lag_share[at, (timing.lag + step).clip(0, timing.lag_share.shape[1] - 1)],
            0.0,
        )
        for step in (-1, 0, 1)
    )
    columns: dict[str, Any] = _codes(tools, found.candidates) | {
        "estimate_usd": amounts.usd,
        "low_usd": low,
        "high_usd": high,
        "markup": amounts.markup,
        "markup_low": dearer[0],
        "markup_high": dearer[1],
        "lag_months": timing.lag.astype(np.float64),
        "lag_low": np.minimum(share_median(timing.lag_share, _LAG_ENDS[0]), timing.lag).astype(np.float64),
        "lag_high": np.maximum(share_median(timing.lag_share, _LAG_ENDS[1]), timing.lag).astype(np.float64),
        "lag_probability": near,
        "onset": np.array(tools.trade.periods, dtype=object)[timing.onset],
        "q_value": q_value,
        "estimate_kg": amounts.kg,
        "status": np.full(at.size, IDENTIFIED, dtype=object),
        "conserved": np.where(found.weighed, "weight", "value").astype(object),
        "excess_out_usd": np.maximum(out.usd - out.expected_usd, 0.0),
        "excess_back_usd": np.maximum(back.usd - back.expected_usd, 0.0),
        "excess_out_kg": np.maximum(out.kg - out.expected_kg, 0.0),
        "excess_back_kg": np.maximum(back.kg - back.expected_kg, 0.0),
        "out_usd": out.usd,
        "back_usd": back.usd,
        "expected_out_usd": out.expected_usd,
        "expected_back_usd": back.expected_usd,
        "co_movement": found.measured.correlation,
    }
    return columns | _evidence(findings, found, columns)


def _evidence(
    findings: Findings, found: Judged[Candidates] | Judged[Chains], columns: dict[str, Any]
) -> dict[str, Any]:
    records = read_records(findings.tools.trade, found.candidates, findings.records)
    supply = via_supply(findings.tools.trade, found.candidates)
    kinds = {
        "re-imports recorded": np.nan_to_num(records.re_import) > 0,
        "partner is the reporter": records.home > 0,
        "re-exports recorded": np.nan_to_num(records.re_export) > 0,
        "own origin": np.nan_to_num(records.own_origin) > 0,
        "via without supply": supply < columns["estimate_usd"],
        "co-movement": (columns["lag_probability"] >= _SURE_LAG) & (found.measured.timing.log_factor >= 0),
    }
    words = [
        "; ".join(name for name, holds in kinds.items() if holds[at]) for at in range(found.log_odds.size)
    ]
    return {
        "re_imported_usd": records.re_import,
        "home_usd": records.home,
        "re_exported_usd": records.re_export,
        "own_origin_usd": records.own_origin,
        "via_supply_usd": supply,
        "evidence": np.array(words, dtype=object),
    }


def _ends(
    calibration: LoopCalibration, usd: NDArray[np.float64], log_sd: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    spread = calibration.spread()
    if spread is None:  # nothing planted was found: the interval is not known
        return np.full(usd.size, np.nan), np.full(usd.size, np.nan)
    return spread.around(usd, log_sd)


def _markup_ends(
    calibration: LoopCalibration, markup: NDArray[np.float64], log_sd: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    spread = calibration.markup_spread()
    if spread is None:
        return np.full(markup.size, np.nan), np.full(markup.size, np.nan)
    low, high = spread.around(1.0 + markup, log_sd)
    return low - 1.0, high - 1.0


def _other_columns(findings: Findings, found: Judged[Candidates]) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """Return what could have gone round unseen in all other flows, and which are of the pairs found."""
    n = len(findings.tools.trade.areas)
    failed = findings.judged.only(np.flatnonzero(~findings.identified))
    candidates = failed.candidates.joined(findings.unheard)
    q_value = np.concatenate([findings.q_value[~findings.identified], np.ones(findings.unheard.out.size)])
    of_pairs_found = np.isin(candidates.pair(n), np.unique(found.candidates.pair(n)))
    legs = {"out": candidates.out, "back": candidates.back}
    columns, order = _limits(findings.tools, candidates, legs, q_value, findings.calibration)
    is_vague = np.zeros(q_value.size, dtype=bool)
    is_vague[: failed.rows.size] = failed.is_clear & ~failed.measured.is_told
    columns["status"][is_vague[order] & (columns["status"] == _UNLIKELY)] = _NOT_TOLD
    return columns, of_pairs_found[order]


def _other_chains(findings: Findings, chains: ChainFindings) -> dict[str, Any]:
    """Return what could have gone round unseen in the other products of the chains found."""
    others = chains.others
    legs = {"out": others.out, "on": others.on, "back": others.back}
    return _limits(findings.tools, others, legs, chains.others_q, chains.calibration)[0]


def _limits(
    tools: Tools,
    candidates: Candidates | Chains,
    legs: dict[str, NDArray[np.int64]],
    q_value: NDArray[np.float64],
    calibration: LoopCalibration,
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """Return the columns of candidates that are not identified, and the order in which they stand."""
    n = len(tools.trade.areas)
    flow = {leg: tools.trade.sums[0].after[cell] for leg, cell in legs.items()}
    due = {leg: tools.expected.usd[0][cell] for leg, cell in legs.items()}
    limit = calibration.missed_factor() * (due["out"] + tools.expected.noise.floor)
    is_known = calibration.true.size > 0
    order = np.lexsort((-flow["out"], candidates.pair(n)))
    size = candidates.out.size
    nothing = np.full(size, np.nan)
    words = np.full(size, None, dtype=object)
    least = np.min(list(flow.values()), axis=0)
    columns = _codes(tools, candidates) | {
        "estimate_usd": nothing,
        "low_usd": np.where(is_known, np.zeros(size), nothing),
        "high_usd": np.where(is_known, np.minimum(limit, _SLACK * least), nothing),
        "q_value": nothing,  # what has no amount is no finding, however strong its excess
        "status": _reasons({leg: flow[leg] - due[leg] for leg in legs}, q_value, calibration),
        "excess_out_usd": np.maximum(flow["out"] - due["out"], 0.0),
        "excess_back_usd": np.maximum(flow["back"] - due["back"], 0.0),
        "out_usd": flow["out"],
        "back_usd": flow["back"],
        "expected_out_usd": due["out"],
        "expected_back_usd": due["back"],
        "via_supply_usd": via_supply(tools.trade, candidates),
    }
    texts = {"onset", "conserved", "evidence", "second_via"}
    columns |= {name: words if name in texts else nothing for name in LOOP.columns if name not in columns}
    return {name: values[order] for name, values in columns.items()}, order


def _reasons(
    excess: dict[str, NDArray[np.float64]], q_value: NDArray[np.float64], calibration: LoopCalibration
) -> NDArray[np.object_]:
    reasons = np.where(q_value < FALSE, _UNLIKELY, _AS_STRONG).astype(object)
    if calibration.spread() is None:
        reasons[q_value < FALSE] = _NOT_PLANTED
    for leg in reversed(list(excess)):
        reasons[excess[leg] <= 0] = _NO_EXCESS.format(leg=f"the way {leg}")
    return reasons


def _pairs(table: pa.Table) -> pa.Table:
    """Return maker, via and second via with the sum of what was identified, largest first."""
    rows = table.filter(pa.compute.equal(table["status"], IDENTIFIED))
    groups: dict[tuple[str, str, str | None], list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        groups.setdefault((row["maker"], row["via"], row["second_via"]), []).append(row)
    found = []
    for (maker, via, second), members in groups.items():
        dearer = [row["markup"] for row in members if row["markup"] is not None]
        found.append(
            {
                "maker": maker,
                "via": via,
                "second_via": second,
                "products": len(members),
                "estimate_usd": sum(row["estimate_usd"] for row in members),
                "markup": float(np.median(dearer)) if dearer else None,
                "lag_months": float(np.median([row["lag_months"] for row in members])),
            }
        )
    found.sort(key=lambda row: -row["estimate_usd"])
    schema = pa.schema(
        [
            ("maker", pa.string()),
            ("via", pa.string()),
            ("second_via", pa.string()),
            ("products", pa.int64()),
            ("estimate_usd", pa.float64()),
            ("markup", pa.float64()),
            ("lag_months", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(found, schema=schema)


def _series(tools: Tools, candidates: Candidates | Chains) -> pa.Table:
    """Return the first and the last leg of the products found, by pair and month."""
    legs = leg_series(tools, candidates.ends)
    codes = _codes(tools, candidates)
    pair, first, at = np.unique(
        candidates.pair(len(tools.trade.areas)), return_index=True, return_inverse=True
    )
    months = len(tools.trade.periods)
    sums = []
    for leg in legs:
        by_pair = np.zeros((pair.size, months))
        np.add.at(by_pair, at, leg)
        sums.append(by_pair.ravel())
    named = ("maker", "via", "second_via")
    return pa.table(
        {
            **{name: pa.array(np.repeat(codes[name][first], months), pa.string()) for name in named},
            "period": pa.array(list(tools.trade.periods) * pair.size, pa.string()),
            "out_usd": sums[0],
            "back_usd": sums[1],
            "expected_out_usd": sums[2],
            "expected_back_usd": sums[3],
        }
    )


def _headline(
    columns: dict[str, Any], calibration: LoopCalibration, chains: ChainFindings | None
) -> LoopHeadline:
    usd, q_value = columns["estimate_usd"], columns["q_value"]
    is_chain = np.array([second is not None for second in columns["second_via"]], dtype=bool)
    low, high = calibration.total_interval(float(usd[~is_chain].sum())) if not is_chain.all() else (0.0, 0.0)
    if chains is not None and is_chain.any():
        ends = chains.calibration.total_interval(float(usd[is_chain].sum()))
        low, high = low + ends[0], high + ends[1]
    return LoopHeadline(
        estimate_usd=float(usd.sum()),
        low_usd=low,
        high_usd=high,
        rows=q_value.size,
        pairs=len(set(zip(*(columns[name] for name in ("maker", "via", "second_via")), strict=True))),
        chains=int(is_chain.sum()),
        by_value=int((columns["conserved"] == "value").sum()),
        placebo_rows=float(q_value.max() * q_value.size) if q_value.size else 0.0,
    )
