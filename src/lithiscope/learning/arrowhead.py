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
    prior : array, shape (own,)
        Weights of the prior in both.
    """

    matrix: Float[np.ndarray, "z z"]
    gradient: Float[np.ndarray, " z"]
    prior: Float[np.ndarray, " own"]


class Tie(NamedTuple):
    """A further term of the cost: half of weight (row.z - value)^2.

    Attributes
    ----------
    shared : array, shape (shared,)
        Row of the shared numbers.
    own : tuple of arrays
        Row of the numbers of each particle.
    value, weight : float
        Where it is tied, and one over the square of its standard deviation.
    """

    shared: Float[np.ndarray, " shared"]
    own: tuple[np.ndarray, ...]
    value: float
    weight: float

    def excess(self, shared: np.ndarray, own: Sequence[np.ndarray]) -> float:
        """Return row.z - value."""
        found = self.shared @ shared + sum(row @ one for row, one in zip(self.own, own, strict=True))
        return float(found - self.value)

    def cost(self, shared: np.ndarray, own: Sequence[np.ndarray]) -> float:
        """Return the term."""
        return 0.5 * self.weight * self.excess(shared, own) ** 2


class Eliminated(NamedTuple):
    """A particle after its own numbers are gone.

    Attributes
    ----------
    root : array
        Cholesky factor of the matrix of its own numbers.
    coupling : array, shape (own, shared)
        root^-1 times the mixed block.
    """

    root: np.ndarray
    coupling: np.ndarray


def eliminate(block: Block, shared: int, damping: float = 0.0) -> Eliminated:
    """Return what remains of a particle for the shared equations."""
    from scipy.linalg import cholesky, solve_triangular

    own = block.matrix[shared:, shared:] + damping * np.eye(len(block.matrix) - shared)
    root = cholesky(own, lower=True)
    return Eliminated(root, solve_triangular(root, block.matrix[shared:, :shared], lower=True))


def shared_matrix(blocks: Sequence[Block], gone: Sequence[Eliminated], shared: int) -> Float[np.ndarray, "z z"]:
    """Return the matrix of the shared numbers, with their prior, after all others are eliminated."""
    total = np.eye(shared)
    for block, one in zip(blocks, gone, strict=True):
        total += block.matrix[:shared, :shared] - one.coupling.T @ one.coupling
    return total


def newton_step(
    blocks: Sequence[Block], prior_gradient: np.ndarray, damping: float, tie: Tie | None = None, excess: float = 0.0
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
    tie : Tie, optional
        A further term of the cost.
    excess : float
        Of the tie, where the step starts.
    """
    count = len(prior_gradient)
    solver = Solver(blocks, count, damping)
    gradient = prior_gradient + sum(block.gradient[:count] for block in blocks)
    each = [block.gradient[count:] for block in blocks]
    shared, steps = solver(-gradient, [-one for one in each])
    if tie is not None:
        gradient = gradient + tie.weight * excess * tie.shared
        each = [one + tie.weight * excess * row for one, row in zip(each, tie.own, strict=True)]
        # Sherman and Morrison: the tie adds weight row row^T to the matrix.
        along, follow = solver(tie.shared, tie.own)
        stiff = tie.weight * _product(tie, along, follow)
        far = tie.weight * (_product(tie, shared, steps) + excess) / (1 + stiff)
        shared = shared - far * along
        steps = [step - far * one for step, one in zip(steps, follow, strict=True)]
    slope = gradient @ shared + sum(one @ step for one, step in zip(each, steps, strict=True))
    length = shared @ shared + sum(step @ step for step in steps)
    # Of the undamped quadratic model: minus half of g.d, less the part that the damping added.
    return shared, steps, float(-0.5 * slope + 0.5 * damping * length)


class Solver:
    """Solves with the whole matrix, damped."""

    def __init__(self, blocks: Sequence[Block], count: int, damping: float = 0.0) -> None:
        self.count = count
        self.gone = [eliminate(block, count, damping) for block in blocks]
        self.matrix = shared_matrix(blocks, self.gone, count) + damping * np.eye(count)

    def follow(self) -> list[np.ndarray]:
        """Return how the numbers of each particle move with the shared ones, shape (own, shared)."""
        from scipy.linalg import solve_triangular

        return [-solve_triangular(one.root.T, one.coupling) for one in self.gone]

    def covariances_of_own(self) -> list[np.ndarray]:
        """Return the inverse of the matrix of the numbers of each particle."""
        from scipy.linalg import cho_solve

        return [cho_solve((one.root, True), np.eye(len(one.root))) for one in self.gone]

    def log_determinant_of_own(self) -> float:
        """Return ln det of the matrix of all numbers that are not shared."""
        return 2 * sum(float(np.log(np.diag(one.root)).sum()) for one in self.gone)

    def __call__(self, shared: np.ndarray, own: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the solution for a right-hand side."""
        from scipy.linalg import solve, solve_triangular

        inner = [solve_triangular(one.root, side, lower=True) for one, side in zip(self.gone, own, strict=True)]
        reduced = shared - sum(one.coupling.T @ side for one, side in zip(self.gone, inner, strict=True))
        first = solve(self.matrix, reduced, assume_a="pos") if self.count else np.zeros(0)
        return first, [
            solve_triangular(one.root.T, side - one.coupling @ first)
            for one, side in zip(self.gone, inner, strict=True)
        ]


def _product(tie: Tie, shared: np.ndarray, own: Sequence[np.ndarray]) -> float:
    return float(tie.shared @ shared + sum(row @ one for row, one in zip(tie.own, own, strict=True)))


def log_determinant(blocks: Sequence[Block], shared: int, laws: np.ndarray | None = None) -> float:
    """Return ln det of the whole matrix with all priors; `laws` stands for what elimination leaves of the shared."""
    solver = Solver(blocks, shared)
    left = solver.matrix if laws is None else laws
    return (float(np.linalg.slogdet(left)[1]) if shared else 0.0) + solver.log_determinant_of_own()


def covariances(
    blocks: Sequence[Block], shared: int, laws: np.ndarray | None = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the posterior covariance of the shared numbers, and of (shared, own) of each particle.

    `laws` stands for what elimination leaves of the matrix of the shared numbers.
    """
    solver = Solver(blocks, shared)
    left = solver.matrix if laws is None else laws
    known = np.linalg.inv(left) if shared else np.zeros((0, 0))
    each = []
    for own, follow in zip(solver.covariances_of_own(), solver.follow(), strict=True):
        mixed = follow @ known
        each.append(np.block([[known, mixed.T], [mixed, own + mixed @ follow.T]]))
    return known, each
