"""Which model the data speak for: each learned from the same videos, and its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.learning.arrowhead import covariances
from lithiscope.learning.compared import DECIDED, Compared, kinds_of, ranked, verdict
from lithiscope.learning.fit import Mapper
from lithiscope.learning.half_cycles import HalfCycle, half_cycles
from lithiscope.learning.inference import fitted
from lithiscope.learning.models import in_words, variants
from lithiscope.learning.options import LearnOptions
from lithiscope.learning.posterior import freedom, log_evidence, particle_of
from lithiscope.learning.residuals import structure_of
from lithiscope.learning.setup import setup_of
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DECIDED", "Compared", "compare", "frames_of", "variants", "verdict", "without_last"]


def compare(
    videos: Sequence[xr.Dataset] | xr.Dataset,
    models: Mapping[str, LearnOptions],
    *,
    particles: Sequence[int] | None = None,
    hold_back: bool = False,
    known: Sequence[Compared] = (),
    keep: Callable[[Sequence[Compared]], None] | None = None,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> list[Compared]:
    """Learn each of several models from the same videos, and return what speaks for each, the best first.

    A model that cannot follow the data has an evidence of minus infinity, and the comparison goes on.

    Parameters
    ----------
    videos : sequence of composition_video
        As for `learn`.
    models : mapping from name to LearnOptions
        At least two, such as those of `variants`.
    particles : sequence of int, optional
        Labels to use.
    hold_back : bool
        Also learn without the last half cycle of each particle, and say how well it is foretold; takes twice as long.
    known : sequence of Compared
        Models that were learned from the same data before, and are not learned again.
    keep : callable, optional
        Told of all that is known after each model, so that a run that was stopped goes on from there.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each model.

    Raises
    ------
    OptionError
        If there are fewer than two models.
    AnalysisError
        If a particle has one half cycle only and the last are to be held back, or no model can follow the data.
    """
    given = [videos] if not isinstance(videos, Sequence) else list(videos)
    if len(models) < 2:
        raise OptionError("there is nothing to compare", field="models", value=len(models), limit="at least 2")
    cuts = half_cycles(given, particles=particles)
    rest = without_last(cuts) if hold_back else []
    found = {one.name: one for one in known if one.name in models}
    for number, (name, options) in enumerate(models.items(), start=1):
        label = f"model {number} of {len(models)}, {in_words(name)}"
        if name in found:
            reporter.say(f"{label}: learned before")
        else:
            reporter.say(f"{label}: learning")
            found[name] = _compared(name, given, cuts, options, mapper, reporter)
        if hold_back and not found[name].remark and np.isnan(found[name].held_back):
            reporter.say(f"{label}: learning without the last half cycle of each particle")
            found[name] = _foretold(found[name], _compared(name, given, rest, options, mapper, reporter))
        if found[name].remark:
            reporter.say(f"{label}: {found[name].remark}")
        if keep is not None:
            keep(list(found.values()))
    best, *_ = order = ranked([found[name] for name in models])
    if not best.follows:
        raise AnalysisError(
            "none of the models can follow the data",
            field="models",
            value=best.remark,
            remedy="start from another exchange current or chemical potential, or check the times of the frames",
        )
    return order


def frames_of(cuts: Sequence[HalfCycle]) -> int:
    """Return how many frames of videos some half cycles hold, whatever the number of particles in them."""
    return len({(cut.video, int(frame)) for cut in cuts for frame in cut.frames})


def without_last(cuts: Sequence[HalfCycle]) -> list[HalfCycle]:
    """Return the half cycles but the last of each particle.

    Raises
    ------
    AnalysisError
        If a particle has one only.
    """
    last = {cut.key: number for number, cut in enumerate(cuts)}
    rest = [cut for number, cut in enumerate(cuts) if last[cut.key] != number]
    if len({cut.key for cut in rest}) < len(last):
        raise AnalysisError(
            "a particle has one half cycle only, so none can be held back",
            field="hold_back",
            value=True,
            limit="at least 2 half cycles of each particle",
            remedy="compare by the evidence alone, or name the particles that have more",
        )
    return rest


def _compared(
    name: str,
    videos: Sequence[xr.Dataset],
    cuts: Sequence[HalfCycle],
    options: LearnOptions,
    mapper: Mapper,
    reporter: Reporter,
) -> Compared:
    """Return what the data say of one model."""
    setup = setup_of(videos, cuts, options)
    try:
        fit, _ = fitted(setup, mapper=mapper, reporter=reporter)
        evidence, ratio = log_evidence(fit, setup), 2 * fit.cost / freedom(fit, setup)
        _, each = covariances(fit.blocks, setup.layout.shared, fit.laws)
    except AnalysisError as error:
        return _lost(name, error.problem)
    except np.linalg.LinAlgError:
        return _lost(name, "the fit ended where its equations have no solution")
    if not np.isfinite(evidence):
        return _lost(name, "the fit ended where its evidence is no number")
    notes = [
        structure_of(particle_of(fit, setup, number, videos[group[0].video], own, each[number]), group)
        for number, (group, own) in enumerate(zip(setup.groups, fit.point.own, strict=True))
    ]
    return Compared(name, evidence, ratio, np.nan, fit.converged, kinds_of(notes))


def _foretold(whole: Compared, part: Compared) -> Compared:
    """Return a model with the density of what its fit to a part of the data foretold; NaN where that fit is rough."""
    if not (whole.converged and part.converged):
        return whole._replace(
            remark="no density held back, for a fit with or without the last half cycle did not converge"
        )
    return whole._replace(held_back=whole.log_evidence - part.log_evidence)


def _lost(name: str, why: str) -> Compared:
    return Compared(name, -np.inf, np.nan, np.nan, False, (), why)
