from __future__ import annotations

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from lithiscope.errors import AnalysisError, StageError
from lithiscope.report import FigureOptions
from lithiscope.report.exchange import best_law, exchange_current, normalised_exchange

SVG = FigureOptions(format="svg")


def bars(axes):
    return [container for container in axes.containers if isinstance(container, ErrorbarContainer)]


def test_every_point_is_drawn_at_its_value_with_bars_both_ways(drawn, kinetics):
    fit = kinetics["law_fit"]
    axes = drawn(lambda: exchange_current(fit, options=SVG)).axes[0]
    x = np.concatenate([bar.lines[0].get_xdata() for bar in bars(axes)])
    y = np.concatenate([bar.lines[0].get_ydata() for bar in bars(axes)])
    np.testing.assert_allclose(np.sort(x), np.sort(fit["lithium_fraction"].values))
    np.testing.assert_allclose(np.sort(y), np.sort(1e3 * fit["exchange_current_density"].values))
    across, up = bars(axes)[0].lines[2]
    wide = np.array([np.ptp(segment[:, 0]) for segment in across.get_segments()])
    np.testing.assert_allclose(wide, 2 * 0.015)
    tall = np.array([np.ptp(segment[:, 1]) for segment in up.get_segments()])
    first = (fit["particle"].values == "P01") & fit["used"].values
    np.testing.assert_allclose(tall, 2e3 * fit["exchange_current_density_std"].values[first])


def test_points_outside_the_fit_are_hollow_and_counted(drawn, kinetics):
    fit = kinetics["law_fit"]
    axes = drawn(lambda: exchange_current(fit, options=SVG)).axes[0]
    hollow = [bar for bar in bars(axes) if bar.lines[0].get_fillstyle() == "none"]
    assert sum(bar.lines[0].get_xdata().size for bar in hollow) == int((~fit["used"].values).sum())
    text = exchange_current(fit, options=SVG).decode()
    assert "5 particles, 70 points" in text
    assert f"{int((~fit['used'].values).sum())} not fitted" in text


def test_the_dark_band_is_95_percent_of_the_preferred_law(drawn, kinetics):
    fit = kinetics["law_fit"]
    axes = drawn(lambda: exchange_current(fit, options=SVG)).axes[0]
    band = next(patch for patch in axes.collections if patch.get_label() == "95 % of the fit")
    vertices = band.get_paths()[0].vertices
    at = int(np.argmax(fit["fit"].values[0]))
    here = vertices[np.isclose(vertices[:, 0], fit["x_grid"].values[at])]
    assert np.ptp(here[:, 1]) == pytest.approx(2 * 1.96e3 * fit["fit_std"].values[0, at], rel=1e-3)


def test_in_one_column_the_legend_is_not_taller_than_the_plot(drawn, kinetics):
    fit = kinetics["law_fit"]
    narrow = SVG.model_copy(update={"width": 3.5})
    figure = drawn(lambda: exchange_current(fit, options=narrow))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert legend.get_window_extent().height < 0.8 * figure.axes[0].get_window_extent().height
    assert not any("k₀" in text.get_text() for text in legend.get_texts())


def test_a_bad_fit_is_a_plain_number(drawn, kinetics):
    fit = kinetics["law_fit"]
    bad = fit.assign(chi_square=fit["chi_square"] * 0 + 123.4 * float(fit.attrs["degrees_of_freedom"]))
    assert "χ²/dof 120<" in exchange_current(bad, options=SVG).decode()


def test_an_inactive_face_doubles_the_scale_at_the_right_and_is_in_no_band(drawn, kinetics):
    figure = drawn(lambda: exchange_current(kinetics["law_fit"], options=SVG))
    left, right = figure.axes[0].get_ylim(), figure.axes[1].get_ylim()
    np.testing.assert_allclose(right, 2 * np.array(left))
    text = exchange_current(kinetics["law_fit"], options=SVG).decode()
    assert "with one inactive face" in text
    assert "resistance" in text
    causes = kinetics["law_fit"]["systematic"].values.tolist()
    bare = kinetics["law_fit"].isel(systematic=[causes.index("resistance")])
    assert "inactive" not in exchange_current(bare, options=SVG).decode()


def test_the_systematic_band_adds_its_causes_in_quadrature(drawn, kinetics):
    fit = kinetics["law_fit"]
    axes = drawn(lambda: exchange_current(fit.assign(fit_std=0 * fit["fit_std"]), options=SVG)).axes[0]
    band = next(patch for patch in axes.collections if str(patch.get_label()).startswith("with systematic"))
    top = band.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(1e3 * fit["fit"].values[0].max() * (1 + np.hypot(0.08, 0.057)), rel=1e-3)


def test_capacity_compresses_x_from_either_end(drawn, kinetics):
    fit = kinetics["law_fit"]
    axes = drawn(lambda: exchange_current(fit, capacity_ratio=0.88, options=SVG)).axes[0]
    dashed = [line for line in axes.lines if line.get_linestyle() == "--" and line.get_linewidth() == 0.7]
    grid = fit["x_grid"].values
    np.testing.assert_allclose(dashed[0].get_xdata(), 0.88 * grid)
    np.testing.assert_allclose(dashed[1].get_xdata(), 0.12 + 0.88 * grid)
    stated = fit.assign_attrs(capacity_ratio=0.88)
    assert exchange_current(stated, options=SVG) == exchange_current(fit, capacity_ratio=0.88, options=SVG)


def test_the_preferred_law_is_the_stated_one_else_the_likeliest(kinetics):
    fit = kinetics["law_fit"]
    assert best_law(fit.assign_attrs(preferred="symmetric")) == 1
    assert best_law(fit.assign_attrs(preferred="none")) == 0
    assert best_law(fit.assign_attrs(preferred="none").drop_vars("log_likelihood")) == 0


def test_names_are_text_not_formulas(kinetics):
    evil = kinetics["law_fit"].assign_coords(particle=("point", np.array(["a<b&c"] * 70)))
    assert "a&lt;b&amp;c" in exchange_current(evil, options=SVG).decode()


def test_chosen_channels_are_coloured_and_lie_at_their_values(drawn, kinetics):
    channels = kinetics["channels"]
    axes = drawn(lambda: normalised_exchange(channels, fit=kinetics["law_fit"], chosen=[5], options=SVG)).axes[0]
    named = [bar for bar in bars(axes) if str(bar.get_label()).strip("_") == "channel 5"]
    y = np.concatenate([bar.lines[0].get_ydata() for bar in named])
    np.testing.assert_allclose(y, channels["normalised_exchange_current"].values[:, 4])
    law = next(line for line in axes.lines if line.get_label() == "skewed lim")
    assert law.get_ydata().max() == pytest.approx(0.974, abs=0.001)  # F = 3 (1-x) sqrt(x (1-x)) at x = 1/4


def test_what_is_not_there_is_refused(kinetics):
    with pytest.raises(AnalysisError, match="no such channel"):
        normalised_exchange(kinetics["channels"], chosen=[77])
    with pytest.raises(StageError, match="not of the expected stage"):
        exchange_current(kinetics["channels"])
