"""The series that bulk transport is held to, and the interface it relaxes to."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry.cells import next_cell
from lithiscope.verification import phasefield_bulk as bulk


@pytest.mark.parametrize("ndim", [2, 3])
def test_series_hold_the_lithium_that_came_in_and_meet_the_surface(ndim: int) -> None:
    (_, flux, _), (_, rate, _) = bulk._CASES[ndim]
    r = np.linspace(0, 1, 4001)
    x = flux(r)
    # A flux of one through the surface for a time: area over volume is the number of dimensions.
    assert np.trapezoid(x * r ** (ndim - 1), r) * ndim == pytest.approx(ndim * bulk._TIME, rel=1e-4)
    assert (x[-1] - x[-2]) / (r[-1] - r[-2]) == pytest.approx(1.0, abs=2e-3)
    y = rate(r)
    assert (y[-1] - y[-2]) / (r[-1] - r[-2]) == pytest.approx(bulk._RATE * (1 - y[-1]), abs=2e-3)
    assert np.all(np.diff(y) > 0)


class OneSided(pf.CahnHilliard):
    """The mobility of one cell instead of that between two."""

    def flux(self, x, mu, geometry):
        mobility = self.diffusivity * x * (1 - x) * self.factor(x)
        return tuple(-mobility * (next_cell(mu, axis) - mu) / step for axis, step in enumerate(geometry.spacing))


@pytest.mark.long
def test_transport_by_the_chemical_potential_has_order_two_in_space() -> None:
    row = bulk._order_row()
    assert row.verdict == "pass", row.measured


@pytest.mark.long
def test_a_flux_of_first_order_is_noticed() -> None:
    assert bulk.order_in_space(OneSided(1.0, factor=pf.DiffusivityFactor(0.1, 0.45, 0.1))) < 1.7


def test_interface_of_a_relaxed_particle() -> None:
    row = bulk._interface_row()
    assert row.verdict == "pass", row.measured
