"""Counts to lithium fraction: bias, scatter against the stated sigma, coverage, covariance, flags and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope import stages
from lithiscope.composition.xray import (
    UnmixOptions,
    lithium_fraction,
    optical_density,
    references_from_frames,
    systematic_shifts,
)
from lithiscope.errors import AnalysisError, StageError
from lithiscope.stages import flag_bit

PLAIN = UnmixOptions()
SHAPE = (200, 200)  # 40000 pixels: sample sigma good to 0.35 %, share inside 1 sigma to 0.23 %


def video_of(x, thickness=1.0, incident=scene.INCIDENT, seed=0, options=PLAIN, shape=SHAPE, **given):
    rng = np.random.default_rng(seed)
    od = scene.densities(np.broadcast_to(x, shape), np.broadcast_to(thickness, shape))
    density = optical_density(
        scene.recording(od, incident, rng=rng, **given), spectrum=scene.incident_spectrum(incident)
    )
    return lithium_fraction(density, scene.references(), options=options)


def weighted_mean(video):
    x, amount = video["lithium_fraction"].values.astype(float), video["amount"].values.astype(float)
    valid = np.isfinite(x)
    return float((x * amount)[valid].sum() / amount[valid].sum())


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("mode", ["few_energy", "general"])
def test_mean_is_unbiased_and_sigma_is_right(x, mode):
    video = video_of(x, options=UnmixOptions(mode=mode))
    z = (video["lithium_fraction"].values - x) / video["lithium_fraction_std"].values
    assert abs(weighted_mean(video) - x) < 0.003
    assert z.std() == pytest.approx(1.0, abs=0.05)
    assert (np.abs(z) < 1).mean() == pytest.approx(0.6827, abs=0.03)
    assert (np.abs(z) < 1.96).mean() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0])
def test_overdetermined_weighted_fit_is_unbiased_and_sigma_is_right(x):
    energies = np.linspace(703.0, 715.0, 25)
    lithiated = 0.345 + 0.7 * np.exp(-(((energies - 708.2) / 1.2) ** 2))
    delithiated = 0.345 + 0.8 * np.exp(-(((energies - 709.7) / 1.3) ** 2))
    od = scene.densities(np.full((100, 100), x), np.ones((100, 100)), lithiated, delithiated)
    recording = scene.recording(od, 2000.0, rng=np.random.default_rng(2), energies=energies)
    density = optical_density(recording, spectrum=scene.incident_spectrum(2000.0, energies))
    video = lithium_fraction(
        density, scene.references(lithiated, delithiated, energies), options=UnmixOptions(mode="general", offset=False)
    )
    z = (video["lithium_fraction"].values - x) / video["lithium_fraction_std"].values
    assert abs(weighted_mean(video) - x) < 0.003
    assert z.std() == pytest.approx(1.0, abs=0.05)
    assert (np.abs(z) < 1).mean() == pytest.approx(0.6827, abs=0.03)
    # 10000 pixels of 23 degrees of freedom: the mean is good to sqrt(2 * 23 / 10000) = 0.07; five sigma.
    assert float(video["chi_square"].mean()) == pytest.approx(23.0, abs=0.35)
    assert video.attrs["degrees_of_freedom"] == 23
    assert video.attrs["empirical_over_predicted_sigma"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0])
def test_pre_edge_covariance_matters_by_a_tenth_to_a_third(x):
    video = video_of(x, seed=3)
    od = scene.LITHIATED * x + scene.DELITHIATED * (1 - x)
    variance = np.exp(od) / scene.INCIDENT
    inverse = np.linalg.inv(np.stack([scene.LITHIATED[1:] - 0.345, scene.DELITHIATED[1:] - 0.345], axis=1))
    left_out = inverse @ np.diag(variance[1:] + variance[0]) @ inverse.T
    direction = np.array([1 - x, -x])
    naive = np.sqrt(direction @ left_out @ direction)
    change = abs(naive / float(video["lithium_fraction_std"].mean()) - 1)
    assert 0.10 < change < 0.35


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_non_negative_fit_is_biased_and_says_so(x):
    incident = 3.2e3  # sigma of x about 0.045
    free = video_of(x, incident=incident, seed=4)
    held = video_of(x, incident=incident, seed=4, options=UnmixOptions(non_negative=True))
    assert 0.014 < abs(weighted_mean(held) - x) < 0.024
    assert abs(weighted_mean(free) - x) <= 0.0024
    assert "biased" in held.attrs["constraint"]
    at_bound = np.isclose(held["lithium_fraction"].values, x, atol=1e-6)
    assert at_bound.mean() == pytest.approx(0.5, abs=0.02)
    # The bound carries no information, so the error bar there is that of the unconstrained fit, not zero.
    np.testing.assert_allclose(held["lithium_fraction_std"], free["lithium_fraction_std"], rtol=1e-5)


def test_inverse_variance_weights_would_bias_a_mean():
    video = video_of(0.0, incident=1.3e3, seed=5)  # sigma of x about 0.075, as measured by Lim 2016
    x, std = (video[name].values.astype(float) for name in ("lithium_fraction", "lithium_fraction_std"))
    inverse = float((x / std**2).sum() / (1 / std**2).sum())
    # Shot noise of the mean: 0.075/200 = 0.0004.
    assert abs(inverse) > 0.004
    assert abs(weighted_mean(video)) < 0.003


def test_sigma_of_a_mean_adds_up_as_the_root_of_pixels():
    means = [weighted_mean(video_of(0.6, seed=100 + seed, shape=(20, 25))) for seed in range(60)]
    stated = float(video_of(0.6, seed=99, shape=(20, 25))["lithium_fraction_std"].mean()) / np.sqrt(500)
    assert np.std(means) == pytest.approx(stated, rel=0.3)  # 60 draws: 9 %; three sigma


def test_error_of_incident_is_common_to_the_frame():
    rng = np.random.default_rng(6)
    od = scene.densities(np.full((60, 60), 0.4), np.ones((60, 60)))
    relative = np.array([0.004, 0.003, 0.005])
    shifts = []
    for _ in range(200):
        wrong = scene.INCIDENT * np.exp(relative * rng.standard_normal(3))
        recording = scene.recording(od, rng=rng, noise=False)
        density = optical_density(recording, spectrum=scene.spectrum(wrong))
        shifts.append(weighted_mean(lithium_fraction(density, scene.references())) - 0.4)
    density = optical_density(recording, spectrum=scene.incident_spectrum())
    density["signal_frame_std"] = (("time", "energy"), relative[None], {"units": "1"})
    for mode in ("few_energy", "general"):
        video = lithium_fraction(density, scene.references(), options=UnmixOptions(mode=mode))
        stated = float(video["lithium_fraction_frame_std"][0])
        assert np.std(shifts) == pytest.approx(stated, rel=0.2)  # 200 draws: 5 %; four sigma


def test_noise_gain_of_x_follows_that_of_the_energies():
    rng = np.random.default_rng(7)
    recording = scene.recording(scene.densities(np.full((30, 30), 0.5), np.ones((30, 30))), rng=rng)
    density = optical_density(recording, spectrum=scene.incident_spectrum())
    density["noise_gain"] = (("time", "energy"), np.full((1, 3), 0.8), {"units": "1"})
    video = lithium_fraction(density, scene.references())
    assert float(video["noise_gain"][0]) == pytest.approx(0.8)


def test_a_lost_energy_takes_no_error_bar_with_it_in_general_mode():
    energies = np.array([703.0, 706.0, 708.0, 713.0, 720.0])
    ends = np.array([0.345, 1.10, 0.9, 0.75, 0.8]), np.array([0.345, 0.62, 0.5, 1.25, 0.7])
    od = scene.densities(np.full((30, 30), 0.5), np.ones((30, 30)), *ends)
    recording = scene.recording(od, rng=np.random.default_rng(7), energies=energies)
    density = optical_density(recording, spectrum=scene.incident_spectrum(energies=energies))
    density["signal_frame_std"] = (("time", "energy"), np.full((1, 5), 0.01), {"units": "1"})
    density["noise_gain"] = (("time", "energy"), np.full((1, 5), 0.8), {"units": "1"})
    # What resampling makes of a frame that could not be aligned.
    for name in ("signal", "signal_std", "signal_frame_std", "noise_gain"):
        density[name].values[:, 2] = np.nan
    density["signal_flag"].values[:, 2] = flag_bit("not_aligned")
    options = UnmixOptions(mode="general")
    references = scene.references(*ends, energies)
    video = lithium_fraction(density, references, options=options)
    fewer = lithium_fraction(density.isel(energy=[0, 1, 3, 4]), references.isel(energy=[0, 1, 3, 4]), options=options)
    assert np.isfinite(video["lithium_fraction"]).all()
    for name in ("lithium_fraction", "lithium_fraction_std", "lithium_fraction_frame_std", "noise_gain"):
        np.testing.assert_allclose(video[name], fewer[name], rtol=1e-5)
    shifted = systematic_shifts(density, references, video, unmix=options)
    assert (np.abs(shifted["lithium_fraction_shift"].sel(systematic="incident")) > 1e-3).all()


def test_blank_gets_no_x_but_keeps_its_amount():
    video = video_of(0.5, thickness=scene.platelet(SHAPE, 0.97), seed=8)
    blank = scene.platelet(SHAPE, 0.97) == 0
    flag = video["lithium_fraction_flag"].values[0]
    assert (flag[blank] & flag_bit("no_material")).all()
    assert not (flag[~blank] & flag_bit("no_material")).any()
    assert np.isfinite(video["amount"]).all()
    # Only 3 % of the picture is material: the plateau is still the material's, not the noise's.
    assert video.attrs["plateau"] == pytest.approx(1.0, abs=0.06)


def test_missing_energy_costs_the_pixel_in_few_energy_mode_only():
    energies = np.append(scene.ENERGIES, 720.0)
    lithiated, delithiated = np.append(scene.LITHIATED, 0.8), np.append(scene.DELITHIATED, 0.7)
    od = scene.densities(np.full((10, 10), 0.3), np.ones((10, 10)), lithiated, delithiated)
    recording = scene.recording(od, rng=np.random.default_rng(9), energies=energies, noise=False)
    recording["counts"][0, 3, 2, 2] = 0.0
    recording["counts"][0, 1:, 5, 5] = 0.0
    density = optical_density(recording, spectrum=scene.incident_spectrum(energies=energies))
    references = scene.references(lithiated, delithiated, energies)
    few = lithium_fraction(density, references)
    general = lithium_fraction(density, references, options=UnmixOptions(mode="general"))
    assert np.isnan(few["lithium_fraction"][0, 2, 2])
    assert few["lithium_fraction_flag"].values[0, 2, 2] & flag_bit("no_counts")
    assert float(general["lithium_fraction"][0, 2, 2]) == pytest.approx(0.3, abs=1e-4)
    assert general["lithium_fraction_flag"].values[0, 2, 2] == 0
    assert int(general["lithium_fraction_flag"].values[0, 5, 5]) == int(flag_bit("no_counts", "unsolvable"))
    assert np.isfinite(few["lithium_fraction"].values).sum() == 98


def test_x_beyond_the_references_is_kept_and_flagged():
    rng = np.random.default_rng(10)
    x = np.full((20, 20), 0.5)
    x[0, 0] = 1.4
    density = optical_density(
        scene.recording(scene.densities(x, np.ones((20, 20))), rng=rng), spectrum=scene.incident_spectrum()
    )
    video = lithium_fraction(density, scene.references())
    assert video["lithium_fraction_flag"].values[0, 0, 0] == flag_bit("outside_references")
    assert float(video["lithium_fraction"][0, 0, 0]) == pytest.approx(1.4, abs=0.1)
    assert (video["lithium_fraction_flag"].values != 0).sum() == 1


def test_unweighted_sigma_comes_from_the_residuals():
    energies = np.linspace(703.0, 715.0, 60)
    lithiated = np.exp(-(((energies - 708.2) / 1.2) ** 2))
    delithiated = np.exp(-(((energies - 709.7) / 1.3) ** 2))
    od = scene.densities(np.full((40, 40), 0.3), np.ones((40, 40)), lithiated, delithiated)
    noisy = od + np.random.default_rng(11).normal(0, 0.02, od.shape)
    frames = stages.new(
        "frames",
        {"signal": ("time energy y x", noisy[None]), "signal_flag": ("time energy y x", np.zeros((1, *od.shape)))},
        coords={
            "time": ("time", [0.0]),
            "energy": ("energy", energies),
            "y": ("y", np.arange(40.0)),
            "x": ("x", np.arange(40.0)),
        },
        attrs={"quantity": "optical_density"},
    )
    video = lithium_fraction(
        frames,
        scene.references(lithiated, delithiated, energies),
        options=UnmixOptions(mode="general", weighting="none", slope=True),
    )
    z = (video["lithium_fraction"].values - 0.3) / video["lithium_fraction_std"].values
    assert z.std() == pytest.approx(1.0, abs=0.08)  # 1600 pixels: 1.8 %, and 56 degrees of freedom widen by 2 %
    assert video.attrs["residual_rms"] == pytest.approx(0.02 * np.sqrt(56 / 60), rel=0.01)
    assert video["component"].values.tolist() == ["LFP", "FP", "offset", "slope"]
    with pytest.raises(AnalysisError, match="cannot be known"):
        lithium_fraction(frames.isel(energy=[0, 25, 33]), scene.references(lithiated, delithiated, energies))


def test_covariance_is_kept_when_asked():
    video = video_of(0.5, shape=(8, 8), options=UnmixOptions(keep_covariance=True))
    covariance = (
        video["covariance"].isel(component=slice(2), component_other=slice(2)).sum(["component", "component_other"])
    )
    np.testing.assert_allclose(covariance, video["amount_std"] ** 2, rtol=1e-4)


def test_order_of_the_references_does_not_matter():
    rng = np.random.default_rng(12)
    density = optical_density(
        scene.recording(scene.densities(np.full((8, 8), 0.3), np.ones((8, 8))), rng=rng),
        spectrum=scene.incident_spectrum(),
    )
    one = lithium_fraction(density, scene.references())
    two = lithium_fraction(density, scene.references().isel(component=[1, 0], energy=[2, 0, 1]))
    np.testing.assert_allclose(one["lithium_fraction"], two["lithium_fraction"], rtol=1e-5)


def with_contents(*contents):
    references = scene.references()
    return references.assign(lithium_content=references["lithium_content"].copy(data=np.array(contents)))


@pytest.mark.parametrize(
    ("references", "options", "words"),
    [
        (scene.references(energies=scene.ENERGIES + 1), {}, "not on the energies"),
        (scene.references(scene.LITHIATED, 1.5 * scene.LITHIATED), {}, "told apart"),
        (scene.references(), {"energies": (703.0, 706.0)}, "fewer energies"),
        (scene.references(), {"energies": (703.0, 706.0, 714.0)}, "not measured"),
        (scene.references(scene.LITHIATED * np.nan), {}, "not on the energies"),
        (scene.references().drop_vars("lithium_content"), {}, "lithium fraction it stands for"),
        (with_contents(1.0, 1.0), {}, "do not span a range"),
        (with_contents(5.0, 0.0), {}, "do not span a range"),
    ],
)
def test_bad_problems_are_refused(references, options, words):
    density = optical_density(
        scene.recording(np.zeros((3, 8, 8)), rng=np.random.default_rng(0)), spectrum=scene.incident_spectrum()
    )
    with pytest.raises(AnalysisError, match=words):
        lithium_fraction(density, references, options=UnmixOptions(**options))


def test_counts_are_not_optical_density():
    recording = scene.recording(np.zeros((3, 8, 8)), rng=np.random.default_rng(0))
    with pytest.raises(StageError, match="expected stage"):
        lithium_fraction(recording, scene.references())


def test_picture_without_any_value_is_all_flags():
    rng = np.random.default_rng(13)
    recording = scene.recording(np.zeros((3, 8, 8)), 0.0, rng=rng)
    video = lithium_fraction(optical_density(recording, spectrum=scene.incident_spectrum()), scene.references())
    assert np.isnan(video["lithium_fraction"]).all()
    assert (video["lithium_fraction_flag"] & flag_bit("no_counts")).all()


def test_whole_way_from_counts_alone():
    """I0 from the picture, references from the first and last frame: nothing is known but which frames those are."""
    rng = np.random.default_rng(14)
    states = [1.0, 0.7, 0.5, 0.2, 0.0]
    thickness = scene.platelet((100, 100), 0.4)
    od = np.stack([scene.densities(x, thickness) for x in states])
    density = optical_density(scene.recording(od, rng=rng))
    references = references_from_frames(density, lithiated=[0], delithiated=[4], mask=thickness > 0)
    video = lithium_fraction(density, references)
    for t, x in enumerate(states):
        assert abs(weighted_mean(video.isel(time=[t])) - x) < 0.003
        z = (video["lithium_fraction"][t] - x) / video["lithium_fraction_std"][t]
        assert float(z.std()) == pytest.approx(1.0, abs=0.05)
    assert float(video["amount"].where(video["lithium_fraction"].notnull()).mean()) == pytest.approx(1.0, abs=0.01)
