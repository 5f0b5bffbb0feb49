"""How much drift is left: the regression of difference frames on the image gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.frames.geometry import coordinates, pixel_size, spatial_axes
from lithiscope.frames.kernels.overlap import Fitting
from lithiscope.frames.kernels.pairs import leakage
from lithiscope.frames.kernels.templates import Template, make_templates, noise_of
from lithiscope.stages import check
from lithiscope.units import MICROMETRE

if TYPE_CHECKING:
    import xarray as xr

_SMOOTHING = 0.8


def drift_leakage(frames: xr.Dataset) -> xr.DataArray:
    """Return the displacement between consecutive frames that a plain regression on the image gradients sees.

    Where frames are aligned and nothing changes, it scatters around zero. Fronts that cross an edge, and patterns that
    stay with the camera, show in it as well as drift.

    Parameters
    ----------
    frames : Frames
        Aligned frames, ``signal`` (time, [energy], [z], y, x).

    Returns
    -------
    DataArray
        (time, [energy], axis) in um: displacement since the frame before in time; 0 for the first, NaN where a frame is
        empty.
    """
    import xarray as xr

    check(frames, "frames")
    axes = spatial_axes(frames, "signal")
    size = pixel_size(frames, axes)
    lead = tuple(str(dim) for dim in frames["signal"].dims[: -len(axes)])
    shape = tuple(frames.sizes[dim] for dim in lead)
    found = np.zeros((*shape, len(axes)))
    for series in np.ndindex(shape[1:]):
        before: Template | None = None
        for number in range(shape[0]):
            now = _template(frames, (number, *series))
            if number:
                both = before is not None and now is not None
                found[(number, *series)] = _leak(before, now) if both else np.nan  # type: ignore[arg-type]
            before = now
    coords = {name: (dims.split(), values) for name, (dims, values) in coordinates(frames, lead).items()}
    return xr.DataArray(
        found * size, dims=(*lead, "axis"), coords={**coords, "axis": list(axes)}, attrs={"units": MICROMETRE}
    )


def _template(frames: xr.Dataset, index: tuple[int, ...]) -> Template | None:
    picture = np.asarray(frames["signal"][index].values, dtype=np.float32)
    if not np.isfinite(picture).any():
        return None
    variance = None
    if "signal_std" in frames:
        variance = np.square(np.asarray(frames["signal_std"][index].values, dtype=np.float32))[None]
    return make_templates(picture[None], variance, None, _SMOOTHING, None)[0]


def _leak(before: Template, now: Template) -> np.ndarray:
    noise = noise_of(_SMOOTHING, before.coefficient.ndim)
    return leakage(before, now, Fitting(gain_width=None, affine=False, noise=noise, signal_pass=1.0))
