"""The figures of cell and kinetics, by name with the unit in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.runner import Study

_WORDS = {1: "lithiation", -1: "delithiation"}
_FITS = {"law_fit": "fast", "law_fit_slow": "slow"}
_FREE = "free"


def kinetic_figures(study: Study) -> dict[str, Any]:
    """Return the figures of cell and kinetics of a study; empty where it has neither.

    Returns
    -------
    dict
        Per direction: overpotential of the cell, insertion rate and uniformity, as means with their standard errors
        over the particles; k0 of the first law of the recipe in each domain, and where the free law peaks; the mean
        overlap (Dice) of the domains of two directions.
    """
    results = study.results
    found: dict[str, Any] = {}
    if "cell_intervals" in results:
        found |= _overpotentials(results["cell_intervals"])
    if "rate_table" in results:
        found |= _rates(results["rate_table"])
    if "uniformity" in results:
        table = results["uniformity"]
        found |= _by_direction(table["uniformity"].values, table["direction"].values, "uniformity_{}")
    region = study.recipe.kinetics.law.region
    for name, domain in _FITS.items():
        if name in results:
            found |= _fit(results[name], study.recipe.kinetics.law.laws, domain if region == "uniform" else region)
    if "domain_agreement" in results:
        pairs = results["domain_agreement"]
        across = pairs["dice"].values[pairs["kind"].values == "directions"]
        found["domain_overlap_of_directions"] = _mean(across)
    return found


def _overpotentials(intervals: xr.Dataset) -> dict[str, float]:
    if "overpotential_volt" not in intervals:
        return {}
    eta, way = intervals["overpotential_volt"].values, intervals["direction"].values
    return {f"overpotential_{word}_V": _mean(eta[way == sign]) for sign, word in _WORDS.items() if np.any(way == sign)}


def _rates(table: xr.Dataset) -> dict[str, float]:
    whole = table["region"].values == "all" if "region" in table.variables else np.ones(table.sizes["particle"], bool)
    return _by_direction(table["insertion_rate"].values[whole], table["direction"].values, "insertion_rate_{}_per_h")


def _by_direction(values: np.ndarray, way: np.ndarray, name: str) -> dict[str, float]:
    """Return the mean over the particles, each with its own mean, and its standard error."""
    found: dict[str, float] = {}
    for sign, word in _WORDS.items():
        here = np.asarray(values, dtype=float)[:, way == sign]
        known = np.isfinite(here)
        has = known.any(axis=1)
        if not has.any():
            continue
        each = np.where(known, here, 0.0)[has].sum(axis=1) / known[has].sum(axis=1)
        found[name.format(word)] = float(each.mean())
        found[f"{name.format(word)}_std"] = (
            float(each.std(ddof=1) / np.sqrt(each.size)) if each.size > 1 else float("nan")
        )
    return found


def _fit(fit: xr.Dataset, laws: tuple[str, ...], domain: str) -> dict[str, float]:
    """Return k0 of one law whatever is preferred, so that it can be compared between choices."""
    names = [str(name) for name in fit["law"].values]
    found: dict[str, float] = {}
    known = [name for name in laws if name in names and np.isfinite(float(fit["rate_constant"].sel(law=name)))]
    if known:
        for end in ("", "_std"):
            found[f"k0_{domain}_{known[0]}_A_m2{end}"] = float(fit[f"rate_constant{end}"].sel(law=known[0]))
    if _FREE in names:
        for end in ("", "_std"):
            found[f"j0_peak_x_{domain}{end}"] = float(fit[f"peak_position{end}"].sel(law=_FREE))
    return found


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")
