from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.kinetics.kernels.unfolding import response, same_pixels_again, shares_between, unfold
from lithiscope.kinetics.phases_options import PhaseOptions
from lithiscope.kinetics.solid_solution import solid_solution_fraction
from truth import domain_truth

MASK = np.ones((20, 25), dtype=bool)
LABELS = domain_truth.as_labels(MASK)
SIGMA = 0.065


def noisy(x, frames, seed, sigma=SIGMA):
    """The same compositions (pixels,) in new noise in every frame."""
    x = np.broadcast_to(np.asarray(x, dtype=float).reshape(MASK.shape), (frames, *MASK.shape))
    measured = x + sigma * np.random.default_rng(seed).standard_normal(x.shape)
    zeros = np.zeros(frames, int)
    return domain_truth.as_video(measured, sigma, MASK, np.arange(float(frames)), zeros - 1, zeros)


COMPOSITIONS = {
    "binary": np.arange(500) < 200,
    "two inside": np.where(np.arange(500) < 250, 0.2, 0.8),
    "three": np.array([0.1, 0.5, 0.95])[np.arange(500) % 3],
    "even": np.linspace(0, 1, 500),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_share_is_found_behind_the_noise(name):
    """Sigma 0.065, 500 pixels, 40 noisy pictures: the mean within 0.015, and 95 % bars cover (binomial, 4 sigma)."""
    x = np.asarray(COMPOSITIONS[name], dtype=float)
    truth = np.mean((x >= 0.15) & (x <= 0.85))
    table = solid_solution_fraction(noisy(x, 40, seed=1), LABELS)
    found, std = (table[f"solid_solution_fraction{kind}"].values[0] for kind in ("", "_std"))
    assert found.mean() == pytest.approx(truth, abs=0.015)
    covered = np.mean(np.abs(found - truth) < 1.96 * std + 1e-9)
    assert covered >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 40)
    total = sum(table[f"{part}_fraction"].values for part in ("solid_solution", "rich", "poor"))
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_the_raw_share_is_off_where_the_corrected_is_not():
    """Of pixels at 0.2 and 0.8, Phi(-0.05/0.065) = 22.1 % leave the range by noise (and hardly any by the far side)."""
    table = solid_solution_fraction(noisy(COMPOSITIONS["two inside"], 20, seed=2), LABELS)
    assert table["solid_solution_raw"].values.mean() == pytest.approx(1 - 0.221, abs=0.02)
    assert table["solid_solution_fraction"].values.mean() > 0.97


def test_separation_is_one_for_binary_and_zero_for_uniform():
    """Variance of 500 pixels with sigma 0.065 over m(1-m): 0.0042 sqrt(2/500)/0.24 = 0.0011 per frame, times 4."""
    binary = solid_solution_fraction(noisy(COMPOSITIONS["binary"], 5, seed=3), LABELS)
    np.testing.assert_allclose(binary["separation"].values, 1.0, atol=4 * binary["separation_std"].values.max())
    uniform = solid_solution_fraction(noisy(np.full(500, 0.5), 5, seed=3), LABELS)
    np.testing.assert_allclose(uniform["separation"].values, 0.0, atol=0.005)
    full = solid_solution_fraction(noisy(np.full(500, 0.999), 2, seed=3), LABELS)
    assert (full["separation_flag"].values == 1 << 5).all()
    assert full["rich_fraction"].values.min() > 0.99


@given(st.integers(0, 2**32 - 1))
def test_unfolding_keeps_shares_positive_and_their_sum_one(seed):
    rng = np.random.default_rng(seed)
    known = response(rng.uniform(0.03, 0.1, 40))
    np.testing.assert_allclose(known.matrix.sum(axis=0), 1.0)
    counts = rng.poisson(3.0, size=(2, known.matrix.shape[0])).astype(float) + 0.1
    share = unfold(counts, known, 30)
    assert (share >= 0).all()
    np.testing.assert_allclose(share.sum(axis=1), 1.0)
    np.testing.assert_allclose(shares_between(share, known.grid, (0.15, 0.85)).sum(axis=1), 1.0)
    np.testing.assert_allclose(unfold(7 * counts, known, 30), share)


def test_unfolding_looks_alike_from_lithium_and_from_vacancies():
    known = response(np.full(10, 0.065))
    counts = np.random.default_rng(0).poisson(20.0, size=(1, known.matrix.shape[0])).astype(float)
    one, two = unfold(counts, known, 50), unfold(counts[:, ::-1].copy(), known, 50)
    np.testing.assert_allclose(one, two[:, ::-1], atol=1e-9)


def test_simulated_histograms_have_all_pixels():
    known = response(np.full(10, 0.065))
    share = np.linspace(1, 3, len(known.grid))
    again = same_pixels_again(share, 333, known, 7, np.random.default_rng(0))
    np.testing.assert_array_equal(again.sum(axis=1), 333)


def test_few_pixels_are_missing_and_wrong_input_is_refused():
    video = noisy(np.full(500, 0.5), 2, seed=0)
    video["lithium_fraction"].values[1, 1:] = np.nan
    table = solid_solution_fraction(video, LABELS, options=PhaseOptions(min_pixels=30))
    assert int(table["solid_solution_fraction_flag"][0, 1]) == 1
    assert np.isfinite(table["solid_solution_fraction"].values[0, 0])
    with pytest.raises(AnalysisError, match="noise cannot be unfolded"):
        solid_solution_fraction(video.drop_vars("lithium_fraction_std"), LABELS)
    with pytest.raises(OptionError, match="cannot be used"):
        PhaseOptions(lower=0.9, upper=0.2)
