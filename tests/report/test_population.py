from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope.errors import AnalysisError
from lithiscope.report.population import Group, groups_of
from report import kinetic_scene


def table(values, rates=(1.0, 1.0), direction=(1, 1)):
    values, dims = np.asarray(values, float), ("particle", "half_cycle")
    return xr.Dataset(
        {"q": (dims, values), "q_std": (dims, np.full(values.shape, 0.3))},
        coords={
            "particle": [f"p{n}" for n in range(len(values))],
            "half_cycle": np.arange(values.shape[1]),
            "direction": ("half_cycle", list(direction)),
            "applied_c_rate": ("half_cycle", list(rates)),
        },
    )


def test_repeats_of_one_particle_are_one_particle():
    # Two half cycles of one rate: means 1.5 and 3.5 of two particles, so 2.5 +- 1.
    (group,) = groups_of(table([[1, 2], [3, 4]]), "q")
    assert group == Group(1.0, 1, 2.5, pytest.approx(1.5), pytest.approx(3.5), 2)


def test_a_single_particle_has_its_own_error():
    (group,) = groups_of(table([[1, 1]]), "q")
    assert (group.low, group.high, group.count) == (pytest.approx(0.7), pytest.approx(1.3), 1)


def test_rates_and_directions_are_apart_and_lost_values_are_left_out():
    groups = groups_of(table([[1, np.nan], [2, np.nan]], direction=(1, -1)), "q")
    assert [(group.direction, group.value, group.count) for group in groups] == [(1, 1.5, 2)]
    assert len(groups_of(table([[1, 2]], rates=(0.5, 2.0)), "q")) == 2


def test_rates_come_from_the_half_cycles_where_the_table_has_none(kinetics):
    surfaces = kinetic_scene.make_surfaces()
    groups = groups_of(surfaces, "surface_lithium_fraction", half_cycles=kinetics["half_cycles"])
    assert sorted((group.c_rate, group.direction) for group in groups) == [(0.6, -1), (0.6, 1), (2.0, -1), (2.0, 1)]
    with pytest.raises(AnalysisError, match="C-rates of the half cycles are not known"):
        groups_of(surfaces, "surface_lithium_fraction")
