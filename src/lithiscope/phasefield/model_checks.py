"""Combinations of parts that would run and mean nothing: constants that disagree, forces that Fick's law ignores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Constants, known
from lithiscope.phasefield.elasticity import NoElasticity
from lithiscope.phasefield.interface import falling_potential

if TYPE_CHECKING:
    from lithiscope.phasefield.model import Model

_UNITS = {"plateau": "V", "site_density": "1/m3", "temperature": "K"}
_DESCENT = "Fick's law follows the composition alone, so the free energy could rise"


def refuse_other_constants(own: Constants, parts: Mapping[str, Constants]) -> None:
    """Refuse a part that was made with other constants than those of the model; traced ones pass.

    Parameters
    ----------
    own : dict
        The constants of the model.
    parts : mapping
        For each part, by its name in the model, the constants that it was made with.

    Raises
    ------
    OptionError
        If two differ by more than a millionth.
    """
    for part, constants in parts.items():
        for name, value in constants.items():
            there, here = known(value), known(own[name])
            if there is None or here is None or np.allclose(there, here, rtol=1e-6, atol=0.0):
                continue
            raise OptionError(
                f"the {part} of the model was made with another {name.replace('_', ' ')}",
                field=name,
                value=f"{float(there):g} {_UNITS[name]} in the {part}",
                limit=f"{float(here):g} {_UNITS[name]}, that of the model",
                remedy=f"give both the same {name}",
            )


def refuse_fick_without_descent(model: Model) -> None:
    """Refuse Fick's law where part of the free energy does not act on it, so that a closed system could gain energy.

    The energy changes by -D f''(x) (grad x)^2, which is no gain only where f is convex and all that there is.

    Raises
    ------
    OptionError
        If there is gradient energy, strain, a shift of mu between neighbours, or a range of x in which mu falls.
    """
    kappa = known(model.gradient_energy)
    if kappa is not None and np.any(kappa > 0):
        raise _no_descent("gradient_energy", f"{kappa.max():g} nm2", "0", "set gradient_energy=0")
    if not isinstance(model.elasticity, NoElasticity):
        raise _no_descent("elasticity", type(model.elasticity).__name__, "NoElasticity", "leave the strain out")
    if _shifts(model):
        raise _no_descent("offset", "differs between neighbours", "one value in each particle", "leave the offset out")
    falls = falling_potential(model.free_energy)
    if falls is not None:
        value = f"{type(model.free_energy).__name__}, mu falls from x = {falls[0]:.3g} to {falls[1]:.3g}"
        raise _no_descent("free_energy", value, "mu that rises with x: a solid solution", "take a solid solution")


def _no_descent(field: str, value: str, limit: str, otherwise: str) -> OptionError:
    remedy = f"use CahnHilliard, whose flux follows mu, or {otherwise}"
    return OptionError(_DESCENT, field=field, value=value, limit=f"{limit} with Fickian", remedy=remedy)


def _shifts(model: Model) -> bool:
    """Return whether the shift of mu differs between two cells that exchange lithium."""
    offset: Any = known(model.offset)
    faces = [known(face) for face in model.geometry.open_faces]
    if offset is None or offset.ndim == 0:
        return False
    offset = np.broadcast_to(offset, model.geometry.shape)
    return any(
        face is not None and bool(np.any((face > 0) & (np.roll(offset, -1, axis) != offset)))
        for axis, face in enumerate(faces)
    )
