"""Frames of a run as stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import numpy as np

from lithiscope import stages
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.system import System

if TYPE_CHECKING:
    import xarray as xr


class Shot(NamedTuple):
    """One frame of a run: arrays with a value for each cell, and numbers."""

    time: float
    x: np.ndarray
    current: np.ndarray
    mu: np.ndarray
    volt: float
    mean: float
    insertion: float
    energy: float
    imbalance: float
    half_cycle: int
    direction: int

    @classmethod
    def of(
        cls, system: System, time: float, state: State, rates: Rates, half_cycle: int, direction: int, start: float
    ) -> Shot:
        """Return the frame at a state whose rates are known; `start` is the mean x of the first frame."""
        model, geometry = system.model, system.model.geometry
        mean = float(geometry.mean(state.x))
        return cls(
            time,
            np.asarray(state.x),
            np.asarray(rates.current),
            np.asarray(rates.mu),
            float(system.volt(rates)) if model.reaction is not None else np.nan,
            mean,
            float(rates.insertion) * 3600,
            float(_energy(model, state.x)) / float(geometry.inside.sum()),
            mean - start - float(state.exchanged),
            half_cycle,
            direction,
        )


@eqx.filter_jit  # or every frame would compile the solver of the strain again
def _energy(model: Model, x: Cells) -> Number:
    return model.energy(x)


def to_stages(model: Model, shots: list[Shot], *, attrs: Mapping[str, Any]) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the composition video and the record of a run."""
    geometry = model.geometry
    dims = "time z y x" if geometry.ndim == 3 else "time y x"
    active = np.broadcast_to(geometry.active, (len(shots), *geometry.shape))

    def cells(name: str, *, where: np.ndarray = active) -> tuple[str, np.ndarray]:
        return dims, np.where(where, np.stack([getattr(shot, name) for shot in shots]), np.nan)

    def numbers(name: str) -> tuple[str, np.ndarray]:
        return "time", np.array([getattr(shot, name) for shot in shots])

    reacting = active & (np.asarray(geometry.surface) > 0)
    coords = {
        "time": numbers("time"),
        "half_cycle": numbers("half_cycle"),
        "direction": numbers("direction"),
        **{
            name: (name, step * 1e-3 * np.arange(count))
            for name, step, count in zip(
                ("z", "y", "x")[-geometry.ndim :], geometry.spacing, geometry.shape, strict=True
            )
        },
    }
    video = stages.new(
        "composition_video",
        {
            "lithium_fraction": cells("x"),
            "lithium_fraction_flag": (dims, np.where(active, 0, stages.flag_bit("no_material"))),
            "amount": (dims.removeprefix("time "), np.asarray(geometry.inside)),
            "label": (dims.removeprefix("time "), geometry.label.values),
            "mask": (dims.removeprefix("time "), geometry.active),
        },
        coords=coords,
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )
    record = stages.new(
        "simulation",
        {
            "voltage_volt": numbers("volt"),
            "mean_lithium_fraction": numbers("mean"),
            "insertion_rate": numbers("insertion"),
            "free_energy": numbers("energy"),
            "mass_balance_error": numbers("imbalance"),
            "current_density": cells("current", where=reacting),
            "chemical_potential": cells("mu"),
        },
        coords=coords,
        attrs=attrs,
    )
    return video, record
