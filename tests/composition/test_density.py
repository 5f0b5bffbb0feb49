"""Optical density: exact values, noise, flags, and every bad input."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope import stages
from lithiscope.composition.xray import IncidentOptions, optical_density
from lithiscope.errors import AnalysisError, LithiscopeError, OptionError, StageError
from lithiscope.stages import flag_bit


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def counts(values, **variables):
    """A recording (1, 3, 8, 8) in which every picture is uniform but for what the test writes into it."""
    picture = np.full((1, 3, 8, 8), 1000.0) if values is None else values
    return stages.new(
        "recording",
        {"counts": ("time energy y x", picture), **variables},
        coords={
            "time": ("time", [0.0]),
            "energy": ("energy", scene.ENERGIES),
            "y": ("y", np.arange(8.0)),
            "x": ("x", np.arange(8.0)),
        },
    )


def test_value_and_noise_are_the_formula():
    recording = counts(None)
    od = optical_density(recording, spectrum=scene.spectrum([4000.0, 2000.0, 1000.0]))
    np.testing.assert_allclose(od["signal"][0, :, 3, 3], np.log([4.0, 2.0, 1.0]), atol=1e-6)
    np.testing.assert_allclose(od["signal_std"], 1 / np.sqrt(1000.0), rtol=1e-6)
    assert od["signal_frame_std"].values.tolist() == [[0.0, 0.0, 0.0]]
    assert od.attrs["quantity"] == "optical_density"
    assert od.attrs["incident_method"] == "spectrum"


def test_scatter_is_the_predicted_sigma(rng):
    recording = scene.recording(np.full((3, 120, 120), 0.7), 2000.0, rng=rng)
    od = optical_density(recording, spectrum=scene.incident_spectrum(2000.0))
    ratio = od["signal"].std(["y", "x"]) / od["signal_std"].mean(["y", "x"])
    # 14400 pixels: the sample standard deviation is good to 1/sqrt(2 * 14400) = 0.6 %; four sigma.
    np.testing.assert_allclose(ratio, 1.0, atol=0.024)


def test_counts_per_photon_widens_sigma_by_its_root():
    plain = optical_density(counts(None), spectrum=scene.incident_spectrum())
    wide = optical_density(
        counts(None), spectrum=scene.incident_spectrum(), options=IncidentOptions(counts_per_photon=4.0)
    )
    np.testing.assert_allclose(wide["signal_std"], 2 * plain["signal_std"], rtol=1e-6)


def test_given_noise_replaces_poisson_and_noise_gain_passes():
    frames = stages.new(
        "frames",
        {
            "signal": ("time energy y x", np.full((1, 3, 8, 8), 1000.0)),
            "signal_std": ("time energy y x", np.full((1, 3, 8, 8), 50.0)),
            "signal_flag": ("time energy y x", np.zeros((1, 3, 8, 8))),
            "noise_gain": ("time energy", np.full((1, 3), 0.8)),
        },
        coords={
            "time": ("time", [0.0]),
            "energy": ("energy", scene.ENERGIES),
            "y": ("y", np.arange(8.0)),
            "x": ("x", np.arange(8.0)),
        },
        attrs={"quantity": "counts"},
    )
    od = optical_density(frames, spectrum=scene.incident_spectrum())
    np.testing.assert_allclose(od["signal_std"], 0.05, rtol=1e-6)
    assert (od["noise_gain"] == 0.8).all()


def test_every_doubtful_pixel_has_its_flag():
    values = np.full((1, 3, 8, 8), 1000.0)
    values[0, 0, 0, 0] = 0.0
    values[0, 0, 0, 1] = -3.0
    values[0, 0, 0, 2] = np.nan
    values[0, 0, 0, 3] = 5000.0
    values[0, 0, 0, 4] = 12.0
    values[0, 0, 0, 5] = np.inf
    given = np.zeros((1, 3, 8, 8), dtype=np.uint16)
    given[0, 0, 0, 2] = flag_bit("missing")
    recording = counts(values, counts_flag=("time energy y x", given))
    od = optical_density(recording, spectrum=scene.incident_spectrum(), options=IncidentOptions(saturation=5000.0))
    flags, signal = od["signal_flag"].values[0, 0, 0], od["signal"].values[0, 0, 0]
    expected = ["no_counts", "no_counts", "missing", "saturated"]
    assert [int(flag) for flag in flags[:4]] == [int(flag_bit(name)) for name in expected]
    assert np.isnan(signal[:4]).all()
    assert int(flags[4]) == int(flag_bit("few_counts", "opaque"))
    assert signal[4] == pytest.approx(np.log(1.6e4 / 12), rel=1e-6)
    assert np.isnan(signal[5])
    assert int(flags[6]) == int(flag_bit("opaque"))  # ln 16 = 2.77 is above 2.5


def test_saturation_of_the_file_is_used():
    recording = counts(None)
    recording.attrs["saturation"] = 900.0
    od = optical_density(recording, spectrum=scene.incident_spectrum())
    assert (od["signal_flag"] & flag_bit("saturated")).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"spectrum": scene.spectrum([1.0, 0.0, 1.0])}, "not positive"),
        ({"spectrum": scene.spectrum([1.0, np.nan, 1.0])}, "not finite"),
        ({"spectrum": scene.spectrum([1.0, 1.0], [703.0, 710.0])}, "does not cover"),
        ({"spectrum": scene.spectrum([1.0, 1.0, 1.0], [703.0, 703.0, 713.0])}, "an energy twice"),
        ({"blank": np.ones((4, 4), bool)}, "does not fit"),
        ({"blank": np.ones((8, 8))}, "does not fit"),
        ({"blank": np.eye(8, dtype=bool)}, "too few pixels"),
        ({"options": IncidentOptions(method="spectrum")}, "none was given"),
        ({"options": IncidentOptions(method="blank")}, "none was given"),
    ],
)
def test_bad_arguments_say_what_is_wrong(arguments, words):
    with pytest.raises(LithiscopeError, match=words):
        optical_density(counts(None), **arguments)


@pytest.mark.parametrize("value", [0.0, 100.0, -5.0, 120.0, float("nan")])
def test_percentile_outside_its_range_is_refused(value):
    with pytest.raises(OptionError, match="percentile"):
        IncidentOptions(percentile=value)


def test_other_quantities_and_lost_dimensions_are_refused(rng):
    recording = scene.recording(np.zeros((3, 8, 8)), rng=rng)
    od = optical_density(recording, spectrum=scene.incident_spectrum())
    with pytest.raises(StageError, match="another quantity"):
        optical_density(od, spectrum=scene.incident_spectrum())
    with pytest.raises(StageError, match="several energies"):
        optical_density(recording.isel(energy=0, drop=True), spectrum=scene.incident_spectrum())


def test_noise_that_is_not_positive_is_refused():
    frames = stages.new(
        "frames",
        {
            "signal": ("time energy y x", np.ones((1, 3, 8, 8))),
            "signal_std": ("time energy y x", np.zeros((1, 3, 8, 8))),
            "signal_flag": ("time energy y x", np.zeros((1, 3, 8, 8))),
        },
        coords={
            "time": ("time", [0.0]),
            "energy": ("energy", scene.ENERGIES),
            "y": ("y", np.arange(8.0)),
            "x": ("x", np.arange(8.0)),
        },
        attrs={"quantity": "counts"},
    )
    with pytest.raises(AnalysisError, match="signal_std"):
        optical_density(frames, spectrum=scene.incident_spectrum())
    frames["signal"][:] = 0.0  # no counts, no noise: flagged, not refused
    od = optical_density(frames, spectrum=scene.incident_spectrum())
    assert (od["signal_flag"] == flag_bit("no_counts")).all()


def test_scale_of_counts_and_incident_cancels(rng):
    recording = scene.recording(np.full((3, 8, 8), 0.3), rng=rng)
    scaled = recording.copy()
    scaled["counts"] = recording["counts"] * 8
    scaled["counts"].attrs = recording["counts"].attrs
    one = optical_density(recording, spectrum=scene.incident_spectrum())
    two = optical_density(scaled, spectrum=scene.incident_spectrum(8 * scene.INCIDENT))
    np.testing.assert_allclose(one["signal"], two["signal"], atol=1e-6)
