"""Exchange current densities of channels, and their fall and rise with the composition of the surface (Koo 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import laws, stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.channels_options import NormaliseOptions
from lithiscope.kinetics.exchange import drive_of, spread_of
from lithiscope.kinetics.extend import causes_of, extended
from lithiscope.kinetics.rates_options import ExchangeOptions

if TYPE_CHECKING:
    import xarray as xr

_CURRENT, _EXCHANGE, _X = "current_density", "exchange_current_density", "surface_lithium_fraction"
_ETA = "overpotential_volt"


def with_channel_exchange(
    table: xr.Dataset,
    intervals: xr.Dataset,
    *,
    options: ExchangeOptions = ExchangeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Add the exchange current density j0 = j_Ch/r(eta) of every channel, r the reaction law.

    Parameters
    ----------
    table : channel_table
        As `channels` makes it.
    intervals : cell_intervals
        What the cell did in the same intervals, with its overpotential.
    options : ExchangeOptions
        Law and range of overpotential. The equilibrium voltage is that of the cell.

    Returns
    -------
    channel_table
        With `exchange_current_density` (A/m2): random error of the channel; `_frame_std` common to the interval (frame
        and overpotential); shifts of the current and of the overpotential by named cause. NaN with the flag
        ``unsolvable`` where the overpotential is outside the range of the law, ``missing`` where it is not known.

    Raises
    ------
    StageError
        If the intervals are others than those of the table.
    AnalysisError
        If no interval has an overpotential, or the options ask for an equilibrium voltage that follows x.
    """
    stages.check(table, "channel_table")
    stages.check(intervals, "cell_intervals")
    eta = _overpotential(table, intervals, options)
    law = drive_of(options)
    volt = float(laws.thermal_voltage(options.temperature))
    x = np.asarray(table[_X].values, dtype=float)
    current = np.asarray(table[_CURRENT].values, dtype=float)
    reduced = np.broadcast_to(eta[:, None] / volt, current.shape)
    with np.errstate(invalid="ignore"):
        found = law.exchange(current, reduced, x, spread_of(intervals)[:, None] / volt)
        size = np.abs(eta)
        outside = size < options.smallest_overpotential
        if options.largest_overpotential is not None:
            outside |= size > options.largest_overpotential
    bits = np.where(np.isnan(eta), stages.flag_bit("missing"), outside * stages.flag_bit("unsolvable"))
    flag = np.asarray(table[f"{_CURRENT}_flag"].values, dtype=np.uint16) | bits[:, None].astype(np.uint16)
    value = np.asarray(found.value, dtype=float)
    # A law may have no answer at a surface without a composition.
    flag = np.where(np.isnan(value) & ~stages.fatal_mask(flag), flag | stages.flag_bit("unsolvable"), flag)
    lost = stages.fatal_mask(flag)
    variables: dict[str, tuple[str, Any]] = {
        _EXCHANGE: ("interval channel", np.where(lost, np.nan, value)),
        f"{_EXCHANGE}_flag": ("interval channel", flag),
        _ETA: ("interval", eta),
    }
    slopes = np.asarray(found.by_current, dtype=float), np.asarray(found.by_overpotential, dtype=float) / volt
    variables |= _errors(table, intervals, slopes, lost)
    causes = [*causes_of(table), *(one for one in causes_of(intervals) if one not in causes_of(table))]
    variables[f"{_EXCHANGE}_shift"] = (
        "systematic interval channel",
        np.where(lost, np.nan, _shifts(table, intervals, causes, *slopes)),
    )
    return extended(table, variables, causes=causes, attrs={"law": options.law})


def _overpotential(table: xr.Dataset, intervals: xr.Dataset, options: ExchangeOptions) -> np.ndarray:
    for name in ("before", "after"):
        if not np.array_equal(table[name].values, intervals[name].values):
            raise StageError(
                "the intervals of the cell are not those of the channels",
                field=name,
                value=intervals[name].values,
                limit=str(table[name].values),
                remedy="make both from the same video",
            )
    if options.equilibrium != "cell":
        raise AnalysisError(
            "channels take the equilibrium voltage of the cell",
            field="equilibrium",
            value=options.equilibrium,
            limit="cell",
        )
    if _ETA not in intervals or not np.isfinite(intervals[_ETA].values).any():
        raise AnalysisError(
            "no interval has an overpotential",
            field=_ETA,
            value="absent" if _ETA not in intervals else "all NaN",
            remedy="check that images and trace overlap in time, and that resistance and equilibrium voltage are known",
        )
    return np.asarray(intervals[_ETA].values, dtype=float)


def _errors(
    table: xr.Dataset, intervals: xr.Dataset, slopes: tuple[np.ndarray, np.ndarray], lost: np.ndarray
) -> dict[str, tuple[str, Any]]:
    by_current, by_volt = slopes
    dims = "interval channel"
    found: dict[str, tuple[str, Any]] = {}
    if f"{_CURRENT}_std" in table:
        std = np.abs(by_current) * table[f"{_CURRENT}_std"].values
        found[f"{_EXCHANGE}_std"] = (dims, np.where(lost, np.nan, std))
    common = np.zeros(lost.shape)
    if f"{_CURRENT}_frame_std" in table:
        common = common + (by_current * table[f"{_CURRENT}_frame_std"].values) ** 2
    if f"{_ETA}_std" in intervals:
        common = common + (by_volt * np.nan_to_num(intervals[f"{_ETA}_std"].values)[:, None]) ** 2
    found[f"{_EXCHANGE}_frame_std"] = (dims, np.where(lost, np.nan, np.sqrt(common)))
    return found


def _shifts(
    table: xr.Dataset, intervals: xr.Dataset, causes: list[str], by_current: np.ndarray, by_volt: np.ndarray
) -> np.ndarray:
    result = np.zeros((len(causes), *by_current.shape))
    known = causes_of(table)
    if f"{_CURRENT}_shift" in table:
        result[: len(known)] += by_current * table[f"{_CURRENT}_shift"].values
    if f"{_ETA}_shift" in intervals:
        for cause, shift in zip(causes_of(intervals), intervals[f"{_ETA}_shift"].values, strict=True):
            result[causes.index(cause)] += by_volt * np.nan_to_num(shift)[:, None]
    return result


def normalised_exchange(
    table: xr.Dataset,
    *,
    options: NormaliseOptions = NormaliseOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Divide the exchange currents by the k0 of j0 = k0 F(x) fitted to all channels (Koo 2023, fig. 4b).

    Parameters
    ----------
    table : channel_table
        With an exchange current density and its standard deviation.
    options : NormaliseOptions
        F(x), and which surface compositions take part.

    Returns
    -------
    channel_table
        With `normalised_exchange_current` and its random error; ``rate_constant`` (A/m2) and its standard deviation as
        attributes. The errors of j0 and of x (through F') both weigh the points.

    Raises
    ------
    AnalysisError
        If there is no exchange current, or fewer than two points to fit.
    """
    stages.check(table, "channel_table")
    if f"{_EXCHANGE}_std" not in table or f"{_X}_std" not in table:
        raise AnalysisError(
            "there is no exchange current with its error",
            field=f"{_EXCHANGE}_std",
            remedy="call with_channel_exchange before, on a video with standard deviations",
        )
    law = laws.exchange_law(options.law)
    j0, std, x, x_std = (
        np.asarray(table[name].values, dtype=float) for name in (_EXCHANGE, f"{_EXCHANGE}_std", _X, f"{_X}_std")
    )
    inside = np.isfinite(j0) & np.isfinite(std) & (std > 0) & (x > options.lower) & (x < options.upper)
    inside &= np.asarray(table["direction"].values)[:, None] != 0
    if inside.sum() < 2:
        raise AnalysisError(
            "too few channels to fit the exchange current",
            field=_EXCHANGE,
            value=int(inside.sum()),
            limit="at least 2",
            remedy="see the flags of the table, or widen lower and upper",
        )
    k0, k0_std = rate_constant(law, *(values[inside] for values in (j0, std, x, x_std)))
    variables = {
        "normalised_exchange_current": ("interval channel", j0 / k0),
        "normalised_exchange_current_std": ("interval channel", std / abs(k0)),
    }
    attrs = {"law": options.law, "rate_constant": k0, "rate_constant_std": k0_std}
    return extended(table, variables, attrs=attrs)


def rate_constant(
    law: laws.ExchangeLaw, j0: np.ndarray, std: np.ndarray, x: np.ndarray, x_std: np.ndarray
) -> tuple[float, float]:
    """Return k0 and its standard deviation, with the error of x as effective variance.

    With noise v in x, F(x) is on average F + F'' v/2, and its square scatters by F'^2 v; both are taken out, or k0
    would be low.

    Parameters
    ----------
    law : ExchangeLaw
        F(x).
    j0, std : ndarray, shape (points,)
        Exchange current densities and their standard deviations, A/m2.
    x, x_std : ndarray, shape (points,)
        Compositions of the surface and their standard deviations.
    """
    step, noise = 1e-3, x_std**2
    f, slope = np.asarray(law(x)), np.asarray(law.slope(x))
    bend = (np.asarray(law(x + step)) - 2 * f + np.asarray(law(x - step))) / step**2
    f = f - bend * noise / 2
    square = f**2 - slope**2 * noise
    k0, weight = 0.0, 1 / std**2
    for _ in range(10):
        k0 = float(np.sum(weight * f * j0) / np.sum(weight * square))
        weight = 1 / (std**2 + (k0 * slope) ** 2 * noise)
    return k0, float(np.sum(weight * square) ** -0.5)
