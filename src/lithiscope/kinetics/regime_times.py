"""The three times of a case that place it in the morphology diagram: diffusion, surface reaction, filling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithiscope.kinetics.regime_pieces import Copies
from lithiscope.kinetics.times import reaction_time

FloatArray = NDArray[np.float64]
_RANGE = (0.025, 0.975)


def case_times(copies: Copies, exchange_current: tuple[float, float] | None) -> dict[str, float]:
    """Return tau_bulk, tau_reaction and tau_process (s) with the ends of their 95 % ranges.

    tau_bulk comes from the curvature of the profile against the rate, with the error of the model. Where the noise
    hides the curvature its lower end is 0: only an upper limit is known. tau_reaction is NaN without j0.

    Parameters
    ----------
    copies : Copies
        The observed profile and its noise.
    exchange_current : (float, float), optional
        j0 and its standard deviation, A/m2.
    """
    folded, options = copies.folded, copies.options
    bulk = copies.curvature() / copies.decay
    low, high = _with_model(float(bulk[0]), np.quantile(bulk[1:], _RANGE), 1.96 * options.model_spread)
    made = copies.mean[:, -1] - copies.mean[:, 0]
    process = (folded.time[-1] - folded.time[0]) / made
    found = {
        "tau_bulk": max(float(bulk[0]), 0.0),
        "tau_bulk_low": low,
        "tau_bulk_high": high,
        "tau_process": float(process[0]),
        "tau_process_low": float(np.quantile(process[1:], _RANGE[0])),
        "tau_process_high": float(np.quantile(process[1:], _RANGE[1])),
    }
    if exchange_current is None:
        return found
    value, std = exchange_current
    seconds = reaction_time(folded.length, value, site_density=options.site_density, faces=options.faces)
    factor = (1 + std / value) ** 1.96
    return found | {
        "tau_reaction": seconds,
        "tau_reaction_low": seconds / factor,
        "tau_reaction_high": seconds * factor,
    }


def _with_model(value: float, ends: FloatArray, spread: float) -> tuple[float, float]:
    """Return the ends of a range with the error of the model, `spread` decades either way, added in quadrature."""
    low, high = np.maximum(ends, 0.0).tolist()
    if value <= 0:
        return 0.0, high * 10**spread
    up = value * 10 ** np.hypot(np.log10(high / value), spread) if high > value else value * 10**spread
    down = value / 10 ** np.hypot(np.log10(value / low), spread) if 0 < low < value else 0.0
    return float(down), float(up)
