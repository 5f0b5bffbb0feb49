"""Maps of strain as data: the composition that each strain stands for, with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError

if TYPE_CHECKING:
    import xarray as xr

_MEAN = "mean_lithium_fraction"
_KEPT = ("label", "mask", "thickness", "voltage_volt", "voltage_volt_std", _MEAN, f"{_MEAN}_std")


def composition_from_strain(
    video: xr.Dataset, x: Float[np.ndarray, " knot"], eigenstrain: Float[np.ndarray, " knot"]
) -> xr.Dataset:
    """Return the composition video of a video of strain, for `learn`.

    The eigenstrain is taken as straight between its knots, and as going on straight beyond the first and the last, so
    that noise about x = 0 and 1 stays noise without a bias. Where a particle is strained by its neighbours too, this x
    is off by their strain over the slope: take strain relaxed by a free surface, or the volume.

    Parameters
    ----------
    video : Dataset
        ``strain`` and ``strain_std`` (time, y, x), dimensionless, with ``label`` or ``mask`` (y, x) and the coordinates
        time, half_cycle, y, x of a composition_video, direction where it is known.
    x : array, shape (knot,)
        Lithium fractions, increasing.
    eigenstrain : array, shape (knot,)
        Strain of the stress-free material along the direction of the maps, against the state in which they are zero;
        it must rise or fall throughout. Two knots are Vegard's law.

    Returns
    -------
    composition_video
        With lithium_fraction and lithium_fraction_std, and what else the learning uses: particles, thickness, voltage,
        mean composition, coordinates.

    Raises
    ------
    AnalysisError
        If the video has no strain or no standard deviation of it.
    OptionError
        If the eigenstrain does not tell x.
    """
    x, eigenstrain = np.asarray(x, float), np.asarray(eigenstrain, float)
    _refuse(x, eigenstrain)
    for name in ("strain", "strain_std"):
        if name not in video:
            raise AnalysisError(
                "learning from strain needs its maps and their uncertainty",
                field=name,
                value="absent",
                remedy="give strain and strain_std along time, y and x",
            )
    strain, std = (video[name].transpose("time", "y", "x").values.astype(float) for name in ("strain", "strain_std"))
    slopes = np.diff(x) / np.diff(eigenstrain)
    order = np.argsort(eigenstrain)
    piece = np.clip(np.searchsorted(eigenstrain[order], strain) - 1, 0, len(slopes) - 1)
    if eigenstrain[-1] < eigenstrain[0]:
        piece = len(slopes) - 1 - piece
    fraction = x[piece] + slopes[piece] * (strain - eigenstrain[piece])
    kept = {name: video[name] for name in _KEPT if name in video}
    variables = {str(name): (" ".join(map(str, one.dims)), one.values) for name, one in kept.items()}
    variables |= {
        "lithium_fraction": ("time y x", np.where(np.isfinite(strain), fraction, np.nan)),
        "lithium_fraction_std": ("time y x", np.abs(slopes[piece]) * std),
    }
    coords = {str(name): (" ".join(map(str, one.dims)), one.values) for name, one in video.coords.items()}
    attrs = {"signal": "lithium_fraction", "origin": str(video.attrs.get("origin", "measurement"))}
    return stages.new("composition_video", variables, coords=coords, attrs=attrs)


def _refuse(x: np.ndarray, eigenstrain: np.ndarray) -> None:
    if x.shape != eigenstrain.shape or x.ndim != 1 or len(x) < 2 or not np.all(np.diff(x) > 0):
        raise OptionError(
            "eigenstrain needs a value at each of two compositions or more, increasing",
            field="x",
            value=x.tolist(),
            limit=f"{eigenstrain.size} increasing numbers",
        )
    steps = np.diff(eigenstrain)
    if not (np.isfinite(eigenstrain).all() and (np.all(steps > 0) or np.all(steps < 0))):
        raise OptionError(
            "a strain that belongs to two compositions tells neither",
            field="eigenstrain",
            value=eigenstrain.tolist(),
            limit="rising or falling throughout",
            remedy="take another direction, or the part of the range where it does",
        )
