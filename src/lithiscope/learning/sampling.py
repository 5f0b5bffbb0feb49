"""Draws from the posterior of laws and fields, to see what Laplace's approximation is worth."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.learning.cases import Priors
from lithiscope.learning.chains import r_hat, sample_size, tail_size
from lithiscope.learning.diary import Diary
from lithiscope.learning.fit import Fit, Mapper, cost_of, tasks_of, with_steps
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.inference import fitted
from lithiscope.learning.nuts import Chain, Density, Drawn, begun, drawn
from lithiscope.learning.options import LearnOptions
from lithiscope.learning.reduced import Reduced, evened, reduced
from lithiscope.learning.setup import Setup, setup_of
from lithiscope.learning.summary import Summary, tree_of
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

_ROUND = 20  # draws after which progress is told
_FEWEST = 4  # draws of a chain, of which R-hat can be taken
_TRIES = 10  # halvings of a start at which the model fails
_CHECKED = 8  # draws at which the held steps of time are checked


def sample(
    videos: Sequence[xr.Dataset] | xr.Dataset,
    options: LearnOptions = LearnOptions(),  # noqa: B008 (frozen)
    *,
    draws: int = 500,
    warm_up: int = 200,
    chains: int = 4,
    seed: int = 0,
    particles: Sequence[int] | None = None,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> xr.DataTree:
    """Learn the kinetics of particles, and draw from the posterior to see how right Laplace's approximation of it is.

    The numbers that are drawn are those of `learn`: laws, rates and initial compositions, with the amplitudes of the
    fields held at those of the fit. It takes tens of gradients for each draw: minutes to hours.

    Parameters
    ----------
    videos : sequence of composition_video
        As for `learn`.
    options : LearnOptions
        What is learned and what is known.
    draws, warm_up, chains : int
        Draws of each chain that are kept, draws before them that adapt the steps, and how many chains there are.
    seed : int
        Of the random numbers: the same seed gives the same draws.
    particles : sequence of int, optional
        Labels to use.
    mapper : callable
        `map`, or one of processes: chains are worked on side by side.
    reporter : Reporter
        Told of each step.
    diary : Diary, optional
        Of the fit, as for `learn`; draws of a run that was killed are made again.

    Returns
    -------
    xarray.DataTree
        ``/laws`` (stage sampled_laws) and ``/particle/<video>_<label>`` (stage sampled_particle).

    Raises
    ------
    AnalysisError, OptionError
        If the videos lack something, the model cannot follow them, or there is too little or too much to draw.
    """
    import xarray as xr

    given = [videos] if isinstance(videos, xr.Dataset) else list(videos)
    setup = setup_of(given, half_cycles(given, particles=particles), options)
    fit, priors = fitted(setup, mapper=mapper, reporter=reporter, diary=diary)
    tree = sampled(
        fit, setup, priors, draws=draws, warm_up=warm_up, chains=chains, seed=seed, mapper=mapper, reporter=reporter
    )
    for one in tree["/laws"].attrs["warnings"]:
        warnings.warn(one, LithiscopeWarning, stacklevel=2)
    return tree


def sampled(
    fit: Fit,
    setup: Setup,
    priors: Priors,
    *,
    draws: int = 500,
    warm_up: int = 200,
    chains: int = 4,
    seed: int = 0,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> xr.DataTree:
    """Return draws from the posterior about a fit, as `sample` does.

    Parameters
    ----------
    fit, setup, priors : Fit, Setup, Priors
        From `fitted`.
    draws, warm_up, chains, seed, mapper, reporter
        As for `sample`.

    Raises
    ------
    OptionError
        If there are too few draws or chains, or too many numbers.
    """
    density = evened(reduced(fit), np.random.default_rng([seed, chains]), mapper)
    found = run(
        density,
        density.ways.shape[1],
        draws=draws,
        warm_up=warm_up,
        chains=chains,
        seed=seed,
        mapper=mapper,
        reporter=reporter,
    )
    # Directions that the data leave open are normal, and independent of the others.
    rest = np.random.default_rng([seed, chains, 1]).standard_normal((*found.z.shape[:2], density.rest.shape[1]))
    whole = density.centre + found.z @ density.ways.T + rest @ density.rest.T
    names = [name for one in setup.unknowns for name in one.names]
    numbers = [(name, whole[:, :, number]) for number, name in enumerate(names)]
    numbers += [(f"direction {number + 1}", found.z[:, :, number]) for number in range(found.z.shape[2])]
    summary = Summary(
        whole,
        names=tuple(name for name, _ in numbers),
        r_hat=np.array([r_hat(values) for _, values in numbers]),
        sample_size=np.array([min(sample_size(values), tail_size(values)) for _, values in numbers]),
        divergences=int(found.diverged.sum()),
        acceptance=float(found.accepted.mean()),
        gradients=found.gradients,
        directions=found.z.shape[2],
        step_error=_step_error(density, found.z),
        seed=seed,
    )
    return tree_of(summary, fit, setup, priors)


class Chains(NamedTuple):
    """What several chains have drawn.

    Attributes
    ----------
    z : array, shape (chain, draw, numbers)
        The draws.
    accepted, diverged : array, shape (chain, draw)
        Mean acceptance in the trajectory of each draw, and whether it met a place that the steps cannot follow.
    gradients : int
        How often the density was asked for, warm-up included.
    """

    z: Float[np.ndarray, "chain draw numbers"]
    accepted: Float[np.ndarray, "chain draw"]
    diverged: np.ndarray
    gradients: int


def run(
    density: Density,
    size: int,
    *,
    draws: int,
    warm_up: int,
    chains: int,
    seed: int,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> Chains:
    """Return draws from a density of numbers of about zero mean and unit variance, by several chains.

    Each chain starts at random, and has random numbers of its own, so that the draws are the same whatever the mapper.

    Parameters
    ----------
    density : callable
        Minus its logarithm, and the gradient.
    size : int
        How many numbers.
    draws, warm_up, chains, seed, mapper, reporter
        As for `sample`.

    Raises
    ------
    OptionError
        If there are too few draws or chains.
    """
    for field, value, least in (("draws", draws, _FEWEST), ("chains", chains, 1), ("warm_up", warm_up, 1)):
        if value < least:
            raise OptionError("that is too little to sample", field=field, value=value, limit=f"{least} or more")
    seeds = np.random.SeedSequence(seed).spawn(chains)
    states = list(mapper(_start, [(density, size, one) for one in seeds]))
    parts: list[list[Drawn]] = []
    counts = [(count, True) for count in _rounds(warm_up)] + [(count, False) for count in _rounds(draws)]
    gradients = 0
    for count, adapt in reporter.track(counts, label="sampling", total=len(counts)):
        done = list(mapper(_go_on, [_Work(density, state, count, adapt) for state in states]))
        states, new = [state for state, _ in done], [one for _, one in done]
        gradients += sum(one.gradients for one in new)
        parts += [] if adapt else [new]
        reporter.say(_progress(states, new, adapt))
    z, accepted, diverged = (
        np.stack([np.concatenate([part[chain][which] for part in parts]) for chain in range(chains)])
        for which in range(3)
    )
    return Chains(z, accepted, diverged, gradients)


@dataclass(frozen=True)
class _Work:
    """What a process is asked for."""

    density: Density
    chain: Chain
    count: int
    adapt: bool


def _go_on(work: _Work) -> tuple[Chain, Drawn]:
    return drawn(work.density, work.chain, work.count, adapt=work.adapt)


def _start(given: tuple[Density, int, np.random.SeedSequence]) -> Chain:
    """Return a chain at a draw of the normal approximation, nearer to its centre where the model fails there."""
    density, size, seed = given
    random = np.random.default_rng(seed)
    begin = random.standard_normal(size)
    for _ in range(_TRIES):
        if np.isfinite(density(begin)[0]):
            break
        begin = begin / 2
    return begun(density, begin, random)


def _rounds(count: int) -> Iterator[int]:
    """Yield how many draws each round has."""
    yield from [_ROUND] * (count // _ROUND)
    if count % _ROUND:
        yield count % _ROUND


def _progress(states: Sequence[Chain], new: Sequence[Drawn], adapt: bool) -> str:
    steps = ", ".join(f"{state.step:.2g}" for state in states)
    gradients = sum(one.gradients for one in new) / sum(len(one.z) for one in new)
    diverged = sum(int(one.diverged.sum()) for one in new)
    return (
        f"{'warm-up' if adapt else 'draws'}: steps {steps}, {gradients:.0f} gradients for each draw, "
        f"{diverged} divergences"
    )


def _step_error(density: Reduced, z: Float[np.ndarray, "chain draw numbers"]) -> float:
    """Return the standard deviation over some draws of what the held steps of time change the height by."""
    flat = z.reshape(-1, z.shape[2])
    changes = []
    for u in flat[np.linspace(0, len(flat) - 1, _CHECKED).astype(int)]:
        change = 0.0
        for task in tasks_of(density.particles, density.point(density.centre + density.ways @ u)):
            particle, at = task
            pairs = zip(particle.cases, particle.places(), strict=True)
            cases = [with_steps(particle, case, jnp.asarray(at[place])) for case, place in pairs]
            renewed = particle._replace(cases=tuple(case for case in cases if case is not None))
            change += cost_of(task) - (cost_of(task._replace(particle=renewed)) if None not in cases else np.nan)
        changes.append(change)
    return float(np.nanstd(changes))
