"""COSMIC's .cxi (the coherent X-ray imaging data bank's layout) and the normalised stacks of MISTRAL."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lithiscope.verification.file_builders.picture import Picture

_JOULE = 1.602176634e-19  # per electronvolt


def write_cxi(path: Path, given: Picture, *, frame: int = 0) -> Path:
    """Write one frame: energy in J, the STXM image with the last line first, translations in m as scanned."""
    import h5py

    rows, columns = given.counts.shape[1:]
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 140
        instrument = file.create_group("entry_1/instrument_1")
        instrument["name"] = "COSMIC"
        instrument["source_1/energy"] = given.energy[frame] * _JOULE
        detector = instrument.create_group("detector_1")
        detector["STXM"] = given.counts[frame][::-1]
        y, x = np.meshgrid(given.y, given.x, indexing="ij")
        steps = np.stack([x.ravel(), y.ravel(), np.zeros(rows * columns)], axis=1)
        detector["translation"] = steps * 1e-6
        file["entry_1/start_time"] = "2023-05-04T12:30:00"
    return path


def write_mistral(path: Path, given: Picture) -> Path:
    """Write a stack of transmissions: the counts over twice the largest of them."""
    import h5py

    with h5py.File(path, "w") as file:
        group = file.create_group("SpecNormalized")
        group["spectroscopy_normalized_aligned"] = (given.counts / (2 * given.counts.max())).astype(np.float32)
        group["energy"] = given.energy
        group["x_pixel_size"] = np.array([given.x[1] - given.x[0]])
        group["y_pixel_size"] = np.array([given.y[1] - given.y[0]])
        group["Currents"] = np.full(given.energy.size, 150.0)
        group["ExpTimes"] = given.dwell
    return path
