"""The potential of the liquid at given salt: charge is conserved at every moment."""

from __future__ import annotations

import numpy as np

from lithiscope.electrolyte.mesh import Channel, FloatArray

FARADAY = 96485.33212
GAS_CONSTANT = 8.31446261815324


def diffusion_potential(temperature: float, transference_number: float, thermodynamic_factor: float) -> float:
    """Return (2 R T / F) (1 - t+) (1 + d ln f/d ln c): volts per unit of ln c.

    Newman and Thomas-Alyea, Electrochemical Systems, eq. 12.27, for a 1:1 salt against a lithium electrode.

    Examples
    --------
    >>> round(diffusion_potential(298.15, 0.0, 1.0), 5)
    0.05139
    """
    return 2 * GAS_CONSTANT * temperature / FARADAY * (1 - transference_number) * thermodynamic_factor


def solve_potential(
    channel: Channel, c: FloatArray, current_source: float, conductivity: FloatArray, per_logarithm: float
) -> FloatArray:
    """Return the potential at the nodes, V, zero at the open sides.

    div i = s with i = -kappa grad(phi) + kappa b grad(ln c), s the current released per volume.

    Parameters
    ----------
    channel : Channel
        Mesh and matrices.
    c : (nodes,) array
        Concentration, mol/m3, above zero.
    current_source : float
        Current released per volume above the electrode, A/m3.
    conductivity : (elements, points) array
        At the quadrature points, S/m.
    per_logarithm : float
        b, V; see `diffusion_potential`.
    """
    from scipy.sparse.linalg import spsolve
    from skfem import LinearForm
    from skfem.helpers import dot, grad

    form = LinearForm(lambda v, w: w["factor"] * dot(w["c"].grad, grad(v)))
    factor = conductivity * per_logarithm / channel.at_quadrature(c)
    right = current_source * channel.load + form.assemble(channel.basis, factor=factor, c=channel.basis.interpolate(c))
    matrix = channel.stiffness(conductivity)
    potential = np.zeros(len(c))
    free = channel.free
    potential[free] = spsolve(matrix[free][:, free].tocsc(), right[free])
    return potential
