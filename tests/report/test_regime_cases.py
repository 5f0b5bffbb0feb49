from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions, case_figure, morphology_points
from report import kinetic_scene

SVG = FigureOptions(format="svg")


def test_every_case_has_its_ratio_its_pieces_and_its_verdict(drawn):
    cases = kinetic_scene.make_cases()
    left, right = drawn(lambda: case_figure(cases, options=SVG)).axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == [
        "p01, lithiation (0)", "p01, delithiation (1)", "p02, lithiation (0)", "p02, delithiation (1)",
    ]  # fmt: skip
    dots = [line for line in left.lines if line.get_marker() == "o"]
    # The third case lacks the ratio; the others lie at 100.
    assert [dot.get_xdata()[0] for dot in dots] == [2.0, 2.0, 2.0]
    assert sum(line.get_marker() == ">" for line in left.lines) == 3  # their ranges go beyond the figure
    marks = [line.get_marker() for line in right.lines if line.get_marker() in ("o", "s", "D")]
    # Seven pieces with a figure say surface reaction, two verdicts too, two verdicts are open.
    assert (marks.count("o"), marks.count("D")) == (7 + 2, 2)


def test_times_become_points_with_their_ranges():
    points = morphology_points(kinetic_scene.make_cases())
    assert [(point.name, point.direction) for point in points] == [("p01", 1), ("p01", -1), ("p02", -1)]
    low, value, high = points[0].biot
    assert value == pytest.approx(0.01)
    # 400 (200 to 800) over 4e4 (3e4 to 5e4): logarithms in quadrature.
    assert np.log10(high / value) == pytest.approx(np.hypot(np.log10(2), np.log10(4 / 3)))
    assert np.log10(value / low) == pytest.approx(np.hypot(np.log10(2), np.log10(5 / 4)))
    assert points[1].biot == (0.0, pytest.approx(0.01), pytest.approx(800 / 3e4))


def test_nothing_to_draw_is_said(kinetics):
    with pytest.raises(AnalysisError, match="no evidence"):
        case_figure(kinetic_scene.make_cases().isel(evidence=[]))
    assert morphology_points(kinetics["evidence"]) == []
