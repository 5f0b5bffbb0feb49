"""Exchange current densities from current densities and the overpotential of the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import laws, stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.extend import causes_of, extended
from lithiscope.kinetics.rates import blocks
from lithiscope.kinetics.rates_options import ExchangeOptions

if TYPE_CHECKING:
    import xarray as xr

_CURRENT, _EXCHANGE, _X, _ETA = "current_density", "exchange_current_density", "lithium_fraction", "overpotential_volt"
_LAW_CAUSE = "reaction_law"
_EQUILIBRIUM_CAUSE = "equilibrium_law"


class Drive(NamedTuple):
    """A reaction law with the equilibrium that its overpotential counts from."""

    reaction: laws.ReactionLaw
    potential: laws.ChemicalPotential | None
    closest: float

    @property
    def sees_composition(self) -> bool:
        """Whether the rate at a given voltage depends on x beside the exchange current."""
        return self.potential is not None or self.reaction.needs_composition

    def overpotential(self, eta: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return the overpotential of every pixel in kT/e: that of the cell plus mu(x), as V_eq = V0 - mu kT/e."""
        if self.potential is None:
            return np.broadcast_to(eta, x.shape)
        return np.asarray(eta + self.potential(np.clip(x, self.closest, 1 - self.closest)))

    def rate(self, eta: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return j/j0 at the overpotential of the cell (kT/e) and a composition."""
        x = np.clip(x, self.closest, 1 - self.closest)
        return np.asarray(self.reaction.rate(self.overpotential(eta, x), x))

    def exchange(
        self, current: np.ndarray, eta: np.ndarray, x: np.ndarray, spread: np.ndarray | float = 0.0
    ) -> laws.ExchangeCurrent:
        """Return the exchange current density with its derivatives; see `bent` for the spread."""
        composition = np.clip(x, self.closest, 1 - self.closest) if self.reaction.needs_composition else None
        found = laws.exchange_current(current, self.overpotential(eta, x), self.reaction, x=composition)
        factor = self.bent(eta, x, spread)
        return laws.ExchangeCurrent(found.value / factor, found.by_current / factor, found.by_overpotential / factor)

    def bent(self, eta: np.ndarray, x: np.ndarray, spread: np.ndarray | float) -> np.ndarray:
        """Return the mean rate in an interval over the rate at its mean overpotential; 1 for a linear law.

        The overpotential varies within the interval by the standard deviation `spread` (kT/e); its distribution is
        stood for by its mean plus and minus one standard deviation, which is right to the third order.
        """
        spread = np.asarray(spread)
        if not np.any(spread):
            return np.ones(())
        around = (self.rate(eta + spread, x) + self.rate(eta - spread, x)) / 2
        return np.asarray(around / self.rate(eta, x))


def with_exchange_current(
    rates: xr.Dataset,
    intervals: xr.Dataset,
    *,
    options: ExchangeOptions = ExchangeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Add the exchange current density j0 = j/r(eta) of every pixel, r the reaction law (Lim 2016, eqs. S7, S9, S10).

    Parameters
    ----------
    rates : rate_video
        With a current density.
    intervals : cell_intervals
        What the cell did in the same intervals, with its overpotential.
    options : ExchangeOptions
        Law, equilibrium voltage, range of overpotential.

    Returns
    -------
    rate_video
        With `exchange_current_density` (A/m2), its random error (that of the pixel alone), shifts and flags; the change
        that one standard deviation of the overpotential makes, common to the interval (`overpotential_effect`); the
        overpotential and its error; the applied C-rate. NaN with the flag ``unsolvable`` where the overpotential is
        below the floor or above the range of the law, ``missing`` where it is not known. Values below zero by more
        than their noise stay, with the warning ``wrong_sign``: leaving them out would bias means. The shift
        ``reaction_law`` is what another law would have said, ``equilibrium_law`` what a V_eq(x) would have that follows
        the regular solution (or does not): the two sensitivity analyses of Lim 2016 (fig. S17).

    Raises
    ------
    StageError
        If there is no current density, or the intervals are others.
    AnalysisError
        If no interval has an overpotential, or its sign contradicts the direction of most intervals.
    OptionError
        If the law is unknown.

    Notes
    -----
    With dx/dt = c F(x) r(eta), integral dx/F = c integral r(eta) dt holds exactly: what counts is the mean of r over
    the interval. For the linear law that is r of the mean overpotential; for laws that bend the variation within the
    interval is taken into account (`Drive.bent`). What F does within an interval is left to `fit_exchange_current`.
    """
    stages.check(rates, "rate_video")
    stages.check(intervals, "cell_intervals")
    if _CURRENT not in rates:
        raise StageError(
            "an exchange current needs a current density", field=_CURRENT, remedy="call with_current_density before"
        )
    eta = _overpotential(rates, intervals)
    law, others = drive_of(options), _others(options)
    causes, moved_eta = _causes(rates, intervals, list(others))
    spread = spread_of(intervals)
    variables = _maps(rates, eta, _eta_std(intervals), spread, law, others, causes, moved_eta, options)
    dims = " ".join(str(dim) for dim in rates[_CURRENT].dims)
    result: dict[str, tuple[str, Any]] = {
        name: (f"systematic {dims}" if name.endswith("_shift") else dims, values) for name, values in variables.items()
    }
    result[_ETA] = ("interval", eta)
    for name, source in ((f"{_ETA}_std", f"{_ETA}_std"), ("applied_c_rate", "c_rate")):
        if source in intervals:
            result[name] = ("interval", intervals[source].values)
    return extended(
        rates,
        result,
        coords=_direction(rates, intervals),
        causes=causes,
        attrs={"law": _words(law, options), "exchange_options": options.model_dump_json()},
    )


def _overpotential(rates: xr.Dataset, intervals: xr.Dataset) -> np.ndarray:
    for name in ("before", "after"):
        if not np.array_equal(rates[name].values, intervals[name].values):
            raise StageError(
                "the intervals of the cell are not those of the rates",
                field=name,
                value=intervals[name].values,
                limit=str(rates[name].values),
                remedy="make both from the same video",
            )
    if _ETA not in intervals or not np.isfinite(intervals[_ETA].values).any():
        raise AnalysisError(
            "no interval has an overpotential",
            field=_ETA,
            value="absent" if _ETA not in intervals else "all NaN",
            remedy="check that images and trace overlap in time, and that resistance and equilibrium voltage are known",
        )
    eta = np.asarray(intervals[_ETA].values, dtype=float)
    direction = rates["direction"].values if np.any(rates["direction"].values) else _cell_direction(intervals)
    known = np.isfinite(eta) & (direction != 0)
    contrary = int(np.count_nonzero(np.sign(eta[known]) == direction[known]))
    if known.sum() >= 3 and contrary > known.sum() / 2:
        raise AnalysisError(
            "the overpotential has the sign of the other direction in most intervals",
            field=_ETA,
            value=f"{contrary} of {int(known.sum())}",
            limit="positive on delithiation, negative on lithiation",
            remedy="check the sign of the current, the equilibrium voltage and the clock of the trace",
        )
    return eta


def _cell_direction(intervals: xr.Dataset) -> np.ndarray:
    if "direction" in intervals.coords:
        return np.asarray(intervals["direction"].values, dtype=int)
    return np.zeros(intervals.sizes["interval"], dtype=int)


def _direction(rates: xr.Dataset, intervals: xr.Dataset) -> dict[str, tuple[str, Any]]:
    """Return the directions of the cell where the frames had none."""
    if np.any(rates["direction"].values) or "half_cycle" not in intervals.coords:
        return {}
    return {
        "direction": ("interval", _cell_direction(intervals)),
        "half_cycle": ("interval", intervals["half_cycle"].values),
    }


def _eta_std(intervals: xr.Dataset) -> np.ndarray | None:
    if f"{_ETA}_std" not in intervals:
        return None
    return np.asarray(np.nan_to_num(np.asarray(intervals[f"{_ETA}_std"].values, dtype=float)))


def spread_of(intervals: xr.Dataset) -> np.ndarray:
    """Return by how much the overpotential varied within each interval (V); 0 where that is not known."""
    if "overpotential_spread_volt" not in intervals:
        return np.zeros(intervals.sizes["interval"])
    return np.asarray(np.nan_to_num(np.asarray(intervals["overpotential_spread_volt"].values, dtype=float)))


def drive_of(options: ExchangeOptions, name: str | None = None) -> Drive:
    """Return the reaction law of the options, or another one without parameters, with their equilibrium.

    Raises
    ------
    OptionError
        If the law is unknown.
    """
    potential = (
        laws.chemical_potential("regular_solution", omega=options.omega)
        if options.equilibrium == "regular_solution"
        else None
    )
    reaction = laws.reaction_law(options.law, **options.parameters) if name is None else laws.reaction_law(name)
    return Drive(reaction, potential, options.closest_to_ends)


def _others(options: ExchangeOptions) -> dict[str, Drive]:
    """Return what to compare with, by the cause of the shift: another reaction law, another equilibrium."""
    found: dict[str, Drive] = {}
    name = "linear" if options.compare_with == options.law else options.compare_with
    if name is not None and name != options.law:
        found[_LAW_CAUSE] = drive_of(options, name)
    if options.compare_equilibrium:
        other = "regular_solution" if options.equilibrium == "cell" else "cell"
        found[_EQUILIBRIUM_CAUSE] = drive_of(options.model_copy(update={"equilibrium": other}))
    return found


def _words(law: Drive, options: ExchangeOptions) -> str:
    parameters = ", ".join(f"{name}={value:g}" for name, value in options.parameters.items())
    around = f"V_eq(x) of a regular solution, Omega = {options.omega:g} kT" if law.potential else "one V_eq"
    return f"{options.law}({parameters}), {around}" if parameters else f"{options.law}, {around}"


def _causes(rates: xr.Dataset, intervals: xr.Dataset, others: Sequence[str]) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return all causes, those of the rates first, and by how much each moves the overpotential (V)."""
    moved: dict[str, np.ndarray] = {}
    if f"{_ETA}_shift" in intervals:
        for cause, shift in zip(causes_of(intervals), intervals[f"{_ETA}_shift"].values, strict=True):
            if np.any(np.nan_to_num(shift) != 0):
                moved[cause] = np.nan_to_num(np.asarray(shift, dtype=float))
    causes = causes_of(rates)
    more = [*moved, *others]
    return [*causes, *(cause for cause in more if cause not in causes)], moved


def _maps(
    rates: xr.Dataset,
    eta: np.ndarray,
    eta_std: np.ndarray | None,
    spread: np.ndarray,
    law: Drive,
    others: Mapping[str, Drive],
    causes: list[str],
    moved_eta: dict[str, np.ndarray],
    options: ExchangeOptions,
) -> dict[str, np.ndarray]:
    """Return the maps of the exchange current, (interval, space), or (systematic, interval, space) for shifts."""
    shape = rates[_CURRENT].shape
    volt = float(laws.thermal_voltage(options.temperature))
    has_std = f"{_CURRENT}_std" in rates
    maps = {_EXCHANGE: np.empty(shape, np.float32)}
    if has_std:
        maps[f"{_EXCHANGE}_std"] = np.empty(shape, np.float32)
    if eta_std is not None:
        maps["overpotential_effect"] = np.empty(shape, np.float32)
    if causes:
        maps[f"{_EXCHANGE}_shift"] = np.zeros((len(causes), *shape), np.float32)
    flags = np.array(rates[f"{_CURRENT}_flag"].values, np.uint16)
    column = (-1, *([1] * (len(shape) - 1)))
    for block in blocks(shape[0], int(np.prod(shape[1:]))):
        current = rates[_CURRENT].values[block].astype(float)
        x = rates[_X].values[block].astype(float)
        u, du = eta[block].reshape(column) / volt, spread[block].reshape(column) / volt
        flags[block] |= _range_flags(law.overpotential(u, x) * volt, options)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            found = law.exchange(current, u, x, du)
            value = np.where(stages.fatal_mask(flags[block]), np.nan, found.value)
            if has_std:
                std = _random(rates, block, law, current, (u, du), x, found)
                flags[block] |= np.where(
                    value < -options.wrong_sign_sigma * std, stages.flag_bit("wrong_sign"), 0
                ).astype(np.uint16)
                maps[f"{_EXCHANGE}_std"][block] = np.where(np.isfinite(value), std, np.nan)
            if eta_std is not None:
                effect = found.by_overpotential * (eta_std[block].reshape(column) / volt)
                maps["overpotential_effect"][block] = np.where(np.isfinite(value), effect, np.nan)
            for number, cause in enumerate(causes):
                by = moved_eta[cause][block].reshape(column) / volt if cause in moved_eta else 0.0
                moved = _moved(rates, block, causes_of(rates), cause, current, x)
                shifted = others.get(cause, law).exchange(moved[0], u + by, moved[1], du).value - value
                maps[f"{_EXCHANGE}_shift"][number, block] = shifted
        maps[_EXCHANGE][block] = value
    return {**maps, f"{_EXCHANGE}_flag": flags}


def _range_flags(volt: np.ndarray, options: ExchangeOptions) -> np.ndarray:
    """Return the flags of overpotentials (V) that are not known, too small, or too large for the law."""
    size = np.abs(volt)
    with np.errstate(invalid="ignore"):
        outside = size < options.smallest_overpotential
        if options.largest_overpotential is not None:
            outside |= size > options.largest_overpotential
    flag = np.where(outside, stages.flag_bit("unsolvable"), 0)
    return np.where(np.isnan(volt), stages.flag_bit("missing"), flag).astype(np.uint16)


def _random(
    rates: xr.Dataset,
    block: slice,
    law: Drive,
    current: np.ndarray,
    drive: tuple[np.ndarray, np.ndarray],
    x: np.ndarray,
    found: laws.ExchangeCurrent,
) -> np.ndarray:
    """Propagate the noise of the pixel: that of the current and, where it matters, of the composition."""
    variance = (found.by_current * rates[f"{_CURRENT}_std"].values[block].astype(float)) ** 2
    if law.sees_composition:
        step = rates[f"{_X}_std"].values[block].astype(float)
        u, du = drive
        change = law.exchange(current, u, x + step, du).value - law.exchange(current, u, x - step, du).value
        variance = variance + (change / 2) ** 2
    return np.asarray(np.sqrt(variance))


def _moved(
    rates: xr.Dataset, block: slice, known: list[str], cause: str, current: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return current and composition as a cause of the rates moves them."""
    if cause not in known:
        return current, x
    number = known.index(cause)
    if f"{_CURRENT}_shift" in rates:
        current = current + rates[f"{_CURRENT}_shift"].values[number, block]
    if f"{_X}_shift" in rates:
        x = x + rates[f"{_X}_shift"].values[number, block]
    return current, x
