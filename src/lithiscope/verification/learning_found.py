"""How far what was learned of a virtual particle is from its truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.verification.virtual_learning import THICKNESS, Truth

if TYPE_CHECKING:
    import xarray as xr

_SEEN = (0.05, 0.95)
_REORGANISATION = 7.0  # kT, from which that of 8.3 is learned
_SHARP = {"length": 100.0, "field_modes": 600}  # edges need all wavelengths; 160 modes hold 90 % of the variance


@dataclass(frozen=True)
class Found:
    """How far off one learned particle is.

    Parameters
    ----------
    correlation, rate_error : float
        Of ln k with the truth; relative root mean square error of k.
    exchange_error, potential_error : float
        Relative error of j0(x), root mean square, and largest error of mu(x) in kT, over the compositions that were
        identified.
    exchange_inside : float
        Share of these whose true j0 lies inside its 95 % bar.
    inside : array of bool
        Whether the true ln k of each pixel lies inside its 95 % bar.
    chi_square : float
        Per degree of freedom.
    seconds : float
        Wall time of the learning.
    """

    correlation: float
    rate_error: float
    exchange_error: float
    potential_error: float
    exchange_inside: float
    inside: np.ndarray
    chi_square: float
    seconds: float


def options_of(truth: Truth) -> Any:
    """Return what is told to the learning: with a voltage the coherency too, which else is a part of mu(x)."""
    from lithiscope.learning import LearnOptions

    given: dict[str, Any] = {"thickness": THICKNESS, "law": truth.law}
    if truth.volt_sigma:
        given |= {"voltage": True, "strain": "coherent"}
    if truth.pattern == "domains":
        given |= _SHARP
    if truth.reorganisation:
        unknowns = (*LearnOptions().unknowns, "reorganisation")
        given |= {"law_parameters": {"reorganisation": _REORGANISATION}, "unknowns": unknowns}
    return LearnOptions(**given)


def found_of(laws: xr.Dataset, particle: xr.Dataset, truth: Truth, field: np.ndarray, seconds: float) -> Found:
    """Hold what was learned against the truth.

    Parameters
    ----------
    laws, particle : learned_laws, learned_particle
        From the learning.
    truth : Truth
        What the particle obeys.
    field : ndarray, shape (y, x)
        True ln k on the pixels of the learned particle. Its mean over them goes with j0(x), so it counts as zero.
    seconds : float
        What the learning took.
    """
    known = np.isfinite(particle["log_rate"].values)
    found, bar = particle["log_rate"].values[known], particle["log_rate_std"].values[known]
    true = field[known] - field[known].mean()
    x = laws["x_grid"].values
    seen = laws["identifiable"].values & (x > _SEEN[0]) & (x < _SEEN[1])
    ratio = np.log(laws["exchange_current_density"].values / truth.exchange_density(x))[seen]
    bars = (laws["exchange_current_density_std"] / laws["exchange_current_density"]).values[seen]
    mu = laws["chemical_potential"].values - truth.potential(x)
    return Found(
        float(np.corrcoef(found, true)[0, 1]),
        float(np.sqrt(np.mean((np.exp(found - true) - 1) ** 2))),
        float(np.sqrt(np.mean(np.expm1(ratio) ** 2))),
        float(np.abs(mu[seen] - mu[seen].mean()).max()),
        float(np.mean(np.abs(ratio) < 1.96 * bars)),
        np.abs(found - true) < 1.96 * bar,
        float(laws.attrs["chi_square_per_freedom"]),
        seconds,
    )


def spread_of(values: Iterable[float]) -> str:
    """Return mean and standard deviation over seeds in words."""
    known = np.array(list(values))
    return f"mean {known.mean():.3g}, standard deviation {known.std(ddof=1):.2g}" if len(known) > 1 else "one seed"
