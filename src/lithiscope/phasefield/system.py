"""A model under one part of a protocol."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.protocol import Control, Part


class System(eqx.Module):
    """A model whose current or voltage is prescribed in time.

    Parameters
    ----------
    model : Model
        The model.
    control : {"rate", "potential"}
        What is prescribed.
    seconds, values : array, shape (points,)
        Times from the start of the part, and d<x>/dt in 1/s or V, linear between them.
    """

    model: Model
    seconds: Cells
    values: Cells
    control: Control = eqx.field(static=True)

    @classmethod
    def of(cls, model: Model, part: Part) -> System:
        """Return the model under a part of a protocol."""
        dtype = model.geometry.inside.dtype
        values = jnp.asarray(part.values, dtype)
        seconds = jnp.asarray(part.seconds, dtype)
        return cls(model, seconds, values / 3600 if part.control == "rate" else values, part.control)

    def rates(self, time: Number, x: Cells) -> Rates:
        """Return dx/dt and what comes with it at a time from the start of the part."""
        value = jnp.interp(time, self.seconds, self.values).astype(x.dtype)
        if self.control == "rate":
            return self.model.rates(x, rate=value)
        return self.model.rates(x, potential=(value - self.model.plateau) / self.model.thermal_voltage())

    def volt(self, rates: Rates) -> Number:
        """Return the voltage in V."""
        return self.model.plateau + rates.potential * self.model.thermal_voltage()
