"""Sharp domains in a map of ln k."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from learning.scenes import video_of
from lithiscope.errors import LithiscopeWarning
from lithiscope.learning import learn
from lithiscope.learning.cases import Priors, edges_of, field_basis
from lithiscope.learning.domains import domains_of, exchanged
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.report.learned_words import domain_sentences
from lithiscope.verification.learning_found import found_of, options_of
from lithiscope.verification.virtual_learning import Truth

_SHARP = Truth(shape=(30, 22), pattern="domains")


def test_the_domains_of_a_noisy_map_are_the_true_ones_without_what_is_around() -> None:
    mask, true = _SHARP.mask(), _SHARP.log_rate(0)
    noisy = true + 0.1 * np.random.default_rng(0).standard_normal(true.shape)
    found = domains_of(noisy, mask, 4)
    assert found.shape == (mask.size, 4)
    assert np.array_equal(found.sum(1).reshape(mask.shape) > 0, (true > 0) & mask)
    # Two of them, of which the first is larger; they do not touch.
    sizes = found.sum(0)
    assert sizes[0] >= sizes[1] > 0
    assert not sizes[2:].any()


def test_slow_domains_are_domains_too() -> None:
    mask, true = _SHARP.mask(), _SHARP.log_rate(0)
    assert np.array_equal(domains_of(-true, mask, 4), domains_of(true, mask, 4))


@pytest.mark.parametrize("most", [0, 1])
def test_no_more_than_asked_for(most: int) -> None:
    found = domains_of(_SHARP.log_rate(0), _SHARP.mask(), most)
    assert found.shape[1] == most
    assert int(found.any(0).sum()) == most


def test_smooth_noisy_and_even_maps_have_none() -> None:
    smooth = Truth(shape=(30, 22))
    mask, random = smooth.mask(), np.random.default_rng(1)
    assert not domains_of(random.standard_normal(mask.shape), mask, 4).any()
    assert not domains_of(np.zeros(mask.shape), mask, 4).any()
    assert not domains_of(np.linspace(0, 1, mask.size).reshape(mask.shape), mask, 4).any()
    assert not any(domains_of(smooth.log_rate(seed), mask, 4).any() for seed in range(20))


def test_single_pixels_are_no_domain() -> None:
    mask = np.ones((20, 20), bool)
    field = 0.01 * gaussian_filter(np.random.default_rng(2).standard_normal((20, 20)), 3)
    field[3, 3] = field[12, 5] = 3.0
    assert not domains_of(field, mask, 4).any()


def test_the_threshold_lies_in_the_middle_of_the_gap() -> None:
    mask, random = np.ones((20, 20), bool), np.random.default_rng(3)
    inside = np.zeros((20, 20), bool)
    inside[5:9, 5:10] = True
    for _ in range(20):
        field = np.where(inside, 1.0, 0.0) + 0.05 * random.standard_normal((20, 20))
        assert np.array_equal(domains_of(field, mask, 4)[:, 0], inside.ravel())


@pytest.mark.long
def test_pixels_on_both_sides_of_an_edge_vary_on_their_own_and_no_others() -> None:
    mask = np.pad(np.ones((8, 8), bool), 1)[:, 1:]  # the first column lies at the outline
    domain = np.zeros_like(mask)
    domain[3:6, 0:3] = True
    domains = domain.ravel()[:, None].astype(float)
    edge = np.zeros_like(mask)
    edge.flat[edges_of(domains, mask, 64)] = True
    inner = np.zeros_like(mask)
    inner[4, 0:2] = True  # what lies beyond the outline is no other side
    beside = np.zeros_like(mask)
    beside[2, 0:3] = beside[6, 0:3] = beside[3:6, 3] = True
    assert np.array_equal(edge, (domain & ~inner) | beside)

    (cut,) = half_cycles([video_of(np.full((4, *mask.shape), 0.5), mask, 60.0 * np.arange(4), np.zeros(4, int))])
    inside = cut.mask.ravel()
    domains = domains.reshape(*mask.shape, 1)[1:9, :8].reshape(-1, 1)
    edge = edge[1:9, :8].ravel()
    basis = field_basis(cut, Priors(), 65, domains, several=False)[:, :64]
    spread = np.sqrt((basis**2).sum(1))[inside]
    # A pixel that an edge crosses anywhere has up to half of it on the other side: 0.29 of a step of one.
    assert spread[edge] == pytest.approx(0.29, abs=0.02)
    assert spread[~edge].max() < 0.05


def test_few_modes_leave_no_room_for_pixels_at_edges() -> None:
    mask = np.ones((6, 6), bool)
    domains = np.pad(np.ones((2, 2)), ((0, 4), (0, 4))).reshape(-1, 1)
    assert len(edges_of(domains, mask, 14)) == 7  # three pixels of the corner's four and four beside them
    assert len(edges_of(domains, mask, 13)) == 0


def test_pixels_at_an_edge_go_to_the_side_whose_level_is_nearer() -> None:
    mask = np.ones((7, 7), bool)
    domain = np.zeros_like(mask)
    domain[2:5, 2:5] = True
    rate = np.where(domain, 0.8, -0.2)
    rate[2, 3], rate[5, 3], rate[1, 3], rate[0, 0] = 0.2, 0.4, 0.2, 0.7  # out, in, stays out, and no neighbour
    found = exchanged(rate, mask, np.column_stack([domain.ravel(), np.zeros(49)]).astype(float))
    domain[2, 3], domain[5, 3] = False, True
    assert np.array_equal(found[:, 0].reshape(mask.shape) > 0, domain)
    assert not found[:, 1].any()


@pytest.mark.long
def test_domains_of_a_small_particle_are_learned_as_two_numbers_and_told() -> None:
    truth = Truth(shape=(16, 12), volt_sigma=0.002, pattern="domains", c_rate=2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        tree = learn(truth.video(4), options_of(truth))
    laws, particle = tree["/laws"].to_dataset(), tree["/particle/0_1"].to_dataset()
    true = truth.log_rate(4)
    inside = (true > 0) & truth.mask()
    assert np.array_equal(particle["log_rate_domain"].values > 0, inside)
    # A Gaussian process alone has 0.996 here; 28 pixels behind two edges.
    assert found_of(laws, particle, truth, true, 0.0).correlation > 0.999
    steps = [np.mean(particle["log_rate"].values[particle["log_rate_domain"].values == number]) for number in (1, 2)]
    around = np.mean(particle["log_rate"].values[truth.mask() & ~inside])
    bars = [np.mean(particle["log_rate_std"].values[particle["log_rate_domain"].values == number]) for number in (1, 2)]
    assert np.all(np.abs(np.array(steps) - around - 1.0) < 3 * np.array(bars))
    (told,) = domain_sentences([particle])
    assert told.startswith("particle 1: ln k +")
    assert told.endswith("in a sharp domain of 12 pixels")
