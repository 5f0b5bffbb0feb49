"""Splines, coarse positions, pairs and graphs of pairs, against exact values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from frames.scene import waves
from lithiscope.frames.kernels.banded import mirrored, product, weighted_sum
from lithiscope.frames.kernels.coarse import coarse_shift, edge_spectrum, fast_length
from lithiscope.frames.kernels.gauss_newton import weighted_median
from lithiscope.frames.kernels.graph import Pairs, solve_positions
from lithiscope.frames.kernels.overlap import Fitting
from lithiscope.frames.kernels.pairs import fit_pairs, leakage
from lithiscope.frames.kernels.pictures import (
    each_filled,
    filled,
    inner_mean,
    local_mean,
    noise_variance,
    present_nearby,
)
from lithiscope.frames.kernels.splines import (
    AFTER,
    BEFORE,
    bspline,
    cardinal,
    coefficients,
    taps,
    translated,
    translated_windows,
    warped,
)
from lithiscope.frames.kernels.templates import Plane, Template, make_templates, noise_of, signal_pass

RNG = np.random.default_rng(3)


@given(st.integers(1, 6), st.floats(-4, 4))
def test_bsplines_are_even_and_a_partition_of_unity(order: int, at: float) -> None:
    position = at - np.arange(-8, 9)
    assert bspline(position, order).sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(bspline(position, order), bspline(-position, order), atol=1e-15)


def test_bspline_values_of_the_books() -> None:
    np.testing.assert_allclose(bspline(np.arange(-2.0, 3.0), 5) * 120, [1, 26, 66, 26, 1], rtol=1e-12)


@given(st.floats(0, 0.999), st.sampled_from([3, 5]))
def test_the_derivative_of_the_taps(fraction: float, order: int) -> None:
    _, slope = taps(fraction, order, derivative=True)
    step = 1e-6
    difference = (taps(fraction + step, order)[1] - taps(fraction - step, order)[1]) / (2 * step)
    np.testing.assert_allclose(slope, difference, atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 50), (30, 36), (16, 18, 20)])
def test_a_spline_runs_through_its_pixels_and_agrees_with_scipy(shape: tuple[int, ...]) -> None:
    picture = RNG.standard_normal(shape)
    coefficient = coefficients(picture, 5)
    box = tuple((5, n - 5) for n in shape)
    inner = tuple(slice(5, n - 5) for n in shape)
    np.testing.assert_allclose(translated(coefficient, np.zeros(len(shape)), box), picture[inner], atol=1e-12)
    shift = np.array([0.3, -1.7, 0.45])[: len(shape)]
    expected = ndimage.shift(picture, -shift, order=5, mode="reflect")[inner]
    np.testing.assert_allclose(translated(coefficient, shift, box), expected, atol=1e-10)
    at = np.stack(np.meshgrid(*[np.arange(5.0, n - 5) for n in shape], indexing="ij"))
    np.testing.assert_allclose(warped(coefficient, at + shift.reshape(-1, *[1] * len(shape))), expected, atol=1e-10)


@pytest.mark.parametrize("shape", [(40, 50), (16, 18, 20)])
def test_windows_move_each_by_its_own_shift(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    pictures, shift = rng.standard_normal((3, *shape)), rng.uniform(-1, 1, (3, len(shape)))
    shift[0] = (1.0, -1.0, 0.0)[: len(shape)]
    stacked = coefficients(pictures, 5, 0.8, stacked=True)
    box = tuple((BEFORE, n - AFTER) for n in shape)
    for picture, coefficient, own, found in zip(
        pictures, stacked, shift, translated_windows(stacked, shift), strict=True
    ):
        np.testing.assert_allclose(coefficient, coefficients(picture, 5, 0.8), atol=1e-12)
        np.testing.assert_allclose(found, translated(np.pad(coefficient, 1), own, _later(box)), atol=1e-12)


def _later(box: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple((low + 1, high + 1) for low, high in box)


def test_smoothing_is_that_of_a_gaussian() -> None:
    picture = RNG.standard_normal((64, 60))
    found = translated(coefficients(picture, 5, 1.5), np.zeros(2), ((6, 58), (6, 54)))
    # A sampled Gaussian of 1.5 px passes 2e-5 more or less than the continuous one.
    np.testing.assert_allclose(found, ndimage.gaussian_filter(picture, 1.5, truncate=8)[6:58, 6:54], atol=1e-4)


@given(st.floats(0, 1))
def test_the_cardinal_weights_are_those_of_the_interpolation(fraction: float) -> None:
    row = RNG.standard_normal(80)
    weights = cardinal(fraction)
    assert weights.sum() == pytest.approx(1.0, abs=1e-7)
    expected = ndimage.shift(row, -fraction, order=3, mode="reflect")[40]
    assert weights @ row[40 - 14 : 40 + 16] == pytest.approx(expected, abs=1e-7)
    np.testing.assert_allclose(cardinal(1 - fraction), weights[::-1], atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("length", [3, 48, 49, 130])
def test_running_sums_are_convolutions(length: int, axis: int) -> None:
    rng = np.random.default_rng(length)
    shape = [4, 5, 6]
    shape[axis] = length
    values = rng.standard_normal(shape)
    whole = rng.standard_normal(7)
    # A window wider than the picture meets the mirror more than once.
    expected = ndimage.correlate1d(values, whole, axis, mode="reflect")
    np.testing.assert_allclose(
        product(values, mirrored(length, tuple(whole), values.dtype), axis), expected, atol=1e-12
    )
    inside = weighted_sum(values, whole[:3], axis)
    cut = [slice(None)] * 3
    cut[axis] = slice(1, length - 1)
    np.testing.assert_allclose(inside, ndimage.correlate1d(values, whole[:3], axis)[tuple(cut)], atol=1e-12)


@pytest.mark.parametrize("axis", [1, 2])
def test_each_of_a_stack_has_its_own_weights(axis: int) -> None:
    rng = np.random.default_rng(5)
    values, weights = rng.standard_normal((3, 60, 61)), rng.standard_normal((3, 5))
    expected = [weighted_sum(one, weight, axis - 1) for one, weight in zip(values, weights, strict=True)]
    np.testing.assert_allclose(weighted_sum(values, weights, axis), expected, atol=1e-12)


def test_local_mean_is_a_box_applied_twice() -> None:
    picture = RNG.standard_normal((40, 50))
    box = np.ones(6) / 6
    window = np.convolve(box, box)
    expected = ndimage.correlate1d(ndimage.correlate1d(picture, window, 0, mode="reflect"), window, 1, mode="reflect")
    np.testing.assert_allclose(local_mean(picture[None], 2.5)[0], expected, atol=1e-12)
    np.testing.assert_allclose(inner_mean(picture[None], 2.5)[0], expected[5:-5, 5:-5], atol=1e-12)


def test_noise_after_smoothing_is_as_stated() -> None:
    noise = RNG.standard_normal((256, 256)).astype(np.float32)
    (template,) = make_templates(noise[None], None, None, 0.8, None)
    stated = noise_of(0.8, 2)
    # 65 000 pixels, correlated over about 8: a variance is known to 1.6 % (one sigma).
    assert template.planes[Plane.VALUE].var() == pytest.approx(stated.power, rel=0.05)
    assert template.planes[Plane.GRADIENT].var() == pytest.approx(stated.slope, rel=0.05)
    assert noise_variance(noise[None])[0] == pytest.approx(1.0, rel=0.05)
    assert stated.power == pytest.approx(1 / (4 * np.pi * 0.64), rel=0.01)


def test_holes_are_filled_with_the_nearest_value_and_kept_apart() -> None:
    picture = np.arange(100.0).reshape(10, 10)
    picture[3, 4] = np.nan
    whole, present = filled(picture)
    assert np.isfinite(whole).all()
    assert abs(whole[3, 4] - 34) <= 10
    near = present_nearby(np.stack([present, np.ones_like(present)]), 2)
    assert not near[0, 1:6, 2:7].any()
    assert near[0].sum() == 75
    assert near[1].all()
    np.testing.assert_array_equal(each_filled(np.stack([picture, whole]))[0], [whole, whole])


@given(st.tuples(st.integers(-20, 20), st.integers(-20, 20)))
def test_the_coarse_position_of_a_rolled_picture(shift: tuple[int, int]) -> None:
    picture = waves((64, 64), np.zeros(2), seed=5)[0] * np.hanning(64)[:, None] * np.hanning(64)
    moved = np.roll(picture, shift, (0, 1))
    found = coarse_shift(
        edge_spectrum(np.stack([picture, moved])), edge_spectrum(np.stack([moved, moved])), picture.shape
    )
    # The Hann window pulls a far peak towards the middle.
    np.testing.assert_allclose(found[1], 0, atol=1e-6)
    np.testing.assert_allclose(found[0], shift, atol=0.6 + 0.06 * np.max(np.abs(shift)))


def test_a_large_picture_is_binned() -> None:
    pictures = waves((150, 140), np.array([[0.0, 0.0], [6.4, -9.7]]), seed=1)
    one, two = edge_spectrum(pictures)
    np.testing.assert_allclose(coarse_shift(one[None], two[None], pictures.shape[1:]), [[6.4, -9.7]], atol=0.7)
    assert fast_length(181) == 180


def templates_of(pictures: np.ndarray, width: float | None) -> list[Template]:
    return make_templates(pictures.astype(np.float32), np.ones(pictures.shape, dtype=np.float32), None, 0.8, width)


def still(pairs: int, axes: int) -> np.ndarray:
    return np.tile(np.eye(axes), (pairs, 1, 1))


@pytest.mark.parametrize("width", [None, 2.5])
@pytest.mark.parametrize("shape", [(60, 60), (20, 30, 32)])
def test_a_pair_without_noise_is_exact(width: float | None, shape: tuple[int, ...]) -> None:
    axes = len(shape)
    shift = np.array([0.63, -1.28, 0.4])[:axes]
    pictures = 100 + 10 * waves(shape, np.stack([0 * shift, shift]))
    one, two = templates_of(pictures, width)
    fitting = Fitting(width, False, noise_of(0.8, axes), signal_pass(one, 0.8, width))
    fit = fit_pairs([one], [two], np.round(shift)[None], still(1, axes), fitting, plain=True)
    # The search stops after a step below 0.02 px, which leaves a few per cent of it.
    np.testing.assert_allclose(fit.shift[0], shift, atol=2e-3)
    # Without noise there is nothing that robust weights take out.
    np.testing.assert_allclose(fit.leakage[0], 0, atol=5e-3)
    assert fit.likeness[0] > 0.8
    assert fit.moving_share[0] == pytest.approx(0.5, abs=0.01)
    plain = templates_of(pictures, None)
    np.testing.assert_allclose(np.sign(leakage(*plain, Fitting(None, False, fitting.noise, 1.0))), np.sign(shift))


@pytest.mark.parametrize(("width", "affine"), [(None, False), (2.5, False), (2.5, True)])
def test_pairs_fitted_at_once_are_those_fitted_one_by_one(width: float | None, affine: bool) -> None:
    shifts = np.array([[0.0, 0.0], [0.4, -0.3], [-1.9, 2.2], [3.6, 0.1], [-12.3, 7.7]])
    pictures = 100 + 10 * waves((48, 52), shifts) + np.random.default_rng(6).standard_normal((5, 48, 52))
    # One that shares nothing, and one that has to leave its first box.
    frames = templates_of(pictures, width)
    one, two = [frames[0]] * 6, [*frames, frames[1]]
    start = np.concatenate([np.round(shifts), [[60.0, 0.0]]])
    start[3, 0] -= 2
    fitting = Fitting(width, affine, noise_of(0.8, 2), signal_pass(one[0], 0.8, width))
    found = fit_pairs(one, two, start, still(6, 2), fitting, plain=True)
    assert np.isnan(found.shift[5]).all()
    np.testing.assert_allclose(found.shift[:5], shifts, atol=0.1)
    for k in range(5):
        alone = fit_pairs([one[k]], [two[k]], start[k : k + 1], still(1, 2), fitting, plain=True)
        for both, own in zip(found, alone, strict=True):
            # float32, summed over boxes of different size.
            np.testing.assert_allclose(both[k], own[0], rtol=5e-3, atol=2e-4)


def test_a_narrow_overlap_is_fitted_without_its_rim() -> None:
    shift = np.array([20.3, 0.4])
    pictures = 100 + 10 * waves((40, 64), np.stack([0 * shift, shift]))
    one, two = templates_of(pictures, 2.5)
    fitting = Fitting(2.5, False, noise_of(0.8, 2), 1.0)
    # 12 rows are shared: the window of the gain reaches over 11.
    fit = fit_pairs([one, one], [two, one], np.array([[20.0, 0.0], [0.0, 0.0]]), still(2, 2), fitting)
    np.testing.assert_allclose(fit.shift, [shift, [0.0, 0.0]], atol=0.01)


def test_no_overlap_is_no_fit() -> None:
    pictures = waves((40, 40), np.zeros((1, 2))).astype(np.float32)
    fitting = Fitting(None, False, noise_of(0.8, 2), 1.0)
    (frame,) = templates_of(pictures, None)
    assert np.isnan(fit_pairs([frame], [frame], np.array([[35.0, 0.0]]), still(1, 2), fitting).shift).all()
    (nothing,) = make_templates(pictures, np.ones_like(pictures), np.zeros_like(pictures), 0.8, None)
    assert np.isnan(fit_pairs([frame], [nothing], np.zeros((1, 2)), still(1, 2), fitting).shift).all()


def graph_of(shift: np.ndarray, lags: tuple[int, ...] = (1, 3, 9)) -> Pairs:
    links = [(i, i + lag, lag) for lag in lags for i in range(len(shift) - lag)]
    first, second, lag = np.array(links).T
    eye = np.broadcast_to(np.eye(shift.shape[1]), (len(links), shift.shape[1], shift.shape[1]))
    return Pairs(first, second, lag, shift[second] - shift[first], eye.copy(), np.ones(len(lag)))


def test_positions_of_a_consistent_graph_are_exact() -> None:
    shift = RNG.standard_normal((30, 2)).cumsum(axis=0)
    found = solve_positions(graph_of(shift), 30)
    np.testing.assert_allclose(found.shift, shift - shift.mean(axis=0), atol=1e-9)
    assert np.abs(found.residual).max() < 1e-9


def test_wrong_pairs_are_outvoted() -> None:
    shift = RNG.standard_normal((30, 2)).cumsum(axis=0)
    pairs = graph_of(shift)
    pairs.shift[::15] += 5.0
    found = solve_positions(pairs, 30)
    np.testing.assert_allclose(found.shift, shift - shift.mean(axis=0), atol=0.02)


def test_the_variance_of_independent_pairs() -> None:
    sigma, frames = 0.1, 40
    errors, quoted = [], []
    for _ in range(60):
        pairs = graph_of(np.zeros((frames, 1)))
        pairs.shift[:] = sigma * RNG.standard_normal(pairs.shift.shape)
        found = solve_positions(pairs, frames)
        errors.append(np.mean(found.shift**2))
        quoted.append(np.mean(found.variance))
    # 60 graphs of 40 positions that hang together: 3 %; what Tukey's weights cost is not in the quoted value: 7 %.
    assert np.sqrt(np.mean(errors) / np.mean(quoted)) == pytest.approx(1.0, abs=0.15)


def test_frames_that_hang_on_nothing_have_no_position() -> None:
    pairs = graph_of(np.arange(5.0)[:, None], lags=(1,))
    found = solve_positions(pairs._replace(second=pairs.second, first=pairs.first), 7)
    assert np.isnan(found.shift[5:]).all()
    np.testing.assert_allclose(found.shift[:5, 0], np.arange(5.0) - 2, atol=1e-12)


def test_pairs_of_little_trust_move_little() -> None:
    shift = RNG.standard_normal((12, 2))
    pairs = graph_of(shift)
    long = pairs.lag == pairs.lag.max()
    # All pairs of the longest lag are wrong alike: among themselves they agree.
    wrong = pairs._replace(shift=pairs.shift + 0.5 * long[:, None])
    trusted, doubted = (
        solve_positions(one, 12).shift for one in (wrong, wrong._replace(trust=np.where(long, 1e-4, 1.0)))
    )
    truth = shift - shift.mean(axis=0)
    # A weight of 1e-4 beside at least one neighbour of weight 1.
    assert np.abs(doubted - truth).max() < 1e-3
    assert np.abs(trusted - truth).max() > 0.1


def test_affine_positions_compose() -> None:
    count = 8
    linear = np.eye(2) + 0.02 * RNG.standard_normal((count, 2, 2))
    shift = RNG.standard_normal((count, 2))
    links = [(i, j, j - i) for i in range(count) for j in (i + 1, i + 3) if j < count]
    between = [linear[j] @ np.linalg.inv(linear[i]) for i, j, _ in links]
    moved = [shift[j] - m @ shift[i] for (i, j, _), m in zip(links, between, strict=True)]
    first, second, lag = np.array(links).T
    found = solve_positions(Pairs(first, second, lag, np.array(moved), np.array(between), np.ones(len(lag))), count)
    again = np.array([found.linear[j] @ np.linalg.inv(found.linear[i]) for i, j, _ in links])
    np.testing.assert_allclose(again, between, atol=1e-5)
    assert np.abs(found.residual).max() < 1e-4
    assert found.linear_variance.shape == (count, 2, 2)
    assert found.linear_variance.max() < 1e-8


def test_disagreement_of_linear_parts_gives_their_variance() -> None:
    count, sigma = 200, 1e-3
    links = [(i, j, j - i) for i in range(count) for j in (i + 1, i + 3, i + 9) if j < count]
    first, second, lag = np.array(links).T
    between = np.eye(2) + sigma * RNG.standard_normal((len(links), 2, 2))
    found = solve_positions(Pairs(first, second, lag, np.zeros((len(links), 2)), between, np.ones(len(lag))), count)
    # Errors of the places of a chain are much alike nearby: some 20 free lengths of 4 numbers, 10 % of a deviation.
    quoted = np.sqrt(np.mean(found.linear_variance))
    assert np.sqrt(np.mean((found.linear - np.eye(2)) ** 2)) == pytest.approx(quoted, rel=0.3)
    assert (found.variance == 0).all()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), min_size=1, max_size=40))
def test_a_weighted_median_is_that_of_repeated_values(pairs: list[tuple[int, int]]) -> None:
    values, weights = np.array(pairs, dtype=float).T
    repeated = np.sort(np.repeat(values, weights.astype(int)))
    if repeated.size:
        assert weighted_median(values[None], weights[None])[0] == repeated[(repeated.size - 1) // 2]
