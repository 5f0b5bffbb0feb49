from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib as mpl

from lithiscope.report import FigureOptions, amount_map, particle_curves
from lithiscope.report.style import style


def test_the_look_is_undone_afterwards():
    before = dict(mpl.rcParams)
    with style(FigureOptions(font_size=13)):
        assert mpl.rcParams["font.size"] == 13
    assert dict(mpl.rcParams) == before


def test_figures_never_touch_pyplot(video, monkeypatch):
    import matplotlib.pyplot as plt

    amount_map(video, options=FigureOptions(dots_per_inch=50))
    assert plt.get_fignums() == []


def test_an_svg_is_xml_with_text_dark_ink_and_no_date(table):
    svg = particle_curves(table, options=FigureOptions(format="svg")).decode()
    ET.fromstring(svg)
    assert "prefers-color-scheme:dark" in svg
    assert "time / min" in svg
    assert "<dc:date>" not in svg
    assert "system" in svg or "Helvetica" in svg
