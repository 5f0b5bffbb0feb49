"""Thickness and dose against the tables and the arithmetic by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from composition import scene
from lithiscope.composition.xray import (
    DoseOptions,
    ThicknessOptions,
    attenuation_length,
    dose,
    optical_density,
    thickness,
)
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError


def test_tables_give_their_lengths_for_lithium_iron_phosphate():
    henke = attenuation_length("LiFePO4", 3.60, 703.0)
    chantler = attenuation_length("LiFePO4", 3.60, 703.0, table="chantler")
    assert henke == pytest.approx(434.5, abs=0.1)
    assert chantler == pytest.approx(459.0, abs=0.5)
    assert chantler / henke - 1 == pytest.approx(0.057, abs=0.001)


def test_length_goes_as_one_over_density():
    one, two = attenuation_length("FePO4", 3.0, 703.0), attenuation_length("FePO4", 6.0, 703.0)
    assert one == pytest.approx(2 * two, rel=1e-6)


@pytest.mark.parametrize("table", ["henke", "chantler"])
@pytest.mark.parametrize(("formula", "energy"), [("LiXePO4Qq", 703.0), ("LiFePO4", 1e9)])
def test_unknown_materials_and_energies_are_refused(formula, energy, table):
    with pytest.raises(OptionError, match="looked up"):
        attenuation_length(formula, 3.6, energy, table=table)


def density_of(od, shape=(8, 8), incident=1e4, **options):
    recording = scene.recording(
        np.broadcast_to(np.asarray(od)[:, None, None], (3, *shape)), incident, rng=np.random.default_rng(0), noise=False
    )
    return optical_density(recording, spectrum=scene.incident_spectrum(incident), **options)


def test_thickness_is_length_times_pre_edge_and_names_its_table():
    od = density_of([0.345, 1.0, 0.8])
    found = thickness(od)
    np.testing.assert_allclose(found, 434.5 * 0.345, rtol=1e-3)
    assert "Henke" in found.attrs["attenuation_table"]
    assert found.attrs["units"] == "nm"
    less = thickness(od, options=ThicknessOptions(background=0.1))
    np.testing.assert_allclose(less / found, 0.245 / 0.345, rtol=1e-5)


def test_attenuation_is_averaged_over_composition():
    od = density_of([0.345, 1.0, 0.8])
    options = ThicknessOptions(delithiated_formula="FePO4", delithiated_density=3.70, mean_lithium_fraction=0.5)
    lengths = [attenuation_length("LiFePO4", 3.60, 703.0), attenuation_length("FePO4", 3.70, 703.0)]
    expected = 0.345 / (0.5 / lengths[0] + 0.5 / lengths[1])
    np.testing.assert_allclose(thickness(od, options=options), expected, rtol=1e-5)
    with pytest.raises(OptionError, match="delithiated_density"):
        thickness(od, options=ThicknessOptions(delithiated_formula="FePO4"))


def test_eight_thousand_photons_make_the_dose_of_the_paper():
    """8e3 absorbed x 700 eV in 50 nm x 50 nm x 150 nm at 3600 kg/m3: 6.6e5 Gy per energy."""
    incident = 1.6e4
    od = density_of(np.log([2.0, 2.0, 2.0]), incident=incident)  # half is absorbed
    od = od.isel(energy=[0]).assign_coords(energy=[700.0])
    od["energy"].attrs = {"units": "eV", "long_name": "photon energy"}
    found = dose(od, thickness(od) * 0 + 150.0)
    np.testing.assert_allclose(found, 8e3 * 700 * 1.602176634e-19 / (3600 * 50e-9 * 50e-9 * 150e-9), rtol=1e-4)
    np.testing.assert_allclose(found, 6.6e5, rtol=0.01)


def test_dose_runs_and_efficiency_raises_it():
    rng = np.random.default_rng(0)
    od3 = np.broadcast_to(np.array([0.3, 1.0, 0.8])[:, None, None], (3, 3, 6, 6))
    od = optical_density(scene.recording(od3, rng=rng, noise=False), spectrum=scene.incident_spectrum())
    nanometres = thickness(od)
    one = dose(od, nanometres)
    np.testing.assert_allclose(one / one[0], np.broadcast_to(np.arange(1, 4)[:, None, None], one.shape), rtol=1e-5)
    np.testing.assert_allclose(dose(od, nanometres, options=DoseOptions(efficiency=0.5)), 2 * one, rtol=1e-5)


def test_dose_needs_material_and_incident_and_warns_above_the_limit():
    od = density_of([0.345, 1.0, 0.8])
    assert np.isnan(dose(od, thickness(od) * 0)).all()
    with pytest.raises(AnalysisError, match="incident"):
        dose(od.drop_vars("incident"), thickness(od))
    with pytest.raises(AnalysisError, match="thickness"):
        dose(od, thickness(od)[:4])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dose(od, thickness(od))
    with pytest.warns(LithiscopeWarning, match="no beam damage"):
        dose(density_of([0.345, 1.0, 0.8], incident=1e7), thickness(od))


def test_missing_picture_is_charged_the_pixels_mean():
    rng = np.random.default_rng(0)
    od3 = np.broadcast_to(np.array([0.3, 1.0, 0.8])[:, None, None], (3, 3, 6, 6))
    recording = scene.recording(od3, rng=rng, noise=False)
    whole = optical_density(recording, spectrum=scene.incident_spectrum())
    recording["counts"][1, 1, 2, 2] = 0.0
    holed = optical_density(recording, spectrum=scene.incident_spectrum())
    np.testing.assert_allclose(dose(holed, thickness(whole)), dose(whole, thickness(whole)), rtol=1e-5)
