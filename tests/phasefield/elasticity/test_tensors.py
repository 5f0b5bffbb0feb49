"""Constants, misfit and the energy of a boundary by its direction, against published numbers and exact formulas."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import OptionError
from lithiscope.phasefield.elasticity import Stiffness, coherency_energy, misfit_tensor, plane_stress, softest_direction
from lithiscope.phasefield.elasticity.tensors import inverse
from truth.elastic_truth import AVERAGE, AVERAGE_MISFIT, FEPO4, FEPO4_MISFIT, circle_in_cubic


@pytest.mark.parametrize(
    ("stiffness", "misfit", "penalty", "direction"),
    [(FEPO4, FEPO4_MISFIT, 0.1903, (0.887, 0, 0.462)), (AVERAGE, AVERAGE_MISFIT, 0.1234, (0.852, 0, 0.523))],
)
def test_the_softest_boundary_of_each_published_set(stiffness, misfit, penalty, direction):
    normal, energy = softest_direction(stiffness.tensor, misfit_tensor(misfit))
    # The published numbers are rounded to the digits written.
    assert energy == pytest.approx(penalty, abs=5e-5)
    assert np.abs(normal) == pytest.approx(direction, abs=5e-4)


def test_penalties_along_the_axes_of_the_averaged_set():
    energies = coherency_energy(np.eye(3), AVERAGE.tensor, misfit_tensor(AVERAGE_MISFIT))
    assert np.asarray(energies) == pytest.approx([0.188, 0.339, 0.592], abs=5e-4)


def test_swapped_off_diagonals_miss_the_published_penalty():
    swapped = Stiffness.orthorhombic(
        C11=175.9, C22=153.6, C33=135.0, C44=38.8, C55=47.5, C66=55.6, C12=29.6, C13=19.6, C23=54.0
    )
    assert abs(softest_direction(swapped.tensor, misfit_tensor(FEPO4_MISFIT))[1] - 0.1903) > 0.01


def test_an_isotropic_solid_has_the_same_penalty_everywhere():
    young, poisson, swelling = 120.0, 0.28, 0.02
    tensor = Stiffness.isotropic(young=young, poisson=poisson).tensor
    normals = np.random.default_rng(1).normal(size=(50, 3))
    energies = coherency_energy(normals, tensor, swelling * np.eye(3))
    assert np.asarray(energies) == pytest.approx(2 * young * swelling**2 / (1 - poisson), rel=1e-12)


def test_plane_stress_of_an_orthorhombic_crystal_is_the_textbook_reduction():
    c = np.asarray(FEPO4.voigt)
    # The first axis looks out of the plane here: a.
    tensor, misfit = plane_stress(FEPO4.tensor, misfit_tensor(FEPO4_MISFIT))
    assert float(tensor[0, 0, 0, 0]) == pytest.approx(c[1, 1] - c[0, 1] ** 2 / c[0, 0], rel=1e-14)
    assert float(tensor[0, 0, 1, 1]) == pytest.approx(c[1, 2] - c[0, 1] * c[0, 2] / c[0, 0], rel=1e-14)
    assert float(tensor[0, 1, 0, 1]) == pytest.approx(c[3, 3], rel=1e-14)
    assert np.asarray(misfit).tolist() == np.diag(FEPO4_MISFIT[1:]).tolist()


def test_plane_stress_of_an_isotropic_solid_has_youngs_modulus_as_penalty():
    tensor, misfit = plane_stress(Stiffness.isotropic(young=80.0, poisson=0.3).tensor, 0.01 * np.eye(3))
    assert float(coherency_energy(np.array([0.6, 0.8]), tensor, misfit)) == pytest.approx(80.0 * 1e-4, rel=1e-12)


def test_the_softest_direction_of_a_plane():
    tensor, misfit = plane_stress(FEPO4.tensor, misfit_tensor(FEPO4_MISFIT))
    normal, energy = softest_direction(tensor, misfit)
    angles = np.linspace(0, np.pi, 20001)
    everywhere = coherency_energy(np.stack([np.cos(angles), np.sin(angles)], -1), tensor, misfit)
    assert normal.shape == (2,)
    assert energy <= float(everywhere.min()) + 1e-12


def test_the_closed_form_of_a_circle_agrees_with_the_mean_over_directions():
    tensor = Stiffness.cubic(C11=250.0, C12=150.0, C44=100.0).tensor
    angles = np.linspace(0, np.pi, 720, endpoint=False)
    normals = np.stack([np.cos(angles), np.sin(angles), 0 * angles], -1)
    mean = float(np.mean(coherency_energy(normals, tensor, np.diag([0.005, 0.005, 0.0]))))
    exact = circle_in_cubic(20.0, 250.0, 150.0, 100.0, 0.005)
    assert exact == pytest.approx(np.pi * 400 / 2 * mean, rel=1e-12)
    assert exact == pytest.approx(3.2446, abs=5e-5)


def test_the_closed_form_of_a_circle_is_eshelbys_for_an_isotropic_solid():
    c = np.asarray(Stiffness.isotropic(young=100.0, poisson=0.25).voigt)
    # Eshelby, plane strain, swelling in the plane only: energy per area 4 mu (lambda + mu)/(lambda + 2 mu) e0^2 / 2.
    lame, shear, swelling = c[0, 1], c[3, 3], 0.005
    eshelby = np.pi * 400 * 2 * shear * (lame + shear) / (lame + 2 * shear) * swelling**2
    assert circle_in_cubic(20.0, c[0, 0], lame, shear, swelling) == pytest.approx(eshelby, rel=1e-12)


@given(st.floats(-np.pi, np.pi), st.floats(0.1, 10.0), st.floats(0.01, 100.0))
def test_rotation_length_and_scale_change_nothing_but_the_scale(angle, length, scale):
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    normal = np.array([0.3, -0.5, 0.81])
    tensor, misfit = np.asarray(FEPO4.tensor), np.diag(FEPO4_MISFIT)
    turned = np.einsum("ia,jb,kc,ld,abcd->ijkl", turn, turn, turn, turn, tensor)
    expected = scale * float(coherency_energy(normal, tensor, misfit))
    found = float(coherency_energy(length * turn @ normal, scale * turned, turn @ misfit @ turn.T))
    assert found == pytest.approx(expected, rel=1e-10)
    assert found >= 0


@pytest.mark.parametrize("ndim", [2, 3])
def test_inverse(ndim):
    matrices = np.random.default_rng(2).normal(size=(7, ndim, ndim)) + 3 * np.eye(ndim)
    assert np.asarray(inverse(matrices)) == pytest.approx(np.linalg.inv(matrices), rel=1e-10, abs=1e-12)


def test_the_penalty_can_be_differentiated_by_the_constants():
    @jax.jit
    def penalty(C11):
        return coherency_energy(np.array([1.0, 0, 0]), Stiffness.cubic(C11=C11, C12=60.0, C44=40.0).tensor, np.eye(3))

    slope = (penalty(150.001) - penalty(149.999)) / 0.002
    assert float(jax.jit(jax.grad(penalty))(150.0)) == pytest.approx(float(slope), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Stiffness(np.eye(5)), "stiffness"),
        (lambda: Stiffness(np.triu(np.ones((6, 6)))), "stiffness"),
        (lambda: Stiffness.cubic(C11=100.0, C12=150.0, C44=50.0), "stiffness"),
        (lambda: Stiffness.cubic(C11=np.nan, C12=50.0, C44=50.0), "stiffness"),
        (lambda: misfit_tensor([0.1, 0.2]), "misfit"),
        (lambda: misfit_tensor(np.triu(np.ones((3, 3)))), "misfit"),
    ],
)
def test_refusals_name_the_field(make, field):
    with pytest.raises(OptionError) as caught:
        make()
    assert caught.value.field == field
    assert caught.value.limit is not None
