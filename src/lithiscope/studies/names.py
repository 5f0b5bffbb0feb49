"""Names of particles that survive a new mask, from one run of a study to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.particles import match_particles, name_particles

if TYPE_CHECKING:
    import xarray as xr

_SAME_PLACE = 0.1  # intersection over union, as for particles that never went
_REMEMBERED = 100  # masks of particles that have gone, at most; their names are never forgotten


def named_labels(label: xr.DataArray, previous: xr.Dataset | None = None) -> xr.Dataset:
    """Return labels with names, carried over from an earlier run where the masks overlap.

    Parameters
    ----------
    label : DataArray of int, shape (y, x) or (cycle, y, x)
        The new particle numbers.
    previous : Dataset, optional
        Stage ``particle_labels`` of the earlier run; ignored when its picture has another size.

    Returns
    -------
    Dataset
        Stage ``particle_labels``. Names that were given out before and fit no particle now are retired, with the place
        of their particle: one that returns there gets its name again, and no other does.
    """
    retired: list[str] = []
    masks: dict[str, list[list[int]]] = {}
    names = name_particles(label)
    if previous is not None and _flat(previous["label"]).shape == _flat(label).shape:
        earlier = dict(zip(previous["number"].values.tolist(), previous["particle"].values.tolist(), strict=True))
        retired = json.loads(previous.attrs.get("retired", "[]"))
        masks = json.loads(previous.attrs.get("retired_masks", "{}"))
        if "names" not in label.attrs:
            new, old = _comparable(label, previous["label"])
            names = match_particles(new, old, earlier, retired=retired)
            names |= _returned(
                label, {number: name for number, name in names.items() if name not in earlier.values()}, masks
            )
        gone = {name: number for number, name in earlier.items() if name not in names.values()}
        flat = _flat(previous["label"])
        masks |= {name: _runs(flat == number) for name, number in gone.items()}
        retired = sorted({*retired, *gone} - set(names.values()))
        masks = dict([one for one in masks.items() if one[0] in retired][-_REMEMBERED:])
    return stages.new(
        "particle_labels",
        {"label": (" ".join(map(str, label.dims)), label.values), "number": ("particle", list(names))},
        coords={
            **{str(name): (str(name), coord.values) for name, coord in label.coords.items() if name in label.dims},
            "particle": ("particle", list(names.values())),
        },
        attrs={"retired": json.dumps(retired), "retired_masks": json.dumps(masks)},
    )


def _flat(label: xr.DataArray) -> np.ndarray:
    """Return one picture (y, x) of the particles, wherever they are in any cycle."""
    return np.asarray(label.max("cycle").values if "cycle" in label.dims else label.values)


def _comparable(label: xr.DataArray, previous: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return two masks of the same shape: as they are, or as one picture each where one is per cycle."""
    if label.shape == previous.shape:
        return label, previous
    return tuple(one.max("cycle") if "cycle" in one.dims else one for one in (label, previous))  # type: ignore[return-value]


def _returned(label: xr.DataArray, fresh: Mapping[int, str], masks: Mapping[str, list[list[int]]]) -> dict[int, str]:
    """Return the old names of particles that are where a particle was that had gone, the best overlap first."""
    flat = _flat(label)
    old = {name: _mask(runs, flat.shape) for name, runs in masks.items()}
    pairs = sorted(
        (
            (np.count_nonzero(mask & (flat == number)) / np.count_nonzero(mask | (flat == number)), number, name)
            for number in fresh
            for name, mask in old.items()
        ),
        reverse=True,
    )
    found: dict[int, str] = {}
    for share, number, name in pairs:
        if share >= _SAME_PLACE and number not in found and name not in found.values():
            found[number] = name
    return found


def _runs(mask: np.ndarray) -> list[list[int]]:
    """Return a mask as first pixels and lengths of its runs in the flattened picture."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask.ravel(), [False]]).astype(int)))
    return [edges[::2].tolist(), (edges[1::2] - edges[::2]).tolist()]


def _mask(runs: list[list[int]], shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask of its runs."""
    mask = np.zeros(int(np.prod(shape)), dtype=bool)
    for first, length in zip(*runs, strict=True):
        mask[first : first + length] = True
    return mask.reshape(shape)
