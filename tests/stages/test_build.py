from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import StageError

COORDS = {"time": ("time", [0.0, 60.0]), "y": ("y", [0.0, 0.05]), "x": ("x", [0.0, 0.05, 0.1])}


def frames(signal, flag, **kwargs):
    return stages.new(
        "frames",
        {"signal": ("time y x", signal), "signal_flag": ("time y x", flag), **kwargs.pop("variables", {})},
        coords=COORDS | kwargs.pop("coords", {}),
        attrs={"quantity": "counts"},
    )


def test_new_fills_units_types_and_flag_meanings():
    made = frames(np.ones((2, 2, 3)), np.zeros((2, 2, 3)))
    assert made["signal"].dtype == np.float32
    assert made["time"].dtype == np.float64
    assert made["x"].attrs["units"] == "um"
    assert made["signal_flag"].attrs["flag_meanings"].split()[0] == "missing"
    assert stages.check(made, "frames", "recording") is made


def test_pixel_free_floats_keep_double_precision():
    late = np.array([1e7 + 0.125, 2e7 + 0.125])
    made = frames(np.ones((2, 2, 3)), np.zeros((2, 2, 3)), variables={"exposure_mid": ("time", late)})
    np.testing.assert_array_equal(made["exposure_mid"], late)


def test_a_nan_without_a_fatal_flag_is_refused():
    signal = np.ones((2, 2, 3))
    signal[1, 0, 2] = np.nan
    with pytest.raises(StageError, match=r"NaN and fatal flags disagree"):
        frames(signal, np.zeros((2, 2, 3)))


def test_a_fatal_flag_on_a_number_is_refused():
    flag = np.zeros((2, 2, 3), dtype=np.uint16)
    flag[0, 0, 0] = stages.flag_bit("missing")
    with pytest.raises(StageError, match=r"NaN and fatal flags disagree"):
        frames(np.ones((2, 2, 3)), flag)


def test_a_warning_flag_keeps_the_value():
    flag = np.full((2, 2, 3), stages.flag_bit("few_counts"))
    assert np.isfinite(frames(np.ones((2, 2, 3)), flag)["signal"]).all()


@pytest.mark.parametrize("time", [[60.0, 0.0], [0.0, 0.0], [0.0, np.nan]])
def test_time_must_increase(time):
    with pytest.raises(StageError, match="time does not increase"):
        frames(np.ones((2, 2, 3)), np.zeros((2, 2, 3)), coords={"time": ("time", time)})


def test_wrong_dimension_order_is_refused():
    with pytest.raises(StageError, match="wrong dimensions"):
        stages.new(
            "frames",
            {"signal": ("y time x", np.ones((2, 2, 3))), "signal_flag": ("time y x", np.zeros((2, 2, 3)))},
            coords=COORDS,
            attrs={"quantity": "counts"},
        )


def test_a_changed_unit_is_refused_at_the_door():
    made = frames(np.ones((2, 2, 3)), np.zeros((2, 2, 3)))
    made["x"].attrs["units"] = "nm"
    with pytest.raises(StageError, match="wrong unit"):
        stages.check(made, "frames")


def test_unknown_names_and_missing_attributes_are_refused():
    with pytest.raises(StageError, match="no such variable"):
        frames(np.ones((2, 2, 3)), np.zeros((2, 2, 3)), variables={"signl": ("time", [0, 1])})
    made = frames(np.ones((2, 2, 3)), np.zeros((2, 2, 3)))
    del made.attrs["quantity"]
    with pytest.raises(StageError, match="lacks an attribute"):
        stages.check(made, "frames")


def test_another_stage_is_refused():
    made = frames(np.ones((2, 2, 3)), np.zeros((2, 2, 3)))
    with pytest.raises(StageError, match="not of the expected stage"):
        stages.check(made, "recording")
    with pytest.raises(StageError, match="not of the expected stage"):
        stages.check(np.ones(3), "recording")


def test_a_flag_without_the_last_dimension_counts_for_all_of_it():
    def tracks(flag):
        return stages.new(
            "particle_tracks",
            {
                "centroid": ("particle time axis", [[[0.0, 1.0], [np.nan, np.nan]]]),
                "centroid_flag": ("particle time", [[0, flag]]),
            },
            coords={"particle": ("particle", np.array(["p01"])), "time": ("time", [0.0, 1.0])},
        )

    assert tracks(1)["centroid_flag"].values.tolist() == [[0, 1]]
    with pytest.raises(StageError, match="NaN and fatal flags disagree"):
        tracks(0)
