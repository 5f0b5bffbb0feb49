from __future__ import annotations

import pytest

from lithiscope.errors import OptionError
from lithiscope.materials import material, varied


def test_a_changed_number_gives_another_set_that_says_so():
    base = material("lfp_cogswell_bazant_2012")
    other = varied(base, "lfp_wide", {"gradient_energy": 5.0148e-9, "plateau": 3.43})
    assert other.name == "lfp_wide"
    assert other.data.based_on == base.name
    assert other.gradient_energy_nm2 == pytest.approx(10 * base.gradient_energy_nm2, rel=1e-12)
    assert other.plateau == 3.43
    stated = other.numbers()["gradient_energy"]
    assert stated.status == "assumed"
    assert "lfp_cogswell_bazant_2012" in stated.source
    unchanged = set(base.numbers()) - {"gradient_energy", "plateau"}
    assert all(other.numbers()[path] == base.numbers()[path] for path in unchanged)
    assert base.gradient_energy_nm2 == pytest.approx(8.832, abs=1e-3)


def test_omega_changes_in_the_energy_and_in_the_exchange_current_together():
    base = material("lfp_mpet")
    with pytest.raises(OptionError, match="cannot be used") as caught:
        varied(base, "softer", {"free_energy.parameters.omega": 1.6e-20})
    assert "omega of the free energy" in (caught.value.limit or "")
    both = {"free_energy.parameters.omega": 1.6e-20, "reaction.exchange.parameters.omega": 1.6e-20}
    assert varied(base, "softer", both).free_energy[1]["omega"] == pytest.approx(3.889, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("lfp_mpet", {"plateau": 3.4}),
        ("mine", {"kappa": 1.0}),
        ("mine", {"gradient_energy": -1.0}),
        ("mine", {"gradient_energy": float("nan")}),
        ("mine", {"diffusion.along": {"a": 1.0}}),
        ("Not a name", {"plateau": 3.4}),
        ("mine", {"reaction.law.parameters.alpha": 2.0}),
    ],
)
def test_changes_that_cannot_be(name, values):
    with pytest.raises(OptionError):
        varied(material("lfp_mpet"), name, values)


def test_components_and_series_can_be_changed():
    base = material("lfp_averaged")
    other = varied(base, "stretched", {"elasticity.misfit": {"a": 0.1, "b": 0.0, "c": 0.0}})
    assert other.misfit.tolist() == [0.1, 0.0, 0.0]
    lco = varied(material("lco_two_phase"), "flat", {"free_energy.parameters.coefficients": [0.0, 1.0]})
    assert lco.free_energy[1]["coefficients"] == [0.0, 1.0]
