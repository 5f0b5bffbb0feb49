"""A crystal laid on a grid: its stiffness and misfit along the axes of the grid, in the energy units of the engine."""

from __future__ import annotations

from typing import Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope.errors import OptionError
from lithiscope.laws.constants import BOLTZMANN
from lithiscope.phasefield.arrays import Constants, Number
from lithiscope.phasefield.elasticity.tensors import Moduli, Stiffness, Strain, inverse, misfit_tensor

Plane: TypeAlias = Literal["stress", "strain"]

_LETTERS = "abc"
_PASCAL = 1e9  # Pa in a GPa


def axes_matrix(axes: str | np.ndarray) -> np.ndarray:
    """Return the directions of the grid's axes z, y, x (rows) along the crystal axes a, b, c (columns).

    Parameters
    ----------
    axes : str or array, shape (3, 3)
        The crystal axes along z, y and x as three letters, or three orthogonal directions as rows. A picture has no z;
        the first names the direction that looks out of it.

    Raises
    ------
    OptionError
        If they are not three different, orthogonal directions.

    Examples
    --------
    >>> axes_matrix("bca").tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if isinstance(axes, str) and sorted(axes) == list(_LETTERS):
        return np.array([[float(letter == axis) for axis in _LETTERS] for letter in axes])
    rows = np.zeros((0, 3)) if isinstance(axes, str) else np.asarray(axes, dtype=float)
    if rows.shape == (3, 3) and np.all(np.isfinite(rows)) and np.all(np.linalg.norm(rows, axis=1) > 0):
        rows = rows / np.linalg.norm(rows, axis=1)[:, None]
        if np.allclose(rows @ rows.T, np.eye(3), atol=1e-6):
            return rows
    raise OptionError(
        "the crystal axes along the grid cannot be used",
        field="axes",
        value=axes,
        limit="the letters a, b, c in some order, or three orthogonal rows",
        remedy="name the crystal axes along z, y and x, for instance 'bca' for a platelet seen along b with x along a",
    )


class Crystal(eqx.Module):
    """Elastic constants, misfit and orientation of a crystal on the grid.

    Parameters
    ----------
    stiffness : Stiffness
        Along a, b, c, GPa.
    misfit : array, shape (3,) or (3, 3)
        Strain from x = 0 to x = 1 along a, b, c.
    site_density : float
        Lithium sites per volume, 1/m3; that of the model.
    temperature : float
        Kelvin; that of the model.
    axes : str or array, shape (3, 3)
        Crystal axes along z, y and x of the grid; see `axes_matrix`.
    plane : {"stress", "strain"}, optional
        Needed on pictures: a thin platelet without stress through its thickness, or a long prism whose length adapts to
        the mean. Without meaning in three dimensions.

    Raises
    ------
    OptionError
        If a value cannot be used.
    """

    stiffness: Stiffness
    misfit: Strain
    site_density: Number
    temperature: Number
    axes: Float[Array, "3 3"]
    plane: Plane | None = eqx.field(static=True)

    def __init__(
        self,
        stiffness: Stiffness,
        misfit: tuple[float, ...] | Strain | np.ndarray,
        *,
        site_density: float | Number,
        temperature: float | Number,
        axes: str | np.ndarray,
        plane: Plane | None = None,
    ) -> None:
        self.stiffness = stiffness
        self.misfit = misfit_tensor(misfit)
        self.site_density = _positive(site_density, "site_density", "1/m3")
        self.temperature = _positive(temperature, "temperature", "K")
        self.axes = jnp.asarray(axes_matrix(axes))
        if plane not in (None, "stress", "strain"):
            raise OptionError("an unknown plane state", field="plane", value=plane, limit="stress or strain")
        self.plane = plane

    def check(self, ndim: int) -> None:
        """Raise OptionError if the crystal lacks what a grid of `ndim` dimensions needs."""
        if (ndim == 2) != (self.plane is not None):
            raise OptionError(
                "a picture needs to know what happens through its thickness, and only a picture does",
                field="plane",
                value=self.plane,
                limit="stress or strain in two dimensions, None in three",
                remedy="give plane='stress' for a platelet, plane='strain' for a long prism",
            )

    def made_for(self) -> Constants:
        """Return site density and temperature, with which stiffness becomes energy in kT a site."""
        return {"site_density": self.site_density, "temperature": self.temperature}

    def on_grid(self) -> tuple[Moduli, Strain]:
        """Return stiffness (units of rho_s kT) and misfit along z, y, x; along y, x only in plane stress."""
        scale = _PASCAL / (self.site_density * BOLTZMANN * self.temperature)
        turn = self.axes
        tensor = scale * jnp.einsum("ia,jb,kc,ld,abcd->ijkl", turn, turn, turn, turn, self.stiffness.tensor)
        misfit = turn @ self.misfit @ turn.T
        return plane_stress(tensor, misfit) if self.plane == "stress" else (tensor, misfit)


def plane_stress(tensor: Moduli, misfit: Strain) -> tuple[Moduli, Strain]:
    """Return stiffness and misfit in the plane of a platelet that is free of stress along its first axis.

    C_ijkl - C_ij0p (C_0p0q)^-1 C_0qkl; for an orthorhombic crystal C_ij - C_i3 C_3j / C_33.

    Parameters
    ----------
    tensor : array, shape (3, 3, 3, 3)
        Stiffness.
    misfit : array, shape (3, 3)
        Misfit strain.

    Returns
    -------
    array, shape (2, 2, 2, 2)
    array, shape (2, 2)
    """
    through = tensor[1:, 1:, 0, :]
    reduced = tensor[1:, 1:, 1:, 1:] - jnp.einsum("ijp,pq,klq->ijkl", through, inverse(tensor[0, :, 0, :]), through)
    return reduced, misfit[1:, 1:]


def _positive(value: float | Number, name: str, unit: str) -> Number:
    number = jnp.asarray(value, dtype=float)
    if not isinstance(number, jax.core.Tracer) and not (number.shape == () and 0 < float(number) < np.inf):
        raise OptionError(f"the {name} cannot be used", field=name, value=value, limit=f"a positive number in {unit}")
    return number
