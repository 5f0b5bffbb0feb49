from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions, spread_against_mean, uniformity_against_rate
from report import kinetic_scene, scene

SVG = FigureOptions(format="svg")


def test_points_lie_between_the_binary_limit_and_noise_on_the_fitted_lines(drawn, kinetics):
    table, uniformity = kinetics["table"], kinetics["uniformity"]
    axes = drawn(lambda: spread_against_mean(table, uniformity, options=SVG)).axes[0]
    m = np.linspace(0, 1, 201)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.sqrt(m * (1 - m)))
    fitted = next(line for line in axes.lines[1:] if line.get_xdata().size == 201)
    expected = np.sqrt((1 - uniformity["uniformity"].values[0, 0]) ** 2 * m * (1 - m) + kinetic_scene.SIGMA**2)
    np.testing.assert_allclose(fitted.get_ydata(), expected)
    measured = np.concatenate([bar.lines[0].get_ydata() for bar in axes.containers])
    np.testing.assert_allclose(np.sort(measured), np.sort(table["spread"].values[0]))


def test_every_particle_has_a_panel_and_every_half_cycle_its_coefficient(kinetics):
    text = spread_against_mean(kinetics["table"], kinetics["uniformity"], options=SVG).decode()
    assert all(f">{name}<" in text for name in scene.NAMES)
    value = kinetics["uniformity"]["uniformity"].values[2, 3]
    assert f"2C  U = {value:.2f}".replace("  ", " ") in text.replace("  ", " ").replace("&#160;", " ")


def test_a_lost_coefficient_has_no_line_and_says_so(kinetics):
    lost = kinetics["uniformity"].copy(deep=True)
    lost["uniformity"][1, 1] = np.nan
    assert b"no value" in spread_against_mean(kinetics["table"], lost, options=SVG)


def test_strangers_are_refused(kinetics):
    other = kinetics["uniformity"].assign_coords(particle=["A", "B", "C"])
    with pytest.raises(AnalysisError, match="no particle is in both"):
        spread_against_mean(kinetics["table"], other)


def test_means_and_standard_errors_against_rate(drawn, kinetics):
    table = kinetics["uniformity"]
    axes = drawn(lambda: uniformity_against_rate(table, options=SVG)).axes[0]
    lithiation, delithiation = (bar.lines[0] for bar in axes.containers)
    values = table["uniformity"].values
    np.testing.assert_allclose(lithiation.get_ydata(), values.mean(axis=0)[[0, 2]])
    np.testing.assert_allclose(delithiation.get_ydata(), values.mean(axis=0)[[1, 3]])
    np.testing.assert_allclose(lithiation.get_xdata(), [0.6, 2.0])
    segment = axes.containers[0].lines[2][0].get_segments()[0]
    assert np.ptp(segment[:, 1]) == pytest.approx(2 * values[:, 0].std(ddof=1) / np.sqrt(3))
    assert sum(text.get_text() == "(3)" for text in axes.texts) == 4


def test_pooled_figures_keep_their_own_errors_and_counts(drawn):
    pooled = kinetic_scene.make_pooled("uniformity", [0.8, 0.6, 0.9, 0.7])
    axes = drawn(lambda: uniformity_against_rate(pooled, options=SVG)).axes[0]
    assert {text.get_text() for text in axes.texts} >= {"(7)", "(9)", "(6)", "(8)"}
    np.testing.assert_allclose(axes.containers[0].lines[0].get_ydata(), [0.8, 0.9])


def test_nothing_finite_is_refused(kinetics):
    lost = kinetics["uniformity"].copy(deep=True)
    lost["uniformity"][:] = np.nan
    with pytest.raises(AnalysisError, match="no group has a value"):
        uniformity_against_rate(lost)
