"""Stiffness, misfit strain and the energy of a coherent boundary as a function of its direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells

Strain: TypeAlias = Float[Array, "d d"]
"""A symmetric tensor in two or three dimensions."""

Moduli: TypeAlias = Float[Array, "d d d d"]
"""A stiffness with its four indices."""

_STIFFEST = 2000.0  # GPa; diamond has 1100
_LARGEST_MISFIT = 0.3  # the strain is that of small deformations

_VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])


class Stiffness(eqx.Module):
    """Elastic constants of a crystal along its axes a, b, c.

    Parameters
    ----------
    voigt : array, shape (6, 6)
        In Voigt order 11, 22, 33, 23, 13, 12, GPa.

    Raises
    ------
    OptionError
        If the matrix is not symmetric, a strain would cost no energy, or an entry is no solid's in GPa.

    Examples
    --------
    >>> float(Stiffness.cubic(C11=250, C12=150, C44=100).tensor[0, 1, 0, 1])
    100.0
    """

    voigt: Float[Array, "6 6"]

    def __init__(self, voigt: Float[Array, "6 6"] | np.ndarray) -> None:
        self.voigt = jnp.asarray(voigt, dtype=float)
        if not isinstance(self.voigt, jax.core.Tracer):
            _refuse_unstable(np.asarray(self.voigt))

    @classmethod
    def orthorhombic(
        cls,
        *,
        C11: float,
        C22: float,
        C33: float,
        C44: float,
        C55: float,
        C66: float,
        C12: float,
        C13: float,
        C23: float,
    ) -> Stiffness:
        """Return the stiffness of an orthorhombic crystal; public codes swap C12, C13 and C23, hence the names."""
        normal = jnp.array([[C11, C12, C13], [C12, C22, C23], [C13, C23, C33]], dtype=float)
        shear = jnp.diag(jnp.array([C44, C55, C66], dtype=float))
        nothing = jnp.zeros((3, 3))
        return cls(jnp.block([[normal, nothing], [nothing, shear]]))

    @classmethod
    def cubic(cls, *, C11: float, C12: float, C44: float) -> Stiffness:
        """Return the stiffness of a cubic crystal."""
        return cls.orthorhombic(C11=C11, C22=C11, C33=C11, C44=C44, C55=C44, C66=C44, C12=C12, C13=C12, C23=C12)

    @classmethod
    def isotropic(cls, *, young: float, poisson: float) -> Stiffness:
        """Return the stiffness of an isotropic solid from Young's modulus and Poisson's ratio."""
        shear = young / (2 * (1 + poisson))
        lame = young * poisson / ((1 + poisson) * (1 - 2 * poisson))
        return cls.cubic(C11=lame + 2 * shear, C12=lame, C44=shear)

    @property
    def tensor(self) -> Moduli:
        """The stiffness with four indices, shape (3, 3, 3, 3), along a, b, c."""
        return self.voigt[_VOIGT[:, :, None, None], _VOIGT]


def _refuse_unstable(voigt: np.ndarray) -> None:
    if voigt.shape != (6, 6) or not np.allclose(voigt, voigt.T, rtol=1e-9, atol=0):
        raise OptionError(
            "the stiffness is no symmetric matrix",
            field="stiffness",
            value=voigt.tolist(),
            limit="shape (6, 6), symmetric",
            remedy="use Stiffness.orthorhombic, cubic or isotropic",
        )
    smallest = float(np.linalg.eigvalsh(voigt)[0]) if np.all(np.isfinite(voigt)) else np.nan
    if not smallest > 0:
        raise OptionError(
            "the crystal is not stable: a strain costs no energy",
            field="stiffness",
            value=smallest,
            limit="every eigenvalue of the Voigt matrix above 0",
            remedy="check the constants, their order and their unit",
        )
    largest = float(np.abs(voigt).max())
    if largest > _STIFFEST:
        raise OptionError(
            "the stiffness is beyond that of any solid",
            field="stiffness",
            value=largest,
            limit=f"{_STIFFEST:g} GPa",
            remedy="give GPa, not MPa or Pa",
        )


def misfit_tensor(strain: Sequence[float] | Strain | np.ndarray) -> Strain:
    """Return the misfit strain from x = 0 to x = 1 as a tensor along the crystal axes.

    Parameters
    ----------
    strain : array, shape (3,) or (3, 3)
        Three principal values along a, b, c, or the whole tensor.

    Returns
    -------
    array, shape (3, 3)

    Raises
    ------
    OptionError
        If it has another shape, is not symmetric, or too large for a strain.
    """
    values = jnp.asarray(strain, dtype=float)
    known = not isinstance(values, jax.core.Tracer)
    if known and not np.all(np.abs(values) <= _LARGEST_MISFIT):
        raise OptionError(
            "the misfit strain is too large",
            field="misfit",
            value=np.asarray(values).tolist(),
            limit=f"{_LARGEST_MISFIT:g} in magnitude",
            remedy="give strains, not percent",
        )
    if values.shape == (3,):
        return jnp.diag(values)
    if values.shape != (3, 3) or (known and not np.allclose(values, values.T, rtol=1e-9, atol=1e-15)):
        raise OptionError(
            "the misfit strain is no symmetric tensor",
            field="misfit",
            value=strain,
            limit="three principal values, or a symmetric (3, 3) tensor",
        )
    return values


def inverse(matrices: Float[Array, "... d d"]) -> Float[Array, "... d d"]:
    """Return the inverse of many 2 x 2 or 3 x 3 matrices in closed form, which is far faster than LAPACK."""
    if matrices.shape[-1] == 2:
        (a, b), (c, d) = (tuple(jnp.moveaxis(row, -1, 0)) for row in jnp.moveaxis(matrices, -2, 0))
        adjugate = jnp.stack([jnp.stack([d, -b], -1), jnp.stack([-c, a], -1)], -2)
        return adjugate / (a * d - b * c)[..., None, None]
    first, second, third = jnp.moveaxis(matrices, -2, 0)
    columns = [jnp.cross(second, third), jnp.cross(third, first), jnp.cross(first, second)]
    return jnp.stack(columns, -1) / jnp.sum(first * columns[0], -1)[..., None, None]


def coherency_energy(
    normal: Float[Array, "... d"] | np.ndarray, tensor: Moduli | np.ndarray, misfit: Strain | np.ndarray
) -> Cells:
    """Return B(n), twice the elastic energy per volume and composition squared of layers with the normal n.

    B = e0:C:e0 - n.s0.(n.C.n)^-1.s0.n with s0 = C:e0 (A. G. Khachaturyan, Theory of Structural Transformations in
    Solids, 1983, section 7.2; D. A. Cogswell and M. Z. Bazant, ACS Nano 6 (2012) 2215, equation 6).

    Parameters
    ----------
    normal : array, shape (..., d)
        Directions, of any length but zero.
    tensor : array, shape (d, d, d, d)
        Stiffness along the axes in which the directions are given.
    misfit : array, shape (d, d)
        Misfit strain along the same axes.

    Returns
    -------
    array, shape (...)
        In the unit of the stiffness; never negative.

    Examples
    --------
    >>> stiff = Stiffness.isotropic(young=100.0, poisson=0.25)
    >>> bool(abs(coherency_energy(np.array([1.0, 0, 0]), stiff.tensor, 0.01 * np.eye(3)) - 0.0266667) < 1e-6)
    True
    """
    normal, tensor, misfit = jnp.asarray(normal), jnp.asarray(tensor), jnp.asarray(misfit)
    stress = jnp.einsum("ijkl,kl->ij", tensor, misfit)
    traction = normal @ stress
    acoustic = jnp.einsum("...i,ijkl,...l->...jk", normal, tensor, normal)
    relaxed = jnp.einsum("...i,...ij,...j->...", traction, inverse(acoustic), traction)
    return jnp.sum(stress * misfit) - relaxed


def softest_direction(tensor: Moduli | np.ndarray, misfit: Strain | np.ndarray) -> tuple[np.ndarray, float]:
    """Return the normal of the coherent boundary that costs least, and B there.

    Many directions are tried and the best is polished; of two opposite normals that with a positive first component
    comes back, and of several equally soft ones any.

    Parameters
    ----------
    tensor : array, shape (d, d, d, d)
        Stiffness; d is 2 or 3.
    misfit : array, shape (d, d)
        Misfit strain along the same axes.

    Returns
    -------
    ndarray, shape (d,)
        Unit normal.
    float
        B in the unit of the stiffness.

    Examples
    --------
    >>> fepo4 = Stiffness.orthorhombic(
    ...     C11=175.9, C22=153.6, C33=135.0, C44=38.8, C55=47.5, C66=55.6, C12=29.6, C13=54.0, C23=19.6)
    >>> normal, penalty = softest_direction(fepo4.tensor, misfit_tensor([0.0517, 0.0359, -0.0186]))
    >>> np.abs(normal).round(3).tolist(), round(penalty, 4)
    ([0.887, 0.0, 0.462], 0.1903)
    """
    from scipy.optimize import minimize

    trials = _directions(np.shape(misfit)[0])
    energies = np.asarray(coherency_energy(trials, tensor, misfit))
    cost = jax.jit(jax.value_and_grad(lambda normal: coherency_energy(normal, tensor, misfit) / energies.max()))

    def value_and_slope(normal: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = cost(normal)
        return float(value), np.asarray(slope)

    # B does not depend on the length of the normal, so the search needs no constraint.
    found = minimize(value_and_slope, trials[energies.argmin()], jac=True, tol=1e-12).x
    normal = found / np.linalg.norm(found)
    return normal * (-1.0 if normal[0] < 0 else 1.0), float(coherency_energy(normal, tensor, misfit))


def _directions(ndim: int, count: int = 4000) -> np.ndarray:
    """Return directions spread evenly over half a circle, or over half a sphere by the golden angle."""
    share = (np.arange(count) + 0.5) / count
    if ndim == 2:
        return np.stack([np.cos(np.pi * share), np.sin(np.pi * share)], -1)
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    radius = np.sqrt(1 - share**2)
    return np.stack([share, radius * np.cos(turn), radius * np.sin(turn)], -1)
