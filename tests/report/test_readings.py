from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope.errors import AnalysisError, StageError
from lithiscope.report import readings


def test_time_stamps_are_minutes(video):
    np.testing.assert_allclose(readings.minutes(video)[:2], [1.5, 5.5])
    assert readings.minutes_text(5.5) == "5.5 min"


def test_directions_and_half_cycles(video):
    assert readings.direction_text(video, 0) == "lithiation"
    assert readings.direction_text(video, 7) == "delithiation"
    assert readings.half_cycles(video) == [(0, 3, "lithiation"), (4, 7, "delithiation")]
    unknown = video.drop_vars("direction")
    assert readings.direction_text(unknown, 0) == ""
    assert readings.half_cycles(unknown) == []


def test_the_mean_is_weighted_by_amount(video, labels):
    x = video["lithium_fraction"].values[0].astype(float)
    weight = video["amount"].values[0].astype(float)
    inside = (labels.values > 0) & np.isfinite(x)
    expected = (x * weight)[inside].sum() / weight[inside].sum()
    assert readings.mean_signal(video, labels, 0) == pytest.approx(expected, rel=1e-12)


def test_only_other_reasons_than_no_material_are_untrusted(video):
    lost = readings.untrusted(video, 2)
    assert lost[14:16, 8:30].all()
    assert lost.sum() == 2 * 22
    assert not readings.untrusted(video, 0).any()


def test_labels_may_differ_between_cycles(video, labels):
    both = xr.concat([labels, 0 * labels], dim=xr.DataArray([0, 1], dims="cycle", name="cycle"))
    late = video.assign_coords(cycle=("time", [0, 0, 0, 0, 1, 1, 1, 1]))
    assert readings.labels_of_frame(both, late, 3).any()
    assert not readings.labels_of_frame(both, late, 4).any()


def test_labels_of_another_size_are_refused(video, labels):
    with pytest.raises(StageError, match="differ in size"):
        readings.labels_of_frame(labels[:-1], video, 0)


def test_a_depth_axis_is_refused(video):
    deep = video["lithium_fraction"].expand_dims(z=[0.0]).transpose("time", "z", "y", "x")
    with pytest.raises(AnalysisError, match=r"choose one plane"):
        readings.flat_picture(deep, 0)


def test_full_brightness_is_the_plateau_of_material(video):
    amount = video["amount"].values.astype(float).mean(axis=0)
    there = np.isfinite(video["lithium_fraction"].values).any(axis=0)
    assert readings.full_brightness(video, None) == pytest.approx(np.percentile(amount[there], 95))
    assert readings.full_brightness(video, 2.0) == 2.0
    assert readings.full_brightness(video.drop_vars("amount"), None) == 1.0


@pytest.mark.parametrize("frames", [[], [8], [-1]])
def test_frames_that_do_not_exist_are_refused(video, frames):
    with pytest.raises(AnalysisError, match="does not exist"):
        readings.chosen_frames(video, frames, 20)


def test_no_frame_at_all_is_refused(video):
    with pytest.raises(AnalysisError, match="no frame"):
        readings.chosen_frames(video.isel(time=slice(0, 0)), None, 20)


def test_thinning_keeps_both_ends():
    assert readings.thinned(400, 20)[[0, -1]].tolist() == [0, 399]
    assert readings.thinned(3, 20).tolist() == [0, 1, 2]


def test_limits_ignore_what_is_not_a_number():
    assert readings.limits([np.nan, np.nan]) == (0.0, 1.0)
    low, high = readings.limits([3.0, 3.0, np.nan])
    assert low == 3.0
    assert high > low
    assert readings.limits(np.arange(1001.0), low=0.0, percentiles=(0, 100)) == (0.0, 1000.0)
