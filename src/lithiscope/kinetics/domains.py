"""Fast and slow domains of every particle in every frame (Lim 2016)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.kinetics.crops import (
    SIGNAL,
    Crop,
    check_video,
    crops,
    half_cycles,
    noise_gain,
    noise_pattern,
    particle_names,
)
from lithiscope.kinetics.domains_options import DomainOptions
from lithiscope.kinetics.kernels.domains import middle_and_contrast, smooth_inside, smoothed_noise
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

FAST, SLOW, UNDECIDED = 1, 2, 0
_REDRAWS = 50  # noise pictures for the error of a share, which they give to 10 %


def fast_domains(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    options: DomainOptions = DomainOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Part every particle in every frame into a fast and a slow domain.

    The composition is smoothed by a Gaussian inside the particle (what lies outside and what was not measured takes no
    part), and the threshold is (x95 + x5)/2 (Lim 2016, eq. S4). Fast is below it on delithiation and above it on
    lithiation.

    Parameters
    ----------
    video : composition_video
        With coordinates half_cycle and direction along time.
    labels : DataArray of int, shape (y, x) or (z, y, x)
        Particle numbers; one mask for all frames.
    ids : mapping of int to str, optional
        Name of every particle number.
    options : DomainOptions
        Smoothing and significance.
    reporter : Reporter
        Told about every particle.

    Returns
    -------
    domain_video
        ``domain`` is 0 in frames without current, and where x95 - x5 could be noise: it is compared with that of
        simulated noise of the same standard deviation, smoothed alike (`contrast_noise` is its upper percentile at
        the significance). Noise before resampling counts, because smoothing keeps only what resampling left alone.
        ``persistent`` is the share of the decided frames of the half cycle in which a pixel is fast; NaN without any.
        ``fast_fraction_std`` comes from the frame with simulated noise on top.

    Raises
    ------
    AnalysisError
        If the video has no lithium fraction, or its frames no half cycle.
    StageError
        If the labels do not fit.
    """
    check_video(video, labels)
    names = particle_names(labels, ids)
    of_frame, numbers, directions = half_cycles(video)
    if f"{SIGNAL}_std" not in video:
        warnings.warn(
            "the video has no standard deviations: every frame passes for one with domains",
            LithiscopeWarning,
            stacklevel=2,
        )
    sign = np.where(of_frame >= 0, np.asarray(video["direction"].values, dtype=int), 0)
    gain = noise_gain(video)
    rng = np.random.default_rng(options.seed)
    domain = np.zeros(video[SIGNAL].shape, dtype=np.int32)
    parted = []
    for crop in reporter.track(crops(video, labels, names), label="domains", total=len(names)):
        part = _parted(crop, sign, gain, options, rng)
        domain[:, *crop.window][:, crop.mask] = part.domain
        parted.append(part)
    return _assembled(video, labels, list(names.values()), domain, parted, (of_frame, numbers, directions), options)


class _Parted(NamedTuple):
    domain: np.ndarray  # (time, pixels)
    threshold: np.ndarray  # (time,), as all below
    contrast: np.ndarray
    contrast_noise: np.ndarray
    fast_fraction: np.ndarray
    fast_fraction_std: np.ndarray
    mean: np.ndarray


def _parted(
    crop: Crop, sign: np.ndarray, gain: np.ndarray, options: DomainOptions, rng: np.random.Generator
) -> _Parted:
    """Part one particle in every frame."""
    x = smooth_inside(crop.x, options.smoothing)[:, crop.mask]
    threshold, contrast = middle_and_contrast(x)
    limit, fraction_std = np.full((2, len(x)), np.nan)
    size, pattern = noise_pattern(crop, gain)
    if np.isfinite(pattern).any():
        noise = np.full((options.draws, x.shape[1]), np.nan)
        noise[:, np.isfinite(pattern)[crop.mask]] = smoothed_noise(pattern, options.smoothing, options.draws, rng)
        limit = size * np.quantile(middle_and_contrast(noise)[1], 1 - options.significance)
        for frame in np.flatnonzero(np.isfinite(contrast) & (sign != 0)):
            known = np.isfinite(x[frame])
            again = x[frame, known] + size[frame] * noise[:_REDRAWS, known]
            fraction_std[frame] = np.std(_is_fast(again, middle_and_contrast(again)[0], sign[frame]).mean(axis=1))
    decided = (sign != 0) & (contrast > np.nan_to_num(limit, nan=0.0))
    fast = _is_fast(x, threshold, sign[:, None])
    known = np.isfinite(x) & decided[:, None]
    domain = np.where(known, np.where(fast, FAST, SLOW), UNDECIDED)
    count = known.sum(axis=1)
    fraction = np.divide((domain == FAST).sum(axis=1), count, out=np.full(len(x), np.nan), where=count > 0)
    fraction_std[~decided] = np.nan
    finite = np.isfinite(crop.x[:, crop.mask])
    pixels = finite.sum(axis=1)
    total = np.where(finite, crop.x[:, crop.mask], 0.0).sum(axis=1)
    mean = np.divide(total, pixels, out=np.full(len(x), np.nan), where=pixels > 0)
    return _Parted(domain, threshold, contrast, limit, fraction, fraction_std, mean)


def _is_fast(x: np.ndarray, threshold: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Ahead of the threshold: above it on lithiation, below it on delithiation."""
    return np.asarray(sign * (x - threshold[:, None]) > 0)


def _persistent(domain: np.ndarray, of_frame: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Share of the decided frames of every half cycle in which a pixel is fast."""
    result = np.full((len(numbers), *domain.shape[1:]), np.nan)
    for row, number in enumerate(numbers):
        part = domain[of_frame == number]
        decided = (part != UNDECIDED).sum(axis=0)
        np.divide((part == FAST).sum(axis=0), decided, out=result[row], where=decided > 0)
    return result


def _assembled(
    video: xr.Dataset,
    labels: xr.DataArray,
    names: list[str],
    domain: np.ndarray,
    parted: list[_Parted],
    half_cycle: tuple[np.ndarray, np.ndarray, np.ndarray],
    options: DomainOptions,
) -> xr.Dataset:
    of_frame, numbers, directions = half_cycle
    space = " ".join(str(dim) for dim in labels.dims)
    variables: dict[str, tuple[str, Any]] = {
        "domain": (f"time {space}", domain),
        "persistent": (f"half_cycle {space}", _persistent(domain, of_frame, numbers)),
        "label": (space, labels.values),
    }
    for name in ("threshold", "contrast", "contrast_noise", "fast_fraction", "fast_fraction_std"):
        variables[name] = ("particle time", np.stack([getattr(part, name) for part in parted]))
    variables["mean_lithium_fraction"] = ("particle time", np.stack([part.mean for part in parted]))
    coords: dict[str, tuple[str, Any]] = {
        "time": ("time", video["time"].values),
        "time_half_cycle": ("time", of_frame),
        "half_cycle": ("half_cycle", numbers),
        "direction": ("half_cycle", directions),
        "particle": ("particle", np.array(names, dtype=str)),
        **{str(dim): (str(dim), video[dim].values) for dim in labels.dims},
    }
    return stages.new("domain_video", variables, coords=coords, attrs={"significance": options.significance})


def domain_outlines(domains: xr.Dataset, frame: int) -> list[np.ndarray]:
    """Return the lines between fast and slow pixels of one frame, for drawing.

    Parameters
    ----------
    domains : domain_video
        Of pictures, not volumes.
    frame : int
        Index along time.

    Returns
    -------
    list of ndarray, shape (points, 2)
        Every line as (x, y) in um. The edge of the particle is no part of them.

    Raises
    ------
    AnalysisError
        If the domains are those of a volume.
    """
    from skimage.measure import find_contours

    stages.check(domains, "domain_video")
    if "z" in domains.dims:
        raise AnalysisError("outlines are drawn in pictures", field="z", remedy="select one plane first")
    code = np.asarray(domains["domain"].values[frame])
    found = find_contours(np.where(code == FAST, 1.0, 0.0), 0.5, mask=code != UNDECIDED)
    y, x = (np.asarray(domains[dim].values, dtype=float) for dim in ("y", "x"))
    rows, columns = np.arange(len(y)), np.arange(len(x))
    return [np.stack([np.interp(line[:, 1], columns, x), np.interp(line[:, 0], rows, y)], axis=1) for line in found]
