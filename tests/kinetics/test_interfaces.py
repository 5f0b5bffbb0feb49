from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, ndtr
from scipy.stats import binom

from lithiscope.errors import AnalysisError
from lithiscope.kinetics import by_rate, interfaces, pool
from lithiscope.kinetics.options import InterfaceOptions
from truth import domain_truth

PIXEL = domain_truth.PIXEL
SHAPE = (34, 34)
Y, X = (np.indices(SHAPE) - 16.5) * PIXEL
DISC = np.hypot(Y, X) <= 14.5 * PIXEL
SPEED = 0.1  # um/h


def across(angle, width, places, contrast=0.8, shape="error_function"):
    """A straight boundary of stated width at the stated places along its normal, rich behind it."""
    turn = np.deg2rad(angle)
    distance = np.cos(turn) * X + np.sin(turn) * Y - np.asarray(places)[:, None, None]
    fall = ndtr(distance * np.sqrt(2 * np.pi) / width) if shape == "error_function" else expit(4 * distance / width)
    return 0.5 + contrast / 2 - contrast * fall


def core(radii, width):
    distance = np.hypot(X, Y) - np.asarray(radii)[:, None, None]
    return 0.9 - 0.8 * ndtr(distance * np.sqrt(2 * np.pi) / width)


def video_of(x, *, sigma=0.065, seed=0, mask=DISC, half=None, direction=None, hours=0.5, blur=None):
    if blur is not None:
        from scipy.ndimage import gaussian_filter

        x = gaussian_filter(x, (0, blur / PIXEL, blur / PIXEL), mode="nearest")
    x = np.where(mask, x + sigma * np.random.default_rng(seed).standard_normal(x.shape), np.nan)
    count = len(x)
    half = np.zeros(count, int) if half is None else half
    direction = np.ones(count, int) if direction is None else direction
    return domain_truth.as_video(x, sigma, mask, hours * 3600 * np.arange(count), half, direction)


def measured(x, *, options=None, rates=None, **more):
    mask = more.get("mask", DISC)
    return interfaces(
        video_of(x, **more), domain_truth.as_labels(mask), applied_c_rate=rates, options=options or InterfaceOptions()
    )


PLACES = SPEED * 0.5 * (np.arange(9) - 4)


@pytest.mark.parametrize("width", [0.08, 0.2, 0.4])
def test_width_slope_and_motion_of_a_straight_boundary(width):
    """Nine frames at sigma 0.065: the mean within 4 of its standard errors and 1 %, the velocity within 4."""
    table = measured(across(28.0, width, PLACES), seed=3)
    assert (table["state"].values == "boundary").all()
    value, std = table["width"].values[0], table["width_std"].values[0]
    assert abs(value.mean() - width) < 4 * std.mean() / 3 + 0.01 * width
    assert float(table["mean_width"][0, 0]) == pytest.approx(value.mean())
    slope = table["slope"].values[0]
    assert abs(slope.mean() - 0.8 / width) < 4 * table["slope_std"].values[0].mean() / 3 + 0.01 * 0.8 / width
    assert abs(float(table["mean_velocity"][0, 0]) - SPEED) < 4 * float(table["mean_velocity_std"][0, 0])
    assert np.abs(table["normal_angle"].values[0] - 28.0).max() < 4 * table["normal_angle_std"].values[0].max() + 0.5
    found = table["position"].values[0] - PLACES
    assert np.abs(found).max() < 4 * table["position_std"].values[0].max()
    assert table["straightness"].values.min() > 0.95


def test_error_bars_cover_the_truth():
    """Width, slope, position and velocity of 12 runs of 9 frames: 95 % bars, binomial limits at 1 in 1000."""
    tables = [measured(across(10.0 + 17 * seed, 0.2, PLACES), seed=seed) for seed in range(12)]
    truths = {"width": 0.2, "slope": 4.0, "position": PLACES, "velocity": SPEED, "contrast": 0.8}
    for name, true in truths.items():
        pulls = np.concatenate([(t[name].values[0] - true) / t[f"{name}_std"].values[0] for t in tables])
        inside = np.count_nonzero(np.abs(pulls) < 1.96)
        count = len(pulls)
        assert binom.ppf(5e-4, count, 0.95) <= inside <= binom.ppf(1 - 5e-4, count, 0.95), (name, inside, count)
    total = [float((t["mean_velocity"][0, 0] - SPEED) / t["mean_velocity_std"][0, 0]) for t in tables]
    assert binom.ppf(5e-4, 12, 0.95) <= np.count_nonzero(np.abs(total) < 1.96)


def test_a_shrinking_core_is_closed_and_its_rich_side_loses_ground():
    table = measured(core(np.linspace(0.5, 0.3, 5), 0.12), direction=-np.ones(5, int))
    assert table["straightness"].values.max() < 0.1
    assert np.isnan(table["position"].values).all()
    speed, std = float(table["mean_velocity"][0, 0]), float(table["mean_velocity_std"][0, 0])
    assert abs(speed + 0.1) < 4 * std
    assert abs(table["width"].values.mean() - 0.12) < 4 * table["width_std"].values.mean() / np.sqrt(5)
    assert table["length"].values[0, 0] == pytest.approx(2 * np.pi * 0.5, rel=0.05)


def test_the_probe_is_taken_out_in_quadrature():
    """A boundary of 0.12 um seen by a probe of 0.1 um; one of 0.02 um is sharper than can be told."""
    blur = 0.1 / 2.3548
    x = across(40.0, 0.12, PLACES)
    plain = measured(x, blur=blur)
    taken = measured(x, blur=blur, options=InterfaceOptions(resolution=0.1))
    wide = np.hypot(0.12, np.sqrt(2 * np.pi) * blur)
    assert abs(plain["width"].values.mean() - wide) < 4 * plain["width_std"].values.mean() / 3 + 0.01 * wide
    assert abs(taken["width"].values.mean() - 0.12) < 4 * taken["width_std"].values.mean() / 3 + 0.01 * 0.12
    assert taken.attrs["resolution"] == "0.1"
    sharp = measured(across(40.0, 0.02, PLACES), blur=blur, options=InterfaceOptions(resolution=0.1))
    lost = np.isnan(sharp["width"].values[0])
    assert lost.mean() > 0.5
    assert set(sharp["state"].values[0][lost]) == {"sharper than the resolution"}
    assert (sharp["width_flag"].values[0][lost] == 1 << 5).all()
    assert (sharp["width_upper"].values > 0.02).all()


def test_a_logistic_profile_is_fitted_by_its_own_shape():
    options = InterfaceOptions(shape="logistic")
    table = measured(across(75.0, 0.2, PLACES, shape="logistic"), options=options)
    assert abs(table["width"].values.mean() - 0.2) < 4 * table["width_std"].values.mean() / 3 + 0.002
    assert np.median(table["chi_square"].values) == pytest.approx(1.0, abs=0.08)


def test_uniform_particles_and_noise_have_no_boundary():
    table = measured(np.full((60, *SHAPE), 0.5))
    assert (table["state"].values == "no contrast").all()
    assert np.isnan(table["width"].values).all()
    assert (table["width_flag"].values == 1 << 5).all()
    assert np.isnan(table["mean_velocity"].values).all()
    assert int(table["frame_count"][0, 0]) == 0


def test_a_slope_as_wide_as_the_particle_gives_no_width():
    table = measured(across(0.0, 3.0, np.zeros(4), contrast=1.6))
    assert np.isnan(table["width"].values).all()
    assert set(table["state"].values.ravel()) == {"wider than the particle shows"}


def test_small_particles_are_told():
    small = np.hypot(Y, X) <= 3 * PIXEL
    table = measured(across(0.0, 0.1, np.zeros(3)), mask=small)
    assert set(table["state"].values.ravel()) == {"too few pixels"}


def test_there_is_no_velocity_between_half_cycles_and_one_per_half_cycle():
    x = np.concatenate([across(0.0, 0.1, PLACES[:4]), across(0.0, 0.1, PLACES[3::-1])])
    half, direction = np.repeat([2, 5], 4), np.repeat([1, -1], 4)
    table = measured(x, half=half, direction=direction, rates={2: 0.1, 5: 0.2})
    assert np.isnan(table["velocity"].values[0, 3])
    assert table["interval_half_cycle"].values.tolist() == [2, 2, 2, -1, 5, 5, 5]
    speed = table["mean_velocity"].values[0]
    assert speed[0] > 0 > speed[1]
    assert table["frame_count"].values.tolist() == [[4, 4]]


def test_widths_against_rate():
    x = np.concatenate([across(0.0, 0.1, PLACES[:4]), across(0.0, 0.3, PLACES[:4])])
    two = np.zeros(SHAPE, int)
    two[DISC & (Y < 0)], two[DISC & (Y >= 0)] = 1, 2
    half = np.repeat([0, 1], 4)
    video = video_of(x, half=half)
    table = interfaces(video, domain_truth.as_labels(two), applied_c_rate={0: 0.1, 1: 2.0})
    for grouped in (by_rate(table, "mean_width"), pool([table], "mean_width")):
        order = np.argsort(grouped["c_rate"].values)
        np.testing.assert_allclose(grouped["value"].values[order], [0.1, 0.3], rtol=0.1)
        assert grouped["particle_count"].values.tolist() == [2, 2]


def test_the_answer_comes_again():
    x = across(28.0, 0.2, PLACES[:2])
    one, two = measured(x), measured(x)
    np.testing.assert_array_equal(one["width"].values, two["width"].values)


def test_bad_input_is_refused():
    video, labels = video_of(across(0.0, 0.1, PLACES[:2])), domain_truth.as_labels(DISC)
    with pytest.raises(AnalysisError, match="standard deviations"):
        interfaces(video.drop_vars("lithium_fraction_std"), labels)
    with pytest.raises(AnalysisError, match="half cycle"):
        interfaces(video.drop_vars(["half_cycle", "direction"]), labels)
    with pytest.raises(AnalysisError, match="do not ascend"):
        interfaces(video.isel(y=slice(None, None, -1)), labels.isel(y=slice(None, None, -1)))
