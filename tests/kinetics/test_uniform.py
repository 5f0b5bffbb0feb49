from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import LithiscopeWarning, StageError
from lithiscope.kinetics import insertion_rate, rate_table, uniform_pixels
from lithiscope.kinetics.domains import fast_domains
from lithiscope.kinetics.domains_options import DomainOptions
from lithiscope.kinetics.options import UniformOptions
from truth import kinetics_truth as truth


@pytest.fixture(scope="module")
def experiment():
    video, labels, _, known = truth.experiment(particles=3, c_rate=0.2, seed=1)
    return video, labels, known, fast_domains(video, labels, options=DomainOptions(draws=50))


def test_the_set_lies_in_one_fast_domain_and_is_uniform(experiment):
    video, labels, known, domains = experiment
    chosen = uniform_pixels(video, labels, domains=domains).values
    inside = labels.values > 0
    # The margin is one pixel, the domains are known to about one: nearly all of the set is truly fast.
    assert known["fast"][chosen].mean() > 0.97
    for number in (1, 2, 3):
        mine = chosen & (labels.values == number)
        assert mine.sum() >= 40
        x = known["x"][:, mine]
        assert np.sqrt(np.mean(x.var(axis=1))) < 0.05
    assert not chosen[~inside].any()


def test_the_slow_ground_can_be_chosen(experiment):
    video, labels, known, domains = experiment
    chosen = uniform_pixels(video, labels, domains=domains, options=UniformOptions(domain="slow")).values
    assert chosen.sum() > 200
    assert not known["fast"][chosen].any()


def test_the_choice_does_not_bias_rates():
    """Noise alone: rates of the chosen pixels are zero within their error, 40 experiments of 8 intervals.

    A rate that comes from chosen values would regress to the mean.
    """
    label = truth.platelet().astype(int)
    z = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        ramp = np.linspace(0.2, 0.8, 9)[:, None, None]
        video = truth.as_video(
            np.where(label > 0, ramp + 0.065 * rng.standard_normal((9, *label.shape)), np.nan),
            0.065, label, 600.0 * np.arange(9), [0] * 9, [1] * 9,
        )  # fmt: skip
        chosen = uniform_pixels(video, truth.as_labels(label), options=UniformOptions(tolerance=0.02))
        assert 100 < chosen.values.sum() < 0.8 * label.sum()
        table = rate_table(insertion_rate(video), truth.as_labels(label), regions={"uniform": chosen})
        row = table.sel(particle="p01 uniform")
        z.append((row["insertion_rate"].values - 0.075 * 6) / row["insertion_rate_std"].values)
    # 320 values of about 200 effective ones
    assert abs(np.mean(z)) < 4 / np.sqrt(200)
    assert np.std(z) == pytest.approx(1, abs=0.15)


def test_idle_mixed_and_tiny_particles_have_no_set(experiment):
    video, labels, _, domains = experiment
    with pytest.warns(LithiscopeWarning, match=r"no uniform set of pixels in p01, p02, p03"):
        none = uniform_pixels(video, labels, domains=domains, options=UniformOptions(min_pixels=400))
    assert not none.values.any()
    with pytest.warns(LithiscopeWarning, match="p01, p02, p03"):
        uniform_pixels(video, labels, domains=domains, options=UniformOptions(least_change=0.99))
    # Without domains the whole particle is one candidate, and far from uniform.
    with pytest.warns(LithiscopeWarning, match="p01, p02, p03"):
        uniform_pixels(video, labels, options=UniformOptions(tolerance=0.9))


def test_domains_of_another_picture_are_refused(experiment):
    video, labels, _, domains = experiment
    with pytest.raises(StageError, match="domains and labels differ"):
        uniform_pixels(video, labels, domains=domains.isel(x=slice(0, 5)))
