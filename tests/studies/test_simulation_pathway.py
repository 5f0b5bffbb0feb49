"""How a particle fills, told from videos whose pathway is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from lithiscope.studies.simulation_pathway import CONNECTED, TOGETHER, filling

SIDE, FRAMES = 40, 61
PLACE = (np.arange(SIDE) + 0.5) / SIDE


def video(begin: np.ndarray, length: float, *, low: float = 0.03, high: float = 0.97, down: bool = False) -> xr.Dataset:
    """Return cells that fill steadily from `begin`, in a time `length`; both in units of the run."""
    time = np.linspace(0.0, 1.0, FRAMES)
    progress = np.clip((time[:, None, None] - begin) / length, 0.0, 1.0)
    x = high + (low - high) * progress if down else low + (high - low) * progress
    return xr.Dataset(
        {
            "lithium_fraction": (("time", "y", "x"), x),
            "amount": (("y", "x"), np.ones(begin.shape)),
            "mask": (("y", "x"), np.ones(begin.shape, bool)),
            "direction": (("time",), np.full(FRAMES, -1 if down else 1)),
        },
        {"time": 100.0 * time},
    )


def turns(order: np.ndarray, length: float) -> np.ndarray:
    """Return when each cell begins, if they take turns in this order and the last ends with the run."""
    rank = np.argsort(np.argsort(order, axis=None)).reshape(order.shape)
    return (1 - length) * rank / (rank.size - 1)


def front(starts: int) -> np.ndarray:
    """Return an order in which fronts start on that many sides."""
    y, x = np.meshgrid(PLACE, PLACE, indexing="ij")
    return np.min([x, 1 - x, np.abs(y - 0.5) + 0.3][:starts], axis=0)


def noise(seed: int, width: float) -> np.ndarray:
    white = np.random.default_rng(seed).standard_normal((SIDE, SIDE))
    return gaussian_filter(white, width) if width else white


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("starts", [1, 2])
def test_one_or_two_fronts_are_a_wave(starts, down):
    found = filling(video(turns(front(starts), 0.1), 0.1, down=down))
    # Each cell takes a tenth of the run for its range. One front leaves the first tenth whole; two halve it.
    assert found.duration == pytest.approx(0.1, rel=1e-6)
    assert found.connectedness == pytest.approx(1 / starts, abs=0.02)
    assert found.pathway == "wave"


@pytest.mark.parametrize("seed", range(5))
def test_turns_in_no_order_are_a_domino(seed):
    found = filling(video(turns(noise(seed, 0), 0.05), 0.05))
    # A tenth to a half of the cells at random is below the 59 % at which sites of a square grid hang together.
    assert found.connectedness < 0.15
    assert found.pathway == "domino"


@pytest.mark.parametrize("width", [1.5, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_turns_by_a_smooth_rate_constant_are_a_domino_though_neighbours_follow_each_other(seed, width):
    order = noise(seed, width)
    found = filling(video(turns(order, 0.05), 0.05))
    neighbours = 1 - np.mean(np.diff(order, axis=0) ** 2) / (2 * order.var())
    assert neighbours > 0.8, "the turn of a cell is that of its neighbour"
    assert found.pathway == "domino"


def test_cells_that_fill_together_are_a_solid_solution():
    together = filling(video(np.zeros((SIDE, SIDE)), 1.0))
    assert together.duration == pytest.approx(1.0)
    assert together.pathway == "solid solution"


@pytest.mark.parametrize("order", [front(1), noise(0, 0)], ids=["front", "no order"])
@pytest.mark.parametrize("length", [0.3, 0.45, 0.55, 0.8])
def test_between_them_the_time_that_a_cell_takes_decides(order, length):
    found = filling(video(turns(order, length), length))
    assert found.duration == pytest.approx(length, rel=1e-6)
    assert (found.pathway == "solid solution") == (length >= TOGETHER)


@given(share=st.floats(0.0, 1.0))
def test_a_blend_counts_by_its_material(share):
    begin, count = turns(front(1), 0.05), round(share * SIDE)
    steady = video(np.zeros_like(begin), 1.0)["lithium_fraction"].values[:, :count]
    blend = video(begin, 0.05)
    blend["lithium_fraction"].values[:, :count] = steady
    # Rows that fill all the time, and rows that jump within three frames, which shows to a tenth of a frame.
    assert filling(blend).duration == pytest.approx((count + 0.05 * (SIDE - count)) / SIDE, abs=0.002)


def test_units_of_time_and_the_ends_of_the_range_do_not_count():
    begin = turns(noise(1, 1.0), 0.2)
    one, other = video(begin, 0.2), video(begin, 0.2, low=0.6, high=0.9)
    other = other.assign_coords(time=7.0 * other["time"])
    assert filling(other).duration == pytest.approx(filling(one).duration, rel=1e-9)
    assert filling(other).connectedness == filling(one).connectedness


def test_a_rest_after_the_current_and_cells_that_never_fill_do_not_count():
    whole = video(turns(front(1), 0.1), 0.1)
    rest = whole.isel(time=[-1, -1, -1]).assign_coords(time=[200.0, 300.0, 400.0])
    rest["direction"][:] = 0
    assert filling(xr.concat([whole, rest], "time", data_vars="minimal")) == filling(whole)
    half = whole.isel(time=slice(0, 31))
    assert filling(half).pathway == "wave"


def test_nothing_that_fills_has_no_pathway():
    still = video(np.full((SIDE, SIDE), 2.0), 1.0)
    found = filling(still)
    assert np.isnan(found.duration)
    assert found.pathway == "unknown"


def test_the_threshold_of_a_front_lies_between_two_starts_and_three():
    y, x = np.meshgrid(PLACE, PLACE, indexing="ij")
    corners = [np.hypot(y - a, x - b) for a, b in ((0, 0), (0, 1), (1, 0.5))]
    found = filling(video(turns(np.min(corners, axis=0), 0.1), 0.1))
    assert 1 / 3 < CONNECTED < 1 / 2
    # Two quarters of a disc and a half: the half holds 1/2, until they meet.
    assert found.connectedness == pytest.approx(0.5, abs=0.03)
    places = [np.hypot(y - a, x - b) for a, b in ((0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.9, 0.9))]
    assert filling(video(turns(np.min(places, axis=0), 0.1), 0.1)).pathway == "domino"
