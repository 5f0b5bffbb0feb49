from __future__ import annotations

import numpy as np
import pytest

from cell.virtual import cell, cycled, noisy, trace_of
from lithiscope.cell import (
    IncrementalOptions,
    PeakOptions,
    SplitOptions,
    differential_voltage,
    find_peaks,
    incremental_capacity,
    split,
    subtract_blank,
)
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.instruments.potentiostat import PotentiostatOptions, blank_electrode, galvanostatic, measure

SOFT = cell(open_circuit=lambda x: 3.425 + 0.03 * (1 - 2 * x) + 0.03 * np.log((1 - x) / x))


def integral(curves, name="incremental_capacity"):
    return curves[name].sum("voltage").values * float(curves["voltage"][1] - curves["voltage"][0])


@pytest.mark.parametrize("widths", [(0.003, 0.003), (0.02, 0.01), (0.0005, 0.001)])
def test_dq_dv_integrates_to_the_charge_exactly(widths):
    trace, half = split(cycled((0.5e-9, 2.5e-9))[0])
    options = IncrementalOptions(voltage_width_volt=widths[0], charge_width=widths[1], replicates=0)
    curves = incremental_capacity(trace, half, options=options)
    np.testing.assert_allclose(integral(curves), half["capacity_ah"].values, rtol=1e-9)
    np.testing.assert_allclose(curves["capacity_ah"].values, half["capacity_ah"].values)
    assert (curves.attrs["voltage_width_volt"], curves.attrs["charge_width"]) == widths
    assert "incremental_capacity_std" not in curves


def test_dv_dq_integrates_to_the_change_of_voltage():
    trace, half = split(cycled((0.5e-9,))[0])
    curves = differential_voltage(trace, half)
    width = float(curves["share"][1] - curves["share"][0])
    change = curves["differential_voltage"].sum("share").values * width * half["capacity_ah"].values
    ends = curves["voltage_volt"].values[:, [0, -1]]
    slope = curves["differential_voltage"].values[:, [0, -1]] * width * half["capacity_ah"].values[:, None]
    # The table holds centres; half a part is missing at either end.
    np.testing.assert_allclose(change, ends[:, 1] - ends[:, 0] + slope.sum(axis=1) / 2, rtol=1e-9)
    assert np.all(curves["differential_voltage"].values[0, 50:-50] > 0)
    assert np.all(curves["differential_voltage"].values[1, 50:-50] < 0)


def test_dv_dq_and_its_error_against_the_cell():
    pulls = []
    measured = cycled((0.5e-9,), of=SOFT, rest=60.0)
    truth = measured.truth
    for seed in range(60):
        trace, half = split(noisy(measured, 1e-4, seed))
        curves = differential_voltage(trace, half, options=IncrementalOptions(charge_width=0.01, points=100))
        charge = float(half["capacity_ah"][0])
        x = 0.99 - curves["share"].values * charge / truth.capacity_ah
        slope = (2 * 0.03 + 0.03 / (x * (1 - x))) / truth.capacity_ah
        pull = (curves["differential_voltage"].values[0] - slope) / curves["differential_voltage_std"].values[0]
        pulls.append(pull[40:60:5])
    # Far from the ends the smoothing bends nothing: 240 pulls, of which neighbours share little.
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.35)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)


def test_dq_dv_against_the_cell_within_its_errors():
    options = IncrementalOptions(replicates=100)
    trace, truth = cycled((0.5e-9,), of=SOFT, voltage_noise=5e-4)
    trace, half = split(trace)
    curves = incremental_capacity(trace, half, options=options)
    x = np.linspace(0.001, 0.98, 200_000)
    volt = SOFT.open_circuit(x) + 0.05
    density = truth.capacity_ah / (2 * 0.03 + 0.03 / (x * (1 - x)))
    expected = np.interp(curves["voltage"].values, volt[::-1], density[::-1])
    middle = np.abs(curves["voltage"].values - 3.475) < 0.05
    error = curves["incremental_capacity"].values[0] - expected
    pulls = error[middle] / curves["incremental_capacity_std"].values[0, middle]
    assert np.sqrt(np.mean(pulls**2)) < 1.5
    assert np.max(np.abs(error[middle])) < 0.05 * expected.max()


def bumpy_trace(noise=0.0):
    """A delithiation whose voltage overshoots, then falls while nine tenths of the charge pass (first order)."""
    time = np.arange(0.0, 10_000.0, 5.0)
    share = time / time[-1]
    voltage = np.interp(share, [0, 0.05, 0.9, 1.0], [3.30, 3.45, 3.42, 3.60])
    voltage = voltage + noise * np.random.default_rng(0).standard_normal(len(time))
    return trace_of(time, np.full(len(time), 1e-9), voltage)


@pytest.mark.parametrize("noise", [0.0, 3e-4])
def test_voltage_that_runs_backwards_gives_negative_dq_dv(noise):
    trace, half = split(bumpy_trace(noise), options=SplitOptions(rest_current_ampere=1e-12))
    curves = incremental_capacity(trace, half, options=IncrementalOptions(replicates=0))
    np.testing.assert_allclose(integral(curves), half["capacity_ah"].values, rtol=1e-9)
    volt = curves["voltage"].values
    plateau = (volt > 3.43) & (volt < 3.44)
    charge = float(half["capacity_ah"][0])
    # Between 3.42 and 3.45 V the curve passes forward twice and back once.
    forward, back = charge * (0.05 / 0.15 + 0.1 / 0.18), charge * 0.85 / 0.03
    signed = curves["signed_incremental_capacity"].values[0, plateau]
    np.testing.assert_allclose(signed, forward - back, rtol=0.02 if noise == 0 else 0.25)
    np.testing.assert_allclose(
        curves["incremental_capacity"].values[0, plateau], forward + back, rtol=0.02 if noise == 0 else 0.25
    )
    slopes = differential_voltage(trace, half, options=IncrementalOptions(charge_width=0.01))
    assert np.all(slopes["differential_voltage"].values[0, 200:800] < 0)


def test_held_voltage_is_left_out_unless_asked_for():
    trace, half = split(cycled((2.5e-9,), cut_off=1e-10, between=(3.1, 3.75), interval=1.0)[0])
    held = half["constant_voltage_ah"].values
    assert np.all(held > 0)
    out = incremental_capacity(trace, half, options=IncrementalOptions(replicates=0))
    np.testing.assert_allclose(integral(out), half["capacity_ah"].values - held, rtol=1e-9)
    within = incremental_capacity(trace, half, options=IncrementalOptions(replicates=0, held_voltage=True))
    np.testing.assert_allclose(integral(within), half["capacity_ah"].values, rtol=1e-9)


def test_peaks_have_position_width_and_area_with_errors_that_cover():
    truth_position = 3.425 + 0.05
    # dQ/dV = C / (2b + c/(x(1-x))) has its top at x = 1/2; the half width follows from the same formula.
    b = c = 0.03
    x = np.linspace(1e-6, 1 - 1e-6, 400_001)
    density = 1 / (2 * b + c / (x * (1 - x)))
    inside = x[density >= density.max() / 2]
    half_volt = SOFT.open_circuit(inside[[0]]) - SOFT.open_circuit(inside[[-1]])
    measured = cycled((0.5e-9,), of=SOFT, rest=60.0)
    trace, half = split(noisy(measured, 0.0, 0))
    smooth = float(find_peaks(trace, half, curves=IncrementalOptions(replicates=0))["width_volt"][0])
    # The smoothing of 3 mV widens a peak of 170 mV by 0.1 %, the parabola through its top by another.
    assert smooth == pytest.approx(float(half_volt[0]), rel=3e-3)
    rows = []
    for seed in range(80):
        trace, half = split(noisy(measured, 5e-4, seed))
        peaks = find_peaks(trace, half.isel(half_cycle=[0]), curves=IncrementalOptions(seed=seed, replicates=60))
        assert peaks.sizes["peak"] == 1
        rows.append(
            [
                (float(peaks["position_volt"][0]) - truth_position) / float(peaks["position_std"][0]),
                (float(peaks["width_volt"][0]) - smooth) / float(peaks["width_std"][0]),
                float(peaks["area_ah"][0]) / float(half["capacity_ah"][0]),
            ]
        )
    pulls = np.array(rows)
    # 95 % bars, 80 trials: at least 90 % inside (binomial, two and a half standard errors below 95 %).
    assert np.mean(np.abs(pulls[:, 0]) < 1.96) >= 0.89
    assert np.std(pulls[:, 0]) == pytest.approx(1.0, abs=0.3)
    assert np.mean(np.abs(pulls[:, 1]) < 1.96) >= 0.89
    # Less than a thousandth of the charge lies beyond the feet of a lone peak.
    np.testing.assert_allclose(pulls[:, 2], 1.0, atol=2e-3)


def test_two_peaks_share_the_charge_at_the_lowest_place_between_them():
    def two_steps(x):
        return 3.4 + 0.15 * np.tanh((0.6 - x) / 0.02) + 0.02 * np.log((1 - x) / x)

    trace, half = split(cycled((0.5e-9,), of=cell(open_circuit=two_steps), between=(3.1, 3.8))[0])
    peaks = find_peaks(trace, half)
    rows = peaks.where(peaks["direction"] < 0, drop=True)
    assert rows.sizes["peak"] == 2
    # The step at x = 0.6 parts the capacity; the delithiation meets 0.99 to 0.6 first, at the lower voltage.
    np.testing.assert_allclose(rows["area_ah"].values / 5e-9, [0.39, 0.6], atol=0.02)
    assert rows["foot_above_volt"].values[0] == rows["foot_below_volt"].values[1]
    assert peaks["half_cycle"].values.tolist() == [0, 0, 1, 1]


def test_small_peaks_can_be_left_out():
    trace, half = split(bumpy_trace(1e-4), options=SplitOptions(rest_current_ampere=1e-12))
    many = find_peaks(trace, half, options=PeakOptions(least_share=0.001, least_sigma=0.0))
    few = find_peaks(trace, half, options=PeakOptions(least_share=0.5))
    assert few.sizes["peak"] == 1 <= many.sizes["peak"]
    without = find_peaks(trace, half, curves=IncrementalOptions(replicates=0))
    assert np.isnan(without["position_std"].values).all()


def test_a_blank_electrode_is_subtracted():
    blank_cell = blank_electrode(2e-10, between=(2.0, 5.0))
    both = cell(open_circuit=SOFT.open_circuit)
    options = PotentiostatOptions(interval_second=5.0)
    protocol = galvanostatic([1e-9], between=(3.2, 3.9), rest_second=60)
    trace, half = split(measure(both, protocol, options=options, lithium_start=0.95).trace)
    slow = galvanostatic([2e-11], between=(2.5, 4.5), rest_second=60)
    blank_trace, blank_half = split(measure(blank_cell, slow, options=options, lithium_start=0.9).trace)
    curves = incremental_capacity(trace, half)
    blank = incremental_capacity(blank_trace, blank_half)
    left = subtract_blank(curves, blank)
    volt = curves["voltage"].values
    middle = (volt > 3.3) & (volt < 3.8)
    taken = curves["incremental_capacity"].values - left["incremental_capacity"].values
    np.testing.assert_allclose(taken[:, middle], 2e-10, rtol=0.05)
    assert np.all(left["incremental_capacity_std"].values >= curves["incremental_capacity_std"].values)
    np.testing.assert_allclose(left["capacity_ah"].values, integral(left), rtol=1e-9)
    assert left.attrs["blank"]
    # The blank adds the same to every voltage: peaks stay where they are, lower by it, with less charge.
    before, after = find_peaks(trace, half), find_peaks(trace, half, corrected=left)
    assert before.sizes == after.sizes
    np.testing.assert_allclose(after["position_volt"], before["position_volt"], atol=1e-3)
    np.testing.assert_allclose(before["height"] - after["height"], 2e-10, rtol=0.05)
    assert np.all(after["area_ah"] < before["area_ah"])
    np.testing.assert_allclose(
        find_peaks(trace, half, corrected=curves)["area_ah"], before["area_ah"], rtol=1e-9
    )  # nothing taken away changes nothing
    with pytest.raises(StageError, match="not that of these half cycles"):
        find_peaks(trace, half, corrected=left.isel(voltage=slice(1, None)))
    with pytest.raises(AnalysisError, match="lithiation"):
        subtract_blank(curves, blank.isel(half_cycle=[0]))
    narrow, narrow_half = split(
        measure(blank_cell, galvanostatic([2e-11], between=(3.4, 3.5)), options=options, lithium_start=0.53).trace
    )
    with pytest.warns(LithiscopeWarning, match="did not reach"):
        subtract_blank(curves, incremental_capacity(narrow, narrow_half))


def test_curves_that_cannot_be_made_are_refused():
    trace, half = split(cycled((2.5e-9,), interval=600.0)[0])
    with pytest.raises(AnalysisError, match="too few samples") as caught:
        incremental_capacity(trace, half)
    assert caught.value.remedy == "leave them out: half_cycles.drop_sel(half_cycle=[0, 1])"
    trace, half = split(cycled((2.5e-9,))[0])
    with pytest.raises(AnalysisError, match="too narrow"):
        incremental_capacity(trace, half, options=IncrementalOptions(voltage_width_volt=1e-6))


def test_scaling_current_scales_dq_dv_and_leaves_the_voltages():
    trace, half = split(bumpy_trace(1e-4), options=SplitOptions(rest_current_ampere=1e-12))
    tenfold = trace.assign(current_ampere=trace["current_ampere"] * 10)
    tenfold["current_ampere"].attrs = trace["current_ampere"].attrs
    tenfold, half_tenfold = split(tenfold, options=SplitOptions(rest_current_ampere=1e-12))
    one = incremental_capacity(trace, half, options=IncrementalOptions(replicates=0))
    ten = incremental_capacity(tenfold, half_tenfold, options=IncrementalOptions(replicates=0))
    np.testing.assert_allclose(
        ten["incremental_capacity"].values, 10 * one["incremental_capacity"].values, rtol=1e-6, atol=1e-15
    )
