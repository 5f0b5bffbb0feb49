"""What every step needs from a stage: its pictures as arrays, its coordinates, its noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError, StageError
from lithiscope.stages import blank_fatal, check, fatal_mask, flag_bit, new

if TYPE_CHECKING:
    import xarray as xr

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]
_TIME_COORDS = ("time", "scan", "cycle", "half_cycle", "direction")


class Pictures(NamedTuple):
    """Pictures with dims (time, energy, y, x): values with NaN at fatal flags, standard deviation or None, flags."""

    values: FloatArray
    std: FloatArray | None
    flag: np.ndarray


def pictures(frames: xr.Dataset, *, quantity: str) -> Pictures:
    """Return the pictures of Frames of that quantity, checked.

    Raises
    ------
    StageError
        If the stage holds another quantity, or dims other than (time, energy, y, x).
    AnalysisError
        If a standard deviation is not positive where there is a value.
    """
    check(frames, "frames")
    if frames.attrs["quantity"] != quantity:
        raise StageError(
            "the frames hold another quantity",
            field="quantity",
            value=frames.attrs["quantity"],
            limit=quantity,
            remedy="use the result of the step before this one",
        )
    values, flag = _array(frames, "signal"), _array(frames, "signal_flag")
    std = _array(frames, "signal_std") if "signal_std" in frames else None
    values = blank_fatal(values, flag)
    # Counts of zero may have no noise of their own; they are flagged later and never used.
    used = np.isfinite(values) if quantity != "counts" else values > 0
    if std is not None and np.any(used & ~(std > 0)):
        raise AnalysisError(
            "a standard deviation is not positive",
            field="signal_std",
            value=float(np.min(std[used])),
            limit="above 0 wherever there is a value",
            remedy="leave signal_std out if the noise is not known",
        )
    return Pictures(values, std, flag)


def counts_pictures(recording: xr.Dataset) -> Pictures:
    """Return the counts of a Recording as pictures; NaN without a flag becomes ``missing``."""
    values = _array(recording, "counts")
    flag = (
        _array(recording, "counts_flag") if "counts_flag" in recording else np.zeros(values.shape, dtype=np.uint16)
    ).copy()
    values = blank_fatal(values, flag)
    flag[np.isnan(values) & ~fatal_mask(flag)] |= flag_bit("missing")
    return Pictures(values, None, flag)


def _array(data: xr.Dataset, name: str) -> Any:
    wanted = ("time", "energy", "y", "x")
    if data[name].dims != wanted:
        raise StageError(
            "pictures at several energies are needed",
            field=name,
            value=data[name].dims,
            limit="(time energy y x)",
            remedy="select one channel, or give the scan an energy axis",
        )
    return data[name].values


def coordinates(data: xr.Dataset, *names: str) -> dict[str, tuple[str, Any]]:
    """Return the coordinates of time and space, and those named, in the form that `stages.new` takes."""
    wanted = (*_TIME_COORDS, "z", "y", "x", *names)
    return {name: (" ".join(map(str, data[name].dims)), data[name].values) for name in wanted if name in data.coords}


def carried(data: xr.Dataset, *names: str) -> dict[str, tuple[str, Any]]:
    """Return those of the named variables that are there, in the form that `stages.new` takes."""
    return {name: (" ".join(map(str, data[name].dims)), data[name].values) for name in names if name in data}


def extended(
    data: xr.Dataset,
    variables: Mapping[str, tuple[str, Any]],
    *,
    coords: Mapping[str, tuple[str, Any]] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Return a stage anew with variables, coordinates and attributes added or replaced, and checked."""
    kept = [str(name) for name in data.data_vars if name not in variables]
    known = {str(name): (" ".join(map(str, data[name].dims)), data[name].values) for name in data.coords}
    return new(
        data.attrs["stage"],
        {**carried(data, *kept), **variables},
        coords={**known, **(coords or {})},
        attrs={**data.attrs, **(attrs or {})},
    )


def frame_std(od: xr.Dataset) -> FloatArray:
    """Return the standard deviation of ln I0 with dims (time, energy); zero where there is none, as in lost frames."""
    shape = (od.sizes["time"], od.sizes["energy"])
    if "signal_frame_std" not in od:
        return np.zeros(shape)
    values = np.asarray(np.broadcast_to(od["signal_frame_std"].values, shape), dtype=float)
    return np.where(np.isfinite(values), values, 0.0)


def gain(frames: xr.Dataset) -> FloatArray:
    """Return the noise gain with dims (time, energy); one where there is none, as in frames that were lost."""
    shape = (frames.sizes["time"], frames.sizes["energy"])
    if "noise_gain" not in frames:
        return np.ones(shape)
    values = np.asarray(frames["noise_gain"].values, dtype=float)
    values = np.where(np.isfinite(values), values, 1.0)
    return np.broadcast_to(values if values.ndim == 2 else values[:, None], shape)


def image_mask(mask: Any, data: xr.Dataset, *, field: str) -> np.ndarray:
    """Return a mask as a boolean array of shape (Y, X).

    Raises
    ------
    AnalysisError
        If its shape is not that of the pictures, or it is not boolean.
    """
    values = np.asarray(mask)
    shape = (data.sizes["y"], data.sizes["x"])
    if values.shape != shape or values.dtype != bool:
        raise AnalysisError(
            "a mask does not fit the pictures",
            field=field,
            value=f"{values.dtype} of shape {values.shape}",
            limit=f"bool of shape {shape}",
            remedy="draw it on these pictures, or convert it with mask > 0",
        )
    return values


def axis_values(data: xr.Dataset, name: str) -> FloatArray:
    """Return a coordinate as float64."""
    return np.asarray(data[name].values, dtype=float)
