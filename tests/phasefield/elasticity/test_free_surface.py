"""Particles in a void: exact solutions, the limit of a full grid, derivatives, iterations and refusals."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.phasefield.elasticity import FreeSurface, Periodic
from lithiscope.phasefield.geometry import pixels, smoothed
from truth.elastic_truth import ball, crystal, disc_in_free_disc, isotropic_crystal, sphere_in_free_sphere


@eqx.filter_jit
def solved(body, x, geometry, start=None):
    """Return equilibrium, energy and potential; one program, so that tests on the same grid compile once."""
    relaxed = body.relax(x, geometry, start)
    return relaxed, body.energy_of(x, geometry, relaxed), body.potential_of(x, geometry, relaxed)


def disc(cells, ndim=2, share=0.8):
    return pixels(ball(cells, ndim, share * cells / 2), 1.0, surface="nowhere")


def composition(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).uniform(0.1, 0.9, shape))


def sharp(geometry, **options):
    """Return a body of FePO4 solved far below what the tests ask."""
    return FreeSurface(crystal(plane="stress" if geometry.ndim == 2 else None), geometry, tolerance=1e-10, **options)


def test_a_swollen_disc_in_a_free_disc():
    errors, counts = [], []
    for cells in (64, 128):
        geometry = disc(cells)
        core = ball(cells, 2, 0.2 * cells)
        body = FreeSurface(isotropic_crystal("stress"), geometry)
        relaxed, energy, potential = solved(body, jnp.asarray(core, float), geometry)
        inner, outer = np.sqrt(core.sum() / np.pi), np.sqrt(np.sum(geometry.inside) / np.pi)
        errors.append(abs(float(energy) / disc_in_free_disc(inner, outer) - 1))
        counts.append(int(relaxed.iterations))
    # A stepped interface is known to half a cell, so the error falls with the cell and is a fraction of cell/radius.
    assert errors[1] < 0.01
    assert errors[1] < 0.75 * errors[0]
    assert max(counts) < 2 * min(counts) < 60
    # Lame: the same pressure everywhere inside, E e0/2 (1 - (a/b)^2); outside the trace of the stress is E e0 (a/b)^2.
    share, unit, values = (inner / outer) ** 2, 100.0 * 0.01**2, np.asarray(potential)
    middle, ring = ball(cells, 2, 0.15 * cells), ball(cells, 2, 0.35 * cells) & ~ball(cells, 2, 0.25 * cells)
    assert values[middle].mean() == pytest.approx(unit * (1 - share), rel=0.01)
    assert values[ring].mean() == pytest.approx(-unit * share, rel=0.02)
    assert not values[np.asarray(geometry.inside) == 0].any()


def test_a_swollen_sphere_in_a_free_sphere():
    errors, counts = [], []
    for cells in (16, 32):
        geometry = disc(cells, 3)
        core = ball(cells, 3, 0.25 * cells)
        relaxed, energy, _ = solved(FreeSurface(isotropic_crystal(), geometry), jnp.asarray(core, float), geometry)
        inner, outer = np.cbrt(np.array([core.sum(), np.sum(geometry.inside)]) * 3 / 4 / np.pi)
        errors.append(abs(float(energy) / sphere_in_free_sphere(inner, outer) - 1))
        counts.append(int(relaxed.iterations))
    assert errors[1] < 0.05
    assert errors[1] < 0.75 * errors[0]
    assert max(counts) < 2 * min(counts) < 80


def test_a_full_grid_approaches_the_periodic_result_with_order_two():
    errors = []
    for cells in (16, 32):
        geometry = pixels(np.ones((cells, cells), bool), 1 / cells, periodic=True, surface="nowhere")
        y, x = 2 * np.pi * (np.indices(geometry.shape) + 0.5) / cells
        wave = jnp.asarray(0.5 + 0.2 * np.cos(x + 2 * y) + 0.1 * np.sin(3 * x))
        body, exact = (kind(crystal(axes="bca", plane="strain"), geometry) for kind in (FreeSurface, Periodic))
        errors.append(float(solved(body, wave, geometry)[1] / exact.energy(wave, geometry)) - 1)
    assert abs(errors[1]) < 0.02
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize(("ndim", "plane"), [(2, "stress"), (2, "strain"), (3, None)])
def test_homogeneous_misfit_costs_nothing_and_the_potential_is_the_derivative(ndim, plane):
    geometry = disc(10, ndim)
    body = FreeSurface(crystal(plane=plane), geometry, tolerance=1e-10)
    relaxed, energy, potential = solved(body, even := jnp.full(geometry.shape, 0.7), geometry)
    clamped = body.energy_of(even, geometry, jax.tree.map(jnp.zeros_like, relaxed))
    # The energy falls with the square of the tolerance.
    assert float(energy) < 1e-16 * float(clamped)
    assert float(jnp.abs(potential).max()) < 1e-7
    x, change = composition(geometry.shape), composition(geometry.shape, 1) - 0.5
    ends = [solved(body, x + way * 1e-3 * change, geometry)[1] for way in (1, -1)]
    potential = solved(body, x, geometry)[2]
    # The energy is quadratic: the central difference has no error but round-off and the tolerance.
    assert float(geometry.total(potential * change)) == pytest.approx(float(ends[0] - ends[1]) / 2e-3, rel=1e-7)
    gradient = jax.jit(jax.grad(lambda one: body.energy(one, geometry)))(x)
    expected = np.asarray(geometry.inside * potential)
    assert np.asarray(gradient) == pytest.approx(expected, abs=1e-8 * np.abs(expected).max())


def test_a_smoothed_particle():
    geometry = smoothed(ball(24, 2, 8.0), 1.0)
    body = sharp(geometry)
    x, change = composition(geometry.shape), composition(geometry.shape, 1) - 0.5
    ends = [solved(body, x + way * 1e-3 * change, geometry)[1] for way in (1, -1)]
    relaxed, _, potential = solved(body, x, geometry)
    assert float(geometry.total(potential * change)) == pytest.approx(float(ends[0] - ends[1]) / 2e-3, rel=1e-6)
    assert int(relaxed.iterations) < 60


def test_second_derivatives_and_many_compositions():
    geometry = disc(10)
    body = sharp(geometry)
    x, change = composition(geometry.shape), composition(geometry.shape, 1) - 0.5

    def potential(one):
        return body.potential(one, geometry)

    tangent = jax.jit(lambda one, way: jax.jvp(potential, (one,), (way,))[1])(x, change)
    # The potential is linear in x.
    both = jax.jit(jax.vmap(potential))(jnp.stack([x, x + change]))
    assert np.asarray(tangent) == pytest.approx(np.asarray(both[1] - both[0]), abs=1e-7)
    weight = composition(geometry.shape, 2)
    pulled = jax.jit(jax.grad(lambda one: jnp.sum(weight * potential(one))))(x)
    assert float(jnp.sum(pulled * change)) == pytest.approx(float(jnp.sum(weight * tangent)), rel=1e-7)
    curvature = jax.jit(jax.grad(lambda one: jnp.sum(change * jax.grad(body.energy)(one, geometry))))(x)
    assert np.asarray(curvature) == pytest.approx(np.asarray(geometry.inside * tangent), abs=1e-7)


def test_the_energy_knows_its_crystal():
    geometry = disc(10)
    body = sharp(geometry)
    x = composition(geometry.shape)
    value, slope = eqx.filter_jit(eqx.filter_value_and_grad(lambda one: one.energy(x, geometry)))(body)
    misfit, voigt = body.crystal.misfit, body.crystal.stiffness.voigt
    # Homogeneous functions (Euler): of degree 2 in the misfit, of degree 1 in the stiffness.
    assert float(jnp.sum(slope.crystal.misfit * misfit)) == pytest.approx(2 * float(value), rel=1e-8)
    assert float(jnp.sum(slope.crystal.stiffness.voigt * voigt)) == pytest.approx(float(value), rel=1e-8)


def test_a_good_guess_saves_iterations_and_changes_nothing():
    geometry = disc(10)
    body = sharp(geometry)
    x = composition(geometry.shape)
    cold, _, potential = solved(body, x, geometry)
    near = x + 1e-4 * (composition(geometry.shape, 1) - 0.5)
    warm, _, moved = solved(body, near, geometry, cold)
    assert int(warm.iterations) < 0.8 * int(cold.iterations)
    assert np.asarray(moved) == pytest.approx(np.asarray(solved(body, near, geometry)[2]), abs=1e-7)
    assert int(solved(body, x, geometry, cold)[0].iterations) <= 1
    assert not np.allclose(potential, moved, atol=1e-7)


def test_particles_strain_apart():
    label = np.zeros((14, 24), int)
    label[2:10, 2:10] = 1
    label[4:12, 13:21] = 2
    geometry = pixels(label > 0, 1.0, label=label, surface="nowhere")
    body, x = sharp(geometry), composition(label.shape)
    other = jnp.where(label == 2, composition(label.shape, 1), x)
    first, second = (np.asarray(solved(body, one, geometry)[2]) for one in (x, other))
    assert first[label == 1] == pytest.approx(second[label == 1], abs=1e-8 * np.abs(first).max())
    assert not np.allclose(first[label == 2], second[label == 2])


def test_no_equilibrium_is_no_number():
    geometry = disc(12)
    _, energy, potential = solved(sharp(geometry, most_iterations=2), composition(geometry.shape), geometry)
    assert np.isnan(float(energy))
    assert np.isnan(np.asarray(potential)[np.asarray(geometry.inside) > 0]).all()


def refused(geometry, plane="stress"):
    with pytest.raises(OptionError) as caught:
        FreeSurface(crystal(plane=plane), geometry)
    return str(caught.value)


def test_refusals_say_why():
    mask = np.zeros((10, 10), bool)
    mask[2:8, :] = True
    assert "empty layer" in refused(pixels(mask, 1.0, surface="nowhere"))
    FreeSurface(crystal(plane="stress"), pixels(mask, 1.0, surface="nowhere", periodic=(False, True)))
    label = np.zeros((10, 10), int)
    label[2:5, 2:5], label[5:8, 5:8] = 1, 2
    assert "share a corner" in refused(pixels(label > 0, 1.0, label=label, surface="nowhere"))
    label[5, 5:8] = 0
    assert "one length" in refused(pixels(label > 0, 1.0, label=label, surface="nowhere"), "strain")
    assert "thickness" in refused(disc(8), None)
    with pytest.raises(OptionError, match="another grid"):
        FreeSurface(crystal(plane="stress"), disc(8)).check(disc(10))
