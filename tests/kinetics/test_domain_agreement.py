from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lithiscope.errors import StageError
from lithiscope.kinetics.domain_agreement import domain_agreement
from lithiscope.kinetics.domains import fast_domains
from lithiscope.kinetics.domains_options import AgreementOptions, DomainOptions
from truth import domain_truth

QUICK = DomainOptions(draws=60)


def test_the_same_domains_in_cycles_and_directions_are_no_accident():
    video, labels, _ = domain_truth.experiment(frames=7, cycles=2, seed=4)
    table = domain_agreement(fast_domains(video, labels, options=QUICK))
    kind = table["kind"].values
    assert [np.count_nonzero(kind == one) for one in ("cycles", "directions")] == [2, 4]
    between = kind != "frames"
    assert table["dice"].values[between].min() >= 0.85
    assert table["p_value"].values[between].max() <= 0.01
    assert (table["dice_null_high"].values < table["dice"].values).all()
    # Sets of 30 % of the pixels at random places overlap by 0.3 on average.
    np.testing.assert_allclose(table["dice_null"].values[between], 0.3, atol=0.05)
    assert (table["dice_std"].values[between] < 0.05).all()


def test_p_values_of_unrelated_smooth_domains_are_honest():
    """40 pairs of unrelated domains: at most 5 % below 0.05 expected, binomial + 4 standard deviations (19 %)."""
    mask = domain_truth.platelet()
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        fields = [gaussian_filter(rng.standard_normal((90, 90)), 3.0)[30:60, 30:56] for _ in range(2)]
        x = np.where(mask, np.stack([0.5 + 0.3 * np.sign(one - np.quantile(one[mask], 0.7)) for one in fields]), np.nan)
        noisy = x + 0.04 * rng.standard_normal(x.shape)
        args = (mask, [0.0, 60.0], [0, 1], [1, 1])
        parted = fast_domains(domain_truth.as_video(noisy, 0.04, *args), domain_truth.as_labels(mask), options=QUICK)
        table = domain_agreement(parted, options=AgreementOptions(draws=99))
        found.append(float(table["p_value"][0]))
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 40)
    assert 0.3 < np.median(found) < 0.75


def test_two_halves_prove_little():
    """Two straight cuts through a disc at a random angle overlap by 1 - angle/pi: Dice > 0.98 has p = 0.02."""
    mask = domain_truth.platelet()
    half = mask & (np.arange(26)[None, :] < 13)
    video, labels, _ = domain_truth.experiment(frames=7, fast=half, seed=0)
    table = domain_agreement(fast_domains(video, labels, options=QUICK))
    one = table.isel(pair=int(np.flatnonzero(table["kind"].values == "directions")[0]))
    assert float(one["dice"]) > 0.97
    assert 0.003 < float(one["p_value"]) < 0.1


def test_too_few_pixels_in_common_have_no_overlap():
    mask = np.zeros((6, 6), dtype=bool)
    mask[1:4, 1:4] = True
    video, labels, _ = domain_truth.experiment(frames=5, mask=mask, fast=np.indices((6, 6))[0] < 2, sigma=0.01)
    table = domain_agreement(fast_domains(video, labels, options=QUICK))
    assert np.isnan(table["dice"].values).all()
    assert (table["pixel_count"].values <= 9).all()


def test_a_single_frame_of_a_single_half_cycle_makes_an_empty_table():
    video, labels, _ = domain_truth.experiment(frames=5)
    table = domain_agreement(fast_domains(video.isel(time=[2]), labels, options=QUICK))
    assert table.sizes["pair"] == 0


def test_another_stage_is_refused():
    video, _, _ = domain_truth.experiment(frames=5)
    with pytest.raises(StageError, match="not of the expected stage"):
        domain_agreement(video)
