"""Error bars of particles that have lost pixels: they cover the truth, and stay small where nothing can hide."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.particles import particle_table
from particles import scene

SHAPE = (34, 34)
DISC = scene.disc(SHAPE, (16.5, 16.5), 13.0)  # 533 pixels
SIGMA = 0.04
FRAMES = 9


def fronts(rng: np.random.Generator, width: float) -> np.ndarray:
    """A front of some width (pixels) that crosses the particle along a random direction, (time, y, x)."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.indices(SHAPE) - 16.5
    across = y * np.sin(angle) + x * np.cos(angle)
    at = np.linspace(-16, 16, FRAMES) + rng.uniform(-1.5, 1.5)
    return 1 / (1 + np.exp((across - at[:, None, None]) / width))


def band(rng: np.random.Generator, most: float) -> np.ndarray:
    """Lines lost over up to so much of the particle."""
    lines = int(rng.integers(5, int(26 * most) + 1))
    first = int(rng.integers(4, 30 - lines))
    lost = np.zeros(SHAPE, dtype=bool)
    lost[first : first + lines] = True
    return lost


def measured(rng: np.random.Generator, x: np.ndarray, lost: dict[int, np.ndarray]):
    a, b = scene.end_members(x, 1.0, SIGMA, rng)
    for frame, where in lost.items():
        a[frame][where], b[frame][where] = np.nan, np.nan
    return particle_table(scene.measured(a, b, SIGMA), scene.labels(DISC))


def pulls(kind: str, width: float, trials: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Return (found - truth) / std, and the errors, of frames that lack pixels."""
    found, wrong = [], []
    for seed in range(trials):
        rng = np.random.default_rng([seed, int(10 * width), len(kind)])
        x = fronts(rng, width)
        if kind == "dump":
            lost = {int(rng.integers(1, FRAMES - 1)): band(rng, 0.5)}
        else:  # out of the field from some frame on, a little more each time
            begin = int(rng.integers(2, FRAMES - 2))
            lost = {
                t: np.arange(SHAPE[1])[None] * np.ones(SHAPE) < 4 + 2 * (t - begin + 1) for t in range(begin, FRAMES)
            }
        table = measured(rng, x, lost)
        for frame in lost:
            error = float(table["lithium_fraction"].values[0, frame] - x[frame][DISC].mean())
            if np.isnan(error):  # less than half is left
                continue
            found.append(error / float(table["lithium_fraction_std"].values[0, frame]))
            wrong.append(error)
    return np.array(found), np.array(wrong)


@pytest.mark.parametrize("kind", ["dump", "drift"])
@pytest.mark.parametrize("width", [1.0, 6.0])
def test_the_truth_lies_within_the_error_bars(kind: str, width: float) -> None:
    found, wrong = pulls(kind, width)
    # The noise of 533 pixels alone is 0.002.
    assert np.sqrt(np.mean(wrong**2)) > 0.01
    # At least the share of a normal number, less four binomial standard deviations. A bar may cover more, but one of
    # three times the errors would say nothing.
    for sigmas, share in ((1, 0.68), (2, 0.95)):
        assert np.mean(np.abs(found) < sigmas) > share - 4 * np.sqrt(share * (1 - share) / found.size)
    assert np.sqrt(np.mean(found**2)) > 1 / 3


def test_a_particle_of_one_composition_hides_nothing() -> None:
    rng = np.random.default_rng(3)
    lost = band(rng, 0.5)
    table = measured(rng, np.full((FRAMES, *SHAPE), 0.5), {4: lost})
    share = float((DISC & ~lost).sum() / DISC.sum())
    std = table["lithium_fraction_std"].values[0]
    # Fewer pixels, and the difference of two means that noise makes; three of their standard deviations.
    assert std[4] < 4 * std[3] / np.sqrt(share)
    assert table["lithium_fraction_std"].values[0, 3] == pytest.approx(std[5], rel=0.02)


def test_the_loss_of_a_tenth_is_flagged_and_single_pixels_are_not() -> None:
    rng = np.random.default_rng(4)
    x = fronts(rng, 3.0)
    specks = rng.random(SHAPE) < 0.03
    rows = np.zeros(SHAPE, dtype=bool)
    rows[10:18] = True
    table = measured(rng, x, {2: specks, 6: rows})
    flagged = (table["lithium_fraction_flag"].values[0] & stages.flag_bit("incomplete")) != 0
    assert np.flatnonzero(flagged).tolist() == [6]
    plain = measured(np.random.default_rng(4), x, {})
    # What hides behind specks everywhere is what is seen beside them.
    assert table["lithium_fraction_std"].values[0, 2] < 3 * plain["lithium_fraction_std"].values[0, 2]
