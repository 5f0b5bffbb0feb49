"""Learned laws for other programs, as text: a material set, functions for PyBaMM, a configuration for MPET.

The rule of all three: inside the range of x in which the data say something the laws are the learned ones; outside it,
on the grid of the stage, they are what the prior makes of them, without measurement behind it; beyond the grid j0 stays
what it is at the end. Files say so, with the standard deviations, in comments.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import lithiscope
from lithiscope import laws as ground
from lithiscope.errors import AnalysisError
from lithiscope.learning.options import LearnOptions
from lithiscope.materials import Material, material

if TYPE_CHECKING:
    import xarray as xr

_AVOGADRO = 6.02214076e23
_MIDDLE = 0.5
_OF_LAW = {"alpha": ("1", "alpha"), "reorganisation": ("kT", "lambda")}  # unit and symbol of what can be learned
_SHOWN = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_DEGREE = 12  # of the polynomial in which MPET gets ln j0


class Learned(NamedTuple):
    """Learned laws with what they were learned on.

    Attributes
    ----------
    laws : learned_laws
        The stage.
    base : Material
        The set that the laws started from.
    options : LearnOptions
        As they were asked for.
    low, high : float
        Range of x in which the data say something.
    """

    laws: xr.Dataset
    base: Material
    options: LearnOptions
    low: float
    high: float

    @property
    def x(self) -> np.ndarray:
        """Compositions of the grid."""
        return np.asarray(self.laws["x_grid"].values, float)

    @property
    def exchange(self) -> np.ndarray:
        """j0(x) on the grid, A/m2."""
        return np.asarray(self.laws["exchange_current_density"].values, float)

    @property
    def potential(self) -> np.ndarray:
        """mu(x) on the grid, kT, with the constant of the set: zero where its plateau is."""
        name, parameters = self.potential_law
        return np.asarray(ground.chemical_potential(name, **parameters)(self.x), float)

    @property
    def potential_law(self) -> tuple[str, dict[str, Any]]:
        """Name and parameters of mu(x): Legendre terms where they were learned, else that of the set."""
        terms = self.numbers("mu term")
        return ("legendre", {"coefficients": [0.0, *terms]}) if terms else self.base.free_energy

    @property
    def level(self) -> tuple[float, float]:
        """j0 at one half, and its standard deviation, A/m2."""
        std = self.laws.get("exchange_current_density_std")
        error = 0.0 if std is None else float(np.interp(_MIDDLE, self.x, std.values))
        return float(np.exp(np.interp(_MIDDLE, self.x, np.log(self.exchange)))), error

    def numbers(self, start: str) -> list[float]:
        """Return the values of the numbers whose names start like this."""
        if "parameter_value" not in self.laws:
            return []
        names = [str(name) for name in self.laws["parameter"].values]
        return [
            float(v) for n, v in zip(names, self.laws["parameter_value"].values, strict=True) if n.startswith(start)
        ]

    @property
    def film(self) -> float:
        """Resistance of the film on the surface, ohm m2: learned, or as it was stated."""
        return (self.numbers("film resistance") or [self.options.film_resistance])[0]

    def error(self, name: str) -> float:
        """Return the standard deviation of a number."""
        return float(self.laws["parameter_value_std"].sel(parameter=name))


def learned_of(tree: xr.DataTree | xr.Dataset) -> Learned:
    """Return the learned laws of a tree that `lithiscope.learning.learn` gave, or of its stage learned_laws.

    Raises
    ------
    AnalysisError
        If the data say nothing about the laws at any composition.
    OptionError
        If there is no such parameter set any more.
    """
    import xarray as xr

    laws = tree if isinstance(tree, xr.Dataset) else tree["laws"].to_dataset()
    known = (
        np.asarray(laws["identifiable"].values, bool) if "identifiable" in laws else np.ones(laws.sizes["x_grid"], bool)
    )
    if not known.any():
        raise AnalysisError(
            "the data say nothing about the laws at any composition, so there is nothing to export",
            field="identifiable",
            value=0,
            limit="one composition or more",
            remedy="learn from more frames or particles, or ask for fewer unknowns",
        )
    x = np.asarray(laws["x_grid"].values, float)
    stored = json.loads(str(laws.attrs.get("options", "{}")))
    options = LearnOptions(**stored) if stored else LearnOptions(material=str(laws.attrs["material"]))
    return Learned(laws, material(options.material), options, float(x[known].min()), float(x[known].max()))


def set_name(learned: Learned) -> str:
    """Return the name of the exported set."""
    stem = re.sub(r"[^a-z0-9_]+", "_", learned.base.name.lower())
    return f"learned_{stem}"[:60]


def header(learned: Learned, mark: str = "#") -> str:
    """Return comment lines: where the laws come from, where they hold, how well they are known."""
    laws = learned.laws
    ratio = laws.attrs.get("chi_square_per_freedom")
    lines = [
        f"Laws learned from composition videos by lithiscope {lithiscope.__version__}; "
        f"the fit started from {learned.base.name}.",
        "" if ratio is None else f"Chi-square per degree of freedom: {float(ratio):.4f}.",
        f"The data say something about x from {learned.low:.2f} to {learned.high:.2f}. Outside, down to "
        f"{learned.x[0]:g} and up to {learned.x[-1]:g}, the laws are what the",
        "prior makes of them; beyond, j0 stays what it is at the end.",
        "j0 is that of a pixel of mean rate (k = 1). mu is known up to a constant: V0 is that of the set.",
    ]
    if learned.film:
        lines.append(f"They belong to a film of {learned.film:.3g} ohm m2 on the surface: state it beside them.")
    told = laws.attrs.get("warnings", ())
    lines += [f"WARNING: {one}" for one in ([told] if isinstance(told, str) else told)]
    lines += ["Standard deviations:", "    x      j0 / (A/m2)            mu / kT"]
    spread = [laws.get(f"{name}_std") for name in ("exchange_current_density", "chemical_potential")]
    mean = np.asarray(laws["chemical_potential"].values) if "chemical_potential" in laws else learned.potential
    for at in _SHOWN:
        k = int(np.argmin(np.abs(learned.x - at)))
        j, m = (float("nan") if one is None else float(one.values[k]) for one in spread)
        inside = "" if learned.low <= learned.x[k] <= learned.high else "   outside the data"
        lines.append(f"  {learned.x[k]:.2f}   {learned.exchange[k]:.4g} +- {j:.2g}   {mean[k]:.4g} +- {m:.2g}{inside}")
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in lines if line)


def material_text(tree: xr.DataTree | xr.Dataset) -> str:
    """Return the learned laws as the YAML of a parameter set, for `lithiscope.materials.material` and the engine.

    mu(x) is a Legendre series where it was learned, j0(x) a table that is straight in ln j0. Elasticity is left out
    where mu was learned without it, since mu then holds it already.

    Parameters
    ----------
    tree : DataTree or Dataset
        From `lithiscope.learning.learn`, or its stage learned_laws.

    Raises
    ------
    AnalysisError, OptionError
        If the data say nothing about the laws, or their parameter set is gone.
    """
    import yaml

    learned = learned_of(tree)
    content = learned.base.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    content |= {
        "name": set_name(learned),
        "title": f"{learned.base.data.formula}, laws learned from a video"[:120],
        "description": f"Laws learned from composition videos; everything else is that of {learned.base.name}.",
        "composition": [learned.low, learned.high],
        "based_on": learned.base.name,
        "reaction": _reaction(learned),
    }
    content |= _energies(learned)
    if learned.options.strain == "none":
        content.pop("elasticity", None)
    else:
        content["elasticity"] = {"coherency": _coherency(learned)}
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=10_000, allow_unicode=True)
    return header(learned) + text


def _stated(learned: Learned, value: Any, unit: str, symbol: str, error: str = "") -> dict[str, Any]:
    return {
        "value": value,
        "unit": unit,
        "symbol": symbol,
        "status": "derived",
        "source": "learned from composition videos" + (f"; {error}" if error else ""),
        "composition": [learned.low, learned.high],
    }


def _plain(value: float, symbol: str, source: str) -> dict[str, Any]:
    return {"value": value, "unit": "1", "symbol": symbol, "status": "assumed", "source": source}


def _reaction(learned: Learned) -> dict[str, Any]:
    level, error = learned.level
    return {
        "law": _reaction_law(learned),
        "exchange": {
            "law": "table",
            "parameters": {
                "x": _stated(learned, [float(x) for x in learned.x], "1", "x"),
                "log_value": _stated(
                    learned, [float(v) for v in np.log(learned.exchange / level)], "1", "ln F",
                    "standard deviations stand at the head of the file",
                ),
            },
        },
        "exchange_current": _stated(
            learned, level, "A/m2", "j0", f"j0 at x = {_MIDDLE:g}, standard deviation {error:.3g} A/m2"
        ),
    }  # fmt: skip


def _reaction_law(learned: Learned) -> dict[str, Any]:
    name, parameters = _law(learned)
    stated = {key: _plain(float(value), key, "stated for the learning") for key, value in parameters.items()}
    for key, (unit, symbol) in _OF_LAW.items():
        if learned.numbers(key):
            error = f"standard deviation {learned.error(key):.3g}"
            stated[key] = _stated(learned, parameters[key], unit, symbol, error)
    return {"law": name, "parameters": stated}


def _law(learned: Learned) -> tuple[str, dict[str, Any]]:
    """Return name and parameters (kT) of the reaction law, with what was learned of it."""
    given = learned.options
    name, parameters = (given.law, dict(given.law_parameters)) if given.law else learned.base.reaction
    found = {key: numbers[0] for key in _OF_LAW if (numbers := learned.numbers(key))}
    return name, {**parameters, **found}


def _energies(learned: Learned) -> dict[str, Any]:
    found: dict[str, Any] = {}
    name, parameters = learned.potential_law
    if learned.numbers("mu term"):
        series = _stated(
            learned, parameters["coefficients"], "kT", "a_n", "standard deviations stand at the head of the file"
        )
        found["free_energy"] = {"law": name, "parameters": {"coefficients": series}}
    if learned.numbers("gradient energy"):
        scale = learned.base.site_energy_density * 1e-18
        value, error = learned.numbers("gradient energy")[0] * scale, learned.error("gradient energy") * scale
        found["gradient_energy"] = _stated(learned, value, "J/m", "kappa", f"standard deviation {error:.3g} J/m")
    return found


def _coherency(learned: Learned) -> dict[str, Any]:
    found = learned.numbers("coherency")
    if found:
        return _stated(learned, found[0], "kT", "B", f"standard deviation {learned.error('coherency'):.3g} kT")
    stated: dict[str, Any] = learned.base.data.elasticity.model_dump(mode="json", exclude_none=True)["coherency"]
    return stated


def pybamm_text(tree: xr.DataTree | xr.Dataset) -> str:
    """Return the learned laws as a Python file with functions for PyBaMM's parameter values.

    Parameters
    ----------
    tree : DataTree or Dataset
        From `lithiscope.learning.learn`, or its stage learned_laws.

    Returns
    -------
    str
        A module with ``parameters``, to give to ``pybamm.ParameterValues.update``.

    Raises
    ------
    AnalysisError, OptionError
        As for `material_text`.
    """
    learned = learned_of(tree)
    name, _ = _law(learned)
    volt = learned.base.plateau - learned.potential * ground.thermal_voltage(learned.base.temperature)
    note = (
        "" if name == "butler_volmer" else f"# The reaction law was {name}; PyBaMM's kinetics must be chosen alike.\n"
    )
    concentration = learned.base.site_density / _AVOGADRO
    return f'''"""Open-circuit voltage and exchange current that lithiscope learned from lithium maps, for PyBaMM.

    import pybamm
    from {set_name(learned)}_pybamm import parameters

    values = pybamm.ParameterValues("Prada2013")
    values.update(parameters, check_already_exists=False)
"""

{header(learned)}{note}
import numpy as np
import pybamm

X = np.array({_numbers(learned.x)})
OCP = np.array({_numbers(volt)})  # V against lithium, of a uniform particle
LOG_J0 = np.array({_numbers(np.log(learned.exchange))})  # ln of A/m2
KNOWN = ({learned.low!r}, {learned.high!r})  # outside it nothing was measured


def _inside(sto):
    return pybamm.maximum(pybamm.minimum(sto, float(X[-1])), float(X[0]))


def positive_electrode_ocp(sto):
    """Open-circuit voltage in V against the lithium fraction; constant beyond the table."""
    return pybamm.Interpolant(X, OCP, _inside(sto), name="learned OCP", interpolator="cubic")


def positive_electrode_exchange_current_density(c_e, c_s_surf, c_s_max, T):
    """Exchange current density in A/m2, for the electrolyte and the temperature of the measurement."""
    log_j0 = pybamm.Interpolant(X, LOG_J0, _inside(c_s_surf / c_s_max), name="learned ln j0", interpolator="linear")
    return pybamm.exp(log_j0)


parameters = {{
    "Positive electrode OCP [V]": positive_electrode_ocp,
    "Positive electrode exchange-current density [A.m-2]": positive_electrode_exchange_current_density,
    "Maximum concentration in positive electrode [mol.m-3]": {concentration!r},
}}
'''


def _numbers(values: np.ndarray) -> str:
    return "[" + ", ".join(repr(float(value)) for value in values) + "]"


class MpetFiles(NamedTuple):
    """What MPET needs: a configuration, and the two functions that it names."""

    configuration: str
    material: str
    reaction: str


def mpet_text(tree: xr.DataTree | xr.Dataset) -> MpetFiles:
    """Return the learned laws for MPET: its sections Material and Reactions, and the functions that these name.

    MPET builds symbolic expressions, so both laws are polynomials in 1-2x in the file, j0 in the exponent.

    Parameters
    ----------
    tree : DataTree or Dataset
        From `lithiscope.learning.learn`, or its stage learned_laws.

    Raises
    ------
    AnalysisError, OptionError
        As for `material_text`.
    """
    learned = learned_of(tree)
    return MpetFiles(_mpet_configuration(learned), _mpet_material(learned), _mpet_reaction(learned))


def _mpet_configuration(learned: Learned) -> str:
    base, name = learned.base, set_name(learned)
    law, parameters = _law(learned)
    kappa = learned.numbers("gradient energy")
    kappa_si = kappa[0] * base.site_energy_density * 1e-18 if kappa else base.gradient_energy
    strained = learned.options.strain == "coherent"
    coherency = (learned.numbers("coherency") or [base.coherency])[0] * base.site_energy_density if strained else 0.0
    remark = (
        "" if law == "butler_volmer" else f"# The reaction law was {law}: this function is Butler-Volmer, mend it.\n"
    )
    return f"""{header(learned)}# Copy {name}_mpet_material.py to mpet/electrode/materials/{name}.py
# (or name it with muRfunc_filename), and
# {name}_mpet_reaction.py to mpet/electrode/reactions/BV_{name}.py.
# The sections Particles and what is left out of the others are yours to choose.

[Material]
muRfunc = {name}
kappa = {kappa_si!r}
# 0 where mu(x) was learned without coherency, which it then holds
B = {coherency!r}
rho_s = {base.site_density!r}
logPad = true

[Reactions]
{remark}rxnType = BV_{name}
# A/m2, at x = {_MIDDLE:g}; the standard deviation is {learned.level[1]:.3g}
k0 = {learned.level[0]!r}
alpha = {float(parameters.get("alpha", 0.5))!r}
# ohm m2
Rfilm = {learned.film!r}
"""


def _mpet_material(learned: Learned) -> str:
    x, u = learned.x, 1 - 2 * learned.x
    excess = learned.potential - np.log(x / (1 - x))
    terms = np.polynomial.legendre.leg2poly([0.0, *learned.numbers("mu term")]) if learned.numbers("mu term") else (
        np.polynomial.Polynomial.fit(u, excess, _DEGREE, domain=[-1, 1]).coef
    )  # fmt: skip
    name, volt = set_name(learned), learned.base.plateau
    return f'''{header(learned)}import numpy as np

# of 1-2y, lowest power first, kT
EXCESS = {_numbers(np.asarray(terms))}


def {name}(self, y, ybar, T, muR_ref, ISfuncs=None):
    """Chemical potential that lithiscope learned: ideal entropy and a polynomial in 1-2y."""
    excess = sum(c * (1 - 2 * y) ** n for n, c in enumerate(EXCESS))
    muR = T * np.log(y / (1 - y)) + excess + self.general_non_homog(y, ybar)
    actR = np.exp(muR / T)
    muR += -self.eokT * {volt!r} + muR_ref
    return muR, actR
'''


def _mpet_reaction(learned: Learned) -> str:
    x, level = learned.x, learned.level[0]
    # Powers of y and 1-y take care of both ends, where no polynomial does.
    columns = np.column_stack([np.log(x), np.log1p(-x), np.polynomial.legendre.legvander(1 - 2 * x, _DEGREE)])
    wanted = np.log(learned.exchange / level)
    found = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    off = float(np.abs(columns @ found - wanted).max())
    terms = np.polynomial.legendre.leg2poly(found[2:])
    name = set_name(learned)
    return f'''{header(learned)}import numpy as np

# j0 = k0 y^a (1-y)^b exp(polynomial in 1-2y, lowest power first); ln j0 is off by {off:.1e} at most on the grid
POWERS = {_numbers(found[:2])}
LOG_FACTOR = {_numbers(terms)}


def BV_{name}(eta, c_sld, c_lyte, k0, E_A, T, act_R=None, act_lyte=None, lmbda=None, alpha=None):
    """Butler-Volmer with the exchange current that lithiscope learned, at the electrolyte of the measurement."""
    log_factor = sum(c * (1 - 2 * c_sld) ** n for n, c in enumerate(LOG_FACTOR))
    ecd = k0 * c_sld ** POWERS[0] * (1 - c_sld) ** POWERS[1] * np.exp(log_factor)
    return ecd * np.exp(-E_A / T + E_A) * (np.exp(-alpha * eta / T) - np.exp((1 - alpha) * eta / T))
'''
