"""The head and the foot of an STXM study's page: names, main figures, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report import readings
from lithiscope.report.page.content import Provenance, Quantity
from lithiscope.stages import each_frame

if TYPE_CHECKING:
    import xarray as xr


def particle_names(table: xr.Dataset | None, labels: xr.DataArray | None) -> dict[int, str]:
    """Return the names of the particles by their numbers."""
    if table is not None and "label" in table.coords:
        pairs = zip(table["label"].values, table["particle"].values, strict=True)
        return {int(number): str(name) for number, name in pairs}
    if labels is None:
        return {}
    return {int(number): str(number) for number in np.unique(labels.values) if number > 0}


def quantity(label: str, value: str | float) -> Quantity:
    """Return a figure of the summary, a number with three digits."""
    return Quantity(label, value if isinstance(value, str) else f"{value:.3g}")


def main_figures(
    *, od: xr.Dataset | None, video: xr.Dataset | None, table: xr.Dataset | None, labels: xr.DataArray | None
) -> tuple[Quantity, ...]:
    """Return the main figures of the maps: particles, scans, energies, errors."""
    found: list[Quantity] = []
    if table is not None:
        excluded = int(np.sum(table["excluded"].values)) if "excluded" in table else 0
        remark = f"{excluded} more excluded" if excluded else ""
        found.append(Quantity("Particles", str(table.sizes["particle"] - excluded), remark=remark))
    timed = video if video is not None else od
    if timed is not None:
        time = readings.minutes(timed)
        span = f"over {time[-1] - time[0]:.0f} min" if time.size > 1 else ""
        found.append(Quantity("Scans", str(time.size), remark=span))
    if od is not None and "energy" in od.coords:
        energy = od["energy"].values
        found.append(
            Quantity("Photon energies", str(energy.size), remark=f"{energy.min():.1f} to {energy.max():.1f} eV")
        )
    if video is not None:
        found += _errors(video, labels)
    return tuple(found)


def _errors(video: xr.Dataset, labels: xr.DataArray | None) -> list[Quantity]:
    signal = str(video.attrs["signal"])
    inside = trusted = 0
    std: list[np.ndarray] = []
    for frame, values in enumerate(each_frame(video[signal])):
        there = readings.material(video, labels, frame)
        good = np.isfinite(values) & there
        inside, trusted = inside + int(there.sum()), trusted + int(good.sum())
        if f"{signal}_std" in video:
            std.append(readings.flat_picture(video[f"{signal}_std"], frame)[good])
    found = []
    if std and trusted:
        median = float(np.nanmedian(np.concatenate(std)))
        found.append(Quantity("σ of x per pixel", f"{median:.3f}", remark="median, random part"))
    ratio = video.attrs.get("empirical_over_predicted_sigma")
    if ratio is not None:
        found.append(Quantity("Scatter found / predicted", f"{float(ratio):.2f}", remark="of the fits; 1 is honest"))
    if inside:
        share = 100 * (1 - trusted / inside)
        found.append(Quantity("Not trusted", f"{share:.1f}", "%", "of the material's pixels"))
    return found


def highest_dose(video: xr.Dataset) -> float:
    """Return the highest dose of any pixel after the last scan, Gy."""
    last = readings.flat_picture(video["dose"], video.sizes["time"] - 1)
    return float(np.nanmax(last)) if np.isfinite(last).any() else float("nan")


def provenance_of(record: Mapping[str, Any], recording: xr.Dataset | None) -> Provenance:
    """Return where the numbers came from, from a study's record and the recording's own words."""
    known = ("recipe", "inputs", "versions", "bibtex")
    facts = {
        str(key).replace("_", " "): ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for key, value in record.items()
        if key not in known
    }
    if recording is not None:
        named = {"source": "source", "format": "format", "start_utc": "start (UTC)", "origin": "origin"}
        facts |= {text: str(recording.attrs[key]) for key, text in named.items() if recording.attrs.get(key)}
    return Provenance(
        recipe=str(record.get("recipe", "")),
        inputs={str(name): str(digest) for name, digest in dict(record.get("inputs", {})).items()},
        versions={str(name): str(number) for name, number in dict(record.get("versions", {})).items()},
        facts=facts,
        bibtex=str(record.get("bibtex", "")),
    )
