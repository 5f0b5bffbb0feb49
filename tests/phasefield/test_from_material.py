"""Models from parameter sets."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.materials import material
from lithiscope.phasefield.from_material import model_of, reaction_of
from lithiscope.phasefield.geometry import pixels

NM = pixels(np.ones((2, 40), bool), 0.5, surface="everywhere", thickness=40.0)


@pytest.mark.parametrize("name", ["lfp_mpet", "lfp_cogswell_bazant_2012", "lfp_averaged", "lfp_lim_2016"])
def test_the_reaction_is_built_on_the_potential_that_the_set_says(name: str) -> None:
    given = material(name)
    assert reaction_of(given).full_potential is given.full_potential
    assert model_of(given, NM, gradient_energy=8.83, strain="none").reaction.full_potential is given.full_potential
    for stated in (False, True):
        assert reaction_of(given, full_potential=stated).full_potential is stated


def test_strain_and_gradient_act_on_j0_of_such_a_set_by_the_root_of_their_activity() -> None:
    given = material("lfp_cogswell_bazant_2012")
    plain = model_of(given, NM, reaction=reaction_of(given, full_potential=False))
    whole = model_of(given, NM)
    x = jnp.asarray(np.broadcast_to(0.5 + 0.48 * np.tanh((np.arange(40) - 20) / 3.0), (2, 40)))
    v = jnp.asarray(0.3)
    share = whole.rates(x, potential=v).current / plain.rates(x, potential=v).current
    added = whole.chemical_potential(x) - pf.RegularSolution(whole.free_energy.omega).potential(x)
    np.testing.assert_allclose(share, np.exp(added / 2), rtol=1e-9)
    assert float(jnp.ptp(share)) > 0.1, "it matters at a boundary"
