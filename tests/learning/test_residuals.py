"""What the residuals of a particle say, on residuals whose defect is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learning.scenes import ellipse, field
from lithiscope import stages
from lithiscope.learning.half_cycles import HalfCycle
from lithiscope.learning.residuals import notes_of, structure_of

SHAPE, FRAMES = (30, 22), 9
MASK = ellipse(*SHAPE)
SIGMA = 0.07


def front() -> np.ndarray:
    """x(time, y, x) of a front that crosses the particle."""
    x = np.arange(SHAPE[1])
    place = np.linspace(0, SHAPE[1], FRAMES)
    return np.broadcast_to((0.05 + 0.9 / (1 + np.exp((x - place[:, None]) / 2)))[:, None], (FRAMES, *SHAPE)).copy()


def notes(
    residual: np.ndarray,
    *,
    weight: Any = 1 / SIGMA,
    gain: float = 1.0,
    log_rate: np.ndarray | None = None,
    kinds: bool = False,
) -> list[str]:
    """Return the notes on one half cycle with these residuals, or what kinds of structure these have."""
    weight = np.where(MASK, np.broadcast_to(weight, residual.shape), 0.0)
    model, seconds = front(), 600.0 * np.arange(FRAMES)
    nothing, gains = np.zeros(FRAMES), np.full(FRAMES, gain)
    each = (np.arange(FRAMES), seconds, model, gain * weight, gains, *[nothing] * 5)
    cut = HalfCycle(0, 1, 0, 1, *each, MASK, (0, 0), (50.0, 50.0))
    rate = field(MASK, 0.5, 3) if log_rate is None else log_rate
    particle = stages.new(
        "learned_particle",
        {
            "log_rate": ("y x", np.where(MASK, rate, np.nan)),
            "log_rate_std": ("y x", np.where(MASK, 0.05, np.nan)),
            "log_rate_flag": ("y x", np.where(MASK, 0, stages.flag_bit("no_material"))),
            "lithium_fraction": ("time y x", np.where(MASK, model, np.nan)),
            "residual": ("time y x", np.where(MASK, residual, np.nan)),
        },
        coords={
            "time": ("time", seconds),
            "y": ("y", 0.05 * np.arange(SHAPE[0])),
            "x": ("x", 0.05 * np.arange(SHAPE[1])),
        },
        attrs={"video": 0, "particle": 1},
    )
    if kinds:
        return [note.kind for note in structure_of(particle, [cut])]
    return notes_of(particle, [cut])


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((FRAMES, *SHAPE))


def test_noise_is_nothing_to_speak_of() -> None:
    # Each rule waits for five standard deviations, so of a hundred particles none is called.
    assert not [one for seed in range(100) for one in notes(noise(seed), log_rate=field(MASK, 0.5, seed))]


def test_a_frame_that_fits_worse_is_named() -> None:
    residual = noise()
    residual[5] *= 1.5
    (note,) = notes(residual)
    assert note.startswith("video 1, particle 1: frame 5 fits worse than noise allows")


def test_a_frame_that_has_most_of_the_weight_is_named() -> None:
    weight = np.full((FRAMES, 1, 1), 1 / SIGMA)
    weight[4] *= 4
    (note,) = notes(noise(), weight=weight)
    assert "frame 4 has 67 % of the weight" in note  # 16 of 24


def test_a_pattern_in_space_is_told() -> None:
    pattern = np.where(np.arange(SHAPE[0])[:, None] < 15, 0.5, -0.5) * np.ones(SHAPE)
    signs = np.where(np.arange(FRAMES) % 4 < 2, 1, -1)  # as often the same as the frame before as not
    (note,) = notes(noise() + pattern * signs[:, None, None])
    assert "neighbouring pixels are alike" in note


def test_neighbours_that_resampling_made_alike_are_no_pattern() -> None:
    from scipy.ndimage import shift

    kernel = shift(np.pad([[1.0]], 20), 0.5, order=3)
    gain = float(np.sqrt((kernel**2).sum()))
    moved = np.stack([shift(one, 0.5, order=3, mode="grid-wrap") for one in noise(4)]) / gain
    assert any("neighbouring pixels are alike" in one for one in notes(moved))
    assert not any("neighbouring pixels" in one for one in notes(moved, gain=gain))


def test_what_changes_with_time_is_told() -> None:
    lasting = np.random.default_rng(5).standard_normal(SHAPE)
    (note,) = notes(0.9 * noise() + 0.45 * lasting)
    assert "follow on from frame to frame" in note


def test_an_outline_that_fits_worse_is_told() -> None:
    from scipy.ndimage import binary_erosion

    edge = MASK & ~binary_erosion(MASK)
    (note,) = notes(np.where(edge, 1.4, 1.0) * noise())
    assert "the outermost pixels fit worse" in note


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_frame_that_moved_is_named(shift: float) -> None:
    slope = np.gradient(front()[4], axis=1)
    residual = noise()
    residual[4] += shift * slope / SIGMA
    (note,) = notes(residual)
    assert "frame 4 looks shifted against the model" in note
    found = float(note.split("by up to ")[1].split()[0])
    # The slope at 22 pixels across a front of 4 pixels: its standard deviation from noise is 0.07/|slope| = 0.02.
    assert found == pytest.approx(0.3, abs=0.06)


def test_rates_that_are_high_on_one_side_of_the_outline_are_told() -> None:
    slope = np.gradient(MASK.astype(float), axis=0)
    (note,) = notes(noise(), log_rate=0.1 * field(MASK, 0.5, 3) + 1.0 * slope)
    assert "one side of the outline" in note


def test_structure_is_that_of_the_residuals_alone_and_in_few_words() -> None:
    weight = np.full((FRAMES, 1, 1), 1 / SIGMA)
    weight[2] *= 10
    one_sided = np.where(MASK, np.arange(SHAPE[1]) - SHAPE[1] / 2, 0.0)
    assert notes(noise(), weight=weight, log_rate=one_sided)
    assert notes(noise(), weight=weight, log_rate=one_sided, kinds=True) == []
    smooth = noise()
    smooth[:, 1:] = np.sqrt(0.5) * (smooth[:, 1:] + smooth[:, :-1])
    smooth[5] *= 1.5
    assert notes(smooth, kinds=True) == ["frames that fit worse", "a pattern in space"]
