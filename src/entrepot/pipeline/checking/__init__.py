"""Checks of a lake: what is wrong or missing in it, how grave that is, and what to do next."""

from __future__ import annotations

from entrepot.pipeline.checking.findings import CheckOptions, CheckReport, Finding
from entrepot.pipeline.checking.lake_check import check_lake

__all__ = ["CheckOptions", "CheckReport", "Finding", "check_lake"]
