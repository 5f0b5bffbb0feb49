"""Least squares with errors in all variables, correlated between points, and a scatter between groups of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Curve = Callable[[np.ndarray, np.ndarray], np.ndarray]
_STEP_X, _STEP_P = 1e-4, 1e-5
_ITERATIONS, _CONVERGED = 60, 1e-3
_LARGEST_STEP = 0.5
_FARTHEST = 3.0  # sigma


class Solution(NamedTuple):
    """A fit y = k f(x; p).

    Attributes
    ----------
    parameters, covariance : ndarray, shape (1 + p,) and (1 + p, 1 + p)
        k, then those of f.
    scatter : float
        Standard deviation of k between groups, over k.
    chi_square, log_likelihood : float
        At the best fit.
    converged : bool
        Whether the last step was small beside the errors.
    """

    parameters: Float[np.ndarray, " parameters"]
    covariance: Float[np.ndarray, "parameters parameters"]
    scatter: float
    chi_square: float
    log_likelihood: float
    converged: bool


class Problem(NamedTuple):
    """Points with noise from sources of unit variance, in groups that may differ in k.

    Attributes
    ----------
    x : ndarray, shape (inputs, points)
        What f is a function of, as measured.
    y : ndarray, shape (points,)
        As measured.
    x_noise, y_noise : ndarray, shape (inputs, points, sources) and (points, sources)
        What each source does to x and to y.
    group : ndarray of int, shape (points,)
        Number of the group of a point.
    curve : callable (x, p) -> (points,)
        f.
    """

    x: Float[np.ndarray, "inputs points"]
    y: Float[np.ndarray, " points"]
    x_noise: Float[np.ndarray, "inputs points sources"]
    y_noise: Float[np.ndarray, "points sources"]
    group: Int[np.ndarray, " points"]
    curve: Curve


def solve(
    problem: Problem, start: Float[np.ndarray, " shape"], *, scatter: float | None, huber: float | None
) -> Solution:
    """Fit k and p by iterated generalised least squares (Britt and Luecke, Technometrics 15, 233 (1973)).

    Every step linearises f at the best estimate of the true x, takes C = B B' with B = B_y - k sum f'_i B_i as the
    covariance of the residuals, and solves; the noise that explains the residuals best moves the estimate of x.

    Parameters
    ----------
    problem : Problem
        Points, noise and curve.
    start : ndarray
        First guess of p.
    scatter : float or None
        Scatter of k between groups, over k; none: it is found, by restricted maximum likelihood.
    huber : float or None
        Sigma beyond which the error of a point is enlarged so that it counts as in Huber's estimator; none: never.
    """
    x, p = problem.x.copy(), np.array(start, dtype=float)
    k = _first_guess(problem, p)
    extra, spread = np.zeros(len(problem.y)), scatter or 0.0
    farthest = _FARTHEST * np.linalg.norm(problem.x_noise, axis=-1)
    state = _linearised(problem, x, k, p)
    for iteration in range(_ITERATIONS):
        covariance = _covariance(problem, state, k, extra, spread)
        step, inverse, left = _gauss_newton(covariance, state)
        # A wrong law can swing between two answers; after a while half steps settle it.
        share = 1.0 if iteration < _ITERATIONS // 4 else 0.5
        damped = share * _damped(step, k)
        k, p = k + damped[0], p + damped[1:]
        # The noise that explains what is left moves x, but not out of reach where the law is a wrong one.
        moved = problem.x_noise @ (state.noise.T @ np.linalg.solve(covariance, left))
        x = (1 - share) * x + share * (problem.x - np.clip(moved, -farthest, farthest))
        state = _linearised(problem, x, k, p)
        if huber is not None:
            extra = _enlarged(problem, state, k, spread, huber)
        if scatter is None and iteration >= 2:
            spread = _scatter(problem, state, k, extra)
        converged = bool(np.all(np.abs(step) < _CONVERGED * np.sqrt(np.diag(inverse))))
        if converged and iteration >= 4:
            break
    covariance = _covariance(problem, state, k, extra, spread)
    _, inverse, _ = _gauss_newton(covariance, state)
    chi, log_likelihood = _likelihood(covariance, state.residual)
    return Solution(np.array([k, *p]), inverse, spread, chi, log_likelihood, converged)


class _State(NamedTuple):
    """The problem linearised at one estimate of x, k and p."""

    value: np.ndarray
    jacobian: np.ndarray
    residual: np.ndarray
    noise: np.ndarray


def _linearised(problem: Problem, x: np.ndarray, k: float, p: np.ndarray) -> _State:
    value = problem.curve(x, p)
    slope = np.stack([_slope(problem, x, p, number) for number in range(len(x))])
    columns = [value]
    for index in range(len(p)):
        step = np.zeros(len(p))
        step[index] = _STEP_P
        columns.append(k * (problem.curve(x, p + step) - problem.curve(x, p - step)) / (2 * _STEP_P))
    residual = problem.y - k * (value + np.sum(slope * (problem.x - x), axis=0))
    noise = problem.y_noise - k * np.einsum("ip,ips->ps", slope, problem.x_noise)
    return _State(value, np.stack(columns, axis=1), residual, noise)


def _slope(problem: Problem, x: np.ndarray, p: np.ndarray, number: int) -> np.ndarray:
    step = np.zeros((len(x), 1))
    step[number] = _STEP_X
    return (problem.curve(x + step, p) - problem.curve(x - step, p)) / (2 * _STEP_X)


def _covariance(problem: Problem, state: _State, k: float, extra: np.ndarray, spread: float) -> np.ndarray:
    result: np.ndarray = np.asarray(state.noise @ state.noise.T)
    result[np.diag_indices_from(result)] += extra
    if spread:
        same = problem.group[:, None] == problem.group[None, :]
        result += same * np.outer(state.value, state.value) * (k * spread) ** 2
    # Sources can be fewer than points by rounding alone; a millionth of the variance makes no difference.
    result[np.diag_indices_from(result)] *= 1 + 1e-6
    return result


def _gauss_newton(covariance: np.ndarray, state: _State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the step, the covariance of the parameters, and the residuals that the step leaves."""
    weighted = np.linalg.solve(covariance, state.jacobian)
    inverse = np.linalg.inv(state.jacobian.T @ weighted)
    step = inverse @ (weighted.T @ state.residual)
    return step, inverse, state.residual - np.asarray(state.jacobian @ step)


def _damped(step: np.ndarray, k: float) -> np.ndarray:
    """Shorten a step that changes k by more than half, or a parameter by more than half a unit."""
    size = np.abs(step) / np.array([max(abs(k), 1e-300), *np.ones(len(step) - 1)])
    return np.asarray(step * min(1.0, _LARGEST_STEP / max(float(size.max()), 1e-300)))


def _first_guess(problem: Problem, p: np.ndarray) -> float:
    value = problem.curve(problem.x, p)
    weight = 1 / np.maximum(np.sum(problem.y_noise**2, axis=1), 1e-300)
    return float(np.sum(weight * value * problem.y) / np.sum(weight * value**2))


def _likelihood(covariance: np.ndarray, residual: np.ndarray) -> tuple[float, float]:
    sign, logdet = np.linalg.slogdet(covariance)
    chi = float(np.dot(residual, np.linalg.solve(covariance, residual)))
    if sign <= 0:
        return chi, float("nan")
    return chi, float(-0.5 * (chi + logdet + len(residual) * np.log(2 * np.pi)))


def _scatter(problem: Problem, state: _State, k: float, extra: np.ndarray) -> float:
    """Return the scatter of k between groups by restricted maximum likelihood.

    The scatter adds one direction per group to the covariance, so that only small matrices depend on it.
    """
    from scipy.optimize import minimize_scalar

    groups = np.arange(problem.group.max() + 1)
    direction = (problem.group[:, None] == groups) * (k * state.value)[:, None]
    right = np.column_stack([state.jacobian, state.residual, direction])
    inner = right.T @ np.linalg.solve(_covariance(problem, state, k, extra, 0.0), right)
    own = len(state.jacobian.T) + 1
    known, cross, among = inner[:own, :own], inner[:own, own:], inner[own:, own:]

    def loss(spread: float) -> float:
        more = np.eye(len(groups)) + spread**2 * among
        quadratic = known - spread**2 * cross @ np.linalg.solve(more, cross.T)
        information, projected = quadratic[:-1, :-1], quadratic[:-1, -1]
        chi = quadratic[-1, -1] - projected @ np.linalg.solve(information, projected)
        return float(chi + np.linalg.slogdet(more)[1] + np.linalg.slogdet(information)[1])

    found = minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-4})
    return float(found.x) if found.fun < loss(0.0) else 0.0


def _enlarged(problem: Problem, state: _State, k: float, spread: float, huber: float) -> np.ndarray:
    """Return the variance to add to points far off, so that each counts with Huber's weight."""
    variance = np.diag(_covariance(problem, state, k, np.zeros(len(problem.y)), spread))
    off = np.abs(state.residual) / np.sqrt(variance)
    return np.asarray(np.where(off > huber, variance * (off / huber - 1), 0.0))
