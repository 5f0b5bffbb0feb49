"""The two registrations of a study, counted from the first energy of each scan."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from frames.scene import frames, waves
from lithiscope.frames import RegisterOptions
from lithiscope.studies.alignment import align
from lithiscope.studies.recipe import AlignSection

PER_MILLE = 1e-3


def scans(shift: np.ndarray, linear: np.ndarray, noise: float = 0.02) -> xr.Dataset:
    """Return two scans of three energies; the picture turns and drifts from energy to energy."""
    pictures = [[waves((80, 72), shift[k], linear=linear[k])[0] for k in range(3)] for _ in range(2)]
    noisy = np.array(pictures) + np.random.default_rng(4).normal(0, noise, (2, 3, 80, 72))
    one = frames(noisy[0], noise, energy=True)
    both = xr.concat([one, frames(noisy[1], noise, energy=True).assign_coords(time=[600.0])], "time")
    return both.assign_attrs(one.attrs)


@pytest.mark.parametrize("motion", ["translation", "affine"])
def test_the_first_energy_of_a_scan_is_where_its_others_are_counted_from(motion: str) -> None:
    angle = np.array([0.0, 3.0, -2.0]) * PER_MILLE if motion == "affine" else np.zeros(3)
    linear = np.stack([[[1.0, -a], [a, 1.0]] for a in angle])
    shift = np.array([[0.0, 0.0], [0.6, -0.3], [-0.4, 0.8]])
    options = AlignSection(scans=False, registration=RegisterOptions(motion=motion, gain="global"))
    found = align(scans(shift, linear), options=options)
    moved = found["shift"].transpose("time", "energy", "axis").values / 0.05
    np.testing.assert_array_equal(moved[:, 0], 0.0)
    assert np.abs(moved - shift).max() < 0.02
    if motion == "affine":
        turned = found["affine"].transpose("time", "energy", "axis", "axis_in").values
        np.testing.assert_array_equal(turned[:, 0], np.broadcast_to(np.eye(2), (2, 2, 2)))
        # Products of two turns, 1e-5, are left out.
        assert np.abs(turned - linear).max() < 0.3 * PER_MILLE
        std = found["affine_std"].transpose("time", "energy", "axis", "axis_in").values
        assert (std[:, 0] == 0).all()
        assert (np.abs(turned - linear)[:, 1:] < 5 * std[:, 1:] + 2e-5).all()
    else:
        assert "affine" not in found
