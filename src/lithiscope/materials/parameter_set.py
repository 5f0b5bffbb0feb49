"""A parameter set ready for use: its laws, and its numbers in SI and in the units of the phase-field engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lithiscope import laws
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.laws.arrays import Array, floating
from lithiscope.materials.numbers import Components, Number, Series, in_kt, in_unit
from lithiscope.materials.schema import AXES, Law, MaterialData, Reference, VoltageTable, stated_numbers

ReactingPhase = Literal["both", "lithium_poor", "lithium_rich"]


@dataclass(frozen=True)
class Material:
    """A published (or documented) parameter set.

    Parameters
    ----------
    data : MaterialData
        The numbers as their file states them.
    file : Path, optional
        Where they were read.

    Notes
    -----
    Energies per site are over kT at the temperature of the set, energy densities over rho_s kT, lengths in nm, as the
    phase-field engine wants them; the names say so. What a set does not have raises AnalysisError, never zero.
    """

    data: MaterialData
    file: Path | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the name of the set."""
        return self.data.name

    @property
    def references(self) -> Mapping[str, Reference]:
        """Return the references by key."""
        return self.data.references

    @property
    def composition(self) -> tuple[float, float]:
        """Return the range of x in which the set holds."""
        return self.data.composition

    @property
    def c_rate_composition(self) -> float:
        """Return the range of x that 1C passes in an hour."""
        return self.data.c_rate_composition.value

    @property
    def temperature(self) -> float:
        """Return the temperature of the set in K."""
        return in_unit(self.data.temperature, "K")[0]

    @property
    def thermal_energy(self) -> float:
        """Return kT in J."""
        return laws.BOLTZMANN * self.temperature

    @property
    def site_density(self) -> float:
        """Return the lithium sites per m3, rho_s."""
        return in_unit(self.data.site_density, "1/m^3")[0]

    @property
    def site_energy_density(self) -> float:
        """Return rho_s kT in J/m3, the unit of energy densities in the engine."""
        return self.site_density * self.thermal_energy

    @property
    def plateau(self) -> float:
        """Return V0 in V against lithium: the equilibrium voltage at mu = 0."""
        return in_unit(self.data.plateau, "V")[0]

    @property
    def free_energy(self) -> tuple[str, dict[str, Any]]:
        """Return the name of the chemical potential and its parameters in kT, as `laws.chemical_potential` takes them.

        A table of voltages becomes ``"table"`` with mu = -(V - V0) e/kT.
        """
        section = self.data.free_energy
        if isinstance(section, VoltageTable):
            volts = np.asarray(in_unit(section.voltage, "V"))
            mu = (self.plateau - volts) / laws.thermal_voltage(self.temperature)
            return "table", {"x": list(section.x.value), "mu": [float(value) for value in mu]}
        return section.law, self._parameters(section)

    def chemical_potential(self) -> laws.ChemicalPotential:
        """Return mu(x)/kT of a uniform particle without strain."""
        name, parameters = self.free_energy
        return laws.chemical_potential(name, **parameters)

    def equilibrium_voltage(self, x: Array) -> Array:
        """Return V_eq(x) = V0 - mu kT/e in V against lithium."""
        return laws.equilibrium_voltage(
            x, self.chemical_potential(), plateau=self.plateau, temperature=self.temperature
        )

    @property
    def exchange_current(self) -> float:
        """Return the factor j0 in A/m2 before F(x)."""
        return in_unit(self._reaction.exchange_current, "A/m2")[0]

    @property
    def exchange(self) -> tuple[str, dict[str, Any]]:
        """Return the name of F and its parameters in kT, as `laws.exchange_law` takes them."""
        return self._reaction.exchange.law, self._parameters(self._reaction.exchange)

    @property
    def reaction(self) -> tuple[str, dict[str, Any]]:
        """Return the name of the reaction law and its parameters in kT, as `laws.reaction_law` takes them."""
        return self._reaction.law.law, self._parameters(self._reaction.law)

    def exchange_law(self, phase: ReactingPhase = "both", law: laws.ExchangeLaw | None = None) -> laws.ExchangeLaw:
        """Return F(x); j0(x) is `exchange_current` times F.

        Parameters
        ----------
        phase : {"both", "lithium_poor", "lithium_rich"}
            In which phase lithium is inserted; one of them only where the set says where the phases part.
        law : ExchangeLaw, optional
            Another F(x) than that of the set.

        Raises
        ------
        AnalysisError
            If the set has no reaction, or no boundary between phases.
        """
        if law is None:
            name, parameters = self.exchange
            law = laws.exchange_law(name, **parameters)
        if phase == "both":
            return law
        if phase not in ("lithium_poor", "lithium_rich"):
            raise OptionError(
                "there is no such phase", field="phase", value=phase, limit="both, lithium_poor, lithium_rich"
            )
        step = self._need(self._reaction.phase, "reaction.phase")
        sign = -1.0 if phase == "lithium_poor" else 1.0
        return _in_one_phase(law, step.boundary.value, step.width.value, sign, phase)

    def reaction_law(self) -> laws.ReactionLaw:
        """Return r(eta), j = j0 F(x) r(eta)."""
        name, parameters = self.reaction
        return laws.reaction_law(name, **parameters)

    @property
    def full_potential(self) -> bool:
        """Return whether F was built on the chemical potential with its gradient and strain."""
        return bool(self._reaction.full_potential)

    @property
    def gradient_energy(self) -> float:
        """Return kappa in J/m."""
        return in_unit(self._need(self.data.gradient_energy, "gradient_energy"), "J/m")[0]

    @property
    def gradient_energy_nm2(self) -> float:
        """Return kappa/(rho_s kT) in nm2."""
        return self.gradient_energy / self.site_energy_density * 1e18

    @property
    def coherency(self) -> float:
        """Return the coherency strain energy B over rho_s kT."""
        stated = self._need(self.data.elasticity.coherency, "elasticity.coherency")
        return stated.value if stated.unit == "kT" else in_unit(stated, "Pa")[0] / self.site_energy_density

    @property
    def coherency_pascal(self) -> float:
        """Return the coherency strain energy B in Pa."""
        return self.coherency * self.site_energy_density

    @property
    def misfit(self) -> np.ndarray:
        """Return the misfit strain between x = 0 and x = 1 along a, b, c: (3,)."""
        stated = self._need(self.data.elasticity.misfit, "elasticity.misfit")
        values = dict(zip(stated.value, in_unit(stated, "1"), strict=True))
        return np.asarray([values[axis] for axis in AXES])

    @property
    def stiffness(self) -> np.ndarray:
        """Return the stiffness in Pa, (6, 6) in Voigt order 11 22 33 23 13 12 with the axes a, b, c."""
        stated = self._need(self.data.elasticity.stiffness, "elasticity.stiffness")
        c = dict(zip(stated.value, in_unit(stated, "Pa"), strict=True))
        matrix = np.diag([c["C11"], c["C22"], c["C33"], c["C44"], c["C55"], c["C66"]])
        for (row, column), name in {(0, 1): "C12", (0, 2): "C13", (1, 2): "C23"}.items():
            matrix[row, column] = matrix[column, row] = c[name]
        return matrix

    @property
    def stiffness_kt(self) -> np.ndarray:
        """Return the stiffness over rho_s kT, (6, 6)."""
        return self.stiffness / self.site_energy_density

    @property
    def diffusivity_nm2(self) -> np.ndarray:
        """Return D along a, b, c in nm2/s, without its dependence on composition: (3,)."""
        stated = self._need(self.data.diffusion, "diffusion").along
        values = dict(zip(stated.value, in_unit(stated, "m^2/s"), strict=True))
        return np.asarray([values[axis] for axis in AXES]) * 1e18

    @property
    def diffusivity_factor(self) -> tuple[float, float, float] | None:
        """Return (above, centre, width) of the factor of D that changes with composition, or None."""
        factor = self._need(self.data.diffusion, "diffusion").factor
        return None if factor is None else (factor.above.value, factor.centre.value, factor.width.value)

    def diffusivity(self, x: Array, axis: Literal["a", "b", "c"] = "b") -> Array:
        """Return D(x) in m2/s along a crystal axis; shape of x.

        D(x) = D above^s, s = 1/2 (1 + tanh((x - centre)/width)), or a constant.
        """
        if axis not in AXES:
            raise OptionError("there is no such crystal axis", field="axis", value=axis, limit="a, b, c")
        xp, x = floating(x)
        level = float(self.diffusivity_nm2[AXES.index(axis)]) * 1e-18
        if self.diffusivity_factor is None:
            return level + 0 * x
        above, centre, width = self.diffusivity_factor
        return level * above ** (0.5 * (1 + xp.tanh((x - centre) / width)))

    def lattice(self, end: Literal["lithiated", "delithiated"] = "lithiated") -> dict[str, float]:
        """Return the lattice parameters a, b, c in nm of one end."""
        lattice = self._need(self.data.lattice, "lattice")
        stated: Components = self._need(getattr(lattice, end), f"lattice.{end}")
        return dict(zip(stated.value, in_unit(stated, "nm"), strict=True))

    def numbers(self) -> dict[str, Number | Series | Components]:
        """Return every number by its path in the file."""
        return dict(stated_numbers(self.data))

    def check_laws(self) -> None:
        """Build every law once, so that a wrong name or parameter is found when the set is read."""
        self.chemical_potential()
        if self.data.reaction is not None:
            self.exchange_law()
            self.reaction_law()

    @property
    def _reaction(self) -> Any:
        return self._need(self.data.reaction, "reaction")

    def _parameters(self, section: Law) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, stated in section.parameters.items():
            values = in_kt(stated, self.temperature)
            result[name] = list(values) if isinstance(stated, Series) else values[0]
        return result

    def _need(self, value: Any, field: str) -> Any:
        if value is None:
            raise AnalysisError(
                f"the parameter set {self.name} has no such number",
                file=self.file,
                field=field,
                remedy="choose a set that has it, or copy the set under a new name and add it with its source",
            )
        return value


def _in_one_phase(law: laws.ExchangeLaw, boundary: float, width: float, sign: float, phase: str) -> laws.ExchangeLaw:
    """Return F times 1/2 (1 + sign tanh((x - boundary)/width))."""

    def share(x: Array) -> tuple[Array, Array]:
        xp, x = floating(x)
        tanh = xp.tanh((x - boundary) / width)
        return 0.5 * (1 + sign * tanh), 0.5 * sign * (1 - tanh * tanh) / width

    def slope(x: Array) -> Array:
        part, steepness = share(x)
        return part * law.slope(x) + steepness * law(x)

    formula = f"{law.formula} in the {phase.replace('_', '-')} phase"
    return laws.ExchangeLaw(f"{law.name}, {phase}", formula, lambda x: share(x)[0] * law(x), slope)
