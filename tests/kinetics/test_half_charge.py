from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError
from lithiscope.instruments.reaction.channel_platelet import ChannelPlatelet as Platelet
from lithiscope.instruments.reaction.channel_platelet import platelet_movie
from lithiscope.kinetics.channels import channels
from lithiscope.kinetics.channels_options import ChannelOptions, HalfChargeOptions
from lithiscope.kinetics.half_charge import at_half_charge, channel_profile
from lithiscope.kinetics.kernels.channels import local_polynomial
from lithiscope.kinetics.rates import insertion_rate


def table_of(platelet, **kwargs):
    video, labels, _ = platelet_movie(platelet, **kwargs)
    options = ChannelOptions(axis=0.0, probe=kwargs.get("probe", 40.0))
    return channels(insertion_rate(video), labels, amount=video["amount"], options=options)


def true_surface(platelet):
    return np.array([platelet.surface(platelet.half_time(sign), sign) for sign in (1, -1)])


def test_the_probe_mixes_the_inside_in_unless_it_is_taken_out():
    platelet = Platelet()
    video, labels, _ = platelet_movie(platelet, probe=40.0, noisy=False)
    shift = []
    for probe in (0.0, 40.0):
        table = channels(insertion_rate(video), labels, options=ChannelOptions(axis=0.0, probe=probe))
        shift.append(at_half_charge(table)["surface_lithium_fraction"].values[0] - true_surface(platelet))
    assert shift[0][0] < -0.004
    assert shift[0][1] > 0.004
    assert np.abs(shift[1]).max() < 0.003


@pytest.mark.parametrize("frames", [8, 12, 20])
def test_interpolation_alone_moves_the_surface_by_less_than_0003(frames):
    platelet = Platelet()
    found = at_half_charge(table_of(platelet, probe=1.0, noisy=False, frames=frames))
    np.testing.assert_allclose(found["surface_lithium_fraction"].values[0], true_surface(platelet), atol=0.003)


def test_the_mean_surface_composition_is_right_to_001():
    """Koo-type platelet: 400 nm x 1 um, 40 nm pixels and probe, sigma 0.065, 12 frames; 16 experiments.

    Mixing by the probe, 0.006 towards the inside, is taken out; noise scatters one platelet and half cycle by 0.008,
    so the mean of 16 is known to 0.002.
    """
    platelet = Platelet()
    tables = [at_half_charge(table_of(platelet, seed=seed)) for seed in range(16)]
    error = np.array([one["surface_lithium_fraction"].values[0] for one in tables]) - true_surface(platelet)
    assert np.abs(error.mean(axis=0)).max() < 0.01
    std = np.array([one["surface_lithium_fraction_std"].values[0] for one in tables])
    assert np.sqrt(np.mean(error**2)) < 0.01
    # 30 degrees of freedom: the scatter is known to 13 %.
    assert (error - error.mean(axis=0)).std() == pytest.approx(std.mean(), rel=0.4)
    # Surface richer than the inside on lithiation, poorer on delithiation.
    inside = np.array([one["internal_lithium_fraction"].values[0] for one in tables]).mean(axis=0)
    surface = true_surface(platelet) + error.mean(axis=0)
    assert surface[0] > 0.5 > inside[0]
    assert surface[1] < 0.5 < inside[1]


def test_active_and_transformed_shares_with_the_noise_taken_out():
    """Truth: 82 % of the end pixels between 0.15 and 0.85, 18 % beyond; 8 experiments with 50 ends each."""
    platelet = Platelet()
    v = (np.arange(400) + 0.5) / 400 * 1000 - 500
    depth = 200 - 40 * (np.arange(40) + 0.5) / 40
    x = platelet.fraction(depth[:, None], v, platelet.half_time(1), 1).mean(axis=0)
    active, transformed = np.mean((x >= 0.15) & (x <= 0.85)), np.mean(x > 0.85)
    tables = [at_half_charge(table_of(platelet, seed=seed, probe=1.0)) for seed in range(8)]
    for name, truth in (("active_fraction", active), ("transformed_fraction", transformed)):
        found = np.array([one[name].values[0] for one in tables])
        std = np.array([one[f"{name}_std"].values[0] for one in tables])
        assert found.mean() == pytest.approx(truth, abs=0.04)
        assert np.mean(np.abs(found - truth) < 1.96 * std) >= 0.75
    assert tables[0]["end_count"].values[0, 0] in (48, 50, 52)
    assert np.isfinite(tables[0]["active_fraction_raw"].values).all()


def test_profiles_of_the_current_at_half_charge():
    """Without noise, against the closed form at the time of half charge; quadratic over four or more intervals."""
    platelet = Platelet()
    table = table_of(platelet, noisy=False, frames=24)
    profile = channel_profile(table)
    y = (platelet.shape[0] - 1) / 2 * 0.04
    v = 1e3 * (profile["position"].values - y)
    inside = np.abs(v) < 440
    for row, sign in enumerate((1, -1)):
        time = platelet.half_time(sign)
        truth = np.abs(platelet.current(v, time - 1e-4, time + 1e-4, sign))
        found = profile["current_density"].values[row]
        assert (found[np.isfinite(found)] >= 0).all()
        assert np.abs(found - truth)[inside].max() < 0.05 * truth.max()
        assert float(profile["time"].values[row]) == pytest.approx(3600 * (time + 1.3 * row), abs=40)


def test_a_stated_state_of_charge_moves_the_instant():
    platelet = Platelet()
    table = table_of(platelet, noisy=False)
    own = at_half_charge(table)
    late = xr.DataArray(np.clip(np.linspace(-0.2, 0.8, 23) % 1, 0, 1), dims="interval")
    direction = table["direction"].values
    late = xr.where(xr.DataArray(direction > 0, dims="interval"), (np.arange(23) - 2) / 11, 0 * late + np.nan)
    other = at_half_charge(table, state_of_charge=late)
    assert float(other["surface_lithium_fraction"][0, 0]) > float(own["surface_lithium_fraction"][0, 0])
    assert int(other["surface_lithium_fraction_flag"][0, 1]) == 1 << 5


def test_a_half_cycle_that_does_not_pass_half_charge_is_flagged():
    table = table_of(Platelet(), noisy=False).isel(interval=slice(0, 3))
    with pytest.warns(LithiscopeWarning, match="no half cycle passes"):
        found = at_half_charge(table)
    assert (found["surface_lithium_fraction_flag"].values == 1 << 5).all()
    assert np.isnan(found["active_fraction"].values).all()


def test_without_half_cycles_there_is_nothing_to_interpolate():
    table = table_of(Platelet(), noisy=False, frames=3)
    idle = table.assign_coords(half_cycle=("interval", np.full(5, -1, np.int32)))
    with pytest.raises(AnalysisError, match="no interval belongs"):
        at_half_charge(idle)
    with pytest.raises(OptionError, match="cannot be used"):
        HalfChargeOptions(lower=0.9, upper=0.1)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_local_polynomials_are_exact_for_their_degree(degree):
    points = np.array([0.31, 0.38, 0.47, 0.55, 0.62, 0.69])
    weights = local_polynomial(0.5, points, degree)
    for power in range(degree + 1):
        assert weights @ points**power == pytest.approx(0.5**power)
    assert local_polynomial(0.5, points[:1], degree) == pytest.approx([1.0])
