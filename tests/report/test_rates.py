from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lithiscope.errors import AnalysisError, StageError
from lithiscope.report import FigureOptions, rates
from lithiscope.report.colours import HATCH, lookup_table

SVG = FigureOptions(format="svg")


def pictures(figure):
    """The RGB pictures of the panels, upright, in order."""
    return [axes.images[0].get_array() for axes in figure.axes if axes.images and axes.images[0].get_array().ndim == 3]


@pytest.fixture
def sheet(drawn, kinetics):
    def make(draw, **more):
        return drawn(lambda: draw(kinetics["rates"], table=kinetics["rate_table"], options=SVG, **more))

    return make


def test_zero_is_white_lithiation_purple_and_delithiation_orange(sheet, kinetics):
    table = lookup_table("PuOr").astype(int)
    assert np.ptp(table[127]) <= 4  # the middle of the scale has no hue
    up, down = (pictures(sheet(rates.rate_maps, intervals=[k]))[0][40, 50].astype(int) for k in (2, 10))
    assert up[2] > up[1]  # more blue than green: purple
    assert down[0] > down[2]  # more red than blue: orange
    current = pictures(sheet(rates.current_maps, intervals=[2]))[0][40, 50].astype(int)
    assert current[2] > current[1]  # lithiation is purple there too, though j is negative


def test_known_pixels_have_the_colour_of_their_value(sheet, kinetics):
    rate = kinetics["rates"]["insertion_rate"].values[2].astype(float)
    inside = kinetics["rates"]["label"].values > 0
    std = kinetics["rates"]["insertion_rate_std"].values[2]
    low, high, _ = rates.colour_limits(rate[inside], std[inside], diverging=True)
    picture = pictures(sheet(rates.rate_maps, intervals=[2]))[0]
    for row, column in ((40, 50), (18, 12), (47, 20)):
        expected = lookup_table("PuOr")[round(np.clip((rate[row, column] - low) / (high - low), 0, 1) * 255)]
        np.testing.assert_allclose(picture[row, column].astype(int), expected, atol=1)


def test_lost_pixels_of_particles_are_hatched_and_background_is_not(sheet):
    # Frame 3 lost a stripe of lines 14 and 15, so intervals 2 and 3 have no rate there.
    picture = pictures(sheet(rates.rate_maps, intervals=[3]))[0]
    assert tuple(picture[14, 20]) in HATCH
    assert tuple(picture[0, 71]) not in HATCH


def test_noise_alone_never_fills_the_colours():
    random = np.random.default_rng(4)
    values = 0.3 * random.standard_normal(4000)
    low, high, noise = rates.colour_limits(values, np.full(values.shape, 0.3), diverging=True)
    assert (low, noise) == (-high, pytest.approx(0.3))
    # 99 % of Gaussian noise lies within 2.58 sigma; the scale reaches three.
    assert high == pytest.approx(0.9)
    strong = rates.colour_limits(10 * values, np.full(values.shape, 0.3), diverging=True)[1]
    assert strong == pytest.approx(np.percentile(np.abs(10 * values), 99))
    assert rates.colour_limits([2.0], [0.1], diverging=False)[0] == 0.0
    assert rates.colour_limits([np.nan], [np.nan], diverging=True) == (-1.0, 1.0, 0.0)


def test_the_bracket_at_the_scale_is_one_sigma_of_a_pixel(sheet, kinetics):
    figure = sheet(rates.rate_maps, intervals=[2])
    bar = next(axes for axes in figure.axes if axes.images and axes.get_title(loc="left").startswith("dx/dt"))
    inside = kinetics["rates"]["label"].values > 0
    std = float(np.nanmedian(kinetics["rates"]["insertion_rate_std"].values[2][inside]))
    assert bar.lines[0].get_ydata() == pytest.approx([-std, std])


def test_headings_tell_times_course_and_mean_with_its_error(sheet, kinetics):
    text = rates.rate_maps(kinetics["rates"], table=kinetics["rate_table"], intervals=[2], options=SVG).decode()
    before, after = kinetics["rates"]["before"].values[2], kinetics["rates"]["after"].values[2]
    times = kinetics["video"]["time"].values / 60
    assert f"{times[before]:.1f}–{times[after]:.1f} min" in text
    assert "lithiation 0.6C" in text
    values = kinetics["rates"]["insertion_rate"].values[2].astype(float)
    good = (kinetics["rates"]["label"].values > 0) & np.isfinite(values)
    std = kinetics["rates"]["insertion_rate_std"].values[2][good]
    error = np.sqrt((std**2).sum()) / good.sum() / 0.85
    assert f"{values[good].mean():.3f} ± {error:.3f}" in text


def test_intervals_across_a_rest_are_not_drawn_unless_asked_for(kinetics):
    text = rates.rate_maps(kinetics["rates"], options=FigureOptions(format="svg", max_frames=40, width=9.8)).decode()
    assert text.count(" min<") == 28  # 31 intervals, three of them across a rest
    assert "28 of 31 intervals" in text
    assert rates.rate_maps(kinetics["rates"], intervals=[7], options=SVG)


def test_domains_are_outlined_on_currents_and_composition(kinetics, drawn):
    plain = rates.current_maps(kinetics["rates"], intervals=[2], options=SVG).decode()
    outlined = rates.current_maps(kinetics["rates"], domains=kinetics["domains"], intervals=[2], options=SVG).decode()
    assert "fast domain" in outlined
    assert "fast domain" not in plain
    assert outlined.count("#7fe3ff") > plain.count("#7fe3ff")
    domains = kinetics["domains"]["domain"].values[0]
    share = 100 * (domains == 1).sum() / (domains > 0).sum()
    text = rates.domain_maps(kinetics["video"], kinetics["domains"], frames=[0, 9], options=SVG).decode()
    assert text.count(f"fast {share:.0f} %") == 2


@pytest.mark.parametrize("draw", [rates.rate_maps, rates.current_maps, rates.exchange_maps])
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_every_format_repeats_byte_for_byte(draw, kind, kinetics):
    options = FigureOptions(format=kind, dots_per_inch=60, max_frames=4)
    first = draw(kinetics["rates"], options=options)
    assert first == draw(kinetics["rates"], options=options)
    assert first.lstrip().startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])
    if kind == "png":
        assert Image.open(io.BytesIO(first)).size[0] <= 60 * options.width + 20


def test_exchange_maps_begin_at_zero_and_carry_units(kinetics, drawn):
    figure = drawn(lambda: rates.exchange_maps(kinetics["rates"], intervals=[1], options=SVG))
    bar = next(axes for axes in figure.axes if axes.get_title(loc="left").startswith("j₀ / "))
    assert bar.get_title(loc="left") == "j₀ / mA/m²"
    assert bar.images[0].get_extent()[2] == 0.0


def test_what_cannot_be_drawn_is_refused(kinetics, video, labels):
    with pytest.raises(AnalysisError, match="current_density"):
        rates.current_maps(kinetics["rates"].drop_vars("current_density"))
    with pytest.raises(AnalysisError, match="does not exist"):
        rates.rate_maps(kinetics["rates"], intervals=[99])
    with pytest.raises(StageError, match="not of the expected stage"):
        rates.rate_maps(kinetics["video"])
    with pytest.raises(AnalysisError, match="differ in size"):
        rates.domain_maps(video, kinetics["domains"])
    lost = kinetics["rates"].copy(deep=True)
    lost["insertion_rate"][:] = np.nan
    with pytest.raises(AnalysisError, match="no interval holds"):
        rates.rate_maps(lost)


def test_one_row_leaves_room_for_every_key(kinetics, drawn):
    figure = drawn(
        lambda: rates.current_maps(kinetics["rates"], domains=kinetics["domains"], intervals=[3], options=SVG)
    )
    figure.canvas.draw()
    low = min(legend.get_window_extent().y0 for legend in figure.legends)
    assert low >= 0
