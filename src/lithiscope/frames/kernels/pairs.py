"""One frame against another: robust Gauss-Newton on displacement, linear part, gain and offset.

The model is f(M (r - c) + c + s) = gain T(r) + offset. The template T gives the Jacobian, so it is made once (inverse
compositional Lucas-Kanade: Baker & Matthews 2004, Int. J. Comput. Vis. 56, 221). With a local gain,
alpha = G(T f) / G(T^2) in a Gaussian window G, and what alpha can follow is projected out of the Jacobian
(variable projection: Golub & Pereyra 1973, SIAM J. Numer. Anal. 10, 413). Weights are 1 / variance times Tukey's.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lithiscope.frames.kernels.pictures import EDGE, Noise, Template, box_length, local_mean, mean_square
from lithiscope.frames.kernels.splines import Box, translated, warped

TUKEY = 4.0
REACH = EDGE - 3.0
ROUNDS = 12
DONE = 0.02


class Fitting(NamedTuple):
    """How pairs are fitted; the same for all pairs of a stack.

    Parameters
    ----------
    gain_width : float or None
        Window of the local gain, pixels; None for a global gain.
    affine : bool
        Whether the linear part is fitted too.
    noise : Noise
        Of the smoothing of the templates.
    signal_pass : float
        Share of white noise that reaches the normal equations.
    """

    gain_width: float | None
    affine: bool
    noise: Noise
    signal_pass: float


class PairFit(NamedTuple):
    """Where the moving frame lies relative to the template.

    Parameters
    ----------
    shift : (axes,) array
        A point at r in the template is found at r + shift in the moving frame, pixels.
    linear : (axes, axes) array
        Linear part about the centre of the picture; identity for a translation.
    covariance : (axes, axes) array
        Of the shift, from the noise of both frames, pixels squared.
    moving_share : float
        Share of the variance that is the moving frame's.
    likeness : float
        Correlation of the details of the two, where they overlap.
    reliability : float
        The likeness that noise would leave of two pictures of the same.
    used : float
        Share of the picture that took part.
    leakage : (axes,) array
        Displacement that plain least squares still sees at the solution, pixels; NaN unless asked for.
    """

    shift: Float[np.ndarray, " axes"]
    linear: Float[np.ndarray, "axes axes"]
    covariance: Float[np.ndarray, "axes axes"]
    moving_share: float
    likeness: float
    reliability: float
    used: float
    leakage: Float[np.ndarray, " axes"]


class _Problem(NamedTuple):
    """A template and a moving frame on the pixels that they share; all flat but `value` and `power`."""

    box: Box
    centre: Float[np.ndarray, " axes"]
    value: Float[np.ndarray, "*box"]
    power: Float[np.ndarray, "*box"] | None
    detail: Float[np.ndarray, "two pixels"]
    nearest: Float[np.ndarray, " pixels"]
    motion: Float[np.ndarray, "motions pixels"]
    tone: Float[np.ndarray, "tones pixels"]
    basis: Float[np.ndarray, "basis pixels"]
    variance: Float[np.ndarray, " pixels"]
    variance_moving: Float[np.ndarray, " pixels"]
    weight: Float[np.ndarray, " pixels"]


class _State(NamedTuple):
    shift: Float[np.ndarray, " axes"]
    linear: Float[np.ndarray, "axes axes"]
    tone: Float[np.ndarray, " tones"]


class _Round(NamedTuple):
    """One evaluation: what is left, how it is weighted, and the normal equations without the template's noise."""

    seen: Float[np.ndarray, " pixels"]
    residual: Float[np.ndarray, " pixels"]
    jacobian: Float[np.ndarray, "parameters pixels"]
    weight: Float[np.ndarray, " pixels"]
    robust: Float[np.ndarray, " pixels"]
    own: Float[np.ndarray, " pixels"]
    scale: float
    matrix: Float[np.ndarray, "parameters parameters"]
    gradient: Float[np.ndarray, " parameters"]


def fit_pair(
    template: Template,
    moving: Template,
    shift: Float[np.ndarray, " axes"],
    linear: Float[np.ndarray, "axes axes"],
    fitting: Fitting,
    plain: bool = False,
) -> PairFit | None:
    """Return where the moving frame lies relative to the template, or None when the search fails.

    Parameters
    ----------
    template, moving : Template
        Of the same shape.
    shift, linear : array
        Where to start, within about two pixels.
    fitting : Fitting
        How.
    plain : bool
        Whether to work out `leakage`.
    """
    shift, linear = np.array(shift, dtype=float), np.array(linear, dtype=float)
    for _ in range(8):
        problem = _overlap(template, moving, shift, fitting)
        if problem is None:
            return None
        state = _State(shift, linear, _first_tone(problem))
        base = np.round(shift)
        for _ in range(ROUNDS):
            last = _round(problem, moving, state, fitting)
            state, size = _moved(state, last, problem)
            if size < DONE:
                return _summary(problem, state, last, fitting, template.value.size, plain)
            if np.abs(state.shift - base).max() > REACH:
                break
        else:
            return None
        shift, linear = state.shift, state.linear
    return None


def _overlap(
    template: Template, moving: Template, shift: Float[np.ndarray, " axes"], fitting: Fitting
) -> _Problem | None:
    """Return what the two frames share when the moving one lies at about `shift`; None when that is next to nothing."""
    whole = np.round(shift).astype(int).tolist()
    shape = template.value.shape
    box = tuple((max(EDGE, EDGE - k), min(n - EDGE, n - EDGE - k)) for n, k in zip(shape, whole, strict=True))
    if any(high - low < 2 for low, high in box):
        return None
    inner = tuple(slice(low, high) for low, high in box)
    moved = tuple(slice(low + k, high + k) for (low, high), k in zip(box, whole, strict=True))
    weight = template.weight[inner] * moving.weight[moved]
    value = template.value[inner]
    power = None
    if template.power is not None and fitting.gain_width is not None:
        whole_rim = _cut_rim(weight, box_length(fitting.gain_width) - 1)
        power = template.power[inner] if whole_rim else mean_square(value, fitting.gain_width)
    weight = weight.ravel()
    if np.count_nonzero(weight) < 16:
        return None
    centre = (np.array(shape) - 1) / 2
    stride = _stride(value.size)
    basis = _basis(box, centre, fitting.affine)
    gradient = template.gradient[(slice(None), *inner)].reshape(len(shape), -1)
    tone = [np.ones(value.size, dtype=np.float32), value.ravel() - value.mean()] if template.power is None else []
    return _Problem(
        box,
        centre,
        value,
        power,
        np.stack([template.detail[inner].ravel()[::stride], moving.detail[moved].ravel()[::stride]]),
        moving.value[moved].ravel(),
        gradient if len(basis) == 1 else (basis[:, None] * gradient).reshape(-1, value.size),
        np.array(tone, dtype=np.float32).reshape(-1, value.size),
        basis,
        template.variance[inner].ravel(),
        moving.variance[moved].ravel(),
        weight,
    )


def _cut_rim(weight: Float[np.ndarray, "*box"], reach: int) -> bool:
    """Take out, in place, the rim where the window of the local gain reaches beyond the box.

    Returns whether the box was thick enough for that along all axes.
    """
    thick = [length > 2 * reach + 4 for length in weight.shape]
    for axis, enough in enumerate(thick):
        if enough:
            along = np.moveaxis(weight, axis, 0)
            along[:reach] = 0
            along[-reach:] = 0
    return all(thick)


def _stride(size: int) -> int:
    """Return which share of the pixels is enough for a median or a correlation: about 8000 of them."""
    return max(size // 8192, 1)


def _basis(box: Box, centre: Float[np.ndarray, " axes"], affine: bool) -> Float[np.ndarray, "basis pixels"]:
    """Return one, and for an affine map the coordinates from the centre in units of its distance from the edge."""
    ones = np.ones((1, prod(high - low for low, high in box)), dtype=np.float32)
    if not affine:
        return ones
    axes = [(np.arange(low, high) - c) / max(c, 1.0) for (low, high), c in zip(box, centre, strict=True)]
    grid = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]
    return np.concatenate([ones, np.stack(grid).astype(np.float32)])


def _sampled(
    problem: _Problem, moving: Template, shift: Float[np.ndarray, " axes"], linear: Float[np.ndarray, "axes axes"]
) -> Float[np.ndarray, " pixels"]:
    """Return the moving frame where the model says that the pixels of the box lie."""
    if len(problem.basis) == 1:
        return translated(moving.coefficient, shift, problem.box).ravel()
    axes = [np.arange(low, high) - c for (low, high), c in zip(problem.box, problem.centre, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(len(axes), -1)
    return warped(moving.coefficient, linear @ grid + (problem.centre + shift)[:, None])


def _first_tone(problem: _Problem) -> Float[np.ndarray, " tones"]:
    """Return offset and gain by plain weighted least squares on some pixels; nothing with a local gain."""
    if problem.power is not None:
        return np.zeros(0)
    some = slice(None, None, _stride(problem.weight.size))
    tone = problem.tone[:, some]
    weighted = tone * (problem.weight / (problem.variance + problem.variance_moving))[some]
    matrix, right = weighted @ tone.T, weighted @ problem.nearest[some]
    return np.asarray(np.linalg.lstsq(matrix.astype(float), right.astype(float), rcond=None)[0])


def _round(problem: _Problem, moving: Template, state: _State, fitting: Fitting) -> _Round:
    seen = _sampled(problem, moving, state.shift, state.linear)
    residual, gain = _residual(problem, seen, state, fitting)
    square = gain * gain
    weight = problem.weight / (problem.variance_moving + square * problem.variance)
    robust, scale = _robust(residual, weight, fitting.noise.power)
    final = weight * robust
    own = final * square * problem.variance
    jacobian = np.empty((len(problem.motion) + len(problem.tone), seen.size), dtype=np.float32)
    np.multiply(problem.motion, gain, out=jacobian[: len(problem.motion)])
    jacobian[len(problem.motion) :] = problem.tone
    weighted = jacobian * final
    matrix = (weighted @ jacobian.T).astype(float)
    gradient = (weighted @ residual).astype(float)
    true = _without_noise(matrix, problem, own, fitting.noise)
    return _Round(seen, residual, jacobian, weight, robust, own, scale, true, gradient)


def _residual(
    problem: _Problem, seen: Float[np.ndarray, " pixels"], state: _State, fitting: Fitting
) -> tuple[Float[np.ndarray, " pixels"], Float[np.ndarray, "#pixels"]]:
    """Return what the model leaves, and the gain at each pixel."""
    if problem.power is None or fitting.gain_width is None:
        offset, plain = state.tone.astype(np.float32)
        return seen - plain * problem.tone[1] - offset, np.full(1, plain, dtype=np.float32)
    picture = seen.reshape(problem.value.shape)
    gain = local_mean(problem.value * picture, fitting.gain_width) / problem.power
    return (picture - gain * problem.value).ravel(), gain.ravel()


def _robust(
    residual: Float[np.ndarray, " pixels"], weight: Float[np.ndarray, " pixels"], power: float
) -> tuple[Float[np.ndarray, " pixels"], float]:
    """Return Tukey's weights, and the robust scale of the residuals over that of the noise."""
    scaled = residual * np.sqrt(weight)
    step = _stride(residual.size)
    sample = np.abs(scaled[::step][weight[::step] > 0])
    expected = float(np.sqrt(power))
    middle = sample.size // 2
    scale = max(1.4826 * float(np.partition(sample, middle)[middle]) if sample.size else 0.0, 0.8 * expected)
    scaled *= np.float32(1 / (TUKEY * scale))
    np.multiply(scaled, scaled, out=scaled)
    np.subtract(1, scaled, out=scaled)
    np.maximum(scaled, 0, out=scaled)
    scaled *= scaled
    return scaled, scale / expected


def _without_noise(
    matrix: Float[np.ndarray, "parameters parameters"],
    problem: _Problem,
    own: Float[np.ndarray, " pixels"],
    noise: Noise,
) -> Float[np.ndarray, "parameters parameters"]:
    """Return the normal matrix without what the noise of the template adds to it.

    With the noise in it every step would be too short, and the inverse too small a covariance.
    """
    axes, motions = len(problem.box), len(problem.motion)
    false = np.zeros_like(matrix)
    moments = (problem.basis * own) @ problem.basis.T if len(problem.basis) > 1 else own.sum(keepdims=True)
    for axis in range(axes):
        false[axis:motions:axes, axis:motions:axes] = moments * noise.slope
    diagonal = np.diag(matrix)
    # Never more than nine tenths: where there is only noise, a short step is better than a wild one.
    most = float(np.max(np.diag(false) / (0.9 * diagonal + 1e-300)))
    true = matrix - false / max(most, 1.0)
    true.flat[:: len(true) + 1] += 1e-9 * diagonal + 1e-300
    return true


def _moved(state: _State, last: _Round, problem: _Problem) -> tuple[_State, float]:
    """Return the state after a Gauss-Newton step, and by how much a point moved at most, pixels."""
    axes = len(problem.box)
    step = _newton(last.robust) * np.linalg.solve(last.matrix, last.gradient)
    motion = step[: len(problem.motion)].reshape(-1, axes)
    size = float(np.abs(motion).max())
    motion = motion / max(size, 1.0)
    linear = state.linear
    if len(motion) > 1:
        linear = linear @ (np.eye(axes) - motion[1:].T / np.maximum(problem.centre, 1.0))
    shift = state.shift - state.linear @ motion[0]
    return _State(shift, linear, state.tone + step[len(problem.motion) :]), size


def _newton(robust: Float[np.ndarray, " pixels"]) -> float:
    """Return Newton's step over the reweighted one: the sum of Tukey's weights over that of his psi'."""
    root = np.sqrt(robust[:: _stride(robust.size)])
    slope = float(np.sum(root * (5 * root - 4)))
    return float(np.clip(np.sum(root * root) / max(slope, 1e-300), 1.0, 1.4))


def _summary(problem: _Problem, state: _State, last: _Round, fitting: Fitting, size: int, plain: bool) -> PairFit:
    """Return the fit; its covariance is that of residuals coloured by smoothing, seen by a gradient with noise."""
    axes = len(problem.box)
    own, other = float(last.own.sum()), float((last.weight * last.robust) @ problem.variance_moving)
    matrix = last.matrix.copy()
    if problem.power is None:
        # The template's own noise has pulled the fitted gain towards zero, and with it the size of the Jacobian.
        matrix[:-1, :-1] /= _attenuation(last, float(state.tone[1]), fitting.noise) ** 2
    spread = fitting.signal_pass * max(last.scale, 1.0) ** 2
    covariance = spread * np.linalg.inv(matrix)[:axes, :axes]
    inside = problem.weight > 0
    likeness, reliability = _likeness(problem, last, fitting.noise)
    return PairFit(
        shift=state.shift,
        linear=state.linear,
        covariance=covariance,
        moving_share=other / (other + own + 1e-300),
        likeness=likeness,
        reliability=reliability,
        used=float(np.sum(last.robust * inside)) / size,
        leakage=_plain_motion(problem, last, fitting.noise) if plain else np.full(axes, np.nan),
    )


def _plain_motion(problem: _Problem, last: _Round, noise: Noise) -> Float[np.ndarray, " axes"]:
    """Return the displacement that least squares without robust weights still sees, pixels."""
    weighted = last.jacobian * last.weight
    own = last.own / np.maximum(last.robust, 1e-6)
    matrix = _without_noise((weighted @ last.jacobian.T).astype(float), problem, own, noise)
    return np.asarray(-np.linalg.solve(matrix, (weighted @ last.residual).astype(float))[: len(problem.box)])


def leakage(template: Template, moving: Template, fitting: Fitting) -> Float[np.ndarray, " axes"]:
    """Return the regression of the difference of two frames on the gradient of the first, pixels."""
    still, eye = np.zeros(template.value.ndim), np.eye(template.value.ndim)
    problem = _overlap(template, moving, still, fitting)
    if problem is None:
        return np.full(still.shape, np.nan)
    state = _State(still, eye, _first_tone(problem))
    return _plain_motion(problem, _round(problem, moving, state, fitting), fitting.noise)


def _attenuation(last: _Round, gain: float, noise: Noise) -> float:
    """Return by what factor noise in the template lowers a fitted gain: signal over signal and noise."""
    share = noise.power * float(last.own.sum()) / (gain**2 * float(last.matrix[-1, -1]) + 1e-300)
    return float(np.clip(1 - share, 0.1, 1.0))


def _likeness(problem: _Problem, last: _Round, noise: Noise) -> tuple[float, float]:
    """Return the weighted correlation of the details of both frames, and what noise leaves of one."""
    some = slice(None, None, _stride(last.weight.size))
    weight = last.weight[some] * last.robust[some]
    weight = weight / (float(weight.sum()) + 1e-300)
    one, two = (detail - float(weight @ detail) for detail in problem.detail)
    squares = np.array([float(weight @ (detail * detail)) for detail in (one, two)]) + 1e-300
    variances = np.array([float(weight @ v[some]) for v in (problem.variance, problem.variance_moving)])
    real = np.clip(1 - noise.power * variances / squares, 0.05, 1.0)
    return float(weight @ (one * two)) / float(np.sqrt(squares.prod())), float(np.sqrt(real.prod()))
