from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.kinetics.kernels.cuts import bilinear, sampled
from lithiscope.kinetics.line_cuts import line_cuts
from lithiscope.kinetics.line_cuts_options import Line, LineCutOptions
from truth import domain_truth

SHAPE = (20, 24)
PIXEL = domain_truth.PIXEL
WHOLE = np.ones(SHAPE, dtype=bool)


def video_of(x, sigma=0.05, **kwargs):
    frames = len(x)
    return domain_truth.as_video(
        x, sigma, WHOLE, np.arange(float(frames)), np.zeros(frames, int), np.ones(frames, int), **kwargs
    )


def along(start, end, **kwargs):
    return LineCutOptions(lines=(Line(name="a", start=start, end=end),), **kwargs)


def plane(frames=2):
    y, x = np.indices(SHAPE) * PIXEL
    return np.stack([0.2 + (frame + 1) * 0.1 * x + 0.3 * y for frame in range(frames)])


def test_a_plane_is_read_exactly_along_any_line():
    table = line_cuts(video_of(plane()), options=along((0.12, 0.08), (1.02, 0.77), width=0.1))
    x, y = table["position_x"].values, table["position_y"].values
    for frame in range(2):
        # The video stores float32.
        np.testing.assert_allclose(
            table["lithium_fraction"].values[frame], 0.2 + (frame + 1) * 0.1 * x + 0.3 * y, atol=1e-6
        )
    assert table["distance"].values[1] == pytest.approx(PIXEL)


def test_a_line_through_pixel_centres_reads_the_pixels_with_their_error():
    x = np.random.default_rng(0).uniform(size=(1, *SHAPE))
    table = line_cuts(video_of(x, 0.07), options=along((0.0, 5 * PIXEL), (23 * PIXEL, 5 * PIXEL)))
    np.testing.assert_allclose(table["lithium_fraction"].values[0], x[0, 5], atol=1e-6)
    np.testing.assert_allclose(table["lithium_fraction_std"].values, 0.07, rtol=1e-6)


def test_the_error_across_a_width_is_that_of_independent_pixels():
    """Scatter of 4000 noise frames against the stated error: known to 1/sqrt(8000) = 1.1 %, 4 sigma allowed."""
    rng = np.random.default_rng(1)
    x = 0.5 + 0.06 * rng.standard_normal((4000, *SHAPE))
    table = line_cuts(video_of(x, 0.06), options=along((0.2, 0.3), (0.9, 0.5), width=0.2, step=0.2))
    measured = table["lithium_fraction"].values.std(axis=0)
    np.testing.assert_allclose(measured, table["lithium_fraction_std"].values[0], rtol=0.045)


def test_resampled_pictures_use_the_noise_from_before():
    x = np.full((1, *SHAPE), 0.5)
    line = along((0.2, 0.3), (0.9, 0.3))
    plain, resampled = (line_cuts(video_of(x, 0.06, gain=gain), options=line) for gain in (1.0, 0.8))
    np.testing.assert_allclose(
        resampled["lithium_fraction_std"].values, plain["lithium_fraction_std"].values / 0.8, rtol=1e-6
    )


@given(st.integers(0, 2**32 - 1), st.floats(-2, 2), st.floats(0.1, 5))
def test_samples_follow_shift_and_scale(seed, shift, scale):
    rng = np.random.default_rng(seed)
    values, points = rng.normal(size=(3, 30)), rng.uniform(0, 4, size=(6, 2, 2))
    weights = bilinear(points, (5, 6))
    assert weights.weight.sum(axis=1) == pytest.approx(np.ones(6))
    one, spread, _ = sampled(values, np.ones((3, 30)), weights, 0.5)
    two, wider, _ = sampled(scale * values + shift, np.full((3, 30), scale**2), weights, 0.5)
    np.testing.assert_allclose(two, scale * one + shift, atol=1e-10)
    np.testing.assert_allclose(wider, scale**2 * spread)
    assert (spread <= 1 + 1e-12).all()


def test_lost_pixels_and_the_end_of_the_picture_are_flagged():
    x = np.full((2, *SHAPE), 0.5)
    x[1, 5, 10] = np.nan
    table = line_cuts(video_of(x), options=along((0.0, 5 * PIXEL), (30 * PIXEL, 5 * PIXEL)))
    flag = table["lithium_fraction_flag"].values
    assert (flag[:, 24:] == 2).all()
    assert flag[1, 10] == 1
    assert flag[0, 10] == 0
    assert np.isnan(table["lithium_fraction"].values[1, 10])


def test_a_mask_keeps_the_neighbour_out():
    x = np.full((1, *SHAPE), 0.2)
    x[:, :, 12:] = 0.9
    mask = domain_truth.as_labels(WHOLE & (np.arange(24) < 12)) > 0
    table = line_cuts(video_of(x), options=along((0.2, 0.3), (1.1, 0.31), width=0.15), mask=mask)
    values = table["lithium_fraction"].values[0]
    np.testing.assert_allclose(values[np.isfinite(values)], 0.2, atol=1e-6)


def test_several_lines_stand_one_after_the_other():
    lines = tuple(
        Line(name=name, start=(0.1, 0.1), end=(0.1 + length, 0.1)) for name, length in (("a", 0.2), ("b", 0.4))
    )
    table = line_cuts(video_of(plane()), options=LineCutOptions(lines=lines))
    assert [np.count_nonzero(table["line"].values == name) for name in "ab"] == [5, 9]


def test_a_video_without_error_bars_gives_cuts_without():
    table = line_cuts(video_of(plane(), None), options=along((0.1, 0.1), (0.5, 0.5)))
    assert "lithium_fraction_std" not in table


def test_wrong_input_is_refused_one_by_one():
    video = video_of(plane())
    with pytest.raises(OptionError, match="there is no line"):
        line_cuts(video, options=LineCutOptions())
    with pytest.raises(OptionError, match="outside the picture"):
        line_cuts(video, options=along((5.0, 5.0), (6.0, 5.0)))
    with pytest.raises(OptionError, match="starts where it ends"):
        Line(name="a", start=(0, 0), end=(0, 0))
    with pytest.raises(OptionError, match="cannot be used"):
        LineCutOptions(lines=(Line(name="a", start=(0, 0), end=(0, 1)), Line(name="a", start=(0, 0), end=(1, 1))))
    with pytest.raises(AnalysisError, match="need pictures"):
        line_cuts(video.drop_vars("lithium_fraction"), options=along((0, 0), (1, 1)))
