"""The figures of a study in one flat table: what the page shows first, and what is compared between choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.stages import flag_counts

if TYPE_CHECKING:
    from lithiscope.studies.runner import Study


def figures(study: Study) -> dict[str, Any]:
    """Return the figures of a study by name, with the unit in the name.

    Returns
    -------
    dict
        Numbers of frames and particles, medians over the particles' pixels, noise as predicted and as it appears, and
        the mean of every particle in the first and the last frame.
    """
    video, table = study.results["composition"], study.results["particles"]
    inside = np.asarray(study.results["labels"]["label"].values) > 0
    x, sigma = (video[name].values[..., inside] for name in ("lithium_fraction", "lithium_fraction_std"))
    kept = ~table["excluded"].values
    found: dict[str, Any] = {
        "frames": video.sizes["time"],
        "particles": int(kept.sum()),
        "pixels_with_value": int(np.isfinite(x).sum()),
        "median_x": _median(x),
        "median_x_std": _median(sigma),
        "frame_std_x": _median(video["lithium_fraction_frame_std"].values),
        "median_area_um2": _median(table["area"].values[kept]),
    }
    if "thickness" in video:
        found["median_thickness_nm"] = _median(video["thickness"].values[..., inside])
    if "dose" in video:
        found["largest_dose_MGy"] = _largest(video["dose"].values) / 1e6
    if "chi_square" in video:
        freedom = max(int(video.attrs.get("degrees_of_freedom", 0)), 0)
        found["median_reduced_chi_square"] = (
            _median(video["chi_square"].values[..., inside]) / freedom if freedom else np.nan
        )
    found |= {
        f"flagged_{name}": count
        for name, count in flag_counts(video["lithium_fraction_flag"].values[..., inside]).items()
    }
    for name, means in zip(table["particle"].values, table["lithium_fraction"].values, strict=True):
        finite = means[np.isfinite(means)]
        found[f"x_first_{name}"], found[f"x_last_{name}"] = (
            (float(finite[0]), float(finite[-1])) if finite.size else (np.nan, np.nan)
        )
    return found


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def _largest(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else float("nan")
