from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lithiscope.report.colours import lookup_table
from lithiscope.report.page import explorer as ex
from report import scene


def decoded(layer, size):
    codes = ex.unpacked(layer["codes"], (layer["frames"], *size))
    values = layer["low"] + (layer["high"] - layer["low"]) * codes / ex.LEVELS
    return np.where(codes >= ex.NOT_TRUSTED, np.nan, values), codes


def layers(data):
    return {layer["key"]: layer for layer in data["layers"]}


@pytest.mark.parametrize(
    ("key", "name"), [("x", "lithium_fraction"), ("std", "lithium_fraction_std"), ("amount", "amount")]
)
def test_packed_layers_decode_to_the_data(video, labels, key, name):
    data = ex.explorer(video, labels=labels).data
    layer = layers(data)[key]
    values, _ = decoded(layer, data["size"])
    step = (layer["high"] - layer["low"]) / ex.LEVELS
    # Half a step of rounding, and float32 in the stage.
    np.testing.assert_allclose(values, video[name].values, atol=0.5 * step + 1e-7)


def test_missing_values_say_why(video, labels):
    data = ex.explorer(video, labels=labels).data
    _, codes = decoded(layers(data)["x"], data["size"])
    assert np.all(codes[2, 14:16, 8:30] == ex.NOT_TRUSTED)
    assert np.all(codes[:, labels.values == 0] == ex.NO_MATERIAL)


@given(arrays(float, (3, 4), elements=st.floats(-1e6, 1e6)))
def test_the_error_of_the_packing_is_bounded(values):
    codes, low, high = ex.encoded(values, np.zeros(values.shape, bool))
    back = low + (high - low) * codes / ex.LEVELS
    assert np.abs(back - values).max() <= (high - low) / (2 * ex.LEVELS) * (1 + 1e-6) + 1e-9


def test_nothing_at_all_can_be_packed():
    codes, low, high = ex.encoded(np.full((2, 2), np.nan), np.eye(2, dtype=bool))
    np.testing.assert_array_equal(codes, [[ex.NOT_TRUSTED, ex.NO_MATERIAL], [ex.NO_MATERIAL, ex.NOT_TRUSTED]])
    assert (low, high) == (0.0, 1.0)


def test_frames_names_and_places(video, labels):
    data = ex.explorer(video, labels=labels, names={1: "P01"}).data
    assert [frame["minutes"] for frame in data["frames"][:2]] == [1.5, 5.5]
    assert data["frames"][5]["direction"] == "delithiation"
    assert data["names"] == {"1": "P01"}
    np.testing.assert_allclose(data["pixel"], [scene.PIXEL, scene.PIXEL])
    np.testing.assert_allclose(data["origin"], [-scene.PIXEL / 2, -scene.PIXEL / 2])
    np.testing.assert_array_equal(ex.unpacked(data["labels"], (1, *scene.SHAPE))[0], labels.values)
    table = np.frombuffer(base64.b64decode(layers(data)["x"]["colours"]), np.uint8).reshape(256, 3)
    np.testing.assert_array_equal(table, lookup_table("uniform"))


def test_binned_means_are_weighted_and_skip_what_is_missing():
    values = np.array([[0.0, 1.0, 5.0], [np.nan, 1.0, 7.0]])
    weight = np.array([[1.0, 3.0, 1.0], [9.0, 0.0, 1.0]])
    np.testing.assert_allclose(ex.binned(values, 2, weight), [[0.75, 6.0]])
    np.testing.assert_allclose(ex.binned(values, 2), [[2 / 3, 6.0]])
    assert np.isnan(ex.binned(np.full((2, 2), np.nan), 2)).all()


def test_the_error_of_a_bin_is_the_scatter_of_its_mean():
    random = np.random.default_rng(11)
    std = random.uniform(0.02, 0.1, (2, 2))
    weight = random.uniform(0.5, 1.5, (2, 2))
    means = ex.binned(std * random.standard_normal((20000, 2, 2)), 2, np.broadcast_to(weight, (20000, 2, 2)))
    # The relative error of a standard deviation from n values is 1/sqrt(2 n) = 0.5 %; four of them.
    assert ex.binned_error(std, 2, weight)[0, 0] == pytest.approx(means.std(), rel=0.02)


def test_large_videos_are_binned_then_thinned(video, labels):
    pixels = scene.SHAPE[0] * scene.SHAPE[1]
    data = ex.explorer(video, labels=labels, most_values=pixels * 5 * 8 // 4 + 1).data
    assert data["bins"] == 2
    assert data["size"] == [30, 36]
    assert len(data["frames"]) == 8
    data = ex.explorer(video, labels=labels, most_values=pixels * 5 * 4 // 16).data
    assert data["bins"] == 4
    assert [frame["number"] for frame in data["frames"]] == [1, 3, 6, 8]
    assert data["total_frames"] == 8
    values, _ = decoded(layers(data)["std"], data["size"])
    # Sixteen pixels of native noise std / gain, of nearly one weight: sigma falls by four, within the taper of weights.
    x, y = 3, 4
    native = video["lithium_fraction_std"].values[0, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4].mean() / 0.85
    assert values[0, y, x] == pytest.approx(native / 4, rel=0.02)


def test_layers_follow_what_the_video_holds(video, labels):
    keys = set(layers(ex.explorer(video).data))
    assert keys == {"x", "std", "amount", "thickness", "chi_square"}
    bare = video.drop_vars(["lithium_fraction_std", "amount", "thickness", "chi_square"])
    data = ex.explorer(bare).data
    assert set(layers(data)) == {"x"}
    assert data["labels"] == ""
    assert data["frames"][0]["label"] == -1
