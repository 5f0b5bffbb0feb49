"""A quick look at one raw file: no recipe, no references, seconds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.composition.xray import IncidentOptions, optical_density
from lithiscope.errors import FileFormatError, LithiscopeWarning
from lithiscope.recordings import SeenPictures, open_recording
from lithiscope.report.look import LookPanel, look_sheet
from lithiscope.stages import flag_counts

if TYPE_CHECKING:
    import xarray as xr

# Above this optical density the transmitted beam is under 8 % and a stray light of 1 % already biases it by 0.1.
_OPAQUE = 2.5
# A detector that saturates writes its largest value again and again; counting statistics do not.
_REPEATED = 5


@dataclass(frozen=True)
class Look:
    """What a quick look found: a picture (PNG), lines for the terminal, and the warnings among them."""

    picture: bytes
    lines: list[str]
    warnings: list[str]


def look(path: Path, *, region: int | None = None) -> Look:
    """Look at one raw file.

    Parameters
    ----------
    path : Path
        A raw file.
    region : int, optional
        Scan region, when the file holds several.

    Returns
    -------
    Look
        Optical density, amount (a + b in optical density) and contrast between the two most telling energies, with
        warnings about saturation, stray light, missing frames, few counts, a picture that is a copy of another and a
        doubtful I0.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LithiscopeWarning)
        recording = open_recording(path, region=region)
        density = optical_density(recording, options=IncidentOptions(opaque_above=_OPAQUE))
    notes = [str(w.message) for w in caught if issubclass(w.category, LithiscopeWarning)]
    for other in (w for w in caught if not issubclass(w.category, LithiscopeWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    notes += _doubts(recording, density)
    energy = np.atleast_1d(recording["energy"].values) if "energy" in recording.coords else np.array([np.nan])
    od = density["signal"].values.reshape(-1, energy.size, *density["signal"].shape[-2:])[0].astype(float)
    panels, spectra, findings = _pictures(od, energy)
    picture = look_sheet(recording, panels, energy=energy, spectra=spectra, warnings=notes)
    lines = [*_about(recording, energy), *findings, *(f"warning: {note}" for note in notes)]
    return Look(picture, lines, notes)


def _about(recording: xr.Dataset, energy: np.ndarray) -> list[str]:
    counts, x, y = (recording[name].values for name in ("counts", "x", "y"))
    step = float(np.median(np.abs(np.diff(x)))) * 1000 if x.size > 1 else float("nan")
    low, middle, high = np.nanpercentile(counts, [0, 50, 100]) if np.isfinite(counts).any() else (np.nan,) * 3
    return [
        f"{recording.attrs.get('source', '')}: {y.size} x {x.size} pixels of {step:.0f} nm, {energy.size} energies "
        f"{energy[0]:g} to {energy[-1]:g} eV",
        f"counts: {low:.0f} to {high:.0f}, median {middle:.0f} (counting noise {100 / np.sqrt(max(middle, 1)):.1f} %)",
    ]


def _doubts(recording: xr.Dataset, density: xr.Dataset) -> list[str]:
    counts = recording["counts"].values
    finite = counts[np.isfinite(counts)]
    if not finite.size:
        return ["no frame holds a single count"]
    doubts = []
    largest = float(finite.max())
    repeats = int(np.count_nonzero(finite == largest))
    if largest > 100 and repeats >= _REPEATED:
        doubts.append(f"saturation? {repeats} pixels hold exactly the largest count, {largest:g}")
    share = {name: count / counts.size for name, count in flag_counts(density["signal_flag"].values).items()}
    texts = {
        "missing": "is missing (aborted scan or beam loss)",
        "no_counts": "has no counts",
        "opaque": f"absorbs more than OD {_OPAQUE}: stray light (a leak) biases it; use thinner particles",
        "few_counts": "has under 20 counts: error bars are approximate there",
    }
    doubts += [
        f"{100 * share[name]:.2g} % of the data {text}" for name, text in texts.items() if share.get(name, 0) > 1e-4
    ]
    return [*doubts, *_copies(recording)]


def _copies(recording: xr.Dataset) -> list[str]:
    if "energy" not in recording.coords:
        return []
    seen = SeenPictures()
    seen.add(recording)
    try:
        seen.refuse_copies()
    except FileFormatError as error:
        return [f"{error.problem}: {error.value}"]
    return []


def _pictures(od: np.ndarray, energy: np.ndarray) -> tuple[list[LookPanel], dict[str, np.ndarray], list[str]]:
    panels = [LookPanel(f"optical density, {energy[0]:g} eV", od[0], "OD")]
    if energy.size < 2:
        return panels, {"whole field": _means(od, np.ones(od.shape[1:], dtype=bool))}, []
    rise = od - od[0]
    amount = np.nanmean(rise[1:], axis=0) if np.isfinite(rise[1:]).any() else rise[1]
    material = _material(amount)
    panels.append(LookPanel("amount (a + b): mean edge step", amount, "OD"))
    spectra = {"material": _means(od, material), "blank": _means(od, ~material)}
    signal = float(np.nanmedian(amount[material])) if material.any() else float("nan")
    noise = float(np.nanstd(amount[~material])) if (~material).any() else float("nan")
    findings = [
        f"material: {100 * material.mean():.0f} % of the field; it rises by OD {signal:.3f} over {energy[0]:g} eV, "
        f"{signal / noise:.0f} times the scatter of the rest"
    ]
    if energy.size > 2:
        first, second = _telling(rise, material)
        with np.errstate(divide="ignore", invalid="ignore"):
            contrast = np.where(material, (rise[second] - rise[first]) / (rise[second] + rise[first]), np.nan)
        names = f"{energy[first]:g} and {energy[second]:g} eV"
        if not np.isfinite(contrast).any():
            return panels, spectra, [*findings, f"contrast between {names}: no material with counts at both"]
        panels.append(LookPanel(f"contrast of {names}", contrast, "relative", "cividis", from_zero=False))
        low, middle, high = np.nanpercentile(contrast, [5, 50, 95])
        findings.append(
            f"contrast between {names}: median {middle:+.2f}, 5 to 95 % of the material {low:+.2f} to {high:+.2f}"
        )
    return panels, spectra, findings


def _material(amount: np.ndarray) -> np.ndarray:
    """Return where the amount exceeds half of its 95th percentile over the dimmest quarter of the field."""
    if not np.isfinite(amount).any():
        return np.zeros(amount.shape, dtype=bool)
    low, high = np.nanpercentile(amount, [25, 95])
    with np.errstate(invalid="ignore"):
        return np.asarray(amount > (low + high) / 2)


def _telling(rise: np.ndarray, material: np.ndarray) -> tuple[int, int]:
    """Return the two energies, in order, between which the shape of the spectrum varies most over the material."""
    spectra = rise[1:, material]
    good = np.isfinite(spectra).all(axis=0)
    if good.sum() < 2 or rise.shape[0] < 3:
        return 1, rise.shape[0] - 1
    shape = spectra[:, good] / np.abs(spectra[:, good]).sum(axis=0)
    pattern = np.linalg.svd(shape - shape.mean(axis=1, keepdims=True), full_matrices=False)[0][:, 0]
    first, second = sorted((int(np.argmin(pattern)), int(np.argmax(pattern))))
    return (first + 1, second + 1) if first != second else (1, rise.shape[0] - 1)


def _means(od: np.ndarray, where: np.ndarray) -> np.ndarray:
    inside = od[:, where]
    count = np.isfinite(inside).sum(axis=1)
    return np.asarray(np.where(count > 0, np.nansum(inside, axis=1) / np.maximum(count, 1), np.nan))
