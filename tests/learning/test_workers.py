"""Particles worked on by processes: the same numbers."""

from __future__ import annotations

import pickle
from typing import Any

import jax
import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from lithiscope.errors import OptionError
from lithiscope.learning import LearnOptions, processes
from lithiscope.learning.cases import Priors
from lithiscope.learning.fit import Point, Task, block_of, tasks_of
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.setup import particles_of, setup_of


def test_no_process_is_refused() -> None:
    with pytest.raises(OptionError, match="needs a process"), processes(0):
        pass


def test_processes_give_what_the_work_gives_in_order() -> None:
    with processes(2) as mapper:
        assert list(mapper(abs, [-3, 2, -1])) == [3, 2, 1]


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    mask = ellipse(6, 5)
    videos = [
        experiment(mask, field(mask, 0.5, seed), exchange_current=0.1, sigma=0.05, frames=3, seed=seed)
        for seed in (1, 2)
    ]
    options = LearnOptions(field_modes=6, initial_modes=3, thickness=150.0)
    setup = setup_of(videos, half_cycles(videos), options)
    particles = particles_of(setup, Priors())
    return tasks_of(particles, Point(np.zeros(setup.layout.shared), tuple(np.zeros(one.own) for one in particles)))


def test_a_task_goes_to_a_process_and_back(tasks: list[Task]) -> None:
    there = pickle.loads(pickle.dumps(tasks[0]))
    assert jax.tree.structure(there) == jax.tree.structure(tasks[0])  # so that what is compiled serves again
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(there), jax.tree.leaves(tasks[0]), strict=True))


@pytest.mark.slow
@pytest.mark.long
def test_processes_give_the_same_numbers(tasks: list[Task]) -> None:
    here: list[Any] = [block_of(task) for task in tasks]
    with processes(2) as mapper:
        there: list[Any] = list(mapper(block_of, tasks))
    for one, other in zip(here, there, strict=True):
        assert other[1] == pytest.approx(one[1], rel=1e-12)
        assert np.allclose(other[0].gradient, one[0].gradient, rtol=1e-9, atol=1e-9)
        # In single precision, and sums over cells go by another order.
        assert np.allclose(other[0].matrix, one[0].matrix, rtol=1e-4, atol=1e-4 * np.abs(one[0].matrix).max())
