"""One half cycle as a curve of voltage against charge, smoothed by a known matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.cell.halves import Half
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


def require_samples(samples: Samples, halves: list[Half]) -> None:
    """See that every half cycle has the samples that a curve needs.

    Raises
    ------
    AnalysisError
        If some have fewer than 20 samples with current before a held voltage; all of them are named.
    """
    short: dict[int, int] = {}
    for half in halves:
        part = half.part(samples)
        passed = np.abs(samples.charge[part] - half.begin(samples))
        count = int(np.count_nonzero((samples.state[part] != 0) & (passed <= half.charge - half.held_charge)))
        if count < _FEWEST or half.charge <= half.held_charge:
            short[half.number] = count
    if short:
        raise AnalysisError(
            "some half cycles have too few samples for a curve",
            field="half_cycle",
            value=", ".join(f"{number} ({count})" for number, count in short.items()),
            limit=f"at least {_FEWEST} samples with current before a held voltage",
            remedy=f"leave them out: half_cycles.drop_sel(half_cycle={list(short)})",
        )


def curve_of(samples: Samples, part: slice, begin: float, charge: float, *, width: float, nodes: int) -> Curve:
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
    """
    share = np.abs(samples.charge[part] - begin) / charge
    used = (samples.state[part] != 0) & (share <= 1.0 + 1e-9)
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
