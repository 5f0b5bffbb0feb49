from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lithiscope.cli.app import app
from lithiscope.errors import OptionError
from lithiscope.materials import material, material_names
from lithiscope.studies.materials import show_materials


def test_the_list_names_every_set_with_what_it_is():
    text = "\n".join(show_materials(None))
    for name in material_names():
        assert name in text
        assert material(name).data.title in text


@pytest.mark.parametrize("name", material_names())
def test_every_number_is_printed_with_unit_status_and_source(name):
    lines = list(show_materials(name))
    for path, stated in material(name).numbers().items():
        (at,) = [index for index, line in enumerate(lines) if line.startswith(f"{path} ")]
        assert stated.symbol in lines[at]
        assert re.search(rf"\s{re.escape(stated.unit)}\s", lines[at])
        assert any(f"{stated.status}: {stated.source[:20]}" in line for line in lines[at + 1 : at + 3])
    assert max(map(len, lines[: lines.index("References:")])) <= 120
    for reference in material(name).references.values():
        assert any(reference.doi in line for line in lines)


def test_the_numbers_of_the_engine_are_printed():
    text = "\n".join(show_materials("lfp_cogswell_bazant_2012"))
    assert "kappa = 8.832 nm2" in text
    assert "B = 3.375 rho_s kT (0.1916 GPa)" in text
    assert "omega = 4.5088" in text
    assert "Full potential: true, so in a simulation gradient energy and strain act on j0 too" in text
    assert "Full potential: false, so in a simulation j0 follows x alone" in "\n".join(show_materials("lfp_lim_2016"))


def test_the_yaml_that_is_printed_is_a_set(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(show_materials("lco_two_phase", as_yaml=True)), encoding="utf-8")
    assert material(path).data == material("lco_two_phase").data
    assert any("lco_two_phase" in line for line in show_materials(str(path)))


def test_figures_by_their_ending(tmp_path):
    for ending, start in {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}.items():
        path = tmp_path / f"a.{ending}"
        shown = CliRunner().invoke(app, ["materials", "lco_two_phase", "--plot", str(path)])
        assert shown.exit_code == 0, shown.output
        assert path.read_bytes().startswith(start)
    assert struct.unpack(">2I", (tmp_path / "a.png").read_bytes()[16:24]) == (1440, 1036)
    with pytest.raises(OptionError, match="format"):
        list(show_materials("lfp_mpet", plot=Path("a.jpg")))


def test_one_set_is_needed_to_draw_or_to_copy():
    for options in ({"plot": Path("a.png")}, {"as_yaml": True}):
        with pytest.raises(OptionError, match="one set is needed"):
            list(show_materials(None, **options))


def test_the_help_teaches():
    text = CliRunner().invoke(app, ["materials", "--help"]).output
    for word in ("--plot", "--yaml", "lfp_mpet", "assumed"):
        assert word in text
