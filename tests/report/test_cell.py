from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError, StageError
from lithiscope.report import FigureOptions, cell
from report import kinetic_scene as scene

SVG = FigureOptions(format="svg")


@given(st.integers(1, 3000), st.integers(20, 200))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(count, most):
    random = np.random.default_rng(count)
    time, values = np.arange(float(count)), random.standard_normal(count)
    thin_time, thin = cell.extremes(time, values, most)
    assert thin.size <= max(most, 4)
    assert (thin_time[0], thin_time[-1]) == (time[0], time[-1])
    assert (thin.min(), thin.max()) == (values.min(), values.max())
    assert np.all(np.diff(thin_time) > 0)
    assert set(thin.tolist()) <= set(values.tolist())


def test_lost_samples_do_not_hide_extremes():
    values = np.where(np.arange(1000) % 2, np.nan, 1.0)
    values[500] = 7.0
    assert np.nanmax(cell.extremes(np.arange(1000.0), values, 100)[1]) == 7.0


@given(st.floats(-1e4, 1e4), st.floats(-1e-3, 1e-3), st.floats(0, 1e5))
def test_the_clock_is_undone_exactly(offset, drift, image):
    clock = scene.make_clock().copy(deep=True)
    clock["offset_second"][...], clock["drift"][...] = offset, drift
    test = image + offset + drift * (image - float(clock["reference_second"]))
    assert cell.image_seconds(test, clock) == pytest.approx(image, abs=1e-6)


def test_frames_lie_on_the_curve_of_the_trace(drawn, kinetics):
    trace, frames, clock = (kinetics[name] for name in ("cell_trace", "cell_frames", "clock"))
    figure = drawn(lambda: cell.cell_curves(trace, frames=frames, clock=clock, options=SVG))
    upper = figure.axes[0]
    curve, marks = upper.lines[0], next(line for line in upper.lines if line.get_marker() == "o")
    between = np.interp(marks.get_xdata(), curve.get_xdata(), curve.get_ydata())
    # The scene's frames are read off the same samples, so only the arithmetic of the clock is left.
    np.testing.assert_allclose(marks.get_ydata(), between, atol=1e-9)
    assert upper.get_ylabel() == "cell voltage / V"
    assert figure.axes[1].get_ylabel() == "current / nA"
    assert figure.axes[1].get_xlabel() == "time since the start of the study / h"


def test_without_a_clock_frames_are_not_marked_and_that_is_said(kinetics):
    text = cell.cell_curves(kinetics["cell_trace"], frames=kinetics["cell_frames"], options=SVG).decode()
    assert "no clock joins images and trace" in text
    assert "time since the start of the trace" in text
    assert "32 frames" not in text


def test_a_trace_without_current_has_one_panel_and_one_without_voltage_none(drawn, kinetics):
    trace = kinetics["cell_trace"]
    assert len(drawn(lambda: cell.cell_curves(trace.drop_vars("current_ampere"), options=SVG)).axes) == 1
    with pytest.raises(AnalysisError, match="no voltage"):
        cell.cell_curves(trace.drop_vars("voltage_volt"))


def test_clock_residuals_and_what_is_not_known(drawn, kinetics):
    axes = drawn(lambda: cell.clock_residuals(kinetics["clock"], options=SVG)).axes[0]
    np.testing.assert_allclose(axes.containers[0].lines[0].get_ydata(), [1.0, -3.0, 2.5, 0.2])
    assert axes.get_title(loc="left") == "offset 130.0 ± 2.0 s, drift 0 ± 400 ppm"
    one = kinetics["clock"].isel(edge=[0]).copy(deep=True)
    one["drift_std"][...] = np.nan
    assert b"drift not known" in cell.clock_residuals(one, options=SVG)


def test_particles_lie_at_their_x_against_that_of_the_cell(drawn, kinetics):
    table, frames = kinetics["table"], kinetics["cell_frames"]
    axes = drawn(lambda: cell.particles_against_cell(table, frames, options=SVG)).axes[0]
    marks = axes.lines[1:]
    assert {line.get_label() for line in marks} == {
        "lithiation 0.6C",
        "delithiation 0.6C",
        "lithiation 2C",
        "delithiation 2C",
    }
    assert sum(line.get_xdata().size for line in marks) == table["lithium_fraction"].size
    with pytest.raises(AnalysisError, match="differ in their frames"):
        cell.particles_against_cell(table, frames.isel(time=slice(3)))


def test_another_stage_is_refused(kinetics):
    for draw in (cell.cell_curves, cell.clock_residuals):
        with pytest.raises(StageError, match="not of the expected stage"):
            draw(kinetics["table"])
