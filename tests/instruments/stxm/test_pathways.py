"""Pathways: nothing at the start, all at the end, never back, and the law of each."""

import numpy as np
import pytest

from lithiscope.instruments.stxm.pathways import (
    FastDomains,
    MovingFront,
    Pathway,
    Place,
    ShrinkingCore,
    SolidSolution,
)

POSITION = np.linspace(-0.6, 0.6, 61)
PLACE = Place(POSITION, np.zeros(61), 0.5 - np.abs(POSITION), half_width=0.5, half_length=0.5)
PATHWAYS = [SolidSolution(), MovingFront(25.0), ShrinkingCore(), FastDomains()]


@pytest.mark.parametrize("pathway", PATHWAYS, ids=lambda pathway: type(pathway).__name__)
def test_every_place_goes_from_nothing_to_all_and_never_back(pathway: Pathway) -> None:
    reacted = np.stack([pathway.reacted(np.asarray(step), PLACE) for step in np.linspace(0, 1, 33)])
    np.testing.assert_allclose(reacted[0], 0, atol=1e-12)
    np.testing.assert_allclose(reacted[-1], 1, atol=1e-12)
    assert np.diff(reacted, axis=0).min() >= -1e-12


def test_a_front_moves_at_constant_speed() -> None:
    front = MovingFront(0.0, width=0.02)
    fine = np.linspace(-0.5, 0.5, 20001)
    place = Place(fine, np.zeros_like(fine), np.ones_like(fine), half_width=0.5, half_length=0.5)
    where = [float(np.interp(-0.5, -front.reacted(np.asarray(p), place), fine)) for p in (0.3, 0.5, 0.7)]
    # 2 x (half length + 1.5 widths) in one half cycle; the middle of the half cycle finds it in the middle.
    np.testing.assert_allclose(where, [-0.4 * 0.53, 0.0, 0.4 * 0.53], atol=1e-4)


def test_a_core_shrinks_from_the_rim() -> None:
    reacted = ShrinkingCore(width=0.02).reacted(np.asarray(0.5), PLACE)
    assert reacted[np.abs(POSITION) > 0.4].min() > 0.99
    assert reacted[np.abs(POSITION) < 0.1].max() < 0.01


def test_fast_domains_follow_their_rate_law() -> None:
    domains = FastDomains(spots=((0.2, 0.0),), radius=0.1, fast=3.0, slow=0.5)
    place = Place(np.array([0.2, 0.3]), np.zeros(2), np.ones(2), half_width=0.5, half_length=0.5)
    rate = 0.5 + 2.5 * np.exp([0.0, -0.5])
    np.testing.assert_allclose(domains.rate(place), rate)
    np.testing.assert_allclose(domains.reacted(np.asarray(0.4), place), 1 - 0.6**rate)
