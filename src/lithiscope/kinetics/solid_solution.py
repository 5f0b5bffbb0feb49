"""Shares of the pixels in the solid solution and near the end compositions, with the noise unfolded (Koo 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.crops import SIGNAL, check_video, crops, noise_gain, particle_names
from lithiscope.kinetics.kernels.unfolding import unfolded_shares
from lithiscope.kinetics.kernels.uniformity import FrameMoments, frame_moments
from lithiscope.kinetics.phases_options import PhaseOptions
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

_MEASURED = ("solid_solution_fraction", "rich_fraction", "poor_fraction", "separation")
_LEAST_BINARY = 0.01  # m(1-m) below which a particle is at its end and its separation has no meaning


def solid_solution_fraction(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    options: PhaseOptions = PhaseOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Say which share of every particle is solid solution in every frame, and which is near either end.

    Noise carries pixels across the limits (at 0.065 a particle of x = 0.2 and 0.8 loses a fifth of its solid solution,
    one of 0.1, 0.5 and 0.95 gains a tenth), so the histogram is unfolded: the distribution of x between 0 and 1 that
    makes the histogram most likely behind the known Gaussian noise.

    Parameters
    ----------
    video : composition_video
        With standard deviations.
    labels : DataArray of int, shape (y, x) or (z, y, x)
        Particle numbers; one mask for all frames.
    ids : mapping of int to str, optional
        Name of every particle number.
    options : PhaseOptions
        Limits of the solid solution.
    reporter : Reporter
        Told about every particle.

    Returns
    -------
    phase_table
        Corrected and raw share; the binary fraction of a relaxed particle is 1 less the corrected one. The errors are
        those of simulated noise on the unfolded distribution (the compositions of the pixels stay), with the shift
        that unfolding makes there in quadrature. `separation` is the variance of x, noise taken out, over m(1-m):
        (1-U)^2 of a single frame; ``unsolvable`` where the particle is at its end.

    Raises
    ------
    AnalysisError
        If the video has no lithium fraction or no standard deviations.
    StageError
        If the labels do not fit.
    """
    check_video(video, labels)
    if f"{SIGNAL}_std" not in video:
        raise AnalysisError(
            "the noise cannot be unfolded",
            field=f"{SIGNAL}_std",
            value="absent",
            remedy="make the video with lithium_fraction(...), which knows the noise",
        )
    names = particle_names(labels, ids)
    shape = (len(names), video.sizes["time"])
    columns: dict[str, np.ndarray] = {"solid_solution_raw": np.full(shape, np.nan)}
    for name in _MEASURED:
        columns |= {name: np.full(shape, np.nan), f"{name}_std": np.full(shape, np.nan)}
        columns[f"{name}_flag"] = np.full(shape, stages.flag_bit("missing"), dtype=np.uint16)
    columns["pixel_count"] = np.zeros(shape, dtype=int)
    gain, rng = noise_gain(video), np.random.default_rng(options.seed)
    for row, crop in enumerate(reporter.track(crops(video, labels, names), label="phases", total=len(names))):
        x = crop.x[:, crop.mask]
        std = np.full_like(x, np.nan) if crop.std is None else crop.std[:, crop.mask]
        moments = frame_moments(x, std**2, gain)
        for frame in range(shape[1]):
            known = np.isfinite(x[frame]) & np.isfinite(std[frame])
            columns["pixel_count"][row, frame] = known.sum()
            if known.sum() < options.min_pixels:
                continue
            found = _shares(x[frame, known], std[frame, known], gain[frame], options, rng)
            found |= _separation(moments, frame)
            for name, value in found.items():
                columns[name][row, frame] = value
    return _assembled(video, list(names.values()), columns, options)


def _shares(
    x: np.ndarray, std: np.ndarray, gain: float, options: PhaseOptions, rng: np.random.Generator
) -> dict[str, float]:
    """Return the shares of one particle in one frame with their errors."""
    limits = (options.lower, options.upper)
    shares = unfolded_shares(x, std, limits, iterations=options.iterations, draws=options.draws, rng=rng)
    # Pixels of a resampled picture move together: fewer independent ones than there are.
    error = shares.error / min(gain, 1.0)
    found: dict[str, float] = {"solid_solution_raw": float(shares.raw[1])}
    for place, name in enumerate(("poor_fraction", "solid_solution_fraction", "rich_fraction")):
        found |= {name: float(shares.value[place]), f"{name}_std": float(error[place]), f"{name}_flag": 0}
    return found


def _separation(moments: FrameMoments, frame: int) -> dict[str, float]:
    binary = moments.mean[frame] * (1 - moments.mean[frame])
    if binary < _LEAST_BINARY:
        return {"separation_flag": int(stages.flag_bit("unsolvable"))}
    return {
        "separation": float((moments.spread[frame] - moments.noise[frame]) / binary),
        "separation_std": float(np.sqrt(moments.spread_variance[frame]) / binary),
        "separation_flag": 0,
    }


def _assembled(
    video: xr.Dataset, names: list[str], columns: dict[str, np.ndarray], options: PhaseOptions
) -> xr.Dataset:
    coords: dict[str, tuple[str, Any]] = {
        name: ("time", video[name].values) for name in ("time", "half_cycle", "direction") if name in video.coords
    }
    coords["particle"] = ("particle", np.array(names, dtype=str))
    return stages.new(
        "phase_table",
        {name: ("particle time", values) for name, values in columns.items()},
        coords=coords,
        attrs={"limits": [options.lower, options.upper]},
    )
