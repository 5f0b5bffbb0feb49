from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError
from lithiscope.kinetics.times import TimeRatio, bulk_time, reaction_time, time_ratio


def test_times_of_koo_2023():
    """[K]: 200 nm, 1e-9 cm2/s: 0.4 s; 1e-14 cm2/s: 11 h."""
    assert bulk_time(200.0, 1e-9 * 1e-4) == pytest.approx(0.4)
    assert bulk_time(200.0, 1e-14 * 1e-4) / 3600 == pytest.approx(11, abs=0.2)


def test_reaction_time_fills_the_channel():
    """At j0 = 0.0461 A/m2 a platelet of 150 nm fills in an hour (PHYSICS 2: 1C)."""
    assert reaction_time(150.0, 0.04606) == pytest.approx(3600, rel=1e-3)
    assert reaction_time(150.0, 0.04606, faces=1) == pytest.approx(7200, rel=1e-3)


def test_a_known_diffusivity_leaves_the_error_of_the_exchange_current():
    ratio = time_ratio(400.0, (1e-16, 1e-16), (0.01, 0.002))
    assert ratio.mean == pytest.approx(np.log10(reaction_time(400.0, 0.01) / bulk_time(200.0, 1e-16)))
    assert ratio.std == pytest.approx(np.log10(1.2))
    assert ratio.quantile(0.975) - ratio.mean == pytest.approx(1.96 * np.log10(1.2), rel=1e-3)


@given(st.floats(-3, 3), st.floats(0.01, 6), st.floats(0.0, 1.0), st.floats(-4, 4))
def test_probabilities_agree_with_drawing(slowest, width, spread, limit):
    """200 000 draws: four binomial standard deviations are below 0.0045."""
    rng = np.random.default_rng(0)
    drawn = slowest + width * rng.random(200_000) + spread * rng.normal(size=200_000)
    ratio = TimeRatio(slowest, slowest + width, spread)
    assert ratio.probability_above(limit) == pytest.approx(np.mean(drawn > limit), abs=0.0045)
    assert ratio.std == pytest.approx(drawn.std(), rel=0.01)
    assert ratio.probability_above(ratio.quantile(0.2)) == pytest.approx(0.8, abs=1e-6)


def test_certainty_is_a_step():
    ratio = TimeRatio(1.0, 1.0, 0.0)
    assert [ratio.probability_above(v) for v in (0.0, 1.0, 2.0)] == [1.0, 0.5, 0.0]
    assert ratio.quantile(0.3) == 1.0


def test_the_whole_channel_takes_four_times_as_long():
    half, full = (time_ratio(400.0, (1e-16, 1e-15), (0.01, 0.0), diffusion_length=way) for way in ("half", "full"))
    assert half.mean - full.mean == pytest.approx(np.log10(4))


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: bulk_time(-1.0, 1e-14), "length"),
        (lambda: bulk_time(200.0, 0.0), "diffusivity"),
        (lambda: reaction_time(200.0, float("nan")), "exchange_current_density"),
        (lambda: reaction_time(200.0, 0.01, faces=3), "faces"),
        (lambda: time_ratio(200.0, (1e-13, 1e-14), (0.01, 0.0)), "upside down"),
        (lambda: time_ratio(200.0, (1e-14, 1e-13), (0.01, -1.0)), "negative"),
    ],
)
def test_impossible_quantities(call, field):
    with pytest.raises(AnalysisError, match=field):
        call()
