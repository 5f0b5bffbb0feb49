"""When not to trust a result: the scale of ln k, the residuals, the fit itself."""

from __future__ import annotations

import numpy as np

from lithiscope.learning.arrowhead import covariances, log_determinant
from lithiscope.learning.fit import Fit, Task, block_of
from lithiscope.learning.setup import Setup

_MISFIT = 0.05  # of chi-square per degree of freedom
_SURE = 5.0  # standard deviations of chi-square
_BIAS = 0.5  # standard deviations by which the most probable scale may lie off the mean one


def warnings_of(fit: Fit, setup: Setup, freedom: float) -> list[str]:
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
    for number, bias in enumerate(scale_biases(fit, setup)):
        if abs(bias) > _BIAS:
            video, label = setup.groups[number][0].key
            found.append(
                f"the spread of ln k of particle {label} of video {video + 1} is not determined by these data: it "
                f"trades off with mu(x) and j0(x); its most probable value lies {abs(bias):.1f} standard deviations "
                f"{'below' if bias < 0 else 'above'} the mean one. The pattern of k holds; its spread, the error "
                "bars and mu(x) do not. Data nearer to equilibrium (lower rates), or fewer unknowns, would decide it"
            )
    return found


def scale_biases(fit: Fit, setup: Setup) -> list[float]:
    """Return, for each particle, by how many standard deviations the maximum is off the mean scale of ln k.

    Far from equilibrium x(t) of a pixel is a function of k t alone, whatever that function is, so ln k may be
    multiplied by any number if j0(x) and mu(x) follow. The width of the posterior of each pixel goes with that number,
    and a maximum of many numbers at once then lies where the posterior is narrow, not where most of it is. To first
    order the scale is off by its variance times the slope of half the logarithm of the determinant.
    """
    shared, field = setup.layout.shared, setup.layout.field
    if field == 0 or shared == 0:
        return [0.0] * len(setup.groups)
    _, each = covariances(fit.blocks, shared)
    result = []
    for number, (particle, own, covariance) in enumerate(zip(fit.particles, fit.point.own, each, strict=True)):
        z = np.concatenate([fit.point.shared, own])
        basis = np.asarray(particle.cases[0].field)
        rates = basis @ own[:field]
        row = np.zeros(len(z))
        row[shared : shared + field] = rates @ basis / max(float(rates @ rates), 1e-12)
        deviation = float(np.sqrt(row @ covariance @ row))
        way = covariance @ row / deviation  # the most probable way to a scale of one deviation more
        sides = []
        for side in (-0.5, 0.5):
            there = block_of(Task(particle, z + side * way))
            if there is None:
                sides.append(np.nan)
                continue
            blocks = [*fit.blocks[:number], there[0], *fit.blocks[number + 1 :]]
            sides.append(0.5 * log_determinant(blocks, shared))
        bias = sides[1] - sides[0]
        result.append(float(bias) if np.isfinite(bias) else np.inf)
    return result
