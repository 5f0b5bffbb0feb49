from __future__ import annotations

import json

import numpy as np
import pytest

from lithiscope.report.page.voltage import voltage_trace
from report import kinetic_scene as scene


def test_the_curve_is_on_the_axis_of_the_images(kinetics):
    data = voltage_trace(kinetics["cell_frames"], trace=kinetics["cell_trace"], clock=kinetics["clock"]).data
    np.testing.assert_allclose(
        data["voltage"]["minutes"], (kinetics["cell_trace"]["test_time_second"].values - scene.OFFSET) / 60, atol=1e-4
    )
    assert data["current"]["title"] == "current / nA"
    assert data["current"]["range"][0] < -6 < 6 < data["current"]["range"][1]
    assert [direction for _, _, direction in data["shades"]] == [1, -1, 1, -1]
    assert data["shades"][0][0] == pytest.approx(0.0, abs=1e-6)


def test_every_frame_has_its_number_place_and_words(kinetics):
    frames = kinetics["cell_frames"]
    data = voltage_trace(frames).data
    assert [frame["number"] for frame in data["frames"]] == list(range(1, 33))
    assert data["frames"][9]["voltage"] == pytest.approx(float(frames["voltage_volt"].values[9]))
    text = data["frames"][9]["text"]
    assert text.startswith("Scan 10, ")
    assert f"{float(frames['voltage_volt'].values[9]):.4f} V" in text
    assert "1.8 nA" in text
    assert "delithiation 0.6C" in text


def test_without_a_clock_the_curve_joins_the_frames(kinetics):
    data = voltage_trace(kinetics["cell_frames"], trace=kinetics["cell_trace"]).data
    np.testing.assert_allclose(data["voltage"]["values"], kinetics["cell_frames"]["voltage_volt"].values, atol=1e-6)
    assert len(data["shades"]) == 4


def test_long_traces_are_thinned(kinetics):
    trace = scene.make_trace(samples=20000)
    data = voltage_trace(kinetics["cell_frames"], trace=trace, clock=kinetics["clock"]).data
    assert len(data["voltage"]["values"]) <= 3000
    assert max(data["voltage"]["values"]) == pytest.approx(trace["voltage_volt"].values.max(), abs=1e-6)


def test_lost_voltages_are_null_and_the_rest_is_valid_json(kinetics):
    frames = kinetics["cell_frames"].copy(deep=True)
    frames["voltage_volt"][3] = np.nan
    data = voltage_trace(frames).data
    assert data["frames"][3]["voltage"] is None
    assert "no voltage" in data["frames"][3]["text"]
    json.dumps(data, allow_nan=False)
    bare = voltage_trace(frames.drop_vars(["voltage_volt", "current_ampere", "c_rate", "lithium_fraction"])).data
    assert bare["voltage"]["values"] == []
    json.dumps(bare, allow_nan=False)
