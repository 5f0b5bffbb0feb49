"""The linearly implicit method: order, balance, stiffness, gradients."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.errors import OptionError
from lithiscope.phasefield.methods import blocks, rosenbrock
from lithiscope.phasefield.methods.rosenbrock import ALPHA, EMBEDDED, GAMMAS, WEIGHTS
from lithiscope.phasefield.system import System
from truth.bulk_models import bulk, fixed, march, start


def test_coefficients_meet_the_conditions_of_order_three_for_any_matrix() -> None:
    """Hairer and Wanner 1996, IV.7: the classical conditions, and those of W-methods with alpha and gamma apart."""
    both = ALPHA + GAMMAS
    alpha, beta, gamma = ALPHA.sum(axis=1), both.sum(axis=1), GAMMAS.sum(axis=1)
    for weights, order in ((WEIGHTS, 3), (EMBEDDED, 2)):
        assert weights.sum() == pytest.approx(1, abs=1e-14)
        assert weights @ alpha == pytest.approx(1 / 2, abs=1e-14)
        assert weights @ gamma == pytest.approx(0, abs=1e-14)
        if order == 3:
            assert weights @ alpha**2 == pytest.approx(1 / 3, abs=1e-14)
            assert weights @ both @ beta == pytest.approx(1 / 6, abs=1e-14)
            assert weights @ ALPHA @ alpha == pytest.approx(1 / 6, abs=1e-14)
            for first, second in ((ALPHA, gamma), (GAMMAS, alpha), (GAMMAS, gamma)):
                assert weights @ first @ second == pytest.approx(0, abs=1e-14)


def test_stiff_parts_decay_at_once() -> None:
    """R(inf) = 1 - b (alpha + gamma)^-1 1 = 0, and |R(iy)| <= 1: L-stable."""
    both = ALPHA + GAMMAS
    assert 1 - WEIGHTS @ np.linalg.solve(both, np.ones(4)) == pytest.approx(0, abs=1e-13)
    y = 1j * np.logspace(-3, 3, 200)
    grown = [1 + z * WEIGHTS @ np.linalg.solve(np.eye(4) - z * both, np.ones(4)) for z in y]
    assert np.abs(grown).max() <= 1 + 1e-12


SYSTEM, EXACT = System.of(bulk(), pf.constant_current(20.0).parts[0]), pf.Rosenbrock(accuracy=1e-12)


@pytest.fixture(scope="module")
def relaxed() -> jax.Array:
    """A state that has left the layer of the first moment behind."""
    return march(SYSTEM, EXACT, start(SYSTEM.model), 8.0, 128)[0].x


@pytest.mark.long
def test_third_order_is_observed_with_steps_far_beyond_the_explicit_limit(relaxed: jax.Array) -> None:
    """Transport decays at 1600/s here, the steps are 0.5 to 2 s."""
    ends = [march(SYSTEM, EXACT, relaxed, 16.0, n)[0].x for n in (8, 16, 32, 128)]
    errors = [float(jnp.abs(one - ends[-1]).max()) for one in ends[:-1]]
    # The error of the reference is (32/128)^3 = 1.6 % of the last one, 0.02 of an order.
    assert np.log2(errors[1] / errors[2]) == pytest.approx(3.0, abs=0.15)


def test_same_answer_as_the_explicit_method(relaxed: jax.Array) -> None:
    # The explicit method is stable below 2.5/1600 s only.
    implicit = march(SYSTEM, EXACT, relaxed, 2.0, 64)[0].x
    explicit = march(SYSTEM, pf.BogackiShampine(), relaxed, 2.0, 4000)[0].x
    assert float(jnp.abs(implicit - explicit).max()) < 2e-6


def test_balance_is_exact_however_badly_the_linear_systems_are_solved() -> None:
    x = start(SYSTEM.model)
    end, _ = march(SYSTEM, pf.Rosenbrock(accuracy=1e-2), x, 5.0, 20)
    gained = float(SYSTEM.model.geometry.mean(end.x - x))
    assert gained == pytest.approx(float(end.exchanged), abs=1e-14)
    assert gained == pytest.approx(5.0 * 20 / 3600, rel=1e-12)


def test_particles_that_share_no_face_keep_their_own_lithium() -> None:
    mask = np.zeros((5, 11), bool)
    mask[1:-1, 1:5] = mask[1:-1, 6:10] = True
    model = bulk(mask, reaction=None)
    x = start(model)
    end = march(System.of(model, pf.rest(20.0).parts[0]), pf.Rosenbrock(accuracy=1e-2), x, 20.0, 40)[0].x
    assert float(jnp.abs(end - x).max()) > 0.01
    for part in (slice(1, 5), slice(6, 10)):
        assert float(end[:, part].sum()) == pytest.approx(float(x[:, part].sum()), abs=1e-13)


@pytest.mark.long
def test_gradient_is_that_of_finite_differences() -> None:
    model = bulk(elasticity=pf.Coherent(1.0))
    method, protocol, plan, x = pf.Rosenbrock(accuracy=1e-13), pf.constant_current(20.0), fixed(2.0, 3), start(model)

    def nouns(one: pf.Model) -> tuple:
        leaves = (one.free_energy.omega, one.gradient_energy, one.transport.diffusivity, one.elasticity.penalty)
        return (*leaves, one.reaction.exchange_current, one.plateau)

    @eqx.filter_jit
    def loss(shift: jax.Array) -> jax.Array:
        changed = [leaf * (1 + by) for leaf, by in zip(nouns(model), shift, strict=False)]
        frames = pf.replay(eqx.tree_at(nouns, model, changed), protocol, plan, method, x * (1 + shift[-1]))
        return jnp.sum(frames.lithium_fraction[-1] ** 2) + frames.volt[-1]

    found = eqx.filter_jit(jax.grad(loss))(jnp.zeros(7))
    for axis in range(7):
        h = jnp.zeros(7).at[axis].set(1e-4)
        # The fourth-order difference errs by h^4 = 1e-16 and by round-off over h, 1e-11 of the loss.
        difference = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h[axis])
        assert float(found[axis]) == pytest.approx(float(difference), rel=1e-6, abs=1e-9)


def test_linear_systems_that_are_not_solved_reject_the_step() -> None:
    end, _ = march(SYSTEM, pf.Rosenbrock(accuracy=1e-12, most=1), start(SYSTEM.model), 50.0, 1)
    assert not np.isfinite(end.x[SYSTEM.model.geometry.active]).any()


def test_what_is_left_open_comes_from_model_and_tolerance() -> None:
    method = pf.Rosenbrock().prepared(bulk(), 1e-3)
    assert method == pf.Rosenbrock(accuracy=1e-5, periodic=(False, False))
    assert pf.Rosenbrock(accuracy=1e-9, periodic=(True, True)).prepared(bulk(), 1e-3).accuracy == 1e-9


@pytest.mark.long
def test_one_program_serves_every_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, traced = pf.Rosenbrock.step, []
    monkeypatch.setattr(pf.Rosenbrock, "step", lambda *given: traced.append(given) or whole(*given))
    model = bulk()

    def run(tolerance: float) -> int:
        pf.simulate(
            model, pf.constant_current(20.0), [0.0, 2.0], initial=start(model), method=pf.Rosenbrock(),
            controller=pf.Controller(tolerance),
        )  # fmt: skip
        return len(traced)

    assert run(1e-3) == run(1e-4) > 0


@pytest.mark.long
def test_waves_and_elimination_give_the_same_step_of_a_filled_box(monkeypatch: pytest.MonkeyPatch) -> None:
    model = bulk(np.ones((34, 34), bool), reaction=None)
    system, x = System.of(model, pf.rest(20.0).parts[0]), start(model)
    assert blocks.Layout.of(model).unknowns > rosenbrock._LARGEST_FILLED
    by_waves = march(system, pf.Rosenbrock(accuracy=1e-11), x, 0.05, 1)[0].x
    monkeypatch.setattr(rosenbrock, "_LARGEST_FILLED", 1000)
    # Another number of iterations at most makes another program.
    by_blocks = march(system, pf.Rosenbrock(accuracy=1e-11, most=61), x, 0.05, 1)[0].x
    # Both solve to 1e-11 of a load of order 1.
    assert float(jnp.abs(by_waves - by_blocks).max()) < 1e-9
    assert float(jnp.abs(by_waves - x).max()) > 1e-6


@pytest.mark.parametrize("accuracy", [0.0, 1.0, np.nan])
def test_accuracy_out_of_range_is_refused(accuracy: float) -> None:
    with pytest.raises(OptionError, match="accuracy"):
        pf.Rosenbrock(accuracy=accuracy)
