"""The dose of every particle against the limit below which no damage is documented."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.kinetics.crops import check_labels, particle_names
from lithiscope.kinetics.pool_options import DoseCheckOptions

if TYPE_CHECKING:
    import xarray as xr


@final
@dataclass(frozen=True)
class DoseCheck:
    """The dose of every particle at the end, and since when it was above the limit.

    Parameters
    ----------
    particle : tuple of str
        Names.
    dose : tuple of float
        Gy, in the last frame; the mean over the pixels of a table, the largest pixel of a video.
    first_above : tuple of int
        Index of the first frame above the limit; -1 where there is none.
    limit : float
        Gy.
    """

    particle: tuple[str, ...]
    dose: tuple[float, ...]
    first_above: tuple[int, ...]
    limit: float

    @property
    def exceeded(self) -> tuple[str, ...]:
        """Names of the particles above the limit."""
        return tuple(name for name, frame in zip(self.particle, self.first_above, strict=True) if frame >= 0)


def dose_check(
    data: xr.Dataset,
    labels: xr.DataArray | None = None,
    ids: Mapping[int, str] | None = None,
    *,
    options: DoseCheckOptions = DoseCheckOptions(),  # noqa: B008 (frozen)
) -> DoseCheck:
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
    DoseCheck
        Doses by particle, and who is above the limit.

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
    if data.attrs["stage"] == "particle_table":
        names = [str(name) for name in data["particle"].values]
        running = np.asarray(data["dose"].values, dtype=float)
    else:
        names, running = _of_video(data, labels, ids)
    above = running > options.limit
    found = DoseCheck(
        tuple(names),
        tuple(float(row[np.isfinite(row)][-1]) if np.isfinite(row).any() else float("nan") for row in running),
        tuple(int(np.argmax(row)) if row.any() else -1 for row in above),
        options.limit,
    )
    if found.exceeded:
        warnings.warn(
            f"the dose is above {options.limit:.2g} Gy, up to which no beam damage is documented, in "
            f"{', '.join(found.exceeded)}",
            LithiscopeWarning,
            stacklevel=2,
        )
    return found


def _of_video(
    video: xr.Dataset, labels: xr.DataArray | None, ids: Mapping[int, str] | None
) -> tuple[list[str], np.ndarray]:
    image = video["label"] if labels is None and "label" in video else labels
    if image is None:
        raise StageError("the dose of a video needs particles", field="labels", remedy="give a label image")
    check_labels(video["dose"], image)
    names = particle_names(image, ids)
    dose = np.asarray(video["dose"].values, dtype=float)
    largest = []
    for number in names:
        mine = dose[:, np.asarray(image.values) == number]
        known = np.isfinite(mine)
        top = np.where(known, mine, -np.inf).max(axis=1)
        largest.append(np.where(known.any(axis=1), top, np.nan))
    return list(names.values()), np.stack(largest)
