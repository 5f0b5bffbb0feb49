"""Moving every frame onto the reference, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.frames.geometry import carried, coordinates, pixel_size, spatial_axes
from lithiscope.frames.kernels.resampling import Moved, move_picture
from lithiscope.frames.options import ResampleOptions
from lithiscope.progress import SILENT, Reporter
from lithiscope.stages import check, flag_bit, new

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]


class Place(NamedTuple):
    """Where a frame lies, in pixels: shift (axis), linear part (axis, axis), and their standard deviations."""

    shift: FloatArray
    shift_std: FloatArray
    linear: FloatArray | None
    linear_std: FloatArray | None

    def of(self, index: tuple[int, ...]) -> Place:
        """Return the place of one of several frames."""
        linear, linear_std = (None if part is None else part[index] for part in (self.linear, self.linear_std))
        return Place(self.shift[index], self.shift_std[index], linear, linear_std)


def resample(
    frames: xr.Dataset,
    alignment: xr.Dataset,
    *,
    options: ResampleOptions = ResampleOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Move every frame onto the reference by one cubic B-spline interpolation.

    Parameters
    ----------
    frames : Frames
        ``signal`` (time, [energy], [channel], [z], y, x), raw counts as a rule; not resampled before.
    alignment : Alignment
        Shifts (time, [energy], axis) of the same frames.
    options : ResampleOptions
        How much of a pixel's support must be present.
    reporter : Reporter
        Told of the progress.

    Returns
    -------
    Frames
        What left the field is NaN and outside_view; what was NaN stays NaN with its flag, and does not ring over its
        neighbours; a frame that was not aligned is NaN and not_aligned. ``signal_std`` is what a pixel now scatters by,
        and what ``shift_std`` and ``affine_std`` make of the slope of the picture there. ``noise_gain`` (time,
        [energy]) is the scatter over that before, so that a mean over N pixels has the standard deviation signal_std /
        noise_gain / sqrt(N).

    Raises
    ------
    StageError
        If an input is not of its stage.
    AnalysisError
        If the frames were resampled before, or the alignment is of other frames or lacks an axis.
    """
    check(frames, "frames")
    check(alignment, "alignment")
    if "resampled" in frames.attrs:
        raise AnalysisError(
            "the frames were resampled before, and every time blurs them",
            field="attrs['resampled']",
            value=frames.attrs["resampled"],
            remedy="compose the alignments and resample the first frames once",
        )
    axes = spatial_axes(frames, "signal")
    dims = tuple(str(dim) for dim in frames["signal"].dims)
    lead = dims[: -len(axes)]
    places = _in_pixels(frames, alignment, axes, lead)
    shape = tuple(frames.sizes[dim] for dim in lead)
    signal = np.empty(frames["signal"].shape, dtype=np.float32)
    std = np.empty_like(signal) if "signal_std" in frames else None
    flag, gain = np.empty(signal.shape, dtype=np.uint16), np.ones(shape)
    total = int(np.prod(shape))
    for index in reporter.track(np.ndindex(shape), label="resampling frames", total=total):
        place = places.of(index)
        moved = _moved(frames, index, place, options)
        signal[index], flag[index], gain[index] = moved.values, moved.flag, moved.gain
        if std is not None and moved.variance is not None:
            std[index] = np.sqrt(moved.variance + misplaced(moved.values, place.shift_std, place.linear_std))
    names = " ".join(dims)
    timed = tuple(dim for dim in lead if dim != "channel")
    gain = gain.mean(axis=lead.index("channel")) if "channel" in lead else gain
    if "noise_gain" in frames:
        gain = gain * frames["noise_gain"].values
    variables: dict[str, tuple[str, Any]] = {
        "signal": (names, signal),
        "signal_flag": (names, flag),
        "noise_gain": (" ".join(timed), gain),
        **carried(frames, "signal_frame_std", "exposure_mid", "dwell", "ring_current", "incident", "incident_std"),
    }
    if std is not None:
        variables["signal_std"] = (names, std)
    attrs = {key: value for key, value in frames.attrs.items() if key != "stage"}
    return new("frames", variables, coords=coordinates(frames, dims), attrs={**attrs, "resampled": "cubic B-spline"})


def misplaced(picture: FloatArray, shift_std: FloatArray, linear_std: FloatArray | None = None) -> FloatArray:
    """Return the variance that errors of its place give to a picture: its squared slopes times theirs.

    Errors along different axes, and of shift and linear part, are taken as independent; those of the linear part grow
    with the distance from the centre. Beside a missing pixel the slope is one-sided, and 0 where both neighbours are
    missing.

    Parameters
    ----------
    picture : array, shape ([z], y, x)
        NaN where it is missing.
    shift_std : array, shape (axis,)
        Standard deviation of the shift, pixels; NaN counts as 0.
    linear_std : array, shape (axis, axis), or None
        Standard deviation of the linear part about the centre, in pixels; NaN counts as 0.
    """
    variance = np.zeros_like(picture)
    away = [np.square(np.arange(n) - (n - 1) / 2) for n in picture.shape]
    for axis, std in enumerate(np.nan_to_num(shift_std)):
        square: FloatArray = np.full([1] * picture.ndim, np.square(std))
        if linear_std is not None:
            grown = np.square(np.nan_to_num(linear_std[axis]))
            square = square + sum(np.ix_(*(part * one for part, one in zip(away, grown, strict=True))))
        if square.max() > 0 and picture.shape[axis] > 1:
            step = np.diff(picture, axis=axis)
            edge = [(0, 0)] * picture.ndim
            edge[axis] = (1, 1)
            padded = np.pad(step, edge, constant_values=np.nan)
            sides = np.stack([np.delete(padded, -1, axis), np.delete(padded, 0, axis)])
            known = np.isfinite(sides)
            slope = np.where(known, sides, 0.0).sum(0) / np.maximum(known.sum(0), 1)
            variance += square * np.square(slope)
    return variance


def _moved(frames: xr.Dataset, index: tuple[int, ...], place: Place, options: ResampleOptions) -> Moved:
    picture = np.asarray(frames["signal"][index].values, dtype=np.float64)
    if not np.isfinite(place.shift).all():
        lost = np.full(picture.shape, np.nan)
        return Moved(lost, lost, np.full(picture.shape, flag_bit("not_aligned")), np.nan)
    variance = None
    if "signal_std" in frames:
        variance = np.square(np.asarray(frames["signal_std"][index].values, dtype=np.float64))
    flag = np.asarray(frames["signal_flag"][index].values)
    return move_picture(picture, variance, flag, place.shift, place.linear, options.min_support)


def _in_pixels(frames: xr.Dataset, alignment: xr.Dataset, axes: tuple[str, ...], lead: tuple[str, ...]) -> Place:
    """Return the places of all frames: dims of the frames that lead, and those of `Place`."""
    known = [str(axis) for axis in alignment["axis"].values] if "axis" in alignment.coords else []
    if not set(axes) <= set(known):
        raise AnalysisError(
            "the alignment lacks an axis of the frames", field="axis", value=known, limit=" ".join(axes)
        )
    for dim in ("time", "energy"):
        if dim in alignment.dims:
            _check_same(frames, alignment, dim)
    size = pixel_size(frames, axes)
    shape = tuple(frames.sizes[dim] for dim in lead)
    picked = alignment.sel(axis=list(axes))
    shift, std = (
        _spread(picked[name], lead, shape) / size if name in picked else np.zeros((*shape, len(axes)))
        for name in ("shift", "shift_std")
    )
    if "affine" not in picked:
        return Place(shift, std, None, None)
    inner, ratio = picked.sel(axis_in=list(axes)), size / size[:, None]
    linear, linear_std = (
        _spread(inner[name], lead, shape) * ratio if name in inner else None for name in ("affine", "affine_std")
    )
    return Place(shift, std, linear, linear_std)


def _spread(values: xr.DataArray, lead: tuple[str, ...], shape: tuple[int, ...]) -> FloatArray:
    """Return values over all leading dimensions of the frames; those that lack one hold for all of it."""
    extra = tuple(str(dim) for dim in values.dims if str(dim).startswith("axis"))
    lacking = {dim: size for dim, size in zip(lead, shape, strict=True) if dim not in values.dims}
    return np.asarray(values.drop_vars(lead, errors="ignore").expand_dims(lacking).transpose(*lead, *extra).values)


def _check_same(frames: xr.Dataset, alignment: xr.Dataset, dim: str) -> None:
    same = dim in frames.dims and frames.sizes[dim] == alignment.sizes[dim]
    if same and dim in frames.coords and dim in alignment.coords:
        same = bool(np.allclose(frames[dim].values, alignment[dim].values))
    if not same:
        raise AnalysisError(
            "the alignment is of other frames",
            field=dim,
            value=f"{alignment.sizes[dim]} in the alignment",
            limit=f"the {frames.sizes.get(dim, 0)} of the frames, at the same {dim}",
            remedy="align these frames, or compose the alignments first",
        )
