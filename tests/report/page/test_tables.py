from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from lithiscope.report.page import tables
from lithiscope.stages import flag_bit
from report import scene


def column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


def test_one_row_a_particle(table):
    found = tables.particle_rows(table)
    assert column(found, "Particle") == list(scene.NAMES)
    highest = np.nanmax(table["lithium_fraction"].values, axis=1)
    np.testing.assert_allclose(column(found, "Highest mean x"), highest, atol=5e-4)  # three decimals are shown
    assert column(found, "Frames") == [8, 7, 8]
    assert column(found, "Remarks") == ["reaches the edge", "", ""]
    shift = np.sqrt((table["lithium_fraction_shift"].values ** 2).sum(axis=0))
    np.testing.assert_allclose(column(found, "σ systematic"), np.median(shift, axis=1))


def test_an_excluded_particle_keeps_its_row_and_says_why(table):
    gone = table.copy(deep=True)
    gone["lithium_fraction"][0] = np.nan
    gone["excluded"][0] = True
    gone["reason"] = ("particle", np.array(["delaminated", "", ""]))
    found = tables.particle_rows(gone)
    assert column(found, "Remarks")[0] == "reaches the edge; excluded: delaminated"
    assert np.isnan(column(found, "Lowest mean x")[0])


def test_the_csv_holds_every_particle_and_frame_with_its_scopes(table):
    rows = list(csv.DictReader(io.StringIO(tables.particle_csv(table))))
    assert len(rows) == 3 * 8
    row = rows[8 + 2]
    assert row["particle"] == "P02"
    assert float(row["time / s"]) == table["time"].values[2]
    for name, values in (
        ("lithium_fraction", table["lithium_fraction"].values[1, 2]),
        ("lithium_fraction_std", table["lithium_fraction_std"].values[1, 2]),
        ("lithium_fraction_frame_std", table["lithium_fraction_frame_std"].values[2]),
        ("lithium_fraction_shift (reference purity)", table["lithium_fraction_shift"].values[0, 1, 2]),
        ("area / um2", table["area"].values[1]),
    ):
        assert float(row[name]) == pytest.approx(values, rel=1e-6)
    assert rows[8 + 5]["lithium_fraction"] == "nan"


def test_names_cannot_become_formulas_or_break_rows(table):
    names = ['=HYPERLINK("x")', "a,b\nc", "+1+1"]
    rows = list(csv.DictReader(io.StringIO(tables.particle_csv(table.assign_coords(particle=names)))))
    assert len(rows) == 3 * 8
    assert rows[0]["particle"] == '\'=HYPERLINK("x")'
    assert rows[8]["particle"] == "a,b\nc"
    assert rows[16]["particle"] == "'+1+1"
    assert all(float(row["direction"]) in (-1, 1) for row in rows)  # a minus sign of a number stays


def test_flags_are_counted_with_their_meaning():
    found = tables.flag_table(np.array([0, flag_bit("missing"), flag_bit("missing", "few_counts"), 0], np.uint16))
    assert [row[:4] for row in found.rows] == [("missing", "removed", 2, 50.0), ("few counts", "kept", 1, 25.0)]
    assert "beam dump" in found.rows[0][4]


def test_systematic_shifts_keep_their_sign_and_add_in_quadrature(table):
    signed = table.assign(lithium_fraction_shift=-table["lithium_fraction_shift"])
    found = tables.systematic_table(signed)
    assert found.rows[0][0] == "reference purity"
    assert found.rows[0][1] < 0
    values = table["lithium_fraction_shift"].values
    assert found.rows[0][2] == pytest.approx(-np.nanmax(np.abs(values[0])))
    assert found.rows[-1][2] == pytest.approx(np.nanmax(np.sqrt((values**2).sum(axis=0))))


def test_registration_in_nanometres_skips_lost_frames(alignment):
    found = tables.registration_table(alignment)
    shift = 1e3 * alignment["shift"].sel(axis="x").values
    assert column(found, "Range of shifts / nm")[1] == pytest.approx(np.nanmax(shift) - np.nanmin(shift))
    assert column(found, "Median σ / nm") == pytest.approx([2.0, 2.0])
    assert len(tables.registration_table(alignment.drop_vars("drift_leakage")).columns) == 3
