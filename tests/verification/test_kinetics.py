"""The checks of the kinetics hold, and would notice if they did not."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.instruments.reaction import Electrode, react
from lithiscope.verification import (
    electrolyte,
    kinetics,
    kinetics_asymmetry,
    kinetics_channels,
    kinetics_numbers,
    kinetics_virtual,
)
from lithiscope.verification.kinetics_analysis import Analysed, analysed, random_fields
from lithiscope.verification.rows import Row
from lithiscope.verification.virtual_kinetics import observed, one_cycle
from verification.documented import documented


@pytest.fixture(scope="module")
def experiment() -> Analysed:
    reaction = react(Electrode(interaction=0.0), one_cycle(0.6), start=0.03)
    return analysed(observed(reaction, seed=5, fields=random_fields(np.random.default_rng(5))))


@pytest.mark.long
def test_every_claim_holds() -> None:
    rows = list(kinetics.rows(False))
    assert len({row.claim for row in rows}) == len(rows)
    assert [f"{row.claim}: {row.measured}" for row in rows if row.verdict == "fail"] == []
    assert sorted(documented("kinetics")) == sorted(row.claim for row in rows)


def test_published_numbers_and_limits_hold() -> None:
    rows = [*kinetics_numbers.number_rows(), *electrolyte.electrolyte_rows()]
    assert len(rows) >= 26
    assert [row.claim for row in rows if row.verdict == "fail"] == []


def test_another_strain_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinetics_numbers, "_STRAIN", 3.37)
    failed = {row.claim for row in kinetics_numbers.number_rows() if row.verdict == "fail"}
    assert any(claim.startswith("lower spinodal") for claim in failed)
    assert any(claim.startswith("least insertion current") for claim in failed)


def test_error_bars_that_are_seven_per_cent_too_small_are_noticed(experiment: Analysed) -> None:
    pull = np.random.default_rng(0).standard_normal(20_000)
    assert kinetics_virtual._covered("values", pull).verdict == "pass"
    assert kinetics_virtual._covered("values", 1.2 * pull).verdict == "fail"
    assert kinetics_virtual._covered("values", np.full(300, np.nan)).verdict == "fail"
    # Three particles, two half cycles, four of eight intervals each.
    pulls = kinetics_virtual._pulls(experiment, "all", "insertion_rate")
    assert pulls.shape == (24,)
    assert np.abs(pulls).max() < 5


def test_the_truth_is_analysed_in_the_same_pixels(experiment: Analysed) -> None:
    uniform = experiment.true_table["region"].values == "fast"
    exchange = experiment.true_table["exchange_current_density"].values[uniform]
    x = experiment.true_table["lithium_fraction"].values[uniform]
    middle = (x > 0.3) & (x < 0.7) & (experiment.true_table["direction"].values > 0)
    expected = 0.01 * np.nanmean(experiment.rate["fast"]) * 3 * (1 - x) * np.sqrt(x * (1 - x))
    # Within an interval of 0.15 in x, F bends: three per cent.
    np.testing.assert_allclose(exchange[middle], expected[middle], rtol=0.03)
    assert 1.4 < np.nanmean(experiment.rate["fast"]) < 1.5
    assert 0.5 <= np.nanmean(experiment.rate["slow"]) < 0.52
    assert (experiment.dice > 0.85).all()


def test_a_fit_that_finds_nothing_fails_its_rows() -> None:
    nothing = dict.fromkeys(("fast", "slow"), kinetics_virtual._NOTHING)
    assert {row.verdict for row in kinetics_virtual._fit_rows([nothing], 0.01, 9)} == {"fail"}


def test_the_significance_is_that_of_students_t() -> None:
    difference = np.array([1.0, 2.0, 3.0, 4.0])
    # t = 2.5/(1.29/2) = 3.873 with three degrees of freedom: one-sided p 0.01523, which is 2.163 sigma.
    assert kinetics_asymmetry._sigmas(difference) == pytest.approx(2.163, abs=2e-3)
    assert kinetics_asymmetry._sigmas(-difference) == pytest.approx(-2.163, abs=2e-3)
    sharp = 1.0 + 1e-9 * np.random.default_rng(0).standard_normal(400)
    assert kinetics_asymmetry._sigmas(sharp) > 30


def test_a_change_of_the_uniformity_on_delithiation_is_noticed_either_way() -> None:
    difference = 0.003 * np.random.default_rng(1).standard_normal(24)
    assert kinetics_asymmetry._unmoved_row(difference).verdict == "pass"
    for moved in (0.015, -0.015):
        assert kinetics_asymmetry._unmoved_row(difference + moved).verdict == "fail"


def test_a_channel_current_that_is_a_tenth_too_large_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    true = kinetics_channels._of_platelet

    def wrong(*given: object, **options: object) -> kinetics_channels._Platelets:
        found = true(*given, **options)  # type: ignore[arg-type]
        return found._replace(measured=1.1 * found.measured)

    monkeypatch.setattr(kinetics_channels, "_of_platelet", wrong)
    failed = [row.claim for row in kinetics_channels._current_rows(2) if row.verdict == "fail"]
    assert any(claim.startswith("slope") for claim in failed)


def test_absolute_values_rectify_noise() -> None:
    rows: list[Row] = list(kinetics_channels._rectified_rows())
    assert [row.verdict for row in rows] == ["pass", "pass"]
    assert rows[0].expected == pytest.approx(0.089, abs=5e-4)
