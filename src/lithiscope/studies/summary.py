"""The figures of a study in one flat table: what the page shows first, and what is compared between choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.stages import each_frame, flag_counts
from lithiscope.studies.summary_kinetics import kinetic_figures

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.runner import Study


def figures(study: Study) -> dict[str, Any]:
    """Return the figures of a study by name, with the unit in the name.

    Returns
    -------
    dict
        Numbers of frames and particles, medians over the particles' pixels, noise as predicted and as it appears, the
        mean of every particle in the first and the last frame with its random standard deviation, and the figures of
        cell and kinetics.
    """
    video, table = study.results["composition"], study.results["particles"]
    inside = particle_masks(study.results["labels"]["label"], video)
    x, sigma = (_inside(video[name], inside) for name in ("lithium_fraction", "lithium_fraction_std"))
    kept = ~table["excluded"].values
    found: dict[str, Any] = {
        "frames": video.sizes["time"],
        "particles": int(kept.sum()),
        "pixels_with_value": int(np.isfinite(x).sum()),
        "median_x": _median(x),
        "median_sigma_x": _median(sigma),
        "frame_sigma_x": _median(video["lithium_fraction_frame_std"].values),
        "median_area_um2": _median(table["area"].values[kept]),
    }
    if "thickness" in video:
        found["median_thickness_nm"] = _median(_inside(video["thickness"], inside))
    if "dose" in video:
        found["largest_dose_MGy"] = _largest(np.array([_largest(frame) for frame in each_frame(video["dose"])])) / 1e6
    found |= _fit(video)
    freedom = int(video.attrs.get("degrees_of_freedom", 0))
    if freedom > 0:
        found["median_reduced_chi_square"] = _median(_inside(video["chi_square"], inside)) / freedom
    found |= {
        f"flagged_{name}": count for name, count in flag_counts(_inside(video["lithium_fraction_flag"], inside)).items()
    }
    columns = (table[name].values for name in ("particle", "lithium_fraction", "lithium_fraction_std"))
    for name, means, stds in zip(*columns, strict=True):
        frames = np.flatnonzero(np.isfinite(means))
        known = frames.size > 0
        for when, frame in (("x_first", 0), ("x_last", -1)) if means.size > 1 else (("x", 0),):
            found[f"{when}_{name}"] = float(means[frames[frame]]) if known else np.nan
            found[f"{when}_{name}_std"] = float(stds[frames[frame]]) if known else np.nan
    return found | kinetic_figures(study)


def _fit(video: xr.Dataset) -> dict[str, Any]:
    """Return the figures of the fit over the whole field, particles or not."""
    x = np.concatenate([frame[np.isfinite(frame)] for frame in each_frame(video["lithium_fraction"])])
    share = x.size / video["lithium_fraction"].size
    found: dict[str, Any] = {"field_share_with_x": share, "field_median_x": _median(x)}
    for name in ("condition_number", "residual_rms", "empirical_over_predicted_sigma"):
        if name in video.attrs:
            found[f"fit_{name}"] = float(video.attrs[name])
    if "coefficient" in video:
        found |= {
            f"field_mean_{name}": _mean(video["coefficient"].isel(component=number))
            for number, name in enumerate(video["component"].values)
        }
    return found


def particle_masks(label: xr.DataArray, video: xr.Dataset) -> list[np.ndarray]:
    """Return where (y, x) there are particles, for every frame: masks may be per cycle."""
    frames = range(video.sizes["time"])
    if "cycle" not in label.dims:
        return [label.values > 0 for _ in frames]
    places = {int(cycle): place for place, cycle in enumerate(label["cycle"].values)}
    return [label.values[places[int(video["cycle"].values[frame])]] > 0 for frame in frames]


def _inside(data: xr.DataArray, inside: Sequence[np.ndarray]) -> np.ndarray:
    """Return the values of the pixels in the masks of all frames, which are read one by one; of any without time."""
    masks = inside if "time" in data.dims else [np.any(inside, axis=0)]
    found = [frame[..., mask].ravel() for frame, mask in zip(each_frame(data), masks, strict=True)]
    return np.concatenate(found)


def _mean(data: xr.DataArray) -> float:
    """Return the mean of what is finite."""
    total, count = 0.0, 0
    for frame in each_frame(data):
        total, count = total + float(frame[np.isfinite(frame)].sum(dtype=float)), count + int(np.isfinite(frame).sum())
    return total / count if count else float("nan")


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def _largest(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else float("nan")
