"""What was asked and found, as a flat record that goes with every file of a search."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from entrepot.report.account import VALUATION, account_of, who
from entrepot.report.kinds import Shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrepot.detect.result import DetourResult

__all__ = ["LINEAGE", "about_detours", "lineage", "made_by"]

#: Entries of the record that say where the figures come from.
LINEAGE = ("sources", "vintages", "rows read", "files")


def made_by() -> str:
    """Return the name and version of the program."""
    return f"entrepot {metadata.version('entrepot')}"


def about_detours(result: DetourResult, *, sources: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what a reader of the table alone must know.

    Parameters
    ----------
    result
        The search.
    sources
        Rows of ``core__file``: the files that were read.

    Returns
    -------
    dict
        Amounts in full, in USD, as text. Those of a headline that is not identified are not in it.
    """
    return _asked(result) | _found(result) | lineage(sources)


def _asked(result: DetourResult) -> dict[str, str]:
    options, windows = result.options, result.windows
    origins, hubs, destinations = who(result)
    return {
        "title": account_of(result).title,
        "made by": made_by(),
        "valuation": VALUATION,
        "event": options.event,
        "before": windows.text(windows.before),
        "after": windows.text(windows.after),
        "origins": _areas(origins, options.origins or options.pooled_origins),
        "pooled origins": ", ".join(options.pooled_origins),
        "hubs": _areas(hubs, options.hubs),
        "destinations": _areas(destinations, options.destinations),
        "products": ", ".join(options.products) or "all in the data",
        "rows by": ", ".join(options.by),
        "z": f"{options.z:g}",
        "spikes": str(options.spikes),
        "seed": str(options.seed),
    }


def _found(result: DetourResult) -> dict[str, str]:
    head, said = result.headline, account_of(result)
    placebos = zip(result.placebo_labels, head.placebo_usd, strict=True)
    record = {
        "headline": said.headline,
        "what others sent": said.relay,
        "who cannot be told": said.untold,
        "status": head.status,
        "strength": said.strength,
        "baseline": head.baseline,
        "raw_increase_usd": _figure(head.raw_increase_usd),
        "excess_in_usd": _figure(head.excess_in_usd),
        "shortfall_usd": _figure(head.shortfall_usd),
        "placebos_usd": "; ".join(f"{label}: {_figure(usd)}" for label, usd in placebos),
        "calibration": said.calibration,
        "late reporters": ", ".join(said.all_late),
        "kinds": " ".join(said.kinds),
        "limits": " ".join(said.limits),
    }
    if head.status == "identified":
        parts = Shares.of(head)
        record |= {
            "estimate_usd": _figure(head.estimate_usd),
            "low_usd": _figure(head.low_usd),
            "high_usd": _figure(head.high_usd),
            "the books allow_usd": f"{_figure(head.smallest_usd)} to {_figure(head.largest_usd)}",
            "by_baseline_usd": "; ".join(f"{name}: {_figure(usd)}" for name, usd in head.by_baseline.items()),
            "onward_observed_share": f"{head.onward_observed_share:.3f}",
            "declared_usd": _figure(parts.declared),
            "unseen_usd": _figure(parts.unseen),
            "onward_unobserved_usd": _figure(parts.unobserved),
            "relay_usd (not in the estimate)": _figure(head.relay_usd),
            "relay_high_usd (not in the estimate)": _figure(head.relay_high_usd),
        }
    return record


def lineage(files: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return sources, vintages and files in words, each file with the first digits of its hash."""
    if not files:
        return {}
    vintages = sorted(str(file["vintage"]) for file in files)
    named = [
        f"{file['file_name']} ({file['vintage']}, {file['rows_stored']:,} rows, "
        f"SHA-256 {file['file_hash'][:12]}…)"
        for file in sorted(files, key=lambda file: (str(file["file_name"]), str(file["vintage"])))
    ]
    read, set_aside = (sum(file[name] for file in files) for name in ("rows_read", "rows_quarantined"))
    return {
        "sources": ", ".join(sorted({str(file["source"]) for file in files})),
        "vintages": vintages[0] if vintages[0] == vintages[-1] else f"{vintages[0]} to {vintages[-1]}",
        "rows read": f"{read:,}, of which {set_aside:,} set aside",
        "files": "; ".join(named),
    }


def _figure(value: float) -> str:
    return f"{value:.0f}"


def _areas(codes: tuple[str, ...], asked: tuple[str, ...]) -> str:
    if asked:
        return ", ".join(codes)
    return f"{', '.join(codes)} (found by the search)" if codes else "searched for, none found"
