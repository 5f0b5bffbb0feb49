"""The checks of the STXM path hold, and would notice if they did not."""

import numpy as np
import pytest

from lithiscope.instruments.stxm import reference_spectra
from lithiscope.verification import stxm, stxm_noise, stxm_systematics
from lithiscope.verification.rows import Row
from lithiscope.verification.stxm_scene import ENERGIES, interior, references
from verification.documented import documented


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(stxm.rows(False))


@pytest.mark.slow
def test_every_claim_holds(rows: list[Row]) -> None:
    failed = [f"{row.claim}: {row.measured} against {row.expected} +- {row.tolerance}" for row in rows]
    assert [text for text, row in zip(failed, rows, strict=True) if row.verdict == "fail"] == []


@pytest.mark.slow
def test_the_documentation_lists_the_same_claims(rows: list[Row]) -> None:
    assert sorted(documented("stxm")) == sorted(row.claim for row in rows)


@pytest.mark.slow
def test_every_row_can_be_read_alone(rows: list[Row]) -> None:
    assert len({row.claim for row in rows}) == len(rows)
    for row in rows:
        assert row.source
        assert row.reason


def test_impure_references_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = stxm_noise._held(1.0, 6, drifts=False, seed=1)
    monkeypatch.setattr(stxm_noise, "references", lambda: references(lithiated=0.97))
    # x = 1 reads 1/0.97: a bias of 0.031 against a bar of 0.003, and a sigma of one pixel.
    impure = stxm_noise._held(1.0, 6, drifts=False, seed=1)
    np.testing.assert_allclose((impure.means - honest.means).mean(), 1 / 0.97 - 1, rtol=0.05)
    assert {row.verdict for row in stxm_noise._rows("honest", honest)} == {"pass"}
    assert {row.verdict for row in stxm_noise._rows("impure", impure)} == {"fail"}


@pytest.mark.parametrize("factor", [0.93, 1.07])
def test_error_bars_that_are_seven_per_cent_off_are_noticed(factor: float) -> None:
    error = np.random.default_rng(1).standard_normal(20_000)
    held = stxm_noise.Held(error, np.full(20_000, factor), np.zeros((1, 2)), np.ones((1, 2)))
    assert next(iter(stxm_noise._rows("", held))).verdict == "fail"


def test_a_named_shift_of_the_wrong_sign_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    true = stxm_systematics._shift
    monkeypatch.setattr(stxm_systematics, "_shift", lambda video, cause: -true(video, cause))
    named = [row for row in stxm_systematics.systematic_rows() if row.claim.startswith("named shift")]
    assert [row.verdict for row in named] == ["fail"] * len(named)


def test_the_closed_formula_of_the_skew_is_the_exact_solve() -> None:
    spectra = reference_spectra(ENERGIES).values
    density = 0.3 * spectra[0] + 0.7 * spectra[1]
    density[2] = (0.34 * spectra[0] + 0.66 * spectra[1])[2]
    a, b, _ = np.linalg.solve(np.column_stack([*spectra, np.ones(3)]), density)
    assert stxm_systematics._later_at_713(0.3, 0.04) == pytest.approx(a / (a + b) - 0.3, abs=1e-12)


def test_the_interior_has_the_full_thickness() -> None:
    scene = stxm_systematics._HALF_CHARGED
    inside = interior(scene)
    y, x = scene.grid(0.05)
    for number, platelet in enumerate(scene.platelets, start=1):
        thickness = scene.thickness(y[:, None], x)[inside == number]
        assert thickness.size > 150
        assert np.ptp(thickness) < 1e-4 * platelet.thickness
