"""Periodic coherency strain: laminates, a circle, derivatives, planes and refusals."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.phasefield.elasticity import Crystal, Periodic, Stiffness, coherency_energy, misfit_tensor
from lithiscope.phasefield.geometry import pixels
from truth.elastic_truth import FEPO4, FEPO4_MISFIT, ball, circle_in_cubic, crystal


def grid(shape, spacing=1.0):
    return pixels(np.ones(shape, bool), spacing, periodic=True, surface="nowhere")


def penalty(normal):
    return float(coherency_energy(np.array(normal, float), FEPO4.tensor, misfit_tensor(FEPO4_MISFIT)))


@pytest.mark.parametrize(("axis", "normal"), [(0, [0, 0, 1]), (1, [0, 1, 0]), (2, [1, 0, 0])])
def test_laminates_cost_exactly_half_the_penalty_of_their_normal(axis, normal):
    geometry = grid((8, 6, 10))
    layers = np.moveaxis(np.zeros(geometry.shape), axis, 0)
    layers[: layers.shape[0] // 2] = 1.0
    x = jnp.asarray(np.moveaxis(layers, 0, axis))
    energy = Periodic(crystal(), geometry).energy(x, geometry)
    # Half of the cells differ by 1/2 from the mean, and the other half too: sum (x - mean)^2 = cells/4.
    assert float(energy) == pytest.approx(0.5 * penalty(normal) * x.size / 4, rel=1e-12)


def test_a_diagonal_laminate_on_oblong_cells():
    geometry = grid((16, 16), (2.0, 1.0))
    y, x = np.indices(geometry.shape)
    wave = jnp.asarray(np.cos(2 * np.pi * (x + y) / 16))
    periodic = Periodic(crystal(axes="bca", plane="strain"), geometry)
    # Along c the cells are twice as long, so the normal is (1 along a, 1/2 along c).
    assert float(periodic.energy(wave, geometry)) == pytest.approx(0.5 * penalty([1, 0, 0.5]) * 128, rel=1e-12)


def test_the_shortest_waves_take_the_mean_of_both_directions():
    turned = np.array([[1, 0, 0], [0, 0.8, 0.6], [0, -0.6, 0.8]]) @ np.array([[0, 1, 0], [0, 0, 1.0], [1, 0, 0]])
    geometry = grid((4, 4))
    periodic = Periodic(crystal(axes=turned, plane="strain"), geometry)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4)))
    mirror = jax.grad(periodic.energy)(x, geometry)
    # Only if the Fourier coefficients of B belong to a real symmetric matrix is the slope of x.Bx/2 equal to B x.
    assert np.asarray(mirror) == pytest.approx(np.asarray(periodic.potential(x, geometry)), abs=1e-14)


def test_a_circle_reaches_the_infinite_body():
    cells, radius = 256, 20.0
    geometry = grid((cells, cells))
    solid = crystal(Stiffness.cubic(C11=250.0, C12=150.0, C44=100.0), (0.005, 0.005, 0.0), plane="strain", axes="cba")
    mask = ball(cells, 2, radius)
    energy = float(Periodic(solid, geometry).energy(jnp.asarray(mask, float), geometry))
    share = mask.mean()
    # A relaxed box spares the mean, a share of the area; what is left of its images falls with the fourth power.
    assert energy / (1 - share) == pytest.approx(circle_in_cubic(radius, 250.0, 150.0, 100.0, 0.005), rel=0.01)


def test_plane_stress_costs_less_than_plane_strain_and_both_match_their_formulas():
    geometry = grid((6, 12))
    wave = jnp.asarray(np.cos(2 * np.pi * np.indices(geometry.shape)[1] / 12))
    young, poisson = 90.0, 0.25
    solid = Stiffness.isotropic(young=young, poisson=poisson)
    energies = [
        float(Periodic(crystal(solid, (0.01,) * 3, plane=plane), geometry).energy(wave, geometry))
        for plane in ("stress", "strain")
    ]
    assert energies[0] == pytest.approx(0.25 * 72 * young * 1e-4, rel=1e-12)
    assert energies[1] == pytest.approx(0.25 * 72 * 2 * young * 1e-4 / (1 - poisson), rel=1e-12)


@pytest.mark.parametrize("shape", [(5, 8), (4, 6, 5)])
def test_potential_is_the_derivative_and_has_no_mean(shape):
    geometry = grid(shape)
    periodic = Periodic(crystal(plane="stress" if len(shape) == 2 else None), geometry)
    random = np.random.default_rng(3)
    x, change = jnp.asarray(random.uniform(size=shape)), random.normal(size=shape)
    step = 1e-4
    slope = (periodic.energy(x + step * change, geometry) - periodic.energy(x - step * change, geometry)) / (2 * step)
    potential = eqx.filter_jit(periodic.potential)(x, geometry)
    # The energy is quadratic, so the central difference is exact to round-off over the step.
    assert float(jnp.sum(potential * change)) == pytest.approx(float(slope), rel=1e-8)
    assert abs(float(potential.mean())) < 1e-15
    # On many compositions at once.
    many = jax.vmap(lambda one: periodic.potential(one, geometry))(jnp.stack([x, 2 * x]))
    assert np.asarray(many[1]) == pytest.approx(2 * np.asarray(potential), abs=1e-14)


def test_units_are_those_of_the_engine():
    geometry = grid((8, 8, 8))
    wave = jnp.asarray(np.cos(2 * np.pi * np.indices(geometry.shape)[2] / 8))
    real = Periodic(crystal(site_density=1.3793e28, temperature=298.15), geometry).energy(wave, geometry)
    unit = 1.3793e28 * 1.380649e-23 * 298.15 / 1e9  # rho_s kT is 0.05678 GPa, as in B = 3.37 for 0.1916 GPa
    assert float(real) == pytest.approx(0.25 * 512 * penalty([1, 0, 0]) / unit, rel=1e-12)


def test_the_energy_can_be_differentiated_by_the_misfit():
    geometry = grid((6, 6))
    x = jnp.asarray(np.random.default_rng(4).uniform(size=(6, 6)))

    def energy(scale):
        misfit = scale * jnp.asarray(FEPO4_MISFIT)
        solid = Crystal(FEPO4, misfit, site_density=1e28, temperature=300.0, axes="bca", plane="stress")
        return Periodic(solid, geometry).energy(x, geometry)

    assert float(jax.grad(energy)(1.0)) == pytest.approx(2 * float(energy(1.0)), rel=1e-10)


def test_refusals_say_why():
    island = np.zeros((8, 8), bool)
    island[2:6, 2:6] = True
    flat = crystal(plane="stress")
    with pytest.raises(OptionError, match="open across every edge"):
        Periodic(flat, pixels(island, 1.0))
    with pytest.raises(OptionError, match="thickness"):
        Periodic(crystal(), grid((8, 8)))
    with pytest.raises(OptionError, match="thickness"):
        Periodic(flat, grid((4, 4, 4)))
    with pytest.raises(OptionError, match="another grid"):
        Periodic(flat, grid((8, 8))).check(grid((8, 9)))
