"""Constants of nature, and the conversions that need nothing else: thermal voltage, current density from rate."""

from __future__ import annotations

from lithiscope.laws.arrays import Array

ELEMENTARY_CHARGE = 1.602176634e-19
"""C, exact (SI 2019)."""
BOLTZMANN = 1.380649e-23
"""J/K, exact (SI 2019)."""
ROOM_TEMPERATURE = 298.15
"""K."""
LFP_SITE_DENSITY = 1.38e28
"""Lithium sites of LiFePO4 per m3, as Lim 2016 takes it (eq. S6)."""
SECONDS_PER_HOUR = 3600.0


def thermal_voltage(temperature: Array = ROOM_TEMPERATURE) -> Array:
    """Return kT/e.

    Parameters
    ----------
    temperature : float or array
        K.

    Returns
    -------
    float or array
        V.

    Examples
    --------
    >>> round(thermal_voltage() * 1e3, 2)
    25.69
    """
    return BOLTZMANN * temperature / ELEMENTARY_CHARGE


def current_density(insertion_rate: Array, thickness: Array, *, site_density: float, faces: int = 2) -> Array:
    """Return the current density through one face that changes the composition at the given rate.

    j = -e rho_s Th/(faces) (dx/dt)/3600 (Lim 2016, eq. S6, with a sign): positive is delithiation.

    Parameters
    ----------
    insertion_rate : float or array
        dx/dt in 1/h, positive on lithiation.
    thickness : float or array
        Distance between the faces, nm.
    site_density : float
        Lithium sites per m3.
    faces : int
        Faces that react: 2, or 1 where the other touches the current collector.

    Returns
    -------
    float or array
        A/m2.

    Examples
    --------
    >>> round(current_density(-1.0, 150.0, site_density=LFP_SITE_DENSITY), 4)
    0.0461
    """
    return -insertion_rate * _charge_per_area(thickness, site_density, faces) / SECONDS_PER_HOUR


def insertion_rate(current_density: Array, thickness: Array, *, site_density: float, faces: int = 2) -> Array:
    """Return dx/dt in 1/h for a current density in A/m2: the inverse of `current_density`.

    Its magnitude at j = k0 is the unit of time of `lithiscope.laws.stability`.
    """
    return -current_density / _charge_per_area(thickness, site_density, faces) * SECONDS_PER_HOUR


def _charge_per_area(thickness: Array, site_density: float, faces: int) -> Array:
    return ELEMENTARY_CHARGE * site_density * thickness * 1e-9 / faces
