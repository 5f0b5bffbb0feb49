from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.instruments.reaction.diffusion_reaction import as_line_cuts
from lithiscope.instruments.reaction.diffusion_reaction import seen_channels as seen
from lithiscope.kinetics.regime_options import RegimeOptions
from lithiscope.kinetics.regime_pieces import Copies, width_piece
from lithiscope.kinetics.regime_profiles import Folded, fold_lines


def lines(profile, frames=6, channels=4, sigma=0.0, direction=1, seed=0, pixels=10):
    """Channels whose profile (depth -> u) rises by 0.1 a frame, with noise."""
    place = np.abs((np.arange(pixels) + 0.5) / pixels * 2 - 1)
    base = 0.2 + 0.1 * np.arange(frames)[:, None] + profile(1 - place)
    values = np.broadcast_to(base[:, None], (frames, channels, pixels))
    noisy = values + np.random.default_rng(seed).normal(0, sigma, values.shape)
    if direction < 0:
        noisy = 1 - noisy
    return as_line_cuts(np.arange(frames) * 60.0, noisy, direction, sigma=max(sigma, 1e-3))


def test_folding_keeps_the_profile_from_the_face():
    folded = fold_lines(lines(lambda depth: -0.1 * depth), None, RegimeOptions())
    np.testing.assert_allclose(folded.edges, np.linspace(0, 1, 6))
    np.testing.assert_allclose(folded.u[0], 0.2 - 0.1 * np.array([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert folded.length == pytest.approx(400.0)
    # Two ends, four channels.
    np.testing.assert_allclose(folded.std, 1e-3 / np.sqrt(8))


def test_delithiation_is_progress_too():
    there, back = (fold_lines(lines(lambda d: -0.1 * d, direction=s), None, RegimeOptions()) for s in (1, -1))
    np.testing.assert_allclose(there.u, back.u, atol=1e-12)
    assert (there.direction, back.direction) == (1, -1)


def test_an_odd_number_of_pixels_keeps_the_middle_one():
    folded = fold_lines(lines(lambda d: 0 * d, pixels=9), None, RegimeOptions())
    assert len(folded.size) == 4
    np.testing.assert_allclose(folded.u, (0.2 + 0.1 * np.arange(6))[:, None] * np.ones(4))


def test_appearance_blurs_like_the_probe_and_keeps_constants():
    folded = fold_lines(lines(lambda d: 0 * d), None, RegimeOptions())
    depth, seen_as = folded.appearance(RegimeOptions(resolution=80.0))
    np.testing.assert_allclose(seen_as.sum(axis=1), 1.0)
    cells = np.abs((np.arange(200) + 0.5) / 200 * 2 - 1) ** 2
    truth = seen(cells[None], np.random.default_rng(0), sigma=0.0, probe=80.0)[0, 0, :5]
    np.testing.assert_allclose(seen_as @ (1 - depth) ** 2, truth, atol=2e-3)


@given(st.floats(0.01, 0.3), st.floats(0.0, 120.0))
def test_curvature_is_exact_for_a_parabola(amplitude, probe):
    """u = c + a (1-depth)^2 seen by the probe, rising by 0.1 a minute: tau_bulk = 2 a / rate."""
    options = RegimeOptions(resolution=probe)
    flat = fold_lines(lines(lambda d: 0 * d), None, options)
    depth, seen_as = flat.appearance(options)
    shape = amplitude * (seen_as @ (1 - depth) ** 2)
    u = flat.u + shape
    copies = Copies(Folded(flat.time, u, flat.std, flat.edges, flat.length, 1), u[None], options)
    tau_bulk = copies.curvature()[0] / copies.decay[0]
    assert tau_bulk == pytest.approx(2 * amplitude / (0.1 / 60.0), rel=1e-9)


def test_uniform_uptake_has_neither_depletion_nor_advance():
    folded = fold_lines(lines(lambda d: 0 * d), None, RegimeOptions())
    copies = Copies(folded, folded.u[None], RegimeOptions())
    assert copies.depletion()[0] == pytest.approx(0.0, abs=1e-12)
    assert copies.advance()[0] == pytest.approx(0.0, abs=1e-12)


def test_a_front_that_moves_inward_advances_by_half():
    u = np.clip(np.linspace(0, 1, 11)[:, None] * 5 - np.arange(5), 0, 1)
    folded = Folded(np.arange(11.0), u, np.full(u.shape, 1e-3), np.linspace(0, 1, 6), 400.0, 1)
    copies = Copies(folded, u[None], RegimeOptions())
    assert copies.advance()[0] == pytest.approx(0.5, abs=0.02)


def test_yardsticks_rise_with_the_biot_number():
    folded = fold_lines(lines(lambda d: 0 * d, frames=8), None, RegimeOptions())
    slowest, biot, depletion, advance = Copies(folded, folded.u[None], RegimeOptions()).yardstick
    for figures in (slowest, biot, depletion, advance):
        assert np.all(np.diff(figures) >= 0)
    assert biot[30] == pytest.approx(1.0)
    # Crank at Bi = 1, slowest mode: 1 - beta cot(beta) = 0.26 at the face itself; a pixel of a fifth of L sees
    # 1 - beta cos(0.9 beta)/sin(beta) = 0.19, and less before the mode has set in.
    assert 0.1 < depletion[30] < 0.19
    assert depletion[0] < 1e-3


def test_mixing_is_unbiased_by_noise_and_tells_sharp_from_broad():
    """Half way, x = 1/2 everywhere: <u(1-u)> = 0.25, width 1.5; a step is as wide as the probe makes it."""
    flat = np.full((8, 40, 10), 0.5) + np.linspace(-0.2, 0.2, 8)[:, None, None]
    noisy = flat + np.random.default_rng(1).normal(0, 0.065, flat.shape)
    folded = fold_lines(as_line_cuts(np.arange(8.0), noisy, 1), None, RegimeOptions())
    expected = np.mean((flat * (1 - flat))[:, 0, 0])
    assert abs(folded.mixed - expected) < 4 * folded.mixed_std
    depth = 1 - np.abs((np.arange(400) + 0.5) / 200 - 1)
    cells = (depth < np.linspace(0.3, 0.7, 8)[:, None]).astype(float)
    step = seen(cells, np.random.default_rng(2), copies=40)
    piece = width_piece(fold_lines(as_line_cuts(np.arange(8.0), step, 1), None, RegimeOptions()), RegimeOptions())
    assert piece.value == pytest.approx(piece.boundary / 2, rel=0.05)
    assert piece.high < piece.boundary
