"""What limits particles that react through their thickness: the ratio of times, the one thing that can be weighed.

The picture does not show the way through the thickness, so of the pieces of evidence only the times are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.regime import evidence_of, times_piece
from lithiscope.kinetics.regime_options import RegimeOptions
from lithiscope.kinetics.regime_particles import Case, assembled
from lithiscope.kinetics.times import bulk_time, reaction_time

if TYPE_CHECKING:
    import xarray as xr


def diagnose_through(
    table: xr.Dataset,
    fit: xr.Dataset,
    diffusivity: tuple[float, float],
    *,
    exchange_current: tuple[float, float] | None = None,
    options: RegimeOptions = RegimeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Weigh the time of the surface reaction against that of diffusion through the thickness.

    Parameters
    ----------
    table : rate_table
        With insertion rate and thickness; the rows of the region that was fitted are used.
    fit : law_fit
        Its preferred law gives j0 as the mean over x.
    diffusivity : (float, float)
        Smallest and largest chemical diffusivity thought possible, m2/s.
    exchange_current : (float, float), optional
        j0 (mean over x) and its standard deviation, A/m2, from elsewhere; takes the place of the fit.
    options : RegimeOptions
        Faces, site density, band, level.

    Returns
    -------
    evidence_table
        With dimensions (particle, half_cycle, evidence): one piece, ``ratio_of_times``, whose verdict is the verdict,
        and the three times of the morphology diagram. A fitted j0 holds what diffusion took: tau_reaction is then about
        the sum of both times, so that a slow surface can be shown and a slow bulk reads "not decidable".

    Raises
    ------
    AnalysisError
        If there is no thickness, no j0, or no half cycle.
    """
    stages.check(table, "rate_table")
    stages.check(fit, "law_fit")
    if "thickness" not in table:
        raise AnalysisError(
            "the times need a thickness", field="thickness", remedy="state kinetics.thickness (nm) or measure it"
        )
    rows = np.arange(table.sizes["particle"])
    if "region" in table and "region" in fit.attrs:
        rows = np.flatnonzero(table["region"].values == fit.attrs["region"])
    half, way = np.asarray(table["half_cycle"].values), np.asarray(table["direction"].values)
    numbers = [int(one) for one in np.unique(half[(half >= 0) & (way != 0)])]
    if not len(rows) or not numbers:
        raise AnalysisError(
            "no particle of the fit moved in a half cycle",
            field="half_cycle" if len(rows) else "region",
            value=f"{len(rows)} particles, {len(numbers)} half cycles",
        )
    source = "the fit" if exchange_current is None else "stated"
    known = _mean_exchange(fit) if exchange_current is None else exchange_current
    cases = {
        (str(table["particle"].values[row]), number): _case(
            table.isel(particle=row, interval=np.flatnonzero((half == number) & (way != 0))),
            diffusivity,
            known,
            source,
            options,
        )
        for row in rows
        for number in numbers
    }
    if all(case.table is None for case in cases.values()):
        raise AnalysisError(
            "no particle has a thickness and a rate", field="particle", value=next(iter(cases.values())).reason
        )
    signs = [int(way[(half == number) & (way != 0)][0]) for number in numbers]
    found = assembled(list(dict.fromkeys(name for name, _ in cases)), numbers, signs, cases)
    return found.assign_attrs(diffusion_time="stated")


def _mean_exchange(fit: xr.Dataset) -> tuple[float, float]:
    """Return j0 of the preferred law, mean over x, and its standard deviation (A/m2)."""
    names = [str(name) for name in fit["law"].values]
    constant = np.asarray(fit["rate_constant"].values, dtype=float)
    wanted = str(fit.attrs.get("preferred", ""))
    usable = [k for k, value in enumerate(constant) if np.isfinite(value) and value > 0]
    if not usable:
        raise AnalysisError(
            "no law was fitted, so there is no exchange current",
            field="rate_constant",
            remedy="state kinetics.regime.exchange_current",
        )
    best = names.index(wanted) if wanted in names and names.index(wanted) in usable else usable[0]
    curve, x = np.asarray(fit["fit"].values[best], dtype=float), np.asarray(fit["x_grid"].values, dtype=float)
    value = float(np.trapezoid(curve, x) / (x[-1] - x[0]))
    return value, value * float(fit["rate_constant_std"].values[best]) / float(constant[best])


def _case(
    one: xr.Dataset,
    diffusivity: tuple[float, float],
    exchange_current: tuple[float, float],
    source: str,
    options: RegimeOptions,
) -> Case:
    """Weigh one particle in one half cycle."""
    length = float(one["thickness"])
    hours = np.asarray(one["duration"].values, dtype=float) / 3600
    rate = np.asarray(one["insertion_rate"].values, dtype=float)
    good = np.isfinite(rate)
    passed = abs(float((rate * hours)[good].sum())) if good.any() else 0.0
    if not (np.isfinite(length) and length > 0 and passed > 0):
        return Case(None, "none", "neither thickness nor rate is known")
    piece = times_piece(length, diffusivity, exchange_current, options)
    way = length / 2 if options.faces == 2 else length
    slow, fast = (bulk_time(way, one_of) for one_of in diffusivity)
    value, std = exchange_current
    reaction = reaction_time(length, value, site_density=options.site_density, faces=options.faces)
    process, doubt = 3600 * float(hours[good].sum()) / passed, (1 + _relative(one, passed)) ** 1.96
    factor = (1 + std / value) ** 1.96
    times = {
        "tau_bulk": float(np.sqrt(slow * fast)), "tau_bulk_low": fast, "tau_bulk_high": slow,
        "tau_reaction": reaction, "tau_reaction_low": reaction / factor, "tau_reaction_high": reaction * factor,
        "tau_process": process, "tau_process_low": process / doubt, "tau_process_high": process * doubt,
    }  # fmt: skip
    # There is one piece, so it decides alone.
    alone = options.model_copy(update={"agreeing": 1})
    return Case(evidence_of([piece], times, exchange_current, alone), source, "")


def _relative(one: xr.Dataset, passed: float) -> float:
    """Return the relative error of the change of x from the first to the last frame: only their noise counts."""
    if "insertion_rate_std" not in one:
        return 0.0
    std = np.asarray((one["insertion_rate_std"] * one["duration"]).values, dtype=float) / 3600
    std = std[np.isfinite(std)]
    return float(np.median(std) / passed) if std.size else 0.0
