"""The exchange current density of a particle from its other half cycles, for the diagnosis of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import laws, stages
from lithiscope.kinetics.channel_exchange import rate_constant

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

_EXCHANGE, _X = "exchange_current_density", "surface_lithium_fraction"
_EDGE = 0.05  # composition from either end within which F(x) says little
_FEWEST = 10  # channels times intervals
_FASTER = 1.5  # how much faster the other half cycle may have been


class ElsewhereExchange(NamedTuple):
    """j0, mean over x (A/m2), its standard deviation, and the half cycle that it came from."""

    value: float
    std: float
    half_cycle: int


def exchange_from_elsewhere(
    table: xr.Dataset, particle: str, half_cycle: int, *, law: str = "skewed_lim"
) -> ElsewhereExchange | None:
    """Return j0 of a particle from the slowest of its other half cycles.

    One from the same half cycle already contains what diffusion took. Diffusion takes its share in another half cycle
    too: such a j0 is rather too small, which makes a slow bulk undecidable, but never a slow surface of it (see the
    limits of the diagnosis). The faster a half cycle the larger that share, so none that was more than 1.5 times as
    fast is used.

    Parameters
    ----------
    table : channel_table
        With exchange current densities.
    particle : str
        Its name.
    half_cycle : int
        The one that is to be diagnosed.
    law : str
        F(x), by which j0 = k0 F(x) is fitted and averaged over x.

    Returns
    -------
    ElsewhereExchange or None
        With random error, error common to the intervals, and the named shifts in quadrature; None if no other half
        cycle gives a k0 above three standard deviations.
    """
    stages.check(table, "channel_table")
    if f"{_EXCHANGE}_std" not in table or f"{_X}_std" not in table:
        return None
    own = table.isel(channel=np.flatnonzero(table["particle"].values == particle))
    number, direction = np.asarray(own["half_cycle"].values), np.asarray(own["direction"].values)
    speed = {int(n): _speed(own, number == n) for n in np.unique(number[(number >= 0) & (direction != 0)])}
    this = speed.pop(half_cycle, np.nan)
    for other in sorted(speed, key=lambda n: speed[n]):
        if np.isfinite(this) and speed[other] > _FASTER * this:
            break
        found = _fitted(own.isel(interval=np.flatnonzero((number == other) & (direction != 0))), law)
        if found is not None:
            return ElsewhereExchange(*found, other)
    return None


def _speed(own: xr.Dataset, here: NDArray[np.bool_]) -> float:
    """Return the size of the mean current density of a half cycle; without any, none is slower."""
    current = np.asarray(own["current_density"].values, dtype=float)[here]
    return float(abs(current[np.isfinite(current)].mean())) if np.isfinite(current).any() else np.inf


def _fitted(own: xr.Dataset, name: str) -> tuple[float, float] | None:
    law = laws.exchange_law(name)
    j0, std, x, x_std = (
        np.asarray(own[one].values, dtype=float) for one in (_EXCHANGE, f"{_EXCHANGE}_std", _X, f"{_X}_std")
    )
    used = np.isfinite(j0) & np.isfinite(std) & (std > 0) & np.isfinite(x_std) & (x > _EDGE) & (x < 1 - _EDGE)
    if used.sum() < _FEWEST:
        return None
    k0, random = rate_constant(law, j0[used], std[used], x[used], x_std[used])
    others = [_moved(own, law, used, shift) - k0 for shift in _shifts(own)]
    common = 0.0
    if f"{_EXCHANGE}_frame_std" in own:
        # One error per interval, relative to j0 as to k0.
        share = np.asarray(own[f"{_EXCHANGE}_frame_std"].values, dtype=float)
        intervals = max(int(used.any(axis=1).sum()), 1)
        common = k0 * float(np.sqrt(np.mean(share[used] ** 2))) / float(np.mean(np.abs(j0[used]))) / intervals**0.5
    error = float(np.sqrt(random**2 + common**2 + np.sum(np.square(others))))
    if not k0 > 3 * error:
        return None
    every = np.linspace(0.0, 1.0, 1001)
    mean = float(np.trapezoid(np.asarray(law(every), dtype=float), every))
    return k0 * mean, error * mean


def _shifts(own: xr.Dataset) -> list[FloatArray]:
    if f"{_EXCHANGE}_shift" not in own:
        return []
    return [np.nan_to_num(one) for one in np.asarray(own[f"{_EXCHANGE}_shift"].values, dtype=float)]


def _moved(own: xr.Dataset, law: laws.ExchangeLaw, used: NDArray[np.bool_], shift: FloatArray) -> float:
    """Return k0 with every j0 moved by a named cause."""
    names = (f"{_EXCHANGE}_std", _X, f"{_X}_std")
    rest = (np.asarray(own[one].values, dtype=float)[used] for one in names)
    j0 = np.asarray(own[_EXCHANGE].values, dtype=float) + shift
    return rate_constant(law, j0[used], *rest)[0]
