from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.kinetics.domain_growth import domain_growth
from lithiscope.kinetics.domains import domain_outlines, fast_domains
from lithiscope.kinetics.domains_options import DomainOptions
from lithiscope.kinetics.kernels.overlap import dice
from truth import domain_truth

QUICK = DomainOptions(draws=60)


@pytest.fixture(scope="module")
def experiment():
    return domain_truth.experiment(frames=9, seed=1)


@pytest.fixture(scope="module")
def domains(experiment):
    return fast_domains(experiment[0], experiment[1])


@pytest.mark.parametrize("frames", [7, 12])
@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_true_domains_are_found_in_both_directions(frames, spread):
    """Two domains three times as fast, sigma 0.065, 7-12 frames a half cycle: Dice of at least 0.85 is asked for."""
    overlaps, frame_by_frame = [], []
    for seed in range(3):
        video, labels, truth = domain_truth.experiment(frames=frames, spread=spread, seed=seed)
        found = fast_domains(video, labels, options=QUICK)
        mask, fast = truth["mask"], truth["fast"][truth["mask"]]
        overlaps += [float(dice(fast, found["persistent"].values[half][mask] > 0.5)) for half in (0, 1)]
        code = found["domain"].values[:, mask]
        frame_by_frame += [float(dice(fast, one == 1)) for one in code if one.any()]
    assert min(overlaps) >= 0.85
    assert np.median(frame_by_frame) >= 0.85


def test_the_threshold_is_that_of_the_seed_without_noise():
    video, labels, truth = domain_truth.experiment(frames=7, sigma=0.0)
    found = fast_domains(video, labels, options=DomainOptions(smoothing=0.0, draws=50))
    x = truth["x"][3][truth["mask"]]
    expected = (np.percentile(x, 95) + np.percentile(x, 5)) / 2
    # The video stores float32.
    assert found["threshold"].values[0, 3] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(found["domain"].values[3][truth["mask"]] == 1, x > expected)
    np.testing.assert_array_equal(found["domain"].values[10][truth["mask"]] == 1, truth["fast"][truth["mask"]])


def test_noise_alone_makes_no_domains():
    """200 frames of a uniform particle: false alarms are binomial with the stated 1 %; 4 standard deviations."""
    mask = domain_truth.platelet()
    rng = np.random.default_rng(0)
    x = np.where(mask, 0.5 + 0.065 * rng.standard_normal((200, *mask.shape)), np.nan)
    video = domain_truth.as_video(x, 0.065, mask, np.arange(200.0), np.zeros(200, int), np.ones(200, int))
    found = fast_domains(video, domain_truth.as_labels(mask))
    alarms = np.count_nonzero(found["domain"].values.any(axis=(1, 2)))
    assert alarms <= 200 * 0.01 + 4 * np.sqrt(200 * 0.01 * 0.99)
    assert np.isnan(found["fast_fraction"].values).mean() == pytest.approx(1 - alarms / 200)


def test_smoothing_sees_the_noise_from_before_resampling():
    """Noise that resampling has smoothed: the picture scatters less, its slow waves do not, and no domains appear."""
    from scipy.ndimage import shift

    mask = domain_truth.platelet()
    rng = np.random.default_rng(3)
    noise = np.stack(
        [shift(one, (0.5, 0.5), order=3, mode="mirror") for one in rng.standard_normal((100, *mask.shape))]
    )
    gain = noise[:, 4:-4, 4:-4].std()
    x = np.where(mask, 0.5 + 0.065 * noise, np.nan)
    args = (mask, np.arange(100.0), np.zeros(100, int), np.ones(100, int))
    labels = domain_truth.as_labels(mask)
    right = fast_domains(domain_truth.as_video(x, 0.065 * gain, *args, gain=gain), labels, options=QUICK)
    wrong = fast_domains(domain_truth.as_video(x, 0.065 * gain, *args), labels, options=QUICK)
    # Quantiles of 60 draws and 100 frames: 1 % by design, below 6 % allowed; without the gain far more.
    assert right["domain"].values.any(axis=(1, 2)).mean() <= 0.06
    assert wrong["domain"].values.any(axis=(1, 2)).mean() > 0.2


def test_frames_at_rest_and_lost_pixels_are_undecided(experiment):
    video, labels, truth = experiment
    x = truth["x"].copy()
    x[4, 14, 12] = np.nan
    direction = video["direction"].values.copy()
    direction[6] = 0
    numbers = video["half_cycle"].values
    changed = domain_truth.as_video(x, 0.065, truth["mask"], video["time"].values, numbers, direction)
    found = fast_domains(changed, labels, options=QUICK)
    assert not found["domain"].values[6].any()
    assert found["domain"].values[4, 14, 12] == 0
    assert found["domain"].values[4, 14, 13] != 0
    assert np.isfinite(found["persistent"].values[0, 14, 12])


def test_error_of_the_fast_share_covers_its_scatter():
    """The share of 40 noisy pictures of one composition: their scatter against the mean error, within a third."""
    truth = domain_truth.experiment(frames=7)[2]
    rng = np.random.default_rng(5)
    x = truth["x"][3] + 0.065 * rng.standard_normal((40, *truth["mask"].shape))
    video = domain_truth.as_video(x, 0.065, truth["mask"], np.arange(40.0), np.zeros(40, int), np.ones(40, int))
    found = fast_domains(video, domain_truth.as_labels(truth["mask"]), options=QUICK)
    share, std = found["fast_fraction"].values[0], found["fast_fraction_std"].values[0]
    assert share.std() == pytest.approx(std.mean(), rel=1 / 3)


def test_fixed_domains_do_not_grow_and_a_growing_one_does(domains):
    fixed = domain_growth(domains)
    z = fixed["growth"].values / fixed["growth_std"].values
    assert np.abs(z).max() < 4
    assert np.abs(fixed["relative_growth"].values).max() < 0.1
    mask = np.ones((20, 40), dtype=bool)
    column = np.arange(40)[None, :] * np.ones((20, 1))
    edges = np.arange(4, 37, 4)
    x = np.stack([np.where(column < edge, 0.9, 0.1) for edge in edges])
    hours = 0.1 * np.arange(len(edges))
    args = (mask, 3600 * hours, np.zeros(len(edges), int), np.ones(len(edges), int))
    found = fast_domains(domain_truth.as_video(x, 0.02, *args), domain_truth.as_labels(mask), options=QUICK)
    table = domain_growth(found)
    # A front of 4 of 40 columns per 0.1 h; the mean composition rises by 0.8 of the share.
    assert float(table["growth"][0, 0]) == pytest.approx(1.0, abs=0.01)
    assert float(table["relative_growth"][0, 0]) == pytest.approx(1.25, abs=0.01)


def test_growth_of_a_particle_without_domains_is_missing():
    mask = domain_truth.platelet()
    x = np.where(mask, np.linspace(0.1, 0.9, 5)[:, None, None], np.nan)
    video = domain_truth.as_video(x, 0.065, mask, np.arange(5.0), np.zeros(5, int), np.ones(5, int))
    table = domain_growth(fast_domains(video, domain_truth.as_labels(mask), options=QUICK))
    assert np.isnan(table["growth"].values).all()
    assert int(table["frame_count"][0, 0]) == 0


def test_outlines_part_fast_from_slow_and_leave_the_edge_of_the_particle_out(domains, experiment):
    lines = domain_outlines(domains, 12)
    assert len([line for line in lines if len(line) > 10]) == 2
    first = max(lines, key=len)
    inside = experiment[2]["mask"]
    columns, rows = (np.rint(first[:, axis] / domain_truth.PIXEL).astype(int) for axis in (0, 1))
    assert inside[rows, columns].all()


def test_names_of_the_particles_are_kept(experiment):
    video, labels, _ = experiment
    found = fast_domains(video, labels, {1: "left"}, options=QUICK)
    assert list(found["particle"].values) == ["left"]
    with pytest.raises(StageError, match="no name"):
        fast_domains(video, labels, {2: "left"})


def test_wrong_input_is_refused_one_by_one(experiment):
    video, labels, _ = experiment
    with pytest.raises(AnalysisError, match="which half cycle"):
        fast_domains(video.drop_vars("half_cycle"), labels)
    with pytest.raises(AnalysisError, match="no frame belongs"):
        fast_domains(video.assign_coords(direction=("time", np.zeros(18, np.int32))), labels)
    with pytest.raises(StageError, match="labels and video differ"):
        fast_domains(video, labels.isel(x=slice(1, None)))
    with pytest.raises(StageError, match="no particle numbers"):
        fast_domains(video, labels.astype(float))
    with pytest.raises(StageError, match="hold no particle"):
        fast_domains(video, labels * 0)
    with pytest.raises(AnalysisError, match="need a lithium fraction"):
        fast_domains(video.drop_vars("lithium_fraction"), labels)
    with pytest.warns(LithiscopeWarning, match="no standard deviations"):
        found = fast_domains(video.drop_vars("lithium_fraction_std"), labels)
    assert found["domain"].values.any(axis=(1, 2)).all()
