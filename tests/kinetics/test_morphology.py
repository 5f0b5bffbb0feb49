from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError
from lithiscope.kinetics.morphology import MORPHOLOGIES, classify, diagram_lines, morphology_point

SURE = {"log_std": (0.0, 0.0, 0.0), "boundary_spread": 0.0, "draws": 200}


def test_koo_2023_along_and_across_the_channel():
    """0.15C: along [010] 0.4 s, a wave of filling channels; at 7C across, 11 h against 8.5 min: a shrinking core."""
    along = morphology_point(0.4, 4e4, 2.4e4, **SURE, critical_current=2.0)
    assert along.probability["intercalation wave"] == 1.0
    assert along.reaction_limited == 1.0
    across = morphology_point(4e4, 4e4, 510.0, **SURE)
    assert across.probability["shrinking core"] == 1.0
    assert across.damkoehler == pytest.approx(4e4 / 510)


def test_a_current_above_the_critical_one_suppresses_separation():
    for process, expected in ((5e4, "intercalation wave"), (5e3, "quasi-solid solution")):
        point = morphology_point(1.0, 1e4, process, **SURE, critical_current=0.5)
        assert point.probability[expected] == 1.0


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.05, 20))
def test_the_lines_bound_the_morphologies(log_biot, log_damkoehler, critical):
    biot, damkoehler = 10**log_biot, 10**log_damkoehler
    name = MORPHOLOGIES[int(classify(np.array([biot]), np.array([damkoehler]), critical_current=critical)[0])]
    lines = diagram_lines(np.array([biot]), critical_current=critical)
    assert (name == "shrinking core") == (damkoehler > lines["shrinking core"][0])
    if damkoehler <= 1:
        assert (name == "quasi-solid solution") == (damkoehler > critical * biot)


def test_on_a_line_the_odds_are_even():
    """A point on Da = 1: half of the spread lies on either side; quasi-random, so to 1/1000."""
    point = morphology_point(100.0, 1e5, 100.0, log_std=(0.3, 0.1, 0.1))
    assert point.probability["shrinking core"] == pytest.approx(0.5, abs=2e-3)
    assert sum(point.probability.values()) == pytest.approx(1.0)


def test_errors_of_both_axes_share_the_diffusivity():
    point = morphology_point(1.0, 10.0, 100.0, log_std=(1.0, 0.1, 0.1))
    assert point.biot_log_std == pytest.approx(np.hypot(1.0, 0.1))
    assert point.correlation == pytest.approx(1.0 / (1.0 + 0.01))
    # P(Bi < 1) = Phi(1 / 1.005)
    assert point.reaction_limited == pytest.approx(0.8401, abs=3e-3)


def test_the_same_every_time():
    assert morphology_point(3.0, 2.0, 4.0, log_std=(1, 1, 1)) == morphology_point(3.0, 2.0, 4.0, log_std=(1, 1, 1))


@pytest.mark.parametrize("wrong", [(0.0, 1.0, 1.0), (1.0, float("nan"), 1.0), (1.0, 1.0, -1.0)])
def test_impossible_times(wrong):
    with pytest.raises(AnalysisError, match="positive times"):
        morphology_point(*wrong, log_std=(0.1, 0.1, 0.1))
    with pytest.raises(AnalysisError, match="negative"):
        morphology_point(1.0, 1.0, 1.0, log_std=(-0.1, 0.1, 0.1))
