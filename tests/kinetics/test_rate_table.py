from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.kinetics import insertion_rate, rate_table, with_current_density, with_exchange_current
from lithiscope.kinetics.options import RateTableOptions
from truth import kinetics_truth as truth

SHAPE = (24, 50)
LABEL = np.zeros(SHAPE, dtype=int)
LABEL[2:22, 2:22] = 1  # 400 pixels
LABEL[7:17, 28:38] = 2  # 100 pixels
TIMES = np.array([0.0, 900.0, 1800.0])


def composed(rate=-0.4, sigma=0.06, rng=None, eta=0.06, eta_std=0.0, **more):
    x = 0.6 + rate * TIMES[:, None, None] / 3600 * np.ones((1, *SHAPE))
    x = np.where(LABEL > 0, x, np.nan)
    if rng is not None:
        x = x + sigma * rng.standard_normal(x.shape)
    video = truth.as_video(x, sigma, LABEL, TIMES, [0] * 3, [-1] * 3, **more)
    rates = with_current_density(insertion_rate(video))
    intervals = truth.as_intervals(TIMES, [0] * 3, [-1] * 3, [eta, eta], eta_std)
    return with_exchange_current(rates, intervals)


def test_means_with_their_errors():
    table = rate_table(composed(), truth.as_labels(LABEL), {1: "A", 2: "B"})
    assert list(table["particle"].values) == ["A", "B"]
    np.testing.assert_allclose(table["insertion_rate"].values, -0.4, rtol=1e-5)
    np.testing.assert_allclose(table["c_rate"].values, 0.4, rtol=1e-5)
    np.testing.assert_allclose(table["pixel_count"].values, [[400, 400], [100, 100]])
    std = 0.06 * np.sqrt(2) / 0.25 / np.sqrt([[400, 400], [100, 100]])
    np.testing.assert_allclose(table["insertion_rate_std"].values, std, rtol=1e-5)
    # PHYSICS 2: 0.0461 A/m2 at 1C and 150 nm; linear law at 60 mV
    np.testing.assert_allclose(table["current_density"].values, 0.4 * 0.0461, rtol=2e-3)
    np.testing.assert_allclose(table["exchange_current_density"].values, 0.4 * 0.0461 * 25.69 / 60, rtol=2e-3)
    np.testing.assert_allclose(table["thickness"].values, 150.0)
    np.testing.assert_allclose(table["applied_c_rate"].values, 0.3)


def test_the_range_of_1c_makes_the_c_rate():
    rates = composed().assign_attrs(range_of_1c=0.5)
    np.testing.assert_allclose(rate_table(rates, truth.as_labels(LABEL))["c_rate"].values, 0.8, rtol=1e-5)


def test_error_bars_cover_before_and_after_resampling():
    """200 tables, 2 intervals, 2 particles: 800 values; sharing a frame leaves about 600 effective ones, 0.9 %."""
    z = []
    for seed in range(200):
        # Noise that resampling lowered to 0.8 over the picture, but not in the mean.
        noisy = composed(rng=np.random.default_rng(seed), sigma=0.06)
        table = rate_table(noisy, truth.as_labels(LABEL))
        for name, value in (("insertion_rate", -0.4), ("exchange_current_density", 0.4 * 0.046088 * 25.6926 / 60)):
            z.append((table[name].values - value) / table[f"{name}_std"].values)
    z = np.array(z).reshape(100 * 2, 2, -1)
    for share in (np.mean(np.abs(z[:, 0]) < 1.96), np.mean(np.abs(z[:, 1]) < 1.96)):
        assert share == pytest.approx(0.95, abs=0.027)
    careless = rate_table(composed(gain=0.8, sigma=0.048), truth.as_labels(LABEL))
    honest = rate_table(composed(), truth.as_labels(LABEL))
    np.testing.assert_allclose(careless["insertion_rate_std"].values, honest["insertion_rate_std"].values, rtol=1e-5)


def test_lims_error_bar_stands_beside_the_propagated_one():
    """Where pixels differ by noise alone, their spread says the same: 1/sqrt(800) = 3.5 %, four of them."""
    table = rate_table(composed(rng=np.random.default_rng(1)), truth.as_labels(LABEL))
    ratio = table["exchange_current_density_standard_error"] / table["exchange_current_density_std"]
    np.testing.assert_allclose(ratio.values[0], 1.0, atol=0.14)


def test_what_all_pixels_share():
    table = rate_table(composed(frame_std=0.01, eta_std=0.006), truth.as_labels(LABEL))
    j, j0 = table["current_density"].values, table["exchange_current_density"].values
    frames = 0.01 * np.sqrt(2) / 0.25 / 0.4
    np.testing.assert_allclose(table["insertion_rate_frame_std"].values, 0.4 * frames, rtol=1e-5)
    np.testing.assert_allclose(table["current_density_frame_std"].values, j * frames, rtol=1e-4)
    np.testing.assert_allclose(
        table["exchange_current_density_frame_std"].values, j0 * np.hypot(frames, 0.1), rtol=1e-4
    )


def test_shifts_are_means_over_pixels():
    table = rate_table(composed(), truth.as_labels(LABEL))
    shift = table["exchange_current_density_shift"].sel(systematic="inactive_face").values
    np.testing.assert_allclose(shift, table["exchange_current_density"].values, rtol=1e-5)
    c_rate = table["c_rate_shift"].sel(systematic="inactive_face").values if "c_rate_shift" in table else 0.0
    assert not np.any(c_rate)


def test_regions_make_rows_of_their_own():
    fast = np.zeros(SHAPE, dtype=bool)
    fast[2:12] = True
    left = np.zeros(SHAPE, dtype=bool)
    left[:, :22] = True
    regions = {"fast": truth.as_mask(fast), "left": truth.as_mask(left)}
    table = rate_table(composed(), truth.as_labels(LABEL), regions=regions)
    assert list(table["particle"].values) == ["p01", "p02", "p01 fast", "p02 fast", "p01 left"]
    assert list(table["of"].values) == ["p01", "p02", "p01", "p02", "p01"]
    assert list(table["region"].values) == ["all", "all", "fast", "fast", "left"]
    np.testing.assert_array_equal(table["pixel_count"].values[:, 0], [400, 100, 200, 50, 400])


def test_a_region_with_too_few_values_has_none():
    rates = composed()
    rates["insertion_rate"].values[0, 7:14, 28:38] = np.nan
    rates["insertion_rate_flag"].values[0, 7:14, 28:38] = stages.flag_bit("outside_view")
    rates["insertion_rate_flag"].values[1, 2:6, 2:22] = stages.flag_bit("few_counts")
    table = rate_table(rates, truth.as_labels(LABEL))
    assert np.isnan(table["insertion_rate"].values[1, 0])
    assert table["insertion_rate_flag"].values[1, 0] == stages.flag_bit("outside_view")
    assert np.isfinite(table["exchange_current_density"].values[1, 0])
    assert table["insertion_rate_flag"].values[0, 1] == stages.flag_bit("few_counts")
    kept = rate_table(rates, truth.as_labels(LABEL), options=RateTableOptions(min_valid_share=0.2))
    assert float(kept["insertion_rate"][1, 0]) == pytest.approx(-0.4, rel=1e-5)
    assert int(kept["pixel_count"][1, 0]) == 30


def test_weight_by_thickness():
    rates = composed()
    half = np.zeros(SHAPE, dtype=bool)
    half[:, :12] = True
    rates["insertion_rate"].values[:, half] = -0.1
    rates["thickness"].values[half] = 50.0
    plain = rate_table(rates, truth.as_labels(LABEL))
    weighted = rate_table(rates, truth.as_labels(LABEL), options=RateTableOptions(weight="thickness"))
    assert float(plain["insertion_rate"][0, 0]) == pytest.approx(-0.25, rel=1e-5)
    assert float(weighted["insertion_rate"][0, 0]) == pytest.approx(-(0.1 * 50 + 0.4 * 150) / 200, rel=1e-5)


def test_bad_input_gives_one_clear_error():
    rates = composed()
    with pytest.raises(StageError, match="no particle to take means over"):
        rate_table(rates)
    with pytest.raises(StageError, match="labels and video differ"):
        rate_table(rates, truth.as_labels(LABEL[:-1]))
    with pytest.raises(StageError, match="has no name"):
        rate_table(rates, truth.as_labels(LABEL), {1: "A"})
    with pytest.raises(StageError, match="no mask on these pixels"):
        rate_table(rates, truth.as_labels(LABEL), regions={"fast": truth.as_labels(LABEL)})
