"""From half cycles to the arrays of the program: geometry, priors of the fields, and steps of time."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lithiscope import phasefield as pf
from lithiscope.learning.half_cycles import HalfCycle
from lithiscope.learning.priors import distances, matern, modes
from lithiscope.learning.program import OUTSIDE, Case, Layout, Program
from lithiscope.learning.tangent import METHOD
from lithiscope.phasefield.arrays import Cells
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.protocol import Part
from lithiscope.phasefield.steps import Limits, Why, advance, start


class Priors(NamedTuple):
    """Gaussian processes of the fields: standard deviations, and lengths in nm.

    Attributes
    ----------
    amplitude, length : float
        Of ln k(r).
    initial_amplitude, initial_length : float
        Of the logit of the initial composition.
    """

    amplitude: float = 0.5
    length: float = 200.0
    initial_amplitude: float = 0.5
    initial_length: float = 200.0


_CONTRAST = 1.0  # standard deviation of ln k between a domain and what is around it
_WITHIN = 0.02  # of the amplitude of ln k, inside a domain; where it is more, data soon tell
# An edge that crosses a pixel leaves up to half of it on the other side: the root mean square of that share.
_CROSSED = 0.29 * _CONTRAST
_PARTICLE = 0.3  # standard deviation of ln k between particles
_LENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0)  # pixels
_LEVEL = 1.0  # standard deviation of the level of the initial logit
STEPS = 512  # places for steps of time; three times as many are made where they are needed, and so on
NEAREST = 0.01  # compositions nearer to 0 or 1 are not taken from noisy frames


def basis_of(mask: np.ndarray, spacing: tuple[float, float], amplitude: float, length: float, count: int) -> np.ndarray:
    """Return the map from z to a field on the box, shape (cells, count); 0 outside the particle."""
    basis = np.zeros((mask.size, count))
    basis[mask.ravel()] = amplitude * _kept(mask.tobytes(), mask.shape, spacing, length, count)
    return basis


@functools.lru_cache(128)  # the windows of a particle, and its half cycles, have the same
def _kept(mask: bytes, shape: tuple[int, ...], spacing: tuple[float, float], length: float, count: int) -> np.ndarray:
    inside = np.frombuffer(mask, bool).reshape(shape)
    return modes(matern(distances(positions(inside, spacing)), length), count)[0]


def positions(mask: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Return where the pixels of a particle are, nm, shape (pixels, 2)."""
    return np.asarray(np.argwhere(mask) * np.asarray(spacing))


def field_basis(
    data: HalfCycle,
    priors: Priors,
    count: int,
    domains: Float[np.ndarray, "cells domains"],
    *,
    several: bool,
) -> np.ndarray:
    """Return the map from z to ln k(r), whose mean over the particle is zero, shape (cells, count).

    Modes come first, then the pixels at the edges of domains, each on its own, then how much ln k is higher in each
    domain. Where several particles share the laws, the last column is the level of the particle. Inside domains and
    around them ln k is expected to be nearly the same everywhere but in the pixels that an edge may cross.
    """
    if count == 0:
        return np.zeros((data.mask.size, 0))
    inside = data.mask.ravel()
    amplitude = priors.amplitude * (_WITHIN if domains.any() else 1.0)
    modes = count - several - domains.shape[1]
    edge = _CROSSED * np.eye(data.mask.size)[:, edges_of(domains, data.mask, modes)]
    smooth = basis_of(data.mask, data.spacing, amplitude, priors.length, modes - edge.shape[1])
    basis = np.hstack([smooth, edge, _CONTRAST * domains])
    basis[inside] -= basis[inside].mean(0)
    return np.hstack([basis, np.where(inside, _PARTICLE, 0.0)[:, None]]) if several else basis


def edges_of(domains: Float[np.ndarray, "cells domains"], mask: np.ndarray, modes: int) -> np.ndarray:
    """Return the numbers of the cells at the edges of domains, on either side.

    None where they would leave less than half of so many modes.
    """
    from scipy.ndimage import binary_dilation

    sides = [one.reshape(mask.shape) > 0 for one in domains.T if one.any()]
    crossed = [(binary_dilation(one) & ~one) | (one & binary_dilation(mask & ~one)) for one in sides]
    found = np.flatnonzero(mask & np.any([np.zeros_like(mask), *crossed], axis=0))
    return found if 2 * len(found) <= modes else found[:0]


def denoised(data: HalfCycle, frame: int) -> np.ndarray:
    """Return the most probable map of a frame, shape (y, x): its mean plus a Gaussian process.

    The length of the process is that for which the frame is most probable: fronts are sharp, solid solutions are not.
    """
    from scipy.linalg import cho_factor, cho_solve

    cells = positions(data.mask, data.spacing)
    known = data.weight[frame][data.mask] > 0
    values, weight = data.x[frame][data.mask][known], data.weight[frame][data.mask][known]
    mean = float(np.average(values, weights=weight**2))
    variance = max(float(np.var(values) - np.mean(weight**-2.0)), 1e-4)
    apart, found = distances(cells), []
    for length in _LENGTHS:
        prior = variance * matern(apart, length * float(np.mean(data.spacing)))
        root = cho_factor(prior[np.ix_(known, known)] + np.diag(weight**-2.0), lower=True)
        solved = cho_solve(root, values - mean)
        height = -0.5 * float((values - mean) @ solved) - float(np.log(np.diag(root[0])).sum())
        found.append((height, prior[:, known] @ solved))
    smooth = np.full(data.mask.shape, mean)
    smooth[data.mask] = mean + max(found, key=lambda one: one[0])[1]
    return smooth


def case_of(
    data: HalfCycle,
    layout: Layout,
    priors: Priors,
    *,
    thickness: float,
    rate_spread: float,
    volt_drop: float,
    frames: int,
    from_frame: bool = False,
    domains: Float[np.ndarray, "cells domains"],
    several: bool = False,
) -> Case:
    """Return the arrays of a half cycle, without steps yet.

    Parameters
    ----------
    data : HalfCycle
        What was seen.
    layout : Layout
        Of z.
    priors : Priors
        Of the fields.
    thickness : float
        nm; both faces react.
    rate_spread : float
        Prior of the changes of the rate within the half cycle.
    volt_drop : float
        Prior of what its voltages are off by, V.
    frames : int
        Frames that every case has; those that are missing here get no weight.
    from_frame : bool
        Whether the initial composition lies about the first frame, denoised, instead of about its mean. A first frame
        without pixels has a mean only.
    domains : array, shape (cells, domains)
        One inside each sharp domain; columns of zeros where there are fewer.
    several : bool
        Whether other particles share the laws.
    """
    mask = data.mask
    inside = mask.astype(float)
    faces = [inside * np.roll(inside, -1, axis) for axis in (0, 1)]
    faces[0][-1], faces[1][:, -1] = 0.0, 0.0
    level = np.where(mask.ravel(), _LEVEL, 0.0)[:, None]
    initial = basis_of(mask, data.spacing, priors.initial_amplitude, priors.initial_length, layout.initial - 1)
    missing = frames - len(data.seconds)
    seconds = np.concatenate([data.seconds, data.seconds[-1] + 1.0 + np.arange(missing)])
    mean = data.mean()
    seen = from_frame and bool((data.weight[0] > 0).any())
    begin = denoised(data, 0) if seen else np.full(mask.shape, mean[0])
    begin = np.where(mask, np.clip(begin, NEAREST, 1 - NEAREST), 0.5).ravel()
    rows = ((0, missing), (0, 0))
    return Case(
        inside=jnp.asarray(np.where(mask, 1.0, OUTSIDE).ravel()),
        surface=jnp.asarray((inside * 2 / thickness).ravel()),
        faces=tuple(jnp.asarray(face.ravel()) for face in faces),
        field=jnp.asarray(field_basis(data, priors, layout.field, domains, several=several)),
        initial=jnp.asarray(np.hstack([level, initial])),
        middle=jnp.asarray(np.log(begin / (1 - begin))),
        rate=jnp.asarray((mean[-1] - mean[0]) / data.seconds[-1]),
        rate_spread=jnp.asarray(rate_spread),
        seconds=jnp.asarray(seconds),
        frame_std=jnp.asarray(np.concatenate([data.frame_std, np.zeros(missing)])),
        x=jnp.asarray(np.pad(data.x.reshape(len(data.x), -1), rows)),
        weight=jnp.asarray(np.pad(data.weight.reshape(len(data.x), -1), rows)),
        volts=jnp.asarray(np.pad(data.volts, rows[0])),
        volt_weight=jnp.asarray(np.pad(data.volt_weight, rows[0])),
        means=jnp.asarray(np.pad(data.means, rows[0])),
        mean_weight=jnp.asarray(np.pad(data.mean_weight, rows[0])),
        volt_drop=jnp.asarray(volt_drop),
        lengths=jnp.zeros(STEPS),
        first=jnp.zeros(frames, int),
    )


def recorded(program: Program, case: Case, z: Cells, *, tolerance: float) -> tuple[list[np.ndarray], bool]:
    """Return the steps between frames that the model needs at z, and whether it reached the last frame with data.

    There are none to frames after that, nor before the start.
    """
    system, x = program.start(case, z)
    # As an array, so that one program serves every tolerance.
    controller = jax.tree.map(jnp.asarray, pf.Controller(tolerance))
    limits = Limits.of(Part("rate", (0.0, 1.0), (0.0, 0.0)))
    now = start(system, controller, State(x, jnp.zeros(())), 0.0)
    found: list[np.ndarray] = []
    last = int(np.flatnonzero(np.asarray(case.told)).max(initial=0))
    for number, end in enumerate(np.asarray(case.seconds)[1:], start=1):
        if number > last or end <= 0:  # a stretch begins at 0
            found.append(np.zeros(0))
            continue
        now = advance(system, METHOD, controller, limits, now, jnp.asarray(end))
        found.append(np.asarray(now.lengths)[: int(now.accepted)])
        if Why(int(now.why)) != Why.REACHED:
            return found, False
    return found, True
