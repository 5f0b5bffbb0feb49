"""Stony Brook stacks (.stk), big-endian, and aXis2000 stacks (.ncb), little-endian with a text header beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lithiscope.verification.file_builders.picture import Picture


def write_stk(path: Path, given: Picture) -> Path:
    """Write columns, rows and energies (int32), then x, y, energy, dwell in ms and the stack (float32)."""
    frames, rows, columns = given.counts.shape
    parts = [np.array([columns, rows, frames], dtype=">i4").tobytes()]
    floats = (given.x, given.y, given.energy, given.dwell * 1e3, given.counts)
    parts += [np.asarray(values).astype(">f4").tobytes() for values in floats]
    path.write_bytes(b"".join(parts))
    return path


def write_ncb(path: Path, given: Picture, *, scale: float = -1.0) -> Path:
    """Write a stack and its .dat; a negative scale means float32, a positive one int16 of the values times it."""
    frames, rows, columns = given.counts.shape
    kind = "<f4" if scale < 0 else "<i2"
    values = given.counts if scale < 0 else np.rint(given.counts * scale)
    path.write_bytes(values.astype(kind).tobytes())
    lines = [f"\t{columns}\t{rows}\t{scale:.6f}"]
    lines += [f"\t{axis[0]:.6f}\t{axis[-1]:.6f}" for axis in (given.x, given.y)]
    lines += [f"\t{frames}", *(f"\t{energy:.6f}" for energy in given.energy)]
    lines += [
        f"image{number}\t{energy:.6f}\t{dwell * 1e3:.6f}"
        for number, (energy, dwell) in enumerate(zip(given.energy, given.dwell, strict=True), start=1)
    ]
    path.with_suffix(".dat").write_text("\n".join(lines) + "\n", encoding="ascii")
    return path
