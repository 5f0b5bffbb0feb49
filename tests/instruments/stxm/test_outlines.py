"""Outlines: exact depths where a formula is known, and shapes that cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import OptionError
from lithiscope.instruments.stxm.outlines import Ellipse, Facets

SQUARE = Facets((0.0, 90.0, 180.0, 270.0), (0.5, 0.4, 0.5, 0.4), rounding=0.005)


def test_a_circle_has_the_exact_distance_everywhere() -> None:
    radius = np.linspace(0.0, 2.0, 41)
    depth = Ellipse(0.5, 0.5).depth(radius * np.cos(0.7), radius * np.sin(0.7))
    np.testing.assert_allclose(depth, 0.5 - radius, atol=1e-12)


@given(st.floats(0, 2 * np.pi), st.floats(0.2, 2.0), st.floats(0.2, 2.0))
def test_the_depth_of_an_ellipse_is_zero_on_its_rim(angle: float, along: float, across: float) -> None:
    rim = np.array([along * np.cos(angle)]), np.array([across * np.sin(angle)])
    assert abs(Ellipse(along, across).depth(*rim)[0]) < 1e-12


def test_facets_give_the_distance_to_the_nearest_one() -> None:
    along = np.array([0.3, 0.0, 0.6])
    across = np.array([0.0, -0.3, 0.0])
    # Rounding adds rounding ln(1 + e^(-gap / rounding)); the next facet is 0.1 farther, i.e. 20 roundings.
    np.testing.assert_allclose(SQUARE.depth(along, across), [0.2, 0.1, -0.1], atol=1e-8)


def test_half_widths_and_half_lengths() -> None:
    assert Ellipse(0.6, 0.4).half_width == pytest.approx(0.4)
    assert Ellipse(0.6, 0.4).half_length == pytest.approx(0.6)
    # Two facets are equally far from the centre: the smooth minimum takes rounding ln 2 off.
    assert SQUARE.half_width == pytest.approx(0.4 - 0.005 * np.log(2), abs=1e-8)
    # Rays one degree apart miss the corner by up to half a degree; the facet falls away by tan(51 deg) of that, 1.1 %.
    assert SQUARE.half_length == pytest.approx(np.hypot(0.5, 0.4), rel=0.011)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Ellipse(0.0, 1.0),
        lambda: Ellipse(1.0, float("nan")),
        lambda: Facets((0.0, 120.0, 240.0), (1.0, 1.0)),
        lambda: Facets((0.0, 180.0), (1.0, 1.0)),
        lambda: Facets((0.0, 10.0, 20.0), (1.0, 1.0, 1.0)),
        lambda: Facets((0.0, 120.0, 240.0), (1.0, -1.0, 1.0)),
    ],
)
def test_an_outline_that_cannot_be_is_refused(bad: object) -> None:
    with pytest.raises(OptionError, match=r"positive|distance per normal|close"):
        bad()  # type: ignore[operator]
