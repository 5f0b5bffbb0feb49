"""Particles worked on by processes: the same numbers."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.learning import LearnOptions, cluster, learn, processes
from lithiscope.learning.cases import Priors
from lithiscope.learning.fit import Point, Task, block_of, tasks_of, with_steps
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.setup import particles_of, setup_of
from lithiscope.learning.workers import side_by_side


def test_no_process_is_refused() -> None:
    with pytest.raises(OptionError, match="needs a process"), processes(0):
        pass


def test_processes_give_what_the_work_gives_in_order() -> None:
    with processes(2) as mapper:
        assert list(mapper(abs, [-3, 2, -1])) == [3, 2, 1]


def _threads(size: int) -> float:
    """Return how many cores are busy while large matrices are multiplied."""
    import time

    import jax.numpy as jnp

    product = jax.jit(lambda a: a @ a)
    one = jnp.ones((size, size))
    product(one).block_until_ready()
    wall, busy = time.perf_counter(), time.process_time()
    for _ in range(5):
        one = product(one / size).block_until_ready()
    return (time.process_time() - busy) / (time.perf_counter() - wall)


def test_a_process_uses_one_core() -> None:
    with processes(1) as mapper:
        (cores,) = mapper(_threads, [1500])
    assert cores < 1.2


@pytest.fixture(scope="module")
def videos() -> list[Any]:
    mask = ellipse(6, 5)
    return [
        experiment(mask, field(mask, 0.5, seed), exchange_current=0.1, sigma=0.05, frames=3, seed=seed)
        for seed in (1, 2)
    ]


@pytest.fixture(scope="module")
def tasks(videos: list[Any]) -> list[Task]:
    options = LearnOptions(field_modes=6, initial_modes=3, thickness=150.0)
    setup = setup_of(videos, half_cycles(videos), options)
    particles = particles_of(setup, Priors())
    return tasks_of(particles, Point(np.zeros(setup.layout.shared), tuple(np.zeros(one.own) for one in particles)))


def test_a_task_goes_to_a_process_and_back(tasks: list[Task]) -> None:
    there = pickle.loads(pickle.dumps(tasks[0]))
    assert jax.tree.structure(there) == jax.tree.structure(tasks[0])  # so that what is compiled serves again
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(there), jax.tree.leaves(tasks[0]), strict=True))


def test_a_trial_so_far_off_that_there_is_no_such_model_is_one_that_cannot_follow(tasks: list[Task]) -> None:
    particle, z = tasks[0]
    far = z.copy()
    far[particle.program.unknowns[0].size] = 1e6  # a term of mu(x), in deviations of some kT
    assert with_steps(particle, particle.cases[0], far[particle.places()[0]]) is None


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


@pytest.fixture
def address() -> Iterator[str]:
    """A Dask cluster of two workers in this process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as local:
        yield local.scheduler_address


def test_a_cluster_gives_what_the_work_gives_in_order(address: str) -> None:
    with cluster(address) as mapper:
        assert list(mapper(abs, iter([-3, 2, -1]))) == [3, 2, 1]
        assert list(mapper(abs, [])) == []
        with pytest.raises(ZeroDivisionError):
            mapper(lambda one: 1 / one, [1, 0])
        # 32 MB, of which Dask would warn; and a tuple that begins with a function is no call.
        assert list(mapper(np.sum, [np.ones(2_000_000)] * 2)) == [2e6, 2e6]
        assert list(mapper(len, [(abs, -1)])) == [2]


@pytest.mark.long
def test_a_cluster_learns_the_same_to_the_last_digit(videos: list[Any], address: str) -> None:
    options = LearnOptions(
        unknowns=("rate_field", "exchange_level"), field_modes=6, initial_modes=2, rate_spread=0.0, thickness=150.0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        here = learn(videos, options)
        with side_by_side(address=address) as mapper:
            there = learn(videos, options, mapper=mapper)
    for path in ("/laws", "/particle/0_1", "/particle/1_1"):
        for name, values in here[path].data_vars.items():
            np.testing.assert_array_equal(there[path][name].values, values.values, err_msg=f"{path} {name}")


def test_a_cluster_that_does_not_answer_is_told() -> None:
    with pytest.raises(OptionError, match="no scheduler answers") as caught, cluster("tcp://127.0.0.1:9", patience=1):
        pass
    assert caught.value.value == "tcp://127.0.0.1:9"
    assert "dask scheduler" in str(caught.value.remedy)
    with pytest.raises(OptionError, match="no scheduler answers"), cluster("no address", patience=1):
        pass


def test_a_cluster_without_workers_is_told() -> None:
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="tcp") as local,
        pytest.raises(OptionError, match="no worker"),
        cluster(local.scheduler_address, patience=0.2),
    ):
        pass


def test_a_cluster_needs_distributed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OptionError, match="not installed") as caught, cluster("tcp://127.0.0.1:8786"):
        pass
    assert "lithiscope[cluster]" in str(caught.value.remedy)


def test_work_goes_to_one_place() -> None:
    with side_by_side() as mapper:
        assert mapper is map
    with side_by_side(1) as mapper:
        assert list(mapper(abs, [-1])) == [1]
    with pytest.raises(OptionError, match="not to both"), side_by_side(2, "tcp://127.0.0.1:8786"):
        pass
