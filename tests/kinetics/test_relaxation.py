from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError
from lithiscope.kinetics.kernels.lines import decay, weighted_line
from lithiscope.kinetics.phases_options import RelaxationOptions
from lithiscope.kinetics.relaxation import relaxation
from truth import domain_truth

SHAPE = (24, 24)
MASK = np.zeros(SHAPE, dtype=bool)
MASK[2:22, 2:22] = True
LABELS = domain_truth.as_labels(MASK)
HOURS = np.concatenate([[0.0, 0.2], 0.2 + np.arange(1, 11) * 0.5])
DIRECTION = np.concatenate([[1, 1], np.zeros(10, int)])
SIGMA = 0.065
RIM = RelaxationOptions(rim=2 * domain_truth.PIXEL)


def video_of(x, seed=0, sigma=SIGMA, **kwargs):
    noisy = x + sigma * np.random.default_rng(seed).standard_normal(x.shape)
    half = np.where(DIRECTION == 0, -1, 0)
    return domain_truth.as_video(np.where(MASK, noisy, np.nan), sigma, MASK, 3600 * HOURS, half, DIRECTION, **kwargs)


def fading(rate, size=0.2):
    """Halves at 0.5 +- size, which fade as exp(-rate t)."""
    side = np.where(np.arange(24) < 12, 1.0, -1.0)
    return 0.5 + size * np.exp(-rate * (HOURS - 0.2))[:, None, None] * side * np.ones(SHAPE)


@pytest.mark.parametrize("rate", [0.3, -0.15])
def test_the_spread_fades_or_grows_at_its_rate(rate):
    """The variance goes twice as fast as the amplitude; 20 noisy copies, mean within 4 standard errors."""
    found = [relaxation(video_of(fading(rate, 0.15), seed), LABELS) for seed in range(20)]
    k = np.array([one["spread_rate"].values[0, 0] for one in found])
    std = np.mean([one["spread_rate_std"].values[0, 0] for one in found])
    assert k.mean() == pytest.approx(2 * rate, abs=4 * std / np.sqrt(20))
    # Scatter of 20 values is known to 16 %.
    assert k.std() == pytest.approx(std, rel=0.6)
    spread = found[0]["spread"].values[0]
    assert np.isnan(spread[:2]).all()
    assert spread[2] == pytest.approx(0.15 * np.exp(-rate * 0.5), abs=0.02)


def test_surface_phases_relax():
    depth = np.minimum.reduce([np.indices(SHAPE)[0] - 2, 21 - np.indices(SHAPE)[0]])
    depth = np.minimum.reduce([depth, np.indices(SHAPE)[1] - 2, 21 - np.indices(SHAPE)[1]])
    rim = np.where(depth < 2, 0.3, 0.0)
    x = 0.4 + np.exp(-0.5 * (HOURS - 0.2))[:, None, None] * rim
    table = relaxation(video_of(x), LABELS, options=RIM)
    # 144 rim and 256 inner pixels: 0.065 sqrt(1/144 + 1/256) = 0.0068.
    np.testing.assert_allclose(table["surface_excess_std"].values[0, 2:], 0.0068, rtol=0.01)
    expected = 0.3 * np.exp(-0.5 * (HOURS[2:] - 0.2))
    np.testing.assert_allclose(table["surface_excess"].values[0, 2:], expected, atol=4 * 0.0068)
    rate, std = float(table["surface_rate"][0, 0]), float(table["surface_rate_std"][0, 0])
    assert rate == pytest.approx(0.5, abs=4 * std)
    assert std < 0.05


def test_exchange_between_particles_is_found_and_idle_ones_do_nothing():
    label = np.where(MASK & (np.arange(24) < 12), 1, np.where(MASK, 2, 0))
    flow = 0.01 * (HOURS - 0.2)[:, None, None]
    x = 0.5 + np.where(label == 1, flow, -flow)
    labels = domain_truth.as_labels(label)
    table = relaxation(video_of(x), labels)
    rate, std = table["exchange_rate"].values[:, 0], table["exchange_rate_std"].values[:, 0]
    np.testing.assert_allclose(rate, [0.01, -0.01], atol=4 * std.max())
    assert float(table["exchange_p_value"][0]) < 1e-3
    assert float(table["exchanged"][0, 2]) == 0.0
    still = [relaxation(video_of(0 * x + 0.5, seed), labels)["exchange_p_value"].values[0] for seed in range(20)]
    assert np.mean(np.array(still) < 0.05) <= 0.25
    assert np.median(still) > 0.2


def test_an_error_common_to_the_frame_is_no_exchange():
    rng = np.random.default_rng(3)
    x = 0.5 + 0.02 * rng.standard_normal((12, 1, 1)) * np.ones(SHAPE)
    known = relaxation(video_of(x, lithium_fraction_frame_std=("time", np.full(12, 0.02))), LABELS)
    unknown = relaxation(video_of(x), LABELS)
    assert float(known["exchange_p_value"][0]) > 0.001 > float(unknown["exchange_p_value"][0])


def test_rates_need_frames_and_something_to_relax():
    flat = relaxation(video_of(np.full((12, *SHAPE), 0.5)), LABELS)
    assert int(flat["surface_rate_flag"][0, 0]) == 1 << 5
    short = relaxation(video_of(fading(0.3)).isel(time=slice(0, 4)), LABELS)
    assert int(short["spread_rate_flag"][0, 0]) == 1 << 5
    assert list(short["frame_count"].values) == [2]


def test_time_counts_from_the_last_frame_with_current():
    table = relaxation(video_of(fading(0.3)), LABELS)
    np.testing.assert_allclose(table["elapsed"].values[2:], 3600 * (HOURS[2:] - 0.2))
    assert np.isnan(table["elapsed"].values[:2]).all()
    alone = relaxation(video_of(fading(0.3)).isel(time=slice(2, None)), LABELS)
    assert float(alone["elapsed"][0]) == 0.0


def test_wrong_input_is_refused_one_by_one():
    video = video_of(fading(0.3))
    with pytest.raises(AnalysisError, match="no frame was taken at rest"):
        relaxation(video.isel(time=slice(0, 2)), LABELS)
    with pytest.raises(AnalysisError, match="no frame was taken at rest"):
        relaxation(video.drop_vars("direction"), LABELS)
    with pytest.raises(AnalysisError, match="told from noise"):
        relaxation(video.drop_vars("lithium_fraction_std"), LABELS)


def test_a_line_with_errors_and_a_decay_without_signal():
    rng = np.random.default_rng(0)
    t, std = np.linspace(0, 1, 9), np.full(9, 0.1)
    slopes = [weighted_line(t, 2 * t + 0.1 * rng.standard_normal(9), std).slope for _ in range(2000)]
    stated = weighted_line(t, t, std).slope_std
    # 2000 slopes: mean known to 2.2 %, scatter to 1.6 % of the stated error; four of these.
    assert np.mean(slopes) == pytest.approx(2.0, abs=4 * stated / np.sqrt(2000))
    assert np.std(slopes) == pytest.approx(stated, rel=0.064)
    assert np.isnan(weighted_line(np.zeros(3), np.ones(3), np.ones(3)).slope)
    assert np.isnan(decay(t, 0.01 * rng.standard_normal(9), std)[0])
