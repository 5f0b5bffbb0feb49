from __future__ import annotations

import re

import pytest

from lithiscope.materials import material, material_names
from lithiscope.report import FigureOptions
from lithiscope.report.material_figure import material_figure


@pytest.mark.parametrize("name", material_names())
def test_the_figure_of_a_set_has_units_on_its_axes(name):
    drawn = material_figure(material(name), options=FigureOptions(format="svg")).decode()
    # Labels may break into lines, each a text of its own.
    text = " ".join(re.findall(r">([^<>]+)</t(?:ext|span)>", drawn))
    for label in (
        "lithium fraction x",
        "V of a uniform particle (V)",
        "against Li",
        "μ (kT)",
        "j₀ F(x) (A/m²)",
        "D (m²/s)",
        name,
    ):
        assert label in text


def test_the_range_of_validity_is_written():
    text = material_figure(material("nmc811_solid_solution"), options=FigureOptions(format="svg")).decode()
    assert text.count("holds for 0.27 ≤ x ≤ 0.91") == 4
    lfp = material_figure(material("lfp_mpet"), options=FigureOptions(format="svg")).decode()
    assert "holds for" not in lfp


def test_a_set_without_kinetics_is_drawn_and_says_so():
    whole = material("lfp_mpet")
    bare = type(whole)(whole.data.model_copy(update={"reaction": None, "diffusion": None}))
    assert material_figure(bare, options=FigureOptions(format="svg")).decode().count("not in this set") == 2


def test_the_same_set_gives_the_same_bytes():
    assert material_figure(material("lco_two_phase")) == material_figure(material("lco_two_phase"))
