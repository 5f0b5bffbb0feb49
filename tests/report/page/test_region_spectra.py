"""What is packed for the spectra of regions, against the stages by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.report.page import explorer as ex
from lithiscope.report.page.region_spectra import region_spectra
from lithiscope.report.spectra import region_spectrum
from report import scene

AREA = scene.SHAPE[0] * scene.SHAPE[1]
LAYERS = 3 + 3 + 3 + 1  # densities and their errors at three energies, three coefficients, the count


def decoded(layer, *shape):
    codes = ex.unpacked(layer["codes"], shape)
    values = layer["low"] + (layer["high"] - layer["low"]) * codes / ex.LEVELS
    return np.where(codes >= ex.NOT_TRUSTED, np.nan, values)


def step(layer):
    return (layer["high"] - layer["low"]) / ex.LEVELS


def packed(od, video, references, most=2_000_000, frames=range(scene.FRAMES)):
    return region_spectra(od, video, references, frames=list(frames), most_values=most)


def test_every_number_is_that_of_the_stages(od, video, references):
    data = packed(od, video, references)
    assert (data["bins"], data["size"], data["scans"]) == (1, list(scene.SHAPE), list(range(1, 9)))
    whole = np.isfinite(od["signal"].values).all(axis=1)
    np.testing.assert_array_equal(ex.unpacked(data["count"], whole.shape), whole)
    assert not whole[3, 40:44].any()
    for key, name in (("density", "signal"), ("std", "signal_std")):
        expected = np.where(whole[:, None], od[name].values, np.nan)
        # Half a step of rounding, and float32 in the stage.
        found = decoded(data[key], *expected.shape)
        np.testing.assert_allclose(found, expected, atol=0.5 * step(data[key]) + 1e-7)
    assert [part["name"] for part in data["fit"]] == ["LFP", "FP", "offset"]
    for k, part in enumerate(data["fit"]):
        expected = np.where(whole, video["coefficient"].values[:, k], np.nan)
        np.testing.assert_allclose(decoded(part, *whole.shape), expected, atol=0.5 * step(part) + 1e-7)
    np.testing.assert_allclose(data["fit"][0]["shape"], references["reference"].values[0])
    assert data["gain"] == [[0.85] * 3] * scene.FRAMES


def test_blocks_weighted_by_their_pixels_give_the_mean_over_the_pixels(od, video, references):
    data = packed(od, video, references, most=AREA * LAYERS * scene.FRAMES // 9)
    assert (data["bins"], data["size"]) == (3, [20, 24])
    inside = np.zeros(scene.SHAPE, bool)
    inside[36:48, 42:57] = True  # whole blocks, part of them lost in the fourth scan
    expected = region_spectrum(od, video, references, inside, name="A", frame=3)
    region = np.s_[12:16, 14:19]
    count = ex.unpacked(data["count"], (8, 20, 24))[3][region].astype(float)
    assert count.sum() == expected.pixels < inside.sum()
    mean = np.nansum(decoded(data["density"], 8, 3, 20, 24)[3][:, *region] * count, axis=(1, 2)) / count.sum()
    np.testing.assert_allclose(mean, expected.density, atol=0.5 * step(data["density"]) + 1e-7)
    error = decoded(data["std"], 8, 3, 20, 24)[3][:, *region] * count
    error = np.sqrt(np.nansum(error**2, axis=(1, 2))) / count.sum() / data["gain"][3]
    np.testing.assert_allclose(error, expected.random_std, atol=0.5 * step(data["std"]) + 1e-7)
    means = [np.nansum(decoded(part, 8, 20, 24)[3][region] * count) / count.sum() for part in data["fit"]]
    fit = sum(mean * np.array(part["shape"]) for mean, part in zip(means, data["fit"], strict=True))
    np.testing.assert_allclose(fit, expected.fit, atol=sum(step(part) for part in data["fit"]))


def test_scans_are_thinned_where_blocks_do_not_do_and_then_left_out(od, video, references):
    one = 8 * 9 * LAYERS  # a scan in blocks of 8 x 8 pixels
    data = packed(od, video, references, most=3 * one)
    assert (data["bins"], data["size"], data["scans"]) == (8, [8, 9], [1, 5, 8])
    assert packed(od, video, references, most=one - 1) == {
        "left_out": "There are no spectra of regions: one scan in blocks of 8 × 8 pixels is 720 numbers, and the page "
        "carries at most 719 (option explorer_values)."
    }


def test_only_the_scans_of_the_map_are_packed(od, video, references):
    data = packed(od, video, references, frames=(0, 4))
    assert data["scans"] == [1, 5]
    expected = np.nanmax(od["signal"].values[[0, 4]])
    assert data["density"]["high"] == pytest.approx(expected, abs=1e-6)


def test_without_references_or_a_known_component_there_is_no_fit(od, video, references):
    assert packed(od, video, None)["fit"] == []
    strange = video.assign_coords(component=["LFP", "FP", "carbon"])
    assert packed(od, strange, references)["fit"] == []
    far = references.assign_coords(energy=references["energy"].values + np.array([0, 0, 1.0]))
    assert packed(od, video, far)["fit"][0]["shape"][2] is None
    assert packed(od.drop_vars(["signal_std", "noise_gain"]), video, references)["std"] is None


def test_densities_on_another_grid_are_not_put_on_the_map(od, video, references):
    assert ex.explorer(video, od=od.isel(y=slice(1, None)), references=references).data["spectra"] is None
    assert ex.explorer(video).data["spectra"] is None
    assert ex.explorer(video, od=od, references=references).data["spectra"]["size"] == list(scene.SHAPE)
