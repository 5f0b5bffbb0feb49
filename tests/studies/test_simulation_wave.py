"""A platelet with a nucleus: where it starts, and how the boundary goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.studies.simulation import run_case
from lithiscope.studies.simulation_cases import cases
from lithiscope.studies.simulation_measures import cells
from lithiscope.studies.simulation_model import geometry_of, start_of
from lithiscope.studies.simulation_pathway import filling
from lithiscope.studies.simulation_recipe import load_simulation

SMALL = ("geometry.sizes=[20, 40]", "method=explicit", "frames=50")


def test_a_nucleus_starts_in_the_other_phase_in_both_directions():
    out, back = cases(load_simulation("lfp_wave", settings=(*SMALL, "sweep.c_rates=[1]")))
    for case, rest, nucleus in ((out, 0.02, 0.98), (back, 0.98, 0.02)):
        start = start_of(case.recipe, geometry_of(case.recipe))
        assert start.shape == (20, 40)
        assert np.all(start[:8, :8] == nucleus)
        assert np.count_nonzero(start == rest) == 20 * 40 - 8 * 8


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("protocol=[{kind: rest, seconds: 9}]", "constant current that has to_fraction"),
        ("protocol=[{kind: current, c_rate: 1}]", "constant current that has to_fraction"),
        ("initial=start.npy", "a file as initial"),
    ],
)
def test_a_nucleus_without_another_phase_is_refused(setting, message):
    with pytest.raises(OptionError, match=message):
        load_simulation("lfp_wave", settings=(setting,))


def test_a_nucleus_outside_the_particle_is_refused():
    recipe = load_simulation("lfp_wave", settings=(*SMALL, "nuclei=[{low: [0, 1], high: [1, 2]}]"))
    with pytest.raises(OptionError, match="holds no cell"):
        start_of(recipe, geometry_of(recipe))


def test_a_file_as_start_needs_no_nuclei():
    recipe = load_simulation("lfp_wave", settings=("nuclei=[]", "initial=start.npy"))
    assert recipe.initial == Path("start.npy")


@pytest.mark.long
def test_the_boundary_carries_a_small_current_and_not_a_large_one():
    settings = (*SMALL, "sweep.directions=[lithiation]", "sweep.c_rates=[0.3, 10]")
    slow, fast = (run_case(case) for case in cases(load_simulation("lfp_wave", settings=settings)))
    assert slow.complete
    assert fast.complete
    assert filling(slow.video).pathway == "wave"
    assert filling(fast.video).pathway == "solid solution"
    # Between the spinodal points of 4.51 kT, x = 0.127 and 0.873, there is the boundary alone: 3 nm wide, of the order
    # of 30 nm long in 800 nm2. Once the rest fills as a solid solution, nearly all is there.
    between = {}
    for name, run in (("slow", slow), ("fast", fast)):
        x, weight = cells(run.video)
        frame = int(np.argmin(np.abs(x @ weight - 0.5)))
        between[name] = float(((x[frame] > 0.127) & (x[frame] < 0.873)) @ weight)
    assert between["slow"] < 0.3
    assert between["fast"] > 0.8
