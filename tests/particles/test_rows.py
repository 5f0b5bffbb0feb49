from __future__ import annotations

import math

import numpy as np
import pytest

from lithiscope.errors import StageError
from lithiscope.particles import Exclusion, TableOptions, particle_table, table_rows
from particles import scene


def test_one_row_per_particle_and_frame_with_units_in_the_names():
    a, b = np.full((2, 2, 10, 10), 0.5)
    labels = np.zeros((10, 10), dtype=int)
    labels[1:4, 1:4], labels[6:9, 5:9] = 1, 2
    video = scene.measured(
        a,
        b,
        0.01,
        variables={
            "lithium_fraction_shift": ("systematic time y x", np.full((1, 2, 10, 10), 0.01)),
            "thickness": ("y x", np.full((10, 10), 150.0)),
        },
        coords={"systematic": ("systematic", np.array(["purity"])), "scan": ("time", [5, 6])},
    )
    options = TableOptions(exclude=(Exclusion(particle="p02", reason="delaminated"),))
    rows = table_rows(particle_table(video, scene.labels(labels), options=options))
    assert [(row["particle"], row["scan"]) for row in rows] == [("p01", 5), ("p01", 6), ("p02", 5), ("p02", 6)]
    first, last = rows[0], rows[-1]
    assert first["time_s"] == 0.0
    assert first["lithium_fraction"] == pytest.approx(0.5)
    assert first["lithium_fraction_shift_purity"] == pytest.approx(0.01)
    assert first["area_um2"] == pytest.approx(9 * 0.0025)
    assert first["thickness_nm"] == 150.0
    assert first["centroid_y_um"] == pytest.approx(0.1)
    assert first["bounding_box_x_stop"] == 4
    assert first["lithium_fraction_flag"] == ""
    assert last["excluded"] is True
    assert last["reason"] == "delaminated"
    assert last["lithium_fraction_flag"] == "excluded"
    assert math.isnan(last["lithium_fraction"])
    assert {type(value) for row in rows for value in row.values()} == {int, float, str, bool}


def test_another_stage_is_refused():
    with pytest.raises(StageError):
        table_rows(scene.amounts(np.ones((4, 4))))
