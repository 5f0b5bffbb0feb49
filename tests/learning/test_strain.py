"""Maps of strain as data of the learning."""

from __future__ import annotations

import numpy as np
import pytest

from learning.scenes import ellipse, video_of
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.learning import composition_from_strain
from lithiscope.learning.half_cycles import half_cycles

MASK = ellipse(12, 10)
X = np.array([0.0, 0.6, 1.0])
STRAIN = np.array([0.0, 0.02, 0.05])  # steeper above 0.6


def _video(true: np.ndarray, eigenstrain: np.ndarray, sigma: float):
    base = video_of(true, MASK, 60.0 * np.arange(len(true)), np.zeros(len(true), int), thickness=100.0)
    strain = np.interp(true, X, eigenstrain) + sigma * np.random.default_rng(0).standard_normal(true.shape)
    dims = ("time", "y", "x")
    return base.drop_vars(["lithium_fraction", "lithium_fraction_std"]).assign(
        strain=(dims, strain), strain_std=(dims, np.full(true.shape, sigma))
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_x_comes_back_with_its_noise_at_both_ends_too(sign: int) -> None:
    true = np.broadcast_to(np.array([0.0, 0.3, 0.8, 1.0])[:, None, None], (4, *MASK.shape))
    found = composition_from_strain(_video(true, sign * STRAIN, 1e-3), X, sign * STRAIN)
    error = ((found["lithium_fraction"] - true) / found["lithium_fraction_std"]).values
    # 120 pixels a frame: a mean is known to 0.09 deviations.
    assert np.abs(error.mean((1, 2))).max() < 4 * 0.09
    assert error.std() == pytest.approx(1, abs=4 / np.sqrt(2 * error.size))
    middle = found["lithium_fraction_std"].values.mean((1, 2))[1:3]
    assert middle == pytest.approx([1e-3 * 0.6 / 0.02, 1e-3 * 0.4 / 0.03])
    cut = half_cycles([found])[0]
    assert cut.mean() == pytest.approx([0.0, 0.3, 0.8, 1.0], abs=0.02)


def test_what_is_missing_or_tells_nothing_is_refused() -> None:
    video = _video(np.full((3, *MASK.shape), 0.5), STRAIN, 1e-3)
    with pytest.raises(AnalysisError, match="uncertainty"):
        composition_from_strain(video.drop_vars("strain_std"), X, STRAIN)
    with pytest.raises(OptionError, match="two compositions"):
        composition_from_strain(video, X, np.array([0.0, 0.03, 0.02]))
    with pytest.raises(OptionError, match="increasing"):
        composition_from_strain(video, X[::-1], STRAIN)
