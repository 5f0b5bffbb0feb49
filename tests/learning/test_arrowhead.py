"""Normal equations with shared numbers, against the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.learning.arrowhead import Block, Solver, Tie, covariances, log_determinant, newton_step

SHARED, OWN = 3, (5, 4)


def _problem() -> tuple[list[Block], np.ndarray, np.ndarray, np.ndarray]:
    """Return blocks, the gradient of the shared prior, and the whole matrix and gradient."""
    rng = np.random.default_rng(3)
    size = SHARED + sum(OWN)
    whole, gradient = np.zeros((size, size)), np.zeros(size)
    prior = rng.standard_normal(SHARED)
    whole[:SHARED, :SHARED] += np.eye(SHARED)
    gradient[:SHARED] += prior
    blocks, first = [], SHARED
    for own in OWN:
        rows = rng.standard_normal((12, SHARED + own))
        matrix = rows.T @ rows
        matrix[SHARED:, SHARED:] += np.eye(own)
        part = rng.standard_normal(SHARED + own)
        blocks.append(Block(matrix, part, np.ones(own)))
        place = np.r_[np.arange(SHARED), np.arange(first, first + own)]
        whole[np.ix_(place, place)] += matrix
        gradient[place] += part
        first += own
    return blocks, prior, whole, gradient


@pytest.mark.parametrize("damping", [0.0, 2.5])
def test_the_step_is_that_of_the_whole_matrix(damping: float) -> None:
    blocks, prior, whole, gradient = _problem()
    expected = -np.linalg.solve(whole + damping * np.eye(len(whole)), gradient)
    shared, own, promised = newton_step(blocks, prior, damping)
    assert np.allclose(np.concatenate([shared, *own]), expected, atol=1e-12)
    assert promised == pytest.approx(-(gradient @ expected + 0.5 * expected @ whole @ expected))


def test_determinant_and_covariances_are_those_of_the_whole_matrix() -> None:
    blocks, _, whole, _ = _problem()
    assert log_determinant(blocks, SHARED) == pytest.approx(np.linalg.slogdet(whole)[1])
    inverse = np.linalg.inv(whole)
    laws, each = covariances(blocks, SHARED)
    assert np.allclose(laws, inverse[:SHARED, :SHARED])
    second = np.r_[np.arange(SHARED), np.arange(SHARED + OWN[0], len(whole))]
    assert np.allclose(each[1], inverse[np.ix_(second, second)])


def test_without_shared_numbers_particles_stand_alone() -> None:
    block = Block(np.diag([2.0, 4.0]), np.array([2.0, -4.0]), np.ones(2))
    shared, own, promised = newton_step([block], np.zeros(0), 0.0)
    assert shared.size == 0
    assert np.allclose(own[0], [-1.0, 1.0])
    assert promised == pytest.approx(3.0)
    assert log_determinant([block], 0) == pytest.approx(np.log(8.0))


def _tie(value: float, weight: float) -> tuple[Tie, np.ndarray]:
    row = np.random.default_rng(8).standard_normal(SHARED + sum(OWN))
    own = np.split(row[SHARED:], np.cumsum(OWN)[:-1])
    return Tie(row[:SHARED], tuple(own), value, weight), row


@pytest.mark.parametrize("damping", [0.0, 2.5])
def test_a_tie_is_one_more_term_of_the_cost(damping: float) -> None:
    blocks, prior, whole, gradient = _problem()
    tie, row = _tie(0.7, 30.0)
    # The step starts where the row times all numbers is 0.2 above its value.
    tied, slope = whole + 30 * np.outer(row, row), gradient + 30 * 0.2 * row
    expected = -np.linalg.solve(tied + damping * np.eye(len(tied)), slope)
    shared, own, promised = newton_step(blocks, prior, damping, tie, 0.2)
    assert np.allclose(np.concatenate([shared, *own]), expected, atol=1e-11)
    assert promised == pytest.approx(-(slope @ expected + 0.5 * expected @ tied @ expected))


def test_own_numbers_follow_the_shared_ones() -> None:
    blocks, _, whole, _ = _problem()
    solver = Solver(blocks, SHARED)
    follow = np.vstack(solver.follow())
    assert np.allclose(follow, -np.linalg.solve(whole[SHARED:, SHARED:], whole[SHARED:, :SHARED]))
    assert solver.log_determinant_of_own() == pytest.approx(np.linalg.slogdet(whole[SHARED:, SHARED:])[1])


def test_the_excess_of_a_tie_is_told() -> None:
    tie, row = _tie(0.5, 4.0)
    at = np.arange(len(row), dtype=float)
    own = np.split(at[SHARED:], np.cumsum(OWN)[:-1])
    assert tie.excess(at[:SHARED], own) == pytest.approx(row @ at - 0.5)
    assert tie.cost(at[:SHARED], own) == pytest.approx(2 * (row @ at - 0.5) ** 2)
