from __future__ import annotations

import pytest

from lithiscope.report import FigureOptions
from lithiscope.report.fitting import columns_of, empty_figure, fit_text, legend_above, legend_beside, size_of
from lithiscope.report.style import style

WIDE, NARROW = FigureOptions(width=7.2), FigureOptions(width=3.5, font_size=7)


def drawn(options, **axes):
    figure = empty_figure(options, 0.6, 0.3)
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], label="a rather long name of a line")
    panel.plot([0, 1], [1, 0], label="another rather long name")
    panel.set(**axes)
    return figure, panel


def test_a_narrow_figure_takes_the_whole_width_and_keeps_a_height():
    assert size_of(empty_figure(WIDE, 0.6, 0.3)) == pytest.approx((4.32, 2.16))
    assert size_of(empty_figure(NARROW, 0.6, 0.3)) == pytest.approx((3.5, 2.2))
    assert size_of(empty_figure(NARROW, 0.6, 0.3, lines=3, more=0.5)) == pytest.approx((3.5, 3 * 1.35 + 0.5))


def test_panels_keep_their_least_width():
    assert [columns_of(width, 6, least=1.5) for width in (1.0, 3.5, 7.2, 30.0)] == [1, 2, 4, 6]


def test_the_legend_stands_beside_wide_panels_and_under_narrow_ones():
    for options, beside in ((FigureOptions(width=10), True), (NARROW, False)):
        with style(options):
            figure, panel = drawn(options)
            legend_beside(figure)
            figure.draw_without_rendering()
            legend, frame = figure.legends[0].get_window_extent(), panel.get_window_extent()
        assert bool(legend.x0 > frame.x1) is beside
        assert bool(legend.y1 < frame.y0) is not beside


def test_a_legend_has_as_many_rows_as_the_width_needs_and_the_figure_grows():
    with style(NARROW):
        figure, _ = drawn(NARROW)
        legend_above(figure, labels=[f"a long name of line {k}" for k in range(2)], ncols=2, title="names")
        (legend,) = figure.legends
        figure.draw_without_rendering()
    assert legend.get_window_extent().width <= 3.5 * figure.dpi


def test_long_labels_break_before_their_unit_and_stay_on_the_figure():
    with style(NARROW):
        figure, panel = drawn(NARROW, ylabel="exchange current density of the channel / (mA/m²)", xlabel="x")
        fit_text(figure)
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
    lines = panel.get_ylabel().split("\n")
    assert len(lines) == 2
    assert " ".join(lines).replace("\u00a0", " ") == "exchange current density of the channel / (mA/m²)"
    assert panel.get_xlabel() == "x"
    assert box.y0 >= 0
    assert box.y1 <= figure.get_figheight()
