"""The covariance between intervals, which share frames: for every sum, mean or fit over intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.kinetics.kernels.rates import chain

if TYPE_CHECKING:
    import xarray as xr

# Means of two frames; everything else is a difference of two.
_MEANS = ("lithium_fraction",)
# Differences without the sign of the direction: neighbours of opposite direction correlate the other way.
_UNSIGNED = ("c_rate", "exchange_current_density")


def interval_covariance(table: xr.Dataset, name: str = "insertion_rate", *, common: bool = False) -> xr.DataArray:
    """Return the covariance of a quantity between the intervals of every particle.

    Two intervals that share a frame have opposite parts of its noise: for equal frames the correlation of their rates
    is -1/2, so that the noise of a sum over intervals is that of the first and the last frame alone.

    Parameters
    ----------
    table : rate_table
        From `rate_table`.
    name : str
        The quantity: insertion_rate, c_rate, current_density, exchange_current_density or lithium_fraction (mid).
    common : bool
        Whether to add the error common to an interval (`_frame_std`), which takes the same form; a part of it that
        comes from the overpotential is independent between intervals, but is small beside the frames'.

    Returns
    -------
    DataArray (particle, interval, interval_other)
        Tridiagonal, in the square of the quantity's unit; positive semidefinite. NaN where there is no value.

    Raises
    ------
    StageError
        If the table has no such quantity with its standard deviation.
    """
    import xarray as xr

    stages.check(table, "rate_table")
    if f"{name}_std" not in table:
        raise StageError(
            "the table has no standard deviation of this quantity",
            field=f"{name}_std",
            limit=", ".join(str(key)[:-4] for key in table.data_vars if str(key).endswith("_std")),
            remedy="use a video with standard deviations",
        )
    sign = 1 if name in _MEANS else -1
    std = np.asarray(table[f"{name}_std"].values, dtype=float)
    result = chain(std, share_after(table), shared_frames(table), sign)
    if common and f"{name}_frame_std" in table:
        frame = np.broadcast_to(np.asarray(table[f"{name}_frame_std"].values, dtype=float), std.shape)
        result = result + chain(np.ascontiguousarray(frame), np.full(std.shape, 0.5), shared_frames(table), sign)
    if name in _UNSIGNED and "direction" in table.coords:
        direction = np.where(table["direction"].values < 0, -1, 1)
        result = result * direction[:, None] * direction[None, :]
    return xr.DataArray(
        result,
        dims=("particle", "interval", "interval_other"),
        coords={"particle": table["particle"].values},
        attrs={"long_name": f"covariance of {name}"},
    )


def share_after(table: xr.Dataset) -> np.ndarray:
    """Return the share of the variance that each frame after brings, (particle, interval); half if unknown."""
    shape = (table.sizes["particle"], table.sizes["interval"])
    if "variance_share_after" not in table:
        return np.full(shape, 0.5)
    return np.broadcast_to(np.nan_to_num(table["variance_share_after"].values.astype(float), nan=0.5), shape).copy()


def shared_frames(table: xr.Dataset) -> np.ndarray:
    """Return whether each interval ends in the frame in which the next one begins, (intervals - 1,)."""
    if "after" not in table.coords or "before" not in table.coords:
        return np.ones(table.sizes["interval"] - 1, dtype=bool)
    return np.asarray(table["after"].values[:-1] == table["before"].values[1:])
