"""Salt and potential above the electrode of a liquid cell, in time."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from lithiscope import stages
from lithiscope.electrolyte.mesh import Channel, FloatArray, make_channel
from lithiscope.electrolyte.options import ChannelOptions
from lithiscope.electrolyte.potential import FARADAY, diffusion_potential, solve_potential
from lithiscope.electrolyte.salt import Progress, Salt, StepTooSmallError, advance
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

_PER_LITRE = 1e3  # mol/m3 in 1 mol/L
_MICROMETRE = 1e-6


def channel_half_cycle(
    c_rate: float,
    capacity_ampere_hour: float,
    *,
    direction: int = -1,
    frames: int = 25,
    options: ChannelOptions = ChannelOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Return salt and potential during one half cycle that starts from rest and passes the whole capacity.

    Parameters
    ----------
    c_rate : float
        C-rate, 1/h.
    capacity_ampere_hour : float
        Capacity of the electrode; [L] has 1e-9 to 1e-8 Ah.
    direction : {-1, +1}
        -1 delithiation (salt is released), +1 lithiation.
    frames : int
        Number of times, the first at the start.
    options : ChannelOptions
        Geometry, liquid, accuracy.

    Returns
    -------
    electrolyte_channel

    Raises
    ------
    AnalysisError
        If rate or capacity is not above zero, or the direction is neither -1 nor +1.
    """
    for name, value in (("c_rate", c_rate), ("capacity_ampere_hour", capacity_ampere_hour)):
        if not (np.isfinite(value) and value > 0):
            raise AnalysisError("a half cycle needs a rate and a capacity", field=name, value=value, limit="above 0")
    if direction not in (-1, 1) or frames < 2:
        raise AnalysisError(
            "a half cycle goes one way and has a start and an end",
            field="direction, frames",
            value=(direction, frames),
            limit="direction -1 or +1, at least 2 frames",
        )
    times = np.linspace(0.0, 3600.0 / c_rate, frames)
    current = -direction * c_rate * capacity_ampere_hour
    return channel_transport(
        times, current, capacity_ampere_hour=capacity_ampere_hour, options=options, reporter=reporter
    )


def channel_transport(
    time_second: ArrayLike,
    current_ampere: ArrayLike,
    *,
    capacity_ampere_hour: float | None = None,
    options: ChannelOptions = ChannelOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Return salt and potential in the channel for a current in time, from rest at the first time.

    The channel is so thin that the concentration is the same over its depth (`vertical_concentration_change` says how
    nearly): the model is two-dimensional, in the plane of the chip. Convection, which lowers all gradients, is absent.

    Parameters
    ----------
    time_second : (times,) array
        Increasing; the salt is at rest at the first.
    current_ampere : float or (times,) array
        Positive = delithiation. An array is joined by straight lines.
    capacity_ampere_hour : float, optional
        Capacity of the electrode, for `salt_per_site`.
    options : ChannelOptions
        Geometry, liquid, accuracy.

    Returns
    -------
    electrolyte_channel
        NaN with the flag ``unsolvable`` from the time on at which the salt runs out above the electrode.

    Raises
    ------
    AnalysisError
        If times or currents are unusable.
    """
    times, currents = _checked(time_second, current_ampere)
    channel = make_channel(options)
    reference = options.salt_concentration * _PER_LITRE
    area = float(channel.load.sum())
    volume = area * options.gap * _MICROMETRE

    def _source(time: float) -> float:
        return (1 - options.transference_number) * float(np.interp(time, times, currents)) / (FARADAY * volume)

    salt = Salt(channel, reference, options.diffusivity, options.diffusivity_exponent, _source)
    first = Progress(np.full(channel.basis.N, reference), 0.0, 0.0, float(np.diff(times).min()) / 4)
    concentration, balance = _history(salt, first, times, options.tolerance * reference, reporter)
    potential = np.full_like(concentration, np.nan)
    for k in np.flatnonzero(np.isfinite(concentration[:, 0])):
        potential[k] = _potential(channel, concentration[k], currents[k] / volume, options)
    return _assembled(channel, times, currents, concentration, potential, balance, capacity_ampere_hour, options)


def _checked(time_second: ArrayLike, current_ampere: ArrayLike) -> tuple[FloatArray, FloatArray]:
    times = np.asarray(time_second, dtype=float)
    if times.ndim != 1 or len(times) < 2 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise AnalysisError(
            "the times of the model do not increase", field="time_second", value=times, limit="two or more, increasing"
        )
    current = np.asarray(current_ampere, dtype=float)
    if current.shape not in ((), times.shape) or not np.all(np.isfinite(current)):
        raise AnalysisError(
            "the current does not fit the times",
            field="current_ampere",
            value=current.shape if current.size > 1 else current_ampere,
            limit=f"one finite number, or {len(times)} of them",
        )
    return times, np.broadcast_to(current, times.shape).copy()


def _history(
    salt: Salt, progress: Progress, times: FloatArray, tolerance: float, reporter: Reporter
) -> tuple[FloatArray, FloatArray]:
    """Return the concentration (times, nodes), mol/m3, and the salt unaccounted for (times,)."""
    first = progress.c.copy()
    concentration = np.full((len(times), len(first)), np.nan)
    concentration[0] = first
    balance = np.zeros(len(times))
    weights = np.asarray(salt.channel.mass.sum(axis=0)).ravel()
    turned_over = 0.0
    intervals = range(len(times) - 1)
    for k in reporter.track(intervals, label="electrolyte", total=len(times) - 1):
        released = progress.released
        try:
            advance(salt, progress, times[k], times[k + 1], tolerance)
            empty = bool(np.min(progress.c) <= 0)
        except StepTooSmallError:
            empty = True
        if empty:
            warnings.warn(
                f"the salt above the electrode runs out between {times[k]:.0f} and {times[k + 1]:.0f} s; "
                "no value is given from there on",
                LithiscopeWarning,
                stacklevel=4,
            )
            balance[k + 1 :] = np.nan
            break
        concentration[k + 1] = progress.c
        turned_over += abs(progress.released - released)
        gained = float(weights @ (progress.c - first))
        missing = gained - progress.released - progress.entered
        balance[k + 1] = missing / turned_over if turned_over > 0 else 0.0
    return concentration, balance


def _potential(channel: Channel, c: FloatArray, current_source: float, options: ChannelOptions) -> FloatArray:
    reference = options.salt_concentration * _PER_LITRE
    conductivity = options.conductivity * (channel.at_quadrature(c) / reference) ** options.conductivity_exponent
    per_logarithm = diffusion_potential(options.temperature, options.transference_number, options.thermodynamic_factor)
    return solve_potential(channel, c, current_source, conductivity, per_logarithm)


def vertical_change(current_ampere: ArrayLike, options: ChannelOptions) -> FloatArray:
    """Return the difference of concentration between bottom and top of the gap, mol/L.

    Flux N = (1 - t+) I / (F A) through the bottom, none through the top, uniform source in the mean: N h / (2 D).

    Parameters
    ----------
    current_ampere : float or array
        Positive = delithiation.
    options : ChannelOptions
        Geometry and liquid.
    """
    area = float(np.prod(options.electrode)) * _MICROMETRE**2
    flux = (1 - options.transference_number) * np.asarray(current_ampere, dtype=float) / (FARADAY * area)
    return np.asarray(flux * options.gap * _MICROMETRE / (2 * options.diffusivity) / _PER_LITRE)


def salt_per_site(capacity_ampere_hour: float, options: ChannelOptions) -> float:
    """Return the salt in the liquid above the electrode over the lithium sites of the electrode, mole over mole.

    Examples
    --------
    >>> round(salt_per_site(5.5e-9, ChannelOptions()), 2)
    9.94
    """
    volume = float(np.prod(options.electrode)) * options.gap * _MICROMETRE**3
    return options.salt_concentration * _PER_LITRE * volume / (capacity_ampere_hour * 3600 / FARADAY)


def _assembled(
    channel: Channel,
    times: FloatArray,
    currents: FloatArray,
    concentration: FloatArray,
    potential: FloatArray,
    balance: FloatArray,
    capacity: float | None,
    options: ChannelOptions,
) -> xr.Dataset:
    x, y, order = channel.grid
    above = np.zeros(channel.basis.N, dtype=bool)
    above[np.unique(channel.above.element_dofs)] = True
    litre = concentration / _PER_LITRE
    change = litre - options.salt_concentration
    flag = np.where(np.isfinite(litre[:, 0]), 0, stages.flag_bit("unsolvable"))
    shown = "time y x"
    variables: dict[str, tuple[str, Any]] = {
        "salt_concentration": (shown, litre[:, order]),
        "salt_concentration_flag": ("time", flag),
        "potential_volt": (shown, potential[:, order]),
        "potential_volt_flag": ("time", flag),
        "electrode": ("y x", above[order]),
        "current_ampere": ("time", currents),
        "largest_concentration_change": ("time", _largest(change[:, above])),
        "mean_concentration_change": ("time", change @ channel.load / channel.load.sum()),
        "largest_potential_change": ("time", _largest(potential[:, above])),
        "vertical_concentration_change": ("time", vertical_change(currents, options)),
        "salt_balance": ("time", balance),
        "vertical_time": ("", (options.gap * _MICROMETRE) ** 2 / options.diffusivity),
    }
    if capacity is not None:
        variables["salt_per_site"] = ("", salt_per_site(capacity, options))
    # Positions from the centre of the chip, um.
    coords = {
        "time": ("time", times),
        "y": ("y", (y - (y[0] + y[-1]) / 2) / _MICROMETRE),
        "x": ("x", (x - (x[0] + x[-1]) / 2) / _MICROMETRE),
    }
    return stages.new("electrolyte_channel", variables, coords=coords, attrs={"options": options.model_dump_json()})


def _largest(values: FloatArray) -> FloatArray:
    """Return along the last axis the value of the largest size, with its sign."""
    where = np.argmax(np.abs(np.nan_to_num(values)), axis=1)
    return np.asarray(values[np.arange(len(values)), where])
