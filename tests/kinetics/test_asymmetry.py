from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics import (
    insertion_rate,
    rate_asymmetry,
    rate_table,
    with_current_density,
    with_exchange_current,
)
from lithiscope.kinetics.options import AsymmetryOptions
from truth import kinetics_truth as truth


def table(**conditions):
    video, labels, intervals, known = truth.experiment(**{"c_rate": 0.2, "particles": 2, **conditions})
    rates = with_exchange_current(with_current_density(insertion_rate(video)), intervals)
    return rate_table(rates, labels, regions={"fast": truth.as_mask(known["fast"])}), known


def test_at_one_composition_the_directions_agree():
    """dx/dt = k F(x) eta: C-rate over |eta| at x = 0.3 is the same in both directions, k F(0.3) kT."""
    options = AsymmetryOptions(lithium_fraction=0.3, region="fast")
    found = rate_asymmetry(table(sigma=1e-4, frames=40, scatter=0.0)[0], options=options)
    expected = truth.PER_HOUR * 1.5 * truth.exchange(0.3) / truth.VOLT
    ratio = found["c_rate"].values / np.abs(found["overpotential_volt"].values)
    # straight lines between points 0.02 apart in x
    np.testing.assert_allclose(ratio, expected, rtol=0.01)
    np.testing.assert_allclose(found["log_ratio"].values, 0.0, atol=0.02)
    assert list(found["first"].values) == [0]
    assert list(found["second"].values) == [1]
    assert list(found["direction"].values) == [1, -1]


def test_error_bars_cover():
    """30 experiments, 2 particles, 2 directions: 120 values, 95 +- 2 %."""
    options = AsymmetryOptions(lithium_fraction=0.4, region="fast")
    still = rate_asymmetry(table(sigma=1e-4, scatter=0.0)[0], options=options)
    z, ratio = [], []
    for seed in range(30):
        found = rate_asymmetry(table(seed=seed, scatter=0.0)[0], options=options)
        z.append((found["c_rate"] - still["c_rate"]).values / found["c_rate_std"].values)
        ratio.append((found["log_ratio"] - still["log_ratio"]).values / found["log_ratio_std"].values)
    assert np.mean(np.abs(z) < 1.96) == pytest.approx(0.95, abs=0.05)
    assert np.std(ratio) == pytest.approx(1, abs=0.25)


def test_where_a_particle_does_not_pass_there_is_nothing():
    found = rate_asymmetry(table()[0], options=AsymmetryOptions(lithium_fraction=0.995))
    assert np.isnan(found["c_rate"].values).all()
    assert (found["c_rate_flag"].values == stages.flag_bit("missing")).all()
    assert np.isnan(found["log_ratio"].values).all()


def test_pairs_need_like_rates():
    found, _ = table()
    unlike = found.copy(deep=True)
    unlike["applied_c_rate"].values[unlike["direction"].values < 0] = 2.0
    assert "log_ratio" not in rate_asymmetry(unlike)
    np.testing.assert_allclose(rate_asymmetry(unlike)["applied_c_rate"].values, [0.2, 2.0])


def test_bad_input_gives_one_clear_error():
    found, _ = table()
    with pytest.raises(StageError, match="no such region"):
        rate_asymmetry(found, options=AsymmetryOptions(region="slow"))
    with pytest.raises(StageError, match="half cycles"):
        rate_asymmetry(found.drop_vars("half_cycle"))
    idle = found.assign_coords(direction=("interval", np.zeros(found.sizes["interval"], dtype=int)))
    with pytest.raises(AnalysisError, match="no interval belongs to a half cycle"):
        rate_asymmetry(idle)
