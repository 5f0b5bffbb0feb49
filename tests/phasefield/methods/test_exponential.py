from __future__ import annotations

from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope import phasefield as pf
from lithiscope.errors import OptionError
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.methods.exponential import _phi, wave_numbers_squared
from lithiscope.phasefield.system import System
from truth.bulk_models import fixed, march

SHAPE, STEP = (12, 16), 1.5


def periodic(shape: tuple[int, ...] = SHAPE, *, surface: float = 0.0, h: float = STEP) -> pf.Geometry:
    one = jnp.ones(shape)
    return pf.Geometry(
        (h,) * len(shape), one, (one,) * len(shape), surface * one, pf.ParticleNumbers(np.ones(shape, int))
    )


def well(shape: tuple[int, ...] = SHAPE, h: float = STEP) -> pf.Model:
    return pf.Model(
        periodic(shape, h=h),
        pf.DoubleWell(5.0, 0.3, 0.7),
        None,
        pf.CahnHilliard(5.0, "constant"),
        gradient_energy=2.0,
        allow_unresolved=True,
    )


def reacting() -> pf.Model:
    return pf.Model(
        periodic(surface=0.02),
        pf.RegularSolution(2.5),
        pf.Reaction(0.05),
        gradient_energy=20.0,
    )


def uneven(shape: tuple[int, ...] = SHAPE, size: float = 0.05) -> np.ndarray:
    return 0.5 + size * np.random.default_rng(0).standard_normal(shape)


def smooth(shape: tuple[int, ...] = SHAPE, size: float = 0.1) -> np.ndarray:
    """The longest waves of the box."""
    y, x = (2 * np.pi * np.arange(n) / n for n in shape)
    return 0.5 + size * (np.cos(x) * np.sin(y)[:, None] + 0.5 * np.sin(x - y[:, None]))


def steps(model: pf.Model, part: Any, x: np.ndarray, time: float, count: int, method: pf.Method) -> State:
    """The state after equal steps."""
    return march(System.of(model, part), method, x, time, count)[0]


@given(st.floats(-60, 3).filter(lambda z: abs(z) > 1e-6))
def test_phi_functions_are_those_of_their_definition(z: float) -> None:
    half, whole = _phi(jnp.asarray([z]))
    for found, at in ((half, z), (whole, 2 * z)):
        # phi_k(z) is the integral of e^((1-s)z) s^(k-1)/(k-1)!; 40 Gauss points are exact to round-off here
        node, weight = np.polynomial.legendre.leggauss(60)
        s, w = (node + 1) / 2, weight / 2
        for k, value in enumerate(found, start=1):
            exact = np.sum(w * np.exp((1 - s) * at) * s ** (k - 1)) / [1, 1, 2][k - 1]
            assert float(value[0]) == pytest.approx(exact, rel=2e-13)


def test_phi_functions_at_zero() -> None:
    for found in _phi(jnp.zeros(1)):
        np.testing.assert_allclose([float(v[0]) for v in found], [1, 1 / 2, 1 / 6], rtol=1e-15)


def test_wave_numbers_are_those_of_the_faces_of_the_model() -> None:
    shape = (6, 7)
    geometry = periodic(shape)
    x = uneven(shape)
    model = pf.Model(geometry, pf.DoubleWell(0.0), None, pf.Fickian(3.0))
    k2 = sum(wave_numbers_squared(geometry, float))
    np.testing.assert_allclose(
        np.fft.irfft2(-3.0 * np.asarray(k2) * np.fft.rfft2(x), shape), model.rates(jnp.asarray(x)).change, atol=1e-14
    )


def test_linear_diffusion_is_exact_in_one_step() -> None:
    model = pf.Model(periodic(), pf.DoubleWell(0.0), None, pf.Fickian(3.0))
    x = uneven()
    found = steps(model, pf.rest(50.0).parts[0], x, 50.0, 1, pf.ExponentialRungeKutta()).x
    decay = np.exp(-3.0 * 50.0 * np.asarray(sum(wave_numbers_squared(model.geometry, float))))
    np.testing.assert_allclose(found, np.fft.irfft2(decay * np.fft.rfft2(x), SHAPE), atol=1e-14)


@pytest.mark.long
@pytest.mark.parametrize("derivatives", ["faces", "spectral"])
def test_order_in_time_of_separation(derivatives: Any) -> None:
    method = pf.ExponentialRungeKutta(derivatives)
    part, x = pf.rest(10.0).parts[0], smooth()
    # Cells of 6 nm: nothing is stiff, so that the classical order shows.
    found = [np.asarray(steps(well(h=6.0), part, x, 10.0, n, method).x) for n in (16, 32, 64)]
    order = np.log2(np.abs(found[0] - found[1]).max() / np.abs(found[1] - found[2]).max())
    assert order == pytest.approx(method.order, abs=0.4)  # steps are not yet small: the next order still shows


@pytest.mark.long
def test_order_in_time_of_a_reaction_at_constant_current() -> None:
    part, x = pf.constant_current(0.5, seconds=400.0).parts[0], smooth()
    method = pf.ExponentialRungeKutta()
    found = [steps(reacting(), part, x, 400.0, n, method) for n in (16, 32, 64)]
    differences = [np.abs(a.x - b.x).max() for a, b in pairwise(found)]
    assert np.log2(differences[0] / differences[1]) == pytest.approx(4, abs=0.4)
    for state in found:
        assert float(state.x.mean()) - x.mean() == pytest.approx(float(state.exchanged), abs=1e-14)


def test_estimate_falls_with_its_order() -> None:
    system = System.of(well(h=6.0), pf.rest(10.0).parts[0])
    x = jnp.asarray(smooth())
    rates = system.rates(jnp.zeros(()), x)
    step = eqx.filter_jit(pf.ExponentialRungeKutta().step)
    sizes = [
        float(jnp.abs(step(system, jnp.zeros(()), jnp.asarray(h), State(x, jnp.zeros(())), rates)[1]).max())
        for h in (0.4, 0.2)
    ]
    assert np.log2(sizes[0] / sizes[1]) == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("transport", [pf.CahnHilliard(5.0), pf.Fickian((5.0, 1.0))])
def test_agrees_with_the_explicit_method(transport: pf.Transport) -> None:
    solid = isinstance(transport, pf.Fickian)  # which is refused where phases, strain or gradient energy should act
    model = pf.Model(
        periodic(surface=0.02),
        pf.RegularSolution(1.5 if solid else 2.5),
        pf.Reaction(0.05),
        transport,
        None if solid else pf.Coherent(0.3),
        gradient_energy=0.0 if solid else 2.0,
        allow_unresolved=True,
    )
    system, x = System.of(model, pf.constant_current(2.0, seconds=2.0).parts[0]), uneven()
    found, rates = march(system, pf.ExponentialRungeKutta(), x, 2.0, 100)
    other, there = march(system, pf.BogackiShampine(), x, 2.0, 2000)
    np.testing.assert_allclose(found.x, other.x, atol=1e-6)
    assert float(system.volt(rates)) == pytest.approx(float(system.volt(there)), abs=1e-7)
    assert float(found.x.mean()) - x.mean() == pytest.approx(float(found.exchanged), abs=1e-13)


def test_closed_system_keeps_lithium_and_loses_energy() -> None:
    found = pf.simulate(well((24, 24)), pf.rest(300.0), 40, initial=uneven((24, 24), 0.01))
    assert found.record.attrs["method"].startswith("ExponentialRungeKutta")
    assert float(np.abs(found.record["mass_balance_error"]).max()) < 1e-14
    assert found.record["free_energy"].diff("time").max() < 1e-12  # round-off at equilibrium
    assert found.video["lithium_fraction"][-1].std() > 0.15  # it did separate


def test_three_dimensions() -> None:
    shape = (6, 5, 8)
    part, x = pf.rest(4.0).parts[0], uneven(shape)
    found = steps(well(shape), part, x, 4.0, 200, pf.ExponentialRungeKutta())
    other = steps(well(shape), part, x, 4.0, 2000, pf.BogackiShampine())
    np.testing.assert_allclose(found.x, other.x, atol=1e-5)  # white noise decays at 600/s, the steps are 20 ms


def test_single_precision_is_kept() -> None:
    model = pf.in_precision(well(), jnp.float32)
    found = pf.simulate(model, pf.rest(5.0), 2, initial=uneven(), method=pf.ExponentialRungeKutta("spectral"))
    assert found.final.dtype == jnp.float32
    assert np.isfinite(found.final).all()


@pytest.mark.long
def test_gradient_by_finite_differences() -> None:
    protocol, x, plan, method = pf.rest(5.0), uneven(), fixed(5.0, 10), pf.ExponentialRungeKutta()

    base = well()

    def model(kappa: Any) -> pf.Model:
        return eqx.tree_at(lambda m: m.gradient_energy, base, kappa)

    @jax.jit
    def loss(kappa: Any) -> Any:
        frames = pf.replay(model(kappa), protocol, plan, method, jnp.asarray(x))
        return jnp.sum(frames.lithium_fraction[-1] ** 4)

    at, h = jnp.asarray(2.0), 1e-4
    difference = (loss(at + h) - loss(at - h)) / (2 * h)
    assert float(jax.grad(loss)(at)) == pytest.approx(float(difference), rel=1e-6)  # the square of the distance


def test_refuses_what_it_cannot_do() -> None:
    shape = (4, 5)
    faces = (jnp.ones(shape).at[-1].set(0.0), jnp.ones(shape))
    one = jnp.ones(shape)
    closed = pf.Geometry((1.0, 1.0), one, faces, 0 * one, pf.ParticleNumbers(np.ones(shape, int)))
    model = pf.Model(closed, pf.DoubleWell(0.0), None, pf.Fickian(1.0))
    with pytest.raises(OptionError, match="closes on itself in every direction"):
        pf.simulate(model, pf.rest(1.0), method=pf.ExponentialRungeKutta())
    with pytest.raises(OptionError, match="constant mobility and no reaction"):
        pf.simulate(reacting(), pf.rest(1.0), method=pf.ExponentialRungeKutta("spectral"))
    with pytest.raises(OptionError, match="no such derivatives"):
        pf.ExponentialRungeKutta("finite")  # type: ignore[arg-type]


def test_spectral_and_faces_meet_on_finer_grids() -> None:
    # A smooth wave on the same box: the difference is that of second-order faces.
    differences = []
    for count in (32, 64):
        h = 16.0 / count
        place = h * np.arange(count)
        x = np.broadcast_to(0.5 + 0.1 * np.cos(2 * np.pi * place / 16.0), (4, count))
        geometry = periodic((4, count), h=h)
        model = pf.Model(
            geometry, pf.DoubleWell(5.0, 0.3, 0.7), None, pf.CahnHilliard(5.0, "constant"), gradient_energy=2.0,
            allow_unresolved=True,
        )  # fmt: skip
        found = [
            steps(model, pf.rest(2.0).parts[0], x, 2.0, 32, pf.ExponentialRungeKutta(name)).x
            for name in ("faces", "spectral")
        ]
        differences.append(float(jnp.abs(found[0] - found[1]).max()))
    assert np.log2(differences[0] / differences[1]) == pytest.approx(2, abs=0.1)
