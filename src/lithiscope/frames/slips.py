"""Pictures in which the stage slipped: their halves lie elsewhere with respect to each other than in the others."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.frames.geometry import pixel_size, spatial_axes
from lithiscope.frames.options import RegisterOptions
from lithiscope.frames.register import MIN_SIDE, register
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

# By chance alone, one frame in a million lies so many of its standard deviations off.
_SIGMA = 5.0


def slipped(
    frames: xr.Dataset,
    *,
    most: float,
    weight: xr.DataArray | None = None,
    options: RegisterOptions = RegisterOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.DataArray:
    """Find frames whose upper and lower halves moved apart, as when a stage slips while a picture is taken.

    Both halves are registered as movies of their own. Where they differ, they differ by what happened within frames:
    a distortion that most frames share is not counted, and with fewer than three nothing can be said. A slip in the
    first or last quarter of a frame may be missed, and so is one where a half has nothing to hold on to. Best along
    time: half a picture may have too little in common with that of another energy.

    Parameters
    ----------
    frames : Frames
        As for `register`.
    most : float
        By how many pixels the halves may come apart, beyond five standard deviations.
    weight, options, reporter
        As for `register`.

    Returns
    -------
    DataArray of bool, shape (time, [energy])
        True where a frame slipped. A warning names it.
    """
    import xarray as xr

    lead = frames["signal"].dims[:-2]
    shape = tuple(frames.sizes[dim] for dim in lead)
    none = xr.DataArray(np.zeros(shape, dtype=bool), dims=lead)
    half = frames.sizes["y"] // 2
    along = lead.index("energy" if options.along == "energy" else "time")
    if half < MIN_SIDE or shape[along] < 3:
        return none
    found = []
    for rows in (slice(0, half), slice(frames.sizes["y"] - half, None)):
        own = weight.isel(y=rows) if weight is not None and "y" in weight.dims else weight
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LithiscopeWarning)  # a half may have nothing to hold on to
            found.append(register(frames.isel(y=rows), weight=own, options=options, reporter=reporter))
    size = pixel_size(frames, spatial_axes(frames, "signal"))
    upper, lower = (one["shift"].values / size for one in found)
    spread = np.hypot(*(one["shift_std"].values / size for one in found))
    apart = lower - upper
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all-NaN: nothing is known, and nothing is said
        apart = apart - np.nanmedian(apart, axis=along, keepdims=True)
    with np.errstate(invalid="ignore"):
        bad = none.copy(data=((np.abs(apart) > most) & (np.abs(apart) > _SIGMA * spread)).any(axis=-1))
    if bad.any():
        warnings.warn(_message(frames, bad, np.sqrt(np.sum(apart**2, axis=-1))), LithiscopeWarning, stacklevel=2)
    return bad


def _message(frames: xr.Dataset, bad: xr.DataArray, apart: np.ndarray) -> str:
    names = []
    for index in np.argwhere(bad.values)[:4]:
        where = " ".join(f"{dim} {frames[dim].values[i]:g}" for dim, i in zip(bad.dims, index, strict=True))
        names.append(f"{where} by {apart[tuple(index)]:.1f} pixels")
    more = f" and {int(bad.sum()) - 4} more" if bad.sum() > 4 else ""
    return (
        f"the upper and lower halves of {int(bad.sum())} frame(s) came apart, as when the stage slips while a picture "
        f"is taken: {', '.join(names)}{more}; they are not aligned with the others, and flagged so (align.max_slip)"
    )
