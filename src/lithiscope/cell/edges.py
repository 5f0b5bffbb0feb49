"""Steps of the current: when it starts, stops, turns round or changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.cell.kernels.smoothing import stepped_noise
from lithiscope.cell.options import EdgeOptions
from lithiscope.cell.samples import Samples, samples_of

if TYPE_CHECKING:
    import xarray as xr

_SIGMA = 5.0


class CurrentEdges(NamedTuple):
    """Steps of the current, in order of time.

    Attributes
    ----------
    second, second_std : ndarray (edges,)
        Test time and its standard deviation: the step lies anywhere between two samples, s.
    before_ampere, after_ampere : ndarray (edges,)
        Current at the samples before and after.
    sample : ndarray of int (edges,)
        First readable sample after the step, counted in `samples_of`.
    """

    second: np.ndarray
    second_std: np.ndarray
    before_ampere: np.ndarray
    after_ampere: np.ndarray
    sample: np.ndarray


def current_edges(
    trace: xr.Dataset,
    *,
    options: EdgeOptions = EdgeOptions(),  # noqa: B008 - frozen
) -> CurrentEdges:
    """Find the steps of the current of a trace.

    A step is a change between two samples of more than ``least_change`` of the larger of both currents, and of more
    than five times the noise. Changes of one sign at consecutive samples are one step.

    Raises
    ------
    AnalysisError
        If there is no current, or time runs backwards.
    """
    return edges_of(samples_of(trace, rest_current=options.rest_current_ampere), options.least_change)


def edges_of(samples: Samples, least_change: float) -> CurrentEdges:
    """Return the steps of the current in readable samples; see `current_edges`."""
    current = np.where(samples.state == 0, 0.0, samples.current)
    change = np.diff(current)
    larger = np.maximum(np.abs(current[1:]), np.abs(current[:-1]))
    noise = _SIGMA * np.sqrt(2.0) * np.nan_to_num(stepped_noise(samples.current))
    found = np.flatnonzero((np.abs(change) > least_change * larger) & (np.abs(change) > noise)) + 1
    if len(found) == 0:
        empty = np.zeros(0)
        return CurrentEdges(empty, empty, empty, empty, found)
    # A sample taken during the change splits it in two.
    sign = np.sign(change[found - 1])
    apart = np.concatenate([[True], (np.diff(found) > 1) | (sign[1:] != sign[:-1])])
    first = found[apart]
    last = found[np.append(np.flatnonzero(apart)[1:] - 1, len(found) - 1)]
    start, end = samples.time[first - 1], samples.time[last]
    return CurrentEdges((start + end) / 2, (end - start) / np.sqrt(12.0), current[first - 1], current[last], last)
