"""Pixels of a particle that lie in one domain and change together, as Lim 2016 chooses them for j0(x)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import LithiscopeWarning, StageError
from lithiscope.kinetics.crops import Crop, check_video, crops, particle_names
from lithiscope.kinetics.pool_options import UniformOptions

if TYPE_CHECKING:
    import xarray as xr


def uniform_pixels(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    domains: xr.Dataset | None = None,
    options: UniformOptions = UniformOptions(),  # noqa: B008 (frozen)
) -> xr.DataArray:
    """Choose, in every particle, one set of pixels that react as a whole.

    The rule: (1) the pixels that are of the wanted class (fast) in more than `share` of the decided frames, or all of
    the particle where no frame has domains; (2) less a margin along their edge; (3) each connected piece of them for
    itself; (4) less the pixels whose composition, averaged over the frames, is more than `tolerance` off the median of
    the piece; (5) a piece counts if it has `min_pixels`, its mean runs through at least `least_change`, and the spread
    over its pixels, noise taken out, is at most `largest_spread`; (6) of several, the largest. Only averages over all
    frames choose pixels, never the value of a frame, so the choice does not bias the rate between two of them.

    Parameters
    ----------
    video : composition_video
        Lithium fraction with its standard deviation.
    labels : DataArray of int ([z], y, x)
        Particle numbers.
    ids : mapping of int to str, optional
        Name of every particle number, for the warning.
    domains : domain_video, optional
        From `fast_domains`.
    options : UniformOptions
        The numbers of the rule.

    Returns
    -------
    DataArray of bool ([z], y, x)
        Mask for `rate_table(..., regions={"uniform": mask})`. Particles without such a set have no pixel in it.

    Raises
    ------
    StageError
        If labels, domains and video differ in size.

    Warns
    -----
    LithiscopeWarning
        With the names of the particles without a set.
    """
    import xarray as xr

    check_video(video, labels)
    names = particle_names(labels, ids)
    chosen = np.zeros(labels.shape, dtype=bool)
    wanted = _wanted(labels, domains, options)
    active = np.ones(video.sizes["time"], dtype=bool)
    if "direction" in video.coords and np.any(video["direction"].values):
        active = np.asarray(video["direction"].values != 0)
    without = []
    for crop in crops(video, labels, names):
        mine = wanted[crop.window] & crop.mask
        found = _largest_piece(crop, mine if mine.any() else crop.mask, active, options)
        if found is None:
            without.append(crop.name)
        else:
            chosen[crop.window] |= found
    if without:
        warnings.warn(
            f"no uniform set of pixels in {', '.join(without)}: they take no part in j0(x)",
            LithiscopeWarning,
            stacklevel=2,
        )
    coords = {str(dim): labels[dim].values for dim in labels.dims if dim in labels.coords}
    return xr.DataArray(chosen, dims=labels.dims, coords=coords, name="uniform")


def _wanted(labels: xr.DataArray, domains: xr.Dataset | None, options: UniformOptions) -> np.ndarray:
    """Return the pixels of the wanted class; nowhere in a particle without decided frames."""
    if domains is None:
        return np.ones(labels.shape, dtype=bool)
    stages.check(domains, "domain_video")
    if domains["persistent"].shape[1:] != labels.shape:
        raise StageError(
            "domains and labels differ in size",
            field="domains",
            value=domains["persistent"].shape[1:],
            limit=str(labels.shape),
            remedy="make the domains with these labels",
        )
    share = np.asarray(domains["persistent"].values, dtype=float)
    known = np.isfinite(share)
    mean = np.where(known, share, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    wanted = mean > options.share if options.domain == "fast" else mean < 1 - options.share
    return np.asarray(wanted & known.any(axis=0))


def _largest_piece(crop: Crop, mask: np.ndarray, active: np.ndarray, options: UniformOptions) -> np.ndarray | None:
    from scipy.ndimage import binary_erosion, label

    inner = binary_erosion(mask, iterations=options.margin) if options.margin else mask
    pieces, count = label(inner)
    found = None
    for number in range(1, count + 1):
        piece = _pruned(crop, pieces == number, active, options)
        if piece is not None and (found is None or piece.sum() > found.sum()):
            found = piece
    return found


def _pruned(crop: Crop, piece: np.ndarray, active: np.ndarray, options: UniformOptions) -> np.ndarray | None:
    """Return the piece without its odd pixels, or None where it is too small, idle or not uniform."""
    x = crop.x[active][:, piece]
    whole = np.isfinite(x).all(axis=1)
    if piece.sum() < options.min_pixels or whole.sum() < 2:
        return None
    x = x[whole]
    keep = np.abs((x - np.median(x, axis=1, keepdims=True)).mean(axis=0)) <= options.tolerance
    if keep.sum() < options.min_pixels:
        return None
    x = x[:, keep]
    noise = np.zeros_like(x) if crop.std is None else crop.std[active][:, piece][whole][:, keep]
    spread = float(np.mean(x.var(axis=1, ddof=1) - (noise**2).mean(axis=1)))
    if np.ptp(x.mean(axis=1)) < options.least_change or spread > options.largest_spread**2:
        return None
    result = np.zeros_like(piece)
    result[piece] = keep
    return result
