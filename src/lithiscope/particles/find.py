"""Finding particles in the amount of material."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.particles.identity import best_pairs
from lithiscope.particles.images import check_flat, label_image, spacing
from lithiscope.particles.kernels import group_pixels
from lithiscope.particles.options import FindOptions

if TYPE_CHECKING:
    import xarray as xr

# A seed must stand this many robust standard deviations above the blank: 0.15 false pixels in 512 x 512.
_SEED_SIGMA = 5.0
_PIECES = np.ones((3, 3), dtype=bool)  # pixels that meet at a corner belong together


def find_particles(video: xr.Dataset, *, options: FindOptions = FindOptions()) -> xr.DataArray:  # noqa: B008
    """Find the particles in the time-mean amount of material.

    Parameters
    ----------
    video : composition_video
        With `amount`, (time, y, x) or (y, x); frames and pixels that are NaN are left out of the mean.
    options : FindOptions
        Method, limits of size, splitting.

    Returns
    -------
    DataArray of int32, shape (y, x), or (cycle, y, x) with ``per_cycle``
        Particle numbers from 1, in reading order; 0 is background. With ``per_cycle``, a particle keeps its number
        from one cycle to the next.

    Raises
    ------
    StageError
        If there is no amount, or no cycle where one mask per cycle is asked for.
    AnalysisError
        If no particle is found.

    Notes
    -----
    ``plateau``: pixels clearly above the blank fall into neighbourhoods, and a particle is where the amount exceeds
    half of the 95th percentile of its own neighbourhood, so that thin and thick particles are bounded alike. (Lim et
    al., Science 353, 566 (2016) take the maximum of one frame, which sits high in noise.) A thin particle that
    touches one more than twice as thick is told from it only with ``split_touching``. ``otsu``: one threshold for the
    whole picture.
    """
    stages.check(video, "composition_video")
    check_flat(video)
    if "amount" not in video:
        raise StageError(
            "particles are found in the amount of material, which the video lacks",
            field="amount",
            remedy="unmix the optical density, or import labels",
        )
    step = spacing(video)
    if not options.per_cycle:
        return label_image(_labels(_mean_amount(video, slice(None)), step, options), video)
    if "cycle" not in video.variables or "time" not in video["amount"].dims:
        raise StageError(
            "one mask per cycle needs cycles and an amount in every frame",
            field="cycle",
            remedy="declare the cycles of the scans, or set per_cycle to false",
        )
    of_frame = np.asarray(video["cycle"].values)
    cycles = np.unique(of_frame)
    labels = [_labels(_mean_amount(video, np.flatnonzero(of_frame == cycle)), step, options) for cycle in cycles]
    return label_image(np.stack(_same_numbers(labels)), video, cycle=cycles)


def _mean_amount(video: xr.Dataset, frames: np.ndarray | slice) -> np.ndarray:
    amount = video["amount"]
    if "time" not in amount.dims:
        return np.asarray(amount.values, dtype=float)
    total, number = np.zeros((2, *amount.shape[1:]))
    for picture in stages.each_frame(amount.isel(time=frames)):
        known = np.isfinite(picture)
        total += np.where(known, picture, 0.0)
        number += known
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _labels(amount: np.ndarray, step: tuple[float, float], options: FindOptions) -> np.ndarray:
    if not np.isfinite(amount).any():
        raise AnalysisError(
            "the amount is NaN everywhere, so no particle can be found",
            field="amount",
            remedy="look at the flags of the composition: `lithiscope show`",
        )
    smooth = _smoothed(amount, step, options.smoothing)
    # A pixel never measured is no material: it only bounds particles.
    filled = np.where(np.isfinite(smooth), smooth, -np.inf)
    mask, region = _plateau(filled, step, options) if options.method == "plateau" else _otsu(filled, step, options)
    return _kept(_pieces(mask, region), amount, step, options)


def _smoothed(amount: np.ndarray, step: tuple[float, float], sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    if sigma == 0:
        return amount
    valid = np.isfinite(amount)
    width = [sigma / abs(size) for size in step]
    share = gaussian_filter(valid.astype(float), width)
    total = gaussian_filter(np.where(valid, amount, 0.0), width)
    return np.where(valid, total / np.where(valid, share, 1.0), np.nan)


def _plateau(amount: np.ndarray, step: tuple[float, float], options: FindOptions) -> tuple[np.ndarray, np.ndarray]:
    threshold, whole = _two_levels(amount, options.plateau_percentile)
    blank = amount[np.isfinite(amount) & (amount <= threshold)]
    zero = float(np.median(blank))
    noise = 1.4826 * float(np.median(np.abs(blank - zero)))
    seed = amount > zero + max(_SEED_SIGMA * noise, options.faintest * (whole - zero))
    region = _regions(seed, step, options)
    groups = group_pixels(region)
    plateau = np.full(int(region.max()) + 1, np.inf)
    for number, pixels in zip(groups.numbers, np.split(groups.pixels, groups.start[1:]), strict=True):
        plateau[number] = np.percentile(amount.ravel()[pixels], options.plateau_percentile)
    return amount > options.threshold * plateau[region], region


def _otsu(amount: np.ndarray, step: tuple[float, float], options: FindOptions) -> tuple[np.ndarray, np.ndarray]:
    mask = amount > _two_levels(amount, options.plateau_percentile)[0]
    return mask, _regions(mask, step, options)


def _two_levels(amount: np.ndarray, percentile: float) -> tuple[float, float]:
    """Return Otsu's threshold between blank and material, and the plateau of all that lies above it."""
    from scipy.ndimage import median_filter
    from skimage.filters import threshold_otsu

    # One hot pixel would stretch the histogram until blank and material share a bin.
    calm = median_filter(amount, size=3)
    finite = calm[np.isfinite(calm)]
    if finite.size == 0 or np.ptp(finite) == 0:
        raise AnalysisError(
            "the amount is the same everywhere, so no particle can be found",
            field="amount",
            value=finite[:1],
            remedy="import a mask (particles.labels), or check the references",
        )
    threshold = float(threshold_otsu(finite))
    return threshold, float(np.percentile(finite[finite > threshold], percentile))


def _regions(mask: np.ndarray, step: tuple[float, float], options: FindOptions) -> np.ndarray:
    """Return numbered neighbourhoods: connected pixels, cut at their necks if that is asked for."""
    from scipy.ndimage import distance_transform_edt, label
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    region = np.asarray(label(mask, structure=_PIECES)[0])
    if not options.split_touching:
        return region
    depth = np.asarray(distance_transform_edt(mask, sampling=np.abs(step)))
    peaks = label(h_maxima(depth, options.split_depth), structure=_PIECES)[0]
    # A region shallower than the depth has no peak of its own and stays whole.
    lone = ~np.isin(region, np.unique(region[peaks > 0])) & mask
    markers = np.where(lone, region + peaks.max(), peaks)
    return np.asarray(watershed(-depth, markers, mask=mask))


def _pieces(mask: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return the connected pieces of `mask` that stay within one region."""
    from skimage.measure import label

    return np.asarray(label(np.where(mask, region, 0), background=0, connectivity=2))


def _kept(label: np.ndarray, amount: np.ndarray, step: tuple[float, float], options: FindOptions) -> np.ndarray:
    """Fill holes, drop what is too small, too large or cut off, and number what is left from 1 in reading order."""
    if options.fill_holes:
        label = _filled(label)
    area = np.bincount(label.ravel()) * abs(step[0] * step[1])
    keep = area >= options.min_area
    keep[0] = False
    if options.max_area is not None:
        keep &= area <= options.max_area
    found = int(np.count_nonzero(area[1:]))
    if options.drop_edge:
        keep[np.isin(np.arange(len(keep)), list(edge_numbers(label, np.isfinite(amount))))] = False
    if not keep.any():
        raise AnalysisError(
            "no particle was found",
            field="amount",
            value=f"{found} pieces, the largest of {area[1:].max(initial=0.0):.3g} um2",
            limit=f"area {options.min_area} to {options.max_area or 'any'} um2",
            remedy="look at the amount; lower min_area or threshold, try the other method, or import labels",
        )
    if keep.sum() > 1000:
        warnings.warn(
            f"{keep.sum()} particles were found; raise min_area or smoothing if most are noise",
            LithiscopeWarning,
            stacklevel=4,
        )
    return renumbered(np.where(keep[label], label, 0))


def _filled(label: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_fill_holes, find_objects

    result = label.copy()
    for number, box in enumerate(find_objects(label), start=1):
        if box is not None:
            view = result[box]
            view[binary_fill_holes(label[box] == number) & (view == 0)] = number
    return result


def renumbered(label: np.ndarray) -> np.ndarray:
    """Return the labels numbered 1, 2, ... in the order of their first pixel."""
    numbers, first, code = np.unique(label, return_index=True, return_inverse=True)
    rank = np.zeros(len(numbers), dtype=np.int32)
    inside = np.flatnonzero(numbers)
    rank[inside[np.argsort(first[inside])]] = np.arange(1, len(inside) + 1)
    return rank[code].reshape(label.shape)


def edge_numbers(label: np.ndarray, measured: np.ndarray) -> set[int]:
    """Return the labels that reach the border of the picture or a pixel that was never measured."""
    from scipy.ndimage import binary_dilation

    outside = np.pad(~measured, 1, constant_values=True)
    # A gap inside the field counts too: what it hides might belong to the particle.
    near = binary_dilation(outside, structure=_PIECES)[1:-1, 1:-1]
    return {int(number) for number in np.unique(label[near])} - {0}


def _same_numbers(labels: list[np.ndarray]) -> list[np.ndarray]:
    """Give a particle the number that it had in the cycle before; new ones get numbers never used."""
    result = [labels[0]]
    last_seen = labels[0].copy()
    highest = int(labels[0].max())
    for label in labels[1:]:
        pairs = best_pairs(label, last_seen)
        number = np.zeros(int(label.max()) + 1, dtype=np.int32)
        for own in range(1, len(number)):
            if own in pairs:
                number[own] = pairs[own]
            else:
                highest += 1
                number[own] = highest
        result.append(number[label])
        # A particle missing from one cycle is still remembered where it was.
        last_seen = np.where(result[-1] > 0, result[-1], np.where(np.isin(last_seen, number), 0, last_seen))
    return result
