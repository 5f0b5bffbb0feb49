"""A disc behind its rim: what share of it the new phase covers, and what LiCoO2 does at two potentials."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope.errors import OptionError
from lithiscope.studies.simulation import run_case
from lithiscope.studies.simulation_cases import cases
from lithiscope.studies.simulation_measures import cover_halfway, rim_cover
from lithiscope.studies.simulation_recipe import load_simulation

CELLS, RADIUS = 65, 31.0
Y, X = np.meshgrid(*[np.arange(CELLS) - CELLS // 2] * 2, indexing="ij")


def disc(old: np.ndarray, *, lithiates: bool = False) -> xr.Dataset:
    """Return a disc before, with, and after this part in the old phase."""
    mask = RADIUS**2 >= Y**2 + X**2
    frames = np.stack([np.ones_like(mask), old, np.zeros_like(mask)])
    rich = ~frames if lithiates else frames
    return xr.Dataset(
        {
            "lithium_fraction": (("time", "y", "x"), np.where(mask, np.where(rich, 0.95, 0.75), np.nan)),
            "amount": (("y", "x"), mask.astype(float)),
            "mask": (("y", "x"), mask),
        },
        {"time": np.arange(3.0), "y": 0.1 * np.arange(CELLS), "x": 0.1 * np.arange(CELLS)},
    )


@pytest.mark.parametrize("lithiates", [False, True])
@pytest.mark.parametrize(
    ("old", "expected", "count"),
    [
        ((RADIUS / np.sqrt(2)) ** 2 > Y**2 + X**2, 1.0, 0),  # a core
        (X > 0, 0.5, 1),  # beyond a straight front
        (abs(X) < RADIUS / 2, 2 / 3, 2),  # a strip: its ends are four times 30 degrees
    ],
)
def test_the_rim_tells_a_core_from_a_front_and_a_strip(old, expected, count, lithiates):
    video = disc(old, lithiates=lithiates)
    cover, stretches, left = rim_cover(video, 0.85)
    # A cell of the rim is 1/180 of it, and cells along the axes lie closer than those along the diagonals.
    assert cover == pytest.approx([0.0, expected, 1.0], abs=0.04)
    assert stretches.tolist() == [1, count, 0]
    assert left[[0, 2]].tolist() == [1.0, 0.0]
    assert cover_halfway(video, 0.85) == pytest.approx(expected, abs=0.04)


def test_without_a_frame_halfway_there_is_no_cover():
    assert np.isnan(cover_halfway(disc(np.zeros((CELLS, CELLS), bool)), 0.85))


def test_the_other_direction_at_constant_voltage_has_its_own_voltage_and_start():
    out, back = cases(load_simulation("lco_disc"))
    assert (out.name, back.name, out.direction, back.direction) == ("delithiation", "lithiation", -1, 1)
    assert (out.recipe.protocol[0].volt, out.recipe.initial) == (4.08, 0.985)
    assert (back.recipe.protocol[0].volt, back.recipe.initial) == (3.72, 0.65)
    part = "protocol=[{kind: potential, volt: 4.08, direction: delithiation, seconds: 9}]"
    with pytest.raises(OptionError, match="other_volt"):
        cases(load_simulation("lco_disc", settings=(part,)))


def covers(*settings: str) -> dict[str, float]:
    """Return the rim under the new phase, by direction."""
    recipe = load_simulation("lco_disc", settings=settings)
    return {case.name: cover_halfway(run_case(case).video, recipe.shown.threshold) for case in cases(recipe)}


COARSE = ("geometry.spacing=240", "gradient_energy=1.0e+6")
UNEVEN = ("reaction.spread=0.2", "reaction.length=600", "reaction.seed=1")


@pytest.mark.long
@pytest.mark.parametrize("settings", [COARSE, ()], ids=["coarse", "example"])
def test_as_far_above_and_below_the_plateau_delithiation_is_a_core_and_lithiation_a_wave(settings):
    found = covers(*settings)
    # A core leaves the rim; half of it lies beyond a straight front.
    assert found["delithiation"] >= 0.9
    assert found["lithiation"] <= 0.7


@pytest.mark.long
def test_a_rim_whose_rate_varies_by_a_fifth_keeps_the_order_of_the_directions_but_not_the_closed_core():
    found = covers(*COARSE, *UNEVEN)
    assert found["lithiation"] <= 0.7
    assert found["delithiation"] > found["lithiation"]
