"""Regions of the interactive map in a real browser, against the same means by NumPy; skipped where there is none."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest

from lithiscope.report import PageOptions
from lithiscope.report.page import explorer as ex
from lithiscope.report.page import page, stxm_page_content
from report import scene

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need the Python package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need Chromium on the path")
FIRST, SECOND = ((10, 10), (25, 24)), ((30, 40), (48, 60))  # opposite corners (row, column) of regions A and B
PLACES = 1e-6  # the csv holds six significant digits


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory, video, labels, od, references):
    content = stxm_page_content(
        title="t", video=video, labels=labels, od=od, references=references, options=PageOptions(movie=False)
    )
    path = tmp_path_factory.mktemp("regions") / "page.html"
    path.write_text(page(content), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, address):
    yield from open_page(browser, address, viewport={"width": 1200, "height": 1400})


@pytest.fixture(scope="module")
def coarse_address(tmp_path_factory, video, od, references):
    """A page for which every other pixel of the map, and most of the spectra, are too many."""
    few = scene.SHAPE[0] * scene.SHAPE[1] * scene.FRAMES * 5 // 4
    content = stxm_page_content(
        title="t", video=video, od=od, references=references, options=PageOptions(movie=False, explorer_values=few)
    )
    path = tmp_path_factory.mktemp("coarse") / "page.html"
    path.write_text(page(content), encoding="utf-8")
    return path.as_uri()


def open_page(browser, address, **look):
    tab = browser.new_page(offline=True, **look)
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(address)
    tab.wait_for_selector(".explorer[data-ready]")
    tab.locator(".map").scroll_into_view_if_needed()
    yield tab
    tab.close()
    assert problems == []


def on_screen(tab, pixel):
    box = tab.locator(".map").bounding_box()
    rows, columns = scene.SHAPE
    x = box["x"] + 1 + (pixel[1] + 0.5) / columns * (box["width"] - 2)
    return x, box["y"] + 1 + (1 - (pixel[0] + 0.5) / rows) * (box["height"] - 2)


def drag(tab, corners):
    tab.mouse.move(*on_screen(tab, corners[0]))
    tab.mouse.down()
    tab.mouse.move(*on_screen(tab, corners[1]), steps=3)
    tab.mouse.up()


def mark_both(tab):
    drag(tab, FIRST)
    tab.get_by_role("button", name="Region B").click()
    drag(tab, SECOND)


def rectangle(corners):
    (top, left), (bottom, right) = np.sort(np.array(corners), axis=0)
    inside = np.zeros(scene.SHAPE, bool)
    inside[top : bottom + 1, left : right + 1] = True
    return inside


def ellipse(corners):
    (top, left), (bottom, right) = np.sort(np.array(corners), axis=0)
    row, column = np.indices(scene.SHAPE)
    down = (row - (top + bottom) / 2) / ((bottom - top + 1) / 2)
    return down**2 + ((column - (left + right) / 2) / ((right - left + 1) / 2)) ** 2 <= 1


def course(video, inside):
    """Mean, its error and the pixels per frame, from the stage itself."""
    x = video["lithium_fraction"].values.astype(float)[:, inside]
    std = video["lithium_fraction_std"].values.astype(float)[:, inside]
    count = np.isfinite(x).sum(axis=1)
    error = np.sqrt(np.nansum(std**2, axis=1)) / count / video["noise_gain"].values
    return np.nanmean(x, axis=1), error, count


def packing(video, labels, key="x"):
    layer = next(one for one in ex.explorer(video, labels=labels).data["layers"] if one["key"] == key)
    return (layer["high"] - layer["low"]) / ex.LEVELS


def saved(tab, button="Save CSV"):
    with tab.expect_download() as download:
        tab.get_by_role("button", name=button).click()
    with download.value.path().open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


@pytest.mark.parametrize(("button", "shape"), [(None, rectangle), ("Ellipse", ellipse)])
def test_the_course_of_a_dragged_region_is_that_of_the_data(opened, video, labels, button, shape):
    if button:
        opened.get_by_role("button", name=button).click()
    drag(opened, FIRST)
    rows = saved(opened)
    mean, error, count = course(video, shape(FIRST))
    assert len(set(count)) > 1  # the lost lines of the third frame are not counted
    np.testing.assert_array_equal(column(rows, "region A pixels"), count)
    np.testing.assert_allclose(
        column(rows, "region A lithium_fraction"), mean, atol=packing(video, labels) / 2 + PLACES
    )
    np.testing.assert_allclose(column(rows, "region A random std"), error, atol=packing(video, labels, "std"))
    np.testing.assert_allclose(column(rows, "time / min"), video["time"].values / 60)


def numbers(text):
    return [float(word) for word in text.replace("−", "-").replace("=", " ").split() if word.lstrip("-")[:1].isdigit()]


def test_two_regions_are_compared_at_the_frame_shown(opened, video):
    mark_both(opened)
    opened.locator(".frame").fill("2")
    first, second, apart = opened.locator(".numbers").inner_text().splitlines()
    (a, a_error, a_count), (b, b_error, _) = (course(video, rectangle(one)) for one in (FIRST, SECOND))
    np.testing.assert_allclose(numbers(first.split("mean x")[1])[:2], [a[2], a_error[2]], atol=6e-4)  # three places
    np.testing.assert_allclose(numbers(second.split("mean x")[1])[:2], [b[2], b_error[2]], atol=6e-4)
    assert f"({a_count[2]} of {rectangle(FIRST).sum()} pixels)" in first
    np.testing.assert_allclose(numbers(apart)[:2], [a[2] - b[2], np.hypot(a_error[2], b_error[2])], atol=6e-4)
    assert "9.5 min" in apart
    assert first in opened.locator(".courses").get_attribute("aria-label")


def test_what_two_regions_share_cancels_in_the_error_of_their_difference(opened, video):
    other = ((18, 10), (33, 24))
    drag(opened, FIRST)
    opened.get_by_role("button", name="Region B").click()
    drag(opened, other)
    found = opened.evaluate("document.querySelector('.explorer').explorer.regions.difference(0)")
    x, std = (video[name].values[0].astype(float) for name in ("lithium_fraction", "lithium_fraction_std"))
    known = np.isfinite(x)
    weight = np.zeros(scene.SHAPE)
    for sign, corners in ((1, FIRST), (-1, other)):
        there = rectangle(corners) & known
        weight += sign * there / there.sum()
    assert found["shared"] == (rectangle(FIRST) & rectangle(other) & known).sum()
    assert found["value"] == pytest.approx(np.nansum(weight * x), abs=1e-4)  # two means, each to half a packing step
    assert found["error"] == pytest.approx(np.sqrt(np.nansum((weight * std) ** 2)) / 0.85, abs=1e-5)


def touch(tab, pixels, *, lift=True):
    """Put a finger down on the first pixel and draw it over the others."""
    hand = tab.context.new_cdp_session(tab)
    for kind, pixel in zip(["touchStart", *["touchMove"] * (len(pixels) - 1)], pixels, strict=True):
        x, y = on_screen(tab, pixel)
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd" if lift else "touchCancel", "touchPoints": []})


def test_a_finger_marks_a_region_where_it_is_drawn_and_reads_out_where_it_taps(browser, address, video, labels):
    look = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    for tab in open_page(browser, address, **look):
        touch(tab, [(40, 50)])
        assert tab.locator(".readout").inner_text().startswith("x = ")
        touch(tab, [FIRST[0], (15, 15), FIRST[1]], lift=False)  # what the system takes over marks nothing
        assert tab.locator(".compared").is_hidden()
        scrolled = tab.evaluate("window.scrollY")
        touch(tab, [FIRST[0], (15, 15), FIRST[1]])
        assert tab.evaluate("window.scrollY") == scrolled
        rows, (mean, _, count) = saved(tab), course(video, rectangle(FIRST))
        np.testing.assert_array_equal(column(rows, "region A pixels"), count)
        found = column(rows, "region A lithium_fraction")
        np.testing.assert_allclose(found, mean, atol=packing(video, labels) / 2 + PLACES)


def test_a_click_reads_out_and_marks_nothing(opened):
    opened.mouse.click(*on_screen(opened, (40, 50)))
    assert opened.locator(".readout").inner_text().startswith("x = ")
    assert opened.locator(".compared").is_hidden()


def test_the_keyboard_marks_takes_back_and_clears(opened, video, labels):
    board = opened.locator(".map")
    board.focus()
    board.press("ArrowUp")  # from the middle (30, 36) to (31, 36)
    board.press("Enter")
    assert "First corner of region A" in opened.locator(".said").inner_text()
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "ArrowRight", "Shift+ArrowUp"):
        board.press(key)
    board.press("Enter")
    assert opened.locator(".said").inner_text() == "Region A is marked."
    assert opened.locator(".numbers").inner_text().startswith("Region A: mean x = ")
    assert opened.locator(".numbers").get_attribute("aria-live") == "polite"
    mean, _, count = course(video, rectangle(((31, 36), (36, 47))))
    rows = saved(opened)
    np.testing.assert_array_equal(column(rows, "region A pixels"), count)
    np.testing.assert_allclose(
        column(rows, "region A lithium_fraction"), mean, atol=packing(video, labels) / 2 + PLACES
    )
    board.press("Enter")
    board.press("Escape")  # the corner only
    assert opened.locator(".compared").is_visible()
    board.press("Escape")
    assert opened.locator(".compared").is_hidden()
    assert opened.locator(".said").inner_text() == "Region A is cleared."
    assert opened.locator(".numbers").inner_text() == ""


def test_the_buttons_say_what_is_pressed_and_clear_both(opened):
    a, b = opened.locator(".region.a"), opened.locator(".region.b")
    assert (a.get_attribute("aria-pressed"), b.get_attribute("aria-pressed")) == ("true", "false")
    mark_both(opened)
    assert (a.get_attribute("aria-pressed"), b.get_attribute("aria-pressed")) == ("false", "true")
    assert len(opened.locator(".numbers").inner_text().splitlines()) == 3
    opened.get_by_role("button", name="Clear both regions").click()
    assert opened.locator(".compared").is_hidden()
    assert opened.locator(".said").get_attribute("aria-live") == "polite"


def test_a_region_without_material_says_so(opened):
    drag(opened, ((55, 66), (58, 70)))
    assert "Region A: no trusted value here (0 of 20 pixels)." in opened.locator(".numbers").inner_text()


def spectrum_of(rows, name):
    density = column(rows, f"region {name} optical_density")
    return density, *(column(rows, f"region {name} {what}") for what in ("random std", "fit", "pixels"))


def test_the_spectrum_of_a_region_and_its_fit_are_those_of_the_data(opened, video, od, references):
    mark_both(opened)
    opened.locator(".frame").fill("3")  # in which lines of region B are lost
    rows = saved(opened, "Save spectra CSV")
    np.testing.assert_allclose(column(rows, "photon energy / eV"), od["energy"].values)
    data = ex.explorer(video, od=od, references=references).data["spectra"]
    step = {key: (data[key]["high"] - data[key]["low"]) / ex.LEVELS for key in ("density", "std")}
    fitted = sum(
        (part["high"] - part["low"]) / ex.LEVELS * np.abs(np.array(part["shape"], float)).max() for part in data["fit"]
    )
    for name, corners in (("A", FIRST), ("B", SECOND)):
        inside = rectangle(corners)
        density = od["signal"].values[3][:, inside].astype(float)
        whole = np.isfinite(density).all(axis=0)
        coefficients = video["coefficient"].values[3][:, inside][:, whole].mean(axis=1)
        fit = coefficients[:2] @ references["reference"].values + coefficients[2]
        mean, error, found, pixels = spectrum_of(rows, name)
        np.testing.assert_array_equal(pixels, whole.sum())
        np.testing.assert_allclose(mean, density[:, whole].mean(axis=1), atol=step["density"] / 2 + PLACES)
        np.testing.assert_allclose(error, 0.02 / np.sqrt(whole.sum()) / 0.85, atol=step["std"] / 2 + PLACES)
        np.testing.assert_allclose(found, fit, atol=fitted / 2 + PLACES)
    assert spectrum_of(rows, "B")[3][0] < rectangle(SECOND).sum()
    said = opened.locator(".spectrum-said").inner_text()
    assert said.startswith(f"Mean optical density in scan 4, over {rectangle(FIRST).sum()} pixels of A and ")
    assert f"Region A at 703.00 eV: {spectrum_of(rows, 'A')[0][0]:.4f} ± " in opened.locator(".spectra").get_attribute(
        "aria-label"
    )


def test_blocks_of_the_spectra_lie_where_those_of_the_map_do(browser, coarse_address, video, od, references):
    for tab in open_page(browser, coarse_address, viewport={"width": 1200, "height": 1400}):
        data = tab.evaluate(
            "(({bins, spectra}) => [bins, spectra.bins])(document.querySelector('.explorer').explorer.data)"
        )
        assert data == [2, 3]
        drag(tab, ((12, 12), (23, 23)))  # whole blocks of both
        mean, error, _, pixels = spectrum_of(saved(tab, "Save spectra CSV"), "A")
        inside = rectangle(((12, 12), (23, 23)))
        assert pixels[0] == inside.sum()
        layer = ex.explorer(video, od=od, references=references).data["spectra"]["density"]
        expected = od["signal"].values[0][:, inside].mean(axis=1)
        np.testing.assert_allclose(mean, expected, atol=(layer["high"] - layer["low"]) / ex.LEVELS + PLACES)
        np.testing.assert_allclose(error, 0.02 / 12 / 0.85, atol=1e-5)
        assert "in blocks of 3 × 3" in tab.locator(".spectrum-said").inner_text()


def test_many_marks_are_faint_under_the_line_of_the_fit(browser, opened, tmp_path, video):
    series = """() => { const found = []; const draw = drawChart;
        window.drawChart = (_, chart) => found.push(...chart.series);
        document.querySelector('.explorer').explorer.regions.spectra.draw();
        window.drawChart = draw;
        return found.map(({name, faint, line, points}) => [name, !!faint, !!line, points.length]); }"""
    drag(opened, FIRST)
    assert opened.evaluate(series) == [["A", False, False, 3], ["A fit", False, True, 3]]
    references = scene.make_references(np.linspace(695, 735, 81))
    content = stxm_page_content(
        title="t",
        video=video,
        od=scene.make_od(video, references),
        references=references,
        options=PageOptions(movie=False),
    )
    path = tmp_path / "page.html"
    path.write_text(page(content), encoding="utf-8")
    for tab in open_page(browser, path.as_uri(), viewport={"width": 900, "height": 1000}):
        drag(tab, FIRST)
        assert tab.evaluate(series) == [["A", True, False, 81], ["A fit", False, True, 81]]
        said = tab.locator(".spectra").get_attribute("aria-label")
        assert said == "Spectra of the regions. 81 energies; the numbers are in the file."


def test_the_nearest_packed_scan_is_named(opened):
    assert opened.evaluate("[1, 4, 5, 9].map((number) => nearestScan([1, 5, 8], number))") == [0, 1, 1, 2]
    opened.evaluate(
        "document.querySelector('.explorer').explorer.regions.spectra.spectra.scans = [1, 3, 9, 9, 9, 9, 9, 9]"
    )
    drag(opened, FIRST)
    opened.locator(".frame").fill("3")
    said = opened.locator(".spectrum-said").inner_text()
    assert "in scan 3, the nearest to scan 4 that the page holds, over" in said


def test_spectra_that_are_too_many_are_left_out_with_a_sentence(browser, tmp_path, video, od, references):
    options = PageOptions(movie=False, explorer_values=1000)
    wide = od.isel(energy=[0, 1, 2] * 6)
    wide["energy"] = wide["energy"].copy(data=703.0 + 0.5 * np.arange(18))
    content = stxm_page_content(title="t", video=video, od=wide, options=options)
    path = tmp_path / "page.html"
    path.write_text(page(content), encoding="utf-8")
    for tab in open_page(browser, path.as_uri(), viewport={"width": 900, "height": 1000}):
        drag(tab, FIRST)
        assert tab.locator(".spectra").is_hidden()
        assert tab.get_by_role("button", name="Save spectra CSV").is_hidden()
        assert tab.locator(".spectrum-said").inner_text().startswith("There are no spectra of regions: one scan in ")


def test_regions_on_a_dark_phone_need_no_sideways_scrolling(browser, address):
    look = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    for tab in open_page(browser, address, **look):
        mark_both(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        colour = tab.evaluate("css('--region-a')")
        assert colour == "#5fd0ff"
