"""The page in a real browser: slider, read-out, layers, keyboard, sorting, dark mode; skipped where there is none."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from lithiscope.report import PageOptions
from lithiscope.report.page import page, stxm_page_content
from report import scene

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need the Python package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need Chromium on the path")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory, video, table, labels):
    content = stxm_page_content(
        title="t",
        video=video,
        table=table,
        labels=labels,
        options=PageOptions(movie=False),
        provenance={"recipe": "title: t", "bibtex": "@article{a}"},
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(content), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, address):
    tab = browser.new_page(viewport={"width": 1200, "height": 900}, offline=True)
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(address)
    tab.wait_for_selector(".explorer[data-ready]")
    yield tab
    tab.close()
    assert problems == []


@pytest.fixture(scope="module")
def with_cell(tmp_path_factory, kinetics):
    content = stxm_page_content(
        title="t",
        video=kinetics["video"],
        results={name: kinetics[name] for name in ("cell_trace", "clock", "cell_frames", "uniformity")},
        options=PageOptions(movie=False),
    )
    path = tmp_path_factory.mktemp("cell") / "page.html"
    path.write_text(page(content), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def cell_page(browser, with_cell):
    tab = browser.new_page(viewport={"width": 1200, "height": 1400}, offline=True)
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(with_cell)
    tab.wait_for_selector(".explorer[data-ready]")
    tab.wait_for_selector(".voltage[data-ready]")
    yield tab
    tab.close()
    assert problems == []


def place(tab, frame):
    """Screen position of a frame on the voltage trace."""
    tab.locator(".voltage .curve").scroll_into_view_if_needed()
    x = tab.evaluate(
        """(frame) => {
            const trace = document.querySelector(".voltage").trace;
            return trace.canvas.getBoundingClientRect().left + trace.across(trace.data.frames[frame].minutes);
        }""",
        frame,
    )
    box = tab.locator(".voltage .curve").bounding_box()
    return x, box["y"] + box["height"] / 3


def test_a_click_on_the_voltage_shows_that_frame_of_the_map(cell_page, kinetics):
    cell_page.mouse.click(*place(cell_page, 11))
    assert cell_page.locator(".frame").input_value() == "11"
    assert "scan 12 of 32" in cell_page.locator(".stamp").inner_text()
    volts = float(kinetics["cell_frames"]["voltage_volt"].values[11])
    assert f"{volts:.4f} V" in cell_page.locator(".moment").inner_text()


def test_scrubbing_along_the_voltage_moves_the_map_with_it(cell_page):
    cell_page.mouse.move(*place(cell_page, 2))
    cell_page.mouse.down()
    seen = []
    for frame in (5, 9, 20):
        cell_page.mouse.move(*place(cell_page, frame))
        seen.append(cell_page.locator(".frame").input_value())
    cell_page.mouse.up()
    assert seen == ["5", "9", "20"]
    cell_page.mouse.move(*place(cell_page, 3))  # no button pressed: nothing follows
    assert cell_page.locator(".frame").input_value() == "20"


def test_the_slider_and_play_move_the_cursor(cell_page):
    curve = cell_page.locator(".voltage .curve")
    cell_page.locator(".frame").fill("7")
    assert curve.get_attribute("aria-valuenow") == "8"
    assert "Scan 8," in curve.get_attribute("aria-valuetext")
    cell_page.locator(".play").click()
    playwright.expect(curve).not_to_have_attribute("aria-valuenow", "8")
    cell_page.locator(".play").click()


def test_the_voltage_is_keyboard_usable(cell_page):
    curve = cell_page.locator(".voltage .curve")
    curve.focus()
    keys = ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home")
    for key, frame in zip(keys, ("1", "2", "1", "31", "31", "0"), strict=True):
        curve.press(key)
        assert cell_page.locator(".frame").input_value() == frame
    assert curve.get_attribute("role") == "slider"
    assert curve.get_attribute("aria-valuemax") == "32"


def test_the_cursor_is_drawn_at_the_frame(cell_page):
    cell_page.locator(".frame").fill("14")
    found = cell_page.evaluate(
        """() => {
            const { trace } = document.querySelector(".voltage");
            const ratio = window.devicePixelRatio;
            const at = (minutes) => {
                const x = Math.round(trace.across(minutes) * ratio) - 1;
                const { data } = trace.canvas.getContext("2d").getImageData(x, Math.round(12 * ratio), 3, 1);
                return Math.max(data[3], data[7], data[11]);
            };
            return [at(trace.data.frames[14].minutes), at(trace.data.frames[2].minutes)];
        }"""
    )
    assert found[0] > 170  # the line is opaque where the frame is, but for its smoothed edges
    assert found[1] < 60  # and only the pale shade of the half cycle elsewhere


def test_a_vector_figure_is_saved_as_a_picture_too(cell_page):
    with cell_page.expect_download() as download:
        cell_page.locator("#uniformity .save", has_text="Save PNG").first.click()
    assert download.value.suggested_filename == "uniformity-rate.png"
    with Image.open(download.value.path()) as picture:
        assert picture.format == "PNG"
        assert picture.size[0] > 600
        assert picture.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def point(tab, row, column):
    box = tab.locator(".map").bounding_box()
    rows, columns = scene.SHAPE
    x = box["x"] + 1 + (column + 0.5) / columns * (box["width"] - 2)
    y = box["y"] + 1 + (1 - (row + 0.5) / rows) * (box["height"] - 2)
    tab.mouse.move(x, y)
    return tab.locator(".readout").inner_text()


def expected(video, frame, row, column):
    x, std = (float(video[n].values[frame, row, column]) for n in ("lithium_fraction", "lithium_fraction_std"))
    return f"x = {x:.3f} ± {std:.3f}".replace("-", "−")


def test_the_slider_moves_the_frame_and_the_read_out_follows_the_data(opened, video):
    assert point(opened, 40, 50).splitlines()[0] == expected(video, 0, 40, 50)
    opened.locator(".frame").fill("3")
    assert "13.5 min · scan 4 of 8 · lithiation" in opened.locator(".stamp").inner_text()
    found = point(opened, 40, 50)
    assert found.splitlines()[0] == expected(video, 3, 40, 50)
    assert "particle P02" in found
    assert f"at x {50 * scene.PIXEL:.3f}, y {40 * scene.PIXEL:.3f} µm" in found


def test_lost_and_empty_pixels_say_so(opened):
    opened.locator(".frame").fill("2")
    assert "no trusted value" in point(opened, 14, 20)
    assert "too little material" in point(opened, 58, 70)


def test_the_canvas_shows_the_colour_of_the_pixel(opened, video):
    from lithiscope.report.colours import composition_colours
    from lithiscope.report.readings import full_brightness

    row, column = 20, 15
    found = opened.evaluate(
        """([row, column]) => {
            const map = document.querySelector(".map");
            const [x, y, w, h] = document.querySelector(".explorer").explorer.corner(row, column);
            const ratio = window.devicePixelRatio;
            return [...map.getContext("2d").getImageData((x + w / 2) * ratio, (y + h / 2) * ratio, 1, 1).data];
        }""",
        [row, column],
    )
    x, amount = (float(video[name].values[0, row, column]) for name in ("lithium_fraction", "amount"))
    np.testing.assert_allclose(found[:3], composition_colours(x, amount / full_brightness(video, None)), atol=2)


def test_layers_and_keyboard(opened):
    opened.locator(".layer").select_option(label="Thickness")
    opened.locator(".map").press("ArrowRight")
    first = opened.locator(".readout").inner_text()
    assert "x 1.850, y 1.500" in first
    opened.locator(".map").press("ArrowUp")
    assert "x 1.850, y 1.550" in opened.locator(".readout").inner_text()


def test_play_moves_on_and_stops(opened):
    opened.locator(".play").click()
    playwright.expect(opened.locator(".frame")).not_to_have_value("0")
    opened.locator(".play").click()
    assert opened.locator(".play").inner_text() == "Play"


def test_tables_sort_by_number_both_ways(opened):
    head = opened.locator("#particles th", has_text="Pixels")
    head.locator("button").click()
    cells = "#particles tbody tr td:nth-child(1)"
    assert opened.locator(cells).all_inner_texts() == ["P03", "P01", "P02"]
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert opened.locator(cells).all_inner_texts() == ["P02", "P01", "P03"]


def test_copy_and_save(opened):
    opened.locator(".copy").first.click()
    playwright.expect(opened.locator(".copy").first).to_have_text("Copied")
    with opened.expect_download() as download:
        opened.locator("#error .save").first.click()
    assert download.value.suggested_filename == "error-maps.svg"


def test_a_phone_needs_no_sideways_scrolling(browser, address):
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.goto(address)
    tab.wait_for_selector(".explorer[data-ready]")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.close()


def test_dark_mode_turns_paper_dark(browser, address):
    tab = browser.new_page(color_scheme="dark")
    tab.goto(address)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 27)"
    tab.close()
