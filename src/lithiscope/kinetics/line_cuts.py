"""The composition along the same lines in every frame (Lim 2016 fig. 3; Koo 2023 fig. 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.kinetics.crops import SIGNAL, noise_gain
from lithiscope.kinetics.kernels.cuts import Weights, bilinear, sampled
from lithiscope.kinetics.line_cuts_options import Line, LineCutOptions

if TYPE_CHECKING:
    import xarray as xr


def line_cuts(
    video: xr.Dataset,
    *,
    options: LineCutOptions,
    mask: xr.DataArray | None = None,
) -> xr.Dataset:
    """Read the composition along lines, the same pixels in every frame.

    Parameters
    ----------
    video : composition_video
        Pictures, not volumes.
    options : LineCutOptions
        The lines, their step and width.
    mask : DataArray of bool, shape (y, x), optional
        Pixels that may be used; the rest counts as not measured.

    Returns
    -------
    line_cuts
        Bilinear between pixel centres, averaged across the width. The standard deviation takes the noise before
        resampling with the weights of the pixels: exact for means over pixels, at most a little too large for a single
        one. A sample with too little weight on measured pixels is NaN, ``outside_view`` outside the picture and
        ``missing`` inside. Neighbouring samples share pixels.

    Raises
    ------
    AnalysisError
        If the video has no lithium fraction or is a volume.
    OptionError
        If there is no line, or a line lies wholly outside the picture.
    """
    stages.check(video, "composition_video")
    if SIGNAL not in video or "z" in video[SIGNAL].dims:
        raise AnalysisError(
            "line cuts need pictures of the lithium fraction",
            field=SIGNAL,
            limit="dimensions (time, y, x)",
            remedy="calibrate the signal, or select one plane",
        )
    if not options.lines:
        raise OptionError("there is no line", field="lines", value="empty", remedy="state start and end of a line, um")
    samples = [_points(video, line, options) for line in options.lines]
    found = [_along(video, points, options, mask) for points, _ in samples]
    mean, std, flag = (np.concatenate([one[part] for one in found], axis=1) for part in range(3))
    middle = [points.mean(axis=1) for points, _ in samples]
    coords: dict[str, tuple[str, Any]] = {
        name: ("time", video[name].values) for name in ("time", "half_cycle", "direction") if name in video.coords
    }
    counts = [len(points) for points, _ in samples]
    coords |= {
        "line": ("sample", np.repeat([line.name for line in options.lines], counts)),
        "distance": ("sample", np.concatenate([distance for _, distance in samples])),
        "position_x": ("sample", np.concatenate([one[:, 0] for one in middle])),
        "position_y": ("sample", np.concatenate([one[:, 1] for one in middle])),
    }
    variables = {
        SIGNAL: ("time sample", mean),
        f"{SIGNAL}_std": ("time sample", std if f"{SIGNAL}_std" in video else None),
        f"{SIGNAL}_flag": ("time sample", flag),
    }
    return stages.new("line_cuts", variables, coords=coords, attrs={"width": options.width})


def _axes(video: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    x, y = (np.asarray(video[dim].values, dtype=float) for dim in ("x", "y"))
    return x, y


def _points(video: xr.Dataset, line: Line, options: LineCutOptions) -> tuple[np.ndarray, np.ndarray]:
    """Points (samples, across, (x, y)) in um, and the distance of the samples from the start."""
    x, y = _axes(video)
    pixel = min(abs(x[1] - x[0]), abs(y[1] - y[0]))
    start, end = np.array(line.start), np.array(line.end)
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    distance = np.arange(0.0, length * (1 + 1e-9), options.step or pixel)
    # Half a pixel between the points across takes every pixel of the strip along.
    count = max(1, int(np.ceil(options.width / (pixel / 2))))
    across = (np.arange(count) - (count - 1) / 2) * (options.width / count)
    normal = np.array([-along[1], along[0]])
    points = start + distance[:, None, None] * along + across[None, :, None] * normal
    inside = (points[..., 0] >= x.min()) & (points[..., 0] <= x.max())
    if not (inside & (points[..., 1] >= y.min()) & (points[..., 1] <= y.max())).any():
        raise OptionError(
            "a line lies outside the picture",
            field=f"lines.{line.name}",
            value=f"{line.start} to {line.end}",
            limit=f"x {x.min():.4g} to {x.max():.4g}, y {y.min():.4g} to {y.max():.4g} um",
        )
    return points, distance


def _weights(video: xr.Dataset, points: np.ndarray) -> Weights:
    x, y = _axes(video)
    place = np.stack([(points[..., 1] - y[0]) / (y[1] - y[0]), (points[..., 0] - x[0]) / (x[1] - x[0])], axis=-1)
    # Rounding must not push a point on the last pixel's centre beyond it.
    nearest = np.rint(place)
    return bilinear(np.where(np.abs(place - nearest) < 1e-6, nearest, place), (len(y), len(x)))


def _along(
    video: xr.Dataset, points: np.ndarray, options: LineCutOptions, mask: xr.DataArray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weights = _weights(video, points)
    frames = video.sizes["time"]
    values = np.asarray(video[SIGNAL].values, dtype=float).reshape(frames, -1)
    if mask is not None:
        values = np.where(np.asarray(mask.values, dtype=bool).ravel(), values, np.nan)
    variance = np.zeros_like(values)
    if f"{SIGNAL}_std" in video:
        native = np.asarray(video[f"{SIGNAL}_std"].values, dtype=float).reshape(frames, -1)
        variance = (native / noise_gain(video)[:, None]) ** 2
    mean, spread, enough = sampled(values, variance, weights, options.min_valid_share)
    outside = np.where(weights.pixel < 0, weights.weight, 0.0).sum(axis=1) > 1 - options.min_valid_share
    lost = np.where(outside, stages.flag_bit("outside_view"), stages.flag_bit("missing"))
    return (
        np.where(enough, mean, np.nan),
        np.where(enough, np.sqrt(spread), np.nan),
        np.where(enough, 0, lost).astype(np.uint16),
    )
