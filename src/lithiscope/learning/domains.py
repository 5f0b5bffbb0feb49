"""Sharp domains of ln k(r): an edge that a fit finds counts once, as one number for all pixels behind it.

A Gaussian process takes differences across the edge of a domain and those inside it for draws of one distribution. That
hundreds of the latter are nearly zero is then improbable, the more so the better they are seen, and the laws give way
to where they are seen worse. With the domains named, what is left of ln k is small, and none of this remains.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from lithiscope.learning.cases import Priors
from lithiscope.learning.fit import Fit, Mapper, Particle, Point, joined, without
from lithiscope.learning.marginal import ROUGH, at_best_laws, fields_at, freed
from lithiscope.learning.posterior import log_evidence
from lithiscope.learning.setup import Setup, particles_of
from lithiscope.progress import SILENT, Reporter

_FEWEST = 4  # pixels
# Of the variance, between two levels. Normal values have 0.64; of 300 small smooth fields none has more than 0.85.
_SHARP = 0.88
_ROUNDS = 4  # of pixels that change sides, and of laws that follow
_RANK = 1e-6  # of the largest singular value: less tells nothing of a field
_SIDES = float(np.log(2.0))  # a pixel at an edge lies on this side of it or on that


def domains_of(
    log_rate: Float[np.ndarray, "y x"], mask: Bool[np.ndarray, "y x"], most: int
) -> Float[np.ndarray, "cells domains"]:
    """Return where the sharp domains of a particle are.

    The threshold is that of Otsu (IEEE Trans. Syst. Man Cybern. 9, 62 (1979)), by which pixels fall into connected
    parts; the largest part is what is around the domains.

    Parameters
    ----------
    log_rate : array, shape (y, x)
        ln k.
    mask : array of bool, shape (y, x)
        Where the particle is.
    most : int
        Number of columns.

    Returns
    -------
    array, shape (cells, most)
        One inside a domain; columns of zeros where there are fewer. None but zeros where ln k has no two levels.
    """
    from scipy.ndimage import label
    from skimage.filters import threshold_otsu

    found = np.zeros((mask.size, most))
    values = log_rate[mask]
    if not most or np.ptp(values) == 0:
        return found
    high = values > threshold_otsu(values)
    # All of a gap serves Otsu as well; in its middle a pixel has farthest to go to the wrong side.
    high = values > (np.median(values[high]) + np.median(values[~high])) / 2
    share = np.mean(high)
    between = share * (1 - share) * (values[high].mean() - values[~high].mean()) ** 2
    if between < _SHARP * values.var():
        return found
    above, parts = np.zeros_like(mask), []
    above[mask] = high
    for side in (above, mask & ~above):
        numbers, count = label(side)
        parts += [numbers == number for number in range(1, count + 1)]
    parts = sorted((one for one in parts if one.sum() >= _FEWEST), key=lambda one: -int(one.sum()))
    for number, one in enumerate(parts[1 : most + 1]):
        found[:, number] = one.ravel()
    return found


def with_domains(fit: Fit, setup: Setup, priors: Priors, *, mapper: Mapper = map, reporter: Reporter = SILENT) -> Fit:
    """Return the fit with the best laws, and with sharp domains in the particles where the evidence is for them.

    Parameters
    ----------
    fit : Fit
        With a Gaussian process for ln k, and laws near the best ones.
    setup, priors, mapper, reporter
        Of that fit.
    """
    known = [np.zeros((group[0].mask.size, setup.options.domains)) for group in setup.groups]
    best = fit
    for number in range(_ROUNDS):
        now, sharp = _sharper(best, setup, priors, known, mapper)
        if number and now is best:
            break
        if now is not best:
            reporter.say(f"{sum(int(one.any(0).sum()) for one in sharp)} sharp domains of k")
        best, known = at_best_laws(now, mapper, reporter), sharp
    return best


def _sharper(
    fit: Fit, setup: Setup, priors: Priors, known: Sequence[np.ndarray], mapper: Mapper
) -> tuple[Fit, list[np.ndarray]]:
    """Return the fit with the domains that its rates show, where the evidence is for them with the laws as they are."""
    sharp = list(known)
    # Fields that found no rest may find it with domains.
    asked = setup.options.domains and setup.layout.field and setup.layout.shared
    for n in range(len(known)) if asked else ():
        for _ in range(_ROUNDS):
            field, mask = _field(fit, setup, n)
            first = not sharp[n].any()
            if first:
                looked = domains_of(field, mask, setup.options.domains)
            else:
                looked = exchanged(_field(fit, setup, n, _loosened(fit, setup, n))[0], mask, sharp[n])
            if np.array_equal(looked, sharp[n]):
                break
            trial = [*sharp[:n], looked, *sharp[n + 1 :]]
            particle = particles_of(setup, priors, trial)[n]
            begin = Point(fit.point.shared, (_own(field, mask, fit.point.own[n], particle, setup),))
            part = fields_at(freed([particle]), begin, ROUGH, mapper)
            if part is None:
                break
            left, others = without(fit, [n])
            found = joined(left, others, [n], part)
            if _evidence(found, setup, trial) <= _evidence(fit, setup, sharp):
                break
            fit, sharp = found, trial
    return fit, sharp


def exchanged(
    log_rate: Float[np.ndarray, "y x"], mask: Bool[np.ndarray, "y x"], domains: Float[np.ndarray, "cells domains"]
) -> Float[np.ndarray, "cells domains"]:
    """Return domains with the pixels at their edges on the side whose level is nearer to their ln k."""
    from scipy.ndimage import binary_dilation

    found, free = domains.copy(), mask & ~domains.any(1).reshape(mask.shape)
    around = np.median(log_rate[free])
    for column in np.flatnonzero(domains.any(0)):
        one = domains[:, column].reshape(mask.shape) > 0
        like = np.abs(log_rate - np.median(log_rate[one])) < np.abs(log_rate - around)
        found[(free & binary_dilation(one) & like).ravel(), column] = 1.0
        found[(one & binary_dilation(free) & ~like).ravel(), column] = 0.0
    return found


def _evidence(fit: Fit, setup: Setup, domains: Sequence[np.ndarray]) -> float:
    """Return the logarithm of the evidence, less what the choice of the pixels at the edges costs."""
    masks = [group[0].mask for group in setup.groups]
    return log_evidence(fit, setup) - _SIDES * sum(_edge(*one) for one in zip(domains, masks, strict=True))


def _field(fit: Fit, setup: Setup, number: int, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return ln k of a particle, of its own numbers or of others, and its mask."""
    mask, basis = setup.groups[number][0].mask, np.asarray(fit.particles[number].cases[0].field)
    own = fit.point.own[number] if own is None else own
    return (basis @ own[: setup.layout.field]).reshape(mask.shape), mask


def _loosened(fit: Fit, setup: Setup, number: int) -> np.ndarray:
    """Return a particle's own numbers as they would be, were pixels at edges as free as before all data.

    Most of them lie at the level of their side and make their amplitude small; this would hold back the one that does
    not. By one step of Newton's method.
    """
    particle, block, own = fit.particles[number], fit.blocks[number], fit.point.own[number]
    shared, free = setup.layout.shared, np.zeros(len(own))
    if particle.edge:
        pixels = particle.fields()[0]
        free[pixels] = 1 - block.prior[pixels]
    slope = block.gradient[shared:] + free * own
    return np.asarray(own - np.linalg.solve(block.matrix[shared:, shared:] + np.diag(free), slope))


def _own(log_rate: np.ndarray, mask: np.ndarray, own: np.ndarray, particle: Particle, setup: Setup) -> np.ndarray:
    """Return the numbers of the means of ln k inside and around domains; where there are none, those of ln k itself."""
    modes, size = setup.layout.field - setup.apart, setup.layout.field
    basis, moved = np.asarray(particle.cases[0].field)[mask.ravel()], own.copy()
    sharp = basis[:, modes : modes + setup.options.domains].any()
    free = slice(modes if sharp else 0, size)
    moved[:size] = 0.0
    moved[free] = np.linalg.lstsq(basis[:, free], log_rate[mask], rcond=_RANK)[0]
    return moved


def _edge(domains: np.ndarray, mask: np.ndarray) -> int:
    """Return how many pixels lie at an edge, on the side of the domain."""
    from scipy.ndimage import binary_erosion

    # What lies beyond the outline is no other side.
    parts = (one.reshape(mask.shape) > 0 for one in domains.T)
    return sum(int((one & ~binary_erosion(one | ~mask, border_value=1)).sum()) for one in parts)
