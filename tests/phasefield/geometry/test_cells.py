"""What a geometry written out by hand must fulfil."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.geometry import Geometry, ParticleNumbers, pixels

ONES = jnp.ones((2, 3))
CLOSED = jnp.zeros((2, 3))
GOOD = {
    "spacing": (1.0, 1.0),
    "inside": ONES,
    "open_faces": (ONES, ONES),
    "surface": ONES,
    "label": ParticleNumbers(np.ones((2, 3), int)),
}


def test_a_geometry_by_hand():
    geometry = Geometry(**GOOD)
    assert geometry.ndim == 2
    assert geometry.shape == (2, 3)
    assert geometry.particle_count == 1
    assert geometry.periodic
    assert geometry.cell_volume == 1
    assert float(geometry.total(ONES)) == 6
    assert float(geometry.mean(2 * ONES)) == 2


def test_means_are_of_each_particle():
    label = np.array([[1, 1, 0], [2, 0, 0]])
    geometry = pixels(label > 0, 1.0, label=label)
    means = geometry.particle_mean(jnp.array([[1.0, 3.0, 9.0], [5.0, 9.0, 9.0]]))
    np.testing.assert_allclose(means, [[2, 2, 0], [5, 0, 0]])


def test_particle_numbers_compare_by_value():
    one, same, other = (ParticleNumbers(np.array(v)) for v in ([0, 1], [0, 1], [1, 1]))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"spacing": (1.0,)}, OptionError, "spacing"),
        ({"spacing": (5e-8, 5e-8)}, OptionError, "nm"),
        ({"open_faces": (ONES,)}, OptionError, "open_faces"),
        ({"surface": jnp.ones((3, 3))}, OptionError, "shape"),
        ({"inside": CLOSED}, AnalysisError, "no cell is inside"),
        ({"inside": 2 * ONES}, OptionError, "inside.*0 to 1"),
        ({"surface": ONES * jnp.nan}, OptionError, "surface"),
        ({"open_faces": (ONES, -ONES)}, OptionError, "axis 1"),
        ({"label": ParticleNumbers(np.array([[1, 1, 1], [1, 1, 0]]))}, OptionError, "1 cells differ"),
        ({"label": ParticleNumbers(np.array([[1, 1, 1], [2, 2, 2]]))}, OptionError, "different particles"),
        ({"open_faces": (CLOSED, ONES)}, AnalysisError, "2 parts of 3, 3"),
    ],
)
def test_what_contradicts_itself_is_refused(change, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        Geometry(**(GOOD | change))
