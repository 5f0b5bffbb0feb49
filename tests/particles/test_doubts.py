"""What a table of particles says against itself: told where it is wrong, and silent where only noise speaks."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.particles import doubts

STD = 0.004
TIMES = 6


def table(x: Any, *, amount: Any = 1.0, direction: int = 1, seed: int | None = None, **more: Any) -> xr.Dataset:
    """Particles of 200 pixels with means x (particle, time), with noise where a seed is given."""
    x = np.array(x, dtype=float)
    amount = np.broadcast_to(np.asarray(amount, dtype=float), x.shape).copy()
    if seed is not None:
        rng = np.random.default_rng(seed)
        x, amount = x + STD * rng.standard_normal(x.shape), amount + 0.004 * rng.standard_normal(x.shape)
    particles, times = x.shape
    names = [f"p{number:02d}" for number in range(1, particles + 1)]
    return stages.new(
        "particle_table",
        {
            "lithium_fraction": ("particle time", x),
            "lithium_fraction_std": ("particle time", np.full(x.shape, STD)),
            "amount": ("particle time", amount),
            "amount_std": ("particle time", np.full(x.shape, 0.004)),
            "area": ("particle", np.full(particles, 1.0)),
            "pixel_count": ("particle", np.full(particles, 200)),
            "valid_pixel_count": ("particle time", np.full(x.shape, 200)),
            **more,
        },
        coords={
            "time": ("time", 600.0 * np.arange(times)),
            "half_cycle": ("time", np.zeros(times, dtype=np.int32)),
            "direction": ("time", np.full(times, direction, dtype=np.int32)),
            "particle": ("particle", np.array(names)),
            **({"systematic": ("systematic", np.array(["I0"]))} if "lithium_fraction_shift" in more else {}),
        },
    )


RISING = np.linspace(0, 1, TIMES) * np.array([[1.0], [0.9], [0.8]])


def test_noise_raises_no_doubt() -> None:
    for seed in range(200):
        assert doubts(table(RISING, seed=seed)) == []
    # Two in three particles at rest say nothing on the direction.
    assert doubts(table([np.linspace(0.5, 0.46, TIMES), *(0.5 * np.ones((2, TIMES)))], seed=0)) == []


@pytest.mark.parametrize("worst", [-0.06, 1.06, 1.98])
def test_a_composition_that_cannot_be_is_told(worst: float) -> None:
    x = RISING.copy()
    x[1, -1] = worst
    (text,) = [text for text in doubts(table(x)) if "outside" in text]
    assert text.startswith("x of p02 lies outside 0 to 1")
    assert f"at {worst:.2f}" in text


def test_errors_of_any_scope_excuse_a_composition() -> None:
    x = RISING.copy()
    x[1, -1] = 1.1
    assert doubts(table(x)) != []
    frame = ("time", np.full(TIMES, 0.03))
    shift = ("systematic particle time", np.full((1, 3, TIMES), -0.03))
    assert doubts(table(x, lithium_fraction_frame_std=frame)) == []
    assert doubts(table(x, lithium_fraction_shift=shift)) == []


def test_an_amount_that_follows_x_is_told() -> None:
    for slope in (-0.5, 0.2):
        (text,) = doubts(table(RISING, amount=1 + slope * RISING, seed=1))
        found = float(re.search(r"changes by ([+-]\d+) %", text).group(1))
        assert found == pytest.approx(100 * slope, abs=1)  # noise of 0.4 % in 18 amounts, and rounding
        assert "references.scale" in text
    # Less than what blur and beam make of it, or the fault of one particle among three, is not.
    assert doubts(table(RISING, amount=1 + 0.05 * RISING, seed=1)) == []
    one = 1 + np.array([[0.4], [0.0], [-0.1]]) * RISING
    assert doubts(table(RISING, amount=one, seed=1)) == []


def test_lithium_that_goes_the_wrong_way_is_told() -> None:
    (text,) = doubts(table(RISING, direction=-1, seed=2))
    assert text.startswith("x rises in half cycle 0, which the recipe calls delithiation, by 0.90 in 3 of 3")
    (text,) = doubts(table(1 - RISING, direction=1, seed=2))
    assert text.startswith("x falls in half cycle 0, which the recipe calls lithiation")
    assert doubts(table(RISING, direction=0, seed=2)) == []
    assert doubts(table(np.full((2, TIMES), np.nan))) == []
