from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib as mpl

from lithiscope.report import FigureOptions, amount_map, particle_curves
from lithiscope.report.style import style, to_bytes


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


def test_a_fine_picture_is_binned_to_what_can_be_seen() -> None:
    import numpy as np
    from matplotlib.figure import Figure

    def picture(finest: int | None) -> tuple[tuple[int, ...], np.ndarray]:
        options = FigureOptions(format="svg", finest_picture=finest)
        with style(options):
            figure = Figure(figsize=(2.0, 2.0))
            axes = figure.add_axes((0, 0, 1, 1))
            values = np.zeros((301, 401, 3), dtype=np.uint8)
            values[:150] = 200
            image = axes.imshow(values, origin="lower", extent=(0, 4.01, 0, 3.01), interpolation="none", aspect="auto")
            axes.set(xlim=(0, 4.01), ylim=(0, 3.01))
            to_bytes(figure, options)
            assert axes.get_xlim() == (0, 4.01)
            assert axes.get_ylim() == (0, 3.01)
            left, right, bottom, top = image.get_extent()
            shown = np.asarray(image.get_array())
            # A pixel stays where it was: 0.01 wide and high before, `bins` times that after.
            np.testing.assert_allclose((right - left) / shown.shape[1], 0.01 * np.ceil(401 / shown.shape[1]), rtol=1e-9)
            np.testing.assert_allclose((top - bottom) / shown.shape[0], 0.01 * np.ceil(301 / shown.shape[0]), rtol=1e-9)
            return shown.shape, shown

    assert picture(None)[0] == (301, 401, 3)
    shape, shown = picture(100)
    assert shape == (151, 201, 3)  # 401 pixels over two inches are 200 per inch
    assert shown[0, 0].tolist() == [200, 200, 200]
    assert shown[-1, -1].tolist() == [0, 0, 0]
