"""Which model the data speak for: the evidence of one against the other, in words that include "cannot tell"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.learning.fit import Mapper
from lithiscope.learning.half_cycles import HalfCycle, half_cycles
from lithiscope.learning.inference import fitted
from lithiscope.learning.options import LearnOptions
from lithiscope.learning.posterior import freedom, log_evidence
from lithiscope.learning.setup import Setup, setup_of
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

DECIDED = 5.0  # difference of ln evidence: odds of 150 to 1; Laplace's approximation may be off by one or two
_TRANSFER = ("marcus", "marcus_hush_chidsey", "coupled_ion_electron")
_REORGANISATION = 8.3  # kT, of LiFePO4 on carbon (Bai and Bazant, Nat. Commun. 5, 3585 (2014)); learned from there
_NEVER = 100.0  # times as many frames, beyond which none would do


class Compared(NamedTuple):
    """What the data say of one model.

    Attributes
    ----------
    name : str
        Of the model.
    log_evidence : float
        Natural logarithm of the evidence.
    chi_square : float
        Per degree of freedom.
    held_back : float
        Natural logarithm of the density that the model, learned from all other half cycles, gives the last one of each
        particle; NaN where that was not asked for.
    converged : bool
        Whether the fit converged; a model that cannot follow the data at all has an evidence of minus infinity.
    """

    name: str
    log_evidence: float
    chi_square: float
    held_back: float
    converged: bool


def compare(
    videos: Sequence[xr.Dataset] | xr.Dataset,
    models: Mapping[str, LearnOptions],
    *,
    particles: Sequence[int] | None = None,
    hold_back: bool = False,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> list[Compared]:
    """Learn each of several models from the same videos, and return what speaks for each, the best first.

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
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each model.

    Raises
    ------
    OptionError
        If there are fewer than two models, or nothing remains without the half cycles that are held back.
    """
    given = [videos] if not isinstance(videos, Sequence) else list(videos)
    if len(models) < 2:
        raise OptionError("there is nothing to compare", field="models", value=len(models), limit="at least 2")
    cuts = half_cycles(given, particles=particles)
    rest = without_last(cuts) if hold_back else []
    found = []
    for name, options in models.items():
        reporter.say(f"learning with {name}")
        whole, chi_square, converged = _evidence(setup_of(given, cuts, options), mapper, reporter)
        foretold = np.nan
        if hold_back:
            foretold = whole - _evidence(setup_of(given, rest, options), mapper, reporter)[0]
        found.append(Compared(name, whole, chi_square, foretold, converged))
    return sorted(found, key=lambda one: -one.log_evidence)


def without_last(cuts: Sequence[HalfCycle]) -> list[HalfCycle]:
    """Return the half cycles but the last of each particle."""
    last = {cut.key: number for number, cut in enumerate(cuts)}
    rest = [cut for number, cut in enumerate(cuts) if last[cut.key] != number]
    if len({cut.key for cut in rest}) < len(last):
        raise OptionError(
            "a particle has one half cycle only, so none can be held back",
            field="hold_back",
            value=True,
            limit="at least 2 half cycles of each particle",
            remedy="compare by the evidence alone, or name the particles that have more",
        )
    return rest


def variants(options: LearnOptions) -> dict[str, LearnOptions]:
    """Return the models that are worth comparing with one: other laws, shapes of j0, and with or without each part."""
    found = {"as asked": options}
    same = tuple(name for name in options.unknowns if name not in ("alpha", "reorganisation"))
    for law in ("butler_volmer", *_TRANSFER):
        if law != options.law:
            transfer = law in _TRANSFER
            changed = {
                "law": law,
                "law_parameters": {"reorganisation": _REORGANISATION} if transfer else {},
                "unknowns": (*same, "reorganisation") if transfer else same,
            }
            found[law.replace("_", " ")] = options.model_copy(update=changed)
    shaped = tuple(name for name in options.unknowns if name not in ("exchange_current", "exchange_level"))
    for shape in ("skewed_lim", "symmetric", "constant"):
        level = {"exchange": shape, "unknowns": (*shaped, "exchange_level")}
        found[f"j0 {shape.replace('_', ' ')}"] = options.model_copy(update=level)
    if "rate_field" in options.unknowns:
        left = tuple(name for name in options.unknowns if name != "rate_field")
        found["the same k everywhere"] = options.model_copy(update={"unknowns": left})
    if options.strain == "coherent":
        rest = tuple(name for name in options.unknowns if name != "coherency")
        found["without strain"] = options.model_copy(update={"strain": "none", "unknowns": rest})
    return found


def verdict(found: Sequence[Compared], frames: int) -> str:
    """Return in words which model the data speak for, or that they cannot tell and how many frames would do.

    Parameters
    ----------
    found : sequence of Compared
        The best first.
    frames : int
        How many frames were used: the difference between two models grows in proportion.
    """
    best = found[0]
    rivals = [one for one in found[1:] if best.log_evidence - one.log_evidence < DECIDED]
    if not rivals:
        second = found[1]
        gap = best.log_evidence - second.log_evidence
        odds = "more than a million" if gap > np.log(1e6) else f"{np.exp(gap):.0f}"
        return f"the data speak for {best.name}: odds of {odds} to 1 against the next, {second.name}"
    names = ", ".join(one.name for one in rivals)
    needed = DECIDED / max(best.log_evidence - rivals[0].log_evidence, DECIDED / _NEVER)
    more = (
        f"about {int(np.ceil(needed * frames))} frames like the {frames} here would"
        if needed < _NEVER
        else "more frames of the same kind would not"
    )
    return f"the data cannot tell {best.name} from {names}; {more}"


def _evidence(setup: Setup, mapper: Mapper, reporter: Reporter) -> tuple[float, float, bool]:
    fit, _ = fitted(setup, mapper=mapper, reporter=reporter)
    return log_evidence(fit, setup), 2 * fit.cost / freedom(fit, setup), fit.converged
