"""No elasticity, and the penalty for leaving the mean of the particle."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.phasefield.elasticity import Coherent, NoElasticity
from lithiscope.phasefield.geometry import pixels


@pytest.fixture
def two_particles():
    label = np.zeros((8, 12), int)
    label[1:7, 1:5] = 1
    label[2:6, 7:11] = 2
    return pixels(label > 0, 1.0, label=label)


@pytest.fixture
def x():
    return jnp.asarray(np.random.default_rng(0).uniform(0.1, 0.9, (8, 12)))


def test_none_costs_nothing(two_particles, x):
    none = NoElasticity()
    none.check(two_particles)
    assert float(none.energy(x, two_particles)) == 0
    assert not np.any(none.potential(x, two_particles))


def test_each_particle_is_measured_by_its_own_mean(two_particles, x):
    coherent = Coherent(3.37)
    coherent.check(two_particles)
    values, label = np.asarray(x), two_particles.label.values
    expected = sum(3.37 / 2 * np.sum((values[label == n] - values[label == n].mean()) ** 2) for n in (1, 2))
    assert float(coherent.energy(x, two_particles)) == pytest.approx(expected, rel=1e-13)
    apart = jnp.asarray(np.where(label == 1, 0.2, 0.8))
    assert float(coherent.energy(apart, two_particles)) == pytest.approx(0, abs=1e-28)


def test_the_potential_is_the_derivative_of_the_energy(two_particles, x):
    coherent = Coherent(3.37)
    slope = jax.grad(coherent.energy)(x, two_particles)
    assert np.asarray(slope) == pytest.approx(np.asarray(coherent.potential(x, two_particles)), abs=1e-13)
    assert float(jax.grad(lambda one: one.energy(x, two_particles))(coherent).penalty) > 0


def test_single_precision_stays(two_particles, x):
    single = jax.tree.map(lambda values: values.astype(jnp.float32), two_particles)
    assert Coherent(1.0).potential(x.astype(jnp.float32), single).dtype == jnp.float32
