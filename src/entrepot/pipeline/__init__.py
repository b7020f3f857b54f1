"""The conductor: files into the lake, the lake into findings."""

from __future__ import annotations

from entrepot.pipeline.intake import ingest
from entrepot.pipeline.intake_report import FileReport, IngestOptions, IngestReport, Step

__all__ = ["FileReport", "IngestOptions", "IngestReport", "Step", "ingest"]
