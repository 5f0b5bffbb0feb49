"""Heavy drawings are put in when the page is open, or at once where no script runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lithiscope.report.page import Figure, PageContent, Section, page

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need the Python package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = '</noscript><img src=x onerror=alert(1)> & "quoted"'


def drawing(name: str, padding: int) -> Figure:
    """A square of 90 pt with a comment of so many bytes."""
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="45pt" viewBox="0 0 90 45">'
        f'<rect width="90" height="45" fill="#456"/><!--{"x" * padding}--></svg>'
    )
    return Figure(text.encode(), "image/svg+xml", HOSTILE, "caption", name)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    section = Section(
        "drawn", "Drawn", figures=(drawing("light", 10), drawing("heavy", 200_000), drawing("last", 10**6))
    )
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(PageContent(title="t", sections=(section,))), encoding="utf-8")
    return path.as_uri()


def test_only_what_is_heavy_waits(address: str) -> None:
    text = Path(address.removeprefix("file://")).read_text(encoding="utf-8")
    assert text.count('<span class="later" style="width:90pt;aspect-ratio:90/45"><noscript><img ') == 2
    assert text.count("<img ") == 3


@pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need Chromium on the path")
@pytest.mark.parametrize("scripted", [True, False])
def test_every_drawing_is_shown_in_its_size(address: str, scripted: bool) -> None:
    problems: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(java_script_enabled=scripted, offline=True)
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        tab.goto(address)
        if scripted:
            tab.wait_for_selector("html[data-drawn]")
        images = tab.locator("figure.svg img")
        assert images.count() == 3
        for number in range(3):
            box = images.nth(number).bounding_box()
            assert (round(box["width"]), round(box["height"])) == (120, 60)
            assert images.nth(number).get_attribute("alt") == HOSTILE
        if scripted:
            with tab.expect_download() as saved:
                tab.get_by_role("button", name="Save PNG").last.click()
            assert saved.value.suggested_filename == "last.png"
        browser.close()
    assert problems == []
