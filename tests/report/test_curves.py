from __future__ import annotations

import io
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from lithiscope.errors import AnalysisError, StageError
from lithiscope.report import FigureOptions, curves
from report import scene

SVG = FigureOptions(format="svg")


def test_every_particle_has_its_panel_with_the_three_scopes(table):
    text = curves.particle_curves(table, options=SVG).decode()
    assert all(f">{name}<" in text for name in scene.NAMES)
    assert all(
        word in text for word in ("random, 1 σ", "common to a frame, 1 σ", "systematic, 1 σ", "no trusted value")
    )
    random = float(np.nanmedian(table["lithium_fraction_std"].values[0]))
    shift = np.sqrt((table["lithium_fraction_shift"].values[:, 0] ** 2).sum(axis=0))
    assert f"σ  {random:.3f} · 0.012 · {np.median(shift):.3f}" in re.sub(r"\s+·", " ·", text)


def test_scopes_that_are_absent_are_not_in_the_legend(table):
    bare = table.drop_vars([name for name in table if name.endswith(("_shift", "_frame_std", "_std"))])
    text = curves.particle_curves(bare, options=SVG).decode()
    assert "1 σ" not in text


def test_excluded_particles_are_left_out_and_chosen_ones_drawn(table):
    some = table.assign(excluded=("particle", [True, False, False]))
    text = curves.particle_curves(some, options=SVG).decode()
    assert ">P01<" not in text
    assert ">P03<" in text
    assert ">P01<" in curves.particle_curves(some, particles=["P01"], options=SVG).decode()


def test_unknown_or_no_particles_are_refused(table):
    with pytest.raises(AnalysisError, match="no such particle"):
        curves.particle_curves(table, particles=["P09"])
    with pytest.raises(AnalysisError, match="no particle to draw"):
        curves.particle_curves(table.assign(excluded=("particle", [True] * 3)))


def test_shift_curves_tell_lost_frames_energies_and_leakage(alignment):
    text = curves.shift_curves(alignment, options=SVG).decode()
    assert all(word in text for word in ("not aligned", "Within a scan", "Left after alignment", "shift / nm"))


def test_shift_curves_of_one_energy_have_no_energy_panel(alignment):
    text = curves.shift_curves(alignment.isel(energy=0, drop=True).drop_vars("drift_leakage"), options=SVG).decode()
    assert "Within a scan" not in text
    assert "Left after alignment" not in text


@pytest.mark.parametrize("width", [3.5, 4.5, 5.0, 6.5, 7.2])
def test_shift_curves_have_as_many_panels_as_there_is_to_show_at_any_width(alignment, width):
    text = curves.shift_curves(alignment, options=FigureOptions(format="svg", width=width)).decode()
    assert len(re.findall(r'<g id="axes_\d+">', text)) >= 3
    assert text.count("Left after") == 1


def test_incident_counts_against_time_or_energy(od):
    assert "time / min" in curves.incident_curves(od, options=SVG).decode()
    one = curves.incident_curves(od.isel(time=[0]), options=SVG).decode()
    assert "photon energy / eV" in one
    assert "time / min" not in one
    with pytest.raises(AnalysisError, match="incident"):
        curves.incident_curves(od.drop_vars("incident"))


def test_other_ways_to_find_i0_get_their_panel(od):
    values = np.stack([od["incident"].values, 1.02 * od["incident"].values])
    others = xr.Dataset(
        {"incident": (("incident_method", "time", "energy"), values)},
        coords={"incident_method": ["percentile", "blank"]},
    )
    text = curves.incident_curves(od, others=others, options=SVG).decode()
    assert all(word in text for word in ("Other ways", "percentile", "blank"))


def test_chi_square_values_are_those_of_trusted_pixels(video, labels):
    values, freedom = curves.chi_square_values(video, labels)
    trusted = np.isfinite(video["lithium_fraction"].values) & (labels.values > 0)
    assert freedom == 4
    assert values.size == trusted.sum()
    # The scene draws chi-square of 4: mean 4, standard error of the mean sqrt(8/n); four of them.
    assert values.mean() == pytest.approx(4, abs=4 * np.sqrt(8 / values.size))


def test_the_histogram_names_its_expectation_and_what_lies_beyond(video, labels):
    assert "noise alone, 4 dof" in curves.chi_square_histogram(video, labels=labels, options=SVG).decode()
    wide = video.assign(chi_square=video["chi_square"] * 10)
    text = curves.chi_square_histogram(wide, labels=labels, options=SVG).decode()
    assert "beyond the axis" in text


def test_no_degrees_of_freedom_no_histogram(video):
    with pytest.raises(AnalysisError, match="degrees of freedom"):
        curves.chi_square_histogram(video.assign_attrs(degrees_of_freedom=0))
    with pytest.raises(AnalysisError, match="chi-square"):
        curves.chi_square_histogram(video.drop_vars("chi_square"))


def test_curves_decode_and_repeat_byte_for_byte(table, alignment, od, video):
    small = FigureOptions(dots_per_inch=60)
    for draw in (
        lambda: curves.particle_curves(table, options=small),
        lambda: curves.shift_curves(alignment, options=small),
        lambda: curves.incident_curves(od, options=small),
        lambda: curves.chi_square_histogram(video, options=small),
    ):
        first = draw()
        assert Image.open(io.BytesIO(first)).size[0] <= 60 * FigureOptions().width + 1
        assert first == draw()


def test_another_stage_is_refused(video, table):
    with pytest.raises(StageError, match="not of the expected stage"):
        curves.particle_curves(video)
    with pytest.raises(StageError, match="not of the expected stage"):
        curves.shift_curves(table)
