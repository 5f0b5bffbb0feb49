from __future__ import annotations

import numpy as np
import pytest

from lithiscope import laws
from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions, MorphologyPoint, regime
from lithiscope.report.style import DIRECTION_COLOURS
from report import kinetic_scene

SVG = FigureOptions(format="svg")


@pytest.fixture(scope="module")
def states():
    potential = laws.chemical_potential("regular_solution", omega=4.49)
    names = ("skewed_lim", "symmetric")
    return {name: laws.UniformState(laws.exchange_law(name), potential, strain=3.73) for name in names}


def test_every_piece_of_evidence_has_its_row_and_the_verdict_is_the_title(drawn, kinetics):
    evidence = kinetics["evidence"]
    axes = drawn(lambda: regime.evidence_figure(evidence, options=SVG)).axes[0]
    dots = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    np.testing.assert_allclose([dot.get_xdata()[0] for dot in dots], evidence["probability"].values)
    assert [dot.get_marker() for dot in dots] == ["o", "o", "o", "D"]  # an undecided piece looks different
    assert axes.get_title(loc="left") == "surface-reaction-limited"
    text = regime.evidence_figure(evidence, options=SVG).decode()
    assert "820" in text
    assert "[−0.04, 0.08], turns at 0.5" in " ".join(text.split())


def test_no_evidence_is_refused_and_nan_draws_no_dot(drawn, kinetics):
    with pytest.raises(AnalysisError, match="no evidence"):
        regime.evidence_figure(kinetics["evidence"].isel(evidence=[]))
    lost = kinetics["evidence"].copy(deep=True)
    lost["probability"][0] = np.nan
    axes = drawn(lambda: regime.evidence_figure(lost, options=SVG)).axes[0]
    assert sum(line.get_marker() not in ("None", "") for line in axes.lines) == 3


def test_the_measured_point_lies_in_the_diagram_with_its_range(drawn):
    point = MorphologyPoint("P01", (1e-6, 3e-5, 1e-3), (1e-4, 1e-3, 2e-2))
    axes = drawn(lambda: regime.morphology_diagram([point], options=SVG)).axes[0]
    mark = axes.containers[0].lines[0]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (3e-5, 1e-3)
    across, up = (bars.get_segments()[0] for bars in axes.containers[0].lines[2])
    np.testing.assert_allclose(across[:, 0], [1e-6, 1e-3])
    np.testing.assert_allclose(up[:, 1], [1e-4, 2e-2])
    low, high = axes.get_xlim()
    assert low < 1e-6
    assert high > 1  # both sides of the boundary are in view


def test_bad_points_are_refused():
    with pytest.raises(AnalysisError, match="must be positive"):
        regime.morphology_diagram([MorphologyPoint("P", (-0.1, 1.0, 2.0), (1.0, 1.0, 1.0))])
    with pytest.raises(AnalysisError, match="no particle"):
        regime.morphology_diagram([])


def test_an_upper_limit_is_hollow_at_its_upper_end_with_an_arrow(drawn):
    points = [
        MorphologyPoint("P01", (0.0, 0.1, 0.3), (0.0, 0.01, 0.05), 1),
        MorphologyPoint("P01", *[(1.0, 2.0, 3.0)] * 2),
    ]
    axes = drawn(lambda: regime.morphology_diagram(points, options=SVG)).axes[0]
    hollow = next(line for line in axes.lines if line.get_fillstyle() == "none")
    assert (hollow.get_xdata()[0], hollow.get_ydata()[0]) == (0.3, 0.05)
    assert len(axes.containers) == 1


def test_one_case_at_a_time(kinetics):
    with pytest.raises(AnalysisError, match="one particle in one half cycle"):
        regime.evidence_figure(kinetic_scene.make_cases())


def shaded(axes, x, current):
    """Whether a point of the map lies in the shaded, unstable region."""
    filled = next(collection for collection in axes.collections if collection.get_facecolor().size)
    return any(path.contains_point((x, current)) for path in filled.get_paths())


def test_the_shaded_region_is_where_s_is_positive(drawn, states):
    figure = drawn(lambda: regime.stability_diagram(states, options=SVG))
    lower = {name: figure.axes[2 + k] for k, name in enumerate(states)}
    for name, state in states.items():
        for x, current in ((0.5, 0.05), (0.5, 0.9), (0.1, 0.5), (0.5, -0.8), (0.9, 0.3), (0.3, -0.3)):
            growth = float(laws.growth_rate(np.array(x), np.array(current), state))
            assert shaded(lower[name], x, current) == (growth > 0), (name, x, current)
    # Lim's skewed law is neutral at 0.4934 for x = 0.5, just above which it is stable.
    assert shaded(lower["skewed_lim"], 0.5, 0.48)
    assert not shaded(lower["skewed_lim"], 0.5, 0.51)


def test_paths_are_insertion_currents_over_k0(drawn, states, kinetics):
    table = kinetics["rate_table"]
    figure = drawn(
        lambda: regime.stability_diagram(states, table=table, rate_constants={"skewed_lim": 0.05}, options=SVG)
    )
    paths = [bar.lines[0] for bar in figure.axes[2].containers]
    assert len(paths) == 3 * 4  # particles and half cycles
    half = table["half_cycle"].values == 0
    np.testing.assert_allclose(paths[0].get_ydata(), -table["current_density"].values[0, half] / 0.05)
    np.testing.assert_allclose(paths[0].get_xdata(), table["lithium_fraction"].values[0, half])
    assert paths[0].get_ydata().min() > 0  # lithiation goes upwards
    assert not figure.axes[3].containers
    assert "no k₀" in {text.get_text().split(":")[0] for text in figure.axes[3].texts}


@pytest.mark.parametrize("width", [3.5, 7.2])
def test_no_words_lie_on_the_paths(drawn, states, kinetics, width):
    constants = dict.fromkeys(states, 0.05)
    options = SVG.model_copy(update={"width": width})
    figure = drawn(
        lambda: regime.stability_diagram(
            states, table=kinetics["rate_table"], rate_constants=constants, options=options
        )
    )
    assert not any(text.get_text() for axes in figure.axes for text in axes.texts)
    titles = " ".join(axes.get_title(loc="left") + axes.get_title() for axes in figure.axes)
    assert "stable from" in " ".join(titles.split())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["lithiation", "delithiation", "unstable"]


def test_growth_along_a_path_is_the_integral(drawn, states, kinetics):
    table = kinetics["rate_table"]
    axes = drawn(lambda: regime.growth_curves(states, table, {"skewed_lim": 0.05}, options=SVG)).axes[0]
    curve = axes.lines[0]
    half = table["half_cycle"].values == 0
    x, flow = table["lithium_fraction"].values[0, half], -table["current_density"].values[0, half] / 0.05
    expected = laws.growth_integral(x, (flow[1:] + flow[:-1]) / 2, states["skewed_lim"]).log_amplitude
    np.testing.assert_allclose(np.log(curve.get_ydata()), expected)
    # Lithiation damps what delithiation amplifies: the asymmetry of Lim 2016.
    ends = {
        c: [line.get_ydata()[-1] for line in axes.lines if line.get_color() == c] for c in DIRECTION_COLOURS.values()
    }
    assert max(ends[DIRECTION_COLOURS[1]]) < 1 < min(ends[DIRECTION_COLOURS[-1]])


def test_no_law_or_no_path_is_refused(states, kinetics):
    with pytest.raises(AnalysisError, match="no law"):
        regime.stability_diagram({})
    with pytest.raises(AnalysisError, match="measured path"):
        regime.growth_curves(states, kinetics["rate_table"], {})
