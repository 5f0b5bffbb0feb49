from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError, StageError
from lithiscope.kinetics import insertion_rate
from lithiscope.kinetics.kernels.rates import between_frames, chain, deviation_between_frames
from lithiscope.kinetics.options import RateOptions
from truth import kinetics_truth as truth

LABEL = np.ones((4, 5), dtype=int)


def ramp(times, *, sigma=0.06, start=0.1, rate=0.3, rng=None, **more):
    """Every pixel lithiates at the same rate (1/h)."""
    x = start + rate * np.asarray(times)[:, None, None] / 3600 * np.ones((1, 4, 5))
    if rng is not None:
        x = x + sigma * rng.standard_normal(x.shape)
    half, way = more.pop("half", [0] * len(times)), more.pop("direction", [1] * len(times))
    return truth.as_video(x, sigma, LABEL, times, half, way, **more)


def test_a_ramp_has_its_rate_with_the_propagated_error():
    rates = insertion_rate(ramp([0.0, 360.0, 1080.0]))
    # float32 compositions of about 0.2 differ by 0.03 with a relative error below 1e-6 / 0.1
    np.testing.assert_allclose(rates["insertion_rate"].values, 0.3, rtol=1e-5)
    np.testing.assert_allclose(rates["insertion_rate_std"].values[:, 0, 0], 0.06 * np.sqrt(2) / [0.1, 0.2], rtol=1e-6)
    np.testing.assert_allclose(rates["lithium_fraction"].values[:, 0, 0], [0.115, 0.16], rtol=1e-6)
    np.testing.assert_allclose(rates["lithium_fraction_std"].values, 0.06 / np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(rates["duration"].values, [360, 720])
    np.testing.assert_allclose(rates["time"].values, [180, 720])
    assert list(rates["before"].values) == [0, 1]
    assert list(rates["after"].values) == [1, 2]


def test_the_error_bars_cover():
    """68.3 % and 95.4 % of 20 000 rates within one and two sigma; the binomial deviation is 0.33 % and 0.15 %."""
    times = np.arange(1001) * 300.0
    video = ramp(times, rate=0.0, rng=np.random.default_rng(0))
    rates = insertion_rate(video)
    z = (rates["insertion_rate"] / rates["insertion_rate_std"]).values.ravel()
    assert np.mean(np.abs(z) < 1) == pytest.approx(0.6827, abs=0.015)
    assert np.mean(np.abs(z) < 2) == pytest.approx(0.9545, abs=0.007)


def test_half_cycles_rests_and_gaps_have_direction_zero():
    half, way = [0, 0, 0, -1, -1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, -1, -1, -1, -1, -1]
    times = np.array([0, 1, 2, 3, 4, 5, 6, 7, 17, 18]) * 600.0
    with pytest.warns(LithiscopeWarning, match="1 interval.*4200 s"):
        rates = insertion_rate(ramp(times, half=half, direction=way))
    assert list(rates["direction"].values) == [1, 1, 0, 0, 0, -1, -1, 0, -1]
    assert list(rates["half_cycle"].values) == [0, 0, -1, -1, -1, 1, 1, -1, 1]
    np.testing.assert_allclose(rates["insertion_rate"].values, 0.3, rtol=1e-4)  # computed all the same


def test_nan_pixels_keep_the_reasons_of_both_frames():
    video = ramp([0.0, 600.0, 1200.0])
    x, flag = video["lithium_fraction"].values, video["lithium_fraction_flag"].values
    x[1, 2, 3], flag[1, 2, 3] = np.nan, stages.flag_bit("outside_view")
    flag[0, 0, 0] |= stages.flag_bit("few_counts")
    rates = insertion_rate(video)
    lost = np.zeros((2, 4, 5), dtype=bool)
    lost[:, 2, 3] = True
    for name in ("insertion_rate", "lithium_fraction"):
        np.testing.assert_array_equal(np.isnan(rates[name].values), lost)
        assert rates[f"{name}_flag"].values[0, 2, 3] == stages.flag_bit("outside_view")
        assert rates[f"{name}_flag"].values[0, 0, 0] == stages.flag_bit("few_counts")
        assert rates[f"{name}_flag"].values[1, 0, 0] == 0


def test_a_nan_without_a_flag_is_missing():
    video = ramp([0.0, 600.0]).drop_vars("lithium_fraction_flag")
    video["lithium_fraction"].values[1, 0, 0] = np.nan
    assert insertion_rate(video)["insertion_rate_flag"].values[0, 0, 0] == stages.flag_bit("missing")


def test_common_errors_and_shifts_go_with_the_frames():
    x = np.full((3, 4, 5), 0.5)
    shift = np.stack([0.1 * np.arange(3)[:, None, None] * np.ones((1, 4, 5)), np.full((3, 4, 5), 0.02)])
    video = truth.as_video(
        x,
        0.06,
        LABEL,
        [0.0, 3600.0, 7200.0],
        [0] * 3,
        [1] * 3,
        lithium_fraction_frame_std=("time", [0.003, 0.004, 0.0]),
        lithium_fraction_shift=("systematic time y x", shift),
        coords={"systematic": ("systematic", ["incident", "purity"])},
    )
    rates = insertion_rate(video)
    np.testing.assert_allclose(rates["insertion_rate_frame_std"].values, [0.005, 0.004])
    np.testing.assert_allclose(rates["lithium_fraction_frame_std"].values, [0.0025, 0.002])
    np.testing.assert_allclose(rates["insertion_rate_shift"].values[:, 0, 0, 0], [0.1, 0.0], rtol=1e-6)
    np.testing.assert_allclose(
        rates["lithium_fraction_shift"].values[:, :, 0, 0], [[0.05, 0.15], [0.02, 0.02]], rtol=1e-6
    )


def test_the_gain_of_the_noise_and_the_share_of_the_frame_after():
    """Frames of variance 1 and 4 whose noise was lowered by 1/2 and 1: native 4 and 4, apparent sum 5 of 8."""
    x = np.zeros((2, 4, 5))
    std = np.stack([np.full((4, 5), 0.1), np.full((4, 5), 0.2)])
    video = truth.as_video(x, std, LABEL, [0.0, 3600.0], [0, 0], [1, 1], gain=[0.5, 1.0])
    rates = insertion_rate(video)
    assert rates["noise_gain"].item() == pytest.approx(np.sqrt(5 / 8))
    assert rates["variance_share_after"].item() == pytest.approx(0.5)


def test_a_phase_fraction_needs_its_range_of_x():
    base = ramp([0.0, 3600.0], sigma=0.05)
    video = stages.new(
        "composition_video",
        {
            "phase_fraction": ("time y x", base["lithium_fraction"].values),
            "phase_fraction_std": ("time y x", np.full((2, 4, 5), 0.05)),
        },
        coords={name: (c.dims[0], c.values) for name, c in base.coords.items()},
        attrs={"signal": "phase_fraction"},
    )
    with pytest.raises(AnalysisError, match="phase_fraction_range"):
        insertion_rate(video)
    rates = insertion_rate(video, options=RateOptions(phase_fraction_range=(0.95, 0.75), range_of_1c=0.5))
    np.testing.assert_allclose(rates["insertion_rate"].values, -0.3 * 0.2, rtol=1e-5)
    np.testing.assert_allclose(rates["insertion_rate_std"].values, 0.05 * np.sqrt(2) * 0.2, rtol=1e-5)
    np.testing.assert_allclose(rates["lithium_fraction"].values, 0.95 - 0.25 * 0.2, rtol=1e-5)
    assert rates.attrs["range_of_1c"] == 0.5


def test_volumes_work_like_pictures():
    flat = ramp([0.0, 600.0, 1200.0])
    x = np.stack([flat["lithium_fraction"].values] * 3, axis=1)
    video = stages.new(
        "composition_video",
        {"lithium_fraction": ("time z y x", x), "lithium_fraction_std": ("time z y x", np.full(x.shape, 0.06))},
        coords={**{n: (c.dims[0], c.values) for n, c in flat.coords.items()}, "z": ("z", [0.0, 0.3, 0.6])},
        attrs={"signal": "lithium_fraction"},
    )
    rates = insertion_rate(video)
    assert rates["insertion_rate"].dims == ("interval", "z", "y", "x")
    np.testing.assert_array_equal(rates["insertion_rate"].values[:, 1], insertion_rate(flat)["insertion_rate"].values)


def test_bad_input_gives_one_clear_error():
    with pytest.raises(AnalysisError, match="two frames"):
        insertion_rate(ramp([0.0]))
    with pytest.raises(StageError, match="time does not increase"):
        insertion_rate(ramp([0.0, 600.0, 600.0]))
    with pytest.raises(StageError, match="expected stage"):
        insertion_rate(ramp([0.0, 600.0]).assign_attrs(stage="frames"))
    with pytest.raises(OptionError, match="range_of_1c"):
        RateOptions(range_of_1c=0)
    plain = ramp([0.0, 600.0]).drop_vars(["half_cycle", "direction"])
    with pytest.warns(LithiscopeWarning, match="which half cycle"):
        assert not insertion_rate(plain)["direction"].values.any()


@given(scale=st.floats(0.1, 10), offset=st.floats(-1, 1), stretch=st.floats(0.1, 10))
def test_rates_scale_with_x_and_inversely_with_time(scale, offset, stretch):
    rng = np.random.default_rng(1)
    x, hours = rng.random((5, 3)), rng.uniform(0.1, 1, 4)
    rate, middle = between_frames(x, hours)
    again, moved = between_frames(scale * x + offset, stretch * hours)
    np.testing.assert_allclose(again, rate * scale / stretch, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(moved, middle * scale + offset, rtol=1e-9, atol=1e-12)
    backwards, _ = between_frames(x[::-1].copy(), hours[::-1].copy())
    np.testing.assert_allclose(backwards[::-1], -rate, rtol=1e-12)


@given(seed=st.integers(0, 1000), sign=st.sampled_from([-1, 1]))
def test_the_chain_is_the_covariance_of_independent_frames(seed, sign):
    """q_i = (e_after + sign e_before)/hours: C = A V A' exactly, and so positive semidefinite."""
    rng = np.random.default_rng(seed)
    frame_std, hours = rng.uniform(0.01, 0.1, 6), rng.uniform(0.1, 1, 5)
    std, _ = deviation_between_frames(frame_std, hours)
    share = frame_std[1:] ** 2 / (frame_std[1:] ** 2 + frame_std[:-1] ** 2)
    shared = rng.random(4) < 0.7
    number, matrix = 0, np.zeros((5, 10))
    for i in range(5):
        if i and not shared[i - 1]:
            number += 1
        matrix[i, i + number], matrix[i, i + number + 1] = sign * frame_std[i] / hours[i], frame_std[i + 1] / hours[i]
    np.testing.assert_allclose(chain(std, share, shared, sign), matrix @ matrix.T, rtol=1e-10, atol=1e-14)
