"""Frames whose halves came apart."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

from frames.scene import frames, waves
from lithiscope.errors import LithiscopeWarning
from lithiscope.frames import RegisterOptions, slipped


def movie(count: int, *, slip: float = 0.0, at: int = 3, noise: float = 0.05, seed: int = 1) -> xr.Dataset:
    """Frames of 96 x 72 pixels that drift, one of them with its lower half elsewhere."""
    rng = np.random.default_rng(seed)
    shifts = np.cumsum(rng.normal(0, 0.5, (count, 2)), axis=0)
    pictures = waves((96, 72), shifts, seed=seed)
    pictures[at, 48:] = waves((96, 72), shifts[at] + [0.0, slip], seed=seed)[0, 48:]
    return frames(pictures + rng.normal(0, noise, pictures.shape), noise)


@pytest.mark.parametrize("slip", [-6.0, 3.0])
def test_the_frame_that_slipped_is_found_and_told(slip: float) -> None:
    with pytest.warns(LithiscopeWarning, match=rf"halves of 1 frame.s. .* time 180 by {abs(slip):.1f} pixels"):
        found = slipped(movie(6, slip=slip), most=2.0)
    assert found.dims == ("time",)
    assert np.flatnonzero(found).tolist() == [3]


@pytest.mark.parametrize("slip", [0.0, 1.0])
def test_small_slips_and_frames_that_only_drift_are_let_through(slip: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(10):
            assert not slipped(movie(6, slip=slip, seed=seed), most=2.0).any()


def test_what_all_frames_share_is_no_slip() -> None:
    # A scan that jumps by four pixels in the same line of every frame.
    whole = movie(5)
    bent = whole["signal"].values.copy()
    bent[:, 48:] = np.roll(bent[:, 48:], 4, axis=2)
    assert not slipped(whole.assign(signal=(whole["signal"].dims, bent, whole["signal"].attrs)), most=2.0).any()


def test_halves_too_small_or_empty_say_nothing() -> None:
    low = movie(5, slip=6.0).isel(y=slice(40, 56))
    assert not slipped(low, most=2.0).any()
    half = movie(5, slip=6.0)
    half["signal"][:, 48:] = np.random.default_rng(0).normal(0, 0.05, half["signal"][:, 48:].shape)
    assert not slipped(half, most=2.0).any()


def test_energies_of_each_scan_and_a_weight() -> None:
    rng = np.random.default_rng(2)
    pictures = waves((96, 72), np.zeros((3, 2)))
    pictures[1, 48:] = np.roll(pictures[1, 48:], 5, axis=1)
    scans = frames(pictures + rng.normal(0, 0.05, pictures.shape), 0.05, energy=True)
    along = RegisterOptions(along="energy")
    with pytest.warns(LithiscopeWarning, match="energy 704 by 5"):
        assert np.argwhere(slipped(scans, most=2.0, options=along).values).tolist() == [[0, 1]]
    weight = xr.DataArray(np.ones((96, 72)), dims=("y", "x"))
    weight[44:] = 0
    assert not slipped(scans, most=2.0, weight=weight, options=along).any()
