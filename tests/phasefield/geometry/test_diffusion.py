"""Diffusion through open faces into smoothed discs and spheres, against the series of Crank (1975), ch. 5 and 6.

Lengths in radii, times in radius2/D; constant flux 1 into the surface, or rate L (1 - x) at it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import brentq
from scipy.sparse.linalg import expm_multiply
from scipy.special import j0, j1, jn_zeros

from lithiscope.phasefield.geometry import Geometry, divergence, ellipsoid, next_cell, smoothed, volume

TIME, RATE = 0.1, 2.0


def disc_flux(r: np.ndarray) -> np.ndarray:
    a = jn_zeros(1, 60)
    series = np.sum(np.exp(-(a**2) * TIME) * j0(np.outer(r, a)) / (a**2 * j0(a)), axis=1)
    return 2 * TIME + r**2 / 2 - 0.25 - 2 * series


def sphere_flux(r: np.ndarray) -> np.ndarray:
    a = roots(lambda b: np.sin(b) - b * np.cos(b), [(k * np.pi + 1e-9, (k + 0.5) * np.pi) for k in range(1, 60)])
    series = np.sum(np.sinc(np.outer(r, a) / np.pi) * np.exp(-(a**2) * TIME) / (a * np.sin(a)), axis=1)
    return 3 * TIME + (5 * r**2 - 3) / 10 - 2 * series


def disc_rate(r: np.ndarray) -> np.ndarray:
    ends = [0.0, *jn_zeros(1, 60)]
    b = roots(lambda b: b * j1(b) - RATE * j0(b), [(p + 1e-9, q - 1e-9) for p, q in pairwise(ends)])
    return 1 - np.sum(2 * RATE * j0(np.outer(r, b)) * np.exp(-(b**2) * TIME) / ((b**2 + RATE**2) * j0(b)), axis=1)


def sphere_rate(r: np.ndarray) -> np.ndarray:
    b = roots(
        lambda b: b * np.cos(b) + (RATE - 1) * np.sin(b),
        [(k * np.pi + 1e-9, (k + 1) * np.pi - 1e-9) for k in range(60)],
    )
    terms = np.sinc(np.outer(r, b) / np.pi) * b * np.exp(-(b**2) * TIME) / ((b**2 + RATE * (RATE - 1)) * np.sin(b))
    return 1 - 2 * RATE * np.sum(terms, axis=1)


def roots(function: Callable[[float], float], brackets: list[tuple[float, float]]) -> np.ndarray:
    return np.array([brentq(function, low, high) for low, high in brackets])


def solved(geometry: Geometry, rate: float | None) -> np.ndarray:
    """Return x in the active cells at TIME, exact in time: psi dx/dt = div(a grad x) + S flux."""
    active, psi = geometry.active, np.asarray(geometry.inside)
    number = np.cumsum(active).reshape(active.shape) - 1
    count = int(active.sum())
    matrix = sparse.csr_array((count, count))
    for axis, (face, step) in enumerate(zip(geometry.open_faces, geometry.spacing, strict=True)):
        share = np.asarray(face)
        here, there = number[share > 0], np.roll(number, -1, axis)[share > 0]
        weight = share[share > 0] / step**2
        places = np.concatenate([here, there, here, there]), np.concatenate([there, here, here, there])
        matrix = matrix + sparse.csr_array(
            (np.concatenate([weight, weight, -weight, -weight]), places), shape=(count, count)
        )
    surface = np.asarray(geometry.surface)[active]
    source = surface * (1.0 if rate is None else rate)
    if rate is not None:
        matrix = matrix - sparse.diags_array(surface * rate)
    share = sparse.diags_array(1 / psi[active])
    whole = sparse.block_array([[share @ matrix, (source / psi[active])[:, None]], [None, sparse.csr_array((1, 1))]])
    return np.asarray(expm_multiply(whole.tocsr() * TIME, np.append(np.zeros(count), 1.0))[:-1])


def error(cells: int, ndim: int, exact: Callable[[np.ndarray], np.ndarray], rate: float | None) -> tuple[float, float]:
    """Return the root mean square error inside the shape, and the relative error of the mean."""
    h = 1 / cells
    shape = ellipsoid((1,) * ndim, h, offset=h * np.array([0.3, -0.2, 0.1])[:ndim])
    geometry = smoothed(shape.distance, h)
    x, psi, r = (
        solved(geometry, rate),
        np.asarray(geometry.inside)[geometry.active],
        1 - shape.distance[geometry.active],
    )
    inner = r < 1
    wrong = np.sqrt(np.average((x - exact(r))[inner] ** 2, weights=psi[inner]))
    line = np.linspace(0, 1, 2001)
    mean = np.trapezoid(exact(line) * line ** (ndim - 1), line) * ndim
    return float(wrong), float(np.sum(psi * x) * h**ndim / volume(geometry) / mean - 1)


@pytest.mark.parametrize(
    ("ndim", "exact", "rate", "cells", "bar"),
    [
        # Measured root mean square errors on the finer grid: 0.0031, 0.0013, 0.0077, 0.0017, where x rises by 0.5 to
        # 0.8 through the radius; they fall with the square of the cell, as the layer is a cell wide.
        (2, disc_flux, None, (8, 16), 0.0035),
        (2, disc_rate, RATE, (8, 16), 0.0015),
        (3, sphere_flux, None, (6, 12), 0.0085),
        (3, sphere_rate, RATE, (6, 12), 0.0020),
    ],
)
def test_diffusion_converges_with_second_order(ndim, exact, rate, cells, bar):
    (coarse, coarse_mean), (fine, mean) = (error(n, ndim, exact, rate) for n in cells)
    assert np.log2(coarse / fine) > 1.6
    assert fine < bar
    if rate is None:
        # A given flux fills the right volume through the right area.
        assert abs(mean) < 0.001
    else:
        # At a given rate the mean carries the error of x at the surface: 1.5 and 2.1 %, falling as h to the 1.6.
        assert np.log2(coarse_mean / mean) > 1.5


@pytest.mark.parametrize("ndim", [2, 3])
def test_faces_give_what_they_take(ndim):
    geometry = smoothed(ellipsoid((1,) * ndim, 1 / 8).distance, 1 / 8)
    x = jnp.asarray(np.random.default_rng(0).random(geometry.shape))
    flux = tuple(
        face * (next_cell(x, axis) - x) / geometry.spacing[axis] for axis, face in enumerate(geometry.open_faces)
    )
    change = np.asarray(divergence(flux, geometry.spacing))
    assert abs(change.sum()) < 1e-12 * np.abs(change).sum()
    assert np.all(change[~geometry.active] == 0)
