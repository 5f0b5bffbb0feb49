"""The verdict on models, and the stage that keeps it."""

from __future__ import annotations

import numpy as np
import pytest

from learning import made
from lithiscope import stages
from lithiscope.learning import LearnOptions
from lithiscope.learning.compared import Compared, as_asked, comparison_of, kinds_of, ranked, verdict
from lithiscope.learning.residuals import Note


def models(*evidence: float, rough: tuple[int, ...] = ()) -> list[Compared]:
    return [
        Compared(f"model {n}", one, 1.0, np.nan, n not in rough and one > -np.inf) for n, one in enumerate(evidence)
    ]


def said(*evidence: float, rough: tuple[int, ...] = ()) -> str:
    return verdict(models(*evidence, rough=rough), 18)


def test_a_clear_difference_is_decided() -> None:
    assert said(0.0, -6.0, -80.0) == "the data speak for model 0: odds of 403 to 1 against the next, model 1"
    assert "more than a million" in said(0.0, -30.0)


def test_a_small_difference_is_not() -> None:
    # 2.5 of ln evidence by 18 frames: 5 by twice as many.
    assert said(0.0, -2.5, -4.0, -9.0) == (
        "the data cannot tell model 0 from model 1 and model 2; about 36 frames like the 18 here would, if the "
        "difference of 2.5 in ln evidence is no chance (noise alters it by about 2.2)"
    )


def test_models_alike_are_never_told_apart() -> None:
    assert "would not" in said(0.0, 0.0)


def test_nothing_is_decided_where_the_best_fit_did_not_converge() -> None:
    for gap in (-1.0, -300.0):
        text = said(0.0, gap, rough=(0,))
        assert text.startswith("nothing is decided: model 0 has the largest evidence, but its fit did not converge")
        assert "speak for" not in text


def test_nothing_is_decided_against_a_fit_that_did_not_converge() -> None:
    text = said(0.0, -40.0, -8.0, rough=(1,))
    assert text.startswith(
        "the data speak for model 0: odds of 2981 to 1 against the next whose fit converged, model 2"
    )
    assert text.endswith(
        "; the fit of model 1 did not converge, so its evidence is rough, probably too small, and by itself "
        "decides nothing against it"
    )
    alone = said(0.0, -40.0, -400.0, rough=(1, 2))
    assert alone.startswith("nothing is decided: only the fit of model 0 converged; the fits of model 1 and model 2")
    near = said(0.0, -2.0, rough=(1,))
    assert near.startswith("the data cannot tell model 0 from model 1")
    assert "did not converge" in near


def test_models_that_cannot_follow_are_named_and_not_beaten() -> None:
    assert said(0.0, -np.inf) == (
        "nothing is decided: only the fit of model 0 converged; model 1 cannot follow the data from where the fit "
        "starts"
    )
    assert said(0.0, -6.0, -np.inf).endswith(
        "the next, model 1; model 2 cannot follow the data from where the fit starts"
    )
    assert said(-np.inf, -np.inf) == "none of the models can follow the data"


def test_the_models_of_the_command_are_told_in_words() -> None:
    found = [Compared("as_asked", 0.0, 1.0, np.nan, True), Compared("marcus", -9.0, 1.0, np.nan, True)]
    assert verdict(found, 9) == (
        "the data speak for the model asked for: odds of 8103 to 1 against the next, Marcus kinetics"
    )


def test_the_stage_keeps_all_of_it_and_the_best_comes_first() -> None:
    lost = Compared("marcus", -np.inf, np.nan, np.nan, False, (), "it cannot")
    second = Compared("mine", 3.0, 1.2, -4.0, False, ("alike", "shifted"))
    best = Compared("as_asked", 9.0, 1.0, -2.0, True)
    found = comparison_of([lost, second, best], 12, LearnOptions(thickness=90.0))
    stages.check(found, "model_comparison")
    assert found["model"].values.tolist() == ["as_asked", "mine", "marcus"]
    assert found["description"].values.tolist() == ["the model asked for", "mine", "Marcus kinetics"]
    assert found["log_evidence_difference"].values.tolist() == [0.0, -6.0, -np.inf]
    assert found["held_back_log_density"].values.tolist()[:2] == [-2.0, -4.0]
    assert found["converged"].values.tolist() == [True, False, False]
    assert found["residual_notes"].values.tolist() == ["", "alike; shifted", ""]
    assert found["remark"].values.tolist() == ["", "", "it cannot"]
    assert found.attrs["frames"] == 12
    assert found.attrs["verdict"] == verdict(ranked([lost, second, best]), 12)
    assert LearnOptions.model_validate_json(found.attrs["options"]).thickness == 90.0


def test_what_was_learned_is_the_model_asked_for() -> None:
    laws = made.laws()
    assert as_asked(laws, ["alike"]) == Compared(
        "as_asked", 12.0, 1.01, pytest.approx(np.nan, nan_ok=True), True, ("alike",)
    )
    assert not as_asked(laws.assign_attrs(converged=0), []).converged


def test_residuals_are_told_in_few_words_with_how_many_particles_show_it() -> None:
    space, time = Note("a pattern in space", "long"), Note("a pattern in time", "long")
    assert kinds_of([[space, time]]) == ("a pattern in space", "a pattern in time")
    assert kinds_of([[space], [], [time, space]]) == (
        "a pattern in space (2 of 3 particles)",
        "a pattern in time (1 of 3 particles)",
    )
    assert kinds_of([[], []]) == ()
