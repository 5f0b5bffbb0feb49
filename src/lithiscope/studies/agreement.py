"""Where recipe, images and trace must agree: direction at every frame, sign of the overpotential, sign of the rates."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.cell import to_trace_second
from lithiscope.errors import AnalysisError, LithiscopeWarning

if TYPE_CHECKING:
    import xarray as xr

_WORDS = {1: "lithiation", -1: "delithiation", 0: "rest"}
_SHOWN = 4
_SURE = 3.0  # standard deviations beyond which a sign is believed
_SEVERAL = 3  # frames that a clock found from edges must not put elsewhere
_CLEARLY = 0.05  # share of the largest rate that a rate against the current must exceed


def require_same_directions(
    frames: xr.Dataset,
    half_cycles: xr.Dataset,
    clock: xr.Dataset,
    stated: xr.Dataset,
    *,
    slack: float,
    rests: bool = False,
    file: str | None = None,
) -> None:
    """Compare the directions that the recipe states with what the cell did at the same moments.

    Parameters
    ----------
    frames : xarray.Dataset
        Stage cell_frames.
    half_cycles, clock : xarray.Dataset
        Stages half_cycles and clock.
    stated : xarray.Dataset
        Any stage with `direction` and `scan` along the same time; direction 0 states nothing, or a rest.
    slack : float
        How long before or after a half cycle a frame may lie and still belong to it, s; the length of a scan.
    rests : bool
        Whether direction 0 states that the cell rested.
    file : str, optional
        The potentiostat's file, for the message.

    Raises
    ------
    AnalysisError
        If the cell went the other way at one frame or more, or did not rest where a rest is stated, beyond the error of
        the clock; or if a clock that was found
        from edges puts three frames or more where the cell rested or went the other way, however large its error.

    Warns
    -----
    LithiscopeWarning
        If the cell rested at frames for which a direction is stated.
    """
    moment, error = to_trace_second(clock, frames["time"].values)
    direction = np.asarray(stated["direction"].values)
    judged = (direction != 0) & np.isfinite(frames["voltage_volt"].values)
    same, other = (_distance(moment, half_cycles, sign * direction) for sign in (1, -1))
    _require_useful(clock, judged & (same > slack), stated, error, file)
    away = judged & (same > slack + _SURE * error)
    idle = (direction == 0) & np.isfinite(frames["voltage_volt"].values) & rests
    contrary = (away & (other == 0)) | (idle & (_depth(moment, half_cycles) > slack + _SURE * error))
    if contrary.any():
        raise AnalysisError(
            "recipe and trace disagree about the direction",
            file=file,
            field="data.series.direction",
            value=f"{np.count_nonzero(contrary)} of {np.count_nonzero(judged | idle)} frames: "
            + _named(contrary, stated),
            limit="the direction in which the cell went at the time of the scan",
            remedy="an hour or several between the clocks is a wrong cell.timezone or data.timezone; else see "
            "cell.clock, the sign of the current (cell.read.current_sign) and data.series",
        )
    resting = away & ~contrary
    if resting.any():
        warnings.warn(
            f"the cell rested at {np.count_nonzero(resting)} of {np.count_nonzero(judged)} frames for which the recipe "
            f"states a direction ({_named(resting, stated)}); if it did not, the clocks do not fit: see cell.clock",
            LithiscopeWarning,
            stacklevel=2,
        )


def _require_useful(
    clock: xr.Dataset, elsewhere: np.ndarray, stated: xr.Dataset, error: np.ndarray, file: str | None
) -> None:
    """Refuse a clock from edges that fits only because it is so badly known."""
    if clock.attrs.get("method") != "edges" or np.count_nonzero(elsewhere) < _SEVERAL:
        return
    raise AnalysisError(
        "the clock found from edges contradicts the stated directions",
        file=file,
        field="cell.clock.source",
        value=f"{np.count_nonzero(elsewhere)} frames: {_named(elsewhere, stated)}; offset "
        f"{float(clock['offset_second']):.6g} s, known to {float(np.median(error)):.2g} s",
        limit="the direction in which the cell went at the time of the scan",
        remedy="the edges were matched to the wrong steps of the current: use cell.clock.source: absolute or markers, "
        "or mend data.series",
    )


def _distance(moment: np.ndarray, half_cycles: xr.Dataset, direction: np.ndarray) -> np.ndarray:
    """Return how far each moment lies from the nearest half cycle of its direction, s; infinite without one."""
    begin, end, way = (half_cycles[name].values for name in ("start_second", "end_second", "direction"))
    away = np.maximum(np.maximum(begin - moment[:, None], moment[:, None] - end), 0.0)
    return np.asarray(np.where(way == direction[:, None], away, np.inf).min(axis=1, initial=np.inf))


def _depth(moment: np.ndarray, half_cycles: xr.Dataset) -> np.ndarray:
    """Return how far inside a half cycle each moment lies, s; negative or minus infinity outside of all."""
    begin, end = (half_cycles[name].values for name in ("start_second", "end_second"))
    inside = np.minimum(moment[:, None] - begin, end - moment[:, None])
    return np.asarray(inside.max(axis=1, initial=-np.inf))


def _named(which: np.ndarray, stated: xr.Dataset) -> str:
    places = np.flatnonzero(which)
    numbers = stated["scan"].values if "scan" in stated.variables else np.arange(which.size)
    shown = [f"scan {numbers[k]}, stated {_WORDS[int(stated['direction'].values[k])]}" for k in places[:_SHOWN]]
    return "; ".join(shown) + ("; ..." if places.size > _SHOWN else "")


def require_sides(
    intervals: xr.Dataset, equilibrium: xr.Dataset, resistance: xr.Dataset, *, file: str | None = None
) -> None:
    """See that the overpotential is positive while the cell delithiates, and negative while it lithiates.

    Parameters
    ----------
    intervals : xarray.Dataset
        Stage cell_intervals.
    equilibrium, resistance : xarray.Dataset
        Stages equilibrium_voltage and resistance, for the message.
    file : str, optional
        The potentiostat's file, for the message.

    Raises
    ------
    AnalysisError
        If in one direction more than half of the intervals contradict it by more than their error.
    """
    if "overpotential_volt" not in intervals:
        return
    eta = np.asarray(intervals["overpotential_volt"].values, dtype=float)
    variance = np.zeros_like(eta)
    if "overpotential_volt_std" in intervals:
        variance += np.nan_to_num(intervals["overpotential_volt_std"].values) ** 2
    if "overpotential_volt_shift" in intervals:
        variance += np.nansum(np.square(intervals["overpotential_volt_shift"].values), axis=0)
    direction = np.asarray(intervals["direction"].values)
    for way in (1, -1):
        here = (direction == way) & np.isfinite(eta)
        contrary = here & (way * eta > _SURE * np.sqrt(variance))
        if 2 * np.count_nonzero(contrary) > np.count_nonzero(here):
            volt, ohm = float(equilibrium["plateau_volt"]), float(resistance["resistance_ohm"])
            drop = float(np.median(np.abs(intervals["current_ampere"].values[here]))) * ohm
            raise AnalysisError(
                f"the overpotential has the wrong sign during {_WORDS[way]}",
                file=file,
                field="overpotential_volt",
                value=f"V - I R - V_eq = {np.median(eta[contrary]):+.3f} V in {np.count_nonzero(contrary)} of "
                f"{np.count_nonzero(here)} intervals, with V_eq = {volt:.4g} V and |I R| = {drop:.3g} V",
                limit="negative on lithiation, positive on delithiation",
                remedy="mend cell.equilibrium.volt or cell.resistance.ohm; if both are right, the sign of the current "
                "(cell.read.current_sign) or cell.clock is not",
            )


def warn_of_contrary_rates(rates: xr.Dataset, labels: np.ndarray) -> None:
    """Warn where the particles as a whole moved against the direction that recipe or cell states.

    Parameters
    ----------
    rates : xarray.Dataset
        Stage rate_video with `direction`.
    labels : ndarray (y, x)
        Particles; 0 is background.

    Warns
    -----
    LithiscopeWarning
        If the mean rate of any interval has the other sign by more than its error.
    """
    inside = labels > 0
    values = np.asarray(rates["insertion_rate"].values, dtype=float)[:, inside]
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known.any(axis=1), np.where(known, values, 0.0).sum(axis=1) / count, np.nan)
    error = np.nanstd(np.where(known, values, 0.0), axis=1) / np.sqrt(count)
    if "insertion_rate_frame_std" in rates:
        error = np.hypot(error, np.nan_to_num(rates["insertion_rate_frame_std"].values))
    way = np.asarray(rates["direction"].values)
    judged = (way != 0) & np.isfinite(mean)
    if not judged.any():
        return
    limit = np.maximum(_SURE * error, _CLEARLY * np.nanmax(np.abs(mean)))
    contrary = judged & (-way * mean > limit)
    if contrary.any():
        warnings.warn(
            f"in {np.count_nonzero(contrary)} of {np.count_nonzero(judged)} intervals the particles as a whole moved "
            "against the stated direction; their exchange currents mean nothing until this is understood: are the "
            "lithium contents of the references the wrong way round, or data.series or cell.clock wrong?",
            LithiscopeWarning,
            stacklevel=2,
        )
