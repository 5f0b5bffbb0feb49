"""Leaving out what the user does not trust, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.particles.options import Exclusion, TableOptions

if TYPE_CHECKING:
    import xarray as xr

# What stays true of an excluded frame: the beam was on.
_KEPT = ("dose",)


def exclude_frames(video: xr.Dataset, *, options: TableOptions) -> xr.Dataset:
    """Blank the excluded frames of a composition video; exclusions of particles are passed over.

    Parameters
    ----------
    video : composition_video
        Stays as it is.
    options : TableOptions
        `exclude` names frames by their index along time, or by their scan number.

    Returns
    -------
    composition_video
        With NaN and the flag ``excluded`` in those frames. Dose is kept, because the sample did absorb it.

    Raises
    ------
    OptionError
        If a frame or a scan does not exist.
    """
    stages.check(video, "composition_video")
    return blanked(video, excluded_frames(video, options.exclude))


def blanked(video: xr.Dataset, excluded: np.ndarray) -> xr.Dataset:
    """Blank the frames of a composition video, or of a part of one, where `excluded` (time,) says so."""
    if not excluded.any():
        return video
    import xarray as xr

    keep = xr.DataArray(~excluded, dims="time")
    added = xr.DataArray(excluded * stages.flag_bit("excluded"), dims="time")
    result = video.copy()
    for name, data in video.data_vars.items():
        if not {"time", "x"} <= set(data.dims) or name in _KEPT:
            continue
        if str(name).endswith("_flag"):
            result[name] = (data | added).assign_attrs(data.attrs)
        elif data.dtype.kind == "f":
            result[name] = data.where(keep)
    return result


def excluded_frames(video: xr.Dataset, exclude: Sequence[Exclusion]) -> np.ndarray:
    """Return which frames are excluded; bool, shape (time,)."""
    count = video.sizes["time"]
    result = np.zeros(count, dtype=bool)
    for item in exclude:
        if item.frame is not None:
            if item.frame >= count:
                raise OptionError(
                    "an excluded frame does not exist",
                    field="exclude.frame",
                    value=item.frame,
                    limit=f"0 to {count - 1}",
                    remedy="count frames from 0",
                )
            result[item.frame] = True
        elif item.scan is not None:
            scans = np.asarray(video["scan"].values) if "scan" in video.variables else np.array([], dtype=int)
            if item.scan not in scans:
                raise OptionError(
                    "an excluded scan does not exist",
                    field="exclude.scan",
                    value=item.scan,
                    limit=f"one of {scans.tolist()}" if scans.size else "the video does not number its scans",
                    remedy=None if scans.size else "exclude by frame",
                )
            result |= scans == item.scan
    return result


def excluded_particles(ids: Mapping[int, str], exclude: Sequence[Exclusion]) -> dict[str, str]:
    """Return the reason for every excluded particle, by name; several reasons are joined by "; "."""
    reasons: dict[str, list[str]] = {}
    for item in exclude:
        if item.particle is None:
            continue
        if item.particle not in ids.values():
            raise OptionError(
                "an excluded particle does not exist",
                field="exclude.particle",
                value=item.particle,
                limit=f"one of {', '.join(ids.values())}",
                remedy="use a name from the table of particles",
            )
        reasons.setdefault(item.particle, []).append(item.reason)
    return {name: "; ".join(texts) for name, texts in reasons.items()}
