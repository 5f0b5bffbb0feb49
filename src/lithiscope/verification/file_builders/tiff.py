"""A TIFF stack and the YAML beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lithiscope.verification.file_builders.picture import Picture


def write_tiff(path: Path, given: Picture, *, kind: str = "counts", extra: str = "") -> Path:
    """Write a stack as float32, first page first energy, and what a TIFF cannot say as YAML."""
    import tifffile

    tifffile.imwrite(path, given.counts.astype(np.float32), photometric="minisblack")
    lines = [
        f"kind: {kind}",
        f"energies_ev: {given.energy.tolist()}",
        f"pixel_size_um: [{given.y[1] - given.y[0]}, {given.x[1] - given.x[0]}]",
        f"origin_um: [{given.y[0]}, {given.x[0]}]",
        "start: 2023-05-04T12:30:00",
        f"dwell_s: {given.dwell.tolist()}",
        extra,
    ]
    path.with_suffix(".yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
