"""What `lithiscope verify learning` checks: kinetics learned from virtual videos against those that made them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.verification.rows import Row
from lithiscope.verification.virtual_learning import THICKNESS, Truth

_SOURCE = "virtual lithiation and delithiation at 0.6C, 9 frames each, sigma 0.07, 50 nm pixels"
_BAR = "a bar of the design, with no slack"
_SEEN = (0.05, 0.95)
_TRUTHS = {
    "skewed j0 and smooth k": Truth(),
    "two sharp fast domains": Truth(pattern="domains"),
}
_QUICK = Truth(shape=(16, 12))
_PATCHES = 25  # of a particle that are about independent: its pixels over those that one correlation length covers


@dataclass(frozen=True)
class Found:
    """How far off one learned particle is.

    Parameters
    ----------
    correlation, rate_error : float
        Of ln k with the truth; relative root mean square error of k.
    exchange_error, potential_error : float
        Largest relative error of j0(x) and largest error of mu(x) in kT, over the compositions that were identified.
    inside : array of bool
        Whether the true ln k of each pixel lies inside its 95 % bar.
    chi_square : float
        Per degree of freedom.
    seconds : float
        Wall time of the learning.
    """

    correlation: float
    rate_error: float
    exchange_error: float
    potential_error: float
    inside: np.ndarray
    chi_square: float
    seconds: float


def learned(truth: Truth, seed: int) -> Found:
    """Learn one virtual particle."""
    from lithiscope.learning import LearnOptions, learn

    video, field, mask = truth.video(seed), truth.log_rate(seed), truth.mask()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        tree = learn(video, LearnOptions(thickness=THICKNESS, law=truth.law))
    seconds = time.perf_counter() - start
    particle, laws = tree["/particle/0_1"].to_dataset(), tree["/laws"].to_dataset()
    found, bar, true = particle["log_rate"].values[mask], particle["log_rate_std"].values[mask], field[mask]
    x = laws["x_grid"].values
    known = laws["identifiable"].values & (x > _SEEN[0]) & (x < _SEEN[1])
    ratio = laws["exchange_current_density"].values / truth.exchange_density(x)
    mu = laws["chemical_potential"].values - truth.potential(x)
    return Found(
        float(np.corrcoef(found, true)[0, 1]),
        float(np.sqrt(np.mean((np.exp(found - true) - 1) ** 2))),
        float(np.abs(ratio[known] - 1).max()),
        float(np.abs(mu[known] - mu[known].mean()).max()),
        np.abs(found - true) < 1.96 * bar,
        float(laws.attrs["chi_square_per_freedom"]),
        seconds,
    )


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows: rates of two small particles, or rates and laws of ten platelets of each truth.

    150 pixels do not fix the laws to what is asked of a platelet with 500, so these are judged with `everything` only.
    """
    if not everything:
        yield from _rate_rows("particles of 150 pixels", [learned(_QUICK, seed) for seed in range(2)])
        return
    for name, truth in _TRUTHS.items():
        found = [learned(truth, seed) for seed in range(10)]
        yield from _rate_rows(name, found)
        yield from _law_rows(name, found)


def _rate_rows(name: str, found: list[Found]) -> Iterator[Row]:
    count = f"{name}, {len(found)} seeds"
    yield Row(
        f"correlation of ln k with the truth, least of {count}", _SOURCE, 0.98,
        min(one.correlation for one in found), 0.0, _BAR, ">=",
    )  # fmt: skip
    yield Row(
        f"relative error of k, root mean square, worst of {count}", _SOURCE, 0.08,
        max(one.rate_error for one in found), 0.0, _BAR, "<=",
    )  # fmt: skip
    inside = float(np.mean(np.concatenate([one.inside for one in found])))
    patches = _PATCHES * len(found)
    yield Row(
        f"share of pixels whose true ln k lies inside the 95 % bar, {count}", _SOURCE, 0.95, inside,
        max(0.03, 3 * float(np.sqrt(0.95 * 0.05 / patches))),
        f"92 to 98 %, or three deviations of {patches} independent patches",
    )  # fmt: skip
    spread = max(abs(one.chi_square - 1) for one in found)
    yield Row(f"chi-square per degree of freedom, most off 1 of {count}", _SOURCE, 0.1, spread, 0.0, _BAR, "<=")


def _law_rows(name: str, found: list[Found]) -> Iterator[Row]:
    count = f"{name}, {len(found)} seeds"
    yield Row(
        f"largest relative error of j0(x), worst of {count}", _SOURCE, 0.12,
        max(one.exchange_error for one in found), 0.0, _BAR, "<=",
    )  # fmt: skip
    yield Row(
        f"largest error of mu(x), worst of {count}", _SOURCE, 0.1,
        max(one.potential_error for one in found), 0.0, _BAR, "<=", unit="kT",
    )  # fmt: skip
