"""Exchange current, domains and uniformity from virtual experiments with known k(r), F(x) and noise.

Three cells of three platelets each, every platelet with two fast domains at places of its own, one lithiation and one
delithiation at 0.6C under Butler-Volmer kinetics with one equilibrium voltage, as Lim et al. 2016 assume; analysed with
the default options, but for the law. Exchange currents are those of the uniform pixels of fast and of slow domains,
each fitted apart, as a study does.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.instruments.reaction import Electrode, Reaction, react
from lithiscope.kinetics import fit_exchange_current
from lithiscope.kinetics.options import LawFitOptions
from lithiscope.verification.kinetics_analysis import FAST, SLOW, Analysed, analysed, random_fields
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.virtual_kinetics import observed, one_cycle

Array = NDArray[np.float64]

_FRAMES = (7, 9, 12)
_CELLS = 3
_RATE = 0.6
_SCENE = (
    "virtual experiment: nine platelets of 320 to 530 pixels, k0 = 0.01 A/m2; two fast domains of 60 to 80 pixels "
    "with 1.5, the rest with 0.5 of it; sigma_x 0.065"
)
_BOUND = "a bound of the design, with no slack"
_LEVELS = {"fast": FAST, "slow": SLOW}


class Fitted(NamedTuple):
    """What one domain says of F: k0 and where j0 is largest, with their errors, and whether the skewed F won.

    ``rate`` is the true mean relative rate of the pixels that were fitted.
    """

    rate: float
    rate_constant: float
    rate_constant_std: float
    peak: float
    peak_std: float
    skewed: bool


_NOTHING = Fitted(np.nan, np.nan, np.nan, np.nan, np.nan, skewed=False)


def virtual_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of the virtual experiment; `everything` repeats it six times as often."""
    electrode = Electrode(interaction=0.0)
    reaction = react(electrode, one_cycle(_RATE), start=0.03)
    number = 24 if everything else 4
    cells: list[Analysed] = []
    for frames in _FRAMES:
        some = [[_cell(reaction, frames, _CELLS * n + k) for k in range(_CELLS)] for n in range(number)]
        yield from _fit_rows([fitted(three) for three in some], electrode.exchange_current, frames)
        cells += [one for three in some for one in three]
    yield from _domain_rows(cells)
    yield from _coverage_rows(cells)
    if everything:
        yield from _fit_coverage_rows([fitted([one]) for one in cells], electrode)


def _cell(reaction: Reaction, frames: int, seed: int) -> Analysed:
    start = 1000 * frames + seed
    fields = random_fields(np.random.default_rng(start))
    with warnings.catch_warnings():
        # A platelet whose domains are too small for a uniform set takes no part, as in a study.
        warnings.simplefilter("ignore", LithiscopeWarning)
        return analysed(observed(reaction, frames=frames, seed=start, fields=fields))


def fitted(cells: Sequence[Analysed]) -> dict[str, Fitted]:
    """Fit all cells of an experiment together, each domain apart; NaN where nothing was found.

    Parameters
    ----------
    cells : sequence of Analysed
        Of one experiment.
    """
    return {domain: _fitted(cells, domain) for domain in _LEVELS}


def _fitted(cells: Sequence[Analysed], domain: str) -> Fitted:
    options = LawFitOptions(region=domain, capacity_ratio=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)  # a law without a fit has NaN, and fails its row
        try:
            found = fit_exchange_current([one.table for one in cells], options=options)
        except AnalysisError:
            return _NOTHING
    skewed, free = found.sel(law="skewed_lim"), found.sel(law="free")
    return Fitted(
        float(np.nanmean([one.rate[domain] for one in cells])),
        float(skewed["rate_constant"]),
        float(skewed["rate_constant_std"]),
        float(free["peak_position"]),
        float(free["peak_position_std"]),
        bool(found.attrs["preferred"] == "skewed_lim"),
    )


def _peaks(found: Sequence[dict[str, Fitted]]) -> tuple[Array, Array]:
    """Return where j0 is largest and its standard deviation, from both domains weighted by their errors."""
    peak, std = (
        np.array([[getattr(one[domain], name) for domain in _LEVELS] for one in found]) for name in ("peak", "peak_std")
    )
    weight = np.where(np.isfinite(peak), 1 / std**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # neither domain has a peak: NaN, which fails its row
        return (np.nan_to_num(peak) * weight).sum(axis=1) / weight.sum(axis=1), 1 / np.sqrt(weight.sum(axis=1))


def _fit_rows(found: Sequence[dict[str, Fitted]], k0: float, frames: int) -> Iterator[Row]:
    of = f"{len(found)} experiments of {frames} frames a half cycle"
    for domain, level in _LEVELS.items():
        error = np.array([one[domain].rate_constant for one in found]) / (level * k0) - 1
        claim = f"largest error of k0 of the {domain} domains in {of}"
        yield Row(claim, _SCENE, 0.05, float(np.max(np.abs(error))), 0.0, _BOUND, "<=")
    peak, _ = _peaks(found)
    claim = f"largest error of the lithium fraction of the largest j0, shape free, both domains, in {of}"
    yield Row(claim, _SCENE, 0.03, float(np.max(np.abs(peak - 0.25))), 0.0, _BOUND, "<=")
    yield compare(
        f"share of fits that prefer the true, skewed F to the symmetric and the constant one, in {of}",
        f"{_SCENE}; Akaike's criterion, a difference of 6 or more",
        1.0,
        float(np.mean([fit.skewed for one in found for fit in one.values()])),
        within=0.0,
        because="every one",
    )


def _domain_rows(cells: Sequence[Analysed]) -> Iterator[Row]:
    """Yield the rows on the overlap of domains and on U without noise."""
    dice = np.stack([one.dice for one in cells])  # (cells, directions, particles)
    nine = dice.reshape(-1, _CELLS, *dice.shape[1:]).mean(axis=(1, 3))
    for row, name in enumerate(("lithiation", "delithiation")):
        claim = f"overlap (Dice) of fast domains with the true ones on {name}"
        of = f"least of {len(nine)} experiments, mean over their platelets"
        yield Row(f"{claim}, {of}", _SCENE, 0.85, float(nine[:, row].min()), 0.0, _BOUND, ">=")
        each = dice[:, row]
        yield Row(
            f"{claim}, share of {each.size} platelets at 0.85 or more",
            _SCENE,
            0.95,
            float(np.mean(each >= 0.85)),
            0.0,
            "small domains have more rim: one platelet in twenty may fall below",
            ">=",
        )
    error = np.concatenate([(one.uniformity - one.true_uniformity)["uniformity"].values.ravel() for one in cells])
    claim = f"largest error of U against that without noise, {error.size} particles and half cycles"
    yield Row(claim, _SCENE, 0.02, float(np.max(np.abs(error))), 0.0, _BOUND, "<=")


def _coverage_rows(cells: Sequence[Analysed]) -> Iterator[Row]:
    """Yield the rows on the share of truths inside the 95 % bars; neighbours share a frame, so every other counts."""
    for region, name, what in (
        ("all", "insertion_rate", "insertion rates of particles"),
        ("slow", "exchange_current_density", "exchange current densities of uniform slow domains"),
        ("fast", "exchange_current_density", "exchange current densities of uniform fast domains"),
        ("fast", "lithium_fraction", "compositions of uniform domains in the middle of an interval"),
    ):
        pull = np.concatenate([_pulls(one, region, name) for one in cells])
        yield _covered(what, pull[np.isfinite(pull)])
    error = [
        (one.uniformity["uniformity"] - one.true_uniformity["uniformity"]) / one.uniformity["uniformity_std"]
        for one in cells
    ]
    yield _covered("uniformity coefficients", np.concatenate([one.values.ravel() for one in error]))


def _pulls(one: Analysed, region: str, name: str) -> Array:
    """Return errors over standard deviations of every other interval of each half cycle."""
    half = np.asarray(one.table["half_cycle"].values)
    chosen = np.concatenate([np.flatnonzero(half == number)[::2] for number in np.unique(half[half >= 0])])
    rows = np.flatnonzero(one.table["region"].values == region)
    error = one.table[name].values - one.true_table[name].values
    return np.asarray((error / one.table[f"{name}_std"].values)[np.ix_(rows, chosen)].ravel())


def _fit_coverage_rows(fits: Sequence[dict[str, Fitted]], electrode: Electrode) -> Iterator[Row]:
    """Yield the rows on the bars of fits of three platelets each."""
    for domain in _LEVELS:
        some = [one[domain] for one in fits]
        rate, k0, std = (np.array([getattr(one, name) for one in some]) for name in Fitted._fields[:3])
        yield _covered(f"rate constants of {domain} domains", (k0 - rate * electrode.exchange_current) / std)
    # Fast domains pass x = 0.25 within an interval or two, and the bar on their peak is too small then: it is the slow
    # ones that measure the shape.
    slow = [one["slow"] for one in fits]
    pull = np.array([(one.peak - 0.25) / one.peak_std for one in slow])
    yield _covered("positions of the largest j0 of slow domains", pull)


def _covered(what: str, pull: Array) -> Row:
    # Comparisons with NaN are false: a fit that was not found is not inside its bar.
    binomial = np.sqrt(0.95 * 0.05 / pull.size)
    return compare(
        f"share of {pull.size} {what} inside 1.96 sigma",
        f"normal distribution; {_SCENE}",
        0.95,
        float(np.mean(np.abs(pull) < 1.96)),
        within=0.03,
        because=f"the stated 92 to 98 %; {pull.size} independent values know a share to {100 * binomial:.1f} %",
    )
