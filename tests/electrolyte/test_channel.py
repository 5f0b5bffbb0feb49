from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.electrolyte import ChannelOptions, channel_half_cycle, channel_transport, salt_per_site, vertical_change
from lithiscope.electrolyte.potential import FARADAY, diffusion_potential
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError

CURRENT = 1.1e-9  # A: 5.5 nAh at C/5
# Closed above and below, electrode as wide as the chip along y: one-dimensional along x.
SLAB = {"reservoir": ("left", "right"), "electrode": (2000.0, 5000.0)}


def source(options, current=CURRENT):
    """Salt released per volume and time over D, mol/L/m2."""
    volume = np.prod(options.electrode) * options.gap * 1e-18
    return (1 - options.transference_number) * current / (FARADAY * volume) / options.diffusivity / 1e3


def slab_shape(options, x):
    """Steady c - c0 for source/D = 1 in |x| < a, zero at |x| = half."""
    a, half = options.electrode[0] / 2e6, options.chip[0] / 2e6
    inside = (a**2 - x**2) / 2 + a * (half - a)
    return np.where(np.abs(x) <= a, inside, a * (half - np.abs(x)))


def rectangle(options, x, y, seconds):
    """c - c0 of a rectangle that releases salt in the middle of a chip held at c0: double sine series."""
    lx, ly = (size * 1e-6 for size in options.chip)
    wx, wy = (size * 1e-6 for size in options.electrode)
    order = np.arange(1, 160, 2)

    def along(position, length, width):
        k = order * np.pi / length
        weight = 4 / (np.pi * order) * np.sin(k * length / 2) * np.sin(k * width / 2)
        return weight[:, None] * np.sin(k[:, None] * (position + length / 2)), k

    fx, kx = along(x * 1e-6, lx, wx)
    fy, ky = along(y * 1e-6, ly, wy)
    k2 = ky[:, None] ** 2 + kx**2
    grown = (1 - np.exp(-options.diffusivity * k2 * seconds)) / k2
    return source(options) * np.einsum("my,mn,nx->yx", fy, grown, fx)


def change(stage, options, time=-1):
    return stage["salt_concentration"].values[time].astype(float) - options.salt_concentration


def test_steady_slab_is_exact():
    """Quadratic elements hold the solution; what is left is float32 (6e-8 of 1 mol/L)."""
    options = ChannelOptions(**SLAB, elements=4)
    stage = channel_transport([0.0, 2e6], CURRENT, options=options)
    expected = source(options) * slab_shape(options, stage["x"].values * 1e-6)
    np.testing.assert_allclose(
        change(stage, options), np.broadcast_to(expected, (stage.sizes["y"], len(expected))), atol=2e-7
    )


def test_transient_slab_follows_the_series():
    """Uniform release between two held faces: Carslaw and Jaeger 3.14 (7); 2e-4 of the steady maximum allowed."""
    options = ChannelOptions(reservoir=("left", "right"), electrode=(6000.0, 5000.0), elements=8, tolerance=1e-6)
    times = np.array([0.0, 2000.0, 10000.0, 40000.0])
    stage = channel_transport(times, CURRENT, options=options)
    half, x = 3e-3, stage["x"].values * 1e-6
    odd = np.arange(1, 400, 2)
    k = odd * np.pi / (2 * half)
    sign = np.where(odd % 4 == 1, 1.0, -1.0)
    for n, seconds in enumerate(times):
        left = np.exp(-options.diffusivity * k**2 * seconds)
        series = (2 * sign / (half * k**3) * (1 - left)) @ np.cos(k[:, None] * x)
        largest = source(options) * half**2 / 2
        np.testing.assert_allclose(change(stage, options, n)[3], source(options) * series, atol=2e-4 * largest + 2e-7)


def test_the_default_geometry_follows_the_double_series():
    options = ChannelOptions(tolerance=1e-5)
    times = np.array([0.0, 1800.0, 18000.0])
    stage = channel_transport(times, CURRENT, options=options)
    for n in (1, 2):
        expected = rectangle(options, stage["x"].values, stage["y"].values, times[n])
        np.testing.assert_allclose(change(stage, options, n), expected, atol=1e-3 * expected.max())


def test_order_of_convergence_in_space():
    """Quadratic elements: order 3 in the mean, a little less where the source has corners."""
    errors = []
    for elements in (2, 4, 8):
        options = ChannelOptions(elements=elements)
        stage = channel_transport([0.0, 1e7], CURRENT, options=options)
        expected = rectangle(options, stage["x"].values, stage["y"].values, 1e7)
        difference = (change(stage, options) - expected)[1:-1, 1:-1]
        errors.append(np.sqrt(np.mean(difference**2)) / expected.max())
    assert np.log2(errors[0] / errors[1]) > 2.5
    assert errors[1] / errors[2] > 4  # the series and float32 set in near 1e-5
    assert errors[2] < 1e-4


def test_error_follows_the_tolerance_of_the_step():
    """Order 2: the error of a step goes as its cube, the estimate as its square: error ~ tolerance or better."""
    errors = []
    exact = channel_transport([0.0, 18000.0], 10 * CURRENT, options=ChannelOptions(tolerance=1e-6, elements=4))
    for tolerance in (1e-2, 1e-3, 1e-4):
        options = ChannelOptions(tolerance=tolerance, elements=4)
        stage = channel_transport([0.0, 18000.0], 10 * CURRENT, options=options)
        errors.append(np.abs(stage["salt_concentration"] - exact["salt_concentration"]).values[-1].max())
    assert all(error < tolerance for error, tolerance in zip(errors, (1e-2, 1e-3, 1e-4), strict=True))
    assert errors[2] < errors[0] / 10


@pytest.mark.parametrize("exponent", [-1.5, 0.5, 2.0])
def test_diffusivity_that_depends_on_salt(exponent):
    """Steady slab: with D = D0 (c/c0)^p, c^(p+1) obeys the linear equation (Kirchhoff)."""
    options = ChannelOptions(**SLAB, elements=5, diffusivity_exponent=exponent, tolerance=1e-2)
    current = 18 * CURRENT
    stage = channel_transport([0.0, 5e6], current, options=options)
    linear = source(options, current) * slab_shape(options, stage["x"].values * 1e-6)
    expected = (1 + (exponent + 1) * linear) ** (1 / (exponent + 1)) - 1
    assert linear.max() > 0.3
    np.testing.assert_allclose(change(stage, options)[5], expected, atol=2e-5)


def test_potential_is_ohmic_drop_plus_diffusion_potential():
    """Constant conductivity: phi = ohmic + b ln(c/c0); the ohmic part has the shape of the steady salt."""
    options = ChannelOptions(**SLAB, elements=12)
    stage = channel_transport([0.0, 5000.0], 5 * CURRENT, options=options)
    volume = np.prod(options.electrode) * options.gap * 1e-18
    ohmic = 5 * CURRENT / volume / options.conductivity * slab_shape(options, stage["x"].values * 1e-6)
    per_logarithm = diffusion_potential(options.temperature, options.transference_number, 1.0)
    expected = ohmic + per_logarithm * np.log(stage["salt_concentration"].values[1, 4].astype(float))
    # float32 of c in the logarithm: 6e-8 x 36 mV; gradients of c across elements add 1e-7 V.
    np.testing.assert_allclose(stage["potential_volt"].values[1, 4], expected, atol=2e-7)


def test_less_salt_conducts_less():
    """Same current, conductivity as c^1: lithiation drains salt, so the drop grows."""
    same = channel_half_cycle(2.0, 5.5e-9, direction=1, frames=5)
    falling = channel_half_cycle(2.0, 5.5e-9, direction=1, frames=5, options=ChannelOptions(conductivity_exponent=1.0))
    assert falling["largest_potential_change"][-1] < same["largest_potential_change"][-1] < 0


@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_salt_is_conserved(exponent):
    """Gained = released + entered to rounding, also for a current that turns round."""
    times = np.linspace(0, 7200, 5)
    current = 1e-8 * np.sin(times / 900)
    stage = channel_transport(
        times, current, options=ChannelOptions(elements=2, diffusivity_exponent=exponent, tolerance=1e-2)
    )
    assert np.abs(stage["salt_balance"]).max() < 1e-10


def test_a_small_chip_without_time_to_leave_keeps_all_salt():
    """An independent balance: for a time short against the way to the edge the mean rises by what was released."""
    options = ChannelOptions(electrode=(5000.0, 4000.0), elements=8)
    stage = channel_transport([0.0, 60.0], 1e-7, options=options)
    gained = np.trapezoid(np.trapezoid(change(stage, options), stage["y"], axis=0), stage["x"]) * 1e-12
    released = (1 - options.transference_number) * 1e-7 * 60 / FARADAY
    assert gained * options.gap * 1e-6 * 1e3 == pytest.approx(released, rel=2e-3)


def test_limits_of_lim_2016():
    """[L]: 0.04 M and 2 mV at C/5, 0.2 M and 15 mV at 2C: all four hold at 5.5 nAh and t+ = 0.3."""
    slow, fast = (channel_half_cycle(rate, 5.5e-9, direction=1, frames=13).isel(time=-1) for rate in (0.2, 2.0))
    assert abs(slow["largest_concentration_change"]) <= 0.04
    assert abs(slow["largest_potential_change"]) <= 2e-3
    assert abs(fast["largest_concentration_change"]) <= 0.2
    assert abs(fast["largest_potential_change"]) <= 15e-3
    # Ten times the current for a tenth of the time: far from the steady x10; [L]'s limits have x5 and x7.5.
    ratio = fast["largest_potential_change"] / slow["largest_potential_change"]
    assert ratio == pytest.approx(7.4, abs=0.1)
    assert fast["largest_concentration_change"] / slow["largest_concentration_change"] == pytest.approx(3.2, abs=0.1)


def test_ten_times_more_salt_than_sites():
    assert salt_per_site(5.5e-9, ChannelOptions()) == pytest.approx(10, abs=0.1)
    stage = channel_half_cycle(2.0, 5.5e-9, frames=2, options=ChannelOptions(elements=2))
    assert float(stage["salt_per_site"]) == pytest.approx(9.94, abs=0.01)


def test_the_gap_is_thin():
    """1 um at 1e-10 m2/s evens out in 10 ms; what the average leaves out is below a millionth of a molar."""
    assert abs(vertical_change(2 * 10e-9, ChannelOptions())) < 1e-6
    stage = channel_half_cycle(2.0, 5.5e-9, frames=2, options=ChannelOptions(elements=2))
    assert float(stage["vertical_time"]) == pytest.approx(0.01)
    assert float(stage["vertical_concentration_change"][-1]) < 1e-4 * float(stage["largest_concentration_change"][-1])


def test_only_the_product_of_time_and_diffusivity_counts():
    one = channel_transport([0.0, 5000.0], CURRENT, options=ChannelOptions(elements=4))
    other = channel_transport([0.0, 1000.0], 5 * CURRENT, options=ChannelOptions(elements=4, diffusivity=5e-10))
    np.testing.assert_allclose(one["salt_concentration"], other["salt_concentration"], atol=2e-7)


def test_opposite_currents_mirror_each_other_in_salt():
    release, drain = (
        channel_half_cycle(1.0, 5e-9, direction=d, frames=3, options=ChannelOptions(elements=4)) for d in (-1, 1)
    )
    np.testing.assert_allclose(
        release["largest_concentration_change"], -drain["largest_concentration_change"], atol=1e-12
    )
    assert release["current_ampere"][0] > 0 > drain["current_ampere"][0]


def test_an_electrode_off_centre_is_drained_less_near_the_reservoir():
    options = ChannelOptions(centre=(2300.0, 0.0), elements=6)
    stage = channel_half_cycle(0.2, 5.5e-9, direction=1, frames=3, options=options)
    middle = channel_half_cycle(0.2, 5.5e-9, direction=1, frames=3, options=ChannelOptions(elements=6))
    assert abs(stage["largest_concentration_change"][-1]) < abs(middle["largest_concentration_change"][-1])
    assert stage["electrode"].any("y").values[stage["x"].values > 1701].sum() == 13 - 1


def test_salt_that_runs_out_is_not_a_number():
    with pytest.warns(LithiscopeWarning, match="runs out between"):
        stage = channel_half_cycle(5.0, 200e-9, direction=1, frames=6, options=ChannelOptions(elements=4))
    lost = stages.fatal_mask(stage["salt_concentration_flag"].values)
    assert lost[-1]
    assert not lost[0]
    assert np.isnan(stage["potential_volt"].values[lost]).all()
    assert np.isnan(stage["largest_concentration_change"].values[lost]).all()


@pytest.mark.parametrize(
    ("times", "current", "field"),
    [
        ([0.0], 1e-9, "time_second"),
        ([0.0, 0.0], 1e-9, "time_second"),
        ([0.0, np.nan], 1e-9, "time_second"),
        ([0.0, 1.0], [1e-9], "current_ampere"),
        ([0.0, 1.0], np.inf, "current_ampere"),
    ],
)
def test_unusable_times_and_currents(times, current, field):
    with pytest.raises(AnalysisError, match=field):
        channel_transport(times, current)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [((0.0, 1e-9), "c_rate"), ((1.0, -1e-9), "capacity"), ((np.nan, 1e-9), "c_rate")],
)
def test_unusable_half_cycles(arguments, field):
    with pytest.raises(AnalysisError, match=field):
        channel_half_cycle(*arguments)
    with pytest.raises(AnalysisError, match="direction"):
        channel_half_cycle(1.0, 1e-9, direction=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"electrode": (7000.0, 100.0)},
        {"centre": (2500.0, 0.0)},
        {"reservoir": ()},
        {"transference_number": 1.0},
        {"gap": 0},
    ],
)
def test_impossible_options(wrong):
    with pytest.raises(OptionError):
        ChannelOptions(**wrong)
