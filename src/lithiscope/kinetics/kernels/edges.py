"""Lines of equal composition, distances from them, and the profile of x across them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_NEAREST = 8  # segments whose middle is nearest; one of them holds the nearest point
STARTS = (0.5, 1.5, 4.0)  # scales that a fit starts from, pixels
_MOST_STEPS = 30


class Edge(NamedTuple):
    """Lines in pieces, (x, y) in um, all with the low side on the same hand.

    Attributes
    ----------
    start, end : ndarray, shape (pieces, 2)
        Ends of every piece.
    opens, closes : ndarray of bool, shape (pieces,)
        Whether a line that is not closed begins, or ends, with this piece.
    """

    start: Float[np.ndarray, "pieces 2"]
    end: Float[np.ndarray, "pieces 2"]
    opens: Bool[np.ndarray, " pieces"]
    closes: Bool[np.ndarray, " pieces"]

    @property
    def middle(self) -> np.ndarray:
        """Middle of every piece."""
        return np.asarray((self.start + self.end) / 2)

    @property
    def length(self) -> np.ndarray:
        """Length of every piece, um."""
        return np.asarray(np.hypot(*(self.end - self.start).T))

    @property
    def normal(self) -> np.ndarray:
        """Unit vector of every piece from the high to the low side."""
        along = (self.end - self.start) / np.maximum(self.length, 1e-12)[:, None]
        return np.stack([along[:, 1], -along[:, 0]], axis=1)


def edge_at(
    picture: Float[np.ndarray, "y x"], level: float, spacing: tuple[float, float], shortest: float = 0.0
) -> Edge | None:
    """Return the lines along which a picture crosses a level; None without any.

    Parameters
    ----------
    picture : ndarray, shape (y, x)
        NaN outside the particle; the lines stay between pixels that have values.
    level : float
        The level.
    spacing : tuple of float
        Distance of pixels along y and x, um, positive; the origin is the centre of the first pixel.
    shortest : float
        Lines shorter than this are left out, um.
    """
    from skimage.measure import find_contours

    known = np.isfinite(picture)
    found = find_contours(np.where(known, picture, level), level, mask=known)
    lines = [line[:, ::-1] * np.array([spacing[1], spacing[0]]) for line in found]
    lines = [line for line in lines if np.hypot(*np.diff(line, axis=0).T).sum() > shortest]
    if not lines:
        return None
    open_ends = [not np.allclose(line[0], line[-1]) for line in lines]
    first = [_mark(len(line) - 1, 0, one) for line, one in zip(lines, open_ends, strict=True)]
    last = [_mark(len(line) - 1, -1, one) for line, one in zip(lines, open_ends, strict=True)]
    return Edge(
        np.concatenate([line[:-1] for line in lines]),
        np.concatenate([line[1:] for line in lines]),
        np.concatenate(first),
        np.concatenate(last),
    )


def _mark(count: int, place: int, value: bool) -> np.ndarray:
    marks = np.zeros(count, dtype=bool)
    marks[place] = value
    return marks


def smooth_by_planes(pictures: Float[np.ndarray, "rows y x"], sigma: float) -> Float[np.ndarray, "rows y x"]:
    """Gaussian smoothing of the finite values by local planes, which does not bend a slope at the particle's edge.

    Parameters
    ----------
    pictures : ndarray, shape (rows, y, x)
        All with values at the same pixels, NaN elsewhere.
    sigma : float
        Standard deviation of the Gaussian, pixels.
    """
    from scipy.ndimage import gaussian_filter

    inside = np.isfinite(pictures[0])
    weight = inside.astype(float)
    row, column = np.indices(inside.shape).astype(float)
    row, column = row - row[inside].mean(), column - column[inside].mean()
    basis = (np.ones_like(row), row, column)

    def blurred(values: np.ndarray) -> np.ndarray:
        return np.asarray(gaussian_filter(values, (0.0, sigma, sigma), mode="constant")[:, inside])

    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    sums = blurred(np.stack([weight * basis[i] * basis[j] for i, j in pairs]))
    matrix = np.empty((int(inside.sum()), 3, 3))
    for (i, j), total in zip(pairs, sums, strict=True):
        matrix[:, i, j] = matrix[:, j, i] = total
    # A row of pixels has no plane; a little ridge leaves it with a mean.
    matrix[:, [1, 2], [1, 2]] += 1e-3 * matrix[:, 0, 0][:, None] * sigma**2
    here = np.stack([one[inside] for one in basis], axis=1)
    shares = np.linalg.solve(matrix, here[..., None])[..., 0]
    filled = np.where(inside, pictures, 0.0)
    result = np.full(pictures.shape, np.nan)
    result[:, inside] = sum(shares[:, i] * blurred(filled * basis[i]) for i in range(3))
    return result


class Distance(NamedTuple):
    """Distance of points from an edge, um, positive on the low side; and whether an open end is nearest."""

    value: Float[np.ndarray, " points"]
    beyond: Bool[np.ndarray, " points"]


def distance_from(edge: Edge, points: Float[np.ndarray, "points 2"]) -> Distance:
    """Distance of every point from the nearest point of the lines."""
    from scipy.spatial import cKDTree

    count = min(_NEAREST, len(edge.start))
    near = cKDTree(edge.middle).query(points, k=count)[1].reshape(len(points), count)
    start, along = edge.start[near], (edge.end - edge.start)[near]
    away = points[:, None, :] - start
    share = (away * along).sum(axis=2) / np.maximum((along**2).sum(axis=2), 1e-24)
    held = np.clip(share, 0.0, 1.0)
    distance = np.hypot(*np.moveaxis(away - held[..., None] * along, 2, 0))
    best = np.argmin(distance, axis=1)
    row = np.arange(len(points))
    piece = near[row, best]
    side = np.sign((away[row, best] * edge.normal[piece]).sum(axis=1))
    beyond = (edge.opens[piece] & (share[row, best] < 0)) | (edge.closes[piece] & (share[row, best] > 1))
    return Distance(side * distance[row, best], beyond)


class Profile(NamedTuple):
    """x = high - (high - low) S((distance - place)/scale) with S from 0 to 1, per row.

    Attributes
    ----------
    high, low : ndarray, shape (rows,)
        The two plateaus.
    place, scale : ndarray, shape (rows,)
        Centre, and standard deviation (error function) or length (logistic), um.
    chi_square, freedom : ndarray, shape (rows,)
        Weighted sum of squared residuals, and numbers less parameters.
    """

    high: Float[np.ndarray, " rows"]
    low: Float[np.ndarray, " rows"]
    place: Float[np.ndarray, " rows"]
    scale: Float[np.ndarray, " rows"]
    chi_square: Float[np.ndarray, " rows"]
    freedom: Float[np.ndarray, " rows"]


def step(u: Float[np.ndarray, ...], shape: str) -> Float[np.ndarray, ...]:
    """Rise from 0 to 1: the Gaussian distribution function, or the logistic one."""
    from scipy.special import expit, ndtr

    return np.asarray(ndtr(u) if shape == "error_function" else expit(u))


def _density(u: np.ndarray, shape: str) -> np.ndarray:
    if shape == "error_function":
        return np.asarray(np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi))
    rise = step(u, shape)
    return np.asarray(rise * (1 - rise))


def width_per_scale(shape: str) -> float:
    """Range of x over its greatest slope, in units of the scale.

    Examples
    --------
    >>> round(width_per_scale("error_function"), 4), width_per_scale("logistic")
    (2.5066, 4.0)
    """
    return float(np.sqrt(2 * np.pi)) if shape == "error_function" else 4.0


def fit_profile(
    distance: Float[np.ndarray, "rows pixels"],
    x: Float[np.ndarray, "rows pixels"],
    weight: Float[np.ndarray, "rows pixels"],
    pixel: float,
    shape: str,
    starts: tuple[float, ...] = STARTS,
) -> Profile:
    """Fit a step across an edge to every row, by least squares with weights; the best of all starts.

    Parameters
    ----------
    distance : ndarray, shape (rows, pixels)
        From the edge, um, positive on the low side.
    x, weight : ndarray, shape (rows, pixels)
        Values, and 1/variance; weight 0 leaves a pixel out.
    pixel : float
        Pixel size, um: the scale stays between a fifth of it and 100 of it.
    shape : {"error_function", "logistic"}
        Of the step.
    starts : tuple of float
        Scales that the fit starts from, pixels.
    """
    found = [_fit_from(distance, x, weight, factor * pixel, pixel, shape) for factor in starts]
    chi_square = np.stack([one.chi_square for one in found])
    best = np.argmin(np.where(np.isfinite(chi_square), chi_square, np.inf), axis=0)
    rows = np.arange(len(x))
    return Profile(*(np.stack(values)[best, rows] for values in zip(*found, strict=True)))


def _fit_from(
    distance: np.ndarray, x: np.ndarray, weight: np.ndarray, start: float, pixel: float, shape: str
) -> Profile:
    """Levenberg and Marquardt's steps in (place, ln scale); the plateaus are solved exactly in each."""
    rows = len(x)
    at = np.stack([np.zeros(rows), np.full(rows, np.log(start))], axis=1)
    limits = np.log(0.2 * pixel), np.log(100 * pixel)
    value, plateaus = _solved(distance, x, weight, at, shape)
    damping, left = np.full(rows, 1e-2), np.arange(rows)
    for _ in range(_MOST_STEPS):
        d, y, w = distance[left], x[left], weight[left]
        move = _move(d, y, w, at[left], plateaus[left], damping[left], shape)
        trial = at[left] + np.clip(move, [-3 * pixel, -0.7], [3 * pixel, 0.7])
        trial[:, 1] = np.clip(trial[:, 1], *limits)
        found, levels = _solved(d, y, w, trial, shape)
        gain = value[left] - found
        better = gain >= 0
        kept = left[better]
        at[kept], value[kept], plateaus[kept] = trial[better], found[better], levels[better]
        damping[left] = np.where(better, damping[left] / 5, damping[left] * 5)
        # Chi-square: a thousandth of it is a thirtieth of a standard deviation.
        left = left[~(better & (gain < 1e-3)) & (damping[left] < 1e6)]
        if not len(left):
            break
    freedom = (weight > 0).sum(axis=1) - 4.0
    return Profile(plateaus[:, 0], plateaus[:, 1], at[:, 0], np.exp(at[:, 1]), value, freedom)


def _solved(
    distance: np.ndarray, x: np.ndarray, weight: np.ndarray, at: np.ndarray, shape: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return chi-square with the best plateaus, and these (rows, 2): high, low."""
    fall = step((distance - at[:, :1]) / np.exp(at[:, 1:]), shape)
    total = np.maximum(weight.sum(axis=1), 1e-300)
    mean_fall, mean_x = (weight * fall).sum(axis=1) / total, (weight * x).sum(axis=1) / total
    off_fall, off_x = fall - mean_fall[:, None], x - mean_x[:, None]
    norm = (weight * off_fall**2).sum(axis=1)
    slope = (weight * off_fall * off_x).sum(axis=1) / np.maximum(norm, 1e-300)
    slope = np.where(norm > 1e-12 * total, slope, 0.0)
    high = mean_x - slope * mean_fall
    residual = off_x - slope[:, None] * off_fall
    return (weight * residual**2).sum(axis=1), np.stack([high, high + slope], axis=1)


def _move(
    distance: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    at: np.ndarray,
    plateaus: np.ndarray,
    damping: np.ndarray,
    shape: str,
) -> np.ndarray:
    """Return the damped step in (place, ln scale), with the response of the plateaus projected out."""
    scale = np.exp(at[:, 1:])
    u = (distance - at[:, :1]) / scale
    fall, rise = step(u, shape), (plateaus[:, 1] - plateaus[:, 0])[:, None]
    density = rise * _density(u, shape)
    density *= weight > 0
    total = np.maximum(weight.sum(axis=1), 1e-300)
    off = fall - ((weight * fall).sum(axis=1) / total)[:, None]
    norm = np.maximum((weight * off**2).sum(axis=1), 1e-12 * total)
    columns = []
    for column in (-density / scale, -density * u):
        level = (weight * column).sum(axis=1) / total
        slope = (weight * off * column).sum(axis=1) / norm
        columns.append(column - level[:, None] - slope[:, None] * off)
    residual = weight * (x - (plateaus[:, :1] + rise * fall))
    normal = np.array([[(weight * one * two).sum(axis=1) for two in columns] for one in columns])
    gradient = np.array([(one * residual).sum(axis=1) for one in columns])
    normal[[0, 1], [0, 1]] *= 1 + damping
    determinant = normal[0, 0] * normal[1, 1] - normal[0, 1] ** 2
    determinant = np.where(determinant > 0, determinant, np.inf)
    return np.stack(
        [
            (normal[1, 1] * gradient[0] - normal[0, 1] * gradient[1]) / determinant,
            (normal[0, 0] * gradient[1] - normal[0, 1] * gradient[0]) / determinant,
        ],
        axis=1,
    )
