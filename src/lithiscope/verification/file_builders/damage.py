"""Damage to headers and structures, as cut-off copies, wrong editors and unfinished writers do it, and worse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_NUMBERS = (b"-1", b"0", b"nan", b"inf", b"1e308", b"99999999999999999999", b"2147483647", b"", b"1,5", b"{", b"\xff")
_VALUES: tuple[Any, ...] = (
    *(b"text", "text", 0, -1, 2**62, 1e308, np.nan, np.inf, -np.inf, True, 1j),
    *(np.zeros(0), np.zeros((2, 2, 2, 2)), np.full(7, np.nan), np.arange(6.0), np.zeros(3), np.array([b"a", b"b"])),
)


def damaged_text(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a text with one to four pieces cut, doubled, replaced or put elsewhere."""
    for _ in range(int(rng.integers(1, 5))):
        if not content:
            return content
        start = int(rng.integers(len(content)))
        stop = min(len(content), start + int(rng.integers(1, 40)))
        other = int(rng.integers(len(content)))
        piece = _NUMBERS[int(rng.integers(len(_NUMBERS)))]
        kind = int(rng.integers(6))
        if kind == 0:
            content = content[:start] + content[stop:]
        elif kind == 1:
            content = content[:start] + content[start:stop] + content[start:]
        elif kind == 2:
            content = content[:start] + piece + content[stop:]
        elif kind == 3:
            content = content[:other] + content[start:stop] + content[other:]
        elif kind == 4:
            content = content[:start]
        else:
            content = content[:start] + bytes(rng.integers(0, 256, 3, dtype=np.uint8)) + content[start + 3 :]
    return content


def damaged_bytes(content: bytes, pixels: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Return a binary file with one to eight bytes changed, none of them of a pixel, or cut off.

    Parameters
    ----------
    content : bytes
        The file.
    pixels : sequence of bytes
        What is left alone, where the file holds it in one piece.
    rng : numpy.random.Generator
        The dice.
    """
    if rng.random() < 0.15:
        return content[: int(rng.integers(len(content)))]
    free = np.ones(len(content), dtype=bool)
    for payload in pixels:
        at = content.find(payload)
        if at >= 0:
            free[at : at + len(payload)] = False
    places = rng.choice(np.flatnonzero(free), size=int(rng.integers(1, 9)))
    changed = bytearray(content)
    for place in places:
        changed[place] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))]))
    return bytes(changed)


def damaged_hdf5(path: Path, rng: np.random.Generator) -> None:
    """Change one to three items of an HDF5 file: gone, of another kind or shape, a circle, or with other attributes."""
    import h5py

    with h5py.File(path, "a") as file:
        for _ in range(int(rng.integers(1, 4))):
            names: list[str] = []
            file.visit(names.append)
            if not names:
                return
            _change(file, names[int(rng.integers(len(names)))], rng)


def _change(file: Any, name: str, rng: np.random.Generator) -> None:
    import h5py

    kind = int(rng.integers(8))
    value = _VALUES[int(rng.integers(len(_VALUES)))]
    item = file[name]
    if kind == 0:
        del file[name]
    elif kind == 1:
        _attribute(item, value, rng)
    elif kind == 2:
        del file[name]
        file[name] = h5py.SoftLink("/" + name if rng.random() < 0.5 else "/nowhere")
    elif kind == 3 and isinstance(item, h5py.Dataset) and item.ndim and 0 < item.size < 10**6:
        changed = np.array(item[()])[..., ::-1] if rng.random() < 0.5 else np.array(item[()])[..., :-1]
        del file[name]
        file[name] = changed
    elif kind == 4:
        del file[name]
        file.create_dataset(name, shape=(10**4, 10**5, 10**5), dtype="f8", chunks=(1, 100, 100))
    elif kind == 5:
        del file[name]
        file.create_group(name)
    else:
        del file[name]
        file[name] = value


def _attribute(item: Any, value: Any, rng: np.random.Generator) -> None:
    present = list(item.attrs)
    if not present or rng.random() < 0.3:
        present = ["signal", "axes", "units", "default", "axis", "NX_class"]
    name = present[int(rng.integers(len(present)))]
    if rng.random() < 0.3:
        if name in item.attrs:
            del item.attrs[name]
        return
    item.attrs[name] = value
