"""Names of particles that survive a change of mask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import StageError
from lithiscope.particles.images import check_labels
from lithiscope.particles.kernels import overlap

if TYPE_CHECKING:
    import xarray as xr

# Two masks of one particle overlap by far more; two neighbours by far less.
_LEAST_OVERLAP = 0.1


def name_particles(labels: xr.DataArray) -> dict[int, str]:
    """Name the particles of a first mask: the names that were imported with it, else "p01", "p02", ... by number.

    Parameters
    ----------
    labels : DataArray of int, shape (y, x) or (cycle, y, x)
        Particle numbers.

    Returns
    -------
    dict of int to str
        The name of every particle number.
    """
    numbers = particle_numbers(labels)
    imported = labels.attrs.get("names")
    if imported is not None and len(imported) == len(numbers):
        return dict(zip(numbers, map(str, imported), strict=True))
    return {number: f"p{number:02d}" for number in numbers}


def match_particles(
    label: xr.DataArray,
    previous_label: xr.DataArray,
    previous_ids: Mapping[int, str],
    *,
    retired: Iterable[str] = (),
) -> dict[int, str]:
    """Carry names over from an earlier mask of the same field, by overlap.

    Parameters
    ----------
    label, previous_label : DataArray of int, shape (y, x)
        The new and the earlier particle numbers.
    previous_ids : mapping of int to str
        The name of every earlier particle number.
    retired : iterable of str
        Names given out before that no particle carries now; they are not used again. Keep them from run to run: add
        the values of `previous_ids` that are missing from the answer.

    Returns
    -------
    dict of int to str
        The name of every new particle number. Pairs maximise the summed intersection over union (Kuhn, Nav. Res.
        Logist. Q. 2, 83 (1955)); a pair below 0.1 is none. Where a particle fell apart the best piece keeps the name.
        New particles get the numbers after the highest ever used.

    Raises
    ------
    StageError
        If the two images differ in size, or a previous particle has no name.
    """
    check_labels(label)
    check_labels(previous_label)
    if label.shape != previous_label.shape:
        raise StageError(
            "two masks of different size cannot be matched",
            field="label",
            value=label.shape,
            limit=str(previous_label.shape),
            remedy="match masks of the same region and pixel size",
        )
    missing = [number for number in particle_numbers(previous_label) if number not in previous_ids]
    if missing:
        raise StageError(
            "an earlier particle has no name",
            field="previous_ids",
            value=missing,
            remedy="pass a name for every number of the earlier labels",
        )
    pairs = best_pairs(label.values, previous_label.values)
    fresh = _fresh_names({*previous_ids.values(), *retired})
    return {
        number: previous_ids[pairs[number]] if number in pairs else next(fresh) for number in particle_numbers(label)
    }


def particle_numbers(labels: xr.DataArray) -> list[int]:
    """Return the particle numbers of a label image, ascending, without background."""
    return [int(number) for number in np.unique(check_labels(labels).values) if number != 0]


def best_pairs(label: np.ndarray, previous: np.ndarray) -> dict[int, int]:
    """Return, for every number of `label` that has one, its partner in `previous`."""
    from scipy.optimize import linear_sum_assignment

    numbers, earlier = (image[image > 0] for image in (np.unique(label), np.unique(previous)))
    shared = overlap(label, previous)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return {
        int(numbers[row]): int(earlier[column])
        for row, column in zip(rows, columns, strict=True)
        if shared[row, column] >= _LEAST_OVERLAP
    }


def _fresh_names(taken: set[str]) -> Iterator[str]:
    used = [int(match.group(1)) for name in taken if (match := re.fullmatch(r"p(\d+)", name))]
    number = max(used, default=0)
    while True:
        number += 1
        yield f"p{number:02d}"
