"""The section on the learned kinetics."""

from __future__ import annotations

import re
import shutil

import pytest

from learning.made import comparison, laws, particle, sampled
from lithiscope.errors import StageError
from lithiscope.report import FigureOptions, PageOptions
from lithiscope.report.page import learned_page, stxm_drawings, stxm_page_content
from lithiscope.report.page.results import known_results

RESULTS = {"learned_laws": laws(), "learned_particle-0-1": particle().assign_attrs(name="<b>one</b>")}


@pytest.fixture(scope="module")
def alone():
    results = {**RESULTS, "learned_particle-0-2": particle(label=2, seed=1)}
    return learned_page(results, title="a <title>", provenance={"recipe": "material: a"})


def test_a_page_holds_laws_rates_frames_movie_and_tables(alone):
    for name in ("learned-laws", "learned-rates", "learned-frames", "learned-frames-2", "learned-movie"):
        assert name in alone, name
    for text in ("0.15 to 0.85", "j0 level", "A/m2", "trade off below 5.1 mV", "1.010", "Correlation"):
        assert text in alone, text
    assert "data:image/webp" in alone


def test_warnings_stand_on_top_and_all_text_is_escaped(alone):
    assert "<b>one</b>" not in alone
    assert "&lt;b&gt;one&lt;/b&gt;" in alone
    assert "<are>" not in alone
    assert alone.index("the error bars &lt;are&gt; too small") < alone.index("learned-laws")
    assert "<title>a &lt;title&gt;" in re.sub(r"\s+", "", alone).replace("<title>a&lt;", "<title>a &lt;")


def test_a_study_page_has_the_section_and_its_figures(video, table, labels):
    options = PageOptions(movie=False)
    content = stxm_page_content(title="t", video=video, table=table, labels=labels, results=RESULTS, options=options)
    (section,) = [one for one in content.sections if one.identity == "learned"]
    assert section.group == "Learned kinetics"
    assert [one.name for one in section.figures] == ["learned-laws", "learned-rates", "learned-frames"]
    assert any("Learned kinetics" in one.text for one in content.notices)
    names = [one.name for one in stxm_drawings(video=video, results=RESULTS, figures=FigureOptions(width=3.5))]
    assert {"learned-laws", "learned-rates", "learned-frames"} <= set(names)
    plain = stxm_page_content(title="t", video=video, options=options)
    assert not [one for one in plain.sections if one.identity == "learned"]


def test_error_bars_sampled_follow_with_the_verdict_first_and_all_text_escaped():
    text = learned_page({**RESULTS, "sampled_laws": sampled(1.5)}, title="t", options=PageOptions(movie=False))
    section = text[text.index('<section id="learned-sampled"') :]
    section = section[: section.index("</section>")]
    assert section.index("The draws do not confirm") < section.index("<table>")
    assert "the scale of ln k is &lt;1.02&gt; times" in section
    assert "<1.02>" not in section
    assert "are&gt; too small" not in section  # said by the learning
    assert section.count("<tr>") == 1 + 4
    assert "learned-sampled" not in learned_page(RESULTS, title="t", options=PageOptions(movie=False))


def test_models_compared_follow_with_the_verdict_first_and_all_text_escaped():
    results = {**RESULTS, "model_comparison": comparison(held_back=-7.5)}
    text = learned_page(results, title="t", options=PageOptions(movie=False))
    assert "Models compared: nothing is decided: only the fit of the model asked for converged" in text
    section = text[text.index('<section id="learned-models"') :]
    section = section[: section.index("</section>")]
    assert section.index("Nothing is decided") < section.index("<table>")
    assert section.count("<tr>") == 4
    for part in ("NOT converged, evidence rough", "more likely too small", "cannot follow the data", "−52", "−7.5",
                 "foretold", "model-comparison.csv", "a pattern in space, frames that look shifted"):  # fmt: skip
        assert part in section, part
    assert "a &lt;model&gt;" in section
    assert "<model>" not in text
    assert "<cannot>" not in text


def test_a_comparison_without_rough_fits_needs_no_word_on_them(video):
    whole = {**RESULTS, "model_comparison": comparison().isel(model=slice(1))}
    content = stxm_page_content(title="t", video=video, results=whole, options=PageOptions(movie=False))
    (section,) = [one for one in content.sections if one.identity == "learned-models"]
    (table,) = section.tables
    assert section.group == "Learned kinetics"
    assert "did not converge" not in table.caption
    assert "held back" not in " ".join(table.columns)
    assert table.csv is not None
    assert table.csv.splitlines()[1].startswith("as_asked,the model asked for,12,")


def test_many_particles_are_drawn_side_by_side():
    results = {"learned_laws": laws()}
    results |= {f"learned_particle-0-{k}": particle(label=k) for k in range(1, 15)}
    names = [one.name for one in stxm_drawings(results=results)]
    sheets = [name for name in names if name.startswith("learned-rates")]
    assert len(sheets) == 3  # five side by side at 7.2 inches
    assert len([name for name in names if name.startswith("learned-frames")]) == 12


def test_a_material_that_is_gone_is_left_out():
    text = learned_page({"learned_laws": laws(material="gone"), "learned_particle-0-1": particle()}, title="t",
                        options=PageOptions(movie=False))  # fmt: skip
    assert "learned-laws" in text


def test_results_of_the_wrong_stage_are_refused():
    with pytest.raises(StageError, match="learned_particle"):
        known_results({"learned_particle-0-1": laws()})


def test_a_browser_shows_all_of_it(tmp_path, alone):
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the browser tests need the Python package playwright"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("the browser tests need Chromium on the path")
    path = tmp_path / "learned.html"
    path.write_text(alone, encoding="utf-8")
    problems: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1200, "height": 900}, offline=True)
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        tab.goto(path.as_uri())
        shown = tab.locator("#learned")
        assert shown.locator("figure.svg img").count() == 4
        widths = "all => all.map(one => one.naturalWidth)"
        assert min(shown.locator("figure.svg img").evaluate_all(widths)) > 100
        assert shown.locator("details img").count() == 1
        assert not shown.locator("details img").is_visible()
        shown.locator("details summary").first.click()
        assert shown.locator("details img").is_visible()
        assert "j0 level" in shown.inner_text()
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        browser.close()
    assert problems == []
