"""Dose against the arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope.composition.xray import (
    DoseOptions,
    dose,
    lithium_fraction,
    optical_density,
    thickness,
    with_dose,
    with_thickness,
)
from lithiscope.errors import AnalysisError


def density_of(od, shape=(8, 8), incident=1e4, **options):
    recording = scene.recording(
        np.broadcast_to(np.asarray(od)[:, None, None], (3, *shape)), incident, rng=np.random.default_rng(0), noise=False
    )
    return optical_density(recording, spectrum=scene.incident_spectrum(incident), **options)


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


def test_dose_needs_material_and_incident():
    od = density_of([0.345, 1.0, 0.8])
    assert np.isnan(dose(od, thickness(od) * 0)).all()
    with pytest.raises(AnalysisError, match="incident"):
        dose(od.drop_vars("incident"), thickness(od))
    with pytest.raises(AnalysisError, match="thickness"):
        dose(od, thickness(od)[:4])


def test_missing_picture_is_charged_the_pixels_mean():
    rng = np.random.default_rng(0)
    od3 = np.broadcast_to(np.array([0.3, 1.0, 0.8])[:, None, None], (3, 3, 6, 6))
    recording = scene.recording(od3, rng=rng, noise=False)
    whole = optical_density(recording, spectrum=scene.incident_spectrum())
    recording["counts"][1, 1, 2, 2] = 0.0
    holed = optical_density(recording, spectrum=scene.incident_spectrum())
    np.testing.assert_allclose(dose(holed, thickness(whole)), dose(whole, thickness(whole)), rtol=1e-5)


def test_video_carries_thickness_dose_and_the_table():
    od = density_of(0.5 * scene.LITHIATED + 0.5 * scene.DELITHIATED)
    video = lithium_fraction(od, scene.references())
    with pytest.raises(AnalysisError, match="with_thickness"):
        with_dose(video, od)
    whole = with_dose(with_thickness(video, od), od)
    np.testing.assert_array_equal(whole["thickness"], thickness(od))
    np.testing.assert_array_equal(whole["dose"], dose(od, thickness(od)))
    np.testing.assert_array_equal(whole["lithium_fraction"], video["lithium_fraction"])
    assert "Henke" in whole.attrs["attenuation_table"]
