"""Which model the data speak for."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field, video_of
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError
from lithiscope.learning import LearnOptions
from lithiscope.learning import compare as comparing
from lithiscope.learning.compare import Compared, compare, frames_of, verdict, without_last
from lithiscope.learning.half_cycles import half_cycles

MASK = ellipse(14, 9)
MODELS = {"a": LearnOptions(exchange="symmetric"), "b": LearnOptions(exchange="skewed_lim")}


class Told:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)

    def track(self, items: Any, **_: Any) -> Any:
        yield from items


@pytest.fixture(scope="module")
def video() -> Any:
    x = np.linspace(0.1, 0.9, 3)[np.array([0, 1, 2, 2, 1, 0]), None, None]
    return video_of(x, MASK, 600.0 * np.arange(6), np.repeat([0, 1], 3), thickness=150.0)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Stand-ins of the fits: -10 or -7 for each half cycle; says which were made."""
    calls = []

    def compared(name: str, _videos: Any, cuts: Any, options: LearnOptions, *_more: Any) -> Compared:
        calls.append((name, len(cuts)))
        each = -10.0 if options.exchange == "symmetric" else -7.0
        return Compared(name, each * len(cuts), 1.0, np.nan, True)

    monkeypatch.setattr(comparing, "_compared", compared)
    return calls


def test_the_last_half_cycle_of_each_particle_is_held_back() -> None:
    cuts: Any = [SimpleNamespace(key=key, number=n) for n, key in enumerate([(0, 1), (0, 2), (0, 1), (0, 2)])]
    assert [cut.number for cut in without_last(cuts)] == [0, 1]
    with pytest.raises(AnalysisError, match="one half cycle only"):
        without_last(cuts[:3])


def test_one_model_is_nothing_to_compare(video: Any) -> None:
    with pytest.raises(OptionError, match="nothing to compare"):
        compare(video, {"one": LearnOptions()})


def test_the_best_comes_first_and_what_was_held_back_is_the_ratio(video: Any, fits: list[tuple[str, int]]) -> None:
    told = Told()
    found = compare(video, MODELS, hold_back=True, reporter=told)
    assert [one.name for one in found] == ["b", "a"]
    assert [one.held_back for one in found] == [-7.0, -10.0]
    assert fits == [("a", 2), ("a", 1), ("b", 2), ("b", 1)]
    assert told.lines[0] == "model 1 of 2, a: learning"
    assert frames_of(half_cycles([video])) == 6


def test_what_is_known_is_not_learned_again_and_a_run_that_stopped_goes_on(
    video: Any, fits: list[tuple[str, int]]
) -> None:
    kept: list[list[Compared]] = []
    known = Compared("a", -20.0, 1.0, np.nan, True)
    whole = compare(video, MODELS, hold_back=True, known=[known], keep=lambda one: kept.append(list(one)))
    assert fits == [("a", 1), ("b", 2), ("b", 1)]
    assert [[one.name for one in some] for some in kept] == [["a"], ["a", "b"]]
    fits.clear()
    assert compare(video, MODELS, hold_back=True, known=kept[0]) == whole
    assert fits == [("b", 2), ("b", 1)]


def test_what_a_rough_fit_foretells_is_not_known(video: Any, fits: list[tuple[str, int]]) -> None:
    rough = Compared("a", -20.0, 1.4, np.nan, False)
    found = {one.name: one for one in compare(video, MODELS, hold_back=True, known=[rough])}
    assert np.isnan(found["a"].held_back)
    assert "did not converge" in found["a"].remark
    assert found["b"].held_back == -7.0
    assert fits[0] == ("a", 1)


@pytest.mark.parametrize("error", [AnalysisError("the model cannot"), np.linalg.LinAlgError("singular")])
def test_no_model_that_follows_is_an_error(video: Any, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(comparing, "fitted", fail)
    with pytest.raises(AnalysisError, match="none of the models can follow"):
        compare(video, MODELS)


@pytest.mark.slow
def test_a_real_comparison_goes_on_where_a_model_cannot_follow() -> None:
    mask = ellipse(6, 5)
    video = experiment(mask, np.zeros(mask.shape), exchange_current=0.1, sigma=0.05, frames=3, seed=0)
    # omega less half of the coherency is that of the experiment
    right = LearnOptions(
        exchange="skewed_lim", strain="coherent", unknowns=("exchange_level",), initial_modes=2, rate_spread=0.0
    )
    told = Told()
    models = {"right": right, "a film": right.model_copy(update={"film_resistance": 1e3})}
    best, lost = compare(video, models, reporter=told)
    assert (best.name, best.converged, best.notes) == ("right", True, ())
    # 6 frames of 22 pixels: chi-square per degree of freedom has a deviation of 0.12; four of these.
    assert abs(best.chi_square - 1) < 0.5
    assert (lost.log_evidence, lost.converged, lost.follows) == (-np.inf, False, False)
    assert "cannot follow the measured rates" in lost.remark
    assert "a film cannot follow the data" in verdict([best, lost], 6)
    assert told.lines[-1].startswith("model 2 of 2, a film: the model that the fit starts from cannot follow")


@pytest.mark.long
def test_a_symmetric_exchange_current_and_even_rates_are_told_from_the_truth() -> None:
    truth = field(MASK, 0.5, 1)
    video = experiment(MASK, truth, exchange_current=0.1, sigma=0.07, frames=8, seed=5)
    base = LearnOptions(field_modes=40, initial_modes=12, exchange="skewed_lim",
                        unknowns=("rate_field", "exchange_level", "chemical_potential"))  # fmt: skip
    models = {
        "skewed": base,
        "symmetric": base.model_copy(update={"exchange": "symmetric"}),
        "even": base.model_copy(update={"unknowns": ("exchange_level", "chemical_potential")}),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        found = compare(video, models)
    assert found[0].name == "skewed"
    assert found[0].notes == ()
    assert verdict(found, 16).startswith("the data speak for skewed")
