"""One particle whose numbers settle while the laws are held."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from learning.toys import COUNT, Toy, block, cost
from lithiscope.learning import fit as fitting
from lithiscope.learning import settling
from lithiscope.learning.arrowhead import Block
from lithiscope.learning.fit import Fit, Point, Task, joined, without
from lithiscope.learning.settling import settled

_DATA = 1.3 * np.random.default_rng(5).standard_normal(COUNT)


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "block_of", block)
    monkeypatch.setattr(settling, "cost_of", cost)
    monkeypatch.setattr(fitting, "cost_of", cost)


def _task(weights: Any = None, law: float = 0.3) -> Task:
    particle: Any = Toy(_DATA, weights)
    return Task(particle, np.r_[law, np.zeros(COUNT)])


def test_a_field_is_at_its_best_for_the_law() -> None:
    found = settled(_task(), 1e-9)
    assert found is not None
    # Linear in the field: data over exp(-a), shrunk by the prior of one.
    seen = np.exp(-0.3)
    assert found.own == pytest.approx(seen * _DATA / (seen**2 + 0.1**2), rel=1e-6)
    assert found.height == pytest.approx(found.cost + 0.5 * float(found.own @ found.own))


def test_its_weight_stays_where_it_is_best() -> None:
    found = settled(_task((1.0,)), 1e-6)
    assert found is not None
    again = settled(Task(found.particle, np.r_[0.3, found.own]), 1e-6)
    assert again is not None
    assert again.particle.weights == pytest.approx(found.particle.weights, rel=1e-3)


def test_steps_that_bring_less_than_matters_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    # In a valley that bends, each step promises much and brings little.
    begin, brought = settled(_task(), 1e9), iter(range(1000))
    assert begin is not None
    count = iter(range(1000))

    def found(task: Any, **_: Any) -> Any:
        return begin._replace(own=task.z[1:], cost=100.0 - 0.2 * next(count) - begin.particle.prior(task.z[1:])[0])

    monkeypatch.setattr(settling, "_found", found)
    monkeypatch.setattr(settling, "_step", lambda *_: (np.zeros(COUNT), 10.0))
    monkeypatch.setattr(settling, "cost_of", lambda _: -1e3 - 0.2 * next(brought))
    rough = settled(_task(), 5.0)
    assert rough is not None
    assert rough.height == pytest.approx(100.0 - 0.2 * 8)  # eight steps brought 1.6 of the 2.5 that matter
    # They do matter where a fiftieth of that is enough.
    assert settled(_task(), 0.1) is None


def test_where_a_step_is_too_long_a_shorter_one_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []

    def walled(task: Any) -> float:
        tried.append(float(np.abs(task.z[1:]).max()))
        return cost(task) if len(tried) > 3 else np.inf

    monkeypatch.setattr(settling, "cost_of", walled)
    found = settled(_task(), 1e-6)
    assert found is not None
    assert tried[0] > tried[1] > tried[2] > tried[3]


def test_a_model_that_cannot_follow_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "block_of", lambda *_, **__: None)
    assert settled(_task(), 0.1) is None


def test_fits_of_some_particles_and_of_others_are_one_fit_again() -> None:
    point = Point(np.array([0.3]), tuple(np.full(COUNT, 0.1 * n) for n in range(4)))
    particles: Any = [Toy(_DATA + n) for n in range(4)]
    found = [block(Task(one, np.r_[point.shared, own])) for one, own in zip(particles, point.own, strict=True)]
    blocks: list[Block] = [one[0] for one in found]
    laws = np.array([[2.0]])
    fit = replace(Fit(point, blocks, particles, sum(one[1] for one in found), 3, converged=True), laws=laws)
    left, rest = without(fit, [1, 3])
    assert left == [0, 2]
    assert rest.cost == pytest.approx(found[0][1] + found[2][1])
    gone, other = without(fit, left)
    whole = joined(left, rest, gone, other)
    assert [own[0] for own in whole.point.own] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert whole.particles == particles
    assert all(one is two for one, two in zip(whole.blocks, blocks, strict=True))
    assert whole.cost == pytest.approx(fit.cost)
    assert whole.laws is laws
