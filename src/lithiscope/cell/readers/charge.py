"""Current from the charge between two samples, for files that record the charge and no current."""

from __future__ import annotations

import numpy as np


def current_from_charge(increment_ah: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return the mean current since the sample before.

    ``I[i] = 3600 dq[i] / (t[i] - t[i-1])``; EC-Lab shows the same under ``<I>/mA``.

    Parameters
    ----------
    increment_ah : ndarray (samples,)
        Charge since the sample before, in Ah.
    time : ndarray (samples,)
        In s.

    Returns
    -------
    ndarray (samples,)
        In A; 0 where no charge passed, NaN where charge passed in no time.

    Examples
    --------
    >>> current_from_charge(np.array([0.0, 1.0]), np.array([0.0, 7200.0]))
    array([0. , 0.5])
    """
    elapsed = np.diff(time, prepend=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        current = 3600.0 * increment_ah / elapsed
    known = np.isfinite(elapsed) & (elapsed > 0)
    return np.where(known, current, np.where(increment_ah == 0, 0.0, np.nan))
