"""Evidence from the current: whether it follows the composition at the face, or how far lithium has yet to go."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lithiscope.kinetics.regime_options import RegimeOptions
from lithiscope.kinetics.regime_pieces import BULK, OPEN, SURFACE, Copies, Piece
from lithiscope.kinetics.slab import slabs
from lithiscope.laws import ChemicalPotential, exchange_law, thermal_voltage

FloatArray = NDArray[np.float64]
_EDGE = 0.05  # closer to the ends F(x) falls to zero, where a pixel's mean says little
_FEWEST = 4
_STEADY = 0.2  # range of the overpotential over its mean that passes for a constant drive


def current_piece(
    copies: Copies, overpotential: FloatArray | None, potential: ChemicalPotential | None, options: RegimeOptions
) -> Piece:
    """Return how much of the current's course the composition at the face explains.

    j(t) over its mean is put between two predictions, w S(t) + (1 - w) B(t): S = F(x_face) 2 sinh(|eta|/2), as if only
    the reaction limited, and B, the rate of a slab that only diffusion limits, at the observed fillings. w is 1 where
    the surface reaction limits and 0 where the bulk does; where the two predictions run alike its error is large.
    B holds at a constant drive only, and S follows any current that is imposed, because then the overpotential does: so
    this decides nothing where the overpotential varied by more than a fifth of its mean.

    Parameters
    ----------
    copies : Copies
        The profile and its noise.
    overpotential : (frames - 1,) array, optional
        Of every interval, V; constant where not given. An interval with NaN takes no part.
    potential : ChemicalPotential, optional
        Adds mu(x_face)/e to the overpotential, which then is V - V0.
    options : RegimeOptions
        Law, temperature, error of the predictions.
    """
    step = np.diff(copies.folded.time)
    rate = np.diff(copies.mean, axis=1) / step
    face = (copies.u[:, 1:, 0] + copies.u[:, :-1, 0]) / 2
    x = face if copies.folded.direction > 0 else 1 - face
    used = (face[0] > _EDGE) & (face[0] < 1 - _EDGE) & (rate[0] > 0)
    if overpotential is not None:
        used &= np.isfinite(overpotential)
    meaning = f"share of the course of the current that the composition at the face explains, by the law {options.law}"
    if used.sum() < _FEWEST:
        nan = math.nan
        return Piece("current_against_surface", f"{meaning}; too few frames", nan, nan, nan, nan, 0.5, 0.5, OPEN)
    surface = _reaction(x, overpotential, potential, options)
    middle = (copies.filling[1:] + copies.filling[:-1]) / 2
    bulk = np.broadcast_to(slabs()[-1].rate(middle), surface.shape)
    share, error = _share(rate[:, used], surface[:, used], bulk[:, used], options.current_spread)
    std = math.hypot(float(np.std(share[1:])), error)
    value = float(share[0])
    probability = _above(value, 0.5, std)
    # A quarter of the way from either end: what the slab shows at a ratio of times of three.
    verdict = SURFACE if _above(value, 0.75, std) >= options.level else OPEN
    verdict = BULK if 1 - _above(value, 0.25, std) >= options.level else verdict
    if overpotential is None:
        verdict, meaning = OPEN, f"{meaning}; without the overpotential it cannot decide"
    elif np.ptp(overpotential[used]) > _STEADY * abs(float(np.mean(overpotential[used]))):
        verdict, meaning = OPEN, f"{meaning}; the overpotential followed the current, as it does in either limit"
    elif abs(value - 0.5) > 0.5 + 3 * std:
        verdict, meaning = OPEN, f"{meaning}; neither prediction fits"
    return Piece(
        "current_against_surface",
        meaning,
        value,
        std,
        value - 1.96 * std,
        value + 1.96 * std,
        0.5,
        probability,
        verdict,
    )


def reaction_decay(
    copies: Copies, overpotential: float, potential: ChemicalPotential | None, options: RegimeOptions
) -> float:
    """Return lambda tau_reaction of a particle that only its surface reaction limits, over the observed range.

    dx/dt = F(x) 2 sinh(|eta|/2) / (mean F) in units of 1/tau_reaction, and lambda as `Copies.decay` has it.

    Parameters
    ----------
    copies : Copies
        The observed profile.
    overpotential : float
        V; V - V0 with a `potential`.
    potential : ChemicalPotential, optional
        Adds mu(x)/e.
    options : RegimeOptions
        Law, temperature, end of the half cycle.
    """
    first, last = (float(np.clip(copies.mean[0, k], 0.01, 0.99)) for k in (0, -1))
    u = np.linspace(first, last, 201)
    every = np.linspace(0.0, 1.0, 1001)
    mean = float(np.trapezoid(np.asarray(exchange_law(options.law)(every), dtype=float), every))
    x = u if copies.folded.direction > 0 else 1 - u
    rate = _reaction(x, overpotential, potential, options) / mean
    return float((last - first) / np.trapezoid((options.end - u) / np.maximum(rate, 1e-6), u))


def _reaction(
    x: FloatArray,
    overpotential: FloatArray | float | None,
    potential: ChemicalPotential | None,
    options: RegimeOptions,
) -> FloatArray:
    """Return F(x) 2 sinh(|eta|/2), or F(x) alone without an overpotential."""
    inside = np.clip(x, 0.01, 0.99)
    law = np.asarray(exchange_law(options.law)(inside), dtype=float)
    if overpotential is None:
        return law
    eta = overpotential / float(thermal_voltage(options.temperature))
    eta = eta + (0.0 if potential is None else np.asarray(potential(inside), dtype=float))
    return np.asarray(law * 2 * np.abs(np.sinh(eta / 2)))


def _share(rate: FloatArray, surface: FloatArray, bulk: FloatArray, spread: float) -> tuple[FloatArray, float]:
    """Return w (copies,), and its error from predictions that are off by a relative `spread` in every interval."""
    y, s, b = (part / part.mean(axis=1, keepdims=True) for part in (rate, surface, bulk))
    apart = s - b
    size = (apart**2).sum(axis=1)
    share = ((y - b) * apart).sum(axis=1) / np.maximum(size, 1e-12)
    return share, spread / math.sqrt(max(float(size[0]), 1e-12))


def _above(value: float, limit: float, std: float) -> float:
    return 0.5 * math.erfc((limit - value) / (math.sqrt(2) * max(std, 1e-12)))
