"""What the lost pixels of a particle may hide: the error of a mean over the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.particles.kernels import Groups

if TYPE_CHECKING:
    import xarray as xr

_SIGNAL = "lithium_fraction"
# A frame has all of a particle when it has as much as the best one has, but for this share.
_SLACK = 0.02
# Root-mean-square difference between the means of two parts of a particle whose x rises along some direction, over the
# standard deviation of x: sqrt(3) for parts cut across that direction, 0 along it, and the mean square of the cosine.
_GRADIENT = np.sqrt(1.5)


def gap_std(video: xr.Dataset, frames: np.ndarray, groups: Groups, share: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return one standard deviation of each particle's mean from the pixels that it lacks in a frame.

    In the nearest frames before and after that have all of the particle, the mean over the pixels that are there in
    this frame is compared with that over all: the larger difference is taken. Where none is next to this frame, the
    lost part is taken to differ from the rest, if that is more, as parts of a particle do across which x rises evenly
    in a direction that nobody knows, (1 - share) sqrt(3/2) spread; or as if it had not changed since.

    Parameters
    ----------
    video : composition_video
        Its lithium fraction, and amount where there is one.
    frames : (T,) int array
        Which frames of the video.
    groups : Groups
        The pixels of the particles.
    share : (T, P) array
        Of each particle's pixels, how many have a value.
    spread : (T, P) array
        Standard deviation of x over the pixels that are there, NaN where unknown.

    Returns
    -------
    (T, P) array
        0 where nothing is lacking.
    """
    found = np.zeros(share.shape)
    best = share.max(axis=0, initial=0.0)
    whole = (share >= best - _SLACK) & (share > 0)
    pictures = _Pictures(video, frames, groups)
    ends = np.append(groups.start, len(groups.pixels))
    for place, particle in np.argwhere(~whole & (share > 0)):
        own = slice(ends[particle], ends[particle + 1])
        complete = np.flatnonzero(whole[:, particle])
        beside = [*complete[complete < place][-1:], *complete[complete > place][:1]]
        now = pictures.of(place)[:, own]
        there = np.isfinite(now[0])
        found[place, particle] = max(abs(_difference(pictures.of(other)[:, own], there)) for other in beside)
        if min(abs(other - place) for other in beside) > 1:
            lost = 1 - share[place, particle] / best[particle]
            uneven = _GRADIENT * np.nan_to_num(spread[place, particle])
            since = min(abs(_mean(now, there) - _mean(pictures.of(other)[:, own], there)) for other in beside)
            found[place, particle] = max(found[place, particle], lost * uneven, lost * since)
    return found


class _Pictures:
    """Composition and weight of the labelled pixels, (2, pixels), frame by frame as they are asked for."""

    def __init__(self, video: xr.Dataset, frames: np.ndarray, groups: Groups) -> None:
        self._video, self._frames, self._pixels = video, frames, groups.pixels
        self._known: dict[int, np.ndarray] = {}

    def of(self, place: int) -> np.ndarray:
        if int(place) not in self._known:
            one = self._video.isel(time=int(self._frames[place]))
            x = one[_SIGNAL].values.ravel()[self._pixels]
            weight = one["amount"].values.ravel()[self._pixels] if "amount" in one else np.ones(x.shape)
            self._known[int(place)] = np.stack([x, weight]).astype(np.float32)
        return self._known[int(place)]


def _difference(picture: np.ndarray, there: np.ndarray) -> float:
    """Return the mean over some pixels less that over all that have a value."""
    return _mean(picture, there) - _mean(picture, np.ones(there.shape, dtype=bool))


def _mean(picture: np.ndarray, pixels: np.ndarray) -> float:
    """Return the mean over some pixels, weighted by amount; 0 where none has a value."""
    x, weight = picture.astype(float)
    good = np.isfinite(x) & np.isfinite(weight) & pixels
    return float(np.average(x[good], weights=weight[good])) if weight[good].sum() > 0 else 0.0
