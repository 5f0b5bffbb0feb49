"""Learned laws for other programs: every file gives back the laws that were learned."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import yaml

from learning.made import TERMS, X, exchange, laws, potential, tree
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.laws import thermal_voltage
from lithiscope.learning.export import learned_of, material_text, mpet_text, pybamm_text, set_name
from lithiscope.materials import Material, material
from lithiscope.studies.learned_files import export_laws

NAME = "learned_lfp_cogswell_bazant_2012"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("laws")
    export_laws(tree(), place)
    return place


@pytest.fixture(scope="module")
def given(folder) -> Material:
    return material(folder / f"{NAME}.yaml")


def test_the_files_are_those_that_are_named(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{NAME}.yaml", f"{NAME}_mpet.cfg", f"{NAME}_mpet_material.py", f"{NAME}_mpet_reaction.py", f"{NAME}_pybamm.py",
    ]  # fmt: skip


def test_a_material_file_gives_the_same_laws_at_the_knots(given):
    np.testing.assert_allclose(given.exchange_current * given.exchange_law()(X), exchange(X), rtol=1e-6)
    np.testing.assert_allclose(given.chemical_potential()(X), potential(X), atol=1e-6)
    assert given.composition == (pytest.approx(0.15), pytest.approx(0.85))
    assert given.data.based_on == "lfp_cogswell_bazant_2012"
    assert given.full_potential is False


def test_the_engine_takes_the_set(given):
    from lithiscope.phasefield.from_material import free_energy_of, reaction_of

    np.testing.assert_allclose(free_energy_of(given).potential(X), potential(X), atol=1e-6)
    np.testing.assert_allclose(reaction_of(given).exchange_density(X), exchange(X), rtol=1e-6)


def test_the_rule_outside_the_grid_holds(given):
    law = given.exchange_law()
    assert law(0.002) == pytest.approx(law(0.01), rel=1e-12)
    assert law(1.0) == pytest.approx(law(0.99), rel=1e-12)
    assert np.isnan(law(1.1))


def test_numbers_say_where_they_hold_and_how_well_they_are_known(given, folder):
    stated = given.numbers()
    assert stated["reaction.exchange_current"].composition == (pytest.approx(0.15), pytest.approx(0.85))
    assert "standard deviation 0.0" in stated["reaction.exchange_current"].source
    for file in folder.iterdir():
        text = file.read_text()
        assert "from 0.15 to 0.85" in text
        assert "0.90" in text
        assert "outside the data" in text
        assert "WARNING: the error bars <are> too small" in text


def test_strain_that_mu_holds_is_not_counted_twice(given):
    with pytest.raises(AnalysisError, match=r"elasticity\.coherency"):
        _ = given.coherency
    numbers = {"coherency": (2.5, 0.2, "kT"), "alpha": (0.4, 0.05, "1"), "gradient energy": (20.0, 3.0, "nm2")}
    other = laws(numbers=numbers, strain="coherent", unknowns=("coherency", "alpha", "gradient_energy"))
    found = read(material_text(other))
    assert found.coherency == pytest.approx(2.5)
    assert found.reaction == ("butler_volmer", {"alpha": 0.4})
    assert found.gradient_energy_nm2 == pytest.approx(20.0)
    # mu was not learned, so it is that of the set.
    assert found.free_energy == material("lfp_cogswell_bazant_2012").free_energy


def read(text: str) -> Material:
    from lithiscope.materials.schema import MaterialData

    return Material(MaterialData.model_validate(yaml.safe_load(text)))


def test_nothing_known_is_no_export():
    with pytest.raises(AnalysisError, match="nothing to export"):
        learned_of(laws(low=0.999, high=0.999))


def test_a_set_that_is_gone_is_named():
    with pytest.raises(OptionError, match="no such parameter set"):
        learned_of(laws(material="gone"))
    assert set_name(learned_of(laws())) == NAME


class Symbols(types.ModuleType):
    """What the file asks of PyBaMM, on numbers."""

    @staticmethod
    def minimum(one, other):
        return np.minimum(one, other)

    maximum = staticmethod(lambda one, other: np.maximum(one, other))
    exp = staticmethod(np.exp)

    @staticmethod
    def Interpolant(x, y, child, name=None, interpolator="linear", extrapolate=True):
        from scipy.interpolate import CubicSpline

        assert extrapolate
        return np.interp(child, x, y) if interpolator == "linear" else CubicSpline(x, y)(child)


def test_pybamm_gets_functions_of_the_same_values(monkeypatch):
    monkeypatch.setitem(sys.modules, "pybamm", Symbols("pybamm"))
    space: dict[str, object] = {}
    exec(compile(pybamm_text(tree()), "laws.py", "exec"), space)
    given = space["parameters"]
    volts = given["Positive electrode OCP [V]"](X)
    np.testing.assert_allclose(volts, 3.422 - potential(X) * thermal_voltage(298.15), atol=1e-6)
    most = given["Maximum concentration in positive electrode [mol.m-3]"]
    assert most == pytest.approx(1.3793e28 / 6.02214076e23)
    current = given["Positive electrode exchange-current density [A.m-2]"]
    np.testing.assert_allclose(current(1000.0, X * most, most, 298.0), exchange(X), rtol=1e-6)
    assert current(1000.0, 0.0, most, 298.0) == pytest.approx(exchange(np.array(0.01)))


class Electrode:
    """What MPET hands to a material."""

    eokT = 1 / thermal_voltage(298.15)

    def general_non_homog(self, y, ybar):
        return 0.0 * y


def test_mpet_gets_functions_of_the_same_values():
    import configparser

    found = mpet_text(tree())
    space: dict[str, object] = {}
    exec(compile(found.material + found.reaction, "laws.py", "exec"), space)
    mu, activity = space[NAME](Electrode(), X, 0.5, 1.0, 0.0)
    np.testing.assert_allclose(mu, potential(X) - 3.422 * Electrode.eokT, atol=1e-6)
    np.testing.assert_allclose(activity, np.exp(potential(X)), rtol=1e-6)
    config = configparser.ConfigParser()
    config.read_string(found.configuration)
    assert config["Material"]["muRfunc"] == NAME
    assert config["Reactions"]["rxnType"] == f"BV_{NAME}"
    assert float(config["Material"]["B"]) == 0
    k0, alpha = float(config["Reactions"]["k0"]), float(config["Reactions"]["alpha"])
    # Two overpotentials of one size make the difference of exponentials 2 sinh(1/2) at alpha = 1/2.
    rate = space[f"BV_{NAME}"](-1.0, X, 1.0, k0, 0.0, 1.0, alpha=alpha)
    # The bump is no polynomial of degree 12, but nearly: the file states by how much it is off.
    off = float(found.reaction.split("off by ")[1].split(" ")[0])
    np.testing.assert_allclose(rate / (2 * np.sinh(0.5)), exchange(X), rtol=2 * off + 1e-9)
    assert off < 1e-6


def test_terms_are_those_that_were_learned(given):
    assert given.free_energy == ("legendre", {"coefficients": [0.0, *TERMS]})


def test_a_film_is_told_to_every_program():
    given = laws(numbers={"j0 level": (0.1, 0.02, "A/m2"), "film resistance": (0.02, 0.005, "ohm m2")})
    assert "\nRfilm = 0.02\n" in mpet_text(given).configuration
    for text in (material_text(given), pybamm_text(given)):
        assert "They belong to a film of 0.02 ohm m2 on the surface" in text
    assert "film" not in material_text(laws())
