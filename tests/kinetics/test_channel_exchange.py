from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.channel_exchange import normalised_exchange, with_channel_exchange
from lithiscope.kinetics.channels_options import NormaliseOptions
from lithiscope.kinetics.rates_options import ExchangeOptions

KT = 0.025692579  # V at 298.15 K


def table_of(x, current, *, x_std=0.03, current_std=1e-4, direction=None):
    x, current = np.atleast_2d(x), np.atleast_2d(current)
    intervals, count = x.shape
    direction = np.full(intervals, -1) if direction is None else direction
    dims, none = "interval channel", np.zeros(x.shape)
    return stages.new(
        "channel_table",
        {
            "current_density": (dims, current),
            "current_density_std": (dims, np.full(x.shape, current_std)),
            "current_density_flag": (dims, none),
            "current_density_frame_std": (dims, np.full(x.shape, 2e-4)),
            "current_density_shift": (f"systematic {dims}", 0.1 * current[None]),
            "surface_lithium_fraction": (dims, x),
            "surface_lithium_fraction_std": (dims, np.full(x.shape, x_std)),
        },
        coords={
            "time": ("interval", 60.0 * np.arange(intervals)),
            "before": ("interval", np.arange(intervals)),
            "after": ("interval", np.arange(intervals) + 1),
            "direction": ("interval", direction),
            "channel": ("channel", np.arange(count)),
            "particle": ("channel", np.full(count, "p01")),
            "systematic": ("systematic", np.array(["channel_length"])),
        },
    )


def cell_of(eta, std=0.002):
    eta = np.atleast_1d(np.asarray(eta, dtype=float))
    count = len(eta)
    return stages.new(
        "cell_intervals",
        {
            "overpotential_volt": ("interval", eta),
            "overpotential_volt_std": ("interval", np.full(count, std)),
            "overpotential_volt_shift": ("systematic interval", np.full((1, count), 0.005)),
        },
        coords={
            "time": ("interval", 60.0 * np.arange(count)),
            "duration": ("interval", np.full(count, 60.0)),
            "before": ("interval", np.arange(count)),
            "after": ("interval", np.arange(count) + 1),
            "systematic": ("systematic", np.array(["resistance"])),
        },
    )


def skewed(x):
    return 3 * (1 - x) * np.sqrt(x * (1 - x))


def test_the_linear_law_and_its_errors():
    table = with_channel_exchange(table_of([[0.3, 0.6]], [[0.02, 0.01]]), cell_of(0.05))
    j0 = np.array([[0.02, 0.01]]) * KT / 0.05
    np.testing.assert_allclose(table["exchange_current_density"].values, j0, rtol=1e-5)
    np.testing.assert_allclose(table["exchange_current_density_std"].values, 1e-4 * KT / 0.05, rtol=1e-5)
    common = np.hypot(2e-4 * KT / 0.05, j0 * 0.002 / 0.05)
    np.testing.assert_allclose(table["exchange_current_density_frame_std"].values, common, rtol=1e-5)
    shift = table["exchange_current_density_shift"]
    np.testing.assert_allclose(shift.sel(systematic="channel_length").values, 0.1 * j0, rtol=1e-5)
    np.testing.assert_allclose(shift.sel(systematic="resistance").values, -j0 * 0.005 / 0.05, rtol=1e-5)


def test_butler_volmer_is_less_by_the_known_factor():
    """Linear over Butler-Volmer at 50 mV is 1.17 (2 sinh(u/2)/u with u = 1.946)."""
    table, cell = table_of([[0.3]], [[0.02]]), cell_of(0.05)
    linear, curved = (
        with_channel_exchange(table, cell, options=ExchangeOptions(law=law)) for law in ("linear", "butler_volmer")
    )
    ratio = float(linear["exchange_current_density"][0, 0]) / float(curved["exchange_current_density"][0, 0])
    assert ratio == pytest.approx(1.17, abs=0.005)


def test_overpotentials_outside_the_law_are_flagged():
    table = table_of(np.full((4, 2), 0.3), np.full((4, 2), 0.02))
    found = with_channel_exchange(table, cell_of([0.05, 0.2, 0.001, np.nan]))
    np.testing.assert_array_equal(found["exchange_current_density_flag"].values[:, 0], [0, 32, 32, 1])
    np.testing.assert_array_equal(np.isnan(found["exchange_current_density"].values[:, 0]), [False, True, True, True])


def test_the_rate_constant_is_found_through_noise_in_current_and_composition():
    """20 fits of 30 x 25 points, 15 % noise in j0 and 0.0325 in x: k0 within 2 %, spread as stated within half."""
    k0, found, std = 0.01, [], []
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = rng.uniform(0.1, 0.9, size=(30, 25))
        current = k0 * skewed(x) * 0.05 / KT
        noisy = current + 0.0015 * rng.standard_normal(x.shape)
        table = table_of(x + 0.0325 * rng.standard_normal(x.shape), noisy, x_std=0.0325, current_std=0.0015)
        done = normalised_exchange(with_channel_exchange(table, cell_of(np.full(30, 0.05))))
        found.append(done.attrs["rate_constant"])
        std.append(done.attrs["rate_constant_std"])
    assert np.mean(found) == pytest.approx(k0, rel=0.02)
    assert np.std(found) == pytest.approx(np.mean(std), rel=0.5)


def test_normalised_currents_follow_the_law_without_noise():
    """[K]: 0.52 at x = 0.64 and 0.87 at 0.41."""
    x = np.array([[0.64, 0.41, 0.25]])
    table = table_of(x, 0.008 * skewed(x) * 0.05 / KT, x_std=1e-6)
    done = normalised_exchange(with_channel_exchange(table, cell_of(0.05)))
    np.testing.assert_allclose(done["normalised_exchange_current"].values[0], [0.518, 0.871, 0.974], atol=1e-3)
    assert done.attrs["law"] == "skewed_lim"


def test_wrong_input_is_refused_one_by_one():
    table = table_of([[0.3, 0.6]], [[0.02, 0.01]])
    with pytest.raises(AnalysisError, match="no exchange current"):
        normalised_exchange(table)
    with pytest.raises(AnalysisError, match="no interval has an overpotential"):
        with_channel_exchange(table, cell_of(np.nan))
    with pytest.raises(StageError, match="not those of the channels"):
        with_channel_exchange(table, cell_of([0.05, 0.05]))
    with pytest.raises(AnalysisError, match="equilibrium voltage of the cell"):
        with_channel_exchange(table, cell_of(0.05), options=ExchangeOptions(equilibrium="regular_solution"))
    done = with_channel_exchange(table, cell_of(0.05))
    with pytest.raises(AnalysisError, match="too few channels"):
        normalised_exchange(done, options=NormaliseOptions(lower=0.9))
