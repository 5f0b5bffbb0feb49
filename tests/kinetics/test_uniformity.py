from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError, StageError
from lithiscope.kinetics.kernels.uniformity import as_it_appears, fit_binary_share, frame_moments, uniformity_of
from lithiscope.kinetics.rate_groups import by_rate
from lithiscope.kinetics.uniformity import uniformity
from lithiscope.kinetics.uniformity_options import RateGroupOptions, UniformityOptions
from truth import domain_truth

MASK = domain_truth.platelet()
LABELS = domain_truth.as_labels(MASK)
SEEDS = st.integers(0, 2**32 - 1)


def one_half_cycle(x, sigma, direction=1, **kwargs):
    frames = len(x)
    hours = np.linspace(0.0, 1.0, frames)
    x = np.where(MASK, x, np.nan)
    return domain_truth.as_video(
        x, sigma, MASK, 3600 * hours, np.zeros(frames, int), np.full(frames, direction), **kwargs
    )


def noise_free(truth, video):
    coords = (video[name].values for name in ("time", "half_cycle", "direction"))
    free = domain_truth.as_video(truth["x"], 1e-9, truth["mask"], *coords)
    return uniformity(free, LABELS)["uniformity"].values[0]


def moments_of(x, sigma=0.0):
    return frame_moments(x, np.full(x.shape, sigma**2), np.ones(len(x)))


def test_binary_pixels_have_zero_and_equal_pixels_one():
    share = np.linspace(0.1, 0.9, 9)
    binary = np.stack([np.arange(1000) < 1000 * one for one in share]).astype(float)
    equal = np.repeat(share[:, None], 1000, axis=1)
    for x, expected in ((binary, 0.0), (equal, 1.0)):
        found = fit_binary_share(moments_of(x), np.zeros(9), known_noise=True)
        assert uniformity_of(found.q, 0.0)[0] == pytest.approx(expected, abs=1e-6)
        assert as_it_appears(moments_of(x)) == pytest.approx(expected, abs=1e-6)


@given(st.floats(0.05, 0.95), SEEDS)
def test_a_spread_between_the_limits_gives_its_coefficient_back(u, seed):
    """x = m +- (1-U) sqrt(m(1-m)) for equal numbers of pixels has exactly that standard deviation."""
    m = np.linspace(0.2, 0.8, 7)[:, None]
    sign = np.random.default_rng(seed).permutation(np.repeat([-1.0, 1.0], 50))
    x = m + sign * (1 - u) * np.sqrt(m * (1 - m))
    found = fit_binary_share(moments_of(x), np.zeros(7), known_noise=True)
    assert 1 - np.sqrt(found.q) == pytest.approx(u, abs=1e-9)
    fitted = fit_binary_share(moments_of(x), np.zeros(7), known_noise=False)
    assert fitted.q == pytest.approx((1 - u) ** 2, abs=1e-9)
    assert fitted.noise == pytest.approx(0.0, abs=1e-9)
    assert as_it_appears(moments_of(x)) == pytest.approx(u, abs=1e-9)


@given(SEEDS)
def test_lithium_and_vacancies_are_alike(seed):
    x = np.random.default_rng(seed).uniform(size=(5, 60))
    one, two = (fit_binary_share(moments_of(v, 0.05), np.zeros(5), known_noise=True) for v in (x, 1 - x))
    assert one.q == pytest.approx(two.q)
    assert one.q_variance == pytest.approx(two.q_variance)


@given(SEEDS)
def test_the_order_of_pixels_and_gaps_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(4, 50))
    gaps = np.concatenate([x, np.full((4, 10), np.nan)], axis=1)[:, rng.permutation(60)]
    np.testing.assert_allclose(moments_of(gaps, 0.05).spread, moments_of(x, 0.05).spread)
    np.testing.assert_allclose(moments_of(gaps, 0.05).spread_variance, moments_of(x, 0.05).spread_variance)


def test_noise_of_006_caps_the_uncorrected_coefficient_at_088():
    """[L]: a uniform particle at m = 0.5 has sigma / sqrt(m(1-m)) = 0.12; corrected it is 1 within its error."""
    rng = np.random.default_rng(0)
    video = one_half_cycle(0.5 + 0.06 * rng.standard_normal((12, *MASK.shape)), 0.06)
    table = uniformity(video, LABELS)
    # Standard deviation of 12 x 480 pixels is known to 1 %, so 0.12 to 0.0011.
    assert float(table["uncorrected"][0, 0]) == pytest.approx(0.88, abs=0.004)
    found, std = float(table["uniformity"][0, 0]), float(table["uniformity_std"][0, 0])
    assert 1 - found <= 3 * std
    assert float(table["noise"][0, 0]) == pytest.approx(0.06, rel=0.01)


@pytest.mark.parametrize("ratio", [1.3, 2.0, 3.0])
def test_noise_moves_the_coefficient_by_less_than_002(ratio):
    """Virtual experiment of [L]: sigma 0.065, 7 frames a half cycle, both directions."""
    for seed in range(6):
        video, labels, truth = domain_truth.experiment(frames=7, ratio=ratio, spread=0.05, seed=seed)
        table = uniformity(video, labels)
        np.testing.assert_allclose(table["uniformity"].values[0], noise_free(truth, video), atol=0.02)


def test_error_bars_cover_the_noise_free_coefficient():
    """300 noisy copies of one composition, both directions: binomial limits of four standard deviations."""
    video, labels, truth = domain_truth.experiment(frames=7, ratio=1.5, seed=0)
    free, rng = noise_free(truth, video), np.random.default_rng(1)
    z = []
    for _ in range(300):
        video["lithium_fraction"].values[:] = truth["x"] + 0.065 * rng.standard_normal(truth["x"].shape)
        table = uniformity(video, labels)
        z.append((table["uniformity"].values[0] - free) / table["uniformity_std"].values[0])
    for sigmas, share in ((1, 0.6827), (1.96, 0.95)):
        allowed = 4 * np.sqrt(share * (1 - share) / np.size(z))
        assert np.mean(np.abs(z) < sigmas) == pytest.approx(share, abs=allowed)


def test_sigma_after_resampling_is_what_is_taken_out():
    from scipy.ndimage import shift

    rng = np.random.default_rng(2)
    white = rng.standard_normal((40, *MASK.shape))
    noise = np.stack([shift(one, (0.5, 0.5), order=3, mode="mirror") for one in white])
    gain = noise[:, 4:-4, 4:-4].std()
    assert gain < 0.85
    half = np.where(np.arange(MASK.shape[1]) < 13, 0.1, -0.1)
    video = one_half_cycle(0.5 + half + 0.065 * noise, 0.065 * gain, gain=gain)
    # (1-U)^2 = 0.01/0.25.
    assert float(uniformity(video, LABELS)["uniformity"][0, 0]) == pytest.approx(0.8, abs=0.01)


def test_an_error_common_to_the_frame_widens_the_error_bar():
    truth = domain_truth.experiment(frames=7)[2]["x"][:7]
    alone = uniformity(one_half_cycle(truth, 0.065), LABELS)
    shaken = uniformity(one_half_cycle(truth, 0.065, lithium_fraction_frame_std=("time", np.full(7, 0.05))), LABELS)
    assert float(shaken["uniformity_std"][0, 0]) > float(alone["uniformity_std"][0, 0])


def test_delithiation_is_less_uniform_than_lithiation_by_itself():
    """[L] Fig. 3E: the same rate constants give a lower coefficient on delithiation, far beyond the error."""
    rates = {0: 0.6, 1: 0.6}
    tables = []
    for seed in range(4):
        video, labels, _ = domain_truth.experiment(frames=9, ratio=1.5, spread=0.2, seed=seed)
        tables.append(uniformity(video, labels, {1: f"p{seed}"}, applied_c_rate=rates))
    import xarray as xr

    pooled = by_rate(xr.concat(tables, "particle", combine_attrs="override"))
    lithiation, delithiation = pooled["value"].values
    assert list(pooled["direction"].values) == [1, -1]
    assert list(pooled["particle_count"].values) == [4, 4]
    assert lithiation - delithiation > 5 * np.hypot(*pooled["value_std"].values)


def test_fitted_noise_finds_both_where_the_model_holds():
    """(1-U)^2 = 0.16 exactly in every frame; the fitted noise is known to a few per cent."""
    rng = np.random.default_rng(4)
    m = np.linspace(0.02, 0.98, 25)[:, None, None]
    sign = np.where(np.indices(MASK.shape).sum(axis=0) % 2, 1.0, -1.0)
    x = m + sign * 0.4 * np.sqrt(m * (1 - m)) + 0.065 * rng.standard_normal((25, *MASK.shape))
    table = uniformity(one_half_cycle(x, 0.5), LABELS, options=UniformityOptions(noise="fitted"))
    assert float(table["uniformity"][0, 0]) == pytest.approx(0.6, abs=0.01)
    assert float(table["noise"][0, 0]) == pytest.approx(0.065, rel=0.1)


def test_without_error_bars_the_noise_is_fitted_with_a_warning():
    truth = domain_truth.experiment(frames=7)[2]["x"][:7]
    with pytest.warns(LithiscopeWarning, match="noise is fitted"):
        uniformity(one_half_cycle(truth, None), LABELS)


def test_c_rate_of_the_particle_and_its_range():
    x = np.linspace(0.2, 0.8, 4)[:, None, None] * np.ones(MASK.shape)
    table = uniformity(one_half_cycle(x, 0.05), LABELS, options=UniformityOptions(range_of_1c=0.5))
    assert float(table["c_rate"][0, 0]) == pytest.approx(1.2, rel=1e-6)


def test_too_few_frames_and_no_values_are_flagged():
    x = np.linspace(0.2, 0.8, 4)[:, None, None] * np.ones(MASK.shape)
    few = uniformity(one_half_cycle(x[:2], 0.05), LABELS)
    assert np.isnan(few["uniformity"].values).all()
    assert int(few["uniformity_flag"][0, 0]) == 1 << 5
    none = uniformity(one_half_cycle(x * np.nan, 0.05), LABELS)
    assert int(none["uniformity_flag"][0, 0]) == 1
    ends = uniformity(one_half_cycle(0 * x, 0.05), LABELS)
    assert int(ends["uniformity_flag"][0, 0]) == 1 << 5


def test_wrong_input_is_refused_one_by_one():
    x = np.linspace(0.2, 0.8, 4)[:, None, None] * np.ones(MASK.shape)
    video = one_half_cycle(x, 0.05)
    with pytest.raises(StageError, match="labels and video differ"):
        uniformity(video, LABELS.isel(y=slice(2, None)))
    table = uniformity(video, LABELS)
    with pytest.raises(OptionError, match="all different"):
        by_rate(table)
    with pytest.raises(OptionError, match="do not ascend"):
        by_rate(table, options=RateGroupOptions(edges=(1.0, 0.5)))
    with pytest.raises(AnalysisError, match="nothing to average"):
        by_rate(table, "diversity")
    with pytest.raises(AnalysisError, match="no C-rate"):
        by_rate(table.drop_vars("c_rate"))
    with pytest.raises(StageError, match="expected stage"):
        by_rate(video)


def test_groups_by_edges_and_one_particle_has_no_standard_error():
    x = np.linspace(0.2, 0.8, 4)[:, None, None] * np.ones(MASK.shape)
    pooled = by_rate(uniformity(one_half_cycle(x, 0.05), LABELS), options=RateGroupOptions(edges=(0.3, 1.0)))
    assert list(pooled["group"].values) == ["0.6C lithiation"]
    assert np.isnan(pooled["value_std"].values).all()
