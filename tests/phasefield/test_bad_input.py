"""What cannot be simulated is an error with the name of the field, before any step."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.errors import LithiscopeError
from lithiscope.phasefield.elasticity import Stiffness, misfit_tensor
from lithiscope.phasefield.geometry import pixels, smoothed

SHAPE = (3, 4)
FULL = np.ones(SHAPE, bool)
CURRENT = pf.constant_current(1.0, seconds=600.0)
BULK = pf.CahnHilliard(1.0)


def model(cell: float = 50.0, thickness: float = 150.0, **changes) -> pf.Model:
    geometry = pixels(FULL, cell, surface="everywhere", thickness=thickness)
    return pf.Model(geometry, **({"free_energy": pf.RegularSolution(4.5), "reaction": pf.Reaction(0.05)} | changes))


def start(protocol: pf.Protocol = CURRENT, *, initial: object = 0.1, **changes) -> None:
    pf.simulate(model(**changes), protocol, 3, initial=initial)


def reaction(**changes) -> pf.Reaction:
    return pf.Reaction(**({"exchange_current": 0.05} | changes))


CASES: dict[str, tuple[str, Callable[[], object]]] = {
    "NaN in the initial field": ("initial", lambda: start(initial=jnp.full(SHAPE, 0.1).at[0, 0].set(jnp.nan))),
    "x below zero": ("initial", lambda: start(initial=-0.1)),
    "x above one": ("initial", lambda: start(initial=1.2)),
    "x above one where f allows it": (
        "initial",
        lambda: start(initial=1.2, free_energy=pf.DoubleWell(5.0)),
    ),
    "initial field of another shape": ("initial", lambda: start(initial=np.full((5, 7), 0.1))),
    "initial field that is text": ("initial", lambda: start(initial="full")),
    "NaN in k(r)": ("rate", lambda: reaction(rate=np.where(FULL, np.nan, 1.0))),
    "k(r) of another shape": ("rate", lambda: model(reaction=reaction(rate=np.ones((5, 7))))),
    "no cell with a rate": ("cannot carry", lambda: start(reaction=reaction(rate=0.0))),
    "j0 of a million": ("exchange_current", lambda: reaction(exchange_current=1e6)),
    "current beyond numbers": ("cannot carry", lambda: start(pf.constant_current(1e300))),
    "potential far from equilibrium": ("from equilibrium", lambda: start(pf.constant_potential(9.0, 10.0))),
    "potential in mV": ("millivolts", lambda: pf.constant_potential(3400.0, 10.0)),
    "cut-off in mV": ("volt_limits", lambda: pf.Part("rate", (0.0, 1.0), (1.0, 1.0), volt_limits=(2500.0, np.inf))),
    "cut-off of a current in mV": ("volt_limits", lambda: pf.constant_current(1.0, volt_limits=(2500.0, 4200.0))),
    "cut-offs the wrong way round": ("volt_limits", lambda: pf.constant_current(1.0, volt_limits=(4.2, 2.5))),
    "voltage to hold in mV": (
        "volt_limits",
        lambda: pf.constant_current_constant_voltage(1.0, 2500.0, end_c_rate=0.1, seconds=9.0),
    ),
    "end of delithiation above the start": (
        "fraction_limits",
        lambda: start(pf.constant_current(-1.0, to_fraction=0.9), initial=0.5),
    ),
    "voltage beyond its cut-off at the start": (
        "volt_limits",
        lambda: start(pf.constant_current(1.0, volt_limits=(3.6, 4.2))),
    ),
    "stiffness in Pa": ("stiffness", lambda: Stiffness.isotropic(young=1e11, poisson=0.3)),
    "stiffness in MPa": ("stiffness", lambda: Stiffness.cubic(C11=2.5e5, C12=1.5e5, C44=1e5)),
    "misfit in percent": ("misfit", lambda: misfit_tensor([5.2, 3.6, -1.9])),
    "misfit that is not known": ("misfit", lambda: misfit_tensor([0.05, np.nan, -0.02])),
    "empty mask": ("mask", lambda: pixels(~FULL, 1.0)),
    "no inside": ("distance", lambda: smoothed(-np.ones((9, 9)), 1.0)),
    "particle in two parts": ("label 1", lambda: pixels(np.array([[1, 0, 1]], bool), 1.0)),
    "pixel in m": ("spacing", lambda: model(cell=50e-9)),
    "pixel of 1e-9": ("spacing", lambda: model(cell=1e-9)),
    "thickness in m": ("thickness", lambda: model(thickness=150e-9)),
    "thickness in um": ("thickness", lambda: model(thickness=0.15)),
    "temperature in C": ("temperature", lambda: model(temperature=25.0)),
    "temperature of the film in C": ("temperature", lambda: reaction(film_resistance=0.1, temperature=25.0)),
    "two temperatures": ("temperature", lambda: model(temperature=330.0, reaction=reaction(film_resistance=0.1))),
    "Omega in J/mol": ("omega", lambda: pf.RegularSolution(11200.0)),
    "gradient energy in J/m": ("gradient_energy", lambda: model(gradient_energy=5e-10)),
    "gradient energy of three axes": ("gradient_energy", lambda: model(gradient_energy=[1.0, 2.0, 3.0])),
    "D in m2/s": ("diffusivity", lambda: pf.CahnHilliard(1e-15)),
    "D of three axes": ("diffusivity", lambda: model(transport=pf.Fickian([1.0, 2.0, 3.0]))),
    "defects of another shape": ("offset", lambda: model(offset=np.ones((5, 7)))),
    "unknown mobility": ("mobility", lambda: pf.CahnHilliard(1.0, "degenerate")),
    "table that does not rise": ("x", lambda: pf.ExchangeTable([0.0, 0.5, 0.3], [0.0, 0.0, 0.0])),
    "table without values": ("x", lambda: pf.ExchangeTable([0.0, 0.5], [0.0])),
    "no free energy": ("free_energy", lambda: model(free_energy=None)),
    "reaction by name": ("reaction", lambda: model(reaction="linear")),
    "current of a closed system": (
        "protocol",
        lambda: start(reaction=None, transport=BULK, allow_unresolved=True),
    ),
    "potential of a closed system": (
        "protocol",
        lambda: start(pf.constant_potential(3.4, 9.0), reaction=None, transport=BULK, allow_unresolved=True),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_by_name(case: str) -> None:
    field, make = CASES[case]
    with pytest.raises(LithiscopeError, match=rf"(?s)\S.*{field}"):
        make()


def test_a_later_part_whose_limit_is_passed_at_its_start_stops_the_run_and_says_so() -> None:
    wrong = pf.constant_current(-1.0, to_fraction=0.9)
    run = pf.simulate(model(), pf.constant_current(1.0, to_fraction=0.12) + wrong, 3, initial=0.1)
    assert not run.complete
    assert "part 2" in run.stopped
    assert "already passed at its start" in run.stopped
    assert run.record["mean_lithium_fraction"].values[-1] == pytest.approx(0.12, abs=1e-9)


def test_a_part_may_start_at_the_limit_where_the_last_one_ended() -> None:
    there = pf.constant_current(1.0, to_fraction=0.12)
    run = pf.simulate(model(), there + pf.rest(60.0) + pf.constant_current(-1.0, to_fraction=0.1), 3, initial=0.1)
    assert run.complete, run.stopped
    again = pf.simulate(model(), there + there, 3, initial=0.1)
    assert again.complete, again.stopped


def test_a_particle_that_is_full_stops_whatever_its_free_energy() -> None:
    table = pf.ExchangeTable([0.0, 0.5, 1.0], [0.0, 0.0, 0.0])  # j0 does not end at full
    full = model(free_energy=pf.DoubleWell(1.0), reaction=pf.Reaction(1.0, table, "linear"))
    run = pf.simulate(full, pf.constant_current(1.0, seconds=3600.0), 5, initial=0.5)
    assert not run.complete
    assert "full or empty" in run.stopped
    assert run.video["lithium_fraction"].values.max() <= 1
    assert run.record["mean_lithium_fraction"].values[-1] > 0.99
