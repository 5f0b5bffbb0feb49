"""What a simulated run says in numbers: uniformity, voltage, reversal, active particles, the front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]


def uniformity(video: xr.Dataset) -> float:
    """Return U over a run: 1 uniform, 0 every cell either full or empty; NaN where x hardly moves from one end.

    Least squares of var(x) to (1-U)^2 m(1-m) over the frames, m being the mean (Lim 2016, fig. S14).
    """
    x, weight = cells(video)
    mean = x @ weight
    spread, binary = ((x - mean[:, None]) ** 2) @ weight, mean * (1 - mean)
    if not float(binary @ binary) > 0:
        return float("nan")
    return float(1 - np.sqrt(max(float(binary @ spread) / float(binary @ binary), 0.0)))


def cells(video: xr.Dataset) -> tuple[Floats, Floats]:
    """Return x (time, cells) of the cells inside, and the share of the material that each holds (sums to 1)."""
    inside = np.asarray(video["mask"].values, dtype=bool)
    weight = np.asarray(video["amount"].values, dtype=float)[inside]
    return np.asarray(video["lithium_fraction"].values, dtype=float)[:, inside], weight / weight.sum()


def at_fraction(record: xr.Dataset, name: str, fraction: float) -> float:
    """Return a course of a run where the mean composition first passes a value; NaN where it does not."""
    mean = np.asarray(record["mean_lithium_fraction"].values, dtype=float)
    values = np.asarray(record[name].values, dtype=float)
    past = np.flatnonzero(np.diff(np.sign(mean - fraction)) != 0)
    if not past.size:
        return float("nan")
    first = int(past[0])
    step = mean[first + 1] - mean[first]
    share = (fraction - mean[first]) / step if step else 0.0
    return float(values[first] + share * (values[first + 1] - values[first]))


def region_course(video: xr.Dataset, mask: NDArray[np.bool_]) -> Floats:
    """Return the mean x of a region in every frame: (time,)."""
    inside = np.asarray(video["mask"].values, dtype=bool) & mask
    weight = np.asarray(video["amount"].values, dtype=float)[inside]
    x = np.asarray(video["lithium_fraction"].values, dtype=float)[:, inside]
    return np.asarray(x @ weight / weight.sum())


def reversal(course: Floats, direction: int) -> float:
    """Return by how much x of a region goes back against the direction of the current, at most.

    Parameters
    ----------
    course : ndarray, shape (time,)
        Mean x of the region.
    direction : int
        1 on lithiation, -1 on delithiation.

    Examples
    --------
    >>> round(reversal(np.array([0.1, 0.6, 0.45, 0.9]), 1), 3)
    0.15
    """
    along = course if direction >= 0 else -course
    return float(np.max(np.maximum.accumulate(along) - along))


def particle_courses(video: xr.Dataset) -> tuple[Floats, Floats]:
    """Return the mean x of every particle (time, particle), and its share of the material (particle,)."""
    number = np.asarray(video["label"].values)
    inside = np.asarray(video["mask"].values, dtype=bool)
    x, weight = cells(video)
    member = np.arange(1, int(number.max()) + 1)[:, None] == number[inside][None, :]
    share = member @ weight
    return np.asarray((x * weight) @ member.T / share), np.asarray(share)


def active_share(video: xr.Dataset) -> float:
    """Return which share of the particles takes part at a time: (sum r)^2/(N sum r^2), r the charge that each passes.

    1 where all pass the same, 1/N where one passes all; the mean over the middle half of the run, weighted by charge.
    Particles that give back while others fill do not take part.
    """
    courses, share = particle_courses(video)
    along = 1.0 if courses[-1] @ share >= courses[0] @ share else -1.0
    passed = np.maximum(along * np.diff(courses, axis=0), 0.0) * share
    total = passed.sum(axis=1)
    progress = np.cumsum(total) / total.sum()
    middle = (progress > 0.25) & (progress < 0.75)
    if not middle.any():
        return float("nan")
    taking_part = total**2 / (courses.shape[1] * np.maximum((passed**2).sum(axis=1), 1e-300))
    return float(np.average(taking_part[middle], weights=total[middle]))


def rich_radius(video: xr.Dataset, threshold: float) -> Floats:
    """Return the radius of a circle as large as the lithium-rich phase in every frame, nm: (time,).

    Parameters
    ----------
    video : composition_video
        Of two dimensions.
    threshold : float
        x above which a cell counts as rich, with its share of the particle.
    """
    y, x = (np.asarray(video[name].values, dtype=float) * 1e3 for name in ("y", "x"))
    step = abs(float(y[1] - y[0])) * abs(float(x[1] - x[0]))
    amount = np.where(video["mask"].values, video["amount"].values, 0.0)
    rich = amount * (np.nan_to_num(np.asarray(video["lithium_fraction"].values, dtype=float)) > threshold)
    return np.asarray(np.sqrt(rich.sum(axis=(1, 2)) * step / np.pi))


def rim_cover(video: xr.Dataset, threshold: float) -> tuple[Floats, NDArray[np.int_], Floats]:
    """Return what share of the rim the new phase covers in every frame, and what is left of the old phase.

    Parameters
    ----------
    video : composition_video
        Of two dimensions.
    threshold : float
        x above which a cell counts as rich. The new phase is the one that the run ends with more of.

    Returns
    -------
    cover : ndarray, shape (time,)
        Share of the cells at the rim: 1 where the old phase is a core, 1/2 halfway of a straight front.
    stretches : ndarray of int, shape (time,)
        Connected stretches of the rim in the old phase: 0 for a core, 1 for one front, 2 for a strip.
    left : ndarray, shape (time,)
        Share of the material in the old phase.
    """
    from scipy.ndimage import binary_erosion, label

    amount = np.where(video["mask"].values, video["amount"].values, 0.0)
    inside = amount > 0.5 * amount.max()  # half-filled cells of a smoothed boundary are its place
    rim = inside & ~binary_erosion(inside)
    x = np.nan_to_num(np.asarray(video["lithium_fraction"].values, dtype=float))
    mean = (x * amount).sum(axis=(1, 2))
    old = x <= threshold if mean[-1] >= mean[0] else x > threshold
    cover = 1 - old[:, rim].mean(axis=1)
    stretches = np.array([label(frame, np.ones((3, 3)))[1] for frame in old & rim])
    return cover, stretches, (old * amount).sum(axis=(1, 2)) / amount.sum()


def cover_halfway(video: xr.Dataset, threshold: float) -> float:
    """Return the mean share of the rim that the new phase covers while the old one holds 1/4 to 3/4 of the particle.

    NaN where no frame lies there.
    """
    cover, _, left = rim_cover(video, threshold)
    mixed = (left > 0.25) & (left < 0.75)
    return float(cover[mixed].mean()) if mixed.any() else float("nan")


def front_speed(video: xr.Dataset, threshold: float) -> float:
    """Return how fast the radius of the lithium-rich phase shrinks or grows, nm/s: from 3/4 to 1/4 of its largest.

    NaN where the run does not cross both.
    """
    radius = rich_radius(video, threshold)
    time = np.asarray(video["time"].values, dtype=float)
    largest = radius.max()
    moments = [_crossing(time, radius, share * largest) for share in (0.75, 0.25)]
    span = abs(moments[1] - moments[0])
    return float(0.5 * largest / span) if np.isfinite(span) and span > 0 else float("nan")


def _crossing(time: Floats, values: Floats, level: float) -> float:
    past = np.flatnonzero(np.diff(np.sign(values - level)) != 0)
    if not past.size:
        return float("nan")
    first = int(past[0])
    share = (level - values[first]) / (values[first + 1] - values[first])
    return float(time[first] + share * (time[first + 1] - time[first]))
