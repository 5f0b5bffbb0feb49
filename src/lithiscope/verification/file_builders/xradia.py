"""Stacks of Xradia microscopes (.xrm of one image, .txrm of several): streams of a compound file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from lithiscope.verification.file_builders.compound import compound_file
from lithiscope.verification.file_builders.picture import Picture


def xradia_streams(given: Picture, *, energies: np.ndarray | None = None) -> dict[str, bytes]:
    """Return the streams of a stack: numbers little-endian, pixels as float32 (type 10) or uint16 (type 5).

    Parameters
    ----------
    given : Picture
        Counts that are whole and below 65536 are written as uint16.
    energies : ndarray of shape (E,), optional
        What the header says of the energies; zeros as of microscopes that do not know.
    """
    frames, rows, columns = given.counts.shape
    whole = bool(np.all(given.counts == np.rint(given.counts)) and given.counts.max() < 2**16)
    known = given.energy if energies is None else energies
    dates = [f"05/04/23 12:{30 + 2 * frame:02d}:00".encode().ljust(23, b"\0") for frame in range(frames)]
    streams = {
        "Version": struct.pack("<f", 10.0),
        "ImageInfo/ImageWidth": struct.pack("<I", columns),
        "ImageInfo/ImageHeight": struct.pack("<I", rows),
        "ImageInfo/DataType": struct.pack("<I", 5 if whole else 10),
        "ImageInfo/NoOfImages": struct.pack("<I", frames),
        "ImageInfo/ImagesTaken": struct.pack("<I", frames),
        "ImageInfo/PixelSize": struct.pack("<f", given.x[1] - given.x[0]),
        "ImageInfo/Energy": np.asarray(known, dtype="<f4").tobytes(),
        "ImageInfo/ExpTimes": np.asarray(given.dwell, dtype="<f4").tobytes(),
        "ImageInfo/Date": b"".join(dates),
    }
    for number, frame in enumerate(given.counts, start=1):
        pixels = frame.astype("<u2" if whole else "<f4").tobytes()
        streams[f"ImageData{(number + 99) // 100}/Image{number}"] = pixels
    return streams


def write_txrm(path: Path, given: Picture, *, energies: np.ndarray | None = None) -> Path:
    """Write a stack; its pixels are square, and their size is that of x."""
    path.write_bytes(compound_file(xradia_streams(given, energies=energies)))
    return path
