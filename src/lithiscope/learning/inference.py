"""Learn laws and fields from composition videos."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.learning.arrowhead import covariances
from lithiscope.learning.cases import Priors, basis_of, field_basis, positions
from lithiscope.learning.diary import Diary
from lithiscope.learning.domains import with_domains
from lithiscope.learning.evidence import Seen, best_priors, projected
from lithiscope.learning.fit import Fit, Mapper, Point
from lithiscope.learning.guards import warnings_of
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.marginal import ROUGH, at_best_laws, fields_at, freed, mean_of_own, minus_log_marginal
from lithiscope.learning.options import LearnOptions
from lithiscope.learning.posterior import freedom, laws_of, particle_of
from lithiscope.learning.profile import profiled, words_of
from lithiscope.learning.residuals import notes_of
from lithiscope.learning.setup import Setup, particles_of, setup_of
from lithiscope.learning.starting import first_fit
from lithiscope.learning.values import with_values
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr


_ROUNDS = 2  # of priors at the best laws
_FLAT = 0.5  # of the stated amplitude of ln k
_ASKED = 8  # particles at most, for the priors of all


def learn(
    videos: Sequence[xr.Dataset] | xr.Dataset,
    options: LearnOptions = LearnOptions(),  # noqa: B008 (frozen)
    *,
    particles: Sequence[int] | None = None,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> xr.DataTree:
    """Learn the kinetics of particles from their composition videos (the inverse problem of Zhao et al. 2023).

    The laws are those of the highest posterior probability when rates k(r) and initial compositions are integrated out
    (see `lithiscope.learning.marginal`). Gauss and Newton's method finds the most probable fields for these laws, with
    derivatives through the depth-averaged reaction model. The rates are the mean of their posterior for these laws,
    whose deviations are those of a normal posterior; the frames of the model are those of the most probable fields.

    Parameters
    ----------
    videos : sequence of composition_video
        With lithium_fraction, its standard deviation, times, half cycles and labels.
    options : LearnOptions
        What is learned and what is known.
    particles : sequence of int, optional
        Labels to use.
    mapper : callable
        `map`, or one of processes or of a cluster: particles are worked on one by one.
    reporter : Reporter
        Told of each step.
    diary : Diary, optional
        Told of each accepted step; with the entries of a run that was killed the fit goes on from there.

    Returns
    -------
    xarray.DataTree
        ``/laws`` (stage learned_laws) and ``/particle/<video>_<label>`` (stage learned_particle).

    Raises
    ------
    AnalysisError, OptionError
        If the videos lack something, or the model cannot follow them.
    """
    import xarray as xr

    given = [videos] if isinstance(videos, xr.Dataset) else list(videos)
    setup = setup_of(given, half_cycles(given, particles=particles), options)
    fit, priors = fitted(setup, mapper=mapper, reporter=reporter, diary=diary)
    _, each = covariances(fit.blocks, setup.layout.shared, fit.laws)
    laws, means = with_values(laws_of(fit, setup, priors), setup), mean_of_own(fit, mapper)
    found, tree = warnings_of(fit, freedom(fit, setup)), {"/laws": laws}
    for number, group in enumerate(setup.groups):
        video, label = group[0].key
        particle = particle_of(fit, setup, number, given[video], means[number], each[number])
        found += notes_of(particle, group)
        tree[f"/particle/{video}_{label}"] = particle
    if options.profile:
        names = [name for one in setup.unknowns for name in one.names]
        found += words_of(profiled(fit, names, mapper=mapper, reporter=reporter))
    laws.attrs |= {"warnings": found, "options": options.model_dump_json(), "particles": len(setup.groups)}
    for one in found:
        warnings.warn(one, LithiscopeWarning, stacklevel=2)
    return xr.DataTree.from_dict(tree)


def fitted(
    setup: Setup, *, mapper: Mapper = map, reporter: Reporter = SILENT, diary: Diary | None = None
) -> tuple[Fit, Priors]:
    """Return the best laws with their fields, and the priors that the evidence chose."""
    priors = _stated(setup)
    fit = first_fit(setup, priors, mapper=mapper, reporter=reporter, diary=diary)
    if setup.options.learn_prior and setup.layout.field:
        fit, priors = _with_best_priors(fit, setup, priors, mapper, reporter)
        # Rates that are nearly the same everywhere are far from what is expected, and the first fit far from the best.
        for _ in range(_ROUNDS if _alike(fit, setup, priors) else 0):
            fit = at_best_laws(fit, mapper, reporter)
            fit, priors = _with_best_priors(fit, setup, priors, mapper, reporter)
    return with_domains(fit, setup, priors, mapper=mapper, reporter=reporter), priors


def _stated(setup: Setup) -> Priors:
    options = setup.options
    return Priors(options.amplitude, options.length, options.initial_amplitude, options.initial_length)


def _alike(fit: Fit, setup: Setup, priors: Priors) -> bool:
    """Return whether ln k varies much less than was stated, within each particle."""
    spread = []
    for number, own in enumerate(fit.point.own):
        field, _ = _bases(setup, number, priors)
        spread.append(float(np.std(field @ own[: field.shape[1]])))
    return max(spread) < _FLAT * setup.options.amplitude


def _with_best_priors(fit: Fit, setup: Setup, priors: Priors, mapper: Mapper, reporter: Reporter) -> tuple[Fit, Priors]:
    """Return the fit with the amplitudes and lengths of most evidence, where it is better for them."""
    if any(one.weights is None for one in fit.particles):
        return fit, priors
    asked = range(0, len(setup.groups), -(-len(setup.groups) // _ASKED))
    better = best_priors([_seen(fit, setup, number, priors) for number in asked], _stated(setup))
    point, whole = _moved(fit.point, setup, priors, better), freed(particles_of(setup, better))
    found = fields_at(whole, point, ROUGH, mapper)
    # The model is linear about a fit only: its best priors may lead to a worse one.
    if found is None or not minus_log_marginal(found) < minus_log_marginal(fit):
        reporter.say("amplitudes and lengths are kept: those of the linear model lead to a worse fit")
        return fit, priors
    return replace(found, iterations=fit.iterations, diary=fit.diary, converged=fit.converged), better


def _bases(setup: Setup, number: int, priors: Priors) -> tuple[np.ndarray, np.ndarray]:
    """Return the bases of the field and of the initial composition on the pixels of a particle, without levels."""
    cut, inside = setup.groups[number][0], setup.groups[number][0].mask.ravel()
    none = np.zeros((inside.size, setup.options.domains))
    field = field_basis(cut, priors, setup.layout.field, none, several=len(setup.groups) > 1)[inside]
    modes = setup.layout.initial - 1
    initial = basis_of(cut.mask, cut.spacing, priors.initial_amplitude, priors.initial_length, modes)[inside]
    return field[:, : field.shape[1] - setup.apart], initial


def _seen(fit: Fit, setup: Setup, number: int, priors: Priors) -> Seen:
    shared, z = setup.layout.shared, fit.point.own[number]
    block, cut = fit.blocks[number], setup.groups[number][0]
    matrix = block.matrix[shared:, shared:] - np.diag(block.prior)
    field, initial = _bases(setup, number, priors)
    vector = matrix @ z - (block.gradient[shared:] - block.prior * z)
    own = setup.layout.size - shared - setup.layout.field
    starts = tuple(setup.layout.field + place * own + 1 for place in range(len(setup.groups[number])))
    return Seen(matrix, vector, positions(cut.mask, cut.spacing), field, initial, starts)


def _moved(point: Point, setup: Setup, old: Priors, new: Priors) -> Point:
    """Return the numbers that give about the same fields with the bases of other priors."""
    own = []
    for number, z in enumerate(point.own):
        before, after = _bases(setup, number, old), _bases(setup, number, new)
        moved = z.copy()
        size = setup.layout.size - setup.layout.shared - setup.layout.field
        starts = [0, *(setup.layout.field + place * size + 1 for place in range(len(setup.groups[number])))]
        for place, first in enumerate(starts):
            a, b = before[place > 0], after[place > 0]
            moved[first : first + a.shape[1]] = projected(a, b, z[first : first + a.shape[1]])
        own.append(moved)
    return Point(point.shared, tuple(own))
