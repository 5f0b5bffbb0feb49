from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.channel_cuts import channel_cuts
from lithiscope.kinetics.channels_options import ChannelOptions

PIXEL = 0.04


def video(frames=3, shape=(30, 24), gain=0.8, lost=()):
    """x = 0.01 row + 0.001 column + 0.1 frame, sigma 0.05 as it appears; two particles, one of them at the edge."""
    row, column = np.indices(shape)
    x = 0.01 * row + 0.001 * column + 0.1 * np.arange(frames)[:, None, None]
    label = np.zeros(shape, dtype=np.int32)
    label[2:12, 5:15] = 1
    label[15:28, 16:] = 2
    flag = np.zeros(x.shape, dtype=int)
    for place in lost:
        flag[place] = stages.flag_bit("saturated")
        x[place] = np.nan
    space = {"y": PIXEL * np.arange(shape[0]), "x": PIXEL * np.arange(shape[1])}
    made = stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_std": ("time y x", np.where(np.isnan(x), np.nan, 0.05)),
            "lithium_fraction_flag": ("time y x", flag),
            "noise_gain": ("time", np.full(frames, gain)),
        },
        coords={
            "time": ("time", 60.0 * np.arange(frames)),
            "half_cycle": ("time", np.zeros(frames, dtype=int)),
            "direction": ("time", np.ones(frames, dtype=int)),
            **{dim: (dim, values) for dim, values in space.items()},
        },
        attrs={"signal": "lithium_fraction"},
    )
    return made, xr.DataArray(label, dims=("y", "x"), coords=space)


@pytest.mark.parametrize("axis", [0.0, 90.0])
def test_lines_hold_the_pixels_themselves_from_face_to_face(axis):
    made, labels = video()
    cuts = channel_cuts(made, labels.where(labels == 1, 0), options=ChannelOptions(axis=axis))
    assert len(np.unique(cuts["line"])) == 10
    row, column = np.rint(cuts["position_y"].values / PIXEL), np.rint(cuts["position_x"].values / PIXEL)
    np.testing.assert_allclose(cuts["lithium_fraction"].values[2], 0.01 * row + 0.001 * column + 0.2, atol=1e-6)
    one = cuts["line"].values == "p01 channel 3"
    np.testing.assert_allclose(cuts["distance"].values[one], (np.arange(10) + 0.5) * PIXEL)
    along = column if axis == 0 else row
    assert np.all(np.diff(along[one]) == 1)
    assert np.ptp((row if axis == 0 else column)[one]) == 0


def test_the_noise_is_that_before_resampling():
    made, labels = video(gain=0.8)
    cuts = channel_cuts(made, labels, options=ChannelOptions(axis=90.0))
    np.testing.assert_allclose(cuts["lithium_fraction_std"], 0.05 / 0.8)


def test_channels_that_the_picture_cuts_off_are_left_out():
    made, labels = video()
    cuts = channel_cuts(made, labels, {1: "a", 2: "b"}, options=ChannelOptions(axis=0.0))
    assert set(cuts["particle"].values) == {"a"}
    both = channel_cuts(made, labels, {1: "a", 2: "b"}, options=ChannelOptions(axis=90.0))
    assert set(both["particle"].values) == {"a", "b"}
    with pytest.raises(AnalysisError, match="cuts off every channel"):
        channel_cuts(made, labels.where(labels == 2, 0), {2: "b"}, options=ChannelOptions(axis=0.0))


def test_lost_pixels_keep_their_reason():
    made, labels = video(lost=[(1, 5, 8)])
    cuts = channel_cuts(made, labels.where(labels == 1, 0), options=ChannelOptions(axis=0.0))
    nan = np.isnan(cuts["lithium_fraction"].values)
    assert nan.sum() == 1
    assert nan[1].any()
    assert cuts["lithium_fraction_flag"].values[nan][0] & stages.flag_bit("saturated")
    assert np.isnan(cuts["lithium_fraction_std"].values[nan]).all()


def test_an_end_pixel_that_is_hardly_covered_does_not_count():
    made, labels = video()
    amount = np.where(labels.values == 1, 1.0, 0.0)
    amount[2:12, 5] = 0.55  # the face at the start runs through the middle of its pixels
    with_amount = made.assign(amount=(("time", "y", "x"), np.broadcast_to(amount, (3, *amount.shape)), {"units": "1"}))
    first = labels.where(labels == 1, 0)
    cuts = channel_cuts(with_amount, first, options=ChannelOptions(axis=0.0))
    start = cuts["distance"].values < PIXEL
    assert np.isnan(cuts["lithium_fraction"].values[:, start]).all()
    assert np.isnan(cuts["lithium_fraction_std"].values[:, start]).all()
    assert np.all(cuts["lithium_fraction_flag"].values[:, start] == stages.flag_bit("excluded"))
    assert np.isfinite(cuts["lithium_fraction"].values[:, ~start]).all()
    every = channel_cuts(with_amount, first, options=ChannelOptions(axis=0.0, min_cover=0.5))
    assert np.isfinite(every["lithium_fraction"]).all()


def test_bad_input_is_named():
    made, labels = video()
    with pytest.raises(StageError, match="labels and video differ"):
        channel_cuts(made, labels.isel(x=slice(5)))
    with pytest.raises(AnalysisError, match="no channel is long enough"):
        channel_cuts(made, labels, options=ChannelOptions(axis=0.0, min_pixels=20))
