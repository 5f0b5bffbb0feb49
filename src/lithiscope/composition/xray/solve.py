"""Solving the model for one frame, in blocks of pixels so that memory stays bounded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lithiscope.composition.xray.kernels.fixed import fixed_covariance
from lithiscope.composition.xray.kernels.fraction import fraction, pooled
from lithiscope.composition.xray.kernels.weighted import Solution, solve_non_negative, solve_weighted
from lithiscope.composition.xray.model import Model
from lithiscope.composition.xray.options import UnmixOptions
from lithiscope.composition.xray.pictures import FloatArray

# Numbers and pixels in one block: at most 4 MB of float64 a temporary, less where there are few energies.
_NUMBERS, _PIXELS = 1 << 19, 1 << 14


class FrameSolution(NamedTuple):
    """The answer for one frame, flattened to N pixels; `coefficients` (P, N), `covariance` (P, P, N) or None."""

    x: FloatArray
    x_std: FloatArray
    amount: FloatArray
    amount_std: FloatArray
    coefficients: FloatArray
    covariance: FloatArray | None
    chi_square: FloatArray
    squared_residual: FloatArray
    solvable: np.ndarray


class Pull(NamedTuple):
    """How the energies act on x, summed over the material of a frame, each weighted by amount or squared."""

    weight: float
    gradient: FloatArray
    variance: FloatArray


def solve_frame(od: FloatArray, std: FloatArray | None, model: Model, options: UnmixOptions) -> FrameSolution:
    """Solve every pixel of a frame.

    Parameters
    ----------
    od : (K, N) array
        Optical density at the model's energies; NaN where there is none.
    std : (K, N) array or None
        Random standard deviation.
    model : Model
        What to solve.
    options : UnmixOptions
        Weighting and constraint.

    Returns
    -------
    FrameSolution
        NaN where a pixel has no unique solution.
    """
    size = _block_of(od.shape[0])
    parts = [
        _solve_block(od[:, s : s + size].astype(float), None if std is None else std[:, s : s + size], model, options)
        for s in range(0, od.shape[1], size)
    ]
    joined: list[Any] = [
        None if field[0] is None else np.concatenate(field, axis=-1) for field in zip(*parts, strict=True)
    ]
    return FrameSolution(*joined)


def _block_of(energies: int) -> int:
    return max(1, min(_PIXELS, _NUMBERS // energies))


def _solve_block(od: FloatArray, std: FloatArray | None, model: Model, options: UnmixOptions) -> FrameSolution:
    valid = np.isfinite(od)
    filled = np.where(valid, od, 0.0)
    variance = None if std is None else np.where(valid, np.square(std, dtype=float), 1.0)
    solution = _solution(filled, valid, variance, model, options)
    squares = np.square(filled - model.design @ np.where(solution.solvable, solution.coefficients, 0.0)) * valid
    squared = np.where(solution.solvable, squares.sum(axis=0), np.nan)
    coefficients = solve_non_negative(solution, model.bounded) if options.non_negative else solution.coefficients
    lithium, amount = model.rows @ coefficients
    spread = pooled(model.rows, solution.covariance)
    x, x_variance = fraction(lithium, amount, spread)
    if options.non_negative:  # the error bar stays that of the unconstrained fit: a bound carries no information
        free = model.rows @ solution.coefficients
        _, x_variance = fraction(free[0], free[1], spread)
    with np.errstate(invalid="ignore"):
        x_std, amount_std = np.sqrt(x_variance), np.sqrt(spread[2])
    covariance = solution.covariance if options.keep_covariance else None
    return FrameSolution(
        x, x_std, amount, amount_std, coefficients, covariance, solution.chi_square, squared, solution.solvable
    )


def _solution(
    od: FloatArray, valid: np.ndarray, variance: FloatArray | None, model: Model, options: UnmixOptions
) -> Solution:
    """Solve exactly where unknowns are as many as energies, else by weights, else equally weighted.

    Equal weights take the scatter of the residuals as the noise.
    """
    energies, unknowns = model.design.shape
    if energies == unknowns and variance is not None:
        return _exact(od, valid, variance, model)
    if options.weighting == "variance" and variance is not None:
        return solve_weighted(od, valid / variance, model.design)
    equal = solve_weighted(od, valid.astype(float), model.design)
    freedom = valid.sum(axis=0) - unknowns
    with np.errstate(invalid="ignore", divide="ignore"):
        scatter = np.where(freedom > 0, equal.chi_square / freedom, np.nan)
    if variance is None:
        return equal._replace(covariance=equal.covariance * scatter, chi_square=np.full(freedom.shape, np.nan))
    residual = (od - model.design @ np.where(equal.solvable, equal.coefficients, 0.0)) * valid
    chi_square = np.where(equal.solvable, np.sum(np.square(residual) / variance, axis=0), np.nan)
    return equal._replace(covariance=equal.covariance * scatter, chi_square=chi_square)


def _exact(od: FloatArray, valid: np.ndarray, variance: FloatArray, model: Model) -> Solution:
    solvable = valid.all(axis=0)
    lost = np.where(solvable, 1.0, np.nan)
    covariance = fixed_covariance(model.operator, variance) * lost
    return Solution(model.operator @ od * lost, covariance, 0.0 * lost, np.asarray(solvable))


def pull_of_frame(
    solved: FrameSolution, std: FloatArray | None, model: Model, options: UnmixOptions, material: np.ndarray
) -> Pull:
    """Sum, over the pixels with material, what each energy does to x.

    Parameters
    ----------
    solved : FrameSolution
        The frame's answer.
    std : (K, N) array or None
        Random standard deviation of the optical density; NaN where there is none.
    model, options : Model, UnmixOptions
        As it was solved.
    material : (N,) bool array
        Pixels that have an x.

    Returns
    -------
    Pull
        sum of amounts, sum of amount dx/dOD_k (K,), and sum of (dx/dOD_k)^2 var OD_k (K,).
    """
    energies = model.design.shape[0]
    weight, gradient, share = 0.0, np.zeros(energies), np.zeros(energies)
    where = np.flatnonzero(material)
    size = _block_of(energies)
    for start in range(0, where.size, size):
        part = where[start : start + size]
        amount = solved.amount[part]
        direction = (model.rows[0][:, None] - solved.x[part] * model.rows[1][:, None]) / amount
        block = None if std is None else std[:, part].astype(float)
        slopes = _slopes(direction, block, model, options)
        weight += float(amount.sum())
        gradient += slopes @ amount
        if block is not None:
            share += np.nansum(np.square(slopes * block), axis=1)
    return Pull(weight, gradient, share)


def _slopes(direction: FloatArray, std: FloatArray | None, model: Model, options: UnmixOptions) -> FloatArray:
    """Return dx/dOD (K, N): direction (P, N) through the solver's operator, weighted or not."""
    if options.weighting == "none" or std is None or model.design.shape[0] == model.design.shape[1]:
        return np.asarray(model.operator.T @ direction)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(np.isfinite(std), 1 / np.square(std), 0.0)
    solution = solve_weighted(np.zeros_like(weight), weight, model.design)
    return np.asarray(model.design @ np.einsum("pqn,qn->pn", solution.covariance, direction) * weight)
