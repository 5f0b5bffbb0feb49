"""The blur of the pictures in the model."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lithiscope.errors import OptionError
from lithiscope.learning import LearnOptions
from lithiscope.learning.blur import blurred
from lithiscope.learning.cases import Priors
from lithiscope.learning.fit import Particle, with_steps
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.setup import particles_of, setup_of
from lithiscope.verification.virtual_learning import THICKNESS, Truth

_UNKNOWNS = ("rate_field", "exchange_current", "chemical_potential", "frame_blur")


def test_a_spot_in_the_middle_is_that_of_scipy() -> None:
    maps = np.random.default_rng(0).random((30, 24))
    flat = jnp.asarray(maps.ravel()[:, None])
    found = np.asarray(blurred(flat, jnp.ones(maps.size), maps.shape, (40.0, 50.0), 60.0)).reshape(maps.shape)
    expected = gaussian_filter(maps, (60 / 40, 60 / 50), truncate=8)
    # Away from the sides, of which scipy makes something else, by eight widths or 1e-14 of the spot.
    assert found[12:-12, 10:-10] == pytest.approx(expected[12:-12, 10:-10], abs=1e-12)


def test_nothing_comes_from_outside() -> None:
    inside = np.zeros((9, 9))
    inside[2:7, 2:7] = 1.0
    maps = np.where(inside > 0, 0.3, 55.0)
    share = np.where(inside > 0, 1.0, 1e-30)
    for width in (1.0, 50.0, 400.0):
        found = blurred(jnp.asarray(maps.ravel()[:, None]), jnp.asarray(share.ravel()), (9, 9), (50.0, 50.0), width)
        assert np.asarray(found).ravel()[inside.ravel() > 0] == pytest.approx(0.3, abs=1e-12)
        assert np.isfinite(np.asarray(found)).all()


@pytest.fixture(scope="module")
def particle() -> Particle:
    options = LearnOptions(thickness=THICKNESS, blur=25.0, unknowns=_UNKNOWNS, field_modes=12, initial_modes=6)
    video = Truth(shape=(8, 7)).video(0)
    return particles_of(setup_of([video], half_cycles([video]), options), Priors())[0]


def test_gradient_and_matrix_know_the_blur(particle: Particle) -> None:
    program = particle.program
    z = 0.2 * np.random.default_rng(0).standard_normal(program.layout.size)
    case = with_steps(particle, particle.cases[0], jnp.asarray(z))
    assert case is not None
    place, step = program.layout.shared - 1, 1e-4
    assert [one.names[0] for one in program.unknowns][-1] == "frame blur"
    unit = np.zeros(len(z))
    unit[place] = step

    def residual(z: np.ndarray) -> np.ndarray:
        _, _, found = program.seen(case, jnp.asarray(z))
        return np.asarray(found).ravel()

    change = (residual(z + unit) - residual(z - unit)) / (2 * step)
    found = program.normal(case, jnp.asarray(z))
    # Differences of second order: relative errors of step squared, times some.
    assert float(found.gradient[place]) == pytest.approx(float(residual(z) @ change), rel=1e-5)
    assert float(found.matrix[place, place]) == pytest.approx(float(change @ change), rel=1e-5)
    field = program.layout.shared + 1
    along = np.zeros(len(z))
    along[field] = step
    other = (residual(z + along) - residual(z - along)) / (2 * step)
    # Changes of x are followed in single precision and to 0.5 %.
    assert float(found.matrix[field, field]) == pytest.approx(float(other @ other), rel=0.02)


def test_a_blur_without_a_start_is_refused() -> None:
    video = Truth(shape=(8, 7)).video(0)
    with pytest.raises(OptionError) as caught:
        setup_of([video], half_cycles([video]), LearnOptions(thickness=THICKNESS, unknowns=_UNKNOWNS))
    assert caught.value.field == "blur"
