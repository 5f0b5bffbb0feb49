"""The dose of every particle against the limit below which no damage is documented."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.kinetics.crops import check_labels, particle_names
from lithiscope.kinetics.pool_options import DoseCheckOptions

if TYPE_CHECKING:
    import xarray as xr


def dose_check(
    data: xr.Dataset,
    labels: xr.DataArray | None = None,
    ids: Mapping[int, str] | None = None,
    *,
    options: DoseCheckOptions = DoseCheckOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Compare the dose of every particle with the limit, 6e7 Gy in Lim 2016 (fig. S11).

    Parameters
    ----------
    data : particle_table or composition_video
        With the running `dose` (Gy).
    labels : DataArray of int ([z], y, x), optional
        Particle numbers, for a video; by default those that it carries.
    ids : mapping of int to str, optional
        Name of every particle number, for a video.
    options : DoseCheckOptions
        The limit.

    Returns
    -------
    dose_table
        Dose in the last frame, and the first frame above the limit: of the mean over the pixels of a table, of the
        largest pixel of a video.

    Raises
    ------
    AnalysisError
        If there is no dose.
    StageError
        If a video comes without labels that fit.

    Warns
    -----
    LithiscopeWarning
        With the names of the particles above the limit.
    """
    stages.check(data, "particle_table", "composition_video")
    if "dose" not in data:
        raise AnalysisError(
            "there is no dose to check", field="dose", remedy="count it with composition.xray.with_dose"
        )
    table = data.attrs["stage"] == "particle_table"
    if table:
        names = [str(name) for name in data["particle"].values]
        running = np.asarray(data["dose"].values, dtype=float)
    else:
        names, running = _of_video(data, labels, ids)
    above = running > options.limit
    first = np.where(above.any(axis=1), above.argmax(axis=1), -1)
    time = np.asarray(data["time"].values, dtype=float)
    exceeded = [name for name, frame in zip(names, first, strict=True) if frame >= 0]
    if exceeded:
        warnings.warn(
            f"the dose is above {options.limit:.2g} Gy, up to which no beam damage is documented, in "
            f"{', '.join(exceeded)}",
            LithiscopeWarning,
            stacklevel=2,
        )
    last = [float(row[np.isfinite(row)][-1]) if np.isfinite(row).any() else np.nan for row in running]
    return stages.new(
        "dose_table",
        {
            "dose": ("particle", np.array(last)),
            "first_above": ("particle", first),
            "second_above": ("particle", np.where(first >= 0, time[first], np.nan)),
        },
        coords={"particle": ("particle", np.array(names, dtype=str))},
        attrs={"limit": options.limit, "of": "mean" if table else "largest pixel"},
    )


def _of_video(
    video: xr.Dataset, labels: xr.DataArray | None, ids: Mapping[int, str] | None
) -> tuple[list[str], np.ndarray]:
    image = video["label"] if labels is None and "label" in video else labels
    if image is None:
        raise StageError("the dose of a video needs particles", field="labels", remedy="give a label image")
    check_labels(video["dose"], image)
    names = particle_names(image, ids)
    pixels = [np.flatnonzero(np.asarray(image.values).ravel() == number) for number in names]
    largest = np.full((len(pixels), video.sizes["time"]), np.nan)
    for frame, dose in enumerate(stages.each_frame(video["dose"])):
        for row, own in enumerate(pixels):
            mine = dose.ravel()[own]
            if np.isfinite(mine).any():
                largest[row, frame] = np.nanmax(mine)
    return list(names.values()), largest
