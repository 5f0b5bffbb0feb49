"""Normal equations of many particles that share their laws: each particle's own numbers are eliminated first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Block(NamedTuple):
    """Normal equations of one particle: the shared numbers first, then its own, with the prior of its own.

    Attributes
    ----------
    matrix : array, shape (z, z)
        Gauss and Newton's.
    gradient : array, shape (z,)
        Of the cost.
    """

    matrix: Float[np.ndarray, "z z"]
    gradient: Float[np.ndarray, " z"]


class Eliminated(NamedTuple):
    """A particle after its own numbers are gone.

    Attributes
    ----------
    root : array
        Cholesky factor of the matrix of its own numbers.
    coupling : array, shape (own, shared)
        root^-1 times the mixed block.
    gradient : array, shape (own,)
        root^-1 times the gradient of its own numbers.
    """

    root: np.ndarray
    coupling: np.ndarray
    gradient: np.ndarray


def eliminate(block: Block, shared: int, damping: float = 0.0) -> Eliminated:
    """Return what remains of a particle for the shared equations."""
    from scipy.linalg import cholesky, solve_triangular

    own = block.matrix[shared:, shared:] + damping * np.eye(len(block.matrix) - shared)
    root = cholesky(own, lower=True)
    both = np.column_stack([block.matrix[shared:, :shared], block.gradient[shared:]])
    solved = solve_triangular(root, both, lower=True)
    return Eliminated(root, solved[:, :-1], solved[:, -1])


def shared_matrix(blocks: Sequence[Block], gone: Sequence[Eliminated], shared: int) -> Float[np.ndarray, "z z"]:
    """Return the matrix of the shared numbers, with their prior, after all others are eliminated."""
    total = np.eye(shared)
    for block, one in zip(blocks, gone, strict=True):
        total += block.matrix[:shared, :shared] - one.coupling.T @ one.coupling
    return total


def newton_step(
    blocks: Sequence[Block], prior_gradient: np.ndarray, damping: float
) -> tuple[np.ndarray, list[np.ndarray], float]:
    """Return the step of the shared and of each particle's numbers, and the decrease of the cost that it promises.

    Parameters
    ----------
    blocks : sequence of Block
        One for each particle.
    prior_gradient : array, shape (shared,)
        Gradient of the prior of the shared numbers: the numbers themselves.
    damping : float
        Added to the diagonal (Levenberg 1944), in units of the prior's weight.
    """
    from scipy.linalg import solve, solve_triangular

    count = len(prior_gradient)
    gone = [eliminate(block, count, damping) for block in blocks]
    matrix = shared_matrix(blocks, gone, count) + damping * np.eye(count)
    gradient = prior_gradient + sum(block.gradient[:count] for block in blocks)
    reduced = gradient - sum(one.coupling.T @ one.gradient for one in gone)
    shared = -solve(matrix, reduced, assume_a="pos") if count else np.zeros(0)
    steps = [-solve_triangular(one.root.T, one.gradient + one.coupling @ shared) for one in gone]
    slope = gradient @ shared + sum(block.gradient[count:] @ step for block, step in zip(blocks, steps, strict=True))
    length = shared @ shared + sum(step @ step for step in steps)
    # Of the undamped quadratic model: minus half of g.d, less the part that the damping added.
    return shared, steps, float(-0.5 * slope + 0.5 * damping * length)


def log_determinant(blocks: Sequence[Block], shared: int) -> float:
    """Return ln det of the whole matrix with all priors."""
    gone = [eliminate(block, shared) for block in blocks]
    whole = 2 * sum(float(np.log(np.diag(one.root)).sum()) for one in gone)
    if shared:
        whole += float(np.linalg.slogdet(shared_matrix(blocks, gone, shared))[1])
    return whole


def covariances(blocks: Sequence[Block], shared: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the posterior covariance of the shared numbers, and of (shared, own) of each particle."""
    from scipy.linalg import cho_solve, solve_triangular

    gone = [eliminate(block, shared) for block in blocks]
    laws = np.linalg.inv(shared_matrix(blocks, gone, shared)) if shared else np.zeros((0, 0))
    each = []
    for one in gone:
        own = cho_solve((one.root, True), np.eye(len(one.root)))
        follow = -solve_triangular(one.root.T, one.coupling)  # own moves so when the shared move
        mixed = follow @ laws
        each.append(np.block([[laws, mixed.T], [mixed, own + mixed @ follow.T]]))
    return laws, each
