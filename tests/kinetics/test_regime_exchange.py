from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.kinetics.regime_exchange import exchange_from_elsewhere

MEAN_F = 3 * np.pi / 16


def table_of(constants, speeds, *, scatter=(), intervals=6, channels=20, noise=0.1, seed=0):
    """Half cycles with j0 = k0 F(x), a mean current, and a scatter of k0 between intervals each."""
    rng = np.random.default_rng(seed)
    count = len(constants)
    half = np.repeat(np.arange(count), intervals)
    x = np.tile(np.linspace(0.1, 0.9, intervals), count)[:, None] + 0.03 * rng.normal(
        size=(count * intervals, channels)
    )
    wobble = np.repeat(scatter or [0.0] * count, intervals) * np.tile([1.0, -1.0], count * intervals // 2)
    f = 3 * (1 - x) * np.sqrt(x * (1 - x))
    true = np.repeat(constants, intervals)[:, None] * (1 + wobble[:, None]) * f
    std = noise * np.repeat(constants, intervals)[:, None] * np.ones_like(f)
    dims = "interval channel"
    return stages.new(
        "channel_table",
        {
            "exchange_current_density": (dims, true + std * rng.normal(size=f.shape)),
            "exchange_current_density_std": (dims, std),
            "exchange_current_density_flag": (dims, np.zeros(f.shape)),
            "surface_lithium_fraction": (dims, x),
            "surface_lithium_fraction_std": (dims, np.full(f.shape, 1e-3)),
            "surface_lithium_fraction_flag": (dims, np.zeros(f.shape)),
            "current_density": (dims, -np.repeat(speeds, intervals)[:, None] * np.ones_like(f)),
            "current_density_flag": (dims, np.zeros(f.shape)),
        },
        coords={
            "half_cycle": ("interval", half),
            "direction": ("interval", np.where(half % 2 == 0, 1, -1)),
            "channel": ("channel", np.arange(channels)),
            "particle": ("channel", np.array(["a"] * (channels // 2) + ["b"] * (channels // 2))),
        },
    )


def test_it_is_that_of_another_half_cycle_averaged_over_x():
    found = exchange_from_elsewhere(table_of([0.02, 0.01], [0.1, 0.1]), "a", 0)
    assert found.half_cycle == 1
    # 60 points of 10 % of k0 each: 2 %; six intervals of 5 % or so each may seem to scatter by as much by chance.
    assert found.value == pytest.approx(0.01 * MEAN_F, rel=4 * 0.02)
    assert 0.015 < found.std / found.value < 0.1


def test_a_half_cycle_much_faster_than_this_one_is_not_used():
    table = table_of([0.01, 0.01], [0.1, 0.16])
    assert exchange_from_elsewhere(table, "a", 0) is None
    assert exchange_from_elsewhere(table, "a", 1).half_cycle == 0
    assert exchange_from_elsewhere(table_of([0.01, 0.01], [0.1, 0.14]), "a", 0).half_cycle == 1


def test_the_one_that_scatters_least_between_intervals_is_taken_and_its_scatter_counts():
    table = table_of([0.01, 0.012, 0.01], [0.1, 0.1, 0.1], scatter=[0.0, 0.3, 0.1])
    found = exchange_from_elsewhere(table, "a", 0)
    assert found.half_cycle == 2
    assert found.std / found.value == pytest.approx(0.1, abs=0.04)


def test_named_shifts_and_common_errors_add_in_quadrature():
    plain = table_of([0.01, 0.01], [0.1, 0.1], noise=0.01)
    j0 = plain["exchange_current_density"].values
    common = stages.new(
        "channel_table",
        {
            **{str(name): (" ".join(map(str, v.dims)), v.values) for name, v in plain.data_vars.items()},
            "exchange_current_density_shift": ("systematic interval channel", np.stack([0.06 * j0, -0.08 * j0])),
            "exchange_current_density_frame_std": ("interval channel", np.zeros(j0.shape)),
        },
        coords={
            **{str(name): (" ".join(map(str, v.dims)), v.values) for name, v in plain.coords.items()},
            "systematic": ("systematic", ["resistance", "channel_length"]),
        },
    )
    found = exchange_from_elsewhere(common, "a", 0)
    assert found.std / found.value == pytest.approx(0.1, abs=0.01)


def test_without_a_trustworthy_value_there_is_none():
    assert exchange_from_elsewhere(table_of([0.01], [0.1]), "a", 0) is None  # nothing but this half cycle
    assert exchange_from_elsewhere(table_of([0.01, 0.01], [0.1, 0.1], noise=8.0), "a", 0) is None
    bare = table_of([0.01, 0.01], [0.1, 0.1]).drop_vars("exchange_current_density_std")
    assert exchange_from_elsewhere(bare, "a", 0) is None
