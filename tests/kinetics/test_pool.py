from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError, StageError
from lithiscope.kinetics import pool
from lithiscope.kinetics.options import PoolOptions


def table(values, directions=(1, -1), rates=(0.6, 0.6)):
    """A uniformity table; values (particle, half_cycle)."""
    values = np.asarray(values, dtype=float)
    return stages.new(
        "uniformity_table",
        {
            "uniformity": ("particle half_cycle", values),
            "uniformity_flag": ("particle half_cycle", np.isnan(values) * stages.flag_bit("missing")),
        },
        coords={
            "particle": ("particle", np.array([f"p{n}" for n in range(len(values))])),
            "half_cycle": ("half_cycle", np.arange(values.shape[1])),
            "direction": ("half_cycle", list(directions)),
            "applied_c_rate": ("half_cycle", list(rates)),
        },
    )


def test_means_errors_and_the_numbers_behind_them():
    rng = np.random.default_rng(0)
    values = 0.7 + 0.1 * rng.standard_normal((40, 2))
    pooled = pool([table(values)], "uniformity")
    assert list(pooled["group"].values) == ["lithiation 0.6C", "delithiation 0.6C"]
    np.testing.assert_allclose(pooled["value"].values, values.mean(axis=0), rtol=1e-12)
    # One cell, one study: particles are drawn. 2000 draws know a deviation to 1.6 %.
    np.testing.assert_allclose(pooled["value_std"].values, values.std(axis=0, ddof=1) / np.sqrt(40), rtol=0.06)
    assert list(pooled["drawn"].values) == ["particle"] * 2
    for name, count in (("particle_count", 40), ("study_count", 1), ("cell_count", 1)):
        assert list(pooled[name].values) == [count, count]
    assert pooled.attrs["quantity"] == "uniformity (1)"
    assert pooled.attrs["seed"] == 0


def test_the_same_seed_gives_the_same_numbers():
    values = np.random.default_rng(1).random((12, 2))
    one, two = (pool([table(values)], "uniformity", options=PoolOptions(seed=5)) for _ in range(2))
    assert one.identical(two)
    other = pool([table(values)], "uniformity", options=PoolOptions(seed=6))
    assert float(other["value_std"][0]) != float(one["value_std"][0])


def test_a_particle_counts_once():
    """Three half cycles of one direction and rate are one witness."""
    values = [[0.2, 0.4, 0.6, 0.9], [0.5, np.nan, 0.7, np.nan]]
    pooled = pool([table(values, (1, 1, 1, -1), (0.6, 0.601, 0.6, 2.0))], "uniformity")
    assert list(pooled["group"].values) == ["lithiation 0.6C", "delithiation 2C"]
    np.testing.assert_allclose(pooled["value"].values, [(0.4 + 0.6) / 2, 0.9])
    assert list(pooled["particle_count"].values) == [2, 1]
    assert np.isnan(pooled["value_std"].values).all()
    assert list(pooled["drawn"].values) == ["none", "none"]


def nested(rng, cells, studies, particles, spread):
    """Values of cells, studies and particles with their three standard deviations."""
    found, of_cell = [], []
    for cell in range(cells):
        a = spread[0] * rng.standard_normal()
        for _ in range(studies):
            b = spread[1] * rng.standard_normal()
            found.append(table(a + b + spread[2] * rng.standard_normal((particles, 1)), (1,), (1.0,)))
            of_cell.append(f"cell {cell}")
    return found, of_cell


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "studies", "particles", "spread"),
    [(1, 1, 12, (0, 0, 1)), (3, 2, 8, (0, 0, 1)), (3, 1, 8, (1, 0, 1)), (5, 2, 5, (0.7, 0.3, 1)), (1, 4, 6, (0, 1, 1))],
)
def test_the_range_covers(cells, studies, particles, spread):
    """150 experiments: a share of 95 +- 1.8 %; the bar is 92 to 98 %, and a binomial deviation is allowed beyond."""
    rng = np.random.default_rng(2)
    hits = []
    for seed in range(150):
        tables, of_cell = nested(rng, cells, studies, particles, spread)
        pooled = pool(tables, "uniformity", cells=of_cell, options=PoolOptions(draws=300, seed=seed))
        hits.append(float(pooled["low"][0]) <= 0 <= float(pooled["high"][0]))
    assert 0.92 - 0.018 <= np.mean(hits) <= 0.98 + 0.018


def test_careless_pooling_would_not_have_covered():
    """Forty particles of three cells that differ are no forty witnesses."""
    rng = np.random.default_rng(3)
    tables, of_cell = nested(rng, 3, 1, 14, (1, 0, 0.3))
    whole = pool(tables, "uniformity", cells=of_cell)
    careless = pool([table(np.concatenate([t["uniformity"].values for t in tables]), (1,), (1.0,))], "uniformity")
    assert whole["drawn"].item() == "cell"
    assert float(whole["value_std"][0]) > 3 * float(careless["value_std"][0])


def test_two_cells_cannot_tell():
    rng = np.random.default_rng(4)
    tables, of_cell = nested(rng, 2, 1, 6, (0, 0, 1))
    with pytest.warns(LithiscopeWarning, match="2 of level cell"):
        pooled = pool(tables, "uniformity", cells=of_cell)
    assert pooled["drawn"].item() == "particle"
    assert int(pooled["cell_count"][0]) == 2
    assert int(pooled["particle_count"][0]) == 12


def test_bad_input_gives_one_clear_error():
    values = np.random.default_rng(5).random((5, 2))
    with pytest.raises(StageError, match="no such quantity"):
        pool([table(values)], "c_rate")
    with pytest.raises(StageError, match="needs a name"):
        pool([table(values)], "uniformity", cells=["a", "b"])
    with pytest.raises(AnalysisError, match="nothing to pool"):
        pool([table(values * np.nan)], "uniformity")
    with pytest.raises(AnalysisError, match="nothing to pool"):
        pool([], "uniformity")
    with pytest.raises(OptionError, match="draws"):
        PoolOptions(draws=3)
