"""Which model the data speak for."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.learning import LearnOptions
from lithiscope.learning import compare as comparing
from lithiscope.learning.compare import Compared, compare, variants, verdict, without_last

MASK = ellipse(14, 9)


def said(*evidence: float) -> str:
    return verdict([Compared(f"model {n}", value, 1.0, np.nan, True) for n, value in enumerate(evidence)], 18)


def test_a_clear_difference_is_decided() -> None:
    assert said(0.0, -6.0, -80.0) == "the data speak for model 0: odds of 403 to 1 against the next, model 1"
    assert "more than a million" in said(0.0, -30.0)


def test_a_small_difference_is_not() -> None:
    # 2.5 of ln evidence by 18 frames: 5 by twice as many.
    assert said(0.0, -2.5, -4.0, -9.0) == (
        "the data cannot tell model 0 from model 1, model 2; about 36 frames like the 18 here would"
    )


def test_models_alike_are_never_told_apart() -> None:
    assert "would not" in said(0.0, 0.0)


def test_the_last_half_cycle_of_each_particle_is_held_back() -> None:
    cuts: Any = [SimpleNamespace(key=key, number=n) for n, key in enumerate([(0, 1), (0, 2), (0, 1), (0, 2)])]
    assert [cut.number for cut in without_last(cuts)] == [0, 1]
    with pytest.raises(OptionError, match="one half cycle only"):
        without_last(cuts[:3])


def test_variants_change_one_thing_each() -> None:
    found = variants(LearnOptions(strain="coherent", law="marcus", unknowns=("rate_field", "exchange_current")))
    assert found["as asked"].law == "marcus"
    assert "marcus" not in found
    assert found["butler volmer"].law == "butler_volmer"
    other = found["coupled ion electron"]
    assert other.law_parameters == {"reorganisation": 8.3}
    assert other.unknowns == ("rate_field", "exchange_current", "reorganisation")
    assert found["j0 symmetric"].unknowns == ("rate_field", "exchange_level")
    assert found["the same k everywhere"].unknowns == ("exchange_current",)
    assert found["without strain"].strain == "none"


def test_one_model_is_nothing_to_compare() -> None:
    video = experiment(MASK, np.zeros(MASK.shape), exchange_current=0.1, sigma=0.05, frames=3, seed=0)
    with pytest.raises(OptionError, match="nothing to compare"):
        compare(video, {"one": LearnOptions()})


def test_the_best_comes_first_and_what_was_held_back_is_the_ratio(monkeypatch) -> None:
    video = experiment(MASK, np.zeros(MASK.shape), exchange_current=0.1, sigma=0.05, frames=3, seed=0)

    def evidence(setup: Any, *_more: Any) -> tuple[float, float, bool]:
        cycles = len(setup.groups[0])
        return (-10.0 * cycles if setup.options.exchange == "symmetric" else -7.0 * cycles), 1.0, True

    monkeypatch.setattr(comparing, "_evidence", evidence)
    models = {"a": LearnOptions(exchange="symmetric"), "b": LearnOptions(exchange="skewed_lim")}
    found = compare(video, models, hold_back=True)
    assert [one.name for one in found] == ["b", "a"]
    assert [one.held_back for one in found] == [-7.0, -10.0]


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
    assert verdict(found, 16).startswith("the data speak for skewed")
