"""The shift of an energy axis and its sigma."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope.composition.xray import energy_calibration
from lithiscope.errors import AnalysisError


def curve(energy):
    edge = 0.3 / (1 + np.exp(-(energy - 709) / 0.8))
    return edge + np.exp(-(((energy - 708.25) / 0.9) ** 2)) + 0.4 * np.exp(-(((energy - 710.5) / 1.1) ** 2))


REFERENCE_AXIS = np.arange(695.0, 730.0, 0.1)
REFERENCE = scene.spectrum(curve(REFERENCE_AXIS), REFERENCE_AXIS)
AXIS = np.arange(701.0, 724.0, 0.35)


@pytest.mark.parametrize("offset", [-0.73, 0.0, 0.31])
def test_shift_is_found_whatever_scale_and_background(offset):
    measured = scene.spectrum(2.5 * curve(AXIS + offset) + 0.4 - 0.01 * (AXIS - 710), AXIS)
    found = energy_calibration(measured, REFERENCE)
    assert found.offset == pytest.approx(offset, abs=2e-4)  # the spline of a 0.1 eV reference
    assert found.amplitude == pytest.approx(2.5, rel=1e-3)


def test_sigma_is_the_scatter_of_repeats():
    rng = np.random.default_rng(0)
    found = [
        energy_calibration(scene.spectrum(curve(AXIS + 0.2) + rng.normal(0, 0.02, AXIS.size), AXIS), REFERENCE)
        for _ in range(100)
    ]
    offsets = np.array([one.offset for one in found])
    # 100 draws: 7 %; three sigma.
    assert offsets.std() == pytest.approx(np.mean([one.offset_std for one in found]), rel=0.21)
    assert offsets.mean() == pytest.approx(0.2, abs=4 * offsets.std() / 10)


def test_order_of_the_points_does_not_matter():
    measured = scene.spectrum(curve(AXIS + 0.2), AXIS)
    assert energy_calibration(measured[::-1], REFERENCE).offset == energy_calibration(measured, REFERENCE).offset


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (scene.spectrum(curve(AXIS[:5]), AXIS[:5]), "overlap too little"),
        (scene.spectrum(-curve(AXIS), AXIS), "do not match"),
        (scene.spectrum(np.where(AXIS > 715, np.nan, curve(AXIS)), AXIS), "not finite"),
    ],
)
def test_bad_spectra_are_refused(measured, words):
    with pytest.raises(AnalysisError, match=words):
        energy_calibration(measured, REFERENCE)
