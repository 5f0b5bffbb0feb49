"""What the virtual electrode is made of, and what the potentiostat does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import OptionError

Array = NDArray[np.float64]
Law = Literal["skewed", "symmetric", "constant"]

ELEMENTARY_CHARGE = 1.602176634e-19
THERMAL_VOLTAGE = 1.380649e-23 * 298.15 / ELEMENTARY_CHARGE


@final
@dataclass(frozen=True)
class Insertion:
    """Constant current until the mean lithium fraction of the electrode has reached `until`.

    Parameters
    ----------
    c_rate : float
        Full electrodes per hour (1/h), positive.
    until : float
        Mean lithium fraction at the end; above the present one it is a lithiation, below it a delithiation.
    """

    c_rate: float
    until: float


@final
@dataclass(frozen=True)
class Hold:
    """Constant potential of the particles, ohmic drop excluded.

    Parameters
    ----------
    volt : float
        Their potential (V).
    seconds : float
        How long (s).
    """

    volt: float
    seconds: float


@final
@dataclass(frozen=True)
class Rest:
    """No current; particles may still exchange lithium through the liquid.

    Parameters
    ----------
    seconds : float
        How long (s).
    """

    seconds: float


@final
@dataclass(frozen=True)
class Even:
    """An ideal hold: every place comes linearly to one composition, so that the next half cycle starts uniform.

    A real hold leaves the differences that slow kinetics at its end make.

    Parameters
    ----------
    lithium_fraction : float
        The composition.
    seconds : float
        How long it takes (s).
    """

    lithium_fraction: float
    seconds: float


Step = Insertion | Hold | Rest | Even


@final
@dataclass(frozen=True)
class Electrode:
    """Platelets of one thickness whose places differ only in their rate.

    Parameters
    ----------
    exchange_current : float
        k0 in j0 = k0 F(x) of a place of relative rate 1 (A/m2).
    law : {"skewed", "symmetric", "constant"}
        F(x) = 3(1-x) sqrt(x(1-x)), 2 sqrt(x(1-x)) or 0.5 (Lim et al. 2016, Eqs. S16-S18).
    interaction : float
        Regular solution parameter Omega (kT); 0 leaves out the mixing entropy too, so that the equilibrium voltage
        is the same at every composition, as Lim et al. 2016 assume.
    equilibrium_volt : float
        Voltage of the middle of the plateau (V).
    thickness : float
        Between the two reacting faces (nm).
    site_density : float
        Lithium sites per cubic metre.
    rate_spread : float
        Standard deviation of ln(rate) over the electrode.
    capacity : float
        Charge of a full electrode (Ah).
    resistance : float
        Between the electrode and the potentiostat (ohm).
    """

    exchange_current: float = 0.01
    law: Law = "skewed"
    interaction: float = 3.0
    equilibrium_volt: float = 3.425
    thickness: float = 150.0
    site_density: float = 1.38e28
    rate_spread: float = 0.45
    capacity: float = 5.0e-9
    resistance: float = 1.0e8

    def __post_init__(self) -> None:
        for name in ("exchange_current", "thickness", "site_density", "capacity"):
            if not getattr(self, name) > 0:
                raise OptionError(
                    "the electrode needs a positive value",
                    field=name,
                    value=getattr(self, name),
                    remedy="give a number above 0",
                )

    @property
    def frequency(self) -> float:
        """How fast dx/dt is for F = 1 and an overpotential of kT/e, linearised (1/s): 2 k0 / (e rho_s thickness)."""
        return 2 * self.exchange_current / (ELEMENTARY_CHARGE * self.site_density * self.thickness * 1e-9)

    def relative_exchange_current(self, x: Array) -> Array:
        """Return F(x)."""
        root = np.sqrt(x * (1 - x))
        return {"skewed": 3 * (1 - x) * root, "symmetric": 2 * root, "constant": 0.5 + 0.0 * x}[self.law]

    def equilibrium(self, x: Array) -> Array:
        """Return V_eq(x) - V_0 in units of kT/e."""
        if self.interaction == 0:
            return 0.0 * x
        return -(self.interaction * (1 - 2 * x) + np.log(x / (1 - x)))
