"""When the current changed, as the composition tells it: kinks in the mean lithium fraction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lithiscope.cell.kernels.segments import straight_pieces
from lithiscope.cell.kernels.smoothing import white_noise
from lithiscope.errors import AnalysisError

_FEWEST = 6
_PARAMETERS = 3.0  # of a straight piece: offset, slope, and where it begins
_BENDING = 5  # frames that a bend needs
_REAL = 1e-9
_LEAST = 3  # frames of a piece
_NEAR = 2  # frames to either side in which the end of a piece is sought again


class ImageEdges(NamedTuple):
    """Kinks of the mean lithium fraction: time and its standard deviation (s), slope before and after (1/s)."""

    second: np.ndarray
    second_std: np.ndarray
    slope_before: np.ndarray
    slope_after: np.ndarray


class _Edge(NamedTuple):
    """When two pieces meet, in scaled time, with the standard deviation, and their slopes there."""

    at: float
    std: float
    before: float
    after: float


class _Piece(NamedTuple):
    """Polynomial of a piece, constant first, in scaled time; its covariance and what it costs."""

    coefficients: np.ndarray
    covariance: np.ndarray
    cost: float


def edges_in_images(
    time: np.ndarray, lithium_fraction: np.ndarray, lithium_fraction_std: np.ndarray | float | None = None
) -> ImageEdges:
    """Find when the current changed from the mean lithium fraction of the frames.

    At constant current the mean composition of many particles is a straight line, that of a few a curve. The best chain
    of straight pieces is found; neighbours that one parabola describes as well are one piece, and a piece bends where
    the frames ask for it (all by the Bayesian information criterion). Two neighbouring pieces meet at the edge.

    Parameters
    ----------
    time : array (frames,)
        s, strictly increasing.
    lithium_fraction : array (frames,)
        Mean over all particles, weighted by amount; NaN is left out.
    lithium_fraction_std : array or float, optional
        Random standard deviation of a frame's mean; from the scatter of second differences when missing.

    Returns
    -------
    ImageEdges
        Edges between pieces of three or more frames, and the slopes at them. The error follows from those of the two
        pieces, enlarged by their residuals. Edges whose pieces meet away from the frames beside them are left out.

    Raises
    ------
    AnalysisError
        If there are fewer than six frames, or the times do not increase.
    """
    x, y = np.asarray(time, dtype=float), np.asarray(lithium_fraction, dtype=float)
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    if len(x) < _FEWEST or np.any(np.diff(x) <= 0):
        raise AnalysisError(
            "edges cannot be found in the images",
            field="time",
            value=f"{len(x)} frames with a composition",
            limit=f"at least {_FEWEST}, strictly increasing in time",
            remedy="give markers instead",
        )
    sigma = _sigma(y, lithium_fraction_std)
    penalty = float(np.log(len(x)))
    # Times of the order of one keep the normal equations sound.
    middle, length = float(np.mean(x)), float(np.ptp(x))
    scaled = (x - middle) / length
    bounds = [*_merged(scaled, y, sigma, penalty), len(x)]
    rows = [
        (middle + length * edge.at, length * edge.std, edge.before / length, edge.after / length)
        for low, first, high in zip(bounds, bounds[1:], bounds[2:], strict=False)
        if (edge := _edge(scaled, y, (low, first, high), sigma, penalty)) is not None
    ]
    return ImageEdges(*np.array(rows).reshape(len(rows), 4).T)


def _edge(x: np.ndarray, y: np.ndarray, bounds: tuple[int, int, int], sigma: float, penalty: float) -> _Edge | None:
    """Return the edge between two pieces, averaged over the gaps between frames in which it may lie."""
    low, first, high = bounds
    found, costs = [], []
    for start in range(max(first - _NEAR, low + _LEAST), min(first + _NEAR, high - _LEAST) + 1):
        left, right = (
            _fit(x[low:start], y[low:start], sigma, penalty),
            _fit(x[start:high], y[start:high], sigma, penalty),
        )
        # The kink lies between two frames; noise may put it into the next gap, but not further.
        within = (x[max(start - 2, 0)], x[min(start + 1, len(x) - 1)])
        met = _meeting(left, right, within, (x[start - 1] + x[start]) / 2)
        if met is not None:
            found.append((*met, _value(left, met[0], 1), _value(right, met[0], 1)))
            costs.append(left.cost + right.cost)
    if not found:
        return None
    weight = np.exp(-(np.array(costs) - min(costs)) / 2)
    at, std, before, after = np.array(found).T
    mean = np.average(at, weights=weight)
    spread = np.average(std**2 + (at - mean) ** 2, weights=weight)
    slopes = [float(np.average(slope, weights=weight)) for slope in (before, after)]
    return _Edge(float(mean), float(np.sqrt(spread)), *slopes)


def _merged(x: np.ndarray, y: np.ndarray, sigma: float, penalty: float) -> list[int]:
    """Return where the pieces start: straight ones, joined where one curve does for two."""
    starts = straight_pieces(x, y, sigma, _PARAMETERS * penalty)
    ends = [*starts[1:], len(x)]
    pieces = [_fit(x[first:last], y[first:last], sigma, penalty) for first, last in zip(starts, ends, strict=True)]
    while len(starts) > 1:
        bounds = [*starts, len(x)]
        joined = [_fit(x[low:high], y[low:high], sigma, penalty) for low, high in zip(starts, bounds[2:], strict=False)]
        gain = [left.cost + right.cost - one.cost for left, right, one in zip(pieces, pieces[1:], joined, strict=False)]
        best = int(np.argmax(gain))
        if gain[best] <= 0:
            break
        pieces[best : best + 2] = [joined[best]]
        del starts[best + 1]
    return starts


def _sigma(values: np.ndarray, stated: np.ndarray | float | None) -> float:
    if stated is not None:
        return float(np.sqrt(np.nanmean(np.asarray(stated, dtype=float) ** 2)))
    # Exactly straight curves have no scatter; a millionth of their range is as good as none.
    return max(white_noise(values), 1e-6 * float(np.ptp(values)), 1e-12)


def _fit(x: np.ndarray, y: np.ndarray, sigma: float, penalty: float) -> _Piece:
    """Return the line through the frames, or the parabola where they ask for it."""
    degrees = (1, 2) if len(x) >= _BENDING else (1,)
    return min((_polynomial(x, y, sigma, degree, penalty) for degree in degrees), key=lambda piece: piece.cost)


def _polynomial(x: np.ndarray, y: np.ndarray, sigma: float, degree: int, penalty: float) -> _Piece:
    design = np.vander(x, degree + 1, increasing=True)
    answer, *_ = np.linalg.lstsq(design, y, rcond=None)
    square = float(np.sum((y - design @ answer) ** 2)) / sigma**2
    excess = max(square / (len(x) - degree - 1), 1.0)
    cost = square + (_PARAMETERS + degree - 1) * penalty
    return _Piece(answer, np.linalg.inv(design.T @ design) * sigma**2 * excess, cost)


def _value(piece: _Piece, at: float, derivative: int = 0) -> float:
    from numpy.polynomial import polynomial

    return float(polynomial.polyval(at, polynomial.polyder(piece.coefficients, derivative)))


def _meeting(left: _Piece, right: _Piece, within: tuple[float, float], guess: float) -> tuple[float, float] | None:
    """Return where two pieces meet nearest to the guess, and its standard deviation; None where they do not."""
    from numpy.polynomial import polynomial

    roots = polynomial.polyroots(polynomial.polysub(left.coefficients, right.coefficients))
    met = np.real(roots[np.abs(np.imag(roots)) < _REAL])
    met = met[(met >= within[0]) & (met <= within[1])]
    if not met.size:
        return None
    at = float(met[np.argmin(np.abs(met - guess))])
    turn = _value(left, at, 1) - _value(right, at, 1)
    across = [np.vander([at], len(piece.coefficients), increasing=True)[0] for piece in (left, right)]
    variance = sum(
        float(powers @ piece.covariance @ powers) for powers, piece in zip(across, (left, right), strict=True)
    )
    return (at, float(np.sqrt(variance) / abs(turn))) if turn else None
