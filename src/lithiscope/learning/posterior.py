"""The posterior about its maximum: laws and fields with their standard deviations (Laplace's approximation)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from lithiscope import stages
from lithiscope.learning.arrowhead import covariances, log_determinant
from lithiscope.learning.cases import Priors
from lithiscope.learning.fit import Fit, Particle
from lithiscope.learning.half_cycles import HalfCycle
from lithiscope.learning.priors import log_constant
from lithiscope.learning.setup import Setup
from lithiscope.learning.unknowns import ExchangeCurve, ExchangeLevel, PotentialCurve

if TYPE_CHECKING:
    import xarray as xr

_GRID = np.linspace(0.01, 0.99, 99)
_SUPPORT = 0.03  # compositions count as seen within this of one
_SEEN = 0.005  # share of the pixels and frames that must have been near
_INFORMED = 0.5  # of the prior standard deviation of ln j0


def log_evidence(fit: Fit, setup: Setup) -> float:
    """Return ln of the evidence in Laplace's approximation, with the normalisation of the data's errors."""
    weights = _weights(setup)
    data = float(np.log(weights).sum() - 0.5 * weights.size * np.log(2 * np.pi))
    _, each = covariances(fit.blocks, setup.layout.shared, fit.laws)
    constant = 0.0
    for particle, one in zip(fit.particles, each, strict=True):
        own = np.diag(one)[setup.layout.shared :]
        for modes, weight in zip(particle.fields(), particle.weights or (), strict=False):
            constant += log_constant(modes.stop - modes.start - weight * float(own[modes].sum()))
    return data + constant - fit.whole - 0.5 * log_determinant(fit.blocks, setup.layout.shared, fit.laws)


def freedom(fit: Fit, setup: Setup) -> float:
    """Return the chi-square that noise makes: how many data there are, less how many numbers they determined.

    Of pixels that were resampled, each counts as the share of its variance that is left (MacKay 1992, but for that).
    """
    count = setup.layout.shared
    laws, each = covariances(fit.blocks, count, fit.laws)
    used = count - float(np.trace(laws)) + sum(len(one) - count - float(np.trace(one[count:, count:])) for one in each)
    lost = sum(float((1 - cut.gain**2) @ (cut.weight > 0).sum((1, 2))) for group in setup.groups for cut in group)
    return float(len(_weights(setup)) - lost - used)


def _weights(setup: Setup) -> np.ndarray:
    """Return one over the standard deviation of each datum."""
    cuts = [cut for group in setup.groups for cut in group]
    each = [weight for cut in cuts for weight in (cut.weight, cut.mean_weight)]
    each += [cut.volt_weight for cut in cuts] if setup.layout.volt else []
    return np.concatenate([one[one > 0] for one in each])


def laws_of(fit: Fit, setup: Setup, priors: Priors) -> xr.Dataset:
    """Return the stage learned_laws."""
    covariance, _ = covariances(fit.blocks, setup.layout.shared, fit.laws)
    seen = _support(fit, setup)
    exchange, exchange_std, informed = _exchange(fit, setup, covariance)
    mu, mu_std = _potential(fit, setup, covariance, seen & informed)
    names = np.array([name for one in setup.unknowns for name in one.names], dtype=str)
    deviation = np.sqrt(np.diag(covariance))
    return stages.new(
        "learned_laws",
        {
            "exchange_current_density": ("x_grid", exchange),
            "exchange_current_density_std": ("x_grid", exchange_std),
            "chemical_potential": ("x_grid", mu),
            "chemical_potential_std": ("x_grid", mu_std),
            "identifiable": ("x_grid", seen & informed),
            "parameter_mean": ("parameter", fit.point.shared),
            "parameter_std": ("parameter", deviation),
            "correlation": ("parameter parameter_other", covariance / np.outer(deviation, deviation)),
        },
        coords={
            "x_grid": ("x_grid", _GRID),
            "parameter": ("parameter", names),
            "parameter_other": ("parameter_other", names),
        },
        attrs={
            "law": setup.template.reaction.law.name,  # type: ignore[union-attr]
            "material": setup.options.material,
            "log_evidence": log_evidence(fit, setup),
            "chi_square_per_freedom": 2 * fit.cost / freedom(fit, setup),
            "iterations": fit.iterations,
            "converged": int(fit.converged),
            "priors": ", ".join(f"{name} {value:.3g}" for name, value in priors._asdict().items()),
        },
    )


def _support(fit: Fit, setup: Setup) -> np.ndarray:
    """Return where on the grid the model went, bool."""
    values = []
    for particle, own, group in zip(fit.particles, fit.point.own, setup.groups, strict=True):
        z = np.concatenate([fit.point.shared, own])
        for case, place, cut in zip(particle.cases, particle.places(), group, strict=True):
            x = np.asarray(particle.program.seen(case, jnp.asarray(z[place]))[0])
            # Without pixels the whole particle was looked at.
            known = (cut.weight > 0) | (cut.mask & (~(cut.weight > 0).any((1, 2)) & cut.told())[:, None, None])
            values.append(x[: len(cut.seconds)][known.reshape(len(cut.seconds), -1)])
    flat = np.sort(np.concatenate(values))
    near = np.searchsorted(flat, _GRID + _SUPPORT) - np.searchsorted(flat, _GRID - _SUPPORT)
    return np.asarray(near > _SEEN * flat.size)


def _places(setup: Setup) -> list[slice]:
    edges = np.cumsum([0, *(one.size for one in setup.unknowns)])
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def _exchange(fit: Fit, setup: Setup, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return j0(x), its standard deviation, and where the data narrowed it."""
    model = setup.template
    reaction = model.reaction
    base = float(reaction.exchange_current)  # type: ignore[union-attr]
    plain = np.asarray(reaction.exchange.build()(jnp.asarray(_GRID)))  # type: ignore[union-attr]
    for one, place in zip(setup.unknowns, _places(setup), strict=True):
        z, spread = fit.point.shared[place], covariance[place, place]
        if isinstance(one, ExchangeCurve):
            rows = one.values(_GRID)
            log_std = np.sqrt(np.einsum("ij,jk,ik->i", rows, spread, rows))
            prior = np.sqrt((rows**2).sum(1))
            value = base * np.asarray(one.factor(jnp.asarray(z)).build()(jnp.asarray(_GRID)))
            return value, value * log_std, log_std < _INFORMED * prior
        if isinstance(one, ExchangeLevel):
            value = base * plain * np.exp(one.deviation * z[0])
            return value, value * one.deviation * np.sqrt(spread[0, 0]), np.ones(len(_GRID), bool)
    return base * plain, np.zeros(len(_GRID)), np.ones(len(_GRID), bool)


def _potential(fit: Fit, setup: Setup, covariance: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mu(x) without its mean over the known range, and its standard deviation."""
    keep = known if known.any() else np.ones(len(_GRID), bool)
    for one, place in zip(setup.unknowns, _places(setup), strict=True):
        if isinstance(one, PotentialCurve):
            terms = np.polynomial.legendre.legvander(1 - 2 * _GRID, one.size)[:, 1:]
            rows = (terms - terms[keep].mean(0)) * np.asarray(one.deviations)
            spread = covariance[place, place]
            coefficients = np.asarray(one.coefficients) + np.asarray(one.deviations) * fit.point.shared[place]
            value = np.log(_GRID / (1 - _GRID)) + terms @ coefficients
            return value - value[keep].mean(), np.sqrt(np.einsum("ij,jk,ik->i", rows, spread, rows))
    value = np.asarray(setup.template.free_energy.potential(jnp.asarray(_GRID)))
    return value - value[keep].mean(), np.zeros(len(_GRID))


def particle_of(
    fit: Fit, setup: Setup, number: int, video: xr.Dataset, mean: np.ndarray, covariance: np.ndarray
) -> xr.Dataset:
    """Return the stage learned_particle of one particle.

    Parameters
    ----------
    fit : Fit
        The maximum of the posterior.
    setup : Setup
        What was fitted.
    number : int
        Which particle.
    video : composition_video
        The video in which it was seen.
    mean : array, shape (own,)
        Of the posterior of its own numbers.
    covariance : array, shape (shared and own, shared and own)
        Of its numbers.
    """
    group, particle, own = setup.groups[number], fit.particles[number], fit.point.own[number]
    first = group[0]
    field = slice(setup.layout.shared, setup.layout.shared + setup.layout.field)
    basis = np.asarray(particle.cases[0].field)
    z = np.concatenate([fit.point.shared, own])
    variance = np.einsum("ij,jk,ik->i", basis, covariance[field, field], basis)
    frames, domains = _frames(particle, z, group), _domains(setup, basis, mean, covariance)
    coords = {
        name: ("time", np.concatenate([video[name].values[cut.frames] for cut in group]))
        for name in ("time", "half_cycle", "direction")
        if name in video.coords
    }
    height, width = first.mask.shape
    for name, start, size in (("y", first.corner[0], height), ("x", first.corner[1], width)):
        step = float(np.diff(video[name].values).mean())
        coords[name] = (name, float(video[name].values[start]) + step * np.arange(size))

    def on_pixels(values: np.ndarray) -> np.ndarray:
        return np.where(first.mask, values.reshape(*values.shape[:-1], height, width), np.nan)

    return stages.new(
        "learned_particle",
        {
            "log_rate": ("y x", on_pixels(basis @ mean[: setup.layout.field])),
            "log_rate_std": ("y x", on_pixels(np.sqrt(variance))),
            "log_rate_flag": ("y x", np.where(first.mask, 0, stages.flag_bit("no_material"))),
            "log_rate_domain": ("y x", domains[0].reshape(height, width)),
            "lithium_fraction": ("time y x", on_pixels(frames[0])),
            "measured": ("time y x", on_pixels(_measured(group))),
            "residual": ("time y x", on_pixels(frames[2])),
            "voltage_volt": ("time", frames[1]),
            **({"measured_voltage_volt": ("time", _measured_volts(group))} if setup.layout.volt else {}),
        },
        coords=coords,
        attrs={"video": first.video, "particle": first.particle, "domains": domains[1]},
    )


def _domains(setup: Setup, basis: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return the number of the sharp domain of each cell, 0 around them, and how far ln k differs in each, in words."""
    first = setup.layout.field - setup.apart
    numbers = np.zeros(len(basis), int)
    told: list[str] = []
    for column in range(first, first + (setup.options.domains if setup.layout.field else 0)):
        inside = basis[:, column] > 0
        if inside.any():
            numbers[inside] = len(told) + 1
            # From its inside to its outside, which is -mean.
            step = float(basis[inside, column].max() - basis[:, column].min())
            place = setup.layout.shared + column
            value, error = step * mean[column], step * float(np.sqrt(covariance[place, place]))
            told.append(f"ln k {value:+.2f} ± {error:.2f} in a sharp domain of {int(inside.sum())} pixels")
    return numbers, told


def _measured(group: Sequence[HalfCycle]) -> np.ndarray:
    return np.concatenate([np.where(cut.weight > 0, cut.x, np.nan).reshape(len(cut.x), -1) for cut in group])


def _measured_volts(group: Sequence[HalfCycle]) -> np.ndarray:
    return np.concatenate([np.where(cut.volt_weight > 0, cut.volts, np.nan) for cut in group])


def _frames(particle: Particle, z: np.ndarray, group: Sequence[HalfCycle]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found: list[list[np.ndarray]] = [[], [], []]
    for case, place, cut in zip(particle.cases, particle.places(), group, strict=True):
        for store, values in zip(found, particle.program.seen(case, jnp.asarray(z[place])), strict=True):
            store.append(np.asarray(values)[: len(cut.seconds)])
    x, volt, residual = (np.concatenate(one) for one in found)
    return x, volt, residual / np.concatenate([cut.gain for cut in group])[:, None]
