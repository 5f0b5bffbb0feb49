"""What a reader must know first about cell and kinetics: the main figures, and warnings in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.report.exchange import best_law, law_text
from lithiscope.report.page.content import Notice, Quantity
from lithiscope.report.plots import DIRECTION_NAMES, c_rate_text, readable, with_error
from lithiscope.report.population import groups_of
from lithiscope.report.regime import DIFFUSION, REACTION

if TYPE_CHECKING:
    import xarray as xr

Results = Mapping[str, "xr.Dataset"]

_LINEAR_LIMIT = 0.120  # V, up to which Lim 2016 takes the linear law
_FEW_PARTICLES = 3
_POOR_FIT = 2.0  # chi-square per degree of freedom
_MANY = 0.05  # share of frames or intervals above which something is worth a warning


def kinetic_summary(results: Results) -> list[Quantity]:
    """Return the main figures of cell and kinetics for the head of a page."""
    found = []
    if "half_cycles" in results:
        found.append(_half_cycles(results["half_cycles"]))
    if "law_fit" in results and "rate_constant" in results["law_fit"]:
        found.append(_rate_constant(results["law_fit"]))
    if "uniformity" in results and "uniformity" in results["uniformity"]:
        found += _uniformities(results["uniformity"])
    if "evidence" in results:
        verdict = str(results["evidence"].attrs["verdict"])
        word = {REACTION: "surface reaction", DIFFUSION: "bulk diffusion"}.get(verdict, verdict)
        found.append(Quantity("Limited by", word, remark=str(results["evidence"].attrs.get("confidence", ""))))
    return found


def _half_cycles(half_cycles: xr.Dataset) -> Quantity:
    name = next((n for n in ("nominal_c_rate", "measured_c_rate") if n in half_cycles), None)
    remark = ""
    if name is not None:
        rates = half_cycles[name].values[np.isfinite(half_cycles[name].values)]
        remark = (
            " to ".join(dict.fromkeys(c_rate_text(float(r)) for r in (rates.min(), rates.max()))) if rates.size else ""
        )
    return Quantity("Half cycles", str(half_cycles.sizes["half_cycle"]), remark=remark)


def _rate_constant(fit: xr.Dataset) -> Quantity:
    best = best_law(fit)
    value = float(fit["rate_constant"].values[best])
    error = float(fit["rate_constant_std"].values[best]) if "rate_constant_std" in fit else float("nan")
    factor, unit = readable([value], "A/m²")
    return Quantity(
        "Rate constant k₀", with_error(factor * value, factor * error), unit, law_text(str(fit["law"].values[best]))
    )


def _uniformities(table: xr.Dataset) -> list[Quantity]:
    if "direction" not in table.coords:
        return []
    values, way = np.asarray(table["uniformity"].values, dtype=float), np.asarray(table["direction"].values)
    found = []
    for direction in (1, -1):
        chosen = values[:, way == direction]
        if np.isfinite(chosen).any():
            mean = float(np.nanmean(chosen))
            found.append(
                Quantity(f"Uniformity, {DIRECTION_NAMES[direction]}", f"{mean:.2f}", remark="mean of the particles")
            )
    return found


def kinetic_notices(results: Results) -> list[Notice]:
    """Return warnings about cell and kinetics in plain words; each says what is wrong and what it does."""
    found: list[Notice] = []
    for name, tell in (
        ("clock", _clock_notices),
        ("cell_frames", _frame_notices),
        ("rate_table", _rate_notices),
        ("law_fit", _law_notices),
        ("domains", _domain_notices),
        ("uniformity", _uniformity_notices),
        ("evidence", _evidence_notices),
    ):
        if name in results:
            found += tell(results[name])
    if "cell_trace" in results and "clock" not in results and "rates" in results:
        found.append(
            Notice(
                "No clock joins images and potentiostat: which voltage belongs to which frame is not known. Give both "
                "time zones (data.timezone, cell.timezone), or moments that both saw (cell.clock)."
            )
        )
    return found


def _clock_notices(clock: xr.Dataset) -> list[Notice]:
    if "drift_std" in clock and np.isfinite(float(clock["drift_std"].values)):
        return []
    return [
        Notice(
            "The drift between the clocks of microscope and potentiostat is not known; far from the edge that "
            "joins them, voltage and frame may not belong together. More edges or markers far apart in time "
            "(cell.clock) would tell it.",
            "note",
        )
    ]


def _frame_notices(frames: xr.Dataset) -> list[Notice]:
    found = []
    count = frames.sizes["time"]
    if "voltage_volt" in frames:
        lost = int(np.isnan(frames["voltage_volt"].values).sum())
        if lost:
            found.append(
                Notice(
                    f"{lost} of {count} frames lie outside the potentiostat's trace and have no voltage. Check the "
                    "clock and the time zones (cell.clock, cell.timezone), and name all files of it (cell.files)."
                )
            )
    if {"ohmic_drop_volt", "overpotential_volt"} <= set(frames):
        with np.errstate(invalid="ignore"):
            large = np.abs(frames["ohmic_drop_volt"].values) > np.abs(frames["overpotential_volt"].values)
        if large.mean() > _MANY:
            found.append(
                Notice(
                    f"In {int(large.sum())} of {count} frames the ohmic drop is larger than the overpotential "
                    "that is left: an error of the resistance moves every exchange current. Measure it by steps of "
                    "current or an impedance spectrum (cell.resistance); vary cell.resistance.ohm to see its effect."
                )
            )
    return found


def _rate_notices(table: xr.Dataset) -> list[Notice]:
    found = []
    particles = table.sizes["particle"]
    if particles < _FEW_PARTICLES:
        word = "particle" if particles == 1 else "particles"
        found.append(
            Notice(
                f"Only {particles} {word}: what holds for them need not hold for the electrode. `lithiscope pool` "
                "joins studies.",
                "note",
            )
        )
    if "current_density" in table and not np.isfinite(table["current_density"].values).any():
        found.append(
            Notice(
                "No particle has a current density: the thickness is missing. State it (kinetics.thickness), or "
                "measure a pre-edge."
            )
        )
    if "overpotential_volt" in table and "linear" in str(table.attrs.get("law", "")).lower():
        flowing = (
            table["direction"].values != 0 if "direction" in table.coords else np.ones(table.sizes["interval"], bool)
        )
        beyond = flowing & (np.abs(np.nan_to_num(table["overpotential_volt"].values)) > _LINEAR_LIMIT)
        if beyond.any():
            found.append(
                Notice(
                    f"In {int(beyond.sum())} of {int(flowing.sum())} intervals the overpotential is above 120 mV, "
                    "where the linear law makes the exchange current more than twice too large (Butler–Volmer). Use "
                    "kinetics.exchange.law: butler_volmer, or leave them out by largest_overpotential."
                )
            )
    return found


def _law_notices(fit: xr.Dataset) -> list[Notice]:
    found = []
    names = [str(name) for name in fit["law"].values]
    if len(names) > 1 and "preferred" in fit.attrs and str(fit.attrs["preferred"]) not in names:
        found.append(
            Notice(
                "The measured exchange currents do not decide between the fitted laws. Report both, or measure more "
                "compositions, near empty and full.",
                "note",
            )
        )
    freedom = float(fit.attrs.get("degrees_of_freedom", 0) or 0)
    if "chi_square" in fit and freedom > 0:
        ratio = float(fit["chi_square"].values[best_law(fit)]) / freedom
        if ratio > _POOR_FIT:
            found.append(
                Notice(
                    f"The exchange currents scatter {np.sqrt(ratio):.1f} times more than their errors about the best "
                    "law: particles differ, or errors are too small. kinetics.law.particle_scatter lets k0 differ "
                    "between particles; look at the residuals of the law first."
                )
            )
    return found


def _domain_notices(domains: xr.Dataset) -> list[Notice]:
    if not {"contrast", "contrast_noise"} <= set(domains):
        return []
    contrast, noise = domains["contrast"].values, domains["contrast_noise"].values
    known = np.isfinite(contrast) & np.isfinite(noise)
    below = int((contrast[known] <= noise[known]).sum())
    if not known.any() or below / known.sum() <= 0.5:
        return []
    return [
        Notice(
            f"In {below} of {int(known.sum())} pictures of particles no domain stands out from the noise. Read domains "
            "there as unknown; a larger kinetics.domains.smoothing shows weaker and larger ones.",
            "note",
        )
    ]


def _uniformity_notices(table: xr.Dataset) -> list[Notice]:
    if "uniformity" not in table:
        return []
    values = np.asarray(table["uniformity"].values, dtype=float)
    lost = int(np.isnan(values).sum())
    found = []
    if lost:
        found.append(
            Notice(
                f"{lost} of {values.size} uniformity coefficients could not be determined: too few frames or pixels "
                "(kinetics.uniformity.min_frames, min_valid_share).",
                "note",
            )
        )
    if {"direction", "applied_c_rate"} <= set(table.coords):
        single = sum(group.count == 1 for group in groups_of(table, "uniformity"))
        if single:
            found.append(
                Notice(
                    f"{single} points of uniformity against C-rate stand on one particle each, so that their scatter "
                    "is not known. `lithiscope pool` joins studies.",
                    "note",
                )
            )
    return found


def _evidence_notices(evidence: xr.Dataset) -> list[Notice]:
    verdict = str(evidence.attrs["verdict"])
    if verdict in (REACTION, DIFFUSION):
        return []
    return [Notice(f"What limits the reaction: {verdict}. Read each piece of evidence on its own.", "note")]
