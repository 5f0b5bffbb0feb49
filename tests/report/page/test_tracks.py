"""The places of the particles on the page: figure, table and csv."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.report.curves import track_curves
from lithiscope.report.page.particle_tables import track_rows, tracks_csv


@pytest.fixture
def tracks() -> xr.Dataset:
    """Three particles in five frames: one that stays, one that moves by 30 and 40 nm, one without a place."""
    centre = np.tile([1.0, 2.0], (3, 5, 1))
    centre[1, 4] += [0.03, 0.04]
    centre[0, 2] = np.nan
    centre[2] = np.nan
    return stages.new(
        "particle_tracks",
        {
            "centroid": ("particle time axis", centre),
            "centroid_std": ("particle time axis", np.where(np.isnan(centre), np.nan, 0.002)),
            "centroid_flag": ("particle time", np.isnan(centre).any(axis=2) * stages.flag_bit("missing")),
            "area": ("particle cycle", [[1.0, 1.1], [2.0, 2.0], [np.nan, np.nan]]),
        },
        coords={
            "particle": ("particle", ["p01", "p02", "p03"]),
            "axis": ("axis", ["y", "x"]),
            "cycle": ("cycle", [0, 1]),
            "time": ("time", 60.0 * np.arange(5)),
        },
    )


def test_the_table_says_how_far_each_particle_strayed(tracks: xr.Dataset) -> None:
    still, moved, lost = track_rows(tracks).rows
    assert still == ("p01", 0.0, 0.0, pytest.approx(2.0), 4, 1.0, pytest.approx(10.0))
    assert moved == ("p02", pytest.approx(50.0), pytest.approx(50.0), pytest.approx(2.0), 5, 2.0, pytest.approx(0.0))
    assert lost[0] == "p03"
    assert lost[4] == 0
    assert np.isnan([value for value in lost[1:] if not isinstance(value, int)]).all()


def test_the_csv_has_one_line_per_particle_and_frame(tracks: xr.Dataset) -> None:
    rows = list(csv.DictReader(io.StringIO(tracks_csv(tracks))))
    assert len(rows) == 15
    (along_y,) = (name for name in rows[0] if name.startswith("centroid_y"))
    (std_x,) = (name for name in rows[0] if name.startswith("centroid_std_x"))
    last = rows[9]
    assert (last["particle"], float(last[along_y]), float(last[std_x])) == ("p02", pytest.approx(1.03), 0.002)


def test_the_figure_is_drawn_whatever_is_missing(tracks: xr.Dataset) -> None:
    for given in (tracks, tracks.drop_vars("centroid_std"), tracks.isel(particle=[2])):
        assert track_curves(given).startswith(b"\x89PNG")
