"""One half cycle as a curve of voltage against charge, smoothed by a known matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.cell.kernels.smoothing import binned, local_lines, rounded_noise
from lithiscope.cell.samples import Samples
from lithiscope.errors import AnalysisError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BINS_PER_WIDTH = 2  # samples are first averaged in bins of half the smoothing width, which loses nothing
_FEWEST = 20


class Curve(NamedTuple):
    """Voltage at equal shares of the charge of a half cycle.

    Attributes
    ----------
    voltage : ndarray (nodes,)
        Smoothed voltage at shares 0, 1/n, ..., 1 of the charge, V.
    root : sparse array (nodes, points)
        A root of the covariance of `voltage`, root @ root.T, V.
    charge : float
        Charge from first to last node, Ah.
    """

    voltage: np.ndarray
    root: csr_array
    charge: float

    def voltage_std(self) -> np.ndarray:
        """Return the standard deviation of the voltage at the nodes, V."""
        return lengths(self.root)


def lengths(root: csr_array) -> np.ndarray:
    """Return the root of the sum of squares of every row."""
    return np.asarray(np.sqrt(root.power(2).sum(axis=1))).ravel()


def curve_of(
    samples: Samples, part: slice, begin: float, charge: float, *, width: float, nodes: int, half_cycle: int
) -> Curve:
    """Return the smoothed curve of a half cycle.

    Parameters
    ----------
    samples : Samples
        Of the trace.
    part : slice
        Samples of the half cycle.
    begin : float
        Charge of the trace where it begins, Ah.
    charge : float
        Charge up to which the curve goes, Ah, positive.
    width : float
        Standard deviation of the Gaussian, as a share of `charge`.
    nodes : int
        Number of nodes, at equal shares.
    half_cycle : int
        Its number, for the message.

    Raises
    ------
    AnalysisError
        If there are fewer than 20 samples with current.
    """
    share = np.abs(samples.charge[part] - begin) / charge
    used = (samples.state[part] != 0) & (share <= 1.0 + 1e-9)
    if np.count_nonzero(used) < _FEWEST:
        raise AnalysisError(
            "a half cycle has too few samples for its curve",
            field=f"half_cycle {half_cycle}",
            value=int(np.count_nonzero(used)),
            limit=f"at least {_FEWEST}",
            remedy="leave this half cycle out: half_cycles.isel(half_cycle=...)",
        )
    share, voltage = share[used], samples.voltage[part][used]
    sigma = rounded_noise(voltage)
    x, y, count = binned(np.clip(share, 0.0, 1.0), voltage, int(np.ceil(_BINS_PER_WIDTH / width)))
    at = np.linspace(0.0, 1.0, nodes)
    place, share_of = local_lines(at, x, count.astype(float), width)
    smoothed = np.sum(share_of * y[place], axis=1)
    return Curve(smoothed, _root(place, share_of * (sigma / np.sqrt(count))[place], len(x)), charge)


def _root(place: np.ndarray, values: np.ndarray, points: int) -> csr_array:
    from scipy.sparse import csr_array

    rows, near = place.shape
    return csr_array((values.ravel(), place.ravel(), near * np.arange(rows + 1)), shape=(rows, points))
