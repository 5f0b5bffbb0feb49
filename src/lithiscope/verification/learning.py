"""What `lithiscope verify learning` checks: kinetics learned from virtual videos against those that made them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.verification import learning_models
from lithiscope.verification.rows import Row
from lithiscope.verification.virtual_learning import THICKNESS, Truth

_SOURCE = "virtual lithiation and delithiation at 0.6C, 9 frames each, sigma 0.07, 50 nm pixels"
_BAR = "a bar of the design, with no slack"
_SEEN = (0.05, 0.95)
_VOLT = 0.002  # noise of the voltage, V
_TRUTHS = {
    "skewed j0 and smooth k": Truth(volt_sigma=_VOLT),
    "two sharp fast domains": Truth(pattern="domains", volt_sigma=_VOLT),
    "coupled ion-electron transfer": Truth(
        exchange_current=25.0,  # F(x) is 0.0115 at most
        exchange="coupled_ion_electron",
        law="coupled_ion_electron",
        reorganisation=8.3,
        volt_sigma=_VOLT,
    ),
}
_NO_VOLTAGE = Truth()
_QUICK = Truth(shape=(16, 12), volt_sigma=_VOLT)
_REORGANISATION = 7.0  # kT, from which that of 8.3 is learned
_SHARP = {"length": 100.0, "field_modes": 600}  # edges need all wavelengths; 160 modes hold 90 % of the variance
_PATCHES = 25  # of a particle that are about independent: its pixels over those that one correlation length covers

_BENDS = 4  # compositions of a curve that are about independent: the range over the length of its prior


@dataclass(frozen=True)
class Found:
    """How far off one learned particle is.

    Parameters
    ----------
    correlation, rate_error : float
        Of ln k with the truth; relative root mean square error of k.
    exchange_error, potential_error : float
        Relative error of j0(x), root mean square, and largest error of mu(x) in kT, over the compositions that were
        identified.
    exchange_inside : float
        Share of these whose true j0 lies inside its 95 % bar.
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
    exchange_inside: float
    inside: np.ndarray
    chi_square: float
    seconds: float


def options_of(truth: Truth) -> Any:
    """Return what is told to the learning: with a voltage the coherency too, which else is a part of mu(x)."""
    from lithiscope.learning import LearnOptions

    given: dict[str, Any] = {"thickness": THICKNESS, "law": truth.law}
    if truth.volt_sigma:
        given |= {"voltage": True, "strain": "coherent"}
    if truth.pattern == "domains":
        given |= _SHARP
    if truth.reorganisation:
        unknowns = (*LearnOptions().unknowns, "reorganisation")
        given |= {"law_parameters": {"reorganisation": _REORGANISATION}, "unknowns": unknowns}
    return LearnOptions(**given)


def learned(truth: Truth, seed: int) -> Found:
    """Learn one virtual particle."""
    from lithiscope.learning import learn

    video, field, mask = truth.video(seed), truth.log_rate(seed), truth.mask()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        tree = learn(video, options_of(truth))
    seconds = time.perf_counter() - start
    particle, laws = tree["/particle/0_1"].to_dataset(), tree["/laws"].to_dataset()
    found, bar, true = particle["log_rate"].values[mask], particle["log_rate_std"].values[mask], field[mask]
    x = laws["x_grid"].values
    known = laws["identifiable"].values & (x > _SEEN[0]) & (x < _SEEN[1])
    ratio = np.log(laws["exchange_current_density"].values / truth.exchange_density(x))[known]
    bars = (laws["exchange_current_density_std"] / laws["exchange_current_density"]).values[known]
    mu = laws["chemical_potential"].values - truth.potential(x)
    return Found(
        float(np.corrcoef(found, true)[0, 1]),
        float(np.sqrt(np.mean((np.exp(found - true) - 1) ** 2))),
        float(np.sqrt(np.mean(np.expm1(ratio) ** 2))),
        float(np.abs(mu[known] - mu[known].mean()).max()),
        float(np.mean(np.abs(ratio) < 1.96 * bars)),
        np.abs(found - true) < 1.96 * bar,
        float(laws.attrs["chi_square_per_freedom"]),
        seconds,
    )


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows: rates of two small particles, or rates and laws of ten platelets of each truth.

    150 pixels do not fix the laws to what is asked of a platelet with 500, so these are judged with `everything` only.
    Without a voltage, compositions do not fix the scale of j0(x), so that its bar is asked of particles with one.
    """
    if not everything:
        yield from _rate_rows("particles of 150 pixels", [learned(_QUICK, seed) for seed in range(2)])
        return
    for name, truth in _TRUTHS.items():
        found = [learned(truth, seed) for seed in range(10)]
        yield from _rate_rows(name, found)
        yield from _law_rows(name, found)
    yield from _rate_rows("skewed j0 and smooth k, no voltage", [learned(_NO_VOLTAGE, seed) for seed in range(10)])
    yield from learning_models.rows()


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
        f"relative error of j0(x), root mean square over x, worst of {count}", _SOURCE, 0.12,
        max(one.exchange_error for one in found), 0.0, _BAR, "<=",
    )  # fmt: skip
    inside = float(np.mean([one.exchange_inside for one in found]))
    yield Row(
        f"share of compositions whose true j0 lies inside the 95 % bar, {count}", _SOURCE, 0.95, inside,
        max(0.03, 3 * float(np.sqrt(0.95 * 0.05 / (_BENDS * len(found))))),
        f"92 to 98 %, or three deviations of {_BENDS * len(found)} independent compositions",
    )  # fmt: skip
    yield Row(
        f"largest error of mu(x), worst of {count}", _SOURCE, 0.1,
        max(one.potential_error for one in found), 0.0, _BAR, "<=", unit="kT",
    )  # fmt: skip
