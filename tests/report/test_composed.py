from __future__ import annotations

import pytest

from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions
from lithiscope.report.composed import channel_figure, rate_law_figure
from report.kinetic_scene import make_cases


def _rate_law(kinetics, options):
    parts = (kinetics[name] for name in ("video", "domains", "rates", "law_fit", "uniformity"))
    return rate_law_figure(*parts, table=kinetics["rate_table"], options=options)


def _inside(figure):
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return box.x0 > -0.01 and box.y0 > -0.01 and box.x1 < width + 0.01 and box.y1 < height + 0.01


def test_maps_law_and_uniformity_stand_in_one_figure_with_letters(kinetics, drawn):
    figure = drawn(lambda: _rate_law(kinetics, FigureOptions(dots_per_inch=60)))
    assert figure.get_figwidth() == 7.2
    assert [part.texts[-1].get_text() for part in figure.subfigs] == ["a", "b", "c", "d"]
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert any("exchange" in text for text in labels)
    assert any("uniformity" in text for text in labels)
    assert _inside(figure)


@pytest.mark.parametrize("kind", ["svg", "pdf"])
def test_a_composed_figure_is_a_vector_too(kinetics, kind):
    assert _rate_law(kinetics, FigureOptions(format=kind)).startswith({"svg": b"<?xml", "pdf": b"%PDF"}[kind])


def test_one_column_is_too_narrow(kinetics):
    with pytest.raises(AnalysisError, match="wider than one column") as caught:
        _rate_law(kinetics, FigureOptions(width=3.5))
    assert caught.value.value == 3.5


def test_channels_and_regimes_stand_in_one_figure(kinetics, drawn):
    figure = drawn(
        lambda: channel_figure(
            kinetics["channels"],
            kinetics["surfaces"],
            make_cases(),
            half_cycles=kinetics["half_cycles"],
            options=FigureOptions(dots_per_inch=60),
        )
    )
    assert _inside(figure)
