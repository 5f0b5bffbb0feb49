"""What averaging the composition of surface pixels does to an exchange current (Koo 2023, fig. 4b)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope import laws, stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.channels_options import NormaliseOptions

if TYPE_CHECKING:
    import xarray as xr

_NODES = 200  # of the probability; they give the mean of a smooth F to 1e-4 of the shift


class SurfaceShift(NamedTuple):
    """The law as it appears against the mean composition.

    Attributes
    ----------
    averaged : ndarray
        Mean of F over the pixels.
    shift : ndarray
        That mean less F of the mean composition: negative where F is concave.
    """

    averaged: NDArray[np.float64]
    shift: NDArray[np.float64]


def surface_shift(
    law: Callable[[NDArray[np.float64]], NDArray[np.float64]], lithium_fraction: ArrayLike, spread: ArrayLike
) -> SurfaceShift:
    """Shift of j0(x) when x is the mean over surface pixels of different composition.

    The current of the pixels is the sum of their own, so that what is measured at the mean composition m is the mean of
    F and not F(m). To second order the difference is F''(m) spread^2 / 2; here it is exact for compositions that follow
    a Beta distribution with this mean and spread, which stays between 0 and 1.

    Parameters
    ----------
    law : callable
        F(x) of arrays, such as ``laws.exchange_law("skewed_lim")``.
    lithium_fraction : array_like
        Mean composition of the pixels.
    spread : array_like
        Standard deviation of the composition over the pixels, noise taken out; broadcast with `lithium_fraction`.

    Returns
    -------
    SurfaceShift
        In units of F. NaN where the mean is not between 0 and 1, or the spread is larger than full and empty pixels of
        that mean have, sqrt(m(1-m)).

    Raises
    ------
    AnalysisError
        If a spread is negative.

    Examples
    --------
    >>> found = surface_shift(lambda x: x**2, 0.4, 0.1)
    >>> round(float(found.averaged), 6), round(float(found.shift), 6)
    (0.17, 0.01)
    """
    from scipy.special import betaincinv

    mean, size = np.broadcast_arrays(np.asarray(lithium_fraction, dtype=float), np.asarray(spread, dtype=float))
    if np.any(size < 0):
        raise AnalysisError("a spread is negative", field="spread", value=float(np.nanmin(size)), limit="0 or more")
    share = np.divide(size**2, mean * (1 - mean), out=np.full(mean.shape, np.nan), where=(mean > 0) & (mean < 1))
    known = share < 1
    concentration = np.where(known & (share > 1e-9), 1 / np.where(share > 0, share, 1.0) - 1, 1.0)
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    centre = np.where(known, mean, 0.5)
    pixels = betaincinv((concentration * centre)[..., None], (concentration * (1 - centre))[..., None], (node + 1) / 2)
    pixels = np.where((share > 1e-9)[..., None], pixels, centre[..., None])
    own = np.asarray(law(centre), dtype=np.float64)
    averaged = np.asarray(law(np.asarray(pixels, dtype=np.float64)), dtype=np.float64) @ (weight / 2)
    return SurfaceShift(np.where(known, averaged, np.nan), np.where(known, averaged - own, np.nan))


def channel_surface_shift(
    table: xr.Dataset,
    *,
    options: NormaliseOptions = NormaliseOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Shift of j0(x) of channels whose surface composition is the mean of their two ends.

    The spread between the ends is that of all channels of a particle in an interval (rms), less what the noise of the
    ends makes; the shift is the mean over its channels at their own composition.

    Parameters
    ----------
    table : channel_table
        With the compositions of both ends and their standard deviations.
    options : NormaliseOptions
        The law F(x).

    Returns
    -------
    surface_shift
        By particle and interval; NaN with the flag ``missing`` where no channel has two ends.

    Raises
    ------
    AnalysisError
        If the table does not know the ends with their errors.
    """
    stages.check(table, "channel_table")
    if f"{_ENDS}_std" not in table or "particle" not in table.coords:
        raise AnalysisError(
            "the two ends of the channels are not known with their errors",
            field=f"{_ENDS}_std",
            remedy="make the table with kinetics.channels from a video with standard deviations",
        )
    law = laws.exchange_law(options.law)
    ends = np.asarray(table[_ENDS].transpose("interval", "channel", "end").values, dtype=float)
    noise = np.asarray(table[f"{_ENDS}_std"].transpose("interval", "channel", "end").values, dtype=float)
    of = np.asarray(table["particle"].values).astype(str)
    names = list(dict.fromkeys(of.tolist()))
    columns = {name: np.full((len(names), ends.shape[0]), np.nan) for name in _COLUMNS}
    count = np.zeros((len(names), ends.shape[0]), dtype=int)
    for row, name in enumerate(names):
        for interval in range(ends.shape[0]):
            mine = of == name
            whole = mine & np.isfinite(ends[interval]).all(axis=1) & np.isfinite(noise[interval]).all(axis=1)
            count[row, interval] = whole.sum()
            if whole.any():
                values = _of_particle(ends[interval, whole], noise[interval, whole], law)
                for column, value in zip(_COLUMNS, values, strict=True):
                    columns[column][row, interval] = value
    flags = {
        f"{name}_flag": ("particle interval", np.isnan(columns[name]) * stages.flag_bit("missing"))
        for name in ("lithium_fraction", "spread")
    }
    return stages.new(
        "surface_shift",
        {
            **{name: ("particle interval", values) for name, values in columns.items()},
            **flags,
            "channel_count": ("particle interval", count),
        },
        coords={
            "particle": ("particle", np.array(names, dtype=str)),
            **{name: ("interval", table[name].values) for name in ("time", "half_cycle", "direction") if name in table},
        },
        attrs={"law": options.law},
    )


_ENDS = "end_lithium_fraction"
_COLUMNS = ("lithium_fraction", "lithium_fraction_std", "spread", "spread_std", "law_value", "shift", "relative_shift")


def _of_particle(
    ends: NDArray[np.float64], noise: NDArray[np.float64], law: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> tuple[float, ...]:
    """Return the columns of one particle in one interval; `ends` and their noise are (channel, 2)."""
    mean = ends.mean(axis=1)
    squares = np.diff(ends, axis=1)[:, 0] ** 2 / 4 - (noise**2).sum(axis=1) / 4
    spread = float(np.sqrt(max(float(squares.mean()), 0.0)))
    count = len(mean)
    doubt = float(squares.std(ddof=1) / np.sqrt(count) / max(2 * spread, 1e-9)) if count > 1 else float("nan")
    found = surface_shift(law, mean, spread)
    good = np.isfinite(found.shift)
    shift = float(found.shift[good].mean()) if good.any() else float("nan")
    value = float((found.averaged - found.shift)[good].mean()) if good.any() else float("nan")
    std = float(np.sqrt((noise**2).sum()) / 2 / count)
    return float(mean.mean()), std, spread, doubt, value, shift, shift / value if value > 0 else float("nan")
