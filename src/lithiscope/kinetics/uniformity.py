"""The uniformity coefficient of particles with the noise taken out, and its means by C-rate (Lim 2016)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import LithiscopeWarning
from lithiscope.kinetics.crops import SIGNAL, Crop, check_video, crops, half_cycles, noise_gain, particle_names
from lithiscope.kinetics.kernels.uniformity import (
    FrameMoments,
    as_it_appears,
    chosen_frames,
    fit_binary_share,
    frame_moments,
    uniformity_of,
)
from lithiscope.kinetics.uniformity_options import UniformityOptions
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

_NUMBERS = ("uniformity", "uniformity_std", "uncorrected", "noise", "c_rate")


def uniformity(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    applied_c_rate: Mapping[int, float] | None = None,
    options: UniformityOptions = UniformityOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Say how uniform every particle was in every half cycle: 1 uniform, 0 every pixel either full or empty.

    U from var(x) = (1-U)^2 m(1-m) + sigma^2 over the frames of the half cycle, m the mean of the particle; Lim 2016
    (fig. S14) fits the standard deviation as it appears, which noise of 0.06 keeps below 0.88.

    Parameters
    ----------
    video : composition_video
        With coordinates half_cycle and direction along time.
    labels : DataArray of int, shape (y, x) or (z, y, x)
        Particle numbers; one mask for all frames.
    ids : mapping of int to str, optional
        Name of every particle number.
    applied_c_rate : mapping of int to float, optional
        C-rate of the cell in every half cycle, 1/h.
    options : UniformityOptions
        Where the noise comes from; how much of a half cycle must be there.
    reporter : Reporter
        Told about every particle.

    Returns
    -------
    uniformity_table
        `uniformity_std` propagates the noise of the pixels and the error common to a frame. Where noise explains all
        of the spread U is 1, and U - std its one-sigma end. Sigma is that of the picture after resampling, which is
        what the pixels scatter by. `uncorrected` is the coefficient of Lim 2016. A half cycle with too few frames, or
        whose frames all lie at one end, has NaN and the flag ``unsolvable``; without any value, ``missing``.

    Raises
    ------
    AnalysisError
        If the video has no lithium fraction, or its frames no half cycle.
    StageError
        If the labels do not fit.
    """
    check_video(video, labels)
    names = particle_names(labels, ids)
    known = options.noise == "known" and f"{SIGNAL}_std" in video
    if options.noise == "known" and not known:
        warnings.warn(
            "the video has no standard deviations: the noise is fitted with the uniformity",
            LithiscopeWarning,
            stacklevel=2,
        )
    of_frame, numbers, directions = half_cycles(video)
    shape = (len(names), len(numbers))
    columns = {name: np.full(shape, np.nan) for name in _NUMBERS}
    columns["uniformity_flag"] = np.full(shape, stages.flag_bit("missing"), dtype=np.uint16)
    columns["frame_count"] = np.zeros(shape, dtype=int)
    for row, crop in enumerate(reporter.track(crops(video, labels, names), label="uniformity", total=len(names))):
        moments = _moments(crop, noise_gain(video))
        for column, number in enumerate(numbers):
            frames = _usable(moments, of_frame == number, crop, options)
            found = _of_half_cycle(video, moments, frames, options, known=known)
            for name, value in found.items():
                columns[name][row, column] = value
    return _assembled(list(names.values()), numbers, directions, columns, applied_c_rate)


def _moments(crop: Crop, gain: np.ndarray) -> FrameMoments:
    x = crop.x[:, crop.mask]
    variance = np.zeros_like(x) if crop.std is None else crop.std[:, crop.mask] ** 2
    return frame_moments(x, variance, gain)


def _usable(moments: FrameMoments, inside: np.ndarray, crop: Crop, options: UniformityOptions) -> np.ndarray:
    enough = moments.pixels >= max(2, options.min_valid_share * np.count_nonzero(crop.mask))
    return np.flatnonzero(inside & enough)


def _of_half_cycle(
    video: xr.Dataset, moments: FrameMoments, frames: np.ndarray, options: UniformityOptions, *, known: bool
) -> dict[str, float]:
    """Return the columns of one particle in one half cycle."""
    found: dict[str, float] = {"frame_count": len(frames)}
    if not len(frames):
        return found
    found["uniformity_flag"] = int(stages.flag_bit("unsolvable"))
    if len(frames) < options.min_frames:
        return found
    chosen = chosen_frames(moments, frames)
    common = f"{SIGNAL}_frame_std"
    frame_std = np.asarray(video[common].values, dtype=float)[frames] if common in video else np.zeros(len(frames))
    binary = fit_binary_share(chosen, np.nan_to_num(frame_std) ** 2, known_noise=known)
    hours = np.asarray(video["time"].values, dtype=float)[frames] / 3600
    found["c_rate"] = abs(chosen.mean[-1] - chosen.mean[0]) / (hours[-1] - hours[0]) / options.range_of_1c
    found["uncorrected"] = as_it_appears(chosen)
    if np.isfinite(binary.q):
        found["uniformity"], found["uniformity_std"] = uniformity_of(binary.q, np.sqrt(binary.q_variance))
        found["noise"] = np.sqrt(max(binary.noise, 0.0))
        found["uniformity_flag"] = 0
    return found


def _assembled(
    names: list[str],
    numbers: np.ndarray,
    directions: np.ndarray,
    columns: dict[str, np.ndarray],
    applied: Mapping[int, float] | None,
) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {name: ("particle half_cycle", values) for name, values in columns.items()}
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", np.array(names, dtype=str)),
        "half_cycle": ("half_cycle", numbers),
        "direction": ("half_cycle", directions),
    }
    if applied is not None:
        rates = [float(applied.get(int(number), np.nan)) for number in numbers]
        coords["applied_c_rate"] = ("half_cycle", rates)
    return stages.new("uniformity_table", variables, coords=coords)
