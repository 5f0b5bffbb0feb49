"""Where a particle lies in the diagram of phase morphologies: Biot against Damkoehler number.

After Fraggedakis et al., Energy Environ. Sci. 13, 2142 (2020): an intercalation wave turns into a shrinking core when
the slowest phase cannot even out in the time of the process. Both axes are ratios of times of one channel:

    Bi = tau_bulk / tau_reaction = L j0 / (e rho_s D)      Da = tau_bulk / tau_process = L j / (e rho_s D)

so that j/j0 = Da/Bi. Lines are drawn where two times are equal; they are orders of magnitude, not sharp boundaries, and
the paper's own prefactors, which depend on thermodynamics and shape, are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError

FloatArray = NDArray[np.float64]
Morphology = Literal["shrinking core", "quasi-solid solution", "intercalation wave"]
MORPHOLOGIES: tuple[Morphology, ...] = ("shrinking core", "quasi-solid solution", "intercalation wave")


@dataclass(frozen=True)
class MorphologyPoint:
    """A particle in the diagram.

    Parameters
    ----------
    biot, damkoehler : float
        Medians.
    biot_log_std, damkoehler_log_std, correlation : float
        Standard deviations of their decadic logarithms, and how these are correlated (D is in both).
    probability : mapping
        Of every morphology; they add up to 1.
    reaction_limited : float
        Probability that the surface reaction is slower than diffusion, Bi < 1.
    """

    biot: float
    damkoehler: float
    biot_log_std: float
    damkoehler_log_std: float
    correlation: float
    probability: dict[Morphology, float]
    reaction_limited: float


def classify(biot: FloatArray, damkoehler: FloatArray, *, critical_current: float = 1.0) -> NDArray[np.intp]:
    """Return the index into `MORPHOLOGIES` at every point.

    Da > 1: the process outruns diffusion, a shell of the new phase surrounds a core. Below, the bulk keeps up; then a
    current above `critical_current` (over j0) suppresses phase separation and a smaller one lets a wave go through.

    Examples
    --------
    >>> [MORPHOLOGIES[i] for i in classify(np.array([0.1, 0.1, 10.0]), np.array([0.01, 0.5, 3.0]))]
    ['intercalation wave', 'quasi-solid solution', 'shrinking core']
    """
    fast = damkoehler > critical_current * biot
    return np.asarray(np.where(damkoehler > 1, 0, np.where(fast, 1, 2)))


def morphology_point(
    tau_bulk: float,
    tau_reaction: float,
    tau_process: float,
    *,
    log_std: tuple[float, float, float],
    critical_current: float = 1.0,
    boundary_spread: float = 0.3,
    draws: int = 20_000,
) -> MorphologyPoint:
    """Return where a particle lies, with the probability of every morphology.

    Parameters
    ----------
    tau_bulk, tau_reaction, tau_process : float
        s; see `times`. With several phases, the diffusivity of the slowest. The process time is the time to fill the
        channel at the measured rate, 3600 / |dx/dt|.
    log_std : (float, float, float)
        Standard deviations of the decadic logarithms of the three times.
    critical_current : float
        Current over j0 that suppresses phase separation, e.g. from `lithiscope.laws.stable_currents`.
    boundary_spread : float
        Standard deviation of the decadic logarithm of the place of every line: 0.3 is a factor of 2.
    draws : int
        Points of the quasi-random sum.

    Raises
    ------
    AnalysisError
        If a time or the critical current is not above zero, or an error is negative.
    """
    times = np.array([tau_bulk, tau_reaction, tau_process], dtype=float)
    if not (np.all(np.isfinite(times)) and np.all(times > 0) and critical_current > 0):
        raise AnalysisError(
            "the diagram needs positive times and a positive critical current",
            field="tau_bulk, tau_reaction, tau_process, critical_current",
            value=(*times.tolist(), critical_current),
            limit="> 0",
        )
    errors = np.array([*log_std, boundary_spread, boundary_spread])
    if np.any(errors < 0) or len(errors) != 5:
        raise AnalysisError("errors cannot be negative", field="log_std, boundary_spread", value=errors, limit=">= 0")
    normal = _normal_points(draws, 5) * errors
    bulk, reaction, process = np.log10(times)[:, None] + normal[:, :3].T
    log_biot, log_damkoehler = bulk - reaction, bulk - process
    # Moving a line is the same as moving the point against it.
    found = classify(
        10 ** (log_biot + normal[:, 4]), 10 ** (log_damkoehler + normal[:, 3]), critical_current=critical_current
    )
    share = np.bincount(found, minlength=3) / draws
    variance = errors[:3] ** 2
    spread = np.sqrt(variance[0] + variance[1:])
    product = float(spread[0] * spread[1])
    return MorphologyPoint(
        biot=float(times[0] / times[1]),
        damkoehler=float(times[0] / times[2]),
        biot_log_std=float(spread[0]),
        damkoehler_log_std=float(spread[1]),
        correlation=float(variance[0]) / product if product > 0 else 0.0,
        probability=dict(zip(MORPHOLOGIES, map(float, share), strict=True)),
        reaction_limited=float(np.mean(log_biot < 0)),
    )


def diagram_lines(biot: FloatArray, *, critical_current: float = 1.0) -> dict[str, FloatArray]:
    """Return the lines of the diagram as Damkoehler numbers along an axis of Biot numbers; NaN where a line ends.

    Returns
    -------
    dict
        ``shrinking core`` (Da = 1), ``phase separation`` (j/j0 = critical current), where Da < 1.
    """
    line = critical_current * np.asarray(biot, dtype=float)
    return {
        "shrinking core": np.ones_like(line),
        "phase separation": np.where(line < 1, line, np.nan),
    }


def _normal_points(draws: int, dimensions: int) -> FloatArray:
    """Return quasi-random normal points (draws, dimensions): the same every time."""
    from scipy.special import ndtri

    # Additive recurrence on the generalised golden ratio.
    root = 1.5
    for _ in range(40):
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = (1 / root) ** np.arange(1, dimensions + 1)
    return np.asarray(ndtri((0.5 + np.arange(1, draws + 1)[:, None] * steps) % 1))
