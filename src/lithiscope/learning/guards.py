"""When not to trust a result: the scale of ln k, the residuals, the fit itself."""

from __future__ import annotations

import numpy as np

from lithiscope.learning.fit import Fit
from lithiscope.learning.marginal import spread_error

_MISFIT = 0.05  # of chi-square per degree of freedom
_SURE = 5.0  # standard deviations of chi-square
_SPREAD = 0.15  # relative error of the spread of ln k that a reader should know of


def warnings_of(fit: Fit, freedom: float) -> list[str]:
    """Return what a reader must know before believing the result, in plain words."""
    found = []
    if not fit.converged:
        found.append("the fit ended before it had converged: ask for more iterations")
    ratio = 2 * fit.cost / freedom
    if abs(ratio - 1) > max(_MISFIT, _SURE * np.sqrt(2 / freedom)):
        found.append(
            f"chi-square per degree of freedom is {ratio:.3f}: "
            + (
                "the model does not explain the data, or their standard deviations are too small"
                if ratio > 1
                else "the standard deviations of the data are too large, or the fit follows the noise"
            )
        )
    error = spread_error(fit)
    if error > _SPREAD:
        found.append(
            f"these data fix the spread of ln k to {100 * error:.0f} % only: it trades off with mu(x) and j0(x). The "
            "pattern of k is known better than its error bars say, which hold this common factor. Data nearer to "
            "equilibrium (lower rates), or fewer unknowns, would decide it"
        )
    return found
