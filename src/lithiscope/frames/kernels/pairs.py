"""Frames against other frames, many pairs at once: the search, and what it says about each pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lithiscope.frames.kernels.gauss_newton import Round, State, evaluate, first_tone, moved, normal_equations
from lithiscope.frames.kernels.overlap import Fitting, Problem, overlap, some_of, stride
from lithiscope.frames.kernels.templates import EDGE, Noise, Plane, Template

REACH = EDGE - 3.0
ROUNDS = 12
DONE = 0.02


class PairFits(NamedTuple):
    """Where moving frames lie relative to templates; NaN where the search has failed.

    Parameters
    ----------
    shift : (pairs, axes) array
        A point at r in the template is found at r + shift in the moving frame, pixels.
    linear : (pairs, axes, axes) array
        Linear part about the centre of the picture; identity for a translation.
    variance : (pairs, axes) array
        Of the shift, from the noise of both frames, pixels squared.
    linear_variance : (pairs, axes, axes) array
        Of the linear part, likewise; zero for a translation.
    trust : (pairs,) array
        One over the square of what a global gain leaves in terms of the noise, where that is more than the noise; with
        a local gain, one.
    moving_share : (pairs,) array
        Share of the variance that is the moving frame's.
    likeness : (pairs,) array
        Correlation of the details of the two, where they overlap.
    reliability : (pairs,) array
        The likeness that noise would leave of two pictures of the same.
    used : (pairs,) array
        Share of the picture that took part.
    leakage : (pairs, axes) array
        Displacement that plain least squares still sees at the solution, pixels; NaN unless asked for.
    """

    shift: Float[np.ndarray, "pairs axes"]
    linear: Float[np.ndarray, "pairs axes axes"]
    variance: Float[np.ndarray, "pairs axes"]
    linear_variance: Float[np.ndarray, "pairs axes axes"]
    trust: Float[np.ndarray, " pairs"]
    moving_share: Float[np.ndarray, " pairs"]
    likeness: Float[np.ndarray, " pairs"]
    reliability: Float[np.ndarray, " pairs"]
    used: Float[np.ndarray, " pairs"]
    leakage: Float[np.ndarray, "pairs axes"]


def no_fits(pairs: int, axes: int) -> PairFits:
    """Return the fits of pairs whose search has failed."""
    shapes = ((axes,), (axes, axes), (axes,), (axes, axes), (), (), (), (), (), (axes,))
    return PairFits(*(np.full((pairs, *shape), np.nan) for shape in shapes))


def fit_pairs(
    template: list[Template],
    moving: list[Template],
    shift: Float[np.ndarray, "pairs axes"],
    linear: Float[np.ndarray, "pairs axes axes"],
    fitting: Fitting,
    *,
    plain: bool = False,
) -> PairFits:
    """Return where each moving frame lies relative to its template.

    Parameters
    ----------
    template, moving : list of Template
        One of each for a pair, all of the same shape.
    shift, linear : array
        Where to start, within about two pixels.
    fitting : Fitting
        How.
    plain : bool
        Whether to work out `leakage`.
    """
    found = no_fits(*shift.shape)
    start = State(np.array(shift, dtype=float), np.array(linear, dtype=float), np.empty((len(shift), 0)))
    left = np.arange(len(shift))
    for _ in range(8):
        problem, kept = overlap([template[k] for k in left], [moving[k] for k in left], start.shift[left], fitting)
        if problem is None:
            break
        left = _search(problem, left[kept], start, found, fitting, plain)
        if not left.size:
            break
    return found


def _search(
    problem: Problem, left: Int[np.ndarray, " left"], start: State, found: PairFits, fitting: Fitting, plain: bool
) -> Int[np.ndarray, " away"]:
    """Write into `found` the pairs that come to rest, and into `start` those that leave the box; return the latter."""
    part, state, at = problem, State(start.shift[left], start.linear[left], first_tone(problem)), np.arange(left.size)
    done, away = np.zeros((2, left.size), dtype=bool)
    for _ in range(ROUNDS):
        now = evaluate(part, state, fitting)
        state, step = moved(part, state, now)
        if at.size == left.size:
            last, end = now, state
        else:
            for array, values in zip((*last, *end), (*now, *state), strict=True):
                array[at] = values
        done[at] = step < DONE
        away[at] = ~done[at] & (np.abs(state.shift - part.base).max(axis=1) > REACH)
        on = ~(done | away)[at]
        if not on.any():
            break
        part, state, at = some_of(part, on), some_of(state, on), at[on]
    for array, values in zip(found, _summary(problem, end, last, fitting, plain), strict=True):
        array[left[done]] = values[done]
    for array, values in zip(start[:2], end[:2], strict=True):
        array[left[away]] = values[away]
    return left[away]


def _summary(problem: Problem, state: State, last: Round, fitting: Fitting, plain: bool) -> PairFits:
    """Return the fits; their covariance is that of residuals coloured by smoothing, seen by a gradient with noise."""
    robust = last.root * last.root
    other = np.vecdot(last.weight * robust, problem.moved[:, Plane.VARIANCE]).astype(float)
    matrix = last.matrix.copy()
    if problem.power is None:
        # The template's own noise has pulled the fitted gain towards zero, and with it the size of the Jacobian.
        share = fitting.noise.power * last.own / (matrix[:, -1, -1] + 1e-300)
        matrix[:, :-1, :-1] /= np.clip(1 - share, 0.1, 1.0)[:, None, None] ** 2
    spread = fitting.signal_pass * np.maximum(last.scale, 1.0) ** 2
    likeness, reliability = _likeness(problem, last.weight * robust, fitting.noise)
    none = np.full(state.shift.shape, np.nan)
    variance, linear_variance = _variances(problem, matrix, spread)
    return PairFits(
        shift=state.shift,
        linear=state.linear,
        variance=variance,
        linear_variance=linear_variance,
        trust=np.maximum(last.scale, 1.0) ** -2.0 if problem.power is None else np.ones(len(matrix)),
        moving_share=other / (other + last.own + 1e-300),
        likeness=likeness,
        reliability=reliability,
        used=np.sum(robust, axis=1, where=problem.weight > 0) / np.prod(2 * problem.area.centre + 1),
        leakage=last.shift - state.shift + _plain_motion(problem, last, fitting.noise) if plain else none,
    )


def _variances(
    problem: Problem, matrix: Float[np.ndarray, "pairs parameters parameters"], spread: Float[np.ndarray, " pairs"]
) -> tuple[Float[np.ndarray, "pairs axes"], Float[np.ndarray, "pairs axes axes"]]:
    """Return the variances of shift and linear part: the diagonal of the inverse normal matrix, in their units."""
    axes, count = len(problem.area.box), len(problem.area.basis)
    diagonal = spread[:, None] * np.diagonal(np.linalg.inv(matrix), axis1=1, axis2=2)[:, : axes * count]
    motion = diagonal.reshape(len(matrix), count, axes)
    if count == 1:
        return motion[:, 0], np.zeros((len(matrix), axes, axes))
    # The basis is in units of the distance of the edge from the centre; its axis is the last of the linear part.
    return motion[:, 0], np.swapaxes(motion[:, 1:], 1, 2) / np.maximum(problem.area.centre, 1.0) ** 2


def _plain_motion(problem: Problem, last: Round, noise: Noise) -> Float[np.ndarray, "pairs axes"]:
    """Return the displacements that least squares without robust weights still sees, pixels."""
    matrix, gradient, _ = normal_equations(problem, last.residual, last.gain, last.weight, noise)
    return np.asarray(-np.linalg.solve(matrix, gradient[..., None])[:, : problem.base.shape[1], 0])


def leakage(template: Template, moving: Template, fitting: Fitting) -> Float[np.ndarray, " axes"]:
    """Return the regression of the difference of two frames on the gradient of the first, pixels."""
    axes = template.coefficient.ndim
    problem, kept = overlap([template], [moving], np.zeros((1, axes)), fitting)
    if problem is None or not kept.size:
        return np.full(axes, np.nan)
    state = State(np.zeros((1, axes)), np.eye(axes)[None], first_tone(problem))
    return np.asarray(_plain_motion(problem, evaluate(problem, state, fitting), fitting.noise)[0])


def _likeness(
    problem: Problem, weight: Float[np.ndarray, "pairs pixels"], noise: Noise
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """Return the weighted correlations of the details of both frames, and what noise leaves of one."""
    some = slice(None, None, stride(weight.shape[1]))
    weight = weight[:, some]
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), np.float32(1e-30))
    details, real = [], []
    for planes in (problem.still, problem.moved):
        detail = planes[:, Plane.DETAIL, some]
        detail = detail - np.vecdot(weight, detail)[:, None]
        power = np.vecdot(weight, detail * detail) + np.float32(1e-30)
        details.append(detail / np.sqrt(power)[:, None])
        variance = np.vecdot(weight, planes[:, Plane.VARIANCE, some])
        real.append(np.clip(1 - noise.power * (variance / power).astype(float), 0.05, 1.0))
    return np.vecdot(weight, details[0] * details[1]).astype(float), np.sqrt(real[0] * real[1])
