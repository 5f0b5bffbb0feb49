"""Resampling: exact shifts, borders, missing pixels, and the noise that interpolation leaves."""

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from frames.scene import PIXEL, alignment, frames, waves
from lithiscope.errors import AnalysisError
from lithiscope.frames import ResampleOptions, compose, drift_leakage, register, resample
from lithiscope.stages import flag_bit

RNG = np.random.default_rng(4)


def test_a_shift_of_whole_pixels_copies_the_pixels() -> None:
    picture = RNG.uniform(10, 20, (1, 20, 24))
    moved = resample(frames(picture, 1.0), alignment(np.array([[2.0, -3.0]])))
    np.testing.assert_allclose(moved["signal"].values[0, :-2, 3:], picture[0, 2:, :-3], rtol=1e-6)
    assert np.isnan(moved["signal"].values[0, -2:]).all()
    assert np.isnan(moved["signal"].values[0, :, :3]).all()
    np.testing.assert_allclose(moved["signal_std"].values[0, :-2, 3:], 1.0, rtol=1e-5)
    assert moved["noise_gain"].values[0] == pytest.approx(1.0, abs=1e-5)
    assert set(np.unique(moved["signal_flag"])) == {0, int(flag_bit("outside_view"))}


@pytest.mark.parametrize("shape", [(48, 50), (16, 40, 42)])
def test_a_moved_scene_is_put_back(shape: tuple[int, ...]) -> None:
    shift = np.array([[0.4, -1.3, 0.7], [-0.8, 0.25, 2.2]])[:, -len(shape) :]
    moved = resample(frames(waves(shape, shift)), alignment(shift))
    truth = waves(shape, np.zeros((1, len(shape))))
    inner = (slice(None), *[slice(5, -5)] * len(shape))
    # A cubic spline is off by (2 pi/7)^4 / 500 of the shortest wave, 7 px, at most: about 0.1 %.
    np.testing.assert_allclose(
        moved["signal"].values[inner], np.broadcast_to(truth, moved["signal"].shape)[inner], atol=0.02
    )
    assert "signal_std" not in moved


def test_affine_frames_are_put_back() -> None:
    linear = np.array([[1.02, 0.01], [-0.02, 0.985]])
    picture = waves((60, 60), np.zeros(2), linear=linear)
    moved = resample(frames(picture, 0.1), alignment(np.zeros((1, 2)), affine=linear[None]))
    truth = waves((60, 60), np.zeros(2))
    inside = np.isfinite(moved["signal"].values)
    assert inside.mean() > 0.9
    inner = (slice(None), slice(5, -5), slice(5, -5))
    np.testing.assert_allclose(moved["signal"].values[inner], truth[inner], atol=0.02)
    assert 0.75 < moved["noise_gain"].values[0] < 1


@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.5, 0.5), (0.25, 0.0), (-1.1, 0.37)])
def test_noise_shrinks_as_the_weights_say(shift: tuple[float, float]) -> None:
    noise = RNG.standard_normal((1, 200, 200))
    moved = resample(frames(noise, 1.0), alignment(np.array([shift])))
    # The weights that scipy's cubic spline gives to the pixels are what it makes of a single bright one.
    bright = np.zeros((41, 41))
    bright[20, 20] = 1.0
    gain = float(np.sqrt(np.sum(ndimage.shift(bright, shift, order=3, mode="reflect") ** 2)))
    assert gain < {(0.5, 0.5): 0.757, (0.5, 0.0): 0.870}.get(shift, 1.0)
    assert moved["noise_gain"].values[0] == pytest.approx(gain, abs=2e-4)
    inner = (0, slice(10, -10), slice(10, -10))
    # 32 400 correlated pixels: 1 % is two and a half standard errors.
    assert moved["signal"].values[inner].std() == pytest.approx(gain, rel=0.01)
    np.testing.assert_allclose(moved["signal_std"].values[inner], gain, rtol=1e-3)


def test_the_mean_of_a_region_scatters_by_the_native_sigma() -> None:
    means = []
    for _ in range(300):
        moved = resample(frames(RNG.standard_normal((1, 32, 32)), 1.0), alignment(np.array([[0.5, 0.5]])))
        means.append(moved["signal"].values[0, 8:24, 8:24].mean())
    quoted = float(moved["signal_std"].values[0, 16, 16] / moved["noise_gain"].values[0]) / 16
    # 300 means: 4 % standard error; the edge of the region makes 1 %.
    assert np.std(means) == pytest.approx(quoted, rel=0.13)


def test_uneven_noise_is_carried_along() -> None:
    std = np.linspace(1, 5, 40)[:, None] * np.ones((1, 40, 40))
    stack = np.stack([RNG.standard_normal((40, 40)) * std[0] for _ in range(400)])
    moved = resample(frames(stack, np.broadcast_to(std, stack.shape)), alignment(np.full((400, 2), 0.37)))
    inner = (slice(8, -8), slice(8, -8))
    ratio = moved["signal"].values.std(axis=0)[inner] / moved["signal_std"].values[0][inner]
    # 400 draws: 3.5 % per pixel, averaged over 576.
    assert ratio.mean() == pytest.approx(1.0, abs=0.01)
    assert ratio.std() < 0.05


def test_an_error_of_the_shift_shows_where_the_picture_is_steep() -> None:
    error = 0.1  # px
    off = RNG.normal(scale=error, size=(4000, 2))
    taken = np.concatenate([waves((24, 24), part) for part in np.array_split(off, 4)])
    still = frames(waves((24, 24), np.zeros((1, 2))), 1e-6)
    told = resample(still, alignment(np.zeros((1, 2)), std=error * PIXEL[-1]))["signal_std"].values[0, 1:-1, 1:-1]
    scatter = taken.std(0)[1:-1, 1:-1]
    assert scatter.max() > 4 * scatter.min()  # the scene has steep places and flat ones
    # Differences of neighbours are (2 pi / 7)^2 / 6 = 13 % flatter than the shortest wave, 4 % in root mean square, and
    # where the slope is 0 its change over the error remains: (2 pi / 7 * 0.1)^2 / sqrt(2) at most.
    np.testing.assert_allclose(told, scatter, rtol=0.13, atol=0.006)
    assert np.sqrt(np.mean(told**2)) == pytest.approx(np.sqrt(np.mean(scatter**2)), rel=0.05)


def test_beside_a_missing_line_the_slope_is_taken_from_the_other_side() -> None:
    slope = np.broadcast_to(np.arange(40.0)[:, None] * 10, (1, 40, 30)).copy()
    slope[0, 20] = np.nan
    moved = resample(frames(slope, 1.0), alignment(np.zeros((1, 2)), std=0.1 * PIXEL[-1]))
    inside = np.delete(moved["signal_std"].values[0], 20, axis=0)
    np.testing.assert_allclose(inside, np.sqrt(1.0 + 1.0), rtol=1e-5)


def test_a_missing_line_stays_missing_and_rings_over_nothing() -> None:
    slope = np.broadcast_to(np.arange(40.0)[:, None] * 10, (1, 40, 30)).copy()
    slope[0, 20] = np.nan
    moved = resample(frames(slope, 1.0), alignment(np.array([[0.3, 0.0]])))["signal"].values[0]
    assert np.isnan(moved[20]).all()
    assert np.isfinite(moved[19]).all()
    expected = (np.arange(40) + 0.3) * 10
    # A step of 10 where the line was filled dies out by 0.27 a pixel.
    assert np.abs(moved[:17] - expected[:17, None])[3:].max() < 0.1
    assert np.abs(moved[25:36] - expected[25:36, None]).max() < 0.1


def test_flags_go_with_their_pixels() -> None:
    flag = np.zeros((1, 20, 20), dtype=np.uint16)
    flag[0, 5, 5] = flag_bit("saturated")
    flag[0, 10, 10] = flag_bit("repaired")
    picture = np.where(flag == flag_bit("saturated"), np.nan, 7.0)
    moved = resample(frames(picture, 1.0, flag=flag), alignment(np.array([[1.0, 2.0]])))["signal_flag"].values[0]
    assert moved[4, 3] == flag_bit("saturated")
    assert moved[9, 8] == flag_bit("repaired")
    half = resample(frames(picture, 1.0, flag=flag), alignment(np.array([[0.4, 0.0]])))["signal_flag"].values[0]
    assert half[5, 5] == flag_bit("saturated")
    assert half[4, 5] == 0
    assert (half[9:11, 10] == flag_bit("repaired")).all()


def test_a_stricter_support_loses_more() -> None:
    picture = np.ones((1, 20, 20))
    picture[0, 10, 10] = np.nan
    lost = [
        np.isnan(resample(frames(picture, 1.0), alignment(np.array([[0.3, 0.3]])), options=options)["signal"]).sum()
        for options in (ResampleOptions(min_support=0.05), ResampleOptions(), ResampleOptions(min_support=1.0))
    ]
    assert int(lost[0]) < int(lost[1]) + 1 < int(lost[2])


def test_a_frame_that_was_not_aligned_is_lost() -> None:
    moved = resample(frames(np.ones((2, 20, 20)), 1.0), alignment(np.array([[0.0, 0.0], [np.nan, np.nan]])))
    assert (moved["signal_flag"][1] == flag_bit("not_aligned")).all()
    assert np.isnan(moved["noise_gain"].values[1])
    assert np.isfinite(moved["signal"][0]).all()


def test_a_shift_beyond_the_field_leaves_nothing() -> None:
    moved = resample(frames(np.ones((1, 20, 20)), 1.0), alignment(np.array([[0.0, 30.0]])))
    assert (moved["signal_flag"] == flag_bit("outside_view")).all()


def test_an_alignment_of_scans_moves_all_energies() -> None:
    picture = waves((30, 30), np.zeros(2))
    data = frames(np.stack([picture[0]] * 3), 1.0, energy=True)
    moved = resample(data, alignment(np.array([[0.5, 0.0]])))
    assert moved["noise_gain"].dims == ("time", "energy")
    np.testing.assert_array_equal(moved["signal"][0, 0], moved["signal"][0, 2])


def test_registered_frames_lie_still() -> None:
    shifts = np.array([[0.0, 0.0], [0.7, -0.4], [1.4, 0.3]])
    data = frames(10 + waves((60, 60), shifts) + 0.05 * RNG.standard_normal((3, 60, 60)), 0.05)
    before = drift_leakage(data).values / PIXEL[1:]
    np.testing.assert_allclose(before[1:], np.diff(shifts, axis=0), atol=0.3)
    after = drift_leakage(resample(data, register(data))).values / PIXEL[1:]
    assert np.abs(after).max() < 0.02
    assert (after[0] == 0).all()


def test_resampling_twice_is_refused() -> None:
    once = resample(frames(np.ones((1, 20, 20)), 1.0), alignment(np.zeros((1, 2))))
    with pytest.raises(AnalysisError, match="resampled before"):
        resample(once, alignment(np.zeros((1, 2))))


def test_an_alignment_of_other_frames_is_refused() -> None:
    with pytest.raises(AnalysisError, match="other frames"):
        resample(frames(np.ones((2, 20, 20)), 1.0), alignment(np.zeros((3, 2))))
    with pytest.raises(AnalysisError, match="lacks an axis"):
        resample(frames(np.ones((2, 9, 20, 20)), 1.0), alignment(np.zeros((2, 2))))


def test_composing_adds_shifts_and_variances() -> None:
    one, two = alignment(np.array([[0.5, 1.0], [-0.5, -1.0]])), alignment(np.array([[0.1, 0.0], [np.nan, np.nan]]))
    both = compose(one, one)
    np.testing.assert_allclose(both["shift"], 2 * one["shift"])
    np.testing.assert_allclose(both["shift_std"], np.sqrt(2) * one["shift_std"])
    lost = compose(one, two)
    assert lost["alignment_flag"].values.tolist() == [0, 64]
    assert np.isnan(lost["shift"][1]).all()
    np.testing.assert_allclose(compose(one)["shift"], one["shift"])


def test_energies_and_scans_are_composed() -> None:
    energies = register(frames(10 + waves((40, 40), np.array([[0.0, 0.0], [1.0, 0.0]])), energy=True))
    scans = alignment(np.array([[3.0, -2.0]]))
    both = compose(scans, energies)
    assert both["shift"].dims == ("time", "energy", "axis")
    np.testing.assert_allclose(both["shift"], energies["shift"] + scans["shift"])


def test_linear_parts_are_composed_to_first_order() -> None:
    stretch = np.array([[[1.01, 0.0], [0.0, 1.0]]])
    turned = np.array([[[1.0, 0.002], [-0.002, 1.0]]])
    parts = [alignment(np.zeros((1, 2)), affine=a) for a in (stretch, turned)] + [alignment(np.zeros((1, 2)))]
    np.testing.assert_allclose(compose(*parts)["affine"].values[0], [[1.01, 0.002], [-0.002, 1.0]])


def test_errors_of_linear_parts_add_in_quadrature_or_are_left_out() -> None:
    eye = np.eye(2)[None]
    std = np.array([[[3e-3, 1e-3], [0.0, 4e-3]]])
    known = alignment(np.zeros((1, 2)), affine=eye, affine_std=std)
    both = compose(known, known, alignment(np.zeros((1, 2))))
    np.testing.assert_allclose(both["affine_std"], np.sqrt(2) * std)
    assert "affine_std" not in compose(known, alignment(np.zeros((1, 2)), affine=eye))


def test_an_error_of_the_linear_part_grows_with_the_distance() -> None:
    shape, size, count = (30, 40), PIXEL[1:], 400
    std = np.array([[4e-3, 1e-3], [2e-3, 3e-3]])
    # The signal rises by 2 a pixel along y and falls by 3 along x: a spline follows that exactly.
    y, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    slope = frames((100 + 2.0 * y - 3.0 * x)[None], 0.5)
    plain = alignment(np.zeros((1, 2)), affine=np.eye(2)[None])
    known = alignment(np.zeros((1, 2)), affine=np.eye(2)[None], affine_std=(std * size[:, None] / size)[None])
    native, told = (resample(slope, one)["signal_std"].values[0] for one in (plain, known))
    drawn = np.eye(2) + std * np.random.default_rng(6).standard_normal((count, 2, 2))
    many = xr.concat([slope] * count, "time").assign_coords(time=("time", np.arange(count) * 60.0, slope["time"].attrs))
    moved = resample(many, alignment(np.zeros((count, 2)), affine=drawn * (size[:, None] / size)))["signal"].values
    seen = np.isfinite(moved).sum(axis=0) > 0.9 * count
    scatter = np.std(moved, axis=0, where=np.isfinite(moved))[seen]
    extra = np.sqrt(told**2 - native**2)[seen]
    # 400 draws tell a standard deviation to 3.5 %, and no pixel of a thousand is off by five times that.
    np.testing.assert_allclose(scatter, extra, rtol=0.18, atol=0.01)
    assert extra.max() > 5 * extra.min()


def test_alignments_of_different_frames_are_not_composed() -> None:
    with pytest.raises(AnalysisError, match="not of the same frames"):
        compose(alignment(np.zeros((2, 2))), alignment(np.zeros((3, 2))))
    with pytest.raises(AnalysisError, match="no alignments"):
        compose()
