"""The channels against an independent solver of one channel, exact limits, and the conservation of lithium."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.instruments.reaction import (
    Electrode,
    Even,
    Hold,
    Insertion,
    Rest,
    Transport,
    bulk_seconds,
    react_along_channels,
    reaction_seconds,
)
from lithiscope.instruments.reaction.diffusion_reaction import ChannelParticle, simulate_channel
from lithiscope.instruments.reaction.electrode import THERMAL_VOLTAGE

ONE = Electrode(exchange_current=1.0, interaction=0.0, thickness=400.0)


def electrode(ratio, tau_bulk=10.0, **more):
    """Channels of 400 nm with that ratio of times."""
    plain = Electrode(exchange_current=1.0, thickness=400.0, **{"interaction": 0.0, **more})
    k0 = reaction_seconds(plain) / (ratio * tau_bulk)
    return Electrode(exchange_current=k0, thickness=400.0, **{"interaction": 0.0, **more}), Transport(4e-14 / tau_bulk)


def test_the_two_times_are_those_of_koo():
    assert bulk_seconds(ONE, Transport(1e-13)) == pytest.approx(0.4)
    # e rho_s L / (2 j0) with the mean of 3(1-x) sqrt(x(1-x)) over x, 3 B(3/2, 5/2) = 3 pi/16.
    expected = 1.602176634e-19 * 1.38e28 * 400e-9 / (2 * 3 * np.pi / 16)
    assert reaction_seconds(ONE) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("ratio", "omega"), [(1.0, 1.5), (30.0, 1e-9)])
def test_a_hold_agrees_with_the_solver_of_one_channel(ratio, omega):
    """Both have second order in space on the same mesh; 200 steps of second order in time leave 2e-4."""
    times, x = simulate_channel(ChannelParticle(ratio, 2.5, 1, omega), frames=21, cells=40, factor=(1.0, 1.5))
    plates, transport = electrode(ratio, interaction=omega)
    hold = Hold(3.425 - 2.5 * THERMAL_VOLTAGE, 10.0 * times[-1])
    run = react_along_channels(plates, transport, [[1.0, 1.5]], [hold], start=0.05, samples=200)
    found = np.stack([np.interp(10.0 * times[1:], run.time, cell) for cell in run.lithium_fraction[:, 0].T], axis=1)
    np.testing.assert_allclose(found, x[1:], atol=3e-4)


def test_transport_by_the_potential_with_an_interface_agrees_too():
    """The first instants differ, where a sharp layer grows at the faces: 800 steps leave 5e-3 there and 1e-3 later."""
    times, x = simulate_channel(
        ChannelParticle(30.0, 2.5, 1, 4.5, "potential", 375 / 200**2), frames=21, cells=40, stop=0.2
    )
    plates, _ = electrode(30.0, interaction=4.5)
    transport = Transport(4e-15, "potential", 375.0)
    hold = Hold(3.425 - 2.5 * THERMAL_VOLTAGE, 10.0 * times[-1])
    run = react_along_channels(plates, transport, [[1.0, 1.0]], [hold], start=0.05, samples=800)
    found = np.stack([np.interp(10.0 * times[5:], run.time, cell) for cell in run.lithium_fraction[:, 0].T], axis=1)
    np.testing.assert_allclose(found, x[5:], atol=2e-3)


def test_a_galvanostat_conserves_charge_and_reads_the_ohmic_drop():
    plates, transport = electrode(10.0, 1000.0, capacity=5e-9, resistance=1e8)
    rates = np.exp(0.3 * np.random.default_rng(0).normal(size=(6, 2)))
    steps = [Rest(60.0), Insertion(0.3, 0.8), Rest(600.0)]
    run = react_along_channels(plates, transport, rates, steps, start=0.03, samples=60)
    charge = np.concatenate([[0.0], np.cumsum((run.current[1:] + run.current[:-1]) / 2 * np.diff(run.time))]) / 3600
    moved = run.step == 1
    np.testing.assert_allclose(run.current[moved], -0.3 * 5e-9, rtol=1e-6)
    np.testing.assert_allclose(np.diff(run.mean[moved]), np.diff(-charge[moved]) / 5e-9, atol=1e-9)
    assert run.mean[moved][-1] == pytest.approx(0.8, abs=1e-9)
    np.testing.assert_allclose(run.volt - run.overpotential_free_volt, run.current * 1e8, atol=1e-12)
    # At rest no lithium comes or goes.
    np.testing.assert_allclose(run.mean[run.step == 2], 0.8, atol=1e-9)


def test_a_slow_bulk_under_constant_current_shows_the_steady_parabola():
    """After a time of diffusion, x - mean = Da (z^2 - 1/3) / 2 with Da = tau_bulk dx/dt and z from the middle."""
    plates, transport = electrode(0.01, 1000.0)
    run = react_along_channels(plates, transport, [[1.0, 1.0]], [Insertion(0.9, 0.6)], start=0.03)
    cells = run.lithium_fraction.shape[2]
    z = np.abs(2 * (np.arange(cells) + 0.5) / cells - 1)
    expected = 0.9 * 1000 / 3600 * (z**2 - 1 / 3) / 2
    # The mean over a cell differs from its centre by the curvature times h^2/24.
    np.testing.assert_allclose(run.lithium_fraction[-1, 0] - run.mean[-1], expected, atol=2e-4)


def test_a_fast_bulk_stays_flat_and_follows_butler_volmer():
    plates, transport = electrode(1000.0, 10.0)
    run = react_along_channels(plates, transport, [[1.0, 1.0]], [Insertion(0.5, 0.7)], start=0.1)
    assert np.ptp(run.lithium_fraction, axis=2).max() < 5e-3
    x = run.lithium_fraction[:, 0, 0]
    j0 = plates.frequency * 3 * (1 - x) * np.sqrt(x * (1 - x))
    eta = (run.overpotential_free_volt - plates.equilibrium_volt) / THERMAL_VOLTAGE
    np.testing.assert_allclose(-2 * j0 * np.sinh(eta / 2), 0.5 / 3600, rtol=2e-3)


def test_fast_channels_are_ahead_and_run_empty_one_after_the_other():
    """The skewed law is autocatalytic on delithiation: a channel twice as fast is empty when the other has begun."""
    plates, transport = electrode(1000.0, 10.0)
    steps = [Even(0.97, 600.0), Insertion(0.3, 0.3)]
    run = react_along_channels(plates, transport, [[0.5, 0.5], [1.0, 1.0]], steps, start=0.03)
    slow, fast = run.lithium_fraction[-1].mean(axis=1)
    assert fast < 0.02
    assert slow > 0.5
    assert run.lithium_fraction.min() > 0


@pytest.mark.parametrize("rates", [[[1.0]], [1.0, 1.0], [[1.0, 0.0]]])
def test_every_channel_needs_a_rate_at_both_ends(rates):
    with pytest.raises(OptionError, match="rate at both ends"):
        react_along_channels(ONE, Transport(), rates, [Rest(1.0)])


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="no such transport"):
        Transport(-1.0)
    with pytest.raises(OptionError, match="no such transport"):
        Transport(1e-13, gradient=3.0)
    plates, transport = electrode(0.1, 36000.0)
    with pytest.raises(OptionError, match="cannot follow"):  # its faces are full long before
        react_along_channels(plates, transport, [[1.0, 1.0]], [Insertion(1.0, 0.9)], start=0.03, samples=50)
