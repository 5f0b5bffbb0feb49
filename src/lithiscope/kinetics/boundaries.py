"""Direction of the boundary between rich and poor regions, beside the facets of the particle (Lim 2016; Koo 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.crops import SIGNAL, Crop, check_video, crops, noise_gain, noise_pattern, particle_names
from lithiscope.kinetics.kernels.directions import (
    axial_difference,
    boundary_angle,
    coherence,
    facet_angles,
    slopes_inside,
    structure_tensor,
)
from lithiscope.kinetics.kernels.domains import smooth_inside
from lithiscope.kinetics.phases_options import BoundaryOptions
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

_LEAST_SLOPES = 8  # numbers, two a pixel, that a frame needs
_NAMES = ("boundary_angle", "boundary_angle_std", "coherence", "facet_angle")


def boundary_directions(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    options: BoundaryOptions = BoundaryOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Find which way the boundaries inside every particle run.

    The structure tensor (mean of the products of the slopes of the smoothed composition) points across the boundary.
    Noise adds the same to both of its axes and turns it neither way; its part, from simulated noise of the known
    standard deviation, is taken out before the coherence is read.

    Parameters
    ----------
    video : composition_video
        Pictures with standard deviations; frames of relaxed particles, or all.
    labels : DataArray of int, shape (y, x)
        Particle numbers.
    ids : mapping of int to str, optional
        Name of every particle number.
    options : BoundaryOptions
        Smoothing, facets, and when there is one direction.
    reporter : Reporter
        Told about every particle.

    Returns
    -------
    boundary_table
        Angles in degrees from +x towards +y. The error is that of simulated noise on top. Without slopes beyond noise,
        or without one direction, NaN with the flag ``unsolvable``. `facet_difference` is boundary less nearest facet;
        its error holds that of the boundary alone.

    Raises
    ------
    AnalysisError
        If the video is a volume, or has no lithium fraction or standard deviation.
    StageError
        If the labels do not fit.
    """
    check_video(video, labels)
    if "z" in video[SIGNAL].dims or f"{SIGNAL}_std" not in video:
        raise AnalysisError(
            "directions of boundaries need pictures with standard deviations",
            field=f"{SIGNAL}_std",
            limit="(time, y, x)",
            remedy="select one plane, or use a video that knows its noise",
        )
    names = particle_names(labels, ids)
    step = tuple(float(video[dim].values[1] - video[dim].values[0]) for dim in ("y", "x"))
    spacing = (step[0], step[1])
    shape = (len(names), video.sizes["time"])
    columns = {name: np.full(shape, np.nan) for name in _NAMES}
    rng, gain = np.random.default_rng(options.seed), noise_gain(video)
    for row, crop in enumerate(reporter.track(crops(video, labels, names), label="boundaries", total=len(names))):
        facets = np.asarray(options.facets, dtype=float) % 180
        if not len(facets):
            facets = facet_angles(crop.mask, spacing, options.facet_count)
        size, noise = _noise_slopes(crop, gain, spacing, options, rng)
        slopes = slopes_inside(smooth_inside(crop.x, options.smoothing), spacing)
        for frame in range(shape[1]):
            found = _of_frame(slopes[frame : frame + 1], size[frame] * noise, options)
            columns["coherence"][row, frame] = found.coherence
            if np.isfinite(found.angle):
                nearest = facets[np.argmin(np.abs(axial_difference(facets, found.angle)))]
                columns["boundary_angle"][row, frame] = found.angle
                columns["boundary_angle_std"][row, frame] = found.std
                columns["facet_angle"][row, frame] = nearest
    return _assembled(video, list(names.values()), columns, options)


class _Direction(NamedTuple):
    angle: float
    std: float
    coherence: float


def _noise_slopes(
    crop: Crop, gain: np.ndarray, spacing: tuple[float, float], options: BoundaryOptions, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Size of the noise in every frame, and slopes of smoothed noise of mean square 1, (draws, 2, y, x)."""
    size, pattern = noise_pattern(crop, gain)
    noise = rng.standard_normal((options.draws, *pattern.shape)) * pattern
    return size, slopes_inside(smooth_inside(noise, options.smoothing), spacing)


def _of_frame(slopes: np.ndarray, noise: np.ndarray, options: BoundaryOptions) -> _Direction:
    """Direction in one frame, from its slopes (1, 2, y, x) and those of noise (draws, 2, y, x)."""
    noise = np.where(np.isfinite(slopes), noise, np.nan)
    if np.isfinite(noise[0]).sum() < _LEAST_SLOPES:
        return _Direction(np.nan, np.nan, np.nan)
    tensor, of_noise = structure_tensor(slopes), structure_tensor(noise)
    clean = tensor - of_noise.mean(axis=0)
    power = of_noise[:, 0] + of_noise[:, 2]
    signal = float(clean[0, 0] + clean[0, 2])
    if not signal > options.min_contrast * float(power.std()):
        return _Direction(np.nan, np.nan, np.nan)
    found = min(float(coherence(clean)[0]), 1.0)
    if found < options.min_coherence:
        return _Direction(np.nan, np.nan, found)
    angle = boundary_angle(clean)
    again = boundary_angle(structure_tensor(slopes + noise))
    spread = float(np.sqrt(np.mean(axial_difference(again, float(angle[0])) ** 2)))
    return _Direction(float(angle[0]), spread, found)


def _assembled(
    video: xr.Dataset, names: list[str], columns: dict[str, np.ndarray], options: BoundaryOptions
) -> xr.Dataset:
    dims = "particle time"
    lost = np.isnan(columns["boundary_angle"]) * stages.flag_bit("unsolvable")
    variables: dict[str, tuple[str, Any]] = {name: (dims, values) for name, values in columns.items()}
    variables |= {
        "boundary_angle_flag": (dims, lost),
        "facet_difference": (dims, axial_difference(columns["boundary_angle"], columns["facet_angle"])),
        "facet_difference_std": (dims, columns["boundary_angle_std"]),
        "facet_difference_flag": (dims, lost),
    }
    coords: dict[str, tuple[str, Any]] = {
        name: ("time", video[name].values) for name in ("time", "half_cycle", "direction") if name in video.coords
    }
    coords["particle"] = ("particle", np.array(names, dtype=str))
    facets = "stated" if options.facets else "from the outline of each particle"
    return stages.new("boundary_table", variables, coords=coords, attrs={"facets": facets})
