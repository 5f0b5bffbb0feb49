from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions, channels
from report import kinetic_scene

SVG = FigureOptions(format="svg")


def test_profiles_show_the_size_of_the_current_and_x_of_the_ends(drawn, kinetics):
    table = kinetics["channels"]
    figure = drawn(lambda: channels.channel_profiles(table, intervals=[0, 4], options=SVG))
    panels = [axes for axes in figure.axes if axes.lines]
    current, surface = panels[1].lines[0], panels[3].lines[0]
    np.testing.assert_allclose(current.get_ydata(), 1e3 * np.abs(table["current_density"].values[4]))
    np.testing.assert_allclose(surface.get_ydata(), table["surface_lithium_fraction"].values[4])
    np.testing.assert_allclose(current.get_xdata(), table["position"].values)
    text = channels.channel_profiles(table, options=SVG).decode()
    assert "K01: 22 channels" in text
    assert text.count("delithiation") == 3


def test_unknown_particles_and_intervals_are_refused(kinetics):
    with pytest.raises(AnalysisError, match="no such particle"):
        channels.channel_profiles(kinetics["channels"], particle="K99")
    with pytest.raises(AnalysisError, match="does not exist"):
        channels.channel_profiles(kinetics["channels"], intervals=[6])
    lost = kinetics["channels"].copy(deep=True)
    lost["current_density"][:] = np.nan
    with pytest.raises(AnalysisError, match="no interval has a current"):
        channels.channel_profiles(lost)


def test_surface_and_inside_of_a_study_with_the_number_of_particles(drawn, kinetics):
    surfaces = kinetics["surfaces"]
    figure = drawn(lambda: channels.surface_against_rate(surfaces, half_cycles=kinetics["half_cycles"], options=SVG))
    left, right = figure.axes
    means = surfaces["surface_lithium_fraction"].values.mean(axis=0)
    np.testing.assert_allclose(left.containers[0].lines[0].get_ydata(), means[[0, 2]])
    assert left.get_title(loc="left") == "at a mean x of 0.5"
    assert sum(text.get_text() == "(6)" for text in left.texts) == 4  # once per point, not for the hollow ones too
    assert right.get_ylabel() == "share of the surface pixels"


@pytest.mark.parametrize("width", [3.5, 7.2])
def test_the_legend_of_the_surfaces_stands_above_the_panels(drawn, width):
    pooled = {"surface_lithium_fraction": kinetic_scene.make_pooled("x", [0.55, 0.99, 1.0, 0.41])}
    options = SVG.model_copy(update={"width": width})
    figure = drawn(lambda: channels.surface_against_rate(pooled, options=options))
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert all(axes.get_window_extent().y1 <= legend.y0 for axes in figure.axes)


def test_pooled_stages_by_name_and_nothing_at_all(drawn):
    pooled = {"surface_lithium_fraction": kinetic_scene.make_pooled("x", [0.55, 0.48, 0.64, 0.41])}
    left, right = drawn(lambda: channels.surface_against_rate(pooled, options=SVG)).axes
    np.testing.assert_allclose(left.containers[1].lines[0].get_ydata(), [0.48, 0.41])
    assert not right.containers
    with pytest.raises(AnalysisError, match="nothing to draw"):
        channels.surface_against_rate({})


def test_line_cuts_have_a_row_a_line_and_a_column_a_half_cycle(drawn, kinetics):
    cuts = kinetics["line_cuts"]
    figure = drawn(lambda: channels.line_cut_curves(cuts, options=SVG))
    assert len(figure.axes) == 2 * 4
    first = figure.axes[0].lines[:8]
    here = cuts["line"].values == "A"
    for frame, line in enumerate(first):
        np.testing.assert_allclose(line.get_ydata(), cuts["lithium_fraction"].values[frame, here])
        np.testing.assert_allclose(line.get_xdata(), cuts["distance"].values[here])
    assert [line.get_alpha() for line in first] == sorted(line.get_alpha() for line in first)
    assert len(drawn(lambda: channels.line_cut_curves(cuts, lines=["B"], options=SVG)).axes) == 4
    with pytest.raises(AnalysisError, match="no such line"):
        channels.line_cut_curves(cuts, lines=["C"])


def test_courses_are_means_over_the_channels_of_a_particle(drawn):
    cuts = kinetic_scene.make_channel_cuts()
    figure = drawn(lambda: channels.channel_courses(cuts, options=SVG))
    assert len(figure.axes) == 2 * 2
    first = figure.axes[0].lines
    np.testing.assert_allclose(first[0].get_xdata(), np.arange(20, 400, 40))
    np.testing.assert_allclose(first[1].get_ydata(), cuts["lithium_fraction"].values[1, :10])
    assert "p01, 3 channels" in figure.axes[0].get_ylabel()
    # One standard error of the mean over three channels.
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert np.ptp(band[np.abs(band[:, 0] - 180) < 1, 1]) == pytest.approx(2 * 0.05 / np.sqrt(3))


def test_courses_leave_out_what_was_lost_and_need_values(drawn):
    cuts = kinetic_scene.make_channel_cuts()
    some = cuts.copy(deep=True)
    some["lithium_fraction"][1, :10] = np.nan  # one channel in one frame
    line = drawn(lambda: channels.channel_courses(some, options=SVG)).axes[0].lines[1]
    np.testing.assert_allclose(line.get_ydata(), cuts["lithium_fraction"].values[1, :10])
    some["lithium_fraction"][:] = np.nan
    with pytest.raises(AnalysisError, match="no value"):
        channels.channel_courses(some)
