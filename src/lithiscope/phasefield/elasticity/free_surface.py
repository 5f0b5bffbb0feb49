"""Misfit strain in a particle whose surface is free of stress."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Constants, Number
from lithiscope.phasefield.elasticity.base import Elasticity
from lithiscope.phasefield.elasticity.conjugate_gradients import Count, solve
from lithiscope.phasefield.elasticity.crystal import Crystal
from lithiscope.phasefield.elasticity.rotated import (
    force_of,
    green_operator,
    packed_stiffness,
    packed_strain,
    strain_of,
)
from lithiscope.phasefield.geometry import Geometry


class Relaxed(eqx.Module):
    """A body in mechanical equilibrium: what one step hands to the next as first guess.

    Parameters
    ----------
    displacement : array, shape (d, (z), y, x)
        Displacement of the first corner of each cell beside the mean strain, nm.
    mean_strain : array, shape (m,)
        Mean strain of the box: normal components first, then shears doubled.
    iterations : int
        Iterations that this took.
    """

    displacement: Float[Array, d * cells]
    mean_strain: Float[Array, " m"]
    iterations: Count


class FreeSurface(Elasticity):
    """Full anisotropic elasticity of particles in a void, stiffness psi C, with a free mean strain.

    Conjugate gradients on the rotated scheme, preconditioned with the Green operator of a box full of crystal.
    Particles of one grid strain apart, because the void between them bears nothing. Faces closed inside a particle
    stay welded.

    Parameters
    ----------
    crystal : Crystal
        Elastic constants, misfit and orientation.
    geometry : Geometry
        Grid of the particles. Where they do not go on across an edge of the box they need empty cells: one to be right;
        with a tenth of the width of the particle the iterations are few.
    tolerance : float
        Residual over load, in the norm of the energy. For single precision 1e-4 is the least that can be reached.
    most_iterations : int
        Iterations after which all results become NaN.

    Raises
    ------
    OptionError
        If particles touch, or the crystal does not fit the dimensions of the grid.
    """

    crystal: Crystal
    green: Float[Array, "d d ..."]
    shape: tuple[int, ...] = eqx.field(static=True)
    spacing: tuple[float, ...] = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)
    most_iterations: int = eqx.field(static=True)

    def __init__(
        self, crystal: Crystal, geometry: Geometry, *, tolerance: float = 1e-6, most_iterations: int = 1000
    ) -> None:
        crystal.check(geometry.ndim)
        self.crystal = crystal
        self.shape, self.spacing = geometry.shape, geometry.spacing
        self.tolerance, self.most_iterations = tolerance, most_iterations
        self.check(geometry)
        self.green = green_operator(crystal.on_grid()[0], self.shape, self.spacing)

    def check(self, geometry: Geometry) -> None:
        """Raise OptionError if the grid is another one, particles touch, or an edge of the box needs empty cells."""
        if (geometry.shape, geometry.spacing) != (self.shape, self.spacing):
            raise OptionError(
                "this elasticity was made for another grid",
                field="elasticity",
                value=(geometry.shape, geometry.spacing),
                limit=f"{self.shape} cells at {self.spacing} nm",
                remedy="make FreeSurface from the geometry of the model",
            )
        _refuse_edges(geometry)
        _refuse_contact(geometry)
        if self.crystal.plane == "strain" and geometry.particle_count > 1:
            raise OptionError(
                "several prisms would share one length",
                field="plane",
                value="strain",
                limit="one particle",
                remedy="simulate them apart, or use plane='stress'",
            )

    def made_for(self) -> Constants:
        """Return site density and temperature of the crystal."""
        return self.crystal.made_for()

    def relax(self, x: Cells, geometry: Geometry, start: Relaxed | None = None) -> Relaxed:
        """Return the equilibrium of a composition.

        Parameters
        ----------
        x : array, shape ((z), y, x)
            Lithium fraction.
        geometry : Geometry
            The particles.
        start : Relaxed, optional
            First guess, such as the equilibrium of the step before.

        Returns
        -------
        Relaxed
            All NaN if it was not found.
        """
        stiffness, misfit = self._packed(x)
        psi = geometry.inside.astype(x.dtype)
        green = self.green.astype(x.dtype)
        ndim = green.shape[0]
        softness = jnp.linalg.inv(stiffness) / psi.size
        # Stiffness that a corner of a full medium feels if it moves alone: mean over waves of (slopes)^2 C.
        alone = sum(2.0 ** (1 - psi.ndim) * 2 / step**2 for step in self.spacing) * stiffness[0, 0] / psi.ndim
        extra = _softness_of_corners(psi) / alone

        def bear(strain: Float[Array, m * cells]) -> tuple[Float[Array, d * cells], Float[Array, " m"]]:
            stress = psi * jnp.tensordot(stiffness, strain, 1)
            return force_of(stress, ndim, self.spacing), jnp.sum(stress, tuple(range(1, stress.ndim)))

        def matrix(unknown: tuple[Array, Array]) -> tuple[Array, Array]:
            return bear(_total_strain(unknown[0], unknown[1], self.spacing))

        def precondition(load: tuple[Array, Array]) -> tuple[Array, Array]:
            axes = tuple(range(1, load[0].ndim))
            waves = jnp.fft.rfftn(load[0], axes=axes)
            moved = jnp.sum(green * waves, 1)
            return jnp.fft.irfftn(moved, s=self.shape, axes=axes) + extra * load[0], softness @ load[1]

        (u, mean), count = solve(
            matrix,
            bear(jnp.tensordot(misfit, x, 0)),
            precondition,
            start=None if start is None else (start.displacement, start.mean_strain),
            tolerance=self.tolerance,
            most=self.most_iterations,
        )
        return Relaxed(u, mean, count)

    def potential(self, x: Cells, geometry: Geometry, start: Relaxed | None = None) -> Cells:
        """Return the elastic part of the chemical potential, kT: minus stress times misfit; zero outside."""
        return self.potential_of(x, geometry, self.relax(x, geometry, start))

    def potential_of(self, x: Cells, geometry: Geometry, relaxed: Relaxed) -> Cells:
        """Return `potential` from an equilibrium that is known already."""
        stiffness, misfit = self._packed(x)
        strain = _total_strain(relaxed.displacement, relaxed.mean_strain, self.spacing) - jnp.tensordot(misfit, x, 0)
        return jnp.where(geometry.inside > 0, -jnp.tensordot(stiffness @ misfit, strain, 1), 0.0)

    def energy(self, x: Cells, geometry: Geometry, start: Relaxed | None = None) -> Number:
        """Return the elastic energy, kT a site summed over the cells by their share psi."""
        return _least_energy(self, x, geometry, start)

    def energy_of(self, x: Cells, geometry: Geometry, relaxed: Relaxed) -> Number:
        """Return the energy of a displacement that is known already, in equilibrium or not."""
        stiffness, misfit = self._packed(x)
        strain = _total_strain(relaxed.displacement, relaxed.mean_strain, self.spacing) - jnp.tensordot(misfit, x, 0)
        return 0.5 * geometry.total(jnp.sum(strain * jnp.tensordot(stiffness, strain, 1), 0))

    def _packed(self, x: Cells) -> tuple[Float[Array, "m m"], Float[Array, " m"]]:
        tensor, misfit = self.crystal.on_grid()
        return packed_stiffness(tensor).astype(x.dtype), packed_strain(misfit).astype(x.dtype)


@eqx.filter_custom_jvp
def _least_energy(body: FreeSurface, x: Cells, geometry: Geometry, start: Relaxed | None) -> Number:
    return body.energy_of(x, geometry, body.relax(x, geometry, start))


@_least_energy.def_jvp
def _slope_of_least_energy(primals, tangents):  # type: ignore[no-untyped-def]
    body, x, geometry, start = primals
    relaxed = body.relax(x, geometry, start)
    # At the minimum the energy does not feel the displacement, so the slope needs no solve; the displacement itself
    # stays a function of x here, for second derivatives.
    return eqx.filter_jvp(lambda b, c, g: b.energy_of(c, g, relaxed), primals[:3], tangents[:3])


def _total_strain(u: Array, mean: Array, spacing: tuple[float, ...]) -> Array:
    return strain_of(u, spacing) + mean.reshape(-1, *[1] * len(spacing))


def _softness_of_corners(psi: Cells) -> Cells:
    """Return how much softer than crystal the cells around each corner are: 1/psi - 1 of the fullest; 0 in a void.

    Added to the Green operator, it lets the nearly empty cells of a smoothed rim move; without it they cost several
    times as many iterations. Sharp edges have none.
    """
    around = psi
    for axis in range(psi.ndim):
        around = jnp.maximum(around, jnp.roll(around, 1, axis))
    return jnp.where(around > 0, 1 / jnp.where(around > 0, around, 1.0) - 1, 0.0)


def _refuse_edges(geometry: Geometry) -> None:
    filled = np.asarray(geometry.inside) > 0
    for axis, faces in enumerate(geometry.open_faces):
        last, first = np.take(filled, -1, axis), np.take(filled, 0, axis)
        joined = np.take(np.asarray(faces), -1, axis) > 0
        if (last.any() and first.any() and not np.all(joined[last & first])) or (last ^ first)[joined].any():
            raise OptionError(
                "particles touch both ends of the box, which is periodic to the elastic solver",
                field="geometry",
                value=f"axis {axis} of {geometry.ndim}",
                limit="at least one empty layer of cells along each axis that is not periodic",
                remedy="pad the geometry with empty cells, best a tenth of the particle's width",
            )


def _refuse_contact(geometry: Geometry) -> None:
    highest = np.asarray(geometry.label.values)
    lowest = np.where(highest > 0, highest, geometry.particle_count + 1)
    for axis in range(geometry.ndim):
        highest = np.maximum(highest, np.roll(highest, -1, axis))
        lowest = np.minimum(lowest, np.roll(lowest, -1, axis))
    if np.any((highest > 0) & (highest != lowest)):
        raise OptionError(
            "two particles share a corner of a cell and would be welded together",
            field="geometry",
            value=f"{geometry.particle_count} particles",
            limit="an empty cell between particles",
            remedy="separate them by an empty layer, or give them one label if they are one body",
        )
