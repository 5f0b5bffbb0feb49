"""What cannot be simulated is an error with the name of the field, before any step."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.errors import LithiscopeError
from lithiscope.phasefield.elasticity import Stiffness, misfit_tensor
from lithiscope.phasefield.geometry import pixels, population, smoothed

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


def steps(*, times: object = 3, protocol: object = CURRENT, **changes) -> None:
    pf.simulate(model(), protocol, times, initial=0.1, **changes)


def part(control: str = "rate", seconds: object = (0.0, 10.0), values: object = (1.0, 1.0), **limits) -> pf.Part:
    return pf.Part(control, seconds, values, **limits)


def table(**changes) -> pf.TabulatedVoltage:
    return pf.TabulatedVoltage([0.0, 1.0], [3.5, 3.3], **({"plateau": 3.4} | changes))


MASK = np.where(FULL, np.nan, 1.0)
NAN, INF = float("nan"), float("inf")

COMPLETE: dict[str, tuple[str, Callable[[], object]]] = {
    "current for rate": ("control", lambda: part("current")),
    "control of a trace": ("control", lambda: pf.from_trace(None, control="current")),
    "rate limit of NaN": ("rate_limit", lambda: pf.constant_potential(3.4, 100.0, rate_limit=NAN)),
    "rate limit below zero": ("rate_limit", lambda: pf.constant_potential(3.4, 100.0, rate_limit=-1.0)),
    "rate limit of text": ("rate_limit", lambda: part("potential", values=(3.4, 3.4), rate_limit="C/10")),
    "end of CC-CV of NaN": (
        "end_c_rate",
        lambda: pf.constant_current_constant_voltage(1.0, 3.3, end_c_rate=NAN, seconds=9.0),
    ),
    "1C of a negative range": ("fraction_per_c", lambda: pf.constant_current(1.0, fraction_per_c=-1.0)),
    "1C of no range": ("fraction_per_c", lambda: pf.constant_current(1.0, fraction_per_c=0.0)),
    "1C of NaN": ("fraction_per_c", lambda: pf.constant_current(1.0, fraction_per_c=NAN)),
    "1C of more than all": ("fraction_per_c", lambda: pf.constant_current(1.0, fraction_per_c=150.0)),
    "1C of text": ("fraction_per_c", lambda: pf.constant_current(1.0, fraction_per_c="half")),
    "C-rate of text": ("c_rate", lambda: pf.constant_current("C/2")),
    "C-rate of NaN": ("c_rate", lambda: pf.constant_current(NAN)),
    "two C-rates": ("c_rate", lambda: pf.constant_current([1.0, 2.0])),
    "no such mean": ("to_fraction", lambda: pf.constant_current(1.0, to_fraction=NAN)),
    "mean limits of NaN": ("fraction_limits", lambda: part(fraction_limits=(NAN, NAN))),
    "mean limits the wrong way round": ("fraction_limits", lambda: part(fraction_limits=(0.9, 0.1))),
    "voltage limits of NaN": ("volt_limits", lambda: part(volt_limits=(NAN, 4.2))),
    "voltage limits of text": ("volt_limits", lambda: part(volt_limits=("low", "high"))),
    "times of text": ("seconds", lambda: part(seconds=("a", "b"))),
    "times without end": ("seconds", lambda: pf.rest(INF)),
    "values of text": ("values", lambda: part(values=("1C", "2C"))),
    "values of NaN": ("values", lambda: part(values=(NAN, 1.0))),
    "parts that are none": ("parts", lambda: pf.Protocol(("current",))),
    "no parts": ("parts", lambda: pf.Protocol(())),
    "table at 25 degrees C": ("temperature", lambda: table(temperature=25.0)),
    "table with a plateau in mV": ("plateau", lambda: table(plateau=3400.0)),
    "table without a plateau": ("plateau", lambda: table(plateau=NAN)),
    "frames of text": ("times", lambda: steps(times="abc")),
    "frames of nothing": ("times", lambda: steps(times=None)),
    "fewer than no frames": ("times", lambda: steps(times=-3)),
    "frames out of order": ("times", lambda: steps(times=[5.0, 1.0])),
    "frames of NaN": ("times", lambda: steps(times=[0.0, NAN])),
    "frames before the start": ("times", lambda: steps(times=[-5.0, 1.0])),
    "no protocol": ("protocol", lambda: steps(protocol=None)),
    "protocol by name": ("protocol", lambda: steps(protocol="rest")),
    "controller by name": ("controller", lambda: steps(controller="x")),
    "tolerance for a controller": ("controller", lambda: steps(controller=1e-4)),
    "method by name": ("method", lambda: steps(method="explicit")),
    "no model": ("model", lambda: pf.simulate(None, CURRENT)),
    "NaN in the mask": ("mask", lambda: pixels(MASK, 50.0)),
    "NaN in the distance": ("distance", lambda: smoothed(np.where(np.eye(9) > 0, NAN, 1.0), 1.0)),
    "no particles": ("geometries", lambda: population([])),
    "unknown mobility": ("mobility", lambda: pf.CahnHilliard(1.0, "degenerate")),
}


@pytest.mark.parametrize("case", COMPLETE)
def test_bad_input_is_refused_with_field_value_limit_and_remedy(case: str) -> None:
    field, make = COMPLETE[case]
    with pytest.raises(LithiscopeError) as caught:
        make()
    found = caught.value
    assert found.field == field
    assert all(one is not None for one in (found.value, found.limit, found.remedy)), str(found)


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
