from __future__ import annotations

import numpy as np
import pytest

from cell.virtual import cell, cycled, trace_of
from lithiscope.cell import (
    ClockOptions,
    CurrentEdges,
    current_edges,
    edges_in_images,
    fit_clock,
    match_edges,
    to_trace_second,
)
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.instruments.potentiostat import ConstantCurrent, PotentiostatOptions, Rest, measure

FRAME = 120.0  # s


def uneven(offset=500.0, drift=2e-5, **options):
    """Half cycles and rests of unequal length, so that the edges fit at one offset only."""
    protocol = [
        Rest(700.0),
        ConstantCurrent(1e-9, longest_second=9_000.0),
        Rest(1_300.0),
        ConstantCurrent(-0.5e-9, longest_second=14_000.0),
        Rest(2_100.0),
        ConstantCurrent(2e-9, longest_second=4_000.0),
        Rest(5_000.0),
    ]
    made = PotentiostatOptions(interval_second=1.0, clock_offset=offset, clock_drift=drift, **options)
    return measure(cell(), protocol, lithium_start=0.9, options=made)


MEASURED = uneven()


def error_of(clock, at):
    """Return the error of the clock at image times, and its stated standard deviation, s."""
    second, std = to_trace_second(clock, at)
    return second - MEASURED.truth.trace_second(at), std


def test_three_noisy_edges_give_offset_and_drift_within_the_bars():
    # Edges known to 0.1 s (a line of a scan) over 27000 s: the drift is known to 5 ppm, the offset to 0.06 s.
    pulls, drifts = [], []
    edges = MEASURED.truth.edges()[[0, 3, 5]]
    for seed in range(200):
        rng = np.random.default_rng(seed)
        clock = fit_clock(MEASURED.trace, image_second=edges + rng.normal(0, 0.1, 3), image_second_std=0.1)
        error, std = error_of(clock, np.array([float(clock["reference_second"])]))
        pulls.append([error[0] / std[0], (float(clock["drift"]) - 2e-5) / float(clock["drift_std"])])
        drifts.append([error[0], float(clock["drift"]) - 2e-5])
    offset, drift = np.abs(np.array(drifts)).T
    assert np.max(offset) < 0.1 * FRAME
    assert np.mean(drift < 10e-6) > 0.9
    assert np.sqrt(np.mean(drift**2)) < 10e-6
    # 95 % bars over 200 trials: 92 to 98 % inside.
    inside = np.mean(np.abs(pulls) < 1.96, axis=0)
    assert np.all((inside >= 0.92) & (inside <= 0.985)), inside


def test_the_error_grows_away_from_the_edges():
    edges = MEASURED.truth.edges()[[0, 3, 5]]
    clock = fit_clock(MEASURED.trace, image_second=edges, image_second_std=1.0)
    _, std = to_trace_second(clock, np.array([float(clock["reference_second"]), 0.0, 1e6]))
    assert std[0] < std[1] < std[2]
    assert std[2] == pytest.approx(float(clock["drift_std"]) * 1e6, rel=0.05)
    np.testing.assert_allclose(clock["residual_second"].values, 0.0, atol=0.02)
    assert clock.attrs == {"method": "edges", "drift": "known", "stage": "clock"}


def test_one_edge_tells_no_drift_and_says_so():
    clock = fit_clock(image_second=np.array([100.0]), image_second_std=2.0, trace_second=np.array([650.0]))
    assert (float(clock["offset_second"]), float(clock["offset_std"])) == (550.0, 2.0)
    assert float(clock["drift"]) == 0.0
    assert np.isnan(float(clock["drift_std"]))
    assert clock.attrs["drift"].startswith("unknown: one edge")


def test_errors_come_from_the_residuals_where_none_are_stated():
    rng = np.random.default_rng(0)
    image = np.linspace(0, 30_000, 40)
    pulls = []
    for _ in range(100):
        trace = 10 + (1 + 1e-5) * image + rng.normal(0, 3.0, 40)
        clock = fit_clock(image_second=image, trace_second=trace)
        pulls.append((float(clock["drift"]) - 1e-5) / float(clock["drift_std"]))
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)
    two = fit_clock(image_second=image[[0, -1]], trace_second=image[[0, -1]] + 5.0)
    assert np.isnan(float(two["drift_std"]))
    assert np.isnan(float(two["offset_std"]))


def test_markers_that_are_false_are_left_out_and_told():
    image = np.array([0.0, 5_000.0, 12_000.0, 20_000.0, 31_000.0])
    trace = image + 100.0
    trace[2] += 60.0
    with pytest.warns(LithiscopeWarning, match="left out: at 12000"):
        clock = fit_clock(image_second=image, image_second_std=1.0, trace_second=trace)
    assert float(clock["offset_second"]) == pytest.approx(100.0, abs=1e-6)
    # Among three, which one is false cannot be told; the errors say that one is.
    with pytest.warns(LithiscopeWarning, match="scatter by"):
        three = fit_clock(image_second=image[:3], image_second_std=1.0, trace_second=trace[:3], options=ClockOptions())
    assert float(three["offset_std"]) > 5.0


def test_absolute_times_give_the_offset_with_the_stated_uncertainty():
    trace = MEASURED.trace
    options = ClockOptions(offset_std=1.5)
    clock = fit_clock(trace, image_start_utc="2015-06-01T08:08:20+00:00", options=options)
    assert (float(clock["offset_second"]), float(clock["offset_std"])) == (500.0, 1.5)
    assert np.isnan(float(clock["drift_std"]))
    assert clock.attrs["method"] == "absolute times"
    same = fit_clock(trace.drop_vars("unix_time_second"), image_start_utc="2015-06-01T10:08:20+02:00", options=options)
    assert float(same["offset_second"]) == 500.0
    with pytest.warns(LithiscopeWarning, match="no stated uncertainty"):
        unknown = fit_clock(trace, image_start_utc="2015-06-01T08:08:20+00:00")
    assert np.isnan(float(unknown["offset_std"]))


def test_a_stated_offset_goes_first():
    clock = fit_clock(
        MEASURED.trace, image_second=np.array([1.0]), options=ClockOptions(offset_second=7.0, offset_std=0.5)
    )
    assert (float(clock["offset_second"]), float(clock["offset_std"])) == (7.0, 0.5)
    assert clock.attrs["method"] == "stated"


@pytest.mark.parametrize("missing", [[], [1], [0, 4]])
def test_edges_are_matched_though_the_images_lack_some_or_have_more(missing):
    rng = np.random.default_rng(3)
    edges = MEASURED.truth.edges()
    seen = np.delete(edges, missing) + rng.normal(0, 10.0, len(edges) - len(missing))
    clock = fit_clock(MEASURED.trace, image_second=seen, image_second_std=10.0)
    error, _ = error_of(clock, np.array([15_000.0]))
    assert abs(error[0]) < 25.0
    assert clock.sizes["edge"] == len(seen)
    with_false = np.sort(np.append(seen, 18_500.0))
    with pytest.warns(LithiscopeWarning, match="no step of the current within reach"):
        again = fit_clock(MEASURED.trace, image_second=with_false, image_second_std=10.0)
    assert again.sizes["edge"] == len(seen)


def test_equal_cycles_are_ambiguous_until_an_absolute_time_tells():
    trace, truth = cycled((2.5e-9,) * 4, rest=600.0, clock_offset=300.0, between=(2.9, 4.1))
    edges = truth.edges()
    middle = edges[4:8]
    with pytest.raises(AnalysisError, match="more than one offset"):
        fit_clock(trace, image_second=middle, image_second_std=5.0)
    # The image clock is off by ten minutes, which is less than half a cycle.
    late = "2015-06-01T08:15:00+00:00"
    with pytest.warns(LithiscopeWarning, match="disagrees with the absolute times"):
        guessed = fit_clock(trace, image_second=middle, image_second_std=5.0, image_start_utc=late)
    assert float(guessed["offset_second"]) == pytest.approx(300.0, abs=5.0)
    near = ClockOptions(largest_offset_second=1000.0)
    assert float(
        fit_clock(trace, image_second=middle, image_second_std=5.0, options=near)["offset_second"]
    ) == pytest.approx(300.0, abs=5.0)


def test_edges_that_fit_nothing_are_refused():
    edges = MEASURED.truth.edges()
    with pytest.raises(AnalysisError, match="do not fit"):
        fit_clock(MEASURED.trace, image_second=np.array([0.0, 17.0, 40.0, 77.0, 111.0]), image_second_std=1.0)
    with pytest.raises(AnalysisError, match="impossibly fast"):
        fit_clock(image_second=edges, image_second_std=1.0, trace_second=1.05 * edges)
    steady = trace_of(np.arange(100.0), np.full(100, 1e-9))
    with pytest.raises(AnalysisError, match="has no steps"):
        fit_clock(steady, image_second=edges, image_second_std=1.0)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "image_second"),
        ({"image_second": np.array([2.0, 1.0]), "trace_second": np.array([1.0, 2.0])}, "image_second"),
        ({"image_second": np.array([np.nan]), "trace_second": np.array([1.0])}, "image_second"),
        ({"image_second": np.array([1.0, 2.0]), "trace_second": np.array([1.0])}, "trace_second"),
        (
            {"image_second": np.array([1.0]), "image_second_std": 0.0, "trace_second": np.array([1.0])},
            "image_second_std",
        ),
        ({"image_second": np.array([1.0])}, "trace"),
        ({"image_start_utc": "2015-06-01T08:00:00"}, "image_start_utc"),
    ],
)
def test_what_cannot_be_fitted_is_refused(given, field):
    with pytest.raises(AnalysisError) as caught:
        fit_clock(**given)
    assert caught.value.field == field


def test_a_trace_without_zone_has_no_absolute_time():
    trace = MEASURED.trace.drop_vars("unix_time_second")
    del trace.attrs["start_utc"]
    with pytest.raises(AnalysisError, match="no absolute time") as caught:
        fit_clock(trace, image_start_utc="2015-06-01T08:00:00+00:00")
    assert "timezone=" in str(caught.value.remedy)


def test_matching_is_one_to_one_and_in_order():
    edges = CurrentEdges(*(np.array([0.0, 10.0, 100.0, 160.0]) for _ in range(4)), sample=np.arange(4))
    edges = edges._replace(second_std=np.full(4, 0.1))
    image, trace = match_edges(np.array([5.0, 14.0, 104.0]), np.full(3, 1.0), edges)
    assert image.tolist() == [0, 1, 2]
    assert trace.tolist() == [0, 1, 2]
    assert len(current_edges(MEASURED.trace).second) == 6


def test_from_the_composition_of_the_frames_to_the_clock():
    # Frames of two minutes whose mean composition scatters by 0.002, more than a thousand pixels at 0.065 do.
    time = np.arange(60.0, 35_000.0, FRAME)
    steps = MEASURED.truth.steps
    corners = [0.0, *(step.end_second for step in steps)]
    lithium = np.interp(time, corners, [0.9, *(step.lithium_end for step in steps)])
    errors = []
    for seed in range(20):
        noise = 0.002 * np.random.default_rng(seed).standard_normal(len(time))
        seen = edges_in_images(time, lithium + noise, 0.002)
        clock = fit_clock(MEASURED.trace, image_second=seen.second, image_second_std=seen.second_std)
        errors.append(error_of(clock, np.array([float(clock["reference_second"])]))[0][0])
    assert np.sqrt(np.mean(np.square(errors))) < 0.1 * FRAME


def test_a_drift_that_is_known_no_better_than_any_clock_runs_is_not_used():
    # Three markers of 200 s over 20000 s tell the drift to 200 s / 14000 s = 0.014; clocks run to 0.001.
    image = np.array([0.0, 10_000.0, 20_000.0])
    trace = image + 500.0 + np.array([-150.0, 20.0, 140.0])
    clock = fit_clock(image_second=image, image_second_std=200.0, trace_second=trace)
    assert float(clock["drift"]) == 0.0
    assert np.isnan(float(clock["drift_std"]))
    assert clock.attrs["drift"].startswith("unknown: the markers tell it to +- 0.01 only")
    assert float(clock["offset_second"]) == pytest.approx(500.0 + 10.0 / 3)
    assert float(clock["offset_std"]) == pytest.approx(200.0 / np.sqrt(3))
    np.testing.assert_allclose(clock["residual_second"].values, trace - image - 500.0 - 10.0 / 3)


def test_residuals_about_the_mean_count_where_the_drift_is_unknown():
    image = np.array([0.0, 1_000.0, 2_000.0])
    trace = image + np.array([-300.0, 600.0, -300.0])
    with pytest.warns(LithiscopeWarning, match="scatter by"):
        clock = fit_clock(
            image_second=image, image_second_std=50.0, trace_second=trace, options=ClockOptions(largest_drift=0.03)
        )
    assert clock.attrs["drift"].startswith("unknown")
    assert float(clock["offset_std"]) == pytest.approx(np.std(trace - image, ddof=1) / np.sqrt(3))


def test_edges_that_contradict_the_absolute_times_are_refused():
    edges = MEASURED.truth.edges()
    hour = "2015-06-01T09:08:20+00:00"  # the zone is wrong by an hour
    wide = ClockOptions(largest_offset_second=7200.0)
    with pytest.raises(AnalysisError, match="contradict the absolute times") as caught:
        fit_clock(MEASURED.trace, image_second=edges, image_second_std=1.0, image_start_utc=hour, options=wide)
    assert "cell.timezone" in str(caught.value.remedy)
    # A large error does not excuse what lies beyond it and beyond the bound: 17 minutes here, known to 200 s / sqrt(6).
    late = "2015-06-01T08:25:20+00:00"
    with pytest.raises(AnalysisError, match="contradict the absolute times"):
        fit_clock(MEASURED.trace, image_second=edges, image_second_std=200.0, image_start_utc=late, options=wide)
    # Without the wider search no step lies near the absolute times.
    with pytest.raises(AnalysisError, match="do not fit the steps"):
        fit_clock(MEASURED.trace, image_second=edges[[0, 3, 5]], image_second_std=1.0, image_start_utc=hour)
    with pytest.warns(LithiscopeWarning, match="disagrees with the absolute times"):
        fit_clock(MEASURED.trace, image_start_utc=hour, options=ClockOptions(offset_second=500.0))
    stated = ClockOptions(offset_second=500.0)
    assert float(fit_clock(MEASURED.trace, image_start_utc="2015-06-01T08:08:20+00:00", options=stated)["drift"]) == 0.0


def test_edges_need_no_absolute_time_of_the_trace():
    trace = MEASURED.trace.drop_vars("unix_time_second")
    del trace.attrs["start_utc"]
    edges = MEASURED.truth.edges()
    clock = fit_clock(trace, image_second=edges, image_second_std=1.0, image_start_utc="2015-06-01T08:08:20+00:00")
    assert float(clock["offset_second"]) == pytest.approx(500.0, abs=2.0)


def test_an_edge_is_matched_to_a_step_of_its_kind_only():
    edges = CurrentEdges(
        np.array([0.0, 1_000.0, 1_300.0, 5_000.0]),
        np.full(4, 0.1),
        np.array([0.0, -1.0, 0.0, 1.0]),
        np.array([-1.0, 0.0, 1.0, 0.0]),
        np.arange(4),
    )
    # Lithium falls from 1290 s on; without the slopes a stop at 1000 s would do as well.
    image, trace = match_edges(np.array([1_290.0]), np.array([50.0]), edges, slopes=np.array([[0.0, -1e-4]]))
    assert (image.tolist(), trace.tolist()) == ([0], [2])
    # Lithium turns round at once, as where the frames are too far apart to see a rest; the current never did.
    with pytest.raises(AnalysisError, match="do not fit the steps") as caught:
        match_edges(np.array([1_150.0]), np.array([50.0]), edges, slopes=np.array([[1e-4, -1e-4]]))
    assert "frames too far apart" in str(caught.value.remedy)
