"""The conductor: files into the lake, the lake into findings."""

from __future__ import annotations

from entrepot.pipeline.intake import FileReport, IngestOptions, IngestReport, Step, ingest

__all__ = ["FileReport", "IngestOptions", "IngestReport", "Step", "ingest"]
