from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError, StageError
from lithiscope.kinetics.population import global_against_particle
from lithiscope.kinetics.population_options import PopulationOptions

WHOLE = np.concatenate([np.linspace(0.05, 0.95, 11), np.linspace(0.95, 0.05, 11)])


def table_of(x, std=0.005, seed=0, half_cycles=2):
    x = np.asarray(x, dtype=float)
    particles, frames = x.shape
    x = x + std * np.random.default_rng(seed).standard_normal(x.shape)
    half = np.arange(frames) // 11
    return stages.new(
        "particle_table",
        {
            "lithium_fraction": ("particle time", x),
            "lithium_fraction_std": ("particle time", np.full(x.shape, std)),
            "area": ("particle", np.ones(particles)),
            "pixel_count": ("particle", np.full(particles, 400)),
        },
        coords={
            "particle": ("particle", np.array([f"p{n:02d}" for n in range(particles)])),
            "time": ("time", 60.0 * np.arange(frames)),
            "half_cycle": ("time", half),
            "direction": ("time", np.where(half % 2, -1, 1)),
        },
    )


def one_after_the_other(particles):
    """Every particle switches at its own composition of the electrode, between the first frame and the last."""
    place = 0.05 + 0.9 * (np.arange(particles)[:, None] + 0.5) / particles
    return 1 / (1 + np.exp(-(WHOLE[None] - place) / 0.002))


def electrode():
    return xr.DataArray(WHOLE, dims="time")


def test_particles_that_follow_the_electrode_are_concurrent():
    found = global_against_particle(table_of(np.tile(WHOLE, (12, 1))), electrode())
    np.testing.assert_allclose(found["path_slope"].values, 1.0, atol=5 * 0.005)
    # The error of the means is taken out: (0.005/0.5)^2 = 0.0001 would have left 0.99.
    assert found["concurrency"].values.min() > 0.985
    assert (found["status"].values == "active").all()
    np.testing.assert_array_equal(found["active_share"].values[5], 1.0)


def test_particles_one_after_the_other_have_no_concurrency():
    found = global_against_particle(table_of(one_after_the_other(20)), electrode())
    assert np.abs(found["concurrency"].values).max() < 4 * found["concurrency_std"].values.max() + 0.03
    assert found["concurrency_std"].values.max() < 0.1
    assert found["active_share"].values.mean() < 0.05
    assert (found["status"].values == "active").all()


def test_between_both_the_coefficient_is_known():
    """x = m +- d sqrt(m(1-m)) in equal numbers: 1 - d; 40 particles stand for an electrode of many."""
    d = np.where(np.arange(40) % 2, 0.4, -0.4)[:, None]
    x = WHOLE + d * np.sqrt(WHOLE * (1 - WHOLE))
    found = global_against_particle(table_of(x), electrode())
    np.testing.assert_allclose(found["concurrency"].values, 0.6, atol=0.02)
    assert (found["particle_count"].values == 40).all()


def test_the_error_of_the_concurrency_is_that_of_the_particles():
    """30 draws of 15 particles of random lead or lag: their scatter against the stated error, within a factor."""
    values, std = [], []
    for seed in range(30):
        d = 0.5 * np.random.default_rng(seed).uniform(-1, 1, size=(15, 1))
        found = global_against_particle(table_of(WHOLE + d * np.sqrt(WHOLE * (1 - WHOLE)), seed=seed), electrode())
        values.append(found["concurrency"].values[0])
        std.append(found["concurrency_std"].values[0])
    assert np.std(values) == pytest.approx(np.mean(std), rel=0.5)
    # var = 0.25/3 of m(1-m).
    assert np.mean(values) == pytest.approx(1 - 0.5 / np.sqrt(3), abs=0.03)


def test_inactive_and_delaminated_particles_are_told_apart():
    whole = np.concatenate([WHOLE, WHOLE])
    x = np.tile(whole, (4, 1))
    x[1] = 0.9
    x[2, 22:] = 0.05
    x[3, :22] = 0.05
    found = global_against_particle(table_of(x), xr.DataArray(whole, dims="time"))
    assert list(found["status"].values) == ["active", "inactive", "delaminated", "active"]
    assert list(found["delaminated_from"].values) == [-1, -1, 2, -1]
    assert found["inactive_probability"].values[1].min() > 0.95
    # Inactive ones are left out of the concurrency.
    assert list(found["particle_count"].values) == [2, 2, 2, 2]


def test_a_short_half_cycle_decides_nothing():
    whole = np.linspace(0.4, 0.45, 11)
    found = global_against_particle(table_of(np.tile(whole, (3, 1))), xr.DataArray(whole, dims="time"))
    assert (found["activity"].values == "not decidable").all()
    assert (found["status"].values == "not decidable").all()
    assert (found["path_slope_flag"].values == 1 << 5).all()


def test_the_mean_of_the_particles_stands_in_for_the_electrode():
    x = np.stack([WHOLE, 0.5 * WHOLE + 0.25])
    table = table_of(x, std=1e-4)
    found = global_against_particle(table.assign(area=("particle", [3.0, 1.0], {"units": "um2"})))
    np.testing.assert_allclose(found["global_lithium_fraction"].values, (3 * x[0] + x[1]) / 4, atol=1e-3)
    assert found.attrs["global"] == "mean of the particles"


def test_a_missing_particle_leaves_the_others():
    x = np.tile(WHOLE, (3, 1))
    x[2] = np.nan
    table = table_of(x)
    found = global_against_particle(table, electrode())
    assert found["status"].values[2] == "not decidable"
    assert list(found["particle_count"].values) == [2, 2]


def test_wrong_input_is_refused_one_by_one():
    table = table_of(np.tile(WHOLE, (3, 1)))
    with pytest.raises(StageError, match="along the time"):
        global_against_particle(table, electrode().isel(time=slice(3)))
    with pytest.raises(AnalysisError, match="which half cycle"):
        global_against_particle(table.drop_vars("direction"))
    with pytest.raises(OptionError, match="cannot be used"):
        PopulationOptions(lower=0.9, upper=0.1)
