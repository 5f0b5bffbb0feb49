"""Orientation of a crystal on the grid, and its values."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.phasefield.elasticity import coherency_energy, misfit_tensor
from lithiscope.phasefield.elasticity.crystal import axes_matrix
from truth.elastic_truth import FEPO4, FEPO4_MISFIT, crystal


@pytest.mark.parametrize("axes", ["abc", "bca", "cba", "acb"])
def test_letters_name_the_crystal_axes_along_z_y_x(axes):
    tensor, misfit = crystal(axes=axes).on_grid()
    order = ["abc".index(letter) for letter in axes]
    voigt = np.asarray(FEPO4.voigt)
    for axis, crystal_axis in enumerate(order):
        assert float(misfit[axis, axis]) == pytest.approx(FEPO4_MISFIT[crystal_axis], rel=1e-13)
        assert float(tensor[axis, axis, axis, axis]) == pytest.approx(voigt[crystal_axis, crystal_axis], rel=1e-12)
    energies = coherency_energy(np.eye(3), tensor, misfit)
    plain = coherency_energy(np.eye(3), FEPO4.tensor, misfit_tensor(FEPO4_MISFIT))
    assert np.asarray(energies) == pytest.approx(np.asarray(plain)[order], rel=1e-11)


def test_rows_need_no_unit_length():
    assert axes_matrix(np.diag([2.0, 3.0, 4.0])) == pytest.approx(np.eye(3))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"axes": "abb"}, "axes"),
        ({"axes": "xyz"}, "axes"),
        ({"axes": np.ones((3, 3))}, "axes"),
        ({"axes": np.zeros((3, 3))}, "axes"),
        ({"plane": "strass"}, "plane"),
        ({"site_density": -1.0}, "site_density"),
        ({"temperature": np.nan}, "temperature"),
        ({"misfit": (0.1, 0.1)}, "misfit"),
    ],
)
def test_refusals_name_the_field(change, field):
    with pytest.raises(OptionError) as caught:
        crystal(**change)
    assert caught.value.field == field
