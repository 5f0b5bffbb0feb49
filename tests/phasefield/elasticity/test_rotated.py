"""The rotated scheme: exact on linear displacements, its transpose, and the operator that inverts it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.phasefield.elasticity.rotated import (
    force_of,
    green_operator,
    packed_stiffness,
    packed_strain,
    pairs,
    strain_of,
)
from truth.elastic_truth import FEPO4, crystal


@pytest.mark.parametrize(("shape", "spacing"), [((6, 5), (1.0, 2.0)), ((4, 6, 5), (0.5, 1.0, 2.0))])
def test_a_linear_displacement_has_its_own_strain(shape, spacing):
    ndim = len(shape)
    slope = np.random.default_rng(0).normal(size=(ndim, ndim))
    corners = np.stack([n * step for n, step in zip(np.indices(shape), spacing, strict=True)])
    strain = np.asarray(strain_of(jnp.asarray(np.tensordot(slope, corners, 1)), spacing))
    inside = strain[(slice(None), *[slice(0, -1)] * ndim)]
    expected = np.asarray(packed_strain(jnp.asarray((slope + slope.T) / 2)))
    assert inside == pytest.approx(np.broadcast_to(expected.reshape(-1, *[1] * ndim), inside.shape), abs=1e-12)


@pytest.mark.parametrize(("shape", "ndim"), [((5, 6), 2), ((5, 6), 3), ((4, 3, 5), 3)])
def test_forces_are_the_transpose_of_strains(shape, ndim):
    random = np.random.default_rng(1)
    spacing = (0.7, 1.3, 0.9)[: len(shape)]
    u = jnp.asarray(random.normal(size=(ndim, *shape)))
    stress = jnp.asarray(random.normal(size=(len(pairs(ndim)), *shape)))
    work = float(jnp.sum(stress * strain_of(u, spacing)))
    assert float(jnp.sum(force_of(stress, ndim, spacing) * u)) == pytest.approx(work, rel=1e-12)


@pytest.mark.parametrize("shape", [(6, 8), (5, 7), (4, 6, 5)])
def test_the_green_operator_inverts_a_uniform_medium(shape):
    spacing = (0.7, 1.3, 0.9)[: len(shape)]
    tensor, _ = crystal(plane="stress" if len(shape) == 2 else None).on_grid()
    ndim, axes = tensor.shape[0], tuple(range(1, len(shape) + 1))
    stiffness, green = packed_stiffness(tensor), green_operator(tensor, shape, spacing)

    def medium(u):
        return force_of(jnp.tensordot(stiffness, strain_of(u, spacing), 1), ndim, spacing)

    load = medium(jnp.asarray(np.random.default_rng(2).normal(size=(ndim, *shape))))
    u = jnp.fft.irfftn(jnp.sum(green * jnp.fft.rfftn(load, axes=axes), 1), s=shape, axes=axes)
    assert np.asarray(medium(u)) == pytest.approx(np.asarray(load), abs=1e-11 * float(jnp.abs(load).max()))


def test_packing_keeps_the_energy():
    strain = np.random.default_rng(3).normal(size=(3, 3))
    strain = jnp.asarray(strain + strain.T)
    packed = packed_strain(strain)
    energy = float(jnp.einsum("ij,ijkl,kl->", strain, FEPO4.tensor, strain))
    assert float(packed @ packed_stiffness(FEPO4.tensor) @ packed) == pytest.approx(energy, rel=1e-13)
