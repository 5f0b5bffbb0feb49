"""Unmixing of a real Fe L-edge stack (ALS beamline 11.0.2.2) against its known-good row."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.composition.xray import (
    UnmixOptions,
    compare_incident,
    lithium_fraction,
    optical_density,
    references_from_spectra,
)
from lithiscope.errors import LithiscopeWarning
from lithiscope.recordings import open_recording, read_spectrum


@pytest.fixture(scope="module")
def stack(real_data):
    folder = real_data / "stxm" / "als_fe_l_edge_71214078"
    recording = open_recording(folder / "71214078.hdr")
    spectrum = read_spectrum(folder / "i0.xsp", energy_unit="eV")
    references = references_from_spectra(
        {name: read_spectrum(folder / f"{name}.t", energy_unit="eV") for name in ("oxidized", "reduced")},
        recording["energy"],
        lithium_content={"oxidized": 0.0, "reduced": 1.0},
    )
    return recording, spectrum, references


def unmixed(stack, weighting):
    recording, spectrum, references = stack
    options = UnmixOptions(mode="general", weighting=weighting, minimum_amount_absolute=0.2)
    return lithium_fraction(optical_density(recording, spectrum=spectrum), references, options=options)


def test_unweighted_fit_is_the_known_good_row(stack):
    video = unmixed(stack, "none")
    assert video.attrs["condition_number"] == pytest.approx(10.5, abs=0.05)
    assert video.attrs["residual_rms"] == pytest.approx(0.0315, abs=5e-5)
    mean = video["coefficient"].mean(["time", "y", "x"])
    np.testing.assert_allclose(mean, [0.101, 0.050, 1.027], atol=6e-4)
    material = np.isfinite(video["lithium_fraction"])
    assert float(material.mean()) == pytest.approx(0.205, abs=5e-4)
    assert 1 - float(video["lithium_fraction"].median()) == pytest.approx(0.80, abs=5e-3)


def test_weighted_fit_agrees_and_tells_its_noise(stack):
    plain, weighted = unmixed(stack, "none"), unmixed(stack, "variance")
    # Median sigma is 0.09 a pixel over 3200 pixels, correlated between the two: the medians agree to 0.02.
    assert abs(float(plain["lithium_fraction"].median() - weighted["lithium_fraction"].median())) < 0.02
    # The stack was aligned by interpolation before it was written, which smooths the noise: well below Poisson.
    assert 0.6 < weighted.attrs["empirical_over_predicted_sigma"] < 0.9


def test_picture_without_blank_area_is_told_apart_from_the_spectrum(stack):
    recording, spectrum, _ = stack
    with pytest.warns(LithiscopeWarning, match="percentile and by spectrum differ"):
        found = compare_incident(recording, spectrum=spectrum)
    wrong = np.log(
        found["incident"].sel(incident_method="spectrum") / found["incident"].sel(incident_method="percentile")
    )
    assert float(wrong.isel(energy=0).mean()) == pytest.approx(0.8, abs=0.1)  # background of 0.81 to 0.91
