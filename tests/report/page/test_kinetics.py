from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.report import FigureOptions, PageOptions
from lithiscope.report.page import RESULTS, page, stxm_page_content
from lithiscope.report.page.cell import cell_sections
from lithiscope.report.page.findings import kinetic_notices, kinetic_summary
from lithiscope.report.page.kinetics import kinetic_sections, stability_states
from lithiscope.report.page.results import Study, drawn, known_results
from lithiscope.stages.catalogue import CATALOGUE
from report import kinetic_scene

FIGURES = FigureOptions(format="svg", max_frames=2)


def study(results, **more):
    return Study(known_results(results), PageOptions(movie=False), FIGURES, **more)


def sections_of(results, **more):
    about = study(results, **more)
    return [drawn(section) for section in (*cell_sections(about), *kinetic_sections(about))]


@pytest.fixture(scope="module")
def whole(kinetics):
    return sections_of(kinetics, video=kinetics["video"], table=kinetics["table"])


def test_every_known_result_is_a_stage():
    assert set(RESULTS.values()) <= set(CATALOGUE)


def test_every_section_is_there_when_every_result_is(whole):
    assert [section.identity for section in whole] == [
        "cell", "half-cycles", "clock", "population", "rates", "exchange", "domains", "uniformity", "line-cuts",
        "channels", "regime", "stability",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("cell_trace", ["cell"]),
        ("half_cycles", ["half-cycles"]),
        ("incremental_capacity", ["half-cycles"]),
        ("rate_overpotential", ["half-cycles"]),
        ("clock", ["clock"]),
        ("cell_frames", []),
        ("rates", ["rates", "exchange"]),
        ("rate_table", ["rates"]),
        ("law_fit", ["exchange", "stability"]),
        ("domains", []),
        ("uniformity", ["uniformity"]),
        ("channels", ["channels"]),
        ("line_cuts", ["line-cuts"]),
        ("evidence", ["regime"]),
    ],
)
def test_one_result_alone_shows_what_it_can(kinetics, name, sections):
    assert [section.identity for section in sections_of({name: kinetics[name]})] == sections


def test_other_names_and_none_are_left_out(kinetics):
    assert known_results({"notes": 3, "clock": None, "evidence": kinetics["evidence"]}) == {
        "evidence": kinetics["evidence"]
    }


def test_a_result_in_the_wrong_place_is_refused(kinetics):
    with pytest.raises(StageError, match="not of the expected stage"):
        known_results({"clock": kinetics["evidence"]})


def test_what_cannot_be_drawn_is_told_in_words(kinetics):
    lost = kinetics["rates"].copy(deep=True)
    lost["insertion_rate"][:] = np.nan
    section = next(s for s in sections_of({"rates": lost}) if s.identity == "rates")
    assert [figure.name for figure in section.figures] == ["current-density"]
    assert "Maps of the insertion rate between frames: not drawn, no interval holds a value" in section.explanation


def emptied(stage):
    """The stage with every measured number lost."""
    copy = stage.copy(deep=True)
    for name in copy.data_vars:
        if copy[name].dtype.kind == "f" and copy[name].dims:
            copy[name][...] = np.nan
    return copy


@pytest.mark.parametrize("name", sorted(set(RESULTS) & set(kinetic_scene.RESULT_NAMES)))
def test_a_result_in_which_everything_is_lost_breaks_nothing(kinetics, name):
    lost = {name: emptied(kinetics[name])}
    for results in (lost, {"half_cycles": kinetics["half_cycles"], "cell_frames": kinetics["cell_frames"]} | lost):
        assert sections_of(results, table=kinetics["table"]) is not None
        kinetic_notices(known_results(results))
        kinetic_summary(known_results(results))


@pytest.mark.parametrize(
    ("name", "dim"),
    [("cell_trace", "sample"), ("half_cycles", "half_cycle"), ("clock", "edge"), ("cell_frames", "time"),
     ("rate_table", "particle"), ("law_fit", "point"), ("uniformity", "particle"), ("channels", "channel"),
     ("channels", "interval"), ("line_cuts", "time"), ("line_cuts", "sample"), ("evidence", "evidence"),
     ("surfaces", "particle"), ("peaks", "peak")],
)  # fmt: skip
def test_a_result_without_entries_breaks_nothing(kinetics, name, dim):
    results = known_results({name: kinetics[name].isel({dim: []})})
    assert sections_of(results) is not None
    kinetic_notices(results)
    kinetic_summary(results)


def test_every_table_has_its_file_and_every_figure_its_words(whole):
    for section in whole:
        assert section.group in ("Cell", "Kinetics")
        assert all(table.csv and table.rows for table in section.tables)
        assert all(figure.alt and figure.caption and figure.data for figure in section.figures)


def test_a_case_without_its_times_has_no_morphology(kinetics):
    assert [figure.name for figure in sections_of({"evidence": kinetics["evidence"]})[0].figures] == ["evidence"]


def test_several_cases_have_their_figures_and_both_tables():
    section = next(s for s in sections_of({"evidence": kinetic_scene.make_cases()}) if s.identity == "regime")
    assert [figure.name for figure in section.figures] == ["evidence", "morphology"]
    assert [table.name for table in section.tables] == ["verdicts", "evidence"]
    assert len(section.tables[0].rows) == 4
    assert len(section.tables[1].rows) == 4 * 2
    assert "2 of 4" in section.explanation


def test_the_caption_of_the_cases_says_on_what_the_verdict_rests():
    cases = kinetic_scene.make_cases()
    through = cases.isel(evidence=[0]).assign_attrs(diffusion_time="stated")
    along, single = (
        next(s for s in sections_of({"evidence": one}) if s.identity == "regime").figures[0].caption
        for one in (cases, through)
    )
    assert "along the channel" in along
    assert "two pieces must agree" in along
    assert "through the thickness" in single
    assert "this one piece of evidence" in single
    assert "channel" not in single


@pytest.mark.parametrize(("direction", "told"), [([1, 1, -1], True), ([1, 0, -1], False)])
def test_phases_say_when_no_frame_is_at_rest(direction, told):
    shares = ("particle time", np.full((1, 3), 0.5))
    phases = stages.new(
        "phase_table",
        {"solid_solution_fraction": shares, "separation": shares},
        coords={
            "particle": ("particle", ["p01"]),
            "time": ("time", [0.0, 600.0, 1200.0]),
            "direction": ("time", direction),
        },
    )
    section = next(s for s in sections_of({"phases": phases}) if s.identity == "phases")
    assert ("need frames at rest; there are none" in section.explanation) is told


def test_the_rate_of_the_cell_is_in_the_caption_only_where_it_is_drawn(kinetics):
    table = kinetics["rate_table"]
    for one, told in ((table, True), (table.drop_vars("applied_c_rate"), False)):
        figures = next(s for s in sections_of({"rate_table": one}) if s.identity == "rates").figures
        assert ("Black: the cell" in figures[0].caption) is told


def test_the_channels_of_three_particles_are_drawn_after_their_courses(kinetics):
    results = {"channels": kinetics["channels"], "channel_cuts": kinetic_scene.make_channel_cuts()}
    section = next(s for s in sections_of(results) if s.identity == "channels")
    assert [figure.name for figure in section.figures][:2] == ["channel-courses", "channels-K01"]


def test_only_laws_known_by_name_have_a_stability(kinetics):
    states = stability_states(kinetics["law_fit"], 4.49, 3.73)
    assert list(states) == ["skewed_lim", "symmetric"]
    assert states["symmetric"].strain == 3.73
    assert stability_states(kinetics["law_fit"].assign_coords(law=["mine", "yours"]), 4.49, 3.73) == {}


def test_the_page_takes_the_mapping_and_stays_self_contained(kinetics):
    few = {name: kinetics[name] for name in ("cell_trace", "clock", "cell_frames", "evidence", "uniformity")}
    content = stxm_page_content(
        title="t", video=kinetics["video"].isel(time=slice(2)), results=few, options=PageOptions(movie=False)
    )
    assert content.sections[0].trace is not None
    assert "The cursor of the voltage moves with the slider of this map." in content.sections[0].explanation
    assert "movie" not in content.sections[0].explanation
    assert {quantity.label for quantity in content.summary} >= {"Limited by", "Uniformity, lithiation"}
    text = page(content)
    assert text == page(content)
    assert "https://" not in text
    assert '<li class="group">Kinetics</li>' in text
    assert text.count('class="voltage"') == 1


def test_hostile_names_reach_no_markup(kinetics):
    evil = "<script>alert(1)</script>"
    results = {
        "evidence": kinetics["evidence"]
        .assign_coords(evidence=[evil, "$\\frac{", "]]>", "b"])
        .assign_attrs(verdict=evil),
        "uniformity": kinetics["uniformity"].assign_coords(particle=[evil, "b", "c"]),
        "cell_trace": kinetics["cell_trace"].assign_attrs(source=evil),
        "clock": kinetics["clock"].assign_attrs(method=evil),
    }
    text = page(stxm_page_content(title="t", results=results))
    assert evil not in text
    assert text.count("<script") == 1


def test_without_a_map_the_trace_has_its_own_section(kinetics):
    content = stxm_page_content(title="t", results={"cell_frames": kinetics["cell_frames"]})
    assert [section.identity for section in content.sections] == ["voltage"]
