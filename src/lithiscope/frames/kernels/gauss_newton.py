"""One round of robust Gauss-Newton on displacement, linear part, gain and offset of many pairs at once.

The model is f(M (r - c) + c + s) = gain T(r) + offset. The template T gives the Jacobian, so it is made once (inverse
compositional Lucas-Kanade: Baker & Matthews 2004, Int. J. Comput. Vis. 56, 221). With a local gain,
alpha = G(T f) / G(T^2) in a Gaussian window G, and what alpha can follow is projected out of the Jacobian
(variable projection: Golub & Pereyra 1973, SIAM J. Numer. Anal. 10, 413). Weights are 1 / variance times Tukey's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lithiscope.frames.kernels.overlap import Fitting, Problem, stride
from lithiscope.frames.kernels.pictures import inner_mean
from lithiscope.frames.kernels.splines import translated_windows, warped
from lithiscope.frames.kernels.templates import Noise, Plane

TUKEY = 4.0


class State(NamedTuple):
    """Where the moving frames lie, and with a global gain offset and gain."""

    shift: Float[np.ndarray, "pairs axes"]
    linear: Float[np.ndarray, "pairs axes axes"]
    tone: Float[np.ndarray, "pairs tones"]


class Round(NamedTuple):
    """What a state leaves, and how it is weighted.

    Parameters
    ----------
    shift : (pairs, axes) array
        Where the moving frames were taken.
    residual, gain, weight : (pairs, pixels) array
        The gain may have one pixel; the weight is 1 / variance.
    root : (pairs, pixels) array
        Square root of Tukey's weights.
    scale : (pairs,) array
        Robust scale of the residuals over that of the noise; with a global gain, where the picture tells of motion.
    own : (pairs,) array
        Sum of the weights times the template's share of the variance.
    matrix, gradient : (pairs, parameters, parameters) and (pairs, parameters) array
        The normal equations.
    """

    shift: Float[np.ndarray, "pairs axes"]
    residual: Float[np.ndarray, "pairs pixels"]
    gain: Float[np.ndarray, "pairs ..."]
    weight: Float[np.ndarray, "pairs pixels"]
    root: Float[np.ndarray, "pairs pixels"]
    scale: Float[np.ndarray, " pairs"]
    own: Float[np.ndarray, " pairs"]
    matrix: Float[np.ndarray, "pairs parameters parameters"]
    gradient: Float[np.ndarray, "pairs parameters"]


def first_tone(problem: Problem) -> Float[np.ndarray, "pairs tones"]:
    """Return offset and gain by plain weighted least squares on some pixels; nothing with a local gain."""
    if problem.power is not None:
        return np.zeros((len(problem.base), 0))
    some = slice(None, None, stride(problem.weight.shape[1]))
    variance = problem.still[:, Plane.VARIANCE, some] + problem.moved[:, Plane.VARIANCE, some]
    tone = problem.design[:, -2:, some]
    weighted = tone * (problem.weight[:, some] / variance)[:, None]
    matrix = (weighted @ np.swapaxes(tone, 1, 2)).astype(float)
    right = (weighted @ problem.moved[:, Plane.VALUE, some, None]).astype(float)
    return np.asarray((np.linalg.pinv(matrix, hermitian=True) @ right)[..., 0])


def evaluate(problem: Problem, state: State, fitting: Fitting) -> Round:
    """Return the residuals at a state, their weights, and the normal equations."""
    residual, gain = _residual(problem, state, fitting)
    variance = gain * gain * problem.still[:, Plane.VARIANCE]
    variance += problem.moved[:, Plane.VARIANCE]
    weight = np.divide(problem.weight, variance, out=variance)
    root, scale = _robust(problem, residual, weight, fitting.noise.power)
    matrix, gradient, own = normal_equations(problem, residual, gain, weight * root * root, fitting.noise)
    return Round(state.shift, residual, gain, weight, root, scale, own, matrix, gradient)


def _residual(
    problem: Problem, state: State, fitting: Fitting
) -> tuple[Float[np.ndarray, "pairs pixels"], Float[np.ndarray, "pairs ..."]]:
    """Return what the model leaves, and the gain at each pixel."""
    picture = _sampled(problem, state)
    if problem.power is None or fitting.gain_width is None:
        offset, plain = state.tone.astype(np.float32).T[..., None]
        return picture.reshape(len(picture), -1) - plain * problem.design[:, -1] - offset, plain
    gain = inner_mean(problem.value * picture, fitting.gain_width)
    gain /= problem.power
    reach = (picture.shape[1] - gain.shape[1]) // 2
    gain = gain.reshape(len(gain), -1)
    inner = picture[:, *[slice(reach, -reach)] * (picture.ndim - 1)].reshape(gain.shape)
    return inner - gain * problem.still[:, Plane.VALUE], gain


def _sampled(problem: Problem, state: State) -> Float[np.ndarray, "pairs ..."]:
    """Return the moving frames where the model says that the pixels of the box lie."""
    box, centre = problem.area.box, problem.area.centre
    if len(problem.area.basis) == 1:
        return translated_windows(problem.coefficient, state.shift - problem.base)
    axes = [np.arange(low, high) - c for (low, high), c in zip(box, centre, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(len(axes), -1)
    at = state.linear @ grid + (centre + state.shift)[..., None]
    found = [warped(*both) for both in zip(problem.coefficient, at, strict=True)]
    return np.stack(found).reshape(problem.value.shape)


def _robust(
    problem: Problem,
    residual: Float[np.ndarray, "pairs pixels"],
    weight: Float[np.ndarray, "pairs pixels"],
    power: float,
) -> tuple[Float[np.ndarray, "pairs pixels"], Float[np.ndarray, " pairs"]]:
    """Return the root of Tukey's weights, and the robust scale of the residuals over that of the noise."""
    square = residual * residual
    square *= weight
    some = slice(None, None, stride(square.shape[1]))
    if problem.power is None:
        axes = len(problem.area.box)
        # The offset and gain of the whole leave a local change of contrast where the picture has detail. A median over
        # an empty background would not see it: the detail would be cut where it fits ill, and the error be too small.
        told = np.sum(np.square(problem.design[:, :axes, some]), axis=1) * weight[:, some]
        median = weighted_median(square[:, some], told)
    else:
        # Pixels without weight come first.
        ranked = np.sort(square[:, some], axis=1)
        middle = ranked.shape[1] - problem.sampled + problem.sampled // 2
        median = ranked[np.arange(len(ranked)), np.minimum(middle, ranked.shape[1] - 1)]
    # The median of a normal number's magnitude is 1 / 1.4826 standard deviations.
    limit = np.maximum(1.4826**2 * median.astype(float), 0.8**2 * power)
    square *= (-1 / (TUKEY**2 * limit)).astype(np.float32)[:, None]
    square += 1
    return np.maximum(square, 0, out=square), np.sqrt(limit / power)


def weighted_median(
    values: Float[np.ndarray, "pairs pixels"], weights: Float[np.ndarray, "pairs pixels"]
) -> Float[np.ndarray, " pairs"]:
    """Return the least value of each row up to which half of the row's weight is found.

    Examples
    --------
    >>> weighted_median(np.array([[4.0, 1.0, 2.0, 3.0]]), np.array([[5.0, 1.0, 1.0, 1.0]]))
    array([4.])
    """
    order = np.argsort(values, axis=1)
    total = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1, dtype=float)
    place = np.count_nonzero(total < 0.5 * total[:, -1:], axis=1)
    return np.asarray(np.take_along_axis(values, np.take_along_axis(order, place[:, None], axis=1), axis=1)[:, 0])


def normal_equations(
    problem: Problem,
    residual: Float[np.ndarray, "pairs pixels"],
    gain: Float[np.ndarray, "pairs ..."],
    weight: Float[np.ndarray, "pairs pixels"],
    noise: Noise,
) -> tuple[
    Float[np.ndarray, "pairs parameters parameters"], Float[np.ndarray, "pairs parameters"], Float[np.ndarray, " pairs"]
]:
    """Return the normal matrix without the template's noise, the right-hand side, and `own` of `Round`."""
    lever = weight * gain
    gradient = np.vecdot(problem.design, (lever * residual)[:, None]).astype(float)
    lever *= gain
    matrix = np.vecdot((problem.design * lever[:, None])[:, :, None], problem.design[:, None]).astype(float)
    lever *= problem.still[:, Plane.VARIANCE]
    count = len(problem.area.basis)
    moments = (lever @ problem.area.squares.T).astype(float).reshape(-1, count, count)
    return _without_noise(matrix, moments, len(problem.area.box), noise), gradient, moments[:, 0, 0]


def _without_noise(
    matrix: Float[np.ndarray, "pairs parameters parameters"],
    moments: Float[np.ndarray, "pairs basis basis"],
    axes: int,
    noise: Noise,
) -> Float[np.ndarray, "pairs parameters parameters"]:
    """Return the normal matrix without what the noise of the template adds to it.

    With the noise in it every step would be too short, and the inverse too small a covariance.
    """
    false = np.zeros_like(matrix)
    motions = axes * moments.shape[1]
    for axis in range(axes):
        false[:, axis:motions:axes, axis:motions:axes] = moments * noise.slope
    diagonal = np.diagonal(matrix, axis1=1, axis2=2)
    # Never more than nine tenths: where there is only noise, a short step is better than a wild one.
    most = np.max(np.diagonal(false, axis1=1, axis2=2) / (0.9 * diagonal + 1e-300), axis=1)
    ridge = (1e-9 * diagonal + 1e-300)[..., None] * np.eye(matrix.shape[1])
    return np.asarray(matrix - false / np.maximum(most, 1.0)[:, None, None] + ridge)


def moved(problem: Problem, state: State, last: Round) -> tuple[State, Float[np.ndarray, " pairs"]]:
    """Return the state after a Gauss-Newton step, and by how much a point moved at most, pixels."""
    pairs, axes = state.shift.shape
    step = _newton(last.root, problem.sampled)[:, None] * np.linalg.solve(last.matrix, last.gradient[..., None])[..., 0]
    motions = axes * len(problem.area.basis)
    motion = step[:, :motions].reshape(pairs, -1, axes)
    size = np.abs(motion).max(axis=(1, 2))
    motion = motion / np.maximum(size, 1.0)[:, None, None]
    shift = state.shift - (state.linear @ motion[:, 0, :, None])[..., 0]
    linear = state.linear
    if motion.shape[1] > 1:
        linear = linear @ (np.eye(axes) - np.swapaxes(motion[:, 1:], 1, 2) / np.maximum(problem.area.centre, 1.0))
    # The design is that of gain 1; the gain is the last tone.
    return State(shift, linear, state.tone + state.tone[:, -1:] * step[:, motions:]), size


def _newton(root: Float[np.ndarray, "pairs pixels"], sampled: Int[np.ndarray, " pairs"]) -> Float[np.ndarray, " pairs"]:
    """Return Newton's step over the reweighted one: the sum of Tukey's weights over that of his psi'."""
    some = root[:, :: stride(root.shape[1])]
    # Pixels without weight have a root of one; they do not count.
    outside = some.shape[1] - sampled
    square = np.vecdot(some, some).astype(float) - outside
    slope = 5 * square - 4 * (some.sum(axis=1, dtype=float) - outside)
    return np.asarray(np.clip(square / np.maximum(slope, 1e-300), 1.0, 1.4))
