"""Free energies: the potential is the derivative of the density."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.errors import OptionError

VOLTS = [3.6, 3.45, 3.43, 3.42, 3.3]
ENERGIES = {
    "regular": pf.RegularSolution(4.51),
    "redlich": pf.RedlichKister([2.0, -1.0, 0.5]),
    "legendre": pf.Legendre([0.3, 2.0, -0.4, 1.0]),
    "wells": pf.DoubleWell(5.0, 0.3, 0.7),
    "table": pf.TabulatedVoltage([0.02, 0.3, 0.5, 0.7, 0.98], VOLTS, 3.42),
}
X = jnp.linspace(0.03, 0.97, 33)


@pytest.mark.parametrize("name", ENERGIES)
def test_potential_is_the_derivative_of_the_density(name: str) -> None:
    energy = ENERGIES[name]
    np.testing.assert_allclose(energy.potential(X), jax.vmap(jax.grad(energy.density))(X), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ENERGIES)
def test_beyond_the_range_it_is_nan_where_there_is_a_range(name: str) -> None:
    energy = ENERGIES[name]
    outside = np.asarray(energy.potential(jnp.asarray([-0.1, 1.1])))
    assert np.isfinite(outside).all() if name == "wells" else np.isnan(outside).all()
    assert energy.on_ideal_entropy() == (name in ("regular", "redlich", "legendre"))


def test_table_gives_its_voltages_back() -> None:
    mu = ENERGIES["table"].potential(jnp.asarray([0.02, 0.3, 0.5, 0.7, 0.98]))
    np.testing.assert_allclose(3.42 - mu * laws.thermal_voltage(), VOLTS, rtol=1e-13)


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: pf.RegularSolution(np.nan), "omega"),
        (lambda: pf.RedlichKister([1.0, np.inf]), "coefficients"),
        (lambda: pf.DoubleWell(-1.0), "height"),
        (lambda: pf.TabulatedVoltage([0.1, 0.9], [3400, 3300], 3.4), "volt"),
    ],
)
def test_bad_parameters_are_refused_by_name(build, field: str) -> None:
    with pytest.raises(OptionError, match=field):
        build()
