from __future__ import annotations

import numpy as np
import pytest

from cell.virtual import OHM, cell, cycled, noisy
from lithiscope.cell import EdgeOptions, ResistanceOptions, Spectrum, current_edges, ohmic_resistance
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError
from lithiscope.instruments.potentiostat import PotentiostatOptions, Rest, measure, pulses


def pulsed(of=None, *, interval=1.0, number=6, ampere=1e-9, noise=2e-4):
    options = PotentiostatOptions(interval_second=interval, current_noise=1e-12, voltage_noise=noise)
    return measure(of or cell(), pulses(ampere, number), lithium_start=0.5, options=options)


def test_pulses_give_the_resistance_within_its_error():
    pulls = []
    measured = pulsed()
    for seed in range(100):
        found = ohmic_resistance(noisy(measured, 2e-4, seed))
        pulls.append((float(found["resistance_ohm"]) - OHM) / float(found["resistance_std"]))
    # 100 pulls: mean within 3.5/sqrt(100), spread within 3.5/sqrt(200) of 1.
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.35)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)
    assert found.sizes["step"] == 12
    assert found.attrs["method"] == "steps"
    # The first sample after a step comes after 10 ms; the step is in the middle of that time.
    assert found.attrs["time_scale_second"] == pytest.approx(0.005, rel=1e-3)


def test_a_slow_resistance_is_led_out_of_the_fast_one():
    slow = cell(slow_delithiation_ohm=5e7, slow_lithiation_ohm=5e7, slow_second=60.0)
    found = ohmic_resistance(pulsed(slow, noise=1e-5).trace)
    # In 10 s of 60 a straight line misses the curvature: 5e7 (10/60)^2 / 12 = 1e5 ohm at either side of a step.
    assert float(found["resistance_ohm"]) == pytest.approx(OHM, abs=4e5)
    late = ohmic_resistance(pulsed(slow, noise=1e-5).trace, options=ResistanceOptions(skip_second=5.0))
    assert late.attrs["time_scale_second"] == pytest.approx(6.0, abs=0.6)


def test_diffusion_is_led_back_in_the_square_root_of_time():
    measured = pulsed(noise=0.0, interval=0.1)
    time = measured.trace["test_time_second"].values
    volt = measured.truth.voltage_volt.copy()
    for step in measured.truth.steps:
        if step.first_ampere:
            since = np.clip(time - step.start_second, 0, None)
            after = np.clip(time - step.end_second, 0, None)
            volt += np.sign(step.first_ampere) * 0.01 * (np.sqrt(since) - np.sqrt(after))
    trace = measured.trace.assign(voltage_volt=measured.trace["voltage_volt"].copy(data=volt))
    root = ohmic_resistance(trace, options=ResistanceOptions(extrapolation="root"))
    linear = ohmic_resistance(trace)
    ends = root["step_current_ampere"].values
    assert abs(float(root["resistance_ohm"]) - OHM) < 0.3 * abs(float(linear["resistance_ohm"]) - OHM)
    assert len(ends) == 12
    assert root.attrs["extrapolation"] == "root"


def test_reversals_and_changes_of_rate_serve_as_steps():
    found = ohmic_resistance(cycled((1e-9, 2.5e-9), interval=1.0, rest=0.0, between=(3.1, 3.9))[0])
    assert float(found["resistance_ohm"]) == pytest.approx(OHM, abs=4 * float(found["resistance_std"]))
    assert np.abs(found["step_current_ampere"].values).max() == pytest.approx(5e-9, rel=1e-6)


@pytest.mark.filterwarnings("ignore:the resistance differs")
@pytest.mark.parametrize("between", [(3.1, 3.9), (2.6, 4.3)])
def test_steps_at_the_voltage_limits_do_not_pretend_to_know(between):
    # Cut-offs lie where the voltage is steep and bends; the steps after rests are sharp.
    pulls = []
    for seed in range(4):
        trace, truth = cycled((1e-9, 2.5e-9), interval=1.0, rest=600.0, between=between)
        volt = truth.voltage_volt + 2e-4 * np.random.default_rng(seed).standard_normal(len(truth.voltage_volt))
        found = ohmic_resistance(trace.assign(voltage_volt=trace["voltage_volt"].copy(data=volt)))
        pulls.append((float(found["resistance_ohm"]) - OHM) / float(found["resistance_std"]))
    assert np.max(np.abs(pulls)) < 3.0
    assert found.sizes["step"] <= 8


def test_a_static_hysteresis_counts_as_resistance_as_the_documentation_says():
    found = ohmic_resistance(pulsed(cell(hysteresis_volt=0.02)).trace)
    # The voltages of both directions differ by 20 mV, so 10 mV jump with 1 nA.
    assert float(found["resistance_ohm"]) == pytest.approx(OHM + 1e7, rel=0.01)
    assert "hysteresis" in ohmic_resistance.__doc__


def test_steps_that_disagree_are_told():
    measured = pulsed(noise=1e-5)
    time = measured.trace["test_time_second"].values
    volt = measured.truth.voltage_volt + measured.trace["current_ampere"].values * OHM * (time > 200)
    trace = measured.trace.assign(voltage_volt=measured.trace["voltage_volt"].copy(data=volt + 1e-5 * np.sin(7 * time)))
    with pytest.warns(LithiscopeWarning, match="differs between"):
        found = ohmic_resistance(trace)
    # The error holds half of the range that the steps cover.
    assert float(found["resistance_std"]) > 0.1 * OHM


def test_a_stated_resistance_is_taken():
    found = ohmic_resistance(options=ResistanceOptions(ohm=1.2e8, ohm_std=1e6))
    assert (float(found["resistance_ohm"]), float(found["resistance_std"])) == (1.2e8, 1e6)
    assert found.attrs["method"] == "stated"
    with pytest.raises(OptionError):
        ResistanceOptions(ohm_std=1.0)
    with pytest.raises(OptionError):
        ResistanceOptions(skip_second=20.0)


def circuit(frequency, inductance):
    omega = 2 * np.pi * frequency
    return 50.0 + 1j * omega * inductance + 30.0 / (1 + 1j * omega * 30.0 * 1e-5)


@pytest.mark.parametrize("inductance", [1e-6, 0.0])
def test_a_spectrum_meets_the_real_axis_at_the_resistance(inductance):
    frequency = np.logspace(6 if inductance else 4, 0, 60)
    rng = np.random.default_rng(0)
    impedance = circuit(frequency, inductance) + 0.02 * (rng.standard_normal(60) + 1j * rng.standard_normal(60))
    found = ohmic_resistance(spectrum=Spectrum(frequency, impedance.real, impedance.imag))
    # Between two points the line bends by the arc: 0.1 ohm.
    assert float(found["resistance_ohm"]) == pytest.approx(50.0, abs=0.15)
    assert 0 < float(found["resistance_std"]) < 0.5
    assert found.attrs["method"] == "impedance"
    shuffled = rng.permutation(60)
    again = ohmic_resistance(spectrum=Spectrum(frequency[shuffled], impedance.real[shuffled], impedance.imag[shuffled]))
    assert again.identical(found)


def test_what_tells_no_resistance_is_refused():
    with pytest.raises(AnalysisError, match="nothing tells"):
        ohmic_resistance()
    with pytest.raises(AnalysisError, match="no step of the current can be used"):
        ohmic_resistance(pulsed(interval=60.0).trace, options=ResistanceOptions(window_second=2.0))
    with pytest.raises(AnalysisError, match="cannot be used"):
        ohmic_resistance(spectrum=Spectrum(np.ones(2), np.ones(2), np.ones(2)))


def test_edges_are_found_where_the_current_jumped():
    measured = pulsed(interval=3.0)
    edges = current_edges(measured.trace)
    wanted = measured.truth.trace_second(measured.truth.edges())
    assert len(edges.second) == len(wanted)
    # An edge lies anywhere between two samples: root of 3 standard deviations at most.
    np.testing.assert_array_less(np.abs(edges.second - wanted), 1.74 * edges.second_std)
    np.testing.assert_allclose(edges.after_ampere[::4], 1e-9, atol=5e-12)
    np.testing.assert_allclose(edges.before_ampere[::2], 0.0)


def test_a_change_of_rate_is_an_edge_and_a_decay_is_none():
    trace, truth = cycled((2.5e-9,), cut_off=1e-9, between=(3.1, 3.75), interval=1.0)
    edges = current_edges(trace)
    np.testing.assert_allclose(edges.second, truth.edges(), atol=1.0)
    assert len(current_edges(trace, options=EdgeOptions(least_change=1.99)).second) < len(edges.second)


def test_a_sample_during_the_change_does_not_make_two_edges():
    trace, _ = measure(cell(), [Rest(60.0), *pulses(1e-9, 1, second=30.0)], lithium_start=0.5)
    values = trace["current_ampere"].values.copy()
    first = int(np.flatnonzero(values)[0])
    values[first] = 0.5e-9
    edges = current_edges(trace.assign(current_ampere=trace["current_ampere"].copy(data=values)))
    assert len(edges.second) == 2
    assert edges.after_ampere[0] == pytest.approx(1e-9)
