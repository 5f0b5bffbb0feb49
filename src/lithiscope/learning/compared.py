"""What speaks for each of several models, and the verdict in words, "the data cannot tell" among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.learning.models import AS_ASKED, in_words
from lithiscope.learning.options import LearnOptions

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.residuals import Note

DECIDED = 5.0  # difference of ln evidence: odds of 150 to 1; Laplace's approximation may be off by one or two
_NEVER = 100.0  # times as many frames, beyond which none would do


class Compared(NamedTuple):
    """What the data say of one model.

    Attributes
    ----------
    name : str
        Of the model.
    log_evidence : float
        Natural logarithm of the evidence; minus infinity for a model that cannot follow the data at all.
    chi_square : float
        Per degree of freedom.
    held_back : float
        Natural logarithm of the density that the model, learned from all other half cycles, gives the last one of each
        particle; NaN where that was not asked for.
    converged : bool
        Whether the fit converged; otherwise the evidence is rough, and more likely too small than too large.
    notes : tuple of str
        How the residuals differ from noise; empty where they look like it.
    remark : str
        Why the model cannot follow the data, or why a number is missing.
    """

    name: str
    log_evidence: float
    chi_square: float
    held_back: float
    converged: bool
    notes: tuple[str, ...] = ()
    remark: str = ""

    @property
    def follows(self) -> bool:
        """Whether the model can follow the data."""
        return bool(np.isfinite(self.log_evidence))


def ranked(found: Sequence[Compared]) -> list[Compared]:
    """Return models with the best first."""
    return sorted(found, key=lambda one: -one.log_evidence)


def kinds_of(notes: Sequence[Sequence[Note]]) -> tuple[str, ...]:
    """Return how residuals differ from noise in few words, and in how many of several particles.

    Parameters
    ----------
    notes : sequence of sequence of Note
        Of each particle.
    """
    kinds = dict.fromkeys(note.kind for some in notes for note in some)
    count = {kind: sum(any(note.kind == kind for note in some) for some in notes) for kind in kinds}
    several = len(notes) > 1
    return tuple(f"{kind} ({count[kind]} of {len(notes)} particles)" if several else kind for kind in kinds)


def as_asked(laws: xr.Dataset, notes: Sequence[str]) -> Compared:
    """Return what the data say of the model asked for, from the stage learned_laws and what its residuals show."""
    told = laws.attrs
    ratio = float(told.get("chi_square_per_freedom", np.nan))
    converged = bool(told.get("converged", 1))
    return Compared(AS_ASKED, float(told["log_evidence"]), ratio, np.nan, converged, tuple(notes))


def verdict(found: Sequence[Compared], frames: int) -> str:
    """Return in words which model the data speak for, or that they cannot tell and how many frames would do.

    Nothing counts as decided by a fit that did not converge: neither where the best did not, nor against one that did
    not.

    Parameters
    ----------
    found : sequence of Compared
        The best first.
    frames : int
        How many frames were used: the difference between two models grows in proportion.
    """
    best, others = found[0], found[1:]
    if not best.follows:
        return "none of the models can follow the data"
    if not best.converged:
        return (
            f"nothing is decided: {in_words(best.name)} has the largest evidence, but its fit did not converge, so "
            f"that is rough{_beyond(others)}"
        )
    sure = [one for one in others if one.converged and one.follows]
    near = [one for one in others if best.log_evidence - one.log_evidence < DECIDED]
    if near:
        return f"{_undecided(best, near, frames)}{_beyond(others)}"
    if not sure:
        return f"nothing is decided: only the fit of {in_words(best.name)} converged{_beyond(others)}"
    gap = best.log_evidence - sure[0].log_evidence
    odds = "more than a million" if gap > np.log(1e6) else f"{np.exp(gap):.0f}"
    next_one = "the next" if sure[0] is others[0] else "the next whose fit converged"
    return (
        f"the data speak for {in_words(best.name)}: odds of {odds} to 1 against {next_one}, "
        f"{in_words(sure[0].name)}{_beyond(others)}"
    )


def _undecided(best: Compared, near: Sequence[Compared], frames: int) -> str:
    lead = best.log_evidence - near[0].log_evidence
    needed = DECIDED / max(lead, DECIDED / _NEVER)
    # The logarithm of a ratio of likelihoods whose mean is D scatters by sqrt(2 D).
    more = (
        f"about {int(np.ceil(needed * frames))} frames like the {frames} here would, if the difference of {lead:.1f} "
        f"in ln evidence is no chance (noise alters it by about {np.sqrt(2 * lead):.1f})"
        if needed < _NEVER
        else "more frames of the same kind would not"
    )
    return f"the data cannot tell {in_words(best.name)} from {_listed(near)}; {more}"


def _beyond(others: Sequence[Compared]) -> str:
    """Return what is to be said of models whose evidence is rough or absent."""
    rough, lost = [one for one in others if one.follows and not one.converged], [o for o in others if not o.follows]
    text = ""
    if rough:
        fits, their = ("fits", "their") if len(rough) > 1 else ("fit", "its")
        text += (
            f"; the {fits} of {_listed(rough)} did not converge, so {their} evidence is rough, probably too small, and "
            f"by itself decides nothing against {'them' if len(rough) > 1 else 'it'}"
        )
    if lost:
        text += f"; {_listed(lost)} cannot follow the data from where the fit starts"
    return text


def _listed(some: Sequence[Compared]) -> str:
    *first, last = (in_words(one.name) for one in some)
    return f"{', '.join(first)} and {last}" if first else last


def comparison_of(found: Sequence[Compared], frames: int, options: LearnOptions) -> xr.Dataset:
    """Return the stage model_comparison.

    Parameters
    ----------
    found : sequence of Compared
        In any order.
    frames : int
        How many frames were used.
    options : LearnOptions
        Of the model asked for.
    """
    order = ranked(found)
    best = order[0].log_evidence
    columns: dict[str, list[Any]] = {
        "description": [in_words(one.name) for one in order],
        "log_evidence": [one.log_evidence for one in order],
        "log_evidence_difference": [one.log_evidence - best if one.follows else -np.inf for one in order],
        "chi_square_per_freedom": [one.chi_square for one in order],
        "held_back_log_density": [one.held_back for one in order],
        "converged": [one.converged for one in order],
        "residual_notes": ["; ".join(one.notes) for one in order],
        "remark": [one.remark for one in order],
    }
    text = {name: np.array(values, dtype=str) for name, values in columns.items() if isinstance(values[0], str)}
    return stages.new(
        "model_comparison",
        {name: ("model", text.get(name, np.array(values))) for name, values in columns.items()},
        coords={"model": ("model", np.array([one.name for one in order], dtype=str))},
        attrs={"verdict": verdict(order, frames), "frames": frames, "options": options.model_dump_json()},
    )
