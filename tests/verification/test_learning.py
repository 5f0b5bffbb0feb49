"""The virtual particles of the learning, and what is said about what was learned."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.verification import learning
from lithiscope.verification.learning_found import Found
from lithiscope.verification.virtual_learning import Truth


@pytest.mark.parametrize("pattern", ["smooth", "domains"])
def test_rates_have_no_mean_and_two_domains_stand_out(pattern) -> None:
    truth = Truth(shape=(24, 18), pattern=pattern)
    mask, field = truth.mask(), truth.log_rate(3)
    assert abs(field[mask].mean()) < 1e-12
    assert (field[~mask] == 0).all()
    if pattern == "domains":
        assert np.ptp(np.unique(field[mask])) == pytest.approx(1)
        assert 0.05 < (field[mask] > 0).mean() < 0.3
    else:
        assert field[mask].std() == pytest.approx(0.5)


def test_the_video_has_its_noise_and_both_half_cycles() -> None:
    truth = Truth(shape=(10, 8))
    video, mask = truth.video(0), truth.mask()
    mean = video["lithium_fraction"].values[:, mask].mean(axis=1)
    # 0.9 of the sites are filled and emptied; the mean of 60 pixels is known to 0.07/sqrt(60) = 0.009.
    assert mean[[0, 8, 9, 17]] == pytest.approx([0.05, 0.95, 0.95, 0.05], abs=0.04)
    assert list(video["direction"].values) == [1] * 9 + [-1] * 9


def test_a_voltage_is_noisy_and_off_and_strain_is_apart_then() -> None:
    video = Truth(shape=(10, 8), volt_sigma=0.002).video(0)
    volts = video["voltage_volt"].values
    assert (video["voltage_volt_std"].values == 0.002).all()
    # 0.6C needs some 10 mV each way about the plateau; the offset is 20 mV, one deviation.
    assert 3.3 < volts.min() < volts.max() < 3.55
    assert volts[13] > volts[4]  # delithiation above lithiation
    assert "voltage_volt" not in Truth(shape=(10, 8)).video(0)
    x = np.array([0.2])
    assert Truth(volt_sigma=0.002).potential(x) - Truth().potential(x) == pytest.approx(3.37 / 2 * 0.6)


def test_potential_and_exchange_are_those_of_the_engine() -> None:
    truth = Truth()
    assert truth.potential(np.array([0.5]))[0] == pytest.approx(0)
    assert truth.potential(np.array([0.2]))[0] == pytest.approx(np.log(0.25) + 2.825 * 0.6)
    assert truth.exchange_density(np.array([0.25]))[0] == pytest.approx(0.3 * 0.974, abs=1e-3)


def test_rows_tell_the_worst() -> None:
    inside = np.arange(100) < 95
    found = [
        Found(0.99, 0.05, 0.1, 0.05, 0.95, inside, 1.02, 1.0),
        Found(0.97, 0.06, 0.2, 0.05, 0.3, inside, 0.95, 1.0),
    ]
    rates = list(learning._rate_rows("a particle", found))
    assert [row.verdict for row in rates] == ["fail", "pass", "pass", "pass"]
    assert [row.verdict for row in learning._law_rows("a particle", found)] == ["fail", "fail", "pass"]
    assert rates[3].measured == pytest.approx(0.05)
    assert "worst of a particle, 2 seeds (mean 0.055, standard deviation 0.0071)" in rates[1].claim
    assert "one seed" in next(learning._rate_rows("a particle", found[:1])).claim
