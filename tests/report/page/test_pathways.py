from __future__ import annotations

from lithiscope.report import FigureOptions, PageOptions
from lithiscope.report.page import page, stxm_page_content
from lithiscope.report.page.pathways import pathway_sections
from lithiscope.report.page.results import Study, drawn, known_results
from report import pathway_scene

FIGURES = FigureOptions(format="svg")


def study(results):
    return Study(known_results(results), PageOptions(movie=False), FIGURES)


def test_one_section_holds_figures_and_tables_of_all_results():
    section = drawn(*pathway_sections(study(pathway_scene.make_all())))
    assert section.heading == "Pathways"
    assert [figure.name for figure in section.figures] == ["pathways", "boundary-motion", "boundary-rate",
                                                           "domain-shapes"]  # fmt: skip
    assert [table.name for table in section.tables] == ["pathways", "boundaries", "domain-shapes"]
    pathways, boundaries, shapes = section.tables
    assert len(pathways.rows) == 15
    assert pathways.rows[4][:5] == ("A", "rest", "rest or unknown", 0.0, "phase separation")
    assert pathways.rows[14][-1] == "no frame near half charge"
    assert len(boundaries.rows) == 12
    assert "not taken out" in boundaries.caption
    assert [row[2] for row in shapes.rows] == ["faceted", "elliptic", "elliptic", "cannot tell"]
    assert "uniformity above 0.85" in section.explanation


def test_each_result_stands_alone_and_none_makes_no_section():
    assert pathway_sections(study({})) == []
    for name, table in pathway_scene.make_all().items():
        made = [drawn(one) for one in pathway_sections(study({name: table}))]
        assert len(made) == (0 if name == "active_particles" else 1)


def test_what_is_not_drawn_is_told():
    table = pathway_scene.interface_table().drop_vars("applied_c_rate")
    section = drawn(*pathway_sections(study({"interfaces": table})))
    assert "Boundary against C-rate: not drawn" in section.explanation


def test_the_section_is_on_the_page():
    text = page(stxm_page_content(title="t", results=pathway_scene.make_all(), options=PageOptions(movie=False)))
    assert '<section id="pathways">' in text
    assert "<h2>Pathways</h2>" in text
