"""Unmixing with a weight for every energy of every pixel: all pixels of a block at once."""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

# A pivot of the normal matrix below this share of its diagonal means that the energies left cannot tell apart.
_SMALLEST_PIVOT = 1e-10


class Solution(NamedTuple):
    """Coefficients (P, N), covariance (P, P, N), chi-square (N,), and where a unique solution exists (N,)."""

    coefficients: Float[np.ndarray, "components pixels"]
    covariance: Float[np.ndarray, "components components pixels"]
    chi_square: Float[np.ndarray, " pixels"]
    solvable: Bool[np.ndarray, " pixels"]


def solve_weighted(
    od: Float[np.ndarray, "energies pixels"],
    weight: Float[np.ndarray, "energies pixels"],
    design: Float[np.ndarray, "energies components"],
) -> Solution:
    """Solve min over c of sum_k w_k (od_k - (D c)_k)^2 for every pixel, with the covariance (D^T W D)^-1.

    The normal equations are formed in an orthonormal basis of the design, so that only the spread of the weights
    can make them ill-conditioned.

    Parameters
    ----------
    od : (K, N) array
        Optical densities; finite where the weight is not zero.
    weight : (K, N) array
        1/variance; zero leaves an energy of a pixel out.
    design : (K, P) array
        Spectra of the components, of full column rank.

    Returns
    -------
    Solution
        NaN where there is no unique solution.
    """
    basis, triangle = np.linalg.qr(design)
    back = np.linalg.inv(triangle)
    weighted = weight * od
    right = basis.T @ weighted
    inverse, solvable = _inverse(_normal_matrix(basis, weight))
    inner = np.einsum("ijn,jn->in", inverse, right)
    # Both terms are of the order of the counts, so the difference is good to 1e-16 of them: far below one.
    chi_square = np.einsum("kn,kn->n", weighted, od) - np.einsum("in,in->n", inner, right)
    covariance = (np.kron(back, back) @ inverse.reshape(back.size, -1)).reshape(inverse.shape)
    return Solution(back @ inner, covariance, np.maximum(chi_square, 0.0), solvable)


def _normal_matrix(
    basis: Float[np.ndarray, "energies components"], weight: Float[np.ndarray, "energies pixels"]
) -> Float[np.ndarray, "components components pixels"]:
    count = basis.shape[1]
    pairs = list(combinations_with_replacement(range(count), 2))
    packed = np.stack([basis[:, i] * basis[:, j] for i, j in pairs]) @ weight
    normal = np.empty((count, count, weight.shape[1]))
    for row, (i, j) in zip(packed, pairs, strict=True):
        normal[i, j] = normal[j, i] = row
    return normal


def _inverse(
    matrix: Float[np.ndarray, "n n pixels"],
) -> tuple[Float[np.ndarray, "n n pixels"], Bool[np.ndarray, " pixels"]]:
    """Invert many small symmetric matrices by Cholesky; NaN and False where a pivot vanishes."""
    size, _, pixels = matrix.shape
    solvable = np.ones(pixels, dtype=bool)
    lower = np.zeros_like(matrix)  # its diagonal is not needed
    inverse = np.zeros_like(matrix)  # of the lower triangle
    for j in range(size):
        pivot = matrix[j, j] - sum(lower[j, k] * lower[j, k] for k in range(j))
        solvable &= pivot > _SMALLEST_PIVOT * np.maximum(matrix[j, j], np.finfo(float).tiny)
        inverse[j, j] = 1 / np.sqrt(np.where(solvable, pivot, np.nan))
        for i in range(j + 1, size):
            lower[i, j] = (matrix[i, j] - sum(lower[i, k] * lower[j, k] for k in range(j))) * inverse[j, j]
        for i in range(j):
            inverse[j, i] = -inverse[j, j] * sum(lower[j, k] * inverse[k, i] for k in range(i, j))
    return np.einsum("kin,kjn->ijn", inverse, inverse), solvable


def solve_non_negative(
    solution: Solution, bounded: Bool[np.ndarray, " components"]
) -> Float[np.ndarray, "components pixels"]:
    """Return the coefficients of the same fit with some of them held at or above zero. For display: it is biased.

    The objective is quadratic about the unconstrained answer, so every choice of coefficients held at zero has a
    closed answer; the feasible one with the smallest rise of chi-square is the constrained one.

    Parameters
    ----------
    solution : Solution
        The unconstrained answer.
    bounded : (P,) bool array
        Which coefficients may not be negative.

    Returns
    -------
    (P, N) array
        The constrained coefficients.
    """
    free = solution.coefficients
    best = np.where(solution.solvable, free, np.nan)
    least = np.where((free[bounded] >= 0).all(axis=0), 0.0, np.inf)
    for choice in product((False, True), repeat=int(bounded.sum())):
        held = np.flatnonzero(bounded)[list(choice)]
        if held.size == 0:
            continue
        inverse, _ = _inverse(solution.covariance[np.ix_(held, held)])
        pull = np.einsum("ijn,jn->in", inverse, free[held])
        trial = free - np.einsum("pin,in->pn", solution.covariance[:, held], pull)
        trial[held] = 0.0
        rise = np.einsum("in,in->n", free[held], pull)
        better = (trial[bounded] >= 0).all(axis=0) & (rise < least)
        best[:, better], least[better] = trial[:, better], rise[better]
    return best
