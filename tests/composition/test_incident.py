"""I0 by percentile, blank mask and spectrum: values, standard errors, and what each does wrong where it must."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composition import scene
from lithiscope import stages
from lithiscope.composition.xray import IncidentOptions, compare_incident, optical_density
from lithiscope.composition.xray.kernels.incident import bright_mode, quantile_with_error
from lithiscope.errors import AnalysisError, LithiscopeWarning

SHOTS = 20
COUNTS = 8000.0


def errors_of(options, share, seed=1, blank=None):
    """ln(I0 found / truth) and the sigma that was stated, (shots, energy)."""
    rng = np.random.default_rng(seed)
    thickness = scene.platelet((80, 80), share)
    found, stated = [], []
    for _ in range(SHOTS):
        recording = scene.recording(scene.densities(0.5, thickness), COUNTS, rng=rng)
        od = optical_density(recording, options=options, blank=None if blank is None else blank(thickness))
        found.append(np.log(od["incident"].values[0] / COUNTS))
        stated.append(od["signal_frame_std"].values[0])
    return np.array(found), np.array(stated)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_middle_of_the_blank_share_is_right_within_its_sigma(share):
    found, stated = errors_of(IncidentOptions(), share)
    scatter = np.sqrt(np.mean(found**2))
    # 60 draws: their rms is good to 1/sqrt(120) = 9 %; the stated sigma is an upper bound within about 20 %.
    assert 0.65 < scatter / stated.mean() < 1.2
    assert np.abs(found.mean()) < 4 * stated.mean() / np.sqrt(found.size)


def test_blank_mask_is_right_within_its_sigma():
    found, stated = errors_of(IncidentOptions(), 0.3, blank=lambda thickness: thickness == 0)
    assert 0.7 < np.sqrt(np.mean(found**2)) / stated.mean() < 1.3  # 60 draws: 9 %; three sigma
    # The mean of n pixels of N counts: 1/sqrt(n N).
    assert stated.mean() == pytest.approx(1 / np.sqrt(0.3 * 6400 * COUNTS), rel=0.03)


@pytest.mark.parametrize(
    ("share", "expected", "tolerance"),
    [
        # Half of the window lies on the platelet: ln of the mean of 1 and exp(-0.345), at the pre-edge; the ranks at
        # the rims of both modes, two to three sigma out (0.011 and 0.013), nearly cancel.
        (0.2, np.log((1 + np.exp(-0.345)) / 2), 0.01),
        # The 80th percentile of all is the 60th, and the 75th, of the blank: +0.2533 and +0.6745 sigma of 1/sqrt(N).
        (0.5, 0.2533 / np.sqrt(COUNTS), 3e-4),
        (0.8, 0.6745 / np.sqrt(COUNTS), 3e-4),
    ],
)
def test_fixed_80th_percentile_errs_as_the_blank_share_says(share, expected, tolerance):
    found, _ = errors_of(IncidentOptions(percentile=80.0), share)
    assert found[:, 0].mean() == pytest.approx(expected, abs=tolerance)


def test_rare_blank_is_found_beside_a_thickness_gradient():
    rng = np.random.default_rng(3)
    thickness = np.linspace(0.5, 1.5, 100)[:, None] * np.ones(100)
    thickness[:, :5] = 0.0
    recording = scene.recording(scene.densities(0.5, thickness), COUNTS, rng=rng)
    od = optical_density(recording)
    assert od.attrs["blank_share"][0] == pytest.approx(0.05, abs=0.008)
    np.testing.assert_allclose(od["incident"], COUNTS, rtol=4e-3)


def test_three_ways_agree_on_a_clean_scene():
    rng = np.random.default_rng(4)
    thickness = scene.platelet()
    recording = scene.recording(scene.densities(0.5, thickness), rng=rng)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare_incident(recording, spectrum=scene.incident_spectrum(), blank=thickness == 0)
    assert found["incident_method"].values.tolist() == ["percentile", "blank", "spectrum"]
    np.testing.assert_allclose(found["incident"], scene.INCIDENT, rtol=2e-3)


def test_membrane_everywhere_makes_picture_and_spectrum_disagree_aloud():
    rng = np.random.default_rng(5)
    recording = scene.recording(scene.densities(0.5, scene.platelet()) + 0.85, rng=rng)
    with pytest.warns(LithiscopeWarning, match=r"percentile and by spectrum differ by up to -0\.85"):
        compare_incident(recording, spectrum=scene.incident_spectrum())


def test_a_lost_picture_does_not_hide_how_far_the_ways_differ():
    rng = np.random.default_rng(5)
    recording = scene.recording((scene.densities(0.5, scene.platelet()) + 0.85)[None].repeat(2, axis=0), rng=rng)
    recording["counts"].values[1, 2] = np.nan
    with pytest.warns(LithiscopeWarning) as told:
        compare_incident(recording, spectrum=scene.incident_spectrum())
    assert any("differ by up to -0.85" in str(one.message) and "at 5 of 6 pictures" in str(one.message) for one in told)


def test_ring_current_scales_the_spectrum():
    rng = np.random.default_rng(6)
    recording = scene.recording(np.zeros((3, 8, 8)), rng=rng)
    options = IncidentOptions(spectrum_ring_current=0.5, spectrum_relative_std=0.01)
    with pytest.raises(AnalysisError, match="ring current"):
        optical_density(recording, spectrum=scene.incident_spectrum(), options=options)
    recording["ring_current"] = (("time", "energy"), np.full((1, 3), 0.4), {"units": "A"})
    od = optical_density(recording, spectrum=scene.incident_spectrum(), options=options)
    np.testing.assert_allclose(od["incident"], 0.8 * scene.INCIDENT)
    np.testing.assert_allclose(od["signal_frame_std"], 0.01)
    recording["ring_current"][0, 1] = 0.0
    with pytest.raises(AnalysisError, match=r"not positive[\s\S]*scan 0 at"):
        optical_density(recording, spectrum=scene.incident_spectrum(), options=options)
    recording["counts"][0, 1] = np.nan  # the beam was away, and so was the picture
    od = optical_density(recording, spectrum=scene.incident_spectrum(), options=options)
    np.testing.assert_array_equal(np.isfinite(od["incident"]), [[True, False, True]])


def test_spectrum_is_interpolated_linearly_and_sorted():
    rng = np.random.default_rng(7)
    recording = scene.recording(np.zeros((3, 8, 8)), rng=rng)
    spectrum = scene.spectrum([3000.0, 1000.0], [723.0, 703.0])
    od = optical_density(recording, spectrum=spectrum)
    np.testing.assert_allclose(od["incident"][0], [1000.0, 1300.0, 2000.0])


def test_picture_without_counts_is_an_error_not_a_number():
    rng = np.random.default_rng(8)
    recording = scene.recording(np.zeros((3, 8, 8)), 0.0, rng=rng)
    with pytest.raises(AnalysisError, match="not positive"):
        optical_density(recording)
    recording["counts"][:] = np.nan
    with pytest.raises(AnalysisError, match="no picture has enough pixels"):
        optical_density(recording)


@given(scale=st.floats(0.5, 50.0), seed=st.integers(0, 5))
def test_bright_mode_scales_with_the_unit_of_counts(scale, seed):
    counts = np.random.default_rng(seed).normal(1000.0, 30.0, 4000)
    centre, share = bright_mode(counts, 30.0)
    scaled_centre, scaled_share = bright_mode(counts * scale, 30.0 * scale)
    assert scaled_centre == pytest.approx(scale * centre, rel=1e-3)
    assert scaled_share == pytest.approx(share, abs=0.02)


@given(st.permutations(list(range(40))))
def test_quantile_ignores_the_order_of_pixels(order):
    counts = np.linspace(0.0, 1.0, 40)
    assert quantile_with_error(counts[order], 0.5, 0.05, 1.0) == quantile_with_error(counts, 0.5, 0.05, 1.0)


def test_uniform_picture_is_its_own_blank():
    assert bright_mode(np.full(50, 7.0), 1.0) == (7.0, 1.0)


@pytest.mark.parametrize("spot", [1, 5, 20])
def test_a_saturated_spot_is_not_taken_for_the_blank(spot):
    rng = np.random.default_rng(11)
    recording = scene.recording(scene.densities(0.5, scene.platelet((60, 60), 0.5)), COUNTS, rng=rng)
    whole = optical_density(recording)["incident"].values
    recording["counts"].values[0, :, 0, :spot] = 65535
    found = optical_density(recording)["incident"].values
    # The spot moves the ranks by its share of the pixels, i.e. I0 by a fraction of its scatter.
    scatter = np.sqrt(COUNTS)
    assert np.abs(found - whole).max() < scatter * (0.02 + 5 * spot / 3600)


def test_saturated_pixels_have_no_part_in_i0():
    rng = np.random.default_rng(12)
    recording = scene.recording(scene.densities(0.5, scene.platelet((60, 60), 0.5)), COUNTS, rng=rng)
    recording["counts"].values[0, :, :12] = 65535  # a fifth of the field
    od = optical_density(recording, options=IncidentOptions(saturation=65535))
    assert np.abs(np.log(od["incident"].values / COUNTS)).max() < 5 * od["signal_frame_std"].values.max()
    assert np.isnan(od["signal"].values[0, :, :12]).all()


@pytest.mark.parametrize("method", ["percentile", "blank"])
def test_one_lost_picture_is_nan_and_said_and_the_others_stand(method):
    rng = np.random.default_rng(13)
    thickness = scene.platelet((60, 60), 0.5)
    recording = scene.recording(scene.densities(0.5, thickness)[None].repeat(2, axis=0), COUNTS, rng=rng)
    recording["counts"].values[1, 2] = np.nan
    options = IncidentOptions(method=method)
    with pytest.warns(LithiscopeWarning, match="scan 1 at 713 eV"):
        od = optical_density(recording, blank=thickness == 0, options=options)
    lost = np.isnan(od["incident"].values)
    assert np.argwhere(lost).tolist() == [[1, 2]]
    assert np.isnan(od["signal"].values[1, 2]).all()
    assert np.isfinite(od["signal"].values[0]).all()


def test_the_error_of_a_spectrum_is_its_own_scatter_unless_stated():
    rng = np.random.default_rng(15)
    energies = np.linspace(700, 730, 123)
    recording = scene.recording(np.zeros((3, 8, 8)), rng=rng)
    smooth = 1e4 * (1 + 0.002 * (energies - 700))
    noisy = scene.spectrum(smooth * (1 + 0.01 * rng.standard_normal(123)), energies)
    od = optical_density(recording, spectrum=noisy)
    # The median of 121 correlated second differences knows the scatter to about 15 %.
    np.testing.assert_allclose(od["signal_frame_std"], 0.01, rtol=0.45)
    od = optical_density(recording, spectrum=noisy, options=IncidentOptions(spectrum_relative_std=0.05))
    np.testing.assert_allclose(od["signal_frame_std"], 0.05)
    od = optical_density(recording, spectrum=scene.incident_spectrum())
    assert od.attrs["spectrum_std_stated"] is False


def night(levels, current=None, bare=(), seed=5):
    """Scans of a platelet, each as bright as it is said; `bare` ones have no blank area."""
    rng = np.random.default_rng(seed)
    half = scene.platelet((60, 60), 0.5)
    counts = [
        scene.recording(scene.densities(0.5, np.ones((60, 60)) if number in bare else half), COUNTS * level, rng=rng)[
            "counts"
        ].values[0]
        for number, level in enumerate(levels)
    ]
    one = scene.recording(scene.densities(0.5, half), COUNTS, rng=rng)
    variables = {"counts": ("time energy y x", np.stack(counts))}
    if current is not None:
        variables["ring_current"] = ("time energy", np.repeat(np.array(current)[:, None], len(counts[0]), axis=1))
    coords = {name: (name, one[name].values) for name in ("energy", "y", "x")}
    return stages.new("recording", variables, coords={**coords, "time": ("time", 600.0 * np.arange(len(levels)))})


def told_of(recording):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        compare_incident(recording)
    return [str(one.message) for one in told if issubclass(one.category, LithiscopeWarning)]


def test_a_beam_that_decays_with_its_ring_is_no_jump():
    falling = np.linspace(1.0, 0.6, 6)
    assert told_of(night(falling, current=0.4 * falling)) == []
    # Without a ring current nobody knows what the beam does, as long as it does so at all energies.
    assert told_of(night([1.0, 0.6, 1.0, 0.9])) == []


def test_a_scan_with_another_i0_than_its_ring_is_told():
    (text,) = told_of(night([1.0, 0.98, 0.62, 0.94, 0.92], current=[0.4, 0.392, 0.384, 0.376, 0.368]))
    assert "in scan 2:" in text
    percent = float(re.search(r"by up to ([+-]\d+) %", text).group(1))
    # The brightest mode of 1800 pixels is known to 0.03 %; rounding to one percent.
    assert percent == pytest.approx(100 * (0.62 / 0.384 * 0.4 - 1), abs=4)


def test_a_field_inside_a_particle_is_told_by_its_spectrum():
    # The platelet absorbs otherwise at each energy.
    (text,) = told_of(night([1.0, 1.0, 1.0, 1.0], bare=(1,)))
    assert "at the other energies" in text
    assert "in scan 1:" in text
