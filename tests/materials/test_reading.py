from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

from lithiscope.errors import AnalysisError, FileFormatError, LithiscopeWarning, OptionError
from lithiscope.materials import material, material_names, reading
from materials.files import changed, content, written


def refused(tmp_path: Path, whole) -> OptionError:
    path = written(tmp_path, whole)
    with pytest.raises(OptionError) as caught:
        material(path)
    assert caught.value.file == str(path)
    assert caught.value.remedy
    return caught.value


def test_a_file_of_ones_own_reads_back_the_same(tmp_path):
    for name in material_names():
        whole = content(name)
        assert material(written(tmp_path, whole)).data == material(name).data
        assert material(str(written(tmp_path, whole))).data == material(name).data


@pytest.mark.parametrize(
    ("path", "value", "field", "limit"),
    [
        ("site_density.value", -1.0, "site_density", "greater than 0"),
        ("site_density.value", 0.0, "site_density", "greater than 0"),
        ("site_density.value", float("nan"), "site_density.value", "finite number"),
        ("temperature.value", float("inf"), "temperature.value", "finite number"),
        ("temperature.value", True, "temperature.value", "not true or false"),
        ("temperature.value", "warm", "temperature.value", "valid number"),
        ("temperature.value", None, "temperature.value", "valid number"),
        ("temperature.value", [1.0], "temperature.value", "valid number"),
        ("temperature.unit", "V", "temperature", "converts to K"),
        ("gradient_energy.unit", "J/m^2", "gradient_energy", "converts to J/m"),
        ("gradient_energy.unit", "furlong", "gradient_energy", "converts to J/m"),
        ("gradient_energy.unit", "", "gradient_energy.unit", "at least 1 character"),
        ("gradient_energy.value", -1e-10, "gradient_energy", "greater than 0"),
        ("elasticity.coherency.unit", "J", "elasticity.coherency", "converts to Pa, or kT"),
        ("elasticity.stiffness.value", {"C11": 1.0}, "elasticity.stiffness", "C11, C22, C33, C44"),
        ("elasticity.misfit.value", {"x": 0.1, "b": 0.0, "c": 0.0}, "elasticity.misfit", "components a, b, c"),
        ("diffusion.along.value", {"a": 1e-18, "b": -1e-13, "c": 1e-18}, "diffusion.along", "greater than 0"),
        ("free_energy.parameters.omega.unit", "V", "free_energy.parameters.omega", "kT, or 1"),
        ("free_energy.parameters.omega.value", "x", "free_energy.parameters.omega.value", "valid number"),
        ("plateau.source", "wang1999: Fig. 2", "the whole set", "key of a reference"),
        ("plateau.status", "guessed", "plateau.status", "published"),
        ("plateau.composition", [0.9, 0.1], "plateau", "must ascend"),
        ("plateau.composition", [0.0, 1.2], "plateau.composition.1", "less than or equal to 1"),
        ("c_rate_composition.value", 1.5, "the whole set", "1C"),
        ("name", "My Set", "name", "match pattern"),
        ("references.cogswell2012.doi", "www.doi.org", "references.cogswell2012.doi", "match pattern"),
        ("site_density", ..., "site_density", "Field required"),
        ("plateau.unit", ..., "plateau.unit", "Field required"),
        ("plateau.source", ..., "plateau.source", "Field required"),
        ("plateau.sourse", "x", "plateau.sourse", "Extra inputs"),
        ("kappa", 3, "kappa", "Extra inputs"),
        ("temperature", 298, "temperature", "dictionary"),
        ("free_energy", [1, 2], "free_energy", "dictionary"),
        ("reaction.exchange.parameters.omega.value", 1e-20, "the whole set", "omega of the free energy"),
    ],
)
def test_one_wrong_field_is_one_error_that_names_it(tmp_path, path, value, field, limit):
    error = refused(tmp_path, changed(path, value))
    assert error.field == field
    assert limit in (error.limit or "")


@pytest.mark.parametrize(
    ("path", "value", "limit"),
    [
        ("free_energy.law", "cubic", "regular_solution"),
        ("free_energy.parameters", {}, None),
        ("reaction.law.law", "butler", "butler_volmer"),
        ("reaction.law.parameters.alpha.value", 1.5, "between 0 and 1"),
        ("reaction.exchange.law", "skewed", "skewed_lim"),
    ],
)
def test_laws_are_built_when_the_set_is_read(tmp_path, path, value, limit):
    if path.endswith("parameters"):  # the omega of a regular solution has a default
        assert material(written(tmp_path, changed(path, value))).free_energy[1] == {}
        return
    error = refused(tmp_path, changed(path, value))
    assert "law" in error.problem
    assert limit in (error.limit or "")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("free_energy.x.value", [0.9, 0.1]),
        ("free_energy.x.value", [0.1, 0.1]),
        ("free_energy.x.value", [0.1]),
        ("free_energy.x.value", []),
        ("free_energy.voltage.value", [4.0, 3.0]),
        ("free_energy.voltage.unit", "A"),
    ],
)
def test_tables_that_are_none(tmp_path, path, value):
    assert refused(tmp_path, changed(path, value, "nmc811_solid_solution")).field.startswith("free_energy")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a: &x [1]\nb: [*x, *x]", "aliases are not allowed"),
        ("- 1", "not a mapping"),
        ("a: " + "x" * 1_100_000, "too large"),
        ("a: " + "[" * 5000, "nested too deeply"),
    ],
)
def test_hostile_files(tmp_path, text, words):
    with pytest.raises(FileFormatError, match=words) as caught:
        material(written(tmp_path, text))
    assert "parameter set" in str(caught.value)


def test_what_is_not_there():
    with pytest.raises(FileFormatError, match="cannot be read"):
        material("none.yaml")
    with pytest.raises(OptionError, match="no such parameter set") as caught:
        material("lfp")
    assert "lfp_mpet" in (caught.value.limit or "")


@pytest.mark.parametrize(
    ("path", "value", "unit", "wanted"),
    [
        ("gradient_energy", 3.13, "eV/nm", ("gradient_energy", 3.13 * 1.602176634e-10)),
        ("elasticity.coherency", 191.6, "MPa", ("coherency_pascal", 0.1916e9)),
        ("elasticity.coherency", 2.0, "kT", ("coherency", 2.0)),
        ("plateau", 3422.0, "mV", ("plateau", 3.422)),
        ("site_density", 13.793, "1/nm^3", ("site_density", 1.3793e28)),
        ("temperature", "2.9815e2", "K", ("temperature", 298.15)),
    ],
)
def test_units_are_converted_once(tmp_path, path, value, unit, wanted):
    whole = changed(f"{path}.value", value)
    place = whole
    for part in path.split("."):
        place = place[part]
    place["unit"] = unit
    name, expected = wanted
    assert getattr(material(written(tmp_path, whole)), name) == pytest.approx(expected, rel=1e-12)


def test_an_energy_in_electronvolt_joule_or_kt_is_one_omega(tmp_path):
    joule = material("lfp_cogswell_bazant_2012").free_energy[1]["omega"]
    for value, unit in [(1.856e-20 / 1.602176634e-19, "eV"), (joule, "kT")]:
        whole = content()
        for section in (whole["free_energy"], whole["reaction"]["exchange"]):
            section["parameters"]["omega"] |= {"value": value, "unit": unit}
        assert material(written(tmp_path, whole)).free_energy[1]["omega"] == pytest.approx(joule, rel=1e-12)


def test_what_a_set_does_not_have_is_never_zero():
    nmc, lim = material("nmc811_solid_solution"), material("lfp_lim_2016")
    for ask in (
        lambda: nmc.gradient_energy_nm2,
        lambda: nmc.coherency,
        lambda: nmc.stiffness,
        lambda: nmc.misfit,
        lambda: nmc.lattice("delithiated"),
        lambda: nmc.exchange_law("lithium_poor"),
        lambda: lim.gradient_energy,
    ):
        with pytest.raises(AnalysisError, match="has no such number") as caught:
            ask()
        assert caught.value.field


def test_a_set_without_kinetics_still_has_its_thermodynamics(tmp_path):
    whole = content()
    for part in ("reaction", "diffusion", "elasticity", "lattice", "gradient_energy"):
        del whole[part]
    given = material(written(tmp_path, whole))
    assert given.equilibrium_voltage(0.5) == 3.422
    for name in ("exchange_current", "exchange", "diffusivity_nm2"):
        with pytest.raises(AnalysisError):
            getattr(given, name)


def test_optical_constants_have_their_place(tmp_path):
    whole = content()
    number = {"status": "assumed", "source": "made for this test", "symbol": "n"}
    whole["optical_constants"] = [
        {
            "wavelength": {"value": 0.82, "unit": "um", **number},
            "x": 1.0,
            "n": {"value": 2.1, "unit": "1", **number},
            "k": {"value": 0.0, "unit": "1", **number},
        }
    ]
    given = material(written(tmp_path, whole))
    assert given.data.optical_constants[0].n.value == 2.1
    assert "optical_constants.0.k" in given.numbers()


def test_wrong_phase_and_axis_are_refused():
    given = material("lco_two_phase")
    with pytest.raises(OptionError, match="no such phase"):
        given.exchange_law("rich")
    with pytest.raises(OptionError, match="no such crystal axis"):
        given.diffusivity(0.5, "d")


class Entry:
    def __init__(self, name, thing):
        self.name, self.thing = name, thing

    def load(self):
        if isinstance(self.thing, Exception):
            raise self.thing
        return self.thing


def test_plug_ins_add_sets_and_one_that_fails_is_skipped_with_a_warning(tmp_path, monkeypatch):
    path = written(tmp_path, content())
    good = [Entry("by_path", path), Entry("by_call", lambda: str(path)), Entry("itself", material("lfp_mpet"))]
    monkeypatch.setattr(reading, "entry_points", lambda group: [*good])
    assert material_names()[-3:] == ("by_path", "by_call", "itself")
    assert material("by_call").plateau == 3.422
    assert material("itself").name == "lfp_mpet"
    for bad in (ImportError("no"), 3, lambda: 1 / 0, path.with_name("none.yaml")):
        monkeypatch.setattr(reading, "entry_points", lambda group, bad=bad: [*good, Entry("broken", bad)])
        with pytest.warns(LithiscopeWarning, match="'broken' was skipped"):
            assert "broken" not in material_names()
    assert importlib.metadata.entry_points(group=reading.GROUP) is not None


def test_the_laws_of_a_set_take_arrays_of_jax():
    import jax.numpy as jnp

    x = jnp.linspace(0.6, 0.9, 7)
    for name in ("lco_two_phase", "nmc811_solid_solution"):
        given = material(name)
        for law in (given.equilibrium_voltage, given.exchange_law(), given.diffusivity):
            # Single precision where the session has no x64.
            np.testing.assert_allclose(law(x), law(np.asarray(x)), rtol=2e-4)
            assert isinstance(law(x), jnp.ndarray)
