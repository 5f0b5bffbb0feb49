"""Where each frame lies: sub-pixel registration along time or energy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError
from lithiscope.frames.geometry import coordinates, pixel_size, spatial_axes
from lithiscope.frames.kernels.templates import EDGE
from lithiscope.frames.options import RegisterOptions
from lithiscope.frames.positions import Solution, nowhere, solved
from lithiscope.frames.tracking import Tracker
from lithiscope.progress import SILENT, Reporter
from lithiscope.stages import check, flag_bit, new

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
Index = tuple[int | slice, ...]

MIN_SIDE = 2 * EDGE + 4


def register(
    frames: xr.Dataset,
    *,
    weight: xr.DataArray | None = None,
    options: RegisterOptions = RegisterOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Find where each frame lies, to a small part of a pixel.

    Every frame is compared with those 1, 3, 9 and 27 before it: first by correlation of edges (Laplacian of Gaussian,
    Hann window, unnormalised), then by Gauss-Newton on quintic splines with weights 1/variance and Tukey's. A local
    gain alpha = G(T f)/G(T^2) lets the contrast change from place to place, and what it can follow does not count as
    motion. The positions are the least-squares solution of all pairs, so that errors do not add up along the movie.

    Parameters
    ----------
    frames : Frames
        ``signal`` with dims (time, [energy], [z], y, x); ``signal_std`` gives the weights, and is estimated from the
        finest detail where it is missing. With a local gain, blank areas should read zero (optical density, amount) or
        be as textured as the rest. NaN is left out.
    weight : DataArray, optional
        Non-negative, with some of the dims of the signal: 0 where a pixel should not count.
    options : RegisterOptions
        Axis, motion, gain and limits.
    reporter : Reporter
        Told of the progress.

    Returns
    -------
    Alignment
        ``shift(time, [energy], axis)`` in um: a point at r in the reference is found at r + shift in the frame. The
        reference is the mean position of all aligned frames (of each scan, when aligned along energy). ``shift_std``
        contains photon noise, the disagreement of pairs and, with a global gain, what that gain cannot follow; a
        pattern that stays with the camera, which no pair shows, is not in it. ``drift_leakage`` is the displacement
        since the frame before that a plain regression on the image gradients still sees: fronts and camera patterns
        show in it. ``pair_residual`` is the root-mean-square disagreement of a frame's pairs; with a global gain, those
        that it brings together less well count for less. A frame that cannot be aligned has NaN and the flag
        not_aligned, and a warning names it. For an affine motion, ``affine`` is the linear part about the centre of the
        picture, its mean over the frames the identity, and ``affine_std`` its standard deviation, made like that of the
        shift.

    Raises
    ------
    StageError
        If `frames` are not Frames.
    OptionError
        If both time and energy are there and ``along`` does not choose.
    AnalysisError
        If the pictures are too small, have more than one channel, or uneven pixels, or if the weight does not fit.

    References
    ----------
    Lucas & Kanade (1981), Proc. IJCAI, 674; Baker & Matthews (2004), Int. J. Comput. Vis. 56, 221.
    """
    check(frames, "frames")
    axes = spatial_axes(frames, "signal")
    size = pixel_size(frames, axes)
    options = _with_gain(options, axes)
    _check_pictures(frames, axes)
    along = _sequence(frames, options)
    weights = None if weight is None else _checked_weight(frames, weight)
    lead = tuple(str(dim) for dim in frames["signal"].dims[: -len(axes)])
    shape = tuple(frames.sizes[dim] for dim in lead)
    total = int(np.prod(shape))
    found = nowhere(shape, len(axes))
    progress = reporter.track(range(total), label="registering frames", total=total)
    for run in _runs(shape, lead.index(along)):
        for array, values in zip(found, _solve(frames, weights, run, options, progress), strict=True):
            array[run] = values
    return _alignment(frames, found, size, axes, options, lead)


def _with_gain(options: RegisterOptions, axes: tuple[str, ...]) -> RegisterOptions:
    """Choose the gain: behind a front that crosses a volume a local one errs by more than it says (1.5 to 3 times)."""
    if options.gain != "auto":
        return options
    return options.model_copy(update={"gain": "global" if len(axes) > 2 else "local"})


def _runs(shape: tuple[int, ...], axis: int) -> Iterator[Index]:
    """Yield the sequences of frames that are aligned with each other, each as one index."""
    if 0 in shape:
        return
    for fixed in np.ndindex(*shape[:axis], *shape[axis + 1 :]):
        yield (*fixed[:axis], slice(0, shape[axis]), *fixed[axis:])


def _blocks(run: Index, most: int) -> Iterator[tuple[range, Index]]:
    """Yield the numbers and the index of the frames of a sequence, some at once."""
    axis = next(k for k, part in enumerate(run) if isinstance(part, slice))
    count = run[axis].stop  # type: ignore[union-attr]
    for start in range(0, count, most):
        stop = min(start + most, count)
        yield range(start, stop), (*run[:axis], slice(start, stop), *run[axis + 1 :])


def _solve(
    frames: xr.Dataset, weight: xr.DataArray | None, run: Index, options: RegisterOptions, progress: Iterator[int]
) -> Solution:
    # Indexing a variable is much quicker than a DataArray, which takes its coordinates along.
    signal = frames["signal"].variable
    spread = frames["signal_std"].variable if "signal_std" in frames else None
    tracker = Tracker(options, signal.shape[len(run) :])
    usable: list[int] = []
    numbers = range(0)
    for numbers, index in _blocks(run, tracker.block):
        pictures = np.asarray(signal[index].values, dtype=np.float32)
        good = np.array([_is_usable(picture) for picture in pictures])
        variance = None if spread is None else np.square(spread[index].values, dtype=np.float32)[good]
        use = None if weight is None else _weight_of(weight, frames, index)[good]
        some = np.array(numbers)[good].tolist()
        tracker.push(some, pictures[good], variance, use)
        usable += some
        for _ in numbers:
            next(progress, None)
    return solved(*tracker.found(), np.array(usable, dtype=int), numbers.stop, options)


def _is_usable(picture: NDArray[np.float32]) -> bool:
    values = picture[np.isfinite(picture)]
    return bool(values.size and values.min() < values.max())


def _alignment(
    frames: xr.Dataset,
    found: Solution,
    size: FloatArray,
    axes: tuple[str, ...],
    options: RegisterOptions,
    lead: tuple[str, ...],
) -> xr.Dataset:
    lost = np.asarray(~np.isfinite(found.shift).all(axis=-1))
    if lost.any():
        warnings.warn(_lost_message(frames, lost, lead), LithiscopeWarning, stacklevel=3)
    dims = " ".join(lead)
    variables: dict[str, tuple[str, Any]] = {
        "shift": (f"{dims} axis", found.shift * size),
        "shift_std": (f"{dims} axis", found.std * size),
        "drift_leakage": (f"{dims} axis", found.leakage * size),
        "pair_residual": (dims, found.residual * float(np.sqrt(np.mean(size**2)))),
        "alignment_flag": (dims, np.where(lost, flag_bit("not_aligned"), 0)),
    }
    coords = {**coordinates(frames, lead), "axis": ("axis", list(axes))}
    if options.motion == "affine":
        # From pixels to um: an axis with larger pixels counts for more.
        ratio = size[:, None] / size
        variables["affine"] = (f"{dims} axis axis_in", found.linear * ratio)
        variables["affine_std"] = (f"{dims} axis axis_in", found.linear_std * ratio)
        coords["axis_in"] = ("axis_in", list(axes))
    attrs = {"method": f"{options.motion}, {options.gain} gain, lags {', '.join(map(str, options.lags))}"}
    return new("alignment", variables, coords=coords, attrs=attrs)


def _lost_message(frames: xr.Dataset, lost: NDArray[np.bool_], lead: tuple[str, ...]) -> str:
    names = []
    for index in np.argwhere(lost)[:10]:
        where = [
            f"{dim} {frames[dim].values[i]:g}" if dim in frames.coords else f"{dim} number {i}"
            for dim, i in zip(lead, index, strict=True)
        ]
        names.append(" ".join(where))
    more = f" and {int(lost.sum()) - 10} more" if lost.sum() > 10 else ""
    return (
        f"{int(lost.sum())} of {lost.size} frames could not be aligned and are flagged not_aligned: "
        f"{', '.join(names)}{more}; look at them, lower min_likeness or min_overlap (align.registration), choose "
        "another picture (align.invariant.mode), or align by regions without what does not move along (align.area)"
    )


def _check_pictures(frames: xr.Dataset, axes: tuple[str, ...]) -> None:
    if "channel" in frames["signal"].dims:
        raise AnalysisError(
            "frames of several channels cannot be aligned at once",
            field="channel",
            value=frames.sizes["channel"],
            remedy="select one channel",
        )
    for axis in axes:
        if frames.sizes[axis] < MIN_SIDE:
            raise AnalysisError(
                "the pictures are too small to be aligned",
                field=axis,
                value=f"{frames.sizes[axis]} pixels",
                limit=f"at least {MIN_SIDE}",
                remedy="use a larger field, or select one plane",
            )


def _sequence(frames: xr.Dataset, options: RegisterOptions) -> str:
    lead = [dim for dim in ("time", "energy") if dim in frames["signal"].dims]
    if options.along != "auto":
        if options.along not in lead:
            raise OptionError(
                "the frames have no such axis", field="along", value=options.along, limit=" or ".join(lead)
            )
        return options.along
    long = [dim for dim in lead if frames.sizes[dim] > 1]
    if len(long) > 1:
        raise OptionError(
            "the frames have several times and several energies",
            field="along",
            value="auto",
            limit="time or energy",
            remedy="state along='energy' to align the energies of each scan, or make one picture of each scan",
        )
    return long[0] if long else "time"


def _checked_weight(frames: xr.Dataset, weight: xr.DataArray) -> xr.DataArray:
    sizes = {str(dim): int(size) for dim, size in weight.sizes.items()}
    expected = {str(dim): int(size) for dim, size in frames["signal"].sizes.items()}
    if any(expected.get(dim) != size for dim, size in sizes.items()):
        raise AnalysisError("the weight does not fit the frames", field="weight", value=sizes, limit=str(expected))
    values = weight.fillna(0.0) if weight.dtype.kind == "f" else weight
    if float(values.min()) < 0 or not np.isfinite(float(values.max())):
        raise AnalysisError("a weight is negative or infinite", field="weight", value=float(values.min()), limit=">= 0")
    return values


def _weight_of(weight: xr.DataArray, frames: xr.Dataset, index: Index) -> NDArray[np.float32]:
    dims = [str(dim) for dim in frames["signal"].dims]
    at = {dim: part for dim, part in zip(dims, index, strict=False) if dim in weight.dims}
    along = next(dim for dim, part in zip(dims, index, strict=False) if isinstance(part, slice))
    part, axes = weight.isel(at), [along, *dims[len(index) :]]
    block = frames["signal"].variable[index]
    lacking = {axis: block.sizes[axis] for axis in axes if axis not in part.dims}
    return np.asarray(part.expand_dims(lacking).transpose(*axes).values, dtype=np.float32)
