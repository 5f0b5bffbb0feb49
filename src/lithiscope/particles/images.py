"""What the steps of this package share: label images as labelled arrays, their pixels, and their checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError, StageError
from lithiscope.units import MICROMETRE

if TYPE_CHECKING:
    import xarray as xr


def label_image(label: np.ndarray, like: xr.Dataset | xr.DataArray, *, cycle: np.ndarray | None = None) -> xr.DataArray:
    """Return labels as a DataArray on the pixels of `like`; dims (y, x), or (cycle, y, x) when cycles are given."""
    import xarray as xr

    attrs = {"units": MICROMETRE}
    coords: dict[str, Any] = {dim: (dim, np.asarray(like[dim].values, dtype=float), attrs) for dim in ("y", "x")}
    dims = ["y", "x"]
    if cycle is not None:
        dims, coords = ["cycle", *dims], {"cycle": ("cycle", cycle), **coords}
    about = {"long_name": "particle number; 0 is background"}
    return xr.DataArray(label.astype(np.int32), dims=dims, coords=coords, attrs=about, name="label")


def check_labels(labels: xr.DataArray, video: xr.Dataset | None = None) -> xr.DataArray:
    """Check that `labels` is an image of particle numbers, on the pixels of `video` when one is given; return it."""
    dims = tuple(getattr(labels, "dims", ()))
    if dims not in (("y", "x"), ("cycle", "y", "x")):
        raise StageError(
            "labels have the wrong dimensions",
            field="labels",
            value=dims,
            limit="(y, x) or (cycle, y, x)",
            remedy="give one label image, or one per cycle",
        )
    if labels.dtype.kind not in "iu" or (labels.size and int(labels.min()) < 0):
        raise StageError(
            "labels are no particle numbers",
            field="labels",
            value=labels.dtype,
            limit="integers, 0 is background",
            remedy="save the label image with an integer type",
        )
    if video is not None:
        check_flat(video)
        shape, wanted = labels.shape[-2:], (video.sizes["y"], video.sizes["x"])
        if shape != wanted:
            raise StageError(
                "labels and video differ in size",
                field="labels",
                value=shape,
                limit=str(wanted),
                remedy="draw the labels on a picture of this study",
            )
    return labels


def check_flat(video: xr.Dataset) -> None:
    """Refuse volumes, which need masks of voxels."""
    if "z" in video.dims:
        raise AnalysisError(
            "particles are found in pictures, not in volumes",
            field="z",
            value=video.sizes["z"],
            limit="dimensions (time, y, x)",
            remedy="select or project along z first",
        )


def spacing(image: xr.Dataset | xr.DataArray) -> tuple[float, float]:
    """Return the signed pixel size along y and x, um.

    Raises
    ------
    StageError
        If an axis has fewer than two pixels, or they are not equally spaced within 1 % of a pixel.
    """
    steps = []
    for dim in ("y", "x"):
        position = np.asarray(image[dim].values, dtype=float)
        if len(position) < 2:
            raise StageError(
                "a picture needs two pixels or more along each axis",
                field=dim,
                value=len(position),
                remedy="use a picture of at least 2 x 2 pixels",
            )
        step = (position[-1] - position[0]) / (len(position) - 1)
        deviation = np.abs(position - (position[0] + step * np.arange(len(position)))).max()
        if not deviation <= 0.01 * abs(step) or step == 0:
            raise StageError(
                "pixels are not equally spaced",
                field=dim,
                value=f"off by up to {deviation:.3g} um",
                limit=f"1 % of the step of {step:.3g} um",
                remedy="resample onto a regular grid first",
            )
        steps.append(float(step))
    return steps[0], steps[1]


def positions(image: xr.Dataset | xr.DataArray, index: np.ndarray) -> np.ndarray:
    """Turn fractional pixel indices (row, column) into positions (y, x) in um; shape (points, 2)."""
    origin = [float(image[dim].values[0]) for dim in ("y", "x")]
    return np.asarray(origin + np.asarray(index, dtype=float) * np.asarray(spacing(image)))


def frames_of_cycle(labels: xr.DataArray, video: xr.Dataset) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for every label image, the image (y, x) and the indices of the frames that it belongs to.

    Raises
    ------
    StageError
        If the labels are per cycle and the video's cycles are not the same.
    """
    frames = np.arange(video.sizes["time"])
    if "cycle" not in labels.dims:
        return [(labels.values, frames)]
    known = np.asarray(labels["cycle"].values)
    of_frame = np.asarray(video["cycle"].values) if "cycle" in video.variables else None
    if of_frame is None or not np.isin(of_frame, known).all():
        raise StageError(
            "the labels are per cycle, and the video has other cycles",
            field="cycle",
            value=None if of_frame is None else sorted(set(of_frame.tolist())),
            limit=f"cycles {known.tolist()}",
            remedy="find the particles in the same video, or use one mask for all cycles",
        )
    return [(image.values, frames[of_frame == number]) for number, image in zip(known, labels, strict=True)]
