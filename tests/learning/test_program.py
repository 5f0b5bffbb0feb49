"""The compiled program of a half cycle: exact derivatives, the same numbers as the engine, one program for all."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from lithiscope import phasefield as pf
from lithiscope.learning import LearnOptions
from lithiscope.learning.cases import Priors
from lithiscope.learning.fit import Task, block_of, cost_of, determinant_slope, slope_of
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.setup import particles_of, setup_of

OPTIONS = LearnOptions(domains=0, field_modes=8, initial_modes=4, tolerance=1e-4, voltage=True)


@pytest.fixture(scope="module")
def problem() -> tuple:  # type: ignore[type-arg]
    mask = ellipse(8, 6)
    video = experiment(mask, field(mask, 0.5, 1), exchange_current=0.1, sigma=0.05, frames=5, seed=0)
    volts = np.where(video["half_cycle"].values == 0, 3.40, 3.45)
    volts[3] = np.nan
    mean = np.where(np.arange(len(volts)) == 2, np.nan, 0.5)
    video = video.assign(
        voltage_volt=("time", volts),
        voltage_volt_std=("time", np.full(len(volts), 0.002)),
        mean_lithium_fraction=("time", mean),
        mean_lithium_fraction_std=("time", np.full(len(volts), 0.01)),
    )
    setup = setup_of([video], half_cycles([video]), OPTIONS)
    particle = particles_of(setup, Priors())[0]
    z = 0.3 * np.random.default_rng(2).standard_normal(setup.layout.shared + particle.own)
    block, cost, stepped = block_of(Task(particle, z))  # type: ignore[misc]
    return video, setup, stepped, z, block, cost


def test_the_gradient_is_that_of_the_cost(problem: tuple) -> None:  # type: ignore[type-arg]
    _, setup, particle, z, block, cost = problem
    shared = setup.layout.shared
    assert cost_of(Task(particle, z)) == pytest.approx(cost, rel=1e-12)
    gradient = block.gradient.copy()
    gradient[shared:] -= z[shared:]  # the prior of its own numbers
    rng = np.random.default_rng(0)
    for _ in range(3):
        way = rng.standard_normal(len(z))
        sides = [cost_of(Task(particle, z + step * way)) for step in (-2e-6, -1e-6, 1e-6, 2e-6)]
        slope = (8 * (sides[2] - sides[1]) - (sides[3] - sides[0])) / 12e-6
        # Rounding leaves 1e-8. Longer differences meet kinks of the steps, some 5e-6 away: there the second difference
        # jumps by half a per cent, and these are off by a few 1e-5.
        assert gradient @ way == pytest.approx(slope, rel=1e-6)
        exact = sum(
            float(jax.jvp(lambda at, case=case: particle.program.cost(case, at), (z[place],), (way[place],))[1])  # type: ignore[misc]
            for case, place in zip(particle.cases, particle.places(), strict=True)
        )
        # The same derivative pushed forward through the same steps: rounding of sums over a thousand cells and steps.
        assert gradient @ way == pytest.approx(exact, rel=1e-9)


def test_cost_and_gradient_without_the_matrix_are_the_same(problem: tuple) -> None:  # type: ignore[type-arg]
    _, setup, particle, z, block, cost = problem
    shared = setup.layout.shared
    value, slope = slope_of(Task(particle, z))
    slope[shared:] += z[shared:]  # the prior of its own numbers
    assert value == pytest.approx(cost, rel=1e-12)
    # The same sums, in another order: rounding only.
    assert slope == pytest.approx(block.gradient, rel=1e-9, abs=1e-9 * np.abs(block.gradient).max())


def test_steps_of_time_are_renewed_where_they_are_too_long(problem: tuple) -> None:  # type: ignore[type-arg]
    *_, particle, z, _, cost = problem
    # One step from frame to frame takes compositions beyond 0 and 1, where there is no potential.
    seconds = [np.diff(case.seconds) for case in particle.cases]
    cases = [
        eqx.tree_at(
            lambda c: (c.lengths, c.first),
            case,
            (jnp.zeros_like(case.lengths).at[: len(gaps)].set(gaps), jnp.arange(len(gaps) + 1)),
        )
        for case, gaps in zip(particle.cases, seconds, strict=True)
    ]
    rough = particle._replace(cases=tuple(cases))
    pairs = zip(cases, rough.places(), strict=True)
    assert not np.isfinite(sum(float(rough.program.cost(one, z[place])) for one, place in pairs))
    value, slope = slope_of(Task(rough, z))
    assert value == pytest.approx(cost, rel=1e-12)
    assert np.isfinite(slope).all()


def test_cost_and_matrix_are_those_of_residuals_of_x_of_its_mean_and_of_the_voltage(problem: tuple) -> None:  # type: ignore[type-arg]
    _, setup, particle, z, block, cost = problem
    shared = setup.layout.shared
    matrix, expected = np.eye(len(z)), 0.0
    for case, place in zip(particle.cases, particle.places(), strict=True):

        def residual(at: Any, case: Any = case) -> Any:
            x, volt, of_x = particle.program.seen(case, at)
            mean = x[:, np.asarray(case.surface) > 0].mean(1)
            of_mean = case.mean_weight * jnp.where(case.mean_weight > 0, mean - case.means, 0.0)
            of_volt = case.volt_weight * jnp.where(case.volt_weight > 0, volt - case.volts, 0.0)
            return jnp.concatenate([of_x.ravel(), of_mean, of_volt])

        at = jnp.asarray(z[place])
        rows = np.asarray(jax.jacfwd(residual)(at))
        matrix[np.ix_(place, place)] += rows.T @ rows
        expected += 0.5 * float(jnp.sum(residual(at) ** 2))
        frames = len(case.seconds)
        assert np.linalg.norm(rows[-frames:]) > 0  # the voltage counts
        assert np.linalg.norm(rows[-2 * frames : -frames]) > 0  # and the mean
    known = [int((np.asarray(case.volt_weight) > 0).sum()) for case in particle.cases]
    assert known == [4, 5]  # one is not known
    assert cost == pytest.approx(expected, rel=1e-9)
    whole = block.matrix + np.diag(np.r_[np.ones(shared), np.zeros(len(z) - shared)])
    # Steps may err by 1e-4 each, so that discrete derivatives themselves are right to a few per cent only; what the
    # matrix is for, standard deviations and the determinant, must not notice.
    assert np.linalg.norm(whole - matrix) < 0.05 * np.linalg.norm(matrix)
    ratio = np.sqrt(np.diag(np.linalg.inv(whole)) / np.diag(np.linalg.inv(matrix)))
    assert np.abs(ratio - 1).max() < 0.03
    assert np.linalg.slogdet(whole)[1] == pytest.approx(np.linalg.slogdet(matrix)[1], abs=0.3)


def test_the_matrix_is_positive_and_holds_the_prior(problem: tuple) -> None:  # type: ignore[type-arg]
    _, setup, _, _, block, _ = problem
    assert np.allclose(block.matrix, block.matrix.T)
    own = block.matrix[setup.layout.shared :, setup.layout.shared :]
    assert np.linalg.eigvalsh(own).min() >= 1 - 1e-9


def test_frames_are_those_of_the_engine(problem: tuple) -> None:  # type: ignore[type-arg]
    _, _, particle, z, _, _ = problem
    program, case, place = particle.program, particle.cases[1], particle.places()[1]
    x = program.frames(case, jnp.asarray(z[place]))
    system, start = program.start(case, jnp.asarray(z[place]))
    mask = np.asarray(case.surface) > 0
    part = pf.Part("rate", tuple(np.asarray(system.seconds)), tuple(3600 * np.asarray(system.values)))
    fine = pf.Controller(1e-7)
    run = pf.simulate(system.model, pf.Protocol((part,)), np.asarray(case.seconds), initial=start, controller=fine)
    expected = run.video["lithium_fraction"].values.reshape(len(x), -1)[:, mask]
    # Steps may err by 1e-4 root mean square each; the video is kept in single precision.
    assert np.sqrt(np.mean((np.asarray(x)[:, mask] - expected) ** 2)) < 1e-3


def test_cells_outside_stay_as_they_are_and_count_for_nothing(problem: tuple) -> None:  # type: ignore[type-arg]
    _, _, particle, z, _, _ = problem
    case, place = particle.cases[0], particle.places()[0]
    x = particle.program.frames(case, jnp.asarray(z[place]))
    outside = np.asarray(case.surface) == 0
    assert outside.any()
    assert np.all(np.asarray(x)[:, outside] == np.asarray(x)[0, outside])
    mean = np.asarray(x)[:, ~outside].mean(1)
    rate = particle.program.layout.split(jnp.asarray(z[place]))[3]
    nodes = np.asarray(case.rate * (1 + case.rate_spread * rate))
    filled = np.sum(0.5 * (nodes[1:] + nodes[:-1]) * np.diff(np.asarray(case.seconds)))
    assert mean[-1] - mean[0] == pytest.approx(filled, abs=1e-9)


def test_one_program_serves_both_half_cycles(problem: tuple) -> None:  # type: ignore[type-arg]
    _, _, particle, _, _, _ = problem
    shapes = [[leaf.shape for leaf in jax.tree.leaves(case)] for case in particle.cases]
    assert shapes[0] == shapes[1]


def test_the_slope_of_the_determinant_is_that_of_differences(problem: tuple) -> None:  # type: ignore[type-arg]
    _, setup, particle, z, block, _ = problem
    shared, rng = setup.layout.shared, np.random.default_rng(1)
    covariance = np.linalg.inv(block.matrix[shared:, shared:])
    slope = determinant_slope((Task(particle, z), covariance))

    def trace(z: np.ndarray) -> float:
        """Return half the trace, whose slope is that of half the logarithm of the determinant."""
        matrix = np.zeros((len(z), len(z)))
        for case, place in zip(particle.cases, particle.places(), strict=True):
            matrix[np.ix_(place, place)] += np.asarray(particle.program.normal(case, jnp.asarray(z[place])).matrix)
        return 0.5 * float(np.sum(covariance * matrix[shared:, shared:]))

    for _ in range(3):
        way = rng.standard_normal(len(z))
        sides = [trace(z + step * way) for step in (-6e-4, -3e-4, 3e-4, 6e-4)]
        difference = (8 * (sides[2] - sides[1]) - (sides[3] - sides[0])) / 3.6e-3
        # Slopes of 50 to 260. The matrix is in single precision: 1e-6 of a trace of a hundred, over steps of 3e-4.
        assert slope @ way == pytest.approx(difference, abs=0.4)


def test_another_particle_of_the_same_size_has_the_same_program() -> None:
    mask = ellipse(8, 6)
    found = []
    for seed in (1, 2):
        video = experiment(mask, field(mask, 0.5, seed), exchange_current=0.1, sigma=0.05, frames=5, seed=seed)
        options = OPTIONS.model_copy(update={"unknowns": (*OPTIONS.unknowns, "gradient_energy", "alpha")})
        video = video.assign(voltage_volt=("time", np.full(video.sizes["time"], 3.4)))
        found.append(particles_of(setup_of([video], half_cycles([video]), options), Priors())[0])
    one, other = (jax.tree.structure((particle.program, particle.cases)) for particle in found)
    assert one == other  # what is compiled for one serves the other
