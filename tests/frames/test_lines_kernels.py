"""Kernels that judge the beam by the lines of all frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lithiscope.frames.kernels.lines import dim_lines, line_brightness, lost_lines


@given(st.permutations(range(10)))
def test_bright_level_of_a_line_forgets_order_and_missing_pixels(order: list[int]) -> None:
    line = np.arange(1.0, 11.0)[list(order)]
    assert line_brightness(line[None, None])[0, 0] == 9.0
    holes = np.concatenate([line, [np.nan] * 7])
    assert line_brightness(holes[None, None])[0, 0] == 9.0
    assert np.isnan(line_brightness(np.full((1, 1, 4), np.nan))[0, 0])


def dumped(times: int, energies: int, lines: slice) -> NDArray[np.float64]:
    brightness = np.full((times, energies, 30), 1000.0)
    brightness[times - 1, 0, lines] = 2.0
    return brightness


@pytest.mark.parametrize("times", [1, 2, 5])
def test_run_without_beam_is_found_with_the_lines_at_its_ends(times: int) -> None:
    lost = lost_lines(dumped(times, 2, slice(10, 15)), 0.05, 1.0)
    assert np.flatnonzero(lost[-1, 0]).tolist() == [9, 10, 11, 12, 13, 14, 15]
    assert lost.sum() == 7


@pytest.mark.parametrize(("times", "energies"), [(1, 3), (2, 1), (4, 2)])
def test_whole_frame_without_beam_is_found(times: int, energies: int) -> None:
    lost = lost_lines(dumped(times, energies, slice(None)), 0.05, 1.0)
    assert lost[-1, 0].all()
    assert lost.sum() == 30


def test_line_behind_a_thick_particle_has_its_beam() -> None:
    brightness = np.full((1, 1, 30), 1000.0)
    brightness[0, 0, 8:20] = 1000 * np.exp(-2.5)
    assert not lost_lines(brightness, 0.05, 1.0).any()
    # In several scans even an opaque one has, because it is as dark in all of them.
    brightness[0, 0, 8:20] = 1000 * np.exp(-4.0)
    assert not lost_lines(np.repeat(brightness, 3, axis=0), 0.05, 1.0).any()


def test_faint_lines_and_missing_lines_are_not_judged() -> None:
    brightness = np.full((1, 1, 6), 15.0)
    brightness[0, 0, 3] = 0.0
    assert not lost_lines(brightness, 0.05, 1.0).any()
    brightness = np.full((2, 1, 6), 1000.0)
    brightness[:, :, 2] = np.nan
    assert not lost_lines(brightness, 0.05, 1.0).any()
    assert not lost_lines(np.full((1, 2, 6), np.nan), 0.05, 1.0).any()


@given(st.floats(0.01, 100))
def test_lost_lines_do_not_depend_on_the_unit_of_counts(factor: float) -> None:
    brightness = dumped(3, 1, slice(4, 9))
    np.testing.assert_array_equal(lost_lines(factor * brightness, 0.05, 0.0), lost_lines(brightness, 0.05, 0.0))


def field(rng: np.random.Generator, times: int, energies: int) -> NDArray[np.float64]:
    """Counts of blocks of all sizes, some across the whole field, that change and drift by up to four lines."""
    side = 40
    density = np.zeros((times, energies, side + 16, side))
    for _ in range(rng.integers(1, 5)):
        top, height = rng.integers(0, side), rng.integers(3, 25)
        left, width = (0, side) if rng.random() < 0.3 else (rng.integers(0, side), rng.integers(3, 25))
        at_edge = rng.uniform(0.2, 1.5, energies)[None] * (1 + 0.6 * np.linspace(0, 1, times)[:, None])
        density[:, :, top : top + height, left : left + width] += at_edge[..., None, None]
    walk = np.cumsum(rng.integers(-2, 3, times)).clip(-2, 2)
    seen = np.stack([np.roll(one, step, axis=1)[:, 8 : 8 + side] for one, step in zip(density, walk, strict=True)])
    return rng.poisson(3000 * rng.uniform(0.5, 1.5, (times, energies, 1, 1)) * np.exp(-seen)).astype(float)


def judged(counts: NDArray[np.float64]) -> NDArray[np.bool_]:
    brightness = np.stack([line_brightness(scan) for scan in counts])
    return dim_lines(brightness, 1.0)[0]


@pytest.mark.parametrize(("times", "energies"), [(2, 3), (3, 1), (4, 3), (12, 3)])
def test_a_sample_that_drifts_and_changes_is_not_taken_for_a_dip_of_the_beam(times: int, energies: int) -> None:
    alarms = [judged(field(np.random.default_rng(seed), times, energies)).any() for seed in range(200)]
    assert sum(alarms) == 0


def test_a_dip_of_the_beam_is_found_in_its_lines() -> None:
    counts = np.random.default_rng(1).poisson(3000.0, (4, 3, 40, 40)).astype(float)
    counts[:, :, 10:20, 5:30] *= 0.4
    counts[2, 1, 14:18] *= 0.5
    brightness = np.stack([line_brightness(scan) for scan in counts])
    dim, share = dim_lines(brightness, 1.0)
    assert np.argwhere(dim).tolist() == [[2, 1, line] for line in range(14, 18)]
    assert share[2, 1] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(share).sum() == 11
    # Nothing to compare with, or too few counts to tell.
    assert not dim_lines(brightness[2:3], 1.0)[0].any()
    assert not dim_lines(brightness / 100, 1.0)[0].any()
