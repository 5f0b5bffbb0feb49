"""The claims on registration hold, and the yardstick of the theory is right."""

import numpy as np
import pytest

from lithiscope.frames import RegisterOptions
from lithiscope.instruments.pictures import affine_movie, optical_movie, volume_movie
from lithiscope.verification import registration
from lithiscope.verification.registration import (
    cramer_rao,
    cramer_rao_affine,
    measure,
    measure_affine,
    measure_axes,
    rows,
)
from verification.documented import documented


@pytest.mark.slow
def test_every_claim_on_pictures_holds() -> None:
    one, four = range(2026, 2027), range(2026, 2030)
    found = [*registration._optical(one, four), *registration._stxm(one, four), *registration._resampling()]
    assert len(found) >= 12
    assert [row.claim for row in found if row.verdict == "fail"] == []
    assert {row.claim for row in found} <= {*documented("registration")}


@pytest.mark.long
def test_every_claim_holds() -> None:
    found = list(rows(everything=False))
    assert len(found) >= 26
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


def test_the_bound_of_a_linear_part_scales_with_light_and_field() -> None:
    given = {"seed": 3, "frames": 3, "drift": 0.0, "strain": 0.0}
    shift, linear = cramer_rao_affine(affine_movie(**given, side=96))
    brighter = cramer_rao_affine(affine_movie(**given, side=96, electrons=3200.0))
    assert brighter == pytest.approx((shift / 2, linear / 2), rel=0.02)
    # Twice as wide: four times the pixels, and twice the lever; texture and outline differ.
    wider = cramer_rao_affine(affine_movie(**given, side=192))
    assert wider == pytest.approx((shift / 2, linear / 4), rel=0.25)
    # To seek more numbers never helps to find the displacement.
    assert shift >= cramer_rao(affine_movie(**given, side=96))


def test_axes_add_up_to_the_whole() -> None:
    def scene(seed: int) -> object:
        return volume_movie(seed=seed, frames=3, shape=(16, 32, 36))

    options = RegisterOptions(gain="global")
    whole, each = measure(scene, range(1, 3), options), measure_axes(scene, range(1, 3), options)
    np.testing.assert_allclose(np.sqrt(np.sum(np.square(each), axis=0)), whole)
    assert len(each) == 3


def test_an_affine_error_is_measured_in_both_parts() -> None:
    shift, linear = measure_affine(lambda seed: affine_movie(seed=seed, frames=4, side=64), range(2))
    for part in (shift, linear):
        assert 0.5 * part.bound < part.error < 3 * part.bound
        assert 0.5 * part.bound < part.quoted < 3 * part.bound
