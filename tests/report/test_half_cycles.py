from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError, StageError
from lithiscope.report import FigureOptions, half_cycles
from report import kinetic_scene as scene

SVG = FigureOptions(format="svg")


def test_half_cycles_end_at_their_charge(drawn, kinetics):
    axes = drawn(
        lambda: half_cycles.half_cycle_curves(kinetics["cell_trace"], kinetics["half_cycles"], options=SVG)
    ).axes[0]
    assert axes.get_xlabel() == "charge passed in the half cycle / nAh"
    ends = [line.get_xdata()[-1] for line in axes.lines]
    np.testing.assert_allclose(ends, 1e9 * kinetics["half_cycles"]["capacity_ah"].values, rtol=1e-6)
    assert [line.get_label() for line in axes.lines][1] == "1  delithiation 0.6C"


def test_the_charge_column_is_preferred_to_the_integral(kinetics):
    trace = kinetics["cell_trace"].assign(
        net_capacity_ah=("sample", np.linspace(0, -1, kinetics["cell_trace"].sizes["sample"]))
    )
    charge, _ = half_cycles.half_cycle_curve(trace, kinetics["half_cycles"], 1, "voltage_volt")
    assert charge[0] == 0
    first, last = (int(kinetics["half_cycles"][n].values[1]) for n in ("first_sample", "last_sample"))
    assert charge[-1] == pytest.approx((last - first) / (trace.sizes["sample"] - 1))


def test_unknown_half_cycles_are_refused(kinetics):
    with pytest.raises(AnalysisError, match="no such half cycle"):
        half_cycles.half_cycle_curves(kinetics["cell_trace"], kinetics["half_cycles"], chosen=[9])


def test_the_derivative_holds_the_charge_and_its_peaks(drawn, kinetics):
    curves, peaks = kinetics["incremental_capacity"], kinetics["peaks"]
    axes = drawn(lambda: half_cycles.capacity_derivative(curves, peaks=peaks, options=SVG)).axes[0]
    lines = [line for line in axes.lines if str(line.get_label()).endswith("C")]
    step = np.diff(curves["voltage"].values)[0]
    charge = [line.get_ydata().sum() * step for line in lines]  # nAh; lithiation hangs downwards
    np.testing.assert_allclose(charge, -np.array(scene.DIRECTIONS) * 2.82, rtol=1e-3)
    marks = [bar.lines[0] for bar in axes.containers]
    np.testing.assert_allclose([mark.get_xdata()[0] for mark in marks], peaks["position_volt"].values)


def test_overpotentials_of_both_directions_go_upwards(drawn, kinetics):
    data = kinetics["rate_overpotential"]
    axes = drawn(lambda: half_cycles.overpotential_against_rate(data, options=SVG)).axes[0]
    lithiation, delithiation = (bar.lines[0].get_ydata() for bar in axes.containers)
    eta = 1e3 * data["overpotential_volt"].values
    np.testing.assert_allclose(lithiation, -eta[[0, 2]])
    np.testing.assert_allclose(delithiation, eta[[1, 3]])
    assert min(*lithiation, *delithiation) > 0
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.6C", "2C"]
    lost = data.copy(deep=True)
    lost["overpotential_volt"][:] = np.nan
    with pytest.raises(AnalysisError, match="no half cycle has an overpotential"):
        half_cycles.overpotential_against_rate(lost)


def test_another_stage_is_refused(kinetics):
    for draw in (half_cycles.overpotential_against_rate, half_cycles.capacity_derivative):
        with pytest.raises(StageError, match="not of the expected stage"):
            draw(kinetics["table"])
