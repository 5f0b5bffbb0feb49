"""Binodal and width of the interface from the free energy."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope import phasefield as pf


def test_binodal_of_the_regular_solution_has_equal_potential_of_zero() -> None:
    low, high = pf.binodal(pf.RegularSolution(4.51))
    assert low + high == pytest.approx(1.0, abs=2e-4)
    assert np.log(low / (1 - low)) + 4.51 * (1 - 2 * low) == pytest.approx(0.0, abs=5e-5 / low)


def test_solid_solution_has_none() -> None:
    assert pf.binodal(pf.RegularSolution(1.9)) is None
    assert pf.interface_width(pf.RegularSolution(1.9), 1.0) == np.inf


def test_width_of_lfp_is_the_published_one_and_grows_with_the_root_of_kappa() -> None:
    assert pf.interface_width(pf.RegularSolution(4.51), 8.83) == pytest.approx(3.07, abs=0.005)
    ratio = pf.interface_width(pf.RegularSolution(4.51), 35.32) / pf.interface_width(pf.RegularSolution(4.51), 8.83)
    assert ratio == pytest.approx(2.0, rel=1e-12)


def test_double_well_has_its_exact_profile() -> None:
    """kappa/2 (dx/ds)^2 = h x^2 (1-x)^2: greatest slope sqrt(2h/kappa)/4 at x = 1/2."""
    assert pf.binodal(pf.DoubleWell(5.0)) == pytest.approx((0.0, 1.0), abs=1e-3)
    assert pf.interface_width(pf.DoubleWell(5.0), 2.0) == pytest.approx(4 * np.sqrt(2.0 / 10.0), rel=1e-3)
