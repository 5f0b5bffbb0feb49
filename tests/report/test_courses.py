from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions, course_curves, rate_courses

SVG = FigureOptions(format="svg")


def test_rates_lie_beside_that_of_the_cell_and_rests_are_left_out(drawn, kinetics):
    table = kinetics["rate_table"]
    axes = drawn(lambda: rate_courses(table, options=SVG)).axes[0]
    flowing = table["direction"].values != 0
    np.testing.assert_allclose(axes.containers[1].lines[0].get_ydata(), table["c_rate"].values[1, flowing])
    across = axes.containers[0].lines[2][0].get_segments()[0]
    assert np.ptp(across[:, 0]) == pytest.approx(table["duration"].values[0] / 60)
    assert axes.get_ylabel() == "single-particle C-rate / (1/h)"
    assert "cell" in axes.get_legend_handles_labels()[1]


def test_no_rate_is_refused(kinetics):
    lost = kinetics["rate_table"].copy(deep=True)
    lost["c_rate"][:] = np.nan
    with pytest.raises(AnalysisError, match="no particle has a C-rate"):
        rate_courses(lost)


def test_any_quantity_has_its_panel_and_absent_ones_none(drawn, kinetics):
    names = {"spread": "spread of x", "lithium_fraction": "mean x", "absent": "?"}
    first, second = drawn(lambda: course_curves(kinetics["table"], names, options=SVG)).axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("spread of x", "mean x")
    np.testing.assert_allclose(
        second.containers[2].lines[0].get_ydata(), kinetics["table"]["lithium_fraction"].values[2]
    )
    with pytest.raises(AnalysisError, match="nothing to draw"):
        course_curves(kinetics["table"], {"absent": "?"})
