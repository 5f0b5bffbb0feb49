"""Normal equations with shared numbers, against the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.learning.arrowhead import Block, covariances, log_determinant, newton_step

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
        blocks.append(Block(matrix, part))
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
    block = Block(np.diag([2.0, 4.0]), np.array([2.0, -4.0]))
    shared, own, promised = newton_step([block], np.zeros(0), 0.0)
    assert shared.size == 0
    assert np.allclose(own[0], [-1.0, 1.0])
    assert promised == pytest.approx(3.0)
    assert log_determinant([block], 0) == pytest.approx(np.log(8.0))
