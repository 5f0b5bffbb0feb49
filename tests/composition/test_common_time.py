"""One time for all energies: exact for a steady reaction, honest at the ends."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope import stages
from lithiscope.composition.xray import CommonTimeOptions, lithium_fraction, to_common_time
from lithiscope.composition.xray.kernels.time import interpolate_in_time
from lithiscope.errors import AnalysisError
from lithiscope.stages import flag_bit

RATE = 2.0 / 3600  # 2C, in 1/s
BETWEEN = 60.0  # s between energies
SIDE = 6


def steady(rate=RATE, frames=4, times=None, half_cycle=None, offset=0.0, std=0.01):
    """Exact densities of a particle that reacts at a constant rate while its energies are taken in turn."""
    times = np.arange(frames) * 400.0 if times is None else np.asarray(times)
    exposure = times[:, None] + BETWEEN * np.array([-1.0, 0.0, 1.0])
    at = exposure[..., None, None] + np.broadcast_to(offset, (SIDE, SIDE))
    x = 0.1 + rate * at
    od = x * scene.LITHIATED[:, None, None] + (1 - x) * scene.DELITHIATED[:, None, None]
    return stages.new(
        "frames",
        {
            "signal": ("time energy y x", od),
            "signal_std": ("time energy y x", np.full(od.shape, std)),
            "signal_flag": ("time energy y x", np.zeros(od.shape)),
            "signal_frame_std": ("time energy", np.full(exposure.shape, 0.002)),
            "exposure_mid": ("time energy", exposure),
            "dwell": ("time energy", np.full(exposure.shape, 0.5)),
        },
        coords={
            "time": ("time", times),
            "energy": ("energy", scene.ENERGIES),
            "y": ("y", np.arange(float(SIDE))),
            "x": ("x", np.arange(float(SIDE))),
            **({} if half_cycle is None else {"half_cycle": ("time", half_cycle)}),
        },
        attrs={"quantity": "optical_density"},
    )


def x_of(od):
    return lithium_fraction(od, scene.references())["lithium_fraction"].mean(["y", "x"]).values


def test_one_minute_between_energies_at_2c_is_what_it_undoes():
    od = steady()
    truth = 0.1 + RATE * od["time"].values
    assert 0.010 < np.abs(x_of(od) - truth).mean() < 0.018
    moved = to_common_time(od, options=CommonTimeOptions(ends="extrapolate"))
    np.testing.assert_allclose(x_of(moved), truth, atol=2e-6)
    np.testing.assert_allclose(moved["exposure_mid"], np.broadcast_to(od["time"].values[:, None], (4, 3)))


def test_ends_are_held_and_say_so():
    moved = to_common_time(steady())
    held = (moved["signal_flag"].values & flag_bit("time_held")) != 0
    # The first energy comes early and lacks a later scan at the end; the last comes late and lacks an earlier one.
    expected = np.zeros((4, 3), dtype=bool)
    expected[3, 0] = expected[0, 2] = True
    np.testing.assert_array_equal(held.all(axis=(2, 3)), expected)
    np.testing.assert_array_equal(held.any(axis=(2, 3)), expected)
    assert moved["exposure_mid"].values[3, 0] == steady()["exposure_mid"].values[3, 0]
    np.testing.assert_allclose(x_of(moved)[1:3], 0.1 + RATE * np.array([400.0, 800.0]), atol=2e-6)


def test_variance_goes_with_the_squares_of_the_shares():
    moved = to_common_time(steady())
    share = BETWEEN / 400.0
    expected = np.sqrt((1 - share) ** 2 + share**2)
    np.testing.assert_allclose(moved["signal_std"][1, 0], 0.01 * expected, rtol=1e-5)
    np.testing.assert_allclose(moved["signal_std"][1, 1], 0.01, rtol=1e-6)
    np.testing.assert_allclose(moved["signal_frame_std"][1], 0.002 * np.array([expected, 1.0, expected]), rtol=1e-5)


def test_half_cycles_do_not_mix():
    moved = to_common_time(steady(half_cycle=[0, 0, 1, 1]))
    held = (moved["signal_flag"].values & flag_bit("time_held")).any(axis=(2, 3))
    assert held[1, 0]
    assert held[2, 2]
    assert not held[0, 0]


def test_missing_neighbour_is_held_at_that_pixel_only():
    od = steady()
    od["signal"][2, 0, 1, 1] = np.nan
    od["signal_flag"][2, 0, 1, 1] = flag_bit("missing")
    moved = to_common_time(od)
    flag = moved["signal_flag"].values[1, 0]
    assert flag[1, 1] == flag_bit("time_held")
    assert (flag != 0).sum() == 1
    assert np.isnan(moved["signal"][2, 0, 1, 1])
    assert float(moved["signal"][1, 0, 1, 1]) == float(od["signal"][1, 0, 1, 1])


@pytest.mark.parametrize("fast", ["x", "y"])
def test_raster_skew_gives_each_pixel_its_own_time(fast):
    line, point = np.meshgrid(np.arange(SIDE) - 2.5, np.arange(SIDE) - 2.5, indexing="ij")
    offset = 0.5 * point + (0.5 * SIDE + 0.1) * line
    od = steady(offset=offset if fast == "x" else offset.T)
    options = CommonTimeOptions(ends="extrapolate", raster_skew=True, fast_axis=fast, line_overhead=0.1)
    x = lithium_fraction(to_common_time(od, options=options), scene.references())["lithium_fraction"]
    truth = 0.1 + RATE * od["time"].values[:, None, None]
    np.testing.assert_allclose(x, np.broadcast_to(truth, x.shape), atol=3e-6)


def test_single_scan_is_unchanged_with_a_note():
    od = steady(frames=1)
    moved = to_common_time(od)
    assert "one scan" in moved.attrs["common_time"]
    np.testing.assert_array_equal(moved["signal"], od["signal"])


def test_times_that_are_not_known_are_asked_for():
    with pytest.raises(AnalysisError, match="exposure_mid"):
        to_common_time(steady().drop_vars("exposure_mid"))
    with pytest.raises(AnalysisError, match="dwell"):
        to_common_time(steady().drop_vars("dwell"), options=CommonTimeOptions(raster_skew=True))


def test_time_reversal_mirrors_the_answer():
    rng = np.random.default_rng(1)
    values, variance = rng.normal(size=(5, 4)), rng.uniform(1, 2, (5, 4))
    target = np.array([0.0, 1.0, 2.5, 3.0, 5.0])
    exposure = target[:, None] + rng.uniform(-0.4, 0.4, (5, 4))
    group = np.zeros(5, dtype=int)
    for extrapolate in (False, True):
        one = interpolate_in_time(values, variance, exposure, target, group, extrapolate)
        two = interpolate_in_time(
            values[::-1].copy(), variance[::-1].copy(), -exposure[::-1], -target[::-1], group, extrapolate
        )
        np.testing.assert_allclose(one.values, two.values[::-1], rtol=1e-12)
        np.testing.assert_allclose(one.variance, two.variance[::-1], rtol=1e-12)
        np.testing.assert_array_equal(one.held, two.held[::-1])
