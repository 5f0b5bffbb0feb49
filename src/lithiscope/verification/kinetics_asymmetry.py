"""Lithiation against delithiation: what Lim et al. 2016 saw comes out of a virtual electrode that was not told of it.

Twenty-four platelets with two fast domains each react under one potential by Butler-Volmer kinetics with the skewed
F(x) on a regular solution of 3 kT; nothing but F tells the directions apart. Differences are taken particle by
particle, and their significance over the particles is Student's t, given as the sigma of a normal distribution.

One thing does not come out: in Lim 2016, fig. 3E, U rises with the rate in both directions, here on lithiation alone.
Pixels of this electrode react each for itself; nothing parts into phases, so there is nothing that a current could keep
from parting, which is what the paper holds the rise on delithiation to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lithiscope import stages
from lithiscope.instruments.reaction import Electrode, react
from lithiscope.instruments.reaction.electrode import Law
from lithiscope.kinetics.uniformity import uniformity
from lithiscope.verification.kinetics_analysis import random_fields
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.virtual_kinetics import observed, one_cycle, with_noise

Array = NDArray[np.float64]

_RATES = (0.2, 0.6, 2.0)
_SOURCE = "Lim 2016, figs. 3 and S14; virtual electrode with skewed F(x), sigma_x 0.065, 9 frames a half cycle"
_FIVE = "five sigma"
_BOUND = "a bound of the design, with no slack"
_UNMOVED = 0.005


def asymmetry_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on the uniformity coefficient; `everything` takes four times as many."""
    scenes = 32 if everything else 8
    yield _ceiling_row()
    found, true = _uniformity("skewed", _RATES, scenes)
    lithiation, delithiation = found[..., 0], found[..., 1]
    for row, rate in enumerate(_RATES):
        yield _significant(
            f"significance of lithiation being more uniform than delithiation at {rate:g}C",
            lithiation[row] - delithiation[row],
        )
    for row, rate in enumerate(_RATES[1:], start=1):
        yield _significant(
            f"significance of lithiation being more uniform at {rate:g}C than at 0.2C", lithiation[row] - lithiation[0]
        )
    yield _unmoved_row(delithiation[2] - delithiation[0])
    even = _uniformity("symmetric", (0.6,), scenes)[0]
    yield Row(
        "significance of any difference between the directions at 0.6C when F(x) is symmetric",
        "symmetry of the equations under x -> 1 - x",
        3.0,
        abs(_sigmas(even[0, :, 0] - even[0, :, 1])),
        0.0,
        "three sigma",
        "<=",
    )
    yield Row(
        f"largest error of U among {found.size} particles and half cycles, against the same without noise",
        _SOURCE,
        0.02,
        float(np.max(np.abs(found - true))),
        0.0,
        _BOUND,
        "<=",
    )


def _uniformity(law: Law, rates: Sequence[float], scenes: int) -> tuple[Array, Array]:
    """Return U and U without noise, (rates, particles, direction), lithiation first."""
    kept = []
    for row, rate in enumerate(rates):
        reaction = react(Electrode(law=law), one_cycle(rate), start=0.03)
        for seed in range(scenes):
            fields = random_fields(np.random.default_rng(seed))
            experiment = observed(reaction, seed=1000 * row + seed, fields=fields)
            label = experiment.video["label"]
            silent = with_noise(experiment.truth, 1e-6, np.random.default_rng(0))
            noisy, true = (uniformity(video, label) for video in (experiment.video, silent))
            kept.append([one["uniformity"].values for one in (noisy, true)])
    found, still = np.moveaxis(np.reshape(kept, (len(rates), scenes, 2, -1, 2)), 2, 0)
    return found.reshape(len(rates), -1, 2), still.reshape(len(rates), -1, 2)


def _sigmas(difference: Array) -> float:
    """Return Student's t of a mean difference over the particles, as the sigma of a normal distribution."""
    from scipy.stats import norm, t

    count = difference.size
    value = float(difference.mean() / (difference.std(ddof=1) / np.sqrt(count)))
    # The logarithm of the tail keeps its precision where the probability itself is zero in doubles.
    tail = float(t.logsf(abs(value), count - 1))
    return float(np.sign(value) * -norm.ppf(np.exp(tail)) if tail > -700 else np.sign(value) * np.sqrt(-2 * tail))


def _significant(claim: str, difference: Array) -> Row:
    return Row(claim, _SOURCE, 5.0, _sigmas(difference), 0.0, _FIVE, ">=", "sigma")


def _unmoved_row(difference: Array) -> Row:
    """Return the row on delithiation, which the rate does not make more uniform here, though it does in Lim 2016."""
    return compare(
        "U of delithiation at 2C less that at 0.2C: neither more nor less uniform (Lim 2016 sees a rise)",
        _SOURCE,
        0.0,
        float(difference.mean()),
        within=_UNMOVED,
        because="both ways; a third of what lithiation gains, 0.015, and five standard errors of 24 particles",
    )


def _ceiling_row() -> Row:
    """Return the row on a uniform particle of 4000 pixels at x = 0.5 in noise of 0.06."""
    import xarray as xr

    sigma, shape = 0.06, (5, 40, 100)
    x = 0.5 + sigma * np.random.default_rng(3).standard_normal(shape)
    space = {"y": ("y", 0.05 * np.arange(shape[1])), "x": ("x", 0.05 * np.arange(shape[2]))}
    video = stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_std": ("time y x", np.full(shape, sigma)),
            "lithium_fraction_flag": ("time y x", np.zeros(shape)),
        },
        coords={
            "time": ("time", 600.0 * np.arange(shape[0])),
            "half_cycle": ("time", np.zeros(shape[0], dtype=int)),
            "direction": ("time", np.ones(shape[0], dtype=int)),
            **space,
        },
        attrs={"signal": "lithium_fraction"},
    )
    label = xr.DataArray(
        np.ones(shape[1:], dtype=np.int32), dims=("y", "x"), coords={dim: values for dim, (_, values) in space.items()}
    )
    return compare(
        "uncorrected uniformity coefficient of a uniform particle at x = 0.5 in noise of 0.06",
        "Lim 2016, fig. S14: 1 - 0.06/0.5",
        0.88,
        float(uniformity(video, label)["uncorrected"].values[0, 0]),
        within=3 * 0.12 / np.sqrt(2 * x.size),
        because="three standard errors of a standard deviation of 20000 pixels",
    )
