from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.cell.evidence import charge_of, charge_ratio, jumps, known_factor, runs_of, trends


def test_runs_end_at_rests_changes_of_sign_and_steps() -> None:
    current = np.concatenate([np.full(20, 1.0), np.full(5, 0.001), np.full(20, -1.0), np.full(20, 1.0)])
    runs = sorted(runs_of(current, 8), key=lambda run: run.start)
    assert [(run.start, run.stop, run.sign) for run in runs] == [(0, 20, 1), (25, 45, -1), (45, 65, 1)]
    step = np.arange(65) // 32
    assert sorted(run.start for run in runs_of(current, 8, step)) == [0, 32, 45]
    assert [run.start for run in runs_of(current, 8, np.arange(65))] == []
    assert runs_of(np.zeros(10), 3) == []


def test_charge_of_a_run() -> None:
    time = np.arange(0.0, 3601.0, 60.0)
    run = runs_of(np.full(61, -2.0), 8)[0]
    assert charge_of(time, np.full(61, -2.0), run) == pytest.approx(-2.0)


def test_trends_need_a_voltage_that_moves() -> None:
    time, current = np.arange(100.0), np.ones(100)
    runs = runs_of(current, 8)
    assert trends(time, 3 + 1e-3 * time, runs, 0.5) == (1.0, 1, 100)
    assert trends(time, 3 - 1e-3 * time, runs, 0.5) == (0.0, 1, 100)
    assert trends(time, 3 + 1e-6 * time, runs, 0.5)[1] == 0
    assert trends(time, np.full(100, 3.0), runs, 0.5)[1] == 0


@given(st.floats(1e-9, 1e9), st.floats(1e-3, 1e3))
def test_jumps_do_not_depend_on_scale(amperes, volts) -> None:
    current = np.tile([0.0, 0.0, 1.0, 1.0], 10)
    voltage = 0.1 * current + 1e-4 * np.arange(40)
    share, count = jumps(volts * voltage, amperes * current)
    assert (share, count) == (1.0, 19)
    assert jumps(-volts * voltage, amperes * current) == (0.0, 19)


def test_the_ratio_is_one_for_mean_and_for_momentary_currents() -> None:
    time = np.cumsum(np.random.default_rng(1).uniform(1, 10, 200))
    momentary = 1.0 + 0.5 * np.sin(np.arange(200) / 20)
    steps = (momentary[1:] + momentary[:-1]) / 2 * np.diff(time) / 3600
    net = np.concatenate([[0.0], np.cumsum(steps)])
    runs = runs_of(momentary, 8)
    assert charge_ratio(time, momentary, [net], runs)[0] == pytest.approx(1.0, abs=1e-12)
    mean = np.concatenate([[momentary[0]], steps / np.diff(time) * 3600])
    assert charge_ratio(time, mean, [net], runs)[0] == pytest.approx(1.0, abs=1e-12)
    assert np.isnan(charge_ratio(time, momentary, [net], [])[0])


@given(st.sampled_from([1e3, 1e-3, 3600.0, 1 / 3600.0, 60.0, 3.6]), st.floats(0.9, 1.1))
def test_factors_are_known_by_name_and_their_inverse_too(factor, error) -> None:
    found, back = known_factor(factor * error, 0.15), known_factor(1 / (factor * error), 0.15)
    assert found is not None
    assert back is not None
    assert found[0] == pytest.approx(factor)
    assert back[0] == pytest.approx(1 / factor)


def test_numbers_that_are_no_factor() -> None:
    for ratio in (0.0, -1000.0, 1.0, 1.5, 10.0, 200.0):
        assert known_factor(ratio, 0.15) is None
