"""One time for all energies of a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.composition.xray.kernels.time import interpolate_in_time
from lithiscope.composition.xray.options import CommonTimeOptions
from lithiscope.composition.xray.pictures import (
    FloatArray,
    Pictures,
    axis_values,
    carried,
    coordinates,
    frame_std,
    pictures,
)
from lithiscope.errors import AnalysisError
from lithiscope.stages import blank_fatal, fatal_mask, flag_bit, new

if TYPE_CHECKING:
    import xarray as xr


def to_common_time(
    od: xr.Dataset,
    *,
    options: CommonTimeOptions = CommonTimeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Interpolate each energy linearly to the one time of its scan, between scans of the same half cycle.

    The energies of a scan are exposed one after the other while the particle goes on reacting; unmixing them as if
    they were of one moment biases x (by 0.010 to 0.018 at 2C and one minute between energies).

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x), with ``exposure_mid``.
    options : CommonTimeOptions
        Whether to interpolate, what to do at the ends, raster skew.

    Returns
    -------
    Frames(optical_density)
        At ``time``. Variances are propagated: a value between two scans scatters less than either, and shares noise
        with the next. A single scan, and any with method none, comes back as it is, with ``attrs["common_time"]``
        saying so.

    Raises
    ------
    AnalysisError
        If energies are to be interpolated, and the times of exposure, or for raster skew the dwell time, are not
        known.
    """
    data = pictures(od, quantity="optical_density")
    if od.sizes["time"] == 1:
        return od.assign_attrs(common_time="one scan only: nothing to interpolate")
    if options.method == "none":
        return od.assign_attrs(common_time="none: every energy is of the time at which it was taken")
    if "exposure_mid" not in od:
        raise AnalysisError(
            "the times of the exposures are not known",
            field="exposure_mid",
            remedy="write the dwell or the log of the frames into the files, or set common_time.method to none "
            "(composition.common_time.method in a recipe)",
        )
    moved = _moved(od, data, options)
    variables: dict[str, tuple[str, Any]] = {
        "signal": ("time energy y x", blank_fatal(moved.values, moved.flag)),
        "signal_flag": ("time energy y x", moved.flag),
        "exposure_mid": ("time energy", moved.exposure),
        **carried(od, "dwell", "incident", "incident_std", "noise_gain"),
    }
    if data.std is not None:
        variables["signal_std"] = ("time energy y x", blank_fatal(np.sqrt(moved.variance), moved.flag))
    if "signal_frame_std" in od:
        variables["signal_frame_std"] = ("time energy", moved.common_std)
    attrs = {**{key: value for key, value in od.attrs.items() if key != "stage"}, "common_time": "interpolated"}
    return new("frames", variables, coords=coordinates(od, "energy"), attrs=attrs)


class _Moved(NamedTuple):
    """Pictures at one time: dims (time, energy, y, x); `exposure` and `common_std` (time, energy)."""

    values: FloatArray
    variance: FloatArray
    flag: np.ndarray
    exposure: FloatArray
    common_std: FloatArray


def _moved(od: xr.Dataset, data: Pictures, options: CommonTimeOptions) -> _Moved:
    target = axis_values(od, "time")
    exposure = np.broadcast_to(_time_energy(od, "exposure_mid"), data.flag.shape[:2])
    offsets, groups = _raster_offsets(od, options), _groups(od)
    values, variance = np.empty((2, *data.values.shape), dtype=np.float32)
    result = _Moved(values, variance, data.flag.copy(), exposure.copy(), frame_std(od).copy())
    for k in range(od.sizes["energy"]):
        image = data.values[:, k].shape
        own = data.values[:, k].reshape(target.size, -1).astype(float)
        noise = np.zeros_like(own) if data.std is None else np.square(data.std[:, k].reshape(own.shape), dtype=float)
        at = np.broadcast_to(exposure[:, k, None], own.shape) + (0.0 if offsets is None else offsets[:, k])
        moved = interpolate_in_time(own, noise, at, target, groups, options.ends == "extrapolate")
        result.values[:, k], result.variance[:, k] = moved.values.reshape(image), moved.variance.reshape(image)
        held = moved.held.reshape(image) & ~fatal_mask(data.flag[:, k])
        result.flag[:, k][held] |= flag_bit("time_held")
        share = np.median(moved.other_share, axis=1)
        result.common_std[:, k] = _common_std(result.common_std[:, k], share, target, exposure[:, k])
        result.exposure[:, k] = np.where(moved.held.all(axis=1), exposure[:, k], target)
    return result


def _groups(od: xr.Dataset) -> np.ndarray:
    """Return a number per scan that changes with the half cycle, or else with the direction of the reaction."""
    for name in ("half_cycle", "direction"):
        if name in od.coords:
            values = np.asarray(od[name].values)
            return np.cumsum(np.concatenate([[0], values[1:] != values[:-1]]))
    return np.zeros(od.sizes["time"], dtype=int)


def _raster_offsets(od: xr.Dataset, options: CommonTimeOptions) -> FloatArray | None:
    """Return what to add to the middle of an exposure for each pixel, (T, K, N) seconds; None without raster skew."""
    if not options.raster_skew:
        return None
    if "dwell" not in od:
        raise AnalysisError(
            "the dwell time is not known", field="dwell", remedy="switch raster_skew off, or give the dwell time"
        )
    lines, points = od.sizes["y"], od.sizes["x"]
    if options.fast_axis == "y":
        lines, points = points, lines
    dwell = np.broadcast_to(_time_energy(od, "dwell"), (od.sizes["time"], od.sizes["energy"]))[..., None, None]
    line = np.arange(lines) - (lines - 1) / 2
    point = np.arange(points) - (points - 1) / 2
    offset = dwell * point + (dwell * points + options.line_overhead) * line[:, None]
    if options.fast_axis == "y":
        offset = offset.swapaxes(-1, -2)
    return np.asarray(offset.reshape(*offset.shape[:2], -1))


def _time_energy(od: xr.Dataset, name: str) -> FloatArray:
    values = np.asarray(od[name].values, dtype=float)
    return values[:, None] if od[name].dims == ("time",) else values


def _common_std(std: FloatArray, share: FloatArray, target: FloatArray, exposure: FloatArray) -> FloatArray:
    """Return the error of I0 of an interpolated picture: the two scans have an I0 each."""
    other = np.where((target > exposure) ^ (share < 0), np.roll(std, -1), np.roll(std, 1))
    return np.asarray(np.hypot((1 - share) * std, share * other))
