"""Each named cause moves x by what its shift says."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope import stages
from lithiscope.composition.xray import (
    CommonTimeOptions,
    SystematicsOptions,
    UnmixOptions,
    lithium_fraction,
    optical_density,
    references_from_spectra,
    systematic_shifts,
    to_common_time,
)
from lithiscope.errors import AnalysisError, LithiscopeWarning

ALONE = {"lithiated_purity": None, "delithiated_impurity": None, "time_skew": False}


def exact(x, *, incident=None, frames=1):
    """Noise-free densities; `incident` is what the analysis believes I0 to be."""
    od = np.stack([scene.densities(np.full((12, 12), value), np.ones((12, 12))) for value in np.atleast_1d(x)])
    recording = scene.recording(od, rng=np.random.default_rng(0), noise=False)
    return optical_density(recording, spectrum=scene.incident_spectrum() if incident is None else incident)


def shift_of(video, cause):
    return float(video["lithium_fraction_shift"].sel(systematic=cause).mean())


@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
def test_impure_references_move_x_as_their_shift_says(x):
    od = exact(x)
    video = lithium_fraction(od, scene.references())
    shifted = systematic_shifts(od, scene.references(), video)
    # What was taken for x = 1 is really 0.89: unmix the truth with that reference, and compare.
    impure = 0.89 * scene.LITHIATED + 0.11 * scene.DELITHIATED
    wrong = lithium_fraction(od, scene.references(impure))["lithium_fraction"].mean()
    assert float(wrong) + 0.0 == pytest.approx(x / 0.89, abs=1e-5)
    assert shift_of(shifted, "lithiated_purity") == pytest.approx(-0.11 * x, abs=1e-5)
    assert float(wrong) * 0.89 == pytest.approx(x, abs=1e-5)
    assert shift_of(shifted, "delithiated_purity") == pytest.approx(0.11 * (1 - x), abs=1e-5)


def test_one_sigma_of_incident_is_the_frame_error():
    od = exact([0.2, 0.7])
    od["signal_frame_std"] = (("time", "energy"), np.tile([0.001, 0.002, 0.003], (2, 1)), {"units": "1"})
    video = lithium_fraction(od, scene.references())
    shifted = systematic_shifts(od, scene.references(), video, options=SystematicsOptions(**ALONE))
    assert shifted["systematic"].values.tolist() == ["incident"]
    found = shifted["lithium_fraction_shift"][0].mean(["y", "x"])
    np.testing.assert_allclose(np.abs(found), video["lithium_fraction_frame_std"], rtol=0.02)


@pytest.mark.parametrize("fraction", [0.01, (0.0, 0.01, -0.02)])
def test_declared_error_of_incident_is_that_of_a_wrong_spectrum(fraction):
    od = exact(0.4)
    video = lithium_fraction(od, scene.references(), options=UnmixOptions(mode="general"))
    shifted = systematic_shifts(
        od,
        scene.references(),
        video,
        unmix=UnmixOptions(mode="general"),
        options=SystematicsOptions(**ALONE, incident_fraction=fraction),
    )
    wrong = exact(0.4, incident=scene.spectrum(scene.INCIDENT * (1 + np.broadcast_to(fraction, 3))))
    moved = lithium_fraction(wrong, scene.references())["lithium_fraction"] - video["lithium_fraction"]
    assert shift_of(shifted, "incident") == pytest.approx(float(moved.mean()), abs=1e-5)
    with pytest.raises(AnalysisError, match="incident_fraction"):
        systematic_shifts(
            od, scene.references(), video, options=SystematicsOptions(**ALONE, incident_fraction=(0.1, 0.2))
        )


def test_time_skew_is_what_interpolation_left():
    rate, times = 2 / 3600, np.arange(4) * 400.0
    exposure = times[:, None] + 60.0 * np.array([-1.0, 0.0, 1.0])
    x = (0.1 + rate * exposure)[..., None, None]
    od = x * scene.LITHIATED[:, None, None] + (1 - x) * scene.DELITHIATED[:, None, None]
    recording = scene.recording(
        np.broadcast_to(od, (4, 3, 8, 8)), rng=np.random.default_rng(0), times=times, noise=False
    )
    recording["exposure_mid"] = (("time", "energy"), exposure, {"units": "s"})
    density = optical_density(recording, spectrum=scene.incident_spectrum())
    options = SystematicsOptions(lithiated_purity=None, delithiated_impurity=None)
    for frames in (density, to_common_time(density)):
        video = lithium_fraction(frames, scene.references())
        shifted = systematic_shifts(frames, scene.references(), video, options=options)
        found = shifted["lithium_fraction_shift"].sel(systematic="time_skew").mean(["y", "x"])
        truth = (0.1 + rate * times) - video["lithium_fraction"].mean(["y", "x"])
        np.testing.assert_allclose(found, truth, atol=1e-5)
    # A video at one time beside the densities as they were taken tells the same.
    video = lithium_fraction(to_common_time(density), scene.references())
    shifted = systematic_shifts(density, scene.references(), video, options=options)
    found = shifted["lithium_fraction_shift"].sel(systematic="time_skew").mean(["y", "x"])
    np.testing.assert_allclose(found[1:3], 0.0, atol=1e-5)
    whole = to_common_time(density, options=CommonTimeOptions(ends="extrapolate"))
    video = lithium_fraction(whole, scene.references())
    shifted = systematic_shifts(whole, scene.references(), video, options=options)
    assert abs(shift_of(shifted, "time_skew")) < 1e-5


@pytest.mark.parametrize("ends", ["hold", "extrapolate"])
def test_where_nothing_was_interpolated_time_skew_is_all_that_it_does(ends):
    rate, times = 2 / 3600, np.arange(4) * 400.0
    exposure = times[:, None] + 60.0 * np.array([-1.0, 0.0, 1.0])
    x = (0.1 + rate * exposure)[..., None, None]
    od = x * scene.LITHIATED[:, None, None] + (1 - x) * scene.DELITHIATED[:, None, None]
    recording = scene.recording(
        np.broadcast_to(od, (4, 3, 8, 8)), rng=np.random.default_rng(0), times=times, noise=False
    )
    recording["exposure_mid"] = (("time", "energy"), exposure, {"units": "s"})
    density = optical_density(recording, spectrum=scene.incident_spectrum())
    plain = CommonTimeOptions(method="none", ends=ends)
    options = SystematicsOptions(lithiated_purity=None, delithiated_impurity=None)
    left = to_common_time(density, options=plain)
    assert left.attrs["common_time"].startswith("none")
    video = lithium_fraction(left, scene.references())
    shifted = systematic_shifts(density, scene.references(), video, common_time=plain, options=options)
    found = shifted["lithium_fraction_shift"].sel(systematic="time_skew").mean(["y", "x"])
    truth = (0.1 + rate * times) - video["lithium_fraction"].mean(["y", "x"])
    assert np.abs(truth).min() > 0.005
    np.testing.assert_allclose(found, truth, atol=1e-5)
    untimed = density.drop_vars("exposure_mid")
    with pytest.raises(AnalysisError, match=r"common_time\.method"):
        to_common_time(untimed)
    assert to_common_time(untimed, options=plain)["signal"].identical(untimed["signal"])
    with pytest.warns(LithiscopeWarning, match="times of the exposures are not known"):
        shifted = systematic_shifts(untimed, scene.references(), video, common_time=plain, options=options)
    assert shifted["systematic"].values.tolist() == ["incident"]


def test_drift_is_the_gradient_times_the_leakage():
    x = np.broadcast_to(np.linspace(0.2, 0.8, 13), (12, 13))
    od = scene.densities(x, np.ones((12, 13)))
    recording = scene.recording(od, rng=np.random.default_rng(0), noise=False)
    density = optical_density(recording, spectrum=scene.incident_spectrum())
    alignment = stages.new(
        "alignment",
        {
            "shift": ("time axis", np.zeros((1, 2))),
            "shift_std": ("time axis", np.zeros((1, 2))),
            "drift_leakage": ("time axis", np.array([[0.02, 0.01]])),
            "alignment_flag": ("time", np.zeros(1)),
        },
        coords={"time": ("time", [0.0]), "axis": ("axis", ["y", "x"])},
    )
    video = lithium_fraction(density, scene.references())
    shifted = systematic_shifts(
        density, scene.references(), video, alignment=alignment, options=SystematicsOptions(**ALONE)
    )
    # x rises by 0.05 a pixel of 0.05 um: 1 per um, times 0.01 um.
    np.testing.assert_allclose(shifted["lithium_fraction_shift"].sel(systematic="drift"), 0.01, atol=1e-5)
    with pytest.raises(AnalysisError, match="drift_leakage"):
        systematic_shifts(density, scene.references(), video, alignment=alignment.drop_vars("drift_leakage"))


def test_energy_calibration_is_the_rerun_with_moved_references():
    axis = np.linspace(700.0, 716.0, 161)
    spectra = {
        "LFP": scene.spectrum(0.345 + np.exp(-(((axis - 706) / 2) ** 2)), axis),
        "FP": scene.spectrum(0.345 + np.exp(-(((axis - 712) / 2) ** 2)), axis),
    }
    content = {"LFP": 1.0, "FP": 0.0}
    references = references_from_spectra(spectra, scene.ENERGIES, lithium_content=content)
    values = references["reference"].values
    density = optical_density(
        scene.recording(
            scene.densities(np.full((8, 8), 0.4), np.ones((8, 8)), *values), rng=np.random.default_rng(0), noise=False
        ),
        spectrum=scene.incident_spectrum(),
    )
    moved = references.copy()
    moved["reference"] = references["reference"] * np.array([1.0, 0.98, 1.01])
    moved["reference"].attrs = references["reference"].attrs
    video = lithium_fraction(density, references)
    shifted = systematic_shifts(
        density, references, video, shifted_references=moved, options=SystematicsOptions(**ALONE)
    )
    expected = (lithium_fraction(density, moved)["lithium_fraction"] - video["lithium_fraction"]).mean()
    assert shift_of(shifted, "energy_calibration") == pytest.approx(float(expected), abs=1e-6)
    assert shifted.attrs["signal"] == "lithium_fraction"


def noisy_references(std):
    references = scene.references()
    error = np.broadcast_to(std, references["reference"].shape)
    return references.assign(reference_std=(references["reference"].dims, error.copy(), {"units": "1"}))


@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
def test_noise_of_the_references_moves_x_by_its_standard_deviation(x):
    rng = np.random.default_rng(5)
    std = np.array([[0.004, 0.01, 0.006], [0.003, 0.002, 0.012]])
    od, references = exact(x), noisy_references(std)
    shifted = systematic_shifts(od, references, lithium_fraction(od, references), options=SystematicsOptions(**ALONE))
    values, found = references["reference"].values, []
    for _ in range(300):
        drawn = references.assign(reference=(("component", "energy"), values + rng.normal(0, std), {"units": "1"}))
        found.append(float(lithium_fraction(od, drawn)["lithium_fraction"].mean()))
    # The standard deviation of 300 draws is known to 1/sqrt(600), 4 %.
    assert shift_of(shifted, "reference_noise") == pytest.approx(np.std(found), rel=0.12)


def test_references_without_noise_have_no_such_cause():
    od = exact(0.4)
    for references in (scene.references(), noisy_references(0.0)):
        shifted = systematic_shifts(od, references, lithium_fraction(od, references))
        assert "reference_noise" not in shifted["systematic"].values


def test_blank_has_no_shift_and_foreign_video_is_refused():
    thickness = scene.platelet((20, 20))
    density = optical_density(
        scene.recording(scene.densities(0.5, thickness), rng=np.random.default_rng(0)),
        spectrum=scene.incident_spectrum(),
    )
    video = lithium_fraction(density, scene.references())
    shifted = systematic_shifts(density, scene.references(), video)
    missing = np.isnan(shifted["lithium_fraction_shift"]).all("systematic")
    np.testing.assert_array_equal(missing, np.isnan(video["lithium_fraction"]))
    with pytest.raises(AnalysisError, match="not of these frames"):
        systematic_shifts(density.isel(x=slice(5)), scene.references(), video)
