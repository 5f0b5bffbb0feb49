"""What `lithiscope verify learning` checks: kinetics learned from virtual videos against those that made them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.verification import learning_models, learning_raw
from lithiscope.verification.learning_found import Found, found_of, options_of, spread_of
from lithiscope.verification.rows import Row
from lithiscope.verification.virtual_learning import Truth

_SOURCE = "virtual lithiation and delithiation at 0.6C, 9 frames each, sigma 0.07, 50 nm pixels"
_BAR = "a bar of the design, with no slack"
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
_SMALL = (16, 12)
_ALIKE = Truth(shape=_SMALL, volt_sigma=_VOLT, spread=0.05)
# Rates of a particle that are about independent: its pixels over those that one correlation length covers, or the
# levels of its domains, for all pixels of a domain are off together.
_PATCHES = {"smooth": 25, "domains": 2, "small": 7}
_SEEDS = range(10)
_BENDS = 4  # compositions of a curve that are about independent: the range over the length of its prior


def learned(truth: Truth, seed: int) -> Found:
    """Learn one virtual particle."""
    from lithiscope.learning import learn

    video = truth.video(seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        tree = learn(video, options_of(truth))
    seconds = time.perf_counter() - start
    laws, particle = tree["/laws"].to_dataset(), tree["/particle/0_1"].to_dataset()
    return found_of(laws, particle, truth, truth.log_rate(seed), seconds)


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows: rates of two small particles, or rates and laws of ten platelets, of each truth.

    150 pixels do not fix the laws to what is asked of a platelet with 500, so these are judged with `everything` only.
    Without a voltage, compositions do not fix the scale of j0(x), so that its bar is asked of particles with one.
    """
    from lithiscope.learning import processes

    if not everything:
        for name, truth in _TRUTHS.items():
            found = [learned(replace(truth, shape=_SMALL), seed) for seed in range(2)]
            yield from _rate_rows(f"{name}, 150 pixels", found, "small" if truth.pattern == "smooth" else truth.pattern)
        return
    with processes() as mapper:
        for name, truth in _TRUTHS.items():
            found = list(mapper(partial(learned, truth), _SEEDS))
            yield from _rate_rows(name, found, truth.pattern)
            yield from _law_rows(name, found)
        blind = list(mapper(partial(learned, _NO_VOLTAGE), _SEEDS))
        yield from _rate_rows("skewed j0 and smooth k, no voltage", blind)
        alike = list(mapper(partial(learned, _ALIKE), _SEEDS))
        yield from _rate_rows("ln k with a spread of 0.05 only, 150 pixels", alike, "small")
        yield from learning_models.rows(mapper)
        yield from learning_raw.rows(_TRUTHS, mapper)


def _rate_rows(name: str, found: list[Found], pattern: str = "smooth") -> Iterator[Row]:
    count = f"{name}, {len(found)} seeds"
    each = [one.correlation for one in found]
    yield Row(
        f"correlation of ln k with the truth, least of {count} ({spread_of(each)})", _SOURCE, 0.98,
        min(each), 0.0, _BAR, ">=",
    )  # fmt: skip
    each = [one.rate_error for one in found]
    yield Row(
        f"relative error of k, root mean square, worst of {count} ({spread_of(each)})", _SOURCE, 0.08,
        max(each), 0.0, _BAR, "<=",
    )  # fmt: skip
    inside = float(np.mean(np.concatenate([one.inside for one in found])))
    patches = _PATCHES[pattern] * len(found)
    yield Row(
        f"share of pixels whose true ln k lies inside the 95 % bar, {count}", _SOURCE, 0.95, inside,
        max(0.03, 3 * float(np.sqrt(0.95 * 0.05 / patches))),
        f"92 to 98 %, or three deviations of {patches} independent rates",
    )  # fmt: skip
    each = [one.chi_square for one in found]
    yield Row(
        f"chi-square per degree of freedom, most off 1 of {count} ({spread_of(each)})", _SOURCE, 0.1,
        max(abs(one - 1) for one in each), 0.0, _BAR, "<=",
    )  # fmt: skip


def _law_rows(name: str, found: list[Found]) -> Iterator[Row]:
    count = f"{name}, {len(found)} seeds"
    each = [one.exchange_error for one in found]
    yield Row(
        f"relative error of j0(x), root mean square over x, worst of {count} ({spread_of(each)})", _SOURCE, 0.12,
        max(each), 0.0, _BAR, "<=",
    )  # fmt: skip
    inside = float(np.mean([one.exchange_inside for one in found]))
    yield Row(
        f"share of compositions whose true j0 lies inside the 95 % bar, {count}", _SOURCE, 0.95, inside,
        max(0.03, 3 * float(np.sqrt(0.95 * 0.05 / (_BENDS * len(found))))),
        f"92 to 98 %, or three deviations of {_BENDS * len(found)} independent compositions",
    )  # fmt: skip
    each = [one.potential_error for one in found]
    yield Row(
        f"largest error of mu(x), worst of {count} ({spread_of(each)})", _SOURCE, 0.1,
        max(each), 0.0, _BAR, "<=", unit="kT",
    )  # fmt: skip
