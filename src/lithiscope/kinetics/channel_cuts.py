"""The composition along every channel of platelets seen along [100], from face to face, in every frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.channel_lines import Lines, channel_lines
from lithiscope.kinetics.channels_options import ChannelOptions
from lithiscope.kinetics.crops import SIGNAL, check_video, noise_gain, particle_names

if TYPE_CHECKING:
    import xarray as xr


def channel_cuts(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    options: ChannelOptions = ChannelOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Read the composition along the channels of every particle, pixel by pixel.

    Parameters
    ----------
    video : composition_video
        Pictures, not volumes.
    labels : DataArray of int, shape (y, x)
        Particle numbers.
    ids : mapping of int to str, optional
        Name of every particle number.
    options : ChannelOptions
        Direction and least length of the channels.

    Returns
    -------
    line_cuts
        One line per channel, "p01 channel 3" with the number that it has in the channel table of the same options, and
        the particle of every sample. Distances are those of pixel centres from the face at the start. Nothing is
        interpolated. The standard deviation takes the noise before resampling, which is right for means over pixels. A
        channel that the picture cuts off does not run from face to face and is left out. Where the video holds the
        amount, an end pixel that is not covered enough is NaN with the flag ``excluded``.

    Raises
    ------
    StageError
        If the labels do not fit the video.
    AnalysisError
        If the video has no lithium fraction or is a volume, no channel is long enough, or all are cut off.
    """
    check_video(video, labels)
    if "z" in video[SIGNAL].dims:
        raise AnalysisError("channels are lines in pictures", field="z", remedy="select one plane first")
    amount = video["amount"].mean("time", skipna=True).values.astype(float) if "amount" in video else None
    lines, axes = channel_lines(labels, particle_names(labels, ids), amount, options)
    channel = np.repeat(np.arange(len(lines.starts)), lines.pixels)
    whole = ~lines.cut[channel]
    if not whole.any():
        raise AnalysisError(
            "the picture cuts off every channel",
            field="labels",
            value=sorted(set(lines.particle.tolist())),
            limit="one channel that ends inside the picture",
            remedy="leave out particles at the edge, or check the axis",
        )
    bare = np.zeros(len(lines.pixel), dtype=bool)
    if amount is not None:
        bare[lines.ends] = lines.weight[lines.ends] < options.min_cover
    return _assembled(video, labels, lines, channel, whole, bare, axes)


def _assembled(
    video: xr.Dataset,
    labels: xr.DataArray,
    lines: Lines,
    channel: np.ndarray,
    whole: np.ndarray,
    bare: np.ndarray,
    axes: dict[str, float],
) -> xr.Dataset:
    pixel, channel = lines.pixel[whole], channel[whole]
    rank = (np.arange(len(lines.pixel)) - lines.starts[np.repeat(np.arange(len(lines.starts)), lines.pixels)])[whole]
    row, column = np.unravel_index(pixel, labels.shape)
    frames = video.sizes["time"]
    x = np.asarray(video[SIGNAL].values).reshape(frames, -1)[:, pixel].astype(float)
    lost = ~np.isfinite(x)
    x[:, bare[whole]] = np.nan
    flag = np.zeros(x.shape, dtype=np.uint16)
    if f"{SIGNAL}_flag" in video:
        flag = np.asarray(video[f"{SIGNAL}_flag"].values).reshape(frames, -1)[:, pixel].astype(np.uint16)
    flag = np.where(lost & ~stages.fatal_mask(flag), flag | stages.flag_bit("missing"), flag)
    flag = np.where(bare[whole], flag | stages.flag_bit("excluded"), flag).astype(np.uint16)
    lost |= bare[whole]
    variables: dict[str, tuple[str, Any]] = {SIGNAL: ("time sample", x), f"{SIGNAL}_flag": ("time sample", flag)}
    if f"{SIGNAL}_std" in video:
        std = np.asarray(video[f"{SIGNAL}_std"].values).reshape(frames, -1)[:, pixel].astype(float)
        native = std / noise_gain(video)[:, None]
        variables[f"{SIGNAL}_std"] = ("time sample", np.where(lost, np.nan, native))
    names = np.array([f"{name} channel {k}" for k, name in enumerate(lines.particle)], dtype=str)
    coords: dict[str, tuple[str, Any]] = {
        name: ("time", video[name].values) for name in ("time", "half_cycle", "direction") if name in video.coords
    }
    coords |= {
        "line": ("sample", names[channel]),
        "particle": ("sample", lines.particle[channel].astype(str)),
        "distance": ("sample", (rank + 0.5) * lines.step[channel] * 1e-3),
        "position_x": ("sample", np.asarray(labels["x"].values, dtype=float)[column]),
        "position_y": ("sample", np.asarray(labels["y"].values, dtype=float)[row]),
    }
    attrs = {"axis": ", ".join(f"{name} {angle:.1f}" for name, angle in axes.items()), "width": 0.0}
    return stages.new("line_cuts", variables, coords=coords, attrs=attrs)
