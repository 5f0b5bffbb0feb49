"""A fit that is killed goes on where it was; the same data give the same numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from lithiscope.errors import LithiscopeWarning
from lithiscope.learning import LearnOptions, learn, marginal
from lithiscope.learning.diary import Diary, Entry
from lithiscope.learning.fit import Point, determinant_slope
from lithiscope.studies.checkpoint import Checkpoint

OPTIONS = LearnOptions(unknowns=("rate_field", "exchange_level"), field_modes=6, initial_modes=2, rate_spread=0.0)


class Killed(Exception):
    """Stands for a signal."""


def learned(video, diary=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        return learn(video, OPTIONS, diary=diary)


@pytest.fixture(scope="module")
def video():
    mask = ellipse(6, 5)
    return experiment(mask, field(mask, 0.4, 1), exchange_current=0.3, sigma=0.05, frames=4, seed=0)


@pytest.fixture(scope="module")
def whole(video):
    return learned(video)


def same(one, other):
    """Whether two results are equal up to rounding."""
    for path in ("/laws", "/particle/0_1"):
        for name, values in one[path].data_vars.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(values.values, other[path][name].values, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.slow
@pytest.mark.long
def test_the_same_data_give_the_same_numbers_and_a_killed_fit_goes_on(video, whole, tmp_path):
    checkpoint = Checkpoint(tmp_path / "fit.npz", "a key")

    def kill(entries):
        checkpoint.write(entries)
        if entries[-1].steps >= 2:
            raise Killed

    with pytest.raises(Killed):
        learned(video, Diary((), kill))
    (half,) = checkpoint.entries()
    assert half.steps >= 2
    assert not half.done
    again = []
    result = learned(video, Diary([half], lambda entries: again.append((len(entries), entries[-1]))))
    same(whole, result)
    assert result["/laws"].attrs["log_evidence"] == pytest.approx(whole["/laws"].attrs["log_evidence"], rel=1e-9)
    count, first = again[0]
    assert count == 1
    assert first.steps > half.steps
    assert again[-1][1].done
    assert again[-1][0] == 3  # stretches, whole half cycles, rounds of the laws
    numbers = whole["/laws"].to_dataset()
    assert list(numbers["parameter_unit"].values) == ["A/m2"]
    assert (numbers["parameter_value"].values > 0).all()
    assert whole["/laws"].attrs["particles"] == 1


@pytest.mark.slow
@pytest.mark.long
def test_a_fit_that_is_killed_between_rounds_of_the_laws_goes_on_there(video, whole, tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "fit.npz", "a key")
    slopes = []

    def counted(given):
        slopes.append(given[0].z.copy())
        return determinant_slope(given)

    def kill(entries):
        checkpoint.write(entries)
        if entries[-1].state is not None:
            raise Killed

    monkeypatch.setattr(marginal, "determinant_slope", counted)
    with pytest.raises(Killed):
        learned(video, Diary((), kill))
    before = len(slopes)
    assert before == 1  # of the first round, which is accepted
    result = learned(video, Diary(checkpoint.entries()))
    assert before < len(slopes)
    assert len({one.tobytes() for one in slopes}) == len(slopes)  # none is taken twice
    for path in ("/laws", "/particle/0_1"):
        for name, values in whole[path].data_vars.items():
            np.testing.assert_array_equal(values.values, result[path][name].values, err_msg=name)


def entry(steps=3, state=None):
    return Entry(Point(np.arange(3.0), (np.ones(2), np.zeros(0))), 0.2, steps, done=True, converged=False, state=state)


def test_a_checkpoint_holds_what_was_written(tmp_path):
    checkpoint = Checkpoint(tmp_path / "fit.npz", "key")
    assert checkpoint.entries() == []
    checkpoint.write([entry(), entry(5, {"matrix-0": np.eye(2), "cost": np.array(3.5)})])
    first, second = checkpoint.entries()
    assert (first.steps, second.steps, first.done, first.converged, first.damping) == (3, 5, True, False, 0.2)
    np.testing.assert_array_equal(first.point.shared, np.arange(3.0))
    assert [one.size for one in first.point.own] == [2, 0]
    assert first.state is None
    assert sorted(second.state) == ["cost", "matrix-0"]
    np.testing.assert_array_equal(second.state["matrix-0"], np.eye(2))
    assert float(second.state["cost"]) == 3.5
    assert [one.name for one in tmp_path.iterdir()] == ["fit.npz"]
    checkpoint.clear()
    checkpoint.clear()
    assert checkpoint.entries() == []


def test_a_checkpoint_of_another_key_or_a_damaged_one_is_not_used(tmp_path):
    path = tmp_path / "fit.npz"
    Checkpoint(path, "one").write([entry()])
    assert Checkpoint(path, "other").entries() == []
    path.write_bytes(path.read_bytes()[:60])
    assert Checkpoint(path, "one").entries() == []
    path.write_text("no archive")
    assert Checkpoint(path, "one").entries() == []
    np.savez(path, about=np.array("no json"))
    assert Checkpoint(path, "one").entries() == []


def test_a_diary_gives_every_minimisation_its_entry():
    seen = []
    diary = Diary([entry()], lambda entries: seen.append([one.steps for one in entries]))
    assert diary.begin(entry(0)).steps == 3
    assert diary.begin(entry(0)).steps == 0
    diary.write(entry(7))
    assert seen == [[3, 7]]
