"""The numbers of the built-in sets against those that the papers, and arithmetic on them, give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq, minimize

import lithiscope.materials
from lithiscope.laws import LFP_SITE_DENSITY, peak, spinodal
from lithiscope.materials import material, material_names

FILES = Path(lithiscope.materials.__file__).parent / "sets"
LFP = "lfp_cogswell_bazant_2012"


def coherency(normal: np.ndarray, stiffness: np.ndarray, misfit: np.ndarray) -> float:
    """B(n) = e0:C:e0 - n.s0.(n.C.n)^-1.s0.n, by plain sums over the tensor of rank four."""
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    c = np.zeros((3, 3, 3, 3))
    for row, (i, j) in enumerate(pairs):
        for column, (k, m) in enumerate(pairs):
            for p, q in {(i, j), (j, i)}:
                for r, s in {(k, m), (m, k)}:
                    c[p, q, r, s] = stiffness[row, column]
    e = np.diag(misfit)
    stress = np.einsum("ijkl,kl", c, e)
    n = normal / np.linalg.norm(normal)
    force = stress @ n
    return float(np.sum(stress * e) - force @ np.linalg.solve(np.einsum("i,ijkl,l", n, c, n), force))


def least_coherency(name: str) -> tuple[float, np.ndarray]:
    given = material(name)
    found = min(
        (
            minimize(coherency, start, args=(given.stiffness / 1e9, given.misfit), method="Nelder-Mead")
            for start in np.random.default_rng(1).normal(size=(6, 3))
        ),
        key=lambda result: result.fun,
    )
    return found.fun, np.abs(found.x / np.linalg.norm(found.x))


@pytest.mark.parametrize("name", material_names())
def test_every_set_loads_under_its_own_name_and_every_number_says_where_it_is_from(name):
    given = material(name)
    assert given.name == name == (given.file or Path()).stem
    assert len(given.numbers()) > 5
    for path, stated in given.numbers().items():
        assert len(stated.source) >= 3, path
        if stated.status == "published":
            assert stated.source.split(":")[0] in given.references, path
    assert all(reference.doi for reference in given.references.values())


@pytest.mark.parametrize("name", material_names())
def test_every_law_is_finite_where_the_set_holds(name):
    given = material(name)
    low, high = given.composition
    x = np.linspace(max(low, 0.01), min(high, 0.99), 301)
    for values in (
        given.equilibrium_voltage(x),
        given.chemical_potential().slope(x),
        given.exchange_law()(x),
        given.diffusivity(x, "b"),
        given.reaction_law().rate(np.linspace(-2, 2, 9), x[:9]),
    ):
        assert np.isfinite(values).all()
    assert (np.asarray(given.exchange_law()(x)) > 0).all()
    assert 2.5 < np.min(given.equilibrium_voltage(x)) < np.max(given.equilibrium_voltage(x)) < 4.6


def test_lfp_of_cogswell_and_bazant_in_units_of_kt():
    given = material(LFP)
    assert given.free_energy[0] == "regular_solution"
    assert given.free_energy[1]["omega"] == pytest.approx(4.51, abs=0.005)
    assert given.gradient_energy_nm2 == pytest.approx(8.83, abs=0.005)
    assert given.coherency == pytest.approx(3.37, abs=0.005)
    # sqrt(kappa/(rho_s Omega)) = 1.40 nm.
    assert np.sqrt(given.gradient_energy_nm2 / given.free_energy[1]["omega"]) == pytest.approx(1.40, abs=0.005)
    lower = spinodal(given.chemical_potential(), strain=given.coherency)[0]
    curvature = 2 * given.free_energy[1]["omega"] - given.coherency
    assert lower == pytest.approx(0.5 - np.sqrt(0.25 - 1 / curvature), abs=1e-12)
    assert given.plateau == given.equilibrium_voltage(0.5) == 3.422
    np.testing.assert_allclose(given.diffusivity_nm2, [1, 1e5, 1], rtol=1e-12)
    assert given.c_rate_composition == 1.0


def test_the_interface_of_lfp_is_as_wide_as_its_remark_says():
    given = material(LFP)
    omega, kappa = given.free_energy[1]["omega"], given.gradient_energy_nm2
    mu = given.chemical_potential()
    low = min(spinodal(mu))
    poor = brentq(lambda x: float(mu(x)), 1e-6, low)

    def energy(x):
        return x * np.log(x) + (1 - x) * np.log(1 - x) + omega * x * (1 - x)

    # kappa/2 (dx/dr)^2 = f - f(poor): the slope is greatest at x = 1/2.
    slope = np.sqrt(2 * (energy(0.5) - energy(poor)) / kappa)
    assert (1 - 2 * poor) / slope == pytest.approx(3.07, abs=0.005)


@pytest.mark.parametrize(
    ("name", "least", "normal"),
    [(LFP, 0.1903, (0.887, 0, 0.462)), ("lfp_averaged", 0.1234, (0.852, 0, 0.523))],
)
def test_stiffness_and_misfit_give_the_coherency_energy(name, least, normal):
    found, direction = least_coherency(name)
    assert found == pytest.approx(least, abs=5e-5)
    np.testing.assert_allclose(direction, normal, atol=2e-3)
    # The stated B: published to two digits (0.19), or this very number.
    assert material(name).coherency_pascal / 1e9 == pytest.approx(found, abs=0.002)


def test_the_averaged_set_in_three_directions_and_that_the_two_are_different():
    given = material("lfp_averaged")
    values = [coherency(normal, given.stiffness / 1e9, given.misfit) for normal in np.eye(3)]
    np.testing.assert_allclose(values, [0.188, 0.339, 0.592], atol=5e-4)
    assert not np.allclose(given.stiffness, material(LFP).stiffness)
    assert not np.allclose(given.misfit, material(LFP).misfit)


def test_stiffness_is_symmetric_positive_and_in_order():
    c = material(LFP).stiffness / 1e9
    np.testing.assert_allclose(c, c.T)
    assert np.linalg.eigvalsh(c).min() > 0
    np.testing.assert_allclose(np.diag(c), [175.9, 153.6, 135.0, 38.8, 47.5, 55.6])
    np.testing.assert_allclose([c[0, 1], c[0, 2], c[1, 2]], [29.6, 54.0, 19.6])
    np.testing.assert_allclose(material(LFP).stiffness_kt, c * 1e9 / material(LFP).site_energy_density)


def test_the_sites_of_lfp_fit_its_unit_cell():
    given = material(LFP)
    cell = given.lattice("lithiated")
    # Four formula units in Pnma; the rounded density of the paper is 0.3 % above.
    assert 4 / (cell["a"] * cell["b"] * cell["c"] * 1e-27) == pytest.approx(given.site_density, rel=4e-3)
    rich, poor = cell, given.lattice("delithiated")
    misfit = [rich[axis] / poor[axis] - 1 for axis in "abc"]
    np.testing.assert_allclose(misfit, [0.052, 0.0375, -0.019], atol=5e-4)


def test_lim_as_the_page_on_stability_has_it():
    given = material("lfp_lim_2016")
    assert given.free_energy[1]["omega"] == 4.49
    assert given.coherency == 3.73
    assert given.site_density == LFP_SITE_DENSITY
    np.testing.assert_allclose(
        spinodal(given.chemical_potential(), strain=given.coherency), [0.2560, 0.7440], atol=5e-5
    )
    top = given.exchange_current * peak(given.exchange_law()).value
    assert 6e-3 < top < 1e-2


def test_the_exchange_current_and_the_spinodal_of_mpet_are_theirs():
    given = material("lfp_mpet")
    # 0.2300 belongs to its 298 K; at 298.15 K the same numbers give 0.2302.
    assert spinodal(given.chemical_potential(), strain=given.coherency)[0] == pytest.approx(0.2300, abs=5e-5)
    x = np.linspace(0.02, 0.98, 49)
    omega = given.free_energy[1]["omega"]
    # Their own form: k0 (1-x) sqrt(a) with the activity a = exp(mu).
    theirs = 0.16 * (1 - x) * np.exp((np.log(x / (1 - x)) + omega * (1 - 2 * x)) / 2)
    # 0.13333 is 0.16/1.2 to five digits.
    np.testing.assert_allclose(given.exchange_current * given.exchange_law()(x), theirs, rtol=3e-5)


def test_lco_has_the_gap_that_its_description_states():
    given = material("lco_two_phase")
    mu = given.chemical_potential()
    # Equal potential and equal areas between the phases; the coefficients are rounded at 1e-6.
    assert float(mu(0.75)) == pytest.approx(0, abs=1e-4)
    assert float(mu(0.95)) == pytest.approx(0, abs=1e-4)
    assert quad(lambda x: float(mu(x)), 0.75, 0.95)[0] == pytest.approx(0, abs=1e-5)
    ends = spinodal(mu)
    assert ends.size == 2
    assert 0.75 < ends[0] < 0.85 < ends[1] < 0.95
    outside = np.concatenate([np.linspace(0.01, 0.75, 200), np.linspace(0.95, 0.995, 50)])
    assert (np.asarray(mu.slope(outside)) > 0).all()
    assert given.equilibrium_voltage(0.5) == pytest.approx(4.19, abs=0.005)
    assert given.plateau == 3.90
    assert given.c_rate_composition == 0.5


def test_lco_diffuses_a_hundred_times_slower_in_the_rich_phase():
    given = material("lco_two_phase")
    assert given.diffusivity(0.5, "a") == pytest.approx(1e-13, rel=1e-6)
    assert given.diffusivity(1.0, "a") == pytest.approx(1e-15, rel=1e-4)
    # 99.3 % of the step in ln D is made at 0.95.
    assert given.diffusivity(0.95, "a") == pytest.approx(1e-15, rel=0.04)
    assert given.diffusivity_factor == (0.01, 0.925, 0.01)


def test_lco_can_react_in_one_phase_only():
    given = material("lco_two_phase")
    x = np.linspace(0.01, 0.99, 99)
    both, poor, rich = (np.asarray(given.exchange_law(phase)(x)) for phase in ("both", "lithium_poor", "lithium_rich"))
    np.testing.assert_allclose(poor + rich, both, rtol=1e-12)
    assert given.exchange_law("lithium_poor")(0.95) < 1e-4 * given.exchange_law()(0.95)
    assert given.exchange_law("lithium_poor")(0.75) == pytest.approx(given.exchange_law()(0.75), rel=1e-4)
    step = 1e-6
    for phase in ("lithium_poor", "lithium_rich"):
        law = given.exchange_law(phase)
        difference = (np.asarray(law(x + step)) - np.asarray(law(x - step))) / (2 * step)
        # Central differences: truncation (step/width)^2 = 3e-9, round-off 1e-16/1e-6.
        np.testing.assert_allclose(law.slope(x), difference, rtol=1e-6, atol=1e-7)


def test_nmc_is_a_solid_solution_with_the_voltage_of_its_formula():
    given = material("nmc811_solid_solution")
    x = np.linspace(0.27, 0.91, 200)
    formula = (
        -0.809 * x + 4.4875 - 0.0428 * np.tanh(18.5138 * (x - 0.5542))
        - 17.7326 * np.tanh(15.789 * (x - 0.3117)) + 17.5842 * np.tanh(15.9308 * (x - 0.312))
    )  # fmt: skip
    # Points 0.025 apart, joined by cubic pieces: the sharpest bend of the formula, at x = 0.31, is missed by 1.7 mV.
    assert np.abs(given.equilibrium_voltage(x) - formula).max() < 0.002
    assert np.median(np.abs(given.equilibrium_voltage(x) - formula)) < 2e-4
    assert (np.asarray(given.chemical_potential().slope(x)) > 0).all()
    assert np.isnan(given.equilibrium_voltage(0.1))
    assert given.site_density / 6.02214076e23 == pytest.approx(63104, rel=1e-4)
    assert given.data.gradient_energy is None


def test_there_is_one_file_for_each_name():
    assert {path.stem for path in FILES.glob("*.yaml")} <= set(material_names())
