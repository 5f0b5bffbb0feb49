"""Exact elastic energies of inclusions whose lattice fits badly, and crystals to try them on."""

from __future__ import annotations

import numpy as np

from lithiscope.phasefield.elasticity import Crystal, Stiffness

GIGAPASCAL = 1e9 / 1.380649e-23
"""Site density in 1/m3 at which rho_s kT is 1 GPa at one kelvin, so that energies come out in GPa."""

FEPO4 = Stiffness.orthorhombic(
    C11=175.9, C22=153.6, C33=135.0, C44=38.8, C55=47.5, C66=55.6, C12=29.6, C13=54.0, C23=19.6
)
FEPO4_MISFIT = (0.0517, 0.0359, -0.0186)
AVERAGE = Stiffness.orthorhombic(
    C11=157.4, C22=175.8, C33=154.0, C44=37.8, C55=49.05, C66=51.6, C12=51.2, C13=53.25, C23=32.7
)
AVERAGE_MISFIT = (0.050, 0.028, -0.025)
YOUNG, POISSON, DILATION = 100.0, 0.3, 0.01


def crystal(stiffness=None, misfit=FEPO4_MISFIT, *, axes="cba", plane=None, site_density=GIGAPASCAL, temperature=1.0):
    """Return a crystal with energies in GPa; of FePO4 unless another stiffness is given."""
    stiffness = FEPO4 if stiffness is None else stiffness
    return Crystal(stiffness, misfit, site_density=site_density, temperature=temperature, axes=axes, plane=plane)


def isotropic_crystal(plane=None):
    """Return an isotropic solid that swells the same in all directions."""
    return crystal(Stiffness.isotropic(young=YOUNG, poisson=POISSON), (DILATION,) * 3, plane=plane)


def circle_in_cubic(radius, C11, C12, C44, misfit):
    """Return the energy of a circle that swells by `misfit` in its plane, in an infinite cubic body, plane strain.

    A circle has the same share of waves in every direction, so E = area/2 mean B(n). With q = n1^2 n2^2 and
    D = C11 - C12 - 2 C44:  B = s misfit 2 - s^2 (C44 + 2 q D)/(C11 C44 + q (C11 + C12) D),  s = (C11 + C12) misfit;
    4 q = sin^2(2 phi), and the mean of (a + b sin^2)/(c + d sin^2) is b/d + (a - b c/d)/sqrt(c (c + d)).
    For D = 0 this is the result of J. D. Eshelby, Proc. R. Soc. A 241 (1957) 376.
    """
    stress, difference = (C11 + C12) * misfit, C11 - C12 - 2 * C44
    a, b, c, d = C44, difference / 2, C11 * C44, (C11 + C12) * difference / 4
    mean = a / c if difference == 0 else b / d + (a - b * c / d) / np.sqrt(c * (c + d))
    return np.pi * radius**2 / 2 * (2 * stress * misfit - stress**2 * mean)


def disc_in_free_disc(inner, outer):
    """Return the energy of a swollen disc in the middle of a free one, plane stress, isotropic (Lame).

    The ring presses with p = E e0/2 (1 - (a/b)^2), and the energy is that pressure times e0 times the inner area.
    """
    return np.pi * inner**2 * YOUNG * DILATION**2 / 2 * (1 - (inner / outer) ** 2)


def sphere_in_free_sphere(inner, outer):
    """Return the energy of a swollen sphere in the middle of a free one, isotropic (Lame)."""
    return 4 / 3 * np.pi * inner**3 * YOUNG * DILATION**2 / (1 - POISSON) * (1 - (inner / outer) ** 3)


def ball(cells, ndim, radius):
    """Return which cells of a cube have their centre inside a ball around its middle; lengths in cells."""
    line = (np.arange(cells) + 0.5 - cells / 2) ** 2
    return sum(np.meshgrid(*[line] * ndim, indexing="ij")) < radius**2
