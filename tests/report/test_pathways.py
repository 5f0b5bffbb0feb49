from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions, boundary_motion, interface_against_rate, pathway_shares, shape_misfits
from report import pathway_scene

SVG = FigureOptions(format="svg")


def test_means_of_widths_against_rate_with_their_counts(drawn):
    table = pathway_scene.interface_table()
    figure = drawn(lambda: interface_against_rate(table, options=SVG))
    width, _, speed = figure.axes
    lithiation = width.containers[0].lines[0]
    np.testing.assert_allclose(lithiation.get_xdata(), [0.2, 2.0])
    # One of three particles has no width at 0.2C.
    np.testing.assert_allclose(lithiation.get_ydata(), [1e3 * (0.12 + 0.14) / 2, 310.0])
    assert {"(2)", "(3)"} <= {text.get_text() for text in width.texts}
    assert all((bar.lines[0].get_ydata() == 50.0).all() for bar in speed.containers)


def test_widths_and_velocities_against_time(drawn):
    table = pathway_scene.interface_table()
    figure = drawn(lambda: boundary_motion(table, options=SVG))
    upper, lower = figure.axes
    assert len(upper.containers) == len(lower.containers) == 3
    np.testing.assert_allclose(upper.containers[0].lines[0].get_ydata(), 1e3 * table["width"].values[0])
    np.testing.assert_allclose(lower.containers[2].lines[0].get_ydata(), 1e3 * table["velocity"].values[2])
    assert len(upper.patches) == 4  # half cycles


def test_columns_of_pathways_add_up_and_tell_how_many(drawn):
    diagram = pathway_scene.pathway_diagram()
    figure = drawn(lambda: pathway_shares(diagram, active=pathway_scene.active_particles(), options=SVG))
    lithiation, delithiation, rest, active = figure.axes
    heights = np.array([[bar.get_height() for bar in group] for group in lithiation.containers[:3]])
    np.testing.assert_allclose(heights.sum(axis=0), 1.0)
    np.testing.assert_allclose(heights.T, diagram["share"].values[:2])
    assert [text.get_text() for text in lithiation.texts] == ["(2 + 1)", "(2 + 1)"]
    assert [text.get_text() for text in rest.texts] == ["(2)"]
    assert [label.get_text() for label in rest.get_xticklabels()] == ["at rest"]
    np.testing.assert_allclose(active.containers[0].lines[0].get_ydata(), [0.4, 0.9])
    assert delithiation.get_title(loc="left") == "delithiation"


def test_every_domain_is_a_point_and_every_verdict_is_counted(drawn):
    figure = drawn(lambda: shape_misfits(pathway_scene.domain_shape(), options=SVG))
    left, right = figure.axes
    seen = {line.get_label(): line.get_xydata() for line in left.lines if not line.get_label().startswith("_")}
    assert set(seen) == {"faceted", "elliptic"}  # the one without a fit is not drawn
    np.testing.assert_allclose(seen["faceted"], [[30.0, 8.0]])
    counts = {bars.get_label(): [bar.get_height() for bar in bars] for bars in right.containers}
    assert counts == {"faceted": [1, 0, 0], "elliptic": [0, 2, 0], "cannot tell": [0, 0, 1]}


def test_what_cannot_be_drawn_says_why():
    table, diagram = pathway_scene.interface_table(), pathway_scene.pathway_diagram()
    with pytest.raises(AnalysisError, match="can be trusted"):
        boundary_motion(table.assign(width=table["width"] * np.nan))
    with pytest.raises(AnalysisError, match="C-rates of the half cycles are not known"):
        interface_against_rate(table.drop_vars("applied_c_rate"))
    with pytest.raises(AnalysisError, match="no particle has a verdict"):
        pathway_shares(diagram.assign(particle_count=diagram["particle_count"] * 0))
    shapes = pathway_scene.domain_shape()
    with pytest.raises(AnalysisError, match="can be trusted"):
        shape_misfits(shapes.assign(ellipse_misfit=shapes["ellipse_misfit"] * np.nan))
