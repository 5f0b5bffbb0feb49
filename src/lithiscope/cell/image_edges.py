"""When the current changed, as the composition tells it: kinks in the mean lithium fraction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lithiscope.cell.kernels.segments import straight_pieces
from lithiscope.cell.kernels.smoothing import white_noise
from lithiscope.errors import AnalysisError

_FEWEST = 6
_PARAMETERS = 3.0  # of a piece: offset, slope, and where it begins


class ImageEdges(NamedTuple):
    """Kinks of the mean lithium fraction: time and its standard deviation (s), slope before and after (1/s)."""

    second: np.ndarray
    second_std: np.ndarray
    slope_before: np.ndarray
    slope_after: np.ndarray


class _Piece(NamedTuple):
    offset: float
    slope: float
    covariance: np.ndarray


def edges_in_images(
    time: np.ndarray, lithium_fraction: np.ndarray, lithium_fraction_std: np.ndarray | float | None = None
) -> ImageEdges:
    """Find when the current changed from the mean lithium fraction of the frames.

    At constant current the mean composition of many particles is a straight line. The best chain of straight pieces
    is found (the number of pieces by the Bayesian information criterion); two neighbouring pieces meet at the edge.

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
        Edges between pieces of three or more frames. The error follows from those of the two lines, enlarged by their
        residuals. Edges whose lines meet away from the frames beside them are left out.

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
    starts = straight_pieces(x, y, sigma, _PARAMETERS * float(np.log(len(x))))
    ends = [*starts[1:], len(x)]
    pieces = [_fit(x[first:last], y[first:last], sigma) for first, last in zip(starts, ends, strict=True)]
    rows = []
    for index, first in enumerate(starts[1:]):
        left, right = pieces[index], pieces[index + 1]
        edge = _meeting(left, right)
        # The kink lies between two frames; noise may put it into the next gap, but not further.
        low, high = x[max(first - 2, 0)], x[min(first + 1, len(x) - 1)]
        if edge is not None and low <= edge[0] <= high:
            rows.append((*edge, left.slope, right.slope))
    table = np.array(rows).reshape(len(rows), 4)
    return ImageEdges(*table.T)


def _sigma(values: np.ndarray, stated: np.ndarray | float | None) -> float:
    if stated is not None:
        return float(np.sqrt(np.nanmean(np.asarray(stated, dtype=float) ** 2)))
    # Exactly straight curves have no scatter; a millionth of their range is as good as none.
    return max(white_noise(values), 1e-6 * float(np.ptp(values)), 1e-12)


def _fit(x: np.ndarray, y: np.ndarray, sigma: float) -> _Piece:
    design = np.column_stack([np.ones_like(x), x])
    answer, *_ = np.linalg.lstsq(design, y, rcond=None)
    freedom = len(x) - 2
    excess = float(np.sum((y - design @ answer) ** 2)) / sigma**2 / freedom
    return _Piece(float(answer[0]), float(answer[1]), np.linalg.inv(design.T @ design) * sigma**2 * max(excess, 1.0))


def _meeting(left: _Piece, right: _Piece) -> tuple[float, float] | None:
    """Return where two lines meet, and the standard deviation of that; None for parallels."""
    turn = left.slope - right.slope
    if turn == 0:
        return None
    at = (right.offset - left.offset) / turn
    across = np.array([1.0, at])
    variance = across @ (left.covariance + right.covariance) @ across
    return float(at), float(np.sqrt(variance) / abs(turn))
