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
    """Return j0 of a particle from the one of its other half cycles that gives it best.

    One from the same half cycle already contains what diffusion took. Diffusion takes its share in another half cycle
    too: such a j0 is rather too small, which makes a slow bulk undecidable, but never a slow surface of it. The faster
    a half cycle the larger that share, so none that was more than 1.5 times as fast is used.

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
        With the random error, the scatter of k0 between the intervals (channels that start and end within one make it
        too small), the error common to all channels of an interval, and the named shifts, in quadrature. None if no
        other half cycle gives a k0 above three standard deviations.
    """
    stages.check(table, "channel_table")
    if f"{_EXCHANGE}_std" not in table or f"{_X}_std" not in table:
        return None
    own = table.isel(channel=np.flatnonzero(table["particle"].values == particle))
    number, direction = np.asarray(own["half_cycle"].values), np.asarray(own["direction"].values)
    speed = {int(n): _speed(own, number == n) for n in np.unique(number[(number >= 0) & (direction != 0)])}
    this = speed.pop(half_cycle, np.inf)
    found = []
    for other in (n for n in speed if speed[n] <= _FASTER * this):
        fitted = _fitted(own.isel(interval=np.flatnonzero((number == other) & (direction != 0))), law)
        if fitted is not None:
            found.append(ElsewhereExchange(*fitted, other))
    return min(found, key=lambda one: one.std / one.value, default=None)


def _speed(own: xr.Dataset, here: NDArray[np.bool_]) -> float:
    """Return the size of the mean current density of a half cycle."""
    current = np.asarray(own["current_density"].values, dtype=float)[here]
    return float(abs(current[np.isfinite(current)].mean())) if np.isfinite(current).any() else np.inf


def _fitted(own: xr.Dataset, name: str) -> tuple[float, float] | None:
    """Return j0 (mean over x) of the intervals of one half cycle and its error."""
    law = laws.exchange_law(name)
    points = _Points.of(own)
    used = points.used
    if used.sum() < _FEWEST:
        return None
    k0, random = points.constant(law, used)
    rows = np.arange(len(used))[:, None]
    each = [points.constant(law, used & (rows == row)) for row in np.flatnonzero(used.sum(axis=1) >= _FEWEST // 2)]
    scatter = _excess(*np.array(each).T) if len(each) > 1 else 0.0
    moved = [points._replace(j0=points.j0 + shift).constant(law, used)[0] - k0 for shift in _shifts(own)]
    error = float(np.sqrt(random**2 + scatter**2 + _common(own, points, k0) ** 2 + np.sum(np.square(moved))))
    if not k0 > 3 * error:
        return None
    every = np.linspace(0.0, 1.0, 1001)
    mean = float(np.trapezoid(np.asarray(law(every), dtype=float), every))
    return k0 * mean, error * mean


class _Points(NamedTuple):
    """Exchange currents and surface compositions with their errors, (interval, channel)."""

    j0: FloatArray
    std: FloatArray
    x: FloatArray
    x_std: FloatArray

    @classmethod
    def of(cls, own: xr.Dataset) -> _Points:
        names = (_EXCHANGE, f"{_EXCHANGE}_std", _X, f"{_X}_std")
        return cls(*(np.asarray(own[name].values, dtype=float) for name in names))

    @property
    def used(self) -> NDArray[np.bool_]:
        known = np.isfinite(self.j0) & np.isfinite(self.std) & np.isfinite(self.x_std)
        with np.errstate(invalid="ignore"):
            return np.asarray(known & (self.std > 0) & (self.x > _EDGE) & (self.x < 1 - _EDGE))

    def constant(self, law: laws.ExchangeLaw, used: NDArray[np.bool_]) -> tuple[float, float]:
        """Return k0 and its random error from some of the points."""
        return rate_constant(law, *(values[used] for values in self))


def _excess(values: FloatArray, errors: FloatArray) -> float:
    """Return the scatter of values beyond their errors (DerSimonian and Laird 1986)."""
    weight = 1 / errors**2
    mean = np.sum(weight * values) / np.sum(weight)
    beyond = np.sum(weight * (values - mean) ** 2) - (len(values) - 1)
    return float(np.sqrt(max(beyond, 0.0) / (np.sum(weight) - np.sum(weight**2) / np.sum(weight))))


def _common(own: xr.Dataset, points: _Points, k0: float) -> float:
    """Return the error of k0 from errors that all channels of an interval share."""
    if f"{_EXCHANGE}_frame_std" not in own:
        return 0.0
    used = points.used
    shared = np.asarray(own[f"{_EXCHANGE}_frame_std"].values, dtype=float)[used]
    intervals = int(used.any(axis=1).sum())
    share = float(np.sqrt(np.mean(shared**2)) / np.mean(np.abs(points.j0[used])))
    return float(k0 * share / intervals**0.5)


def _shifts(own: xr.Dataset) -> list[FloatArray]:
    if f"{_EXCHANGE}_shift" not in own:
        return []
    return [np.nan_to_num(one) for one in np.asarray(own[f"{_EXCHANGE}_shift"].values, dtype=float)]
