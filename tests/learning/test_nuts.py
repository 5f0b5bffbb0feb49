"""The sampler on densities whose moments are known."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.learning.chains import effective, r_hat
from lithiscope.learning.nuts import begun, drawn
from lithiscope.learning.sampling import Chains, run
from lithiscope.progress import SILENT

MEAN = np.array([0.5, -1.0, 0.0, 2.0])
ROOT = np.array([[1.0, 0, 0, 0], [0.8, 0.5, 0, 0], [0, 0, 0.3, 0], [0.2, -0.4, 0.1, 1.5]])
COVARIANCE = ROOT @ ROOT.T
SURE = 4.5  # standard errors: one in 150,000 by chance, and fifteen are asked for


def normal(z: np.ndarray) -> tuple[float, np.ndarray]:
    slope = np.linalg.solve(COVARIANCE, z - MEAN)
    return 0.5 * float((z - MEAN) @ slope), slope


BEND, NARROW = 0.5, 0.6


def banana(z: np.ndarray) -> tuple[float, np.ndarray]:
    """z1 is normal; z2 is normal about BEND (z1^2 - 1), with a deviation of NARROW."""
    off = (z[1] - BEND * (z[0] ** 2 - 1)) / NARROW
    slope = np.array([z[0] - 2 * BEND * z[0] * off / NARROW, off / NARROW])
    return 0.5 * float(z[0] ** 2 + off**2), slope


def half(z: np.ndarray) -> tuple[float, np.ndarray]:
    """A normal density of which only the positive half is there."""
    return (0.5 * float(z @ z), z) if z[0] > 0 else (np.inf, np.zeros(1))


def of(density: Any, size: int, seed: int = 0, draws: int = 1000, **more: Any) -> Chains:
    return run(density, size, draws=draws, warm_up=200, chains=4, seed=seed, **more)


def is_mean(values: np.ndarray, expected: float) -> bool:
    """Whether the mean of some draws, shape (chain, draw), is the expected one, by its own standard error."""
    return bool(abs(values.mean() - expected) < SURE * values.std() / np.sqrt(effective(values)))


def test_a_normal_density_has_its_mean_and_covariance() -> None:
    found = of(normal, 4)
    z = found.z - MEAN
    assert found.diverged.sum() == 0
    # To what dual averaging settles; it aims at 0.8.
    assert 0.7 < found.accepted.mean() < 0.95
    for one in range(4):
        assert is_mean(z[:, :, one], 0.0)
        assert r_hat(z[:, :, one]) < 1.01
        for two in range(one + 1):
            assert is_mean(z[:, :, one] * z[:, :, two], COVARIANCE[one, two])


def test_a_bent_density_has_its_moments() -> None:
    z = of(banana, 2).z
    first, second = z[:, :, 0], z[:, :, 1]
    for values, expected in (
        (first, 0.0),
        (second, 0.0),
        (first**2, 1.0),
        (second**2, NARROW**2 + 2 * BEND**2),
        (first**2 * second, 2 * BEND),
        (second**3, 8 * BEND**3),  # the third moment of a chi-square of one degree of freedom is 8
    ):
        assert is_mean(values, expected)


def test_what_lies_behind_a_wall_is_never_drawn_and_is_told() -> None:
    found = of(half, 1)
    assert (found.z > 0).all()
    assert found.diverged.any()
    assert is_mean(found.z[:, :, 0], np.sqrt(2 / np.pi))


def test_the_same_seed_gives_the_same_draws_whatever_works_on_them() -> None:
    def backwards(work: Any, tasks: Any) -> list[Any]:
        return [work(task) for task in reversed(list(tasks))][::-1]

    one, same, other = of(normal, 4, draws=30), of(normal, 4, draws=30, mapper=backwards), of(normal, 4, 1, draws=30)
    assert np.array_equal(one.z, same.z)
    assert one.gradients == same.gradients
    assert not np.isin(one.z, other.z).any()
    # No two chains are the same.
    assert len(np.unique(one.z[:, 0, 0])) == 4


def test_rounds_are_one_run() -> None:
    chain = partial(begun, normal, np.zeros(4))
    whole, _ = drawn(normal, chain(np.random.default_rng(3)), 20, adapt=True)
    part, _ = drawn(normal, chain(np.random.default_rng(3)), 12, adapt=True)
    part, _ = drawn(normal, part, 8, adapt=True)
    assert part.step == whole.step
    assert np.array_equal(part.place.z, whole.place.z)
    # After the warm-up the step is its mean, and stays.
    settled, _ = drawn(normal, part, 1, adapt=False)
    assert settled.step == pytest.approx(np.exp(part.log_mean))
    assert drawn(normal, settled, 3, adapt=False)[0].step == settled.step


def test_the_gradients_are_counted() -> None:
    asked = 0

    def counted(z: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal asked
        asked += 1
        return normal(z)

    chain = begun(counted, np.zeros(4), np.random.default_rng(0))
    asked = 0
    _, found = drawn(counted, chain, 10, adapt=True)
    assert found.gradients == asked


def test_too_little_is_refused_and_progress_is_told() -> None:
    with pytest.raises(OptionError, match="draws"):
        of(normal, 4, draws=3)

    class Told:
        def __init__(self) -> None:
            self.words: list[str] = []
            self.track = SILENT.track

        def say(self, message: str) -> None:
            self.words.append(message)

    told = Told()
    of(normal, 4, draws=30, reporter=told)
    assert len(told.words) == 12  # rounds of 20 draws: ten of the warm-up, and two
    assert told.words[-1].startswith("draws: steps ")
