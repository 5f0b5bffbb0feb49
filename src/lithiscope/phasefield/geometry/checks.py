"""What a grid, a mask, particle numbers and open faces must fulfil, each with one clear error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lithiscope.errors import AnalysisError, OptionError

Spacing = float | Sequence[float]
"""Distance of the cell centres in nm: one number, or one for each axis in index order ((z), y, x)."""

Periodic = bool | Sequence[bool]
"""Whether the grid closes on itself: in all directions, or in each in index order."""

_SPACING_LIMITS = (1e-4, 1e6)


def check_spacing(spacing: Spacing, ndim: int) -> tuple[float, ...]:
    """Return the spacing of the cells along each axis, nm.

    Raises
    ------
    OptionError
        If numbers are missing, or cannot be nanometres.
    """
    try:
        values = np.asarray(spacing, dtype=float)
    except (TypeError, ValueError):
        values = np.array([np.nan])
    steps = np.full(ndim, values) if values.ndim == 0 else values
    if steps.shape != (ndim,) or not np.all(steps > 0) or not np.all(np.isfinite(steps)):
        raise OptionError(
            "the spacing of the cells cannot be used",
            field="spacing",
            value=spacing,
            limit=f"one positive number in nm, or {ndim} of them in index order",
            remedy="give one for each dimension",
        )
    low, high = _SPACING_LIMITS
    if np.any(steps < low) or np.any(steps > high):
        raise OptionError(
            "the spacing of the cells is not in nanometres",
            field="spacing",
            value=spacing,
            limit=f"{low:g} to {high:g} nm",
            remedy="give it in nm: a pixel of 5e-8 m is 50 nm",
        )
    return tuple(float(step) for step in steps)


def check_periodic(periodic: Periodic, ndim: int) -> tuple[bool, ...]:
    """Return for each axis whether the grid closes on itself there."""
    around = (periodic,) * ndim if isinstance(periodic, bool | np.bool_) else tuple(periodic)
    if len(around) != ndim:
        raise OptionError(
            "it is not clear which axes close on themselves",
            field="periodic",
            value=periodic,
            limit=f"True, False, or {ndim} of them in index order",
        )
    return tuple(bool(one) for one in around)


def check_mask(mask: np.ndarray) -> np.ndarray:
    """Return a mask as bool array of two or three dimensions.

    Raises
    ------
    OptionError
        If it is no mask: wrong number of dimensions, NaN, values other than 0 and 1.
    AnalysisError
        If it is empty.
    """
    values = np.asarray(mask)
    if values.ndim not in (2, 3):
        raise OptionError(
            "a mask has two or three dimensions",
            field="mask",
            value=values.shape,
            limit="((z), y, x)",
            remedy="give one particle or picture at a time, without an axis of time",
        )
    if values.dtype.kind == "f" and np.any(np.isnan(values)):
        raise OptionError(
            "the mask has NaN in it",
            field="mask",
            value=f"{int(np.isnan(values).sum())} cells of NaN",
            limit="bool, or 0 and 1",
            remedy="decide for each cell: mask = np.nan_to_num(values) > threshold takes NaN as outside",
        )
    if values.dtype.kind not in "biuf" or not np.all((values == 0) | (values == 1)):
        raise OptionError(
            "the mask has values other than true and false",
            field="mask",
            value=values.dtype,
            limit="bool, or 0 and 1",
            remedy="give particle numbers as label=, with mask=label > 0",
        )
    if not values.any():
        raise AnalysisError(
            "no cell is inside the particle",
            field="mask",
            value=f"{values.size} cells, all outside",
            remedy="check the threshold with which the mask was made",
        )
    return np.asarray(values, dtype=bool)


def check_label(label: np.ndarray | None, mask: np.ndarray) -> np.ndarray:
    """Return particle numbers, 0 outside the mask; without any, one particle.

    Raises
    ------
    OptionError
        If they do not fit the mask.
    """
    if label is None:
        return mask.astype(np.int32)
    numbers = np.asarray(label)
    if numbers.shape != mask.shape or numbers.dtype.kind not in "iu" or np.any(numbers < 0):
        raise OptionError(
            "the particle numbers do not fit the mask",
            field="label",
            value=f"{numbers.dtype} of shape {numbers.shape}",
            limit=f"integers of 0 or more, of shape {mask.shape}",
        )
    if np.any((numbers > 0) != mask):
        raise OptionError(
            "some cells have a particle number but lie outside the mask, or lie inside and have none",
            field="label",
            value=f"{int(np.sum((numbers > 0) != mask))} cells",
            remedy="give mask=label > 0",
        )
    return numbers.astype(np.int32)


def check_range(name: str, values: np.ndarray, highest: float) -> None:
    """Refuse an array that is not finite, or has values below 0 or above the highest."""
    wrong = ~(np.isfinite(values) & (values >= 0) & (values <= highest))
    if np.any(wrong):
        raise OptionError(
            "values of a geometry lie outside their range",
            field=name,
            value=f"{values[wrong].flat[0]} in {int(wrong.sum())} cells",
            limit=f"0 to {highest:g}",
        )


def check_faces(label: np.ndarray, open_faces: Sequence[np.ndarray]) -> None:
    """Refuse open faces that do not lie between two cells of one particle."""
    for axis, face in enumerate(open_faces):
        after = np.roll(label, -1, axis)
        wrong = (face > 0) & ((label != after) | (label == 0))
        if np.any(wrong):
            raise OptionError(
                "a face between different particles, or to the outside, is open",
                field=f"open_faces along axis {axis}",
                value=f"{int(wrong.sum())} faces",
                limit="open only between cells of one particle",
            )


def check_connected(label: np.ndarray, open_faces: Sequence[np.ndarray]) -> None:
    """Refuse a particle number that names parts between which lithium cannot pass.

    Raises
    ------
    AnalysisError
        Naming the first such number and how many parts it has.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    active = label > 0
    place = np.cumsum(active).reshape(label.shape) - 1
    ends = [(place[face > 0], np.roll(place, -1, axis)[face > 0]) for axis, face in enumerate(open_faces)]
    start, end = (np.concatenate(side) for side in zip(*ends, strict=True))
    count = int(active.sum())
    parts, part = connected_components(
        coo_array((np.ones(start.size, bool), (start, end)), shape=(count, count)), directed=False
    )
    numbers = label[active]
    if parts == np.unique(numbers).size:
        return
    _, first = np.unique(part, return_index=True)
    several, how_many = np.unique(numbers[first], return_counts=True)
    worst = several[how_many > 1][0]
    pieces = int(how_many[how_many > 1][0])
    sizes = sorted(np.unique(part[numbers == worst], return_counts=True)[1].tolist(), reverse=True)
    raise AnalysisError(
        "a particle is in parts that are not connected",
        field=f"label {worst}",
        value=f"{pieces} parts of {', '.join(map(str, sizes[:5]))}{' ...' if pieces > 5 else ''} cells",
        limit="one part for each particle number",
        remedy="give them different labels (number_parts), or keep the largest (largest_part)",
    )
