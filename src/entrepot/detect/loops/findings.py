"""From judged candidates to the rows of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.loops.measure import leg_series
from entrepot.detect.loops.net import net_trade
from entrepot.detect.loops.records import read_records, via_supply
from entrepot.detect.loops.result import LoopHeadline, LoopResult
from entrepot.schema import LOOP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.calibration import LoopCalibration
    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.measure import Tools
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.search import Judged

__all__ = ["IDENTIFIED", "Findings", "loop_result"]

#: What ``status`` says of an amount that stands.
IDENTIFIED = "identified"

_NO_EXCESS = "not identified: {leg} did not exceed what was expected"
_AS_STRONG = "not identified: placebos give findings as strong"
_OTHER_WAY = "not identified: likelier the other way round"
_SURE_LAG = 0.8
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
    judged: Judged
    q_value: NDArray[np.float64]
    identified: NDArray[np.bool_]
    unheard: Candidates
    calibration: LoopCalibration
    records: pa.Table | None


def loop_result(
    findings: Findings, options: LoopOptions, *, is_since_found: bool, is_asked: bool
) -> LoopResult:
    """Return the result of a search.

    Parameters
    ----------
    findings
        The search.
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
    columns = _found_columns(findings, found, q_value)
    others = _other_columns(findings, found, is_asked=is_asked)
    table = pa.table(
        {
            field.name: pa.array(
                np.concatenate([columns[field.name], others[field.name]]), field.type, from_pandas=True
            )
            for field in LOOP.arrow_schema()
        },
        schema=LOOP.arrow_schema(),
    )
    series = _series(tools, found.candidates)
    return LoopResult(
        table=table,
        pairs=_pairs(table),
        series=series,
        totals=net_trade(tools.trade, columns, findings.calibration.total_interval),
        headline=_headline(findings, columns, q_value),
        calibration=findings.calibration,
        options=options,
        windows=tools.trade.windows[0],
        is_since_found=is_since_found,
    )


def _codes(tools: Tools, candidates: Candidates) -> dict[str, NDArray[Any]]:
    areas = np.array(tools.trade.areas, dtype=object)
    products = np.array(tools.trade.products, dtype=object)
    return {
        "maker": areas[candidates.maker],
        "via": areas[candidates.via],
        "hs_code": products[candidates.product],
    }


def _found_columns(findings: Findings, found: Judged, q_value: NDArray[np.float64]) -> dict[str, Any]:
    """Return the columns of the identified round trips, largest first."""
    tools, amounts, timing = findings.tools, found.measured.amounts, found.measured.timing
    out, back = found.measured.out, found.measured.back
    low, high = _ends(findings.calibration, amounts.usd, amounts.log_sd)
    dearer = _markup_ends(findings.calibration, amounts.markup, amounts.markup_sd)
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
    columns |= _evidence(findings, found, columns)
    order = np.argsort(-amounts.usd, kind="stable")
    return {name: values[order] for name, values in columns.items()}


def _evidence(findings: Findings, found: Judged, columns: dict[str, Any]) -> dict[str, Any]:
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


def _other_columns(findings: Findings, found: Judged, *, is_asked: bool) -> dict[str, Any]:
    """Return the other products of the pairs found, or asked about: what could have gone round unseen."""
    tools = findings.tools
    n = len(tools.trade.areas)
    failed = findings.judged.only(np.flatnonzero(~findings.identified))
    candidates = failed.candidates.joined(findings.unheard)
    q_value = np.concatenate([findings.q_value[~findings.identified], np.ones(findings.unheard.out.size)])
    if not is_asked:
        kept = np.isin(candidates.pair(n), np.unique(found.candidates.pair(n)))
        candidates, q_value = candidates.only(kept), q_value[kept]
    sums, expected = tools.trade.sums[0], tools.expected.usd[0]
    out, back = sums.after[candidates.out], sums.after[candidates.back]
    expected_out, expected_back = expected[candidates.out], expected[candidates.back]
    limit = findings.calibration.missed_factor() * (expected_out + tools.expected.noise.floor)
    is_known = findings.calibration.true.size > 0
    order = np.lexsort((-out, candidates.pair(n)))
    size = candidates.out.size
    nothing = np.full(size, np.nan)
    words = np.full(size, None, dtype=object)
    columns = _codes(tools, candidates) | {
        "estimate_usd": nothing,
        "low_usd": np.where(is_known, np.zeros(size), nothing),
        "high_usd": np.where(is_known, np.minimum(limit, _SLACK * np.minimum(out, back)), nothing),
        "q_value": q_value,
        "status": _reasons(out - expected_out, back - expected_back),
        "excess_out_usd": np.maximum(out - expected_out, 0.0),
        "excess_back_usd": np.maximum(back - expected_back, 0.0),
        "out_usd": out,
        "back_usd": back,
        "expected_out_usd": expected_out,
        "expected_back_usd": expected_back,
        "via_supply_usd": via_supply(tools.trade, candidates),
    }
    texts = {"onset", "conserved", "evidence"}
    columns |= {name: words if name in texts else nothing for name in LOOP.columns if name not in columns}
    return {name: values[order] for name, values in columns.items()}


def _reasons(excess_out: NDArray[np.float64], excess_back: NDArray[np.float64]) -> NDArray[np.object_]:
    reasons = np.full(excess_out.size, _AS_STRONG, dtype=object)
    reasons[excess_back <= 0] = _NO_EXCESS.format(leg="the way back")
    reasons[excess_out <= 0] = _NO_EXCESS.format(leg="the way out")
    return reasons


def _pairs(table: pa.Table) -> pa.Table:
    """Return maker and via with the sum of what was identified, largest first."""
    rows = table.filter(pa.compute.equal(table["status"], IDENTIFIED))
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        groups.setdefault((row["maker"], row["via"]), []).append(row)
    found = []
    for (maker, via), members in groups.items():
        dearer = [row["markup"] for row in members if row["markup"] is not None]
        found.append(
            {
                "maker": maker,
                "via": via,
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
            ("products", pa.int64()),
            ("estimate_usd", pa.float64()),
            ("markup", pa.float64()),
            ("lag_months", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(found, schema=schema)


def _series(tools: Tools, candidates: Candidates) -> pa.Table:
    """Return the legs of the products found, by pair and month."""
    legs = leg_series(tools, candidates)
    codes = _codes(tools, candidates)
    pair, at = np.unique(candidates.pair(len(tools.trade.areas)), return_inverse=True)
    first = {number: row for row, number in reversed(list(enumerate(at.tolist())))}
    months = len(tools.trade.periods)
    sums = []
    for leg in legs:
        by_pair = np.zeros((pair.size, months))
        np.add.at(by_pair, at, leg)
        sums.append(by_pair.ravel())
    rows = [first[number] for number in range(pair.size)]
    return pa.table(
        {
            "maker": pa.array(np.repeat(codes["maker"][rows], months), pa.string()),
            "via": pa.array(np.repeat(codes["via"][rows], months), pa.string()),
            "period": pa.array(list(tools.trade.periods) * pair.size, pa.string()),
            "out_usd": sums[0],
            "back_usd": sums[1],
            "expected_out_usd": sums[2],
            "expected_back_usd": sums[3],
        }
    )


def _headline(findings: Findings, columns: dict[str, Any], q_value: NDArray[np.float64]) -> LoopHeadline:
    total = float(columns["estimate_usd"].sum())
    low, high = findings.calibration.total_interval(total)
    pairs = {(maker, via) for maker, via in zip(columns["maker"], columns["via"], strict=True)}
    return LoopHeadline(
        estimate_usd=total,
        low_usd=low,
        high_usd=high,
        rows=q_value.size,
        pairs=len(pairs),
        by_value=int((columns["conserved"] == "value").sum()),
        placebo_rows=float(q_value.max() * q_value.size) if q_value.size else 0.0,
    )
