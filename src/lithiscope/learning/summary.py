"""What draws of the posterior say of laws and rates, beside Laplace's approximation, in numbers and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from lithiscope import stages
from lithiscope.learning.arrowhead import covariances
from lithiscope.learning.cases import Priors
from lithiscope.learning.chains import FEWEST, LIMIT
from lithiscope.learning.fit import Fit
from lithiscope.learning.guards import warnings_of
from lithiscope.learning.marginal import spread_error
from lithiscope.learning.marginal import spread_of as scale_of
from lithiscope.learning.posterior import freedom, laws_of
from lithiscope.learning.setup import Setup
from lithiscope.learning.unknowns import ExchangeCurve, ExchangeLevel, PotentialCurve

if TYPE_CHECKING:
    import xarray as xr

QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
_ALIKE = 1.15  # ratio of two spreads that a reader need not know of: 400 draws tell them to 4 %
_NEAR = 0.5  # standard deviations of a mean that a reader need not know of
_STEPS = 0.3  # of minus the logarithm of the posterior that held steps of time may change
_RARE = 0.01  # share of draws with divergences


class Summary(NamedTuple):
    """Draws of all numbers, and what is known of the chains.

    Attributes
    ----------
    whole : array, shape (chain, draw, number)
        Numbers of the laws, then of each particle.
    names : tuple of str
        Of the numbers that the chains were judged by: the laws first, then the directions.
    r_hat, sample_size : array
        Of each of these.
    divergences, gradients, directions, seed : int
        As of the stage sampled_laws.
    acceptance, step_error : float
        The same.
    """

    whole: Float[np.ndarray, "chain draw number"]
    names: tuple[str, ...]
    r_hat: np.ndarray
    sample_size: np.ndarray
    divergences: int
    acceptance: float
    gradients: int
    directions: int
    step_error: float
    seed: int

    @property
    def converged(self) -> bool:
        """Return whether the chains agree, and the draws are worth enough."""
        return bool(np.max(self.r_hat) < LIMIT and np.min(self.sample_size) >= FEWEST)


class Spread(NamedTuple):
    """A curve or map as drawn and as Laplace's approximation has it.

    Attributes
    ----------
    mean, std : array, shape (points,)
        Of the draws.
    quantile : array, shape (quantile, points)
        Of the draws.
    laplace, laplace_std : array, shape (points,)
        At the fit, and the standard deviation there.
    """

    mean: np.ndarray
    std: np.ndarray
    quantile: np.ndarray
    laplace: np.ndarray
    laplace_std: np.ndarray

    def words(self, name: str, keep: np.ndarray) -> str | None:
        """Return in words how wide and where the draws are; None where there is nothing to compare."""
        if not np.any(self.laplace_std[keep] > 0):
            return None
        ratio = self.std[keep] / self.laplace_std[keep]
        moved = np.abs(self.mean - self.laplace)[keep] / self.laplace_std[keep]
        middle, low, high = np.median(ratio), ratio.min(), ratio.max()
        near = low > 1 / _ALIKE and high < _ALIKE and moved.max() < _NEAR
        between = "" if high - low < 0.1 else f" ({low:.1f} to {high:.1f})"
        says = "Laplace's approximation holds: " if near else ""
        return (
            f"{says}the sampled spread of {name} is {middle:.2f} times Laplace's{between}, and its mean is up to "
            f"{moved.max():.1f} of Laplace's deviations away"
        )


def spread_of(
    draws: Float[np.ndarray, "draw number"], rows: np.ndarray, laplace: np.ndarray, std: np.ndarray, centre: np.ndarray
) -> Spread:
    """Return a curve that is linear in the numbers.

    Parameters
    ----------
    draws : array, shape (draw, number)
        Of the numbers.
    rows : array, shape (points, number)
        What the curve changes by with each number.
    laplace, std : array, shape (points,)
        The curve at the fit, and its standard deviation in Laplace's approximation.
    centre : array, shape (number,)
        The numbers at the fit.
    """
    values = laplace + (draws - centre) @ rows.T
    return Spread(values.mean(0), values.std(0, ddof=1), np.quantile(values, QUANTILES, axis=0), laplace, std)


def tree_of(summary: Summary, fit: Fit, setup: Setup, priors: Priors) -> xr.DataTree:
    """Return the stages sampled_laws and sampled_particle.

    Parameters
    ----------
    summary : Summary
        The draws.
    fit, setup, priors : Fit, Setup, Priors
        What they are compared with.
    """
    import xarray as xr

    laplace, shared = laws_of(fit, setup, priors), setup.layout.shared
    flat = summary.whole.reshape(-1, summary.whole.shape[2])
    rows_j0, rows_mu = _rows(setup, laplace)
    laws, point = flat[:, :shared], fit.point.shared
    exchange = laplace["exchange_current_density"].values
    log_j0 = spread_of(
        laws, rows_j0, np.log(exchange), laplace["exchange_current_density_std"].values / exchange, point
    )
    mu = spread_of(laws, rows_mu, laplace["chemical_potential"].values, laplace["chemical_potential_std"].values, point)
    known = laplace["identifiable"].values
    keep = known if known.any() else np.ones(len(known), bool)
    curves = (log_j0.words("ln j0(x)", keep), mu.words("mu(x)", keep))
    found = [
        *warnings_of(fit, freedom(fit, setup)),
        *_trust(summary),
        *(words for words in curves if words is not None),
    ]
    found += _scale(flat, fit)
    tree = {}
    for number, rates in enumerate(_rates(flat, fit, setup)):
        video, label = setup.groups[number][0].key
        tree[f"/particle/{video}_{label}"] = _particle(rates, setup, number)
        inside = setup.groups[number][0].mask.ravel()
        words = rates.words(f"ln k of particle {label} of video {video + 1}", inside)
        found += [] if words is None else [words]
    return xr.DataTree.from_dict({"/laws": _laws(summary, laplace, log_j0, mu, found, setup), **tree})


def _scale(flat: Float[np.ndarray, "draw number"], fit: Fit) -> list[str]:
    """Return in words how far the draws stretch ln k of all pixels alike, an error that these share."""
    row = scale_of(fit.particles, fit.point)
    if row is None:
        return []
    drawn = flat @ np.concatenate([row.shared, *row.own])
    return [
        f"the scale of ln k is {drawn.mean():.2f} +- {drawn.std(ddof=1):.2f} times that of the fit, of which Laplace's "
        f"approximation says 1 +- {spread_error(fit):.2f}"
    ]


def _trust(summary: Summary) -> list[str]:
    """Return why the draws should not be trusted, in words."""
    found = []
    worst, fewest = int(np.argmax(summary.r_hat)), int(np.argmin(summary.sample_size))
    if summary.r_hat[worst] >= LIMIT:
        found.append(
            f"the chains have not converged: R-hat of {summary.names[worst]} is {summary.r_hat[worst]:.3f}, not below "
            f"{LIMIT}. Ask for more draws, and take the spreads below as rough"
        )
    least = summary.sample_size[fewest]
    if least < FEWEST:
        found.append(
            f"the draws of {summary.names[fewest]} are worth {least:.0f} independent ones only, not {FEWEST:.0f}: "
            f"spreads are known to {100 / np.sqrt(2 * least):.0f} %"
        )
    count = summary.whole.shape[0] * summary.whole.shape[1]
    if summary.divergences > _RARE * count:
        found.append(
            f"{summary.divergences} of {count} draws met a place that the sampler cannot follow: it may have left out "
            "a part of the posterior"
        )
    if summary.step_error > _STEPS:
        found.append(
            f"steps of time that were held change the logarithm of the posterior by {summary.step_error:.1f}: make "
            "`tolerance` smaller"
        )
    return found


def _laws(
    summary: Summary, laplace: xr.Dataset, log_j0: Spread, mu: Spread, found: list[str], setup: Setup
) -> xr.Dataset:
    shared = setup.layout.shared
    draws = summary.whole[:, :, :shared]
    flat = draws.reshape(-1, shared)
    variables: dict[str, tuple[str, Any]] = {
        **_as_variables("log_exchange_current_density", log_j0),
        "exchange_current_density_quantile": ("quantile x_grid", np.exp(log_j0.quantile)),
        **_as_variables("chemical_potential", mu),
        "chemical_potential_quantile": ("quantile x_grid", mu.quantile),
        "identifiable": ("x_grid", laplace["identifiable"].values),
        "parameter_mean": ("parameter", flat.mean(0)),
        "parameter_std": ("parameter", flat.std(0, ddof=1)),
        "parameter_quantile": ("quantile parameter", np.quantile(flat, QUANTILES, axis=0)),
        "parameter_laplace": ("parameter", laplace["parameter_mean"].values),
        "parameter_laplace_std": ("parameter", laplace["parameter_std"].values),
        "parameter_r_hat": ("parameter", summary.r_hat[:shared]),
        "parameter_sample_size": ("parameter", summary.sample_size[:shared]),
        "parameter_draw": ("chain draw parameter", draws),
    }
    told = ("directions", "divergences", "acceptance", "gradients", "step_error", "seed")
    return stages.new(
        "sampled_laws",
        variables,
        coords={
            "x_grid": ("x_grid", laplace["x_grid"].values),
            "parameter": ("parameter", laplace["parameter"].values),
            "quantile": ("quantile", np.array(QUANTILES)),
        },
        attrs={
            "converged": int(summary.converged),
            "r_hat": float(np.max(summary.r_hat)),
            "sample_size": float(np.min(summary.sample_size)),
            **{name: getattr(summary, name) for name in told},
            "warnings": found,
            "options": setup.options.model_dump_json(),
        },
    )


def _as_variables(name: str, spread: Spread) -> dict[str, tuple[str, Any]]:
    return {
        name: ("x_grid", spread.mean),
        f"{name}_std": ("x_grid", spread.std),
        f"{name}_laplace": ("x_grid", spread.laplace),
        f"{name}_laplace_std": ("x_grid", spread.laplace_std),
    }


def _rows(setup: Setup, laplace: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return how ln j0(x) and mu(x) less its mean over the known range change with the numbers of the laws."""
    x, known = laplace["x_grid"].values, laplace["identifiable"].values
    keep = known if known.any() else np.ones(len(x), bool)
    rows = np.zeros((2, len(x), setup.layout.shared))
    first = 0
    for one in setup.unknowns:
        place = slice(first, first + one.size)
        if isinstance(one, ExchangeCurve):
            rows[0, :, place] = one.values(x)
        elif isinstance(one, ExchangeLevel):
            rows[0, :, place] = one.deviation
        elif isinstance(one, PotentialCurve):
            terms = np.polynomial.legendre.legvander(1 - 2 * x, one.size)[:, 1:]
            rows[1, :, place] = (terms - terms[keep].mean(0)) * np.asarray(one.deviations)
        first += one.size
    return rows[0], rows[1]


def _rates(flat: np.ndarray, fit: Fit, setup: Setup) -> list[Spread]:
    """Return ln k on the cells of the box of each particle."""
    shared, field, found = setup.layout.shared, setup.layout.field, []
    _, each = covariances(fit.blocks, shared, fit.laws)
    first = shared
    for particle, own, covariance in zip(fit.particles, fit.point.own, each, strict=True):
        basis, modes = np.asarray(particle.cases[0].field), slice(shared, shared + field)
        std = np.sqrt(np.einsum("ij,jk,ik->i", basis, covariance[modes, modes], basis))
        found.append(spread_of(flat[:, first : first + field], basis, basis @ own[:field], std, own[:field]))
        first += len(own)
    return found


def _particle(rates: Spread, setup: Setup, number: int) -> xr.Dataset:
    cut = setup.groups[number][0]
    height, width = cut.mask.shape

    def on_pixels(values: np.ndarray) -> np.ndarray:
        return np.where(cut.mask, values.reshape(*values.shape[:-1], height, width), np.nan)

    return stages.new(
        "sampled_particle",
        {
            "log_rate": ("y x", on_pixels(rates.mean)),
            "log_rate_std": ("y x", on_pixels(rates.std)),
            "log_rate_flag": ("y x", np.where(cut.mask, 0, stages.flag_bit("no_material"))),
            "log_rate_quantile": ("quantile y x", on_pixels(rates.quantile)),
            "log_rate_laplace": ("y x", on_pixels(rates.laplace)),
            "log_rate_laplace_std": ("y x", on_pixels(rates.laplace_std)),
        },
        coords={
            "quantile": ("quantile", np.array(QUANTILES)),
            "y": ("y", 1e-3 * cut.spacing[0] * (cut.corner[0] + np.arange(height))),
            "x": ("x", 1e-3 * cut.spacing[1] * (cut.corner[1] + np.arange(width))),
        },
        attrs={"video": cut.video, "particle": cut.particle},
    )
