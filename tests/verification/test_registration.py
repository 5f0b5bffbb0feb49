"""The claims on registration hold, and the yardstick of the theory is right."""

import numpy as np
import pytest

from lithiscope.instruments.pictures import optical_movie
from lithiscope.verification.registration import cramer_rao, measure, rows
from verification.documented import documented


@pytest.mark.slow
def test_every_claim_holds() -> None:
    found = list(rows(everything=False))
    assert len(found) >= 14
    assert [row.claim for row in found if row.verdict == "fail"] == []
    assert sorted(documented("registration")) == sorted(row.claim for row in found)


def test_the_cramer_rao_bound_of_a_movie_scales_with_light_and_texture() -> None:
    given = {"seed": 3, "frames": 3, "side": 96, "front": False, "drift": 0.0}
    plain = cramer_rao(optical_movie(**given))
    # Four times the light halves it; half the texture doubles it, but for what the outline adds.
    assert cramer_rao(optical_movie(**given, electrons=3200.0)) == pytest.approx(plain / 2, rel=0.02)
    assert cramer_rao(optical_movie(**given, texture=0.06)) == pytest.approx(plain * 2, rel=0.1)


def test_a_measured_error_is_pooled_over_movies() -> None:
    def scene(seed: int) -> object:
        return optical_movie(seed=seed, frames=6, side=64)

    one, two, both = (measure(scene, seeds) for seeds in (range(1, 2), range(2, 3), range(1, 3)))
    assert both.error == pytest.approx(np.sqrt((one.error**2 + two.error**2) / 2))
    assert 0 < both.bound < both.error
