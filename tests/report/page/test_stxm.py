from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.report import PageOptions
from lithiscope.report.page import Notice, Quantity, Section, page, stxm_page_content
from report import scene

STILL = PageOptions(movie=False)
PROVENANCE = {
    "recipe": "title: a <b> study",
    "inputs": {"a.hdr": "0" * 64},
    "versions": {"lithiscope": "0.1.0"},
    "started": "2026-11-21T09:00:00+00:00",
    "methods": ["lim2016"],
    "bibtex": "@article{lim2016}",
}


# Three frames are enough to see which sections there are; the fixtures of the same name hold eight.
@pytest.fixture(scope="module")
def video(video):
    return video.isel(time=slice(1, 4))


@pytest.fixture(scope="module")
def od(od):
    return od.isel(time=slice(1, 4))


@pytest.fixture(scope="module")
def table(table):
    return table.isel(time=slice(1, 4))


def identities(**stages):
    return [section.identity for section in stxm_page_content(title="t", options=STILL, **stages).sections]


def test_every_section_is_there_when_every_stage_is(video, od, references, alignment, table, labels):
    assert identities(video=video, od=od, references=references, alignment=alignment, table=table, labels=labels) == [
        "maps", "error", "amount", "spectra", "fit", "particles", "registration", "incident", "dose", "flags",
        "systematic",
    ]  # fmt: skip


def test_no_stage_no_section(video, od, references, alignment, table):
    assert identities() == []
    assert identities(alignment=alignment) == ["registration"]
    assert identities(references=references) == ["spectra"]
    assert identities(od=od) == ["spectra", "incident", "flags"]
    assert identities(table=table) == ["particles", "systematic"]
    assert identities(video=video) == ["maps", "error", "amount", "fit", "dose", "flags"]


@pytest.mark.parametrize(
    ("names", "section"),
    [(["lithium_fraction_std"], "error"), (["amount", "thickness"], "amount"), (["chi_square"], "fit"),
     (["dose"], "dose"), (["lithium_fraction_flag"], "flags")],
)  # fmt: skip
def test_a_missing_variable_takes_only_its_section(video, names, section):
    found = identities(video=video.drop_vars(names))
    assert section not in found
    assert "maps" in found


def test_no_degrees_of_freedom_no_chi_square(video):
    assert "fit" not in identities(video=video.assign_attrs(degrees_of_freedom=0))


def test_the_summary_says_what_was_seen_and_how_sure_it_is(video, od, table, labels):
    content = stxm_page_content(title="t", video=video, od=od, table=table, labels=labels, options=STILL,
                                summary={"C-rate": "2C", "bias": 0.00123})  # fmt: skip
    found = {quantity.label: quantity for quantity in content.summary}
    assert found["Particles"].value == "3"
    assert found["Scans"].value == "3"
    assert found["Photon energies"].remark == "703.0 to 713.0 eV"
    inside = np.isfinite(video["lithium_fraction"].values) & (labels.values > 0)
    median = np.median(video["lithium_fraction_std"].values[inside])
    assert float(found["σ of x per pixel"].value) == pytest.approx(median, abs=5e-4)
    assert found["Scatter found / predicted"].value == "1.08"
    lost = 100 * (1 - inside.sum() / (3 * (labels.values > 0).sum()))
    assert float(found["Not trusted"].value) == pytest.approx(lost, abs=0.05)
    assert found["C-rate"].value == "2C"
    assert found["bias"].value == "0.00123"


def test_excluded_particles_are_counted_apart(table):
    content = stxm_page_content(title="t", table=table.assign(excluded=("particle", [True, False, False])))
    assert content.summary[0] == Quantity("Particles", "2", remark="1 more excluded")


def test_warnings_keep_their_severity(video):
    content = stxm_page_content(title="t", video=video, warnings=["look", Notice("stop", "error")], options=STILL)
    assert content.notices == (Notice("look", "warning"), Notice("stop", "error"))


def test_the_dose_stands_beside_its_limit_particle_by_particle(video):
    dose = stages.new(
        "dose_table",
        {"dose": ("particle", [3e7, 1e7]), "first_above": ("particle", [1, -1])},
        coords={"particle": ("particle", ["P01", "P02"])},
        attrs={"limit": 2e7, "of": "largest pixel"},
    ).assign(second_above=("particle", [60.0, np.nan], {"units": "s"}))
    content = stxm_page_content(title="t", video=video, results={"dose": dose}, options=STILL)
    (section,) = [one for one in content.sections if one.identity == "dose"]
    assert "1 of 2 particles passed the limit of 20 MGy" in section.explanation
    assert section.tables[0].rows[0] == ("P01", pytest.approx(30.0), pytest.approx(1.5), "2", 1.0)
    (alone,) = [one for one in stxm_page_content(title="t", video=video, options=STILL).sections
                if one.identity == "dose"]  # fmt: skip
    assert "limit" not in alone.explanation


def test_provenance_is_passed_on_and_facts_are_listed(video):
    origin = stxm_page_content(title="t", provenance=PROVENANCE).provenance
    assert origin.recipe == PROVENANCE["recipe"]
    assert origin.inputs == PROVENANCE["inputs"]
    assert origin.facts == {"started": "2026-11-21T09:00:00+00:00", "methods": "lim2016"}
    assert stxm_page_content(title="t").provenance is None


def test_extra_sections_stand_before_the_flags(video):
    found = identities(video=video, extra_sections=[Section("truth", "Truth beside result")])
    assert found.index("truth") == found.index("flags") - 1


def test_labels_of_the_video_are_used_when_none_are_given(video, labels):
    own = video.assign(label=(("y", "x"), labels.values.astype(np.int32)))
    content = stxm_page_content(title="t", video=own, options=STILL)
    assert content.sections[0].explorer.data["labels"] != ""


def test_a_study_of_one_scan_has_no_movie_and_no_curves(video, od, table):
    one = stxm_page_content(title="t", video=video.isel(time=[0]), od=od.isel(time=[0]), table=table.isel(time=[0]))
    figures = {section.identity: section.figures for section in one.sections}
    assert [figure.name for figure in figures["maps"]] == ["lithium-maps"]
    assert figures["particles"] == ()


def test_spectra_take_the_first_scan_that_holds_a_particle(od, labels):
    lost = od.copy(deep=True)
    lost["signal"][:2] = np.nan
    figures = stxm_page_content(title="t", od=lost, labels=labels).sections[0].figures
    assert "in scan 3" in next(figure.caption for figure in figures if figure.name == "spectra")


def test_an_argument_in_the_wrong_place_is_refused(video, table):
    with pytest.raises(StageError, match="not of the expected stage"):
        stxm_page_content(title="t", alignment=table)


def test_hostile_names_reach_no_markup(video, od, table, labels):
    evil = "<script>alert(1)</script>"
    hostile = table.assign_coords(particle=[evil, "$\\frac{", "]]>--><b>"])
    text = page(stxm_page_content(title=evil, video=video, od=od, table=hostile, labels=labels, options=STILL,
                                  provenance={"recipe": evil, "inputs": {evil: evil}}))  # fmt: skip
    assert evil not in text
    assert text.count("<script") == 2


def test_the_page_is_small_and_repeats_byte_for_byte(video, od, references, alignment, table, labels):
    stages = {"video": video, "od": od, "references": references, "alignment": alignment, "table": table}
    first = page(stxm_page_content(title="t", labels=labels, provenance=PROVENANCE, **stages))
    assert len(first) < 5_000_000
    assert first == page(stxm_page_content(title="t", labels=labels, provenance=PROVENANCE, **stages))
    assert "Movie of the lithium maps" in first
    assert scene.NAMES[0] in first
