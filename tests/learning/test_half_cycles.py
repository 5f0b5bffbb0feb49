"""Half cycles cut out of videos."""

from __future__ import annotations

import numpy as np
import pytest

from learning.scenes import ellipse, video_of
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.learning.cases import Priors
from lithiscope.learning.half_cycles import expected_std, half_cycles
from lithiscope.learning.options import LearnOptions
from lithiscope.learning.setup import setup_of, windows_of

MASK = np.pad(ellipse(8, 6), ((2, 1), (1, 3)))


def _video(**more: object) -> object:
    rng = np.random.default_rng(0)
    half = np.array([-1, 0, 0, 0, -1, 1, 1, 1, 1])
    x = rng.uniform(0.1, 0.9, (9, *MASK.shape))
    return video_of(x, MASK, 100.0 + 60.0 * np.arange(9), half, **more)


def test_frames_of_each_half_cycle_in_a_box_around_the_particle() -> None:
    video = _video()
    first, second = half_cycles([video])  # type: ignore[list-item]
    assert first.frames.tolist() == [1, 2, 3]
    assert second.frames.tolist() == [5, 6, 7, 8]
    assert (first.direction, second.direction) == (1, -1)
    assert first.seconds.tolist() == [0.0, 60.0, 120.0]
    assert first.corner == (2, 1)
    assert first.mask.shape == (8, 6)
    assert first.spacing == pytest.approx((50.0, 50.0))
    inside = video["lithium_fraction"].values[1, 2:10, 1:7][first.mask]  # type: ignore[index]
    assert np.allclose(first.x[0][first.mask], inside)
    assert np.allclose(first.weight[0][first.mask], 20.0)


def test_unknown_and_flagged_pixels_get_no_weight() -> None:
    video = _video().copy(deep=True)  # type: ignore[attr-defined]
    row, column = np.argwhere(MASK)[5]
    video["lithium_fraction"][2, row, column] = np.nan
    cut = half_cycles([video])[0]
    assert cut.weight[1, row - 2, column - 1] == 0.0
    assert np.isfinite(cut.x).all()
    assert (cut.weight[0] > 0).sum() == MASK.sum()


def test_a_standard_deviation_of_zero_is_refused() -> None:
    video = _video().copy(deep=True)  # type: ignore[attr-defined]
    row, column = np.argwhere(MASK)[0]
    video["lithium_fraction_std"][1, row, column] = 0.0
    with pytest.raises(AnalysisError, match="not positive"):
        half_cycles([video])


@pytest.mark.parametrize("name", ["lithium_fraction_std", "half_cycle"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(AnalysisError, match=name):
        half_cycles([_video().drop_vars(name)])  # type: ignore[attr-defined]


def test_a_half_cycle_with_too_few_frames_is_left_out_and_said() -> None:
    video = _video().isel(time=[0, 1, 2, 5, 6, 7, 8])  # type: ignore[attr-defined]
    with pytest.warns(LithiscopeWarning, match="2 frames"):
        cuts = half_cycles([video])
    assert [cut.number for cut in cuts] == [1]


def test_videos_of_different_pixels_are_refused() -> None:
    other = _video().assign_coords(x=0.1 * np.arange(MASK.shape[1]))  # type: ignore[attr-defined]
    with pytest.raises(AnalysisError, match="pixels of different size"):
        half_cycles([_video(), other])  # type: ignore[list-item]


def test_windows_share_the_frames_at_their_seams() -> None:
    cut = half_cycles([_video()])[1]  # type: ignore[list-item]
    first, second, third = cut.windows(3)
    assert second.seconds.tolist() == [0.0, 60.0]
    assert second.frames.tolist() == [6, 7]
    # Each datum counts once in all.
    total = sum((one.weight**2).sum() for one in (first, second, third))
    assert total == pytest.approx((cut.weight**2).sum())


def test_windows_begin_at_frames_with_pixels() -> None:
    volts = np.linspace(3.3, 3.5, 9)
    video = _video().assign(voltage_volt=("time", volts), voltage_volt_std=("time", np.full(9, 0.002)))  # type: ignore[attr-defined]
    video["lithium_fraction"][6] = np.nan
    _, second = half_cycles([video])
    assert not second.weight[1].any()  # its voltage is known, so that it stays
    assert [part.frames.tolist() for part in second.windows(3)] == [[5, 6, 7], [7, 8]]
    assert [part.frames.tolist() for part in second.windows(1)] == [[5, 6, 7, 8]]


def test_a_stretch_whose_first_frame_has_no_pixels_begins_at_its_mean_composition() -> None:
    video = _video().assign(  # type: ignore[attr-defined]
        mean_lithium_fraction=("time", np.linspace(0.3, 0.7, 9)),
        mean_lithium_fraction_std=("time", np.full(9, 0.01)),
    )
    video["lithium_fraction"][5] = np.nan
    options = LearnOptions(thickness=150.0)
    setup = setup_of([video], half_cycles([video]), options)
    particle = windows_of(setup, Priors(0.5, 200.0), 0)
    cuts = [part for cut in setup.groups[0] for part in cut.windows(len(cut.seconds) - 1)]
    blind = [case for case, cut in zip(particle.cases, cuts, strict=True) if not (cut.weight[0] > 0).any()]
    (middle,) = (np.asarray(case.middle) for case in blind)
    inside = setup.groups[0][0].mask.ravel()
    assert np.allclose(1 / (1 + np.exp(-middle[inside])), video["mean_lithium_fraction"].values[5])


def test_voltages_go_with_their_frames_and_unknown_ones_have_no_weight() -> None:
    volts = np.linspace(3.3, 3.5, 9)
    volts[6] = np.nan
    video = _video().assign(voltage_volt=("time", volts), voltage_volt_std=("time", np.full(9, 0.002)))  # type: ignore[attr-defined]
    _, second = half_cycles([video])
    assert second.volts.tolist() == [volts[5], 0.0, volts[7], volts[8]]
    assert second.volt_weight == pytest.approx([500.0, 0.0, 500.0, 500.0])
    middle = second.windows(3)[1]
    assert middle.volts.tolist() == [0.0, volts[7]]
    assert middle.volt_weight == pytest.approx([0.0, 500.0 * np.sqrt(0.5)])
    negative = video.assign(voltage_volt_std=("time", np.full(9, -0.002)))
    with pytest.raises(AnalysisError, match="voltage_volt_std"):
        half_cycles([negative])


def test_without_voltage_nothing_is_compared() -> None:
    assert all(not cut.volt_weight.any() for cut in half_cycles([_video()]))  # type: ignore[list-item]


def test_weights_know_nothing_of_the_noise_of_their_pixel() -> None:
    rng = np.random.default_rng(0)
    sigma = 0.06 * np.linspace(1, 1.3, 9)[:, None, None] * rng.uniform(0.8, 1.2, (12, 10))
    noise = sigma * rng.standard_normal(sigma.shape)
    told = sigma * np.exp(-2 * noise)  # a larger x seems better known
    expected = expected_std(told, 0.5 + noise)
    means = [np.sum(noise / std**2) / np.sum(1 / std**2) for std in (told, expected)]
    assert means[0] > 0.012
    # 1080 pixels know a mean to 0.002.
    assert abs(means[1]) < 0.006
    assert np.median(expected / sigma) == pytest.approx(1, abs=0.05)


def test_weights_know_that_the_noise_of_a_share_goes_with_the_share() -> None:
    rng = np.random.default_rng(2)
    x = np.where(np.arange(14)[None, None, :] < rng.integers(2, 12, 9)[:, None, None], 0.9, 0.1) * np.ones((9, 16, 14))
    sigma = rng.uniform(0.8, 1.2, (16, 14)) * np.sqrt(0.0076 - 0.005 * x)  # 0.084 to 0.056, as of counts
    noise = sigma * rng.standard_normal(x.shape)
    told = sigma * np.exp(-2 * noise - 4 * sigma**2)  # its mean square is right
    expected = expected_std(told, x + noise)
    away = np.abs(np.diff(x, axis=2, prepend=x[:, :, :1])) + np.abs(np.diff(x, axis=2, append=x[:, :, -1:])) < 0.1
    for level in (0.1, 0.9):
        # What is told varies by 2 sigma, so 1000 pixels know its mean to 0.5 %; the curve is a parabola by one.
        assert np.median((expected / sigma)[away & (x == level)]) == pytest.approx(1, abs=0.04)
    weighted = np.sum(noise / expected**2) / np.sum(1 / expected**2)
    assert abs(weighted) < 0.004  # 2016 pixels know a mean to 0.0015


def test_a_pixel_with_a_reason_to_be_worse_stays_worse_and_equal_ones_stay_as_they_are() -> None:
    std = np.full((4, 3, 3), 0.07)
    x = np.random.default_rng(1).uniform(0.1, 0.9, std.shape)
    assert expected_std(std, x) == pytest.approx(std, rel=1e-12)
    std[1, 1, 1], std[:, 0, 0], std[2, 2, 2] = 0.5, np.nan, np.nan
    expected = expected_std(std, np.where(np.isfinite(std), x, np.nan))
    assert expected[1, 1, 1] == 0.5
    assert (expected[:, 0, 0] == 1).all()
    assert expected[2, 2, 2] == 1
    assert expected[0, 1, 1] == pytest.approx(0.07)


def test_a_mean_stands_for_pixels_that_are_not_known_and_belongs_to_one_particle() -> None:
    video = _video()
    frames = video.sizes["time"]
    mean = ("time", np.linspace(0.2, 0.8, frames))
    blind = video.assign(lithium_fraction=np.nan * video["lithium_fraction"], mean_lithium_fraction=mean)
    cut = half_cycles([blind])[0]
    assert cut.mean() == pytest.approx(mean[1][cut.frames])
    assert cut.told().all()
    assert np.isinf(cut.mean_weight).all()  # no standard deviation was told
    two = blind.assign(label=(["y", "x"], np.where(np.arange(MASK.shape[1]) < 4, MASK, 2 * MASK)))
    with pytest.raises(AnalysisError, match="only particle"):
        half_cycles([two])


def test_a_mean_of_resampled_pixels_is_no_better_known_than_before() -> None:
    from scipy.ndimage import shift

    sigma, trials = 0.07, 400
    gain = float(np.sqrt((shift(np.pad([[1.0]], 20), 0.5, order=3) ** 2).sum()))
    mask = np.pad(np.ones((12, 12), bool), 1)
    rng = np.random.default_rng(0)
    noise = sigma * rng.standard_normal((trials, *mask.shape))
    x = 0.5 + np.stack([shift(one, 0.5, order=3, mode="grid-wrap") for one in noise])
    video = video_of(x, mask, 60.0 * np.arange(trials), np.zeros(trials, int), std=gain * sigma)
    cut = half_cycles([video.assign(noise_gain=("time", np.full(trials, gain)))])[0]
    means = (cut.weight**2 * cut.x).sum((1, 2)) / (cut.weight**2).sum((1, 2))
    told = (cut.weight**2).sum((1, 2)) ** -0.5
    # 400 means tell their deviation to 3.5 %. Weights that take pixels for independent promise a share `gain` of it.
    assert gain < 0.8
    assert means.std() / told.mean() == pytest.approx(1.0, abs=0.11)


@pytest.mark.parametrize("bad", [0.0, np.nan, -1.0])
def test_a_noise_gain_that_cannot_be_is_refused(bad: float) -> None:
    video = _video().assign(noise_gain=("time", np.array([1.0] * 6 + [bad] + [1.0] * 2)))  # type: ignore[attr-defined]
    with pytest.raises(AnalysisError, match=r"noise_gain.*half cycle 1"):
        half_cycles([video])
