"""Runs: balance, limits, and why they stop. One program serves most of them, for the time that compiling takes."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.materials import material
from lithiscope.phasefield.from_material import model_of
from lithiscope.phasefield.geometry import pixels


def platelet(**changes) -> pf.Model:
    geometry = pixels(np.ones((4, 5), bool), 50.0, surface="everywhere", thickness=150.0)
    given = {"free_energy": pf.RegularSolution(4.51), "reaction": pf.Reaction(0.05), "elasticity": pf.Coherent(3.37)}
    return pf.Model(geometry, **(given | {"gradient_energy": 8.83} | changes))


def test_run_ends_at_the_fraction_and_keeps_the_balance() -> None:
    run = pf.simulate(platelet(), pf.constant_current(1.0, to_fraction=0.6), 5)
    assert run.complete
    assert "a limit" in run.stopped
    assert float(run.record.mean_lithium_fraction[-1]) == pytest.approx(0.6, abs=1e-9)
    assert float(run.record.time[-1]) == pytest.approx(0.58 * 3600, rel=1e-8)
    assert np.abs(run.record.mass_balance_error).max() < 1e-13
    assert "explicit" in run.record.attrs["method"]
    stages.check(run.video, "composition_video")


def test_cut_off_voltage_is_met_and_then_held() -> None:
    protocol = pf.constant_current_constant_voltage(2.0, 3.3, end_c_rate=0.5, seconds=7200.0)
    run = pf.simulate(platelet(), protocol, np.array([0.0, 7000.0]))
    assert run.complete
    assert float(run.record.voltage_volt[-1]) == pytest.approx(3.3, abs=1e-9)
    assert float(run.record.insertion_rate[-1]) == pytest.approx(0.5, rel=1e-6)
    assert np.abs(run.record.mass_balance_error).max() < 1e-13


def test_energy_never_rises_at_rest() -> None:
    x = 0.4 + 0.05 * np.random.default_rng(0).standard_normal((4, 5))
    run = pf.simulate(platelet(), pf.rest(2000.0), 12, initial=jnp.asarray(x))
    assert np.diff(run.record.free_energy).max() <= 1e-12
    assert float(run.record.mean_lithium_fraction[-1]) == pytest.approx(x.mean(), rel=1e-12)


def test_full_particle_stops_with_the_reason_and_the_state_so_far() -> None:
    run = pf.simulate(platelet(), pf.constant_current(1.0, seconds=7200.0), 5)
    assert not run.complete
    assert "full or empty" in run.stopped
    known = run.video.lithium_fraction.values
    assert np.isfinite(known).all()
    # The video holds single precision, in which the last state may be 1.
    assert 0.98 < known[-1].mean() <= 1
    assert float(run.final.max()) < 1


def test_current_that_cannot_be_carried_is_an_error_at_once_and_a_stop_later() -> None:
    model = platelet(reaction=pf.Reaction(0.05, law=pf.Law("reaction", "marcus", reorganisation=5.0)))
    with pytest.raises(AnalysisError, match="cannot carry"):
        pf.simulate(model, pf.constant_current(1e4), 3)
    run = pf.simulate(model, pf.constant_current(0.1, seconds=60.0) + pf.constant_current(1e4), 3)
    assert not run.complete
    assert "cannot carry" in run.stopped


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("free_energy.omega", lambda one: one.free_energy.omega),
        ("reaction.rate", lambda one: one.reaction.rate),
        ("elasticity.penalty", lambda one: one.elasticity.penalty),
        ("gradient_energy", lambda one: one.gradient_energy),
        ("geometry.inside", lambda one: one.geometry.inside),
    ],
)
def test_parameter_that_turns_nan_is_an_error_with_its_name(name: str, where: Callable) -> None:
    for bad in (jnp.nan, jnp.inf):
        broken = eqx.tree_at(where, platelet(), replace_fn=lambda leaf, bad=bad: leaf.at[(0,) * leaf.ndim].set(bad))
        with pytest.raises(OptionError, match=f"(?s)not finite.*{name}"):
            pf.simulate(broken, pf.constant_current(1.0), 3)


def test_start_beyond_the_table_of_the_free_energy_is_an_error() -> None:
    table = pf.TabulatedVoltage([0.2, 0.8], [3.5, 3.3], 3.4)
    with pytest.raises(OptionError, match="initial"):
        pf.simulate(platelet(free_energy=table), pf.constant_current(1.0), 3, initial=0.1)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"initial": 0.0}, "initial"),
        ({"initial": np.nan}, "initial"),
        ({"times": 1}, "times"),
        ({"times": [0.0, np.nan]}, "times"),
        ({"times": [2.0, 1.0]}, "times"),
    ],
)
def test_bad_arguments_are_refused_by_name(given: dict, field: str) -> None:
    with pytest.raises(OptionError, match=field):
        pf.simulate(platelet(), pf.rest(1.0), **given)


def test_empty_mask_is_refused() -> None:
    with pytest.raises(AnalysisError, match="mask"):
        pixels(np.zeros((4, 4), bool), 1.0)


def test_choice_of_method_and_its_reason() -> None:
    assert isinstance(pf.choose_method(platelet())[0], pf.BogackiShampine)
    rim = pixels(np.pad(np.ones((4, 4), bool), 1), 1.0)
    slow = pf.Model(rim, pf.RegularSolution(1.0), pf.Reaction(0.1), pf.Fickian(1e-3))
    stiff = pf.Model(rim, pf.RegularSolution(1.0), pf.Reaction(0.1), pf.Fickian(1e3))
    assert isinstance(pf.choose_method(slow)[0], pf.BogackiShampine)
    method, reason = pf.choose_method(stiff, tolerance=1e-3)
    assert isinstance(method, pf.Rosenbrock)
    assert method.accuracy == 1e-5
    assert reason.startswith("implicit, because")
    assert pf.choose_method(stiff, pf.BogackiShampine())[1] == "as asked"


def test_choice_of_method_where_cells_react_on_their_own() -> None:
    mask, seconds = np.ones((6, 6), bool), 3600.0

    def chosen(spacing: float, gradient_energy: float, exchange: float, seconds: float) -> type[pf.Method]:
        cells = pixels(mask, spacing, surface="everywhere", thickness=100.0)
        model = pf.Model(cells, pf.RegularSolution(4.5), pf.Reaction(exchange), gradient_energy=gradient_energy)
        return type(pf.choose_method(model, seconds=seconds)[0])

    assert chosen(50.0, 8.83, 0.01, seconds) is pf.BogackiShampine
    assert chosen(50.0, 8.83, 10.0, seconds) is pf.LocalRosenbrock
    assert chosen(50.0, 8.83, 10.0, 1.0) is pf.BogackiShampine
    # On cells of a nanometre gradient energy joins neighbours, which a method that takes each alone cannot follow.
    assert chosen(1.0, 8.83, 10.0, seconds) is pf.Rosenbrock


def test_frames_compile_nothing_anew() -> None:
    # The solver of the strain closes over its arrays, so each call outside a compiled program would compile it again.
    geometry = pixels(np.pad(np.ones((3, 4), bool), 1), 10.0, thickness=50.0, surface="everywhere")
    model = model_of(material("lfp_cogswell_bazant_2012"), geometry, strain="free_surface", plane="stress")
    protocol = pf.constant_current(1.0, seconds=60.0)
    pf.simulate(model, protocol, 3, initial=0.3)
    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(lambda name, _, **__: compiled.append(name))
    try:
        done = pf.simulate(model, protocol, 9, initial=0.3)
    finally:
        jax.monitoring.clear_event_listeners()
    assert done.video.sizes["time"] == 9
    assert not [name for name in compiled if "backend_compile" in name]


def test_single_precision_by_choice_with_a_voltage_that_is_searched_for() -> None:
    model = platelet(reaction=pf.Reaction(0.05, law=pf.Law("reaction", "butler_volmer", alpha=0.4)))
    run = pf.simulate(pf.in_precision(model, jnp.float32), pf.constant_current(1.0, seconds=1200.0), 3, initial=0.1)
    assert run.complete
    assert run.record.attrs["precision"] == "float32"
    assert run.final.dtype == jnp.float32
    # Roundings of 6e-8 of x = 1 in each of a few dozen steps, and of the time, 1e-7 of 1200 s at 1C.
    assert float(run.record.mean_lithium_fraction[-1]) == pytest.approx(0.1 + 1 / 3, abs=2e-6)
