"""Optical densities that another program made, as the stage `frames`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import FileFormatError
from lithiscope.recordings.scan import Scan, even_axis, scan_order
from lithiscope.stages import flag_bit

if TYPE_CHECKING:
    import xarray as xr


def to_density(scan: Scan, *, path: Path) -> xr.Dataset:
    """Make the stage `frames` of optical densities: OD as it is, or -ln of the transmission.

    Parameters
    ----------
    scan : Scan
        What was read.
    path : Path
        The file, for messages.

    Returns
    -------
    xarray.Dataset
        Without error bars, which such a file cannot give.

    Raises
    ------
    FileFormatError
        If the file holds counts, or an axis cannot be used.
    """
    if scan.quantity == "counts":
        raise FileFormatError(
            "the file holds counts",
            file=path,
            remedy="use open_recording and lithiscope.composition.xray.optical_density: this way it has error bars",
        )
    by_energy, rows, columns = scan_order(scan, path)
    values = scan.counts[np.ix_(by_energy, rows, columns)]
    missing = ~np.isfinite(values)
    flag = np.where(missing, flag_bit("missing"), np.uint16(0))
    if scan.quantity == "transmission":
        with np.errstate(invalid="ignore", divide="ignore"):
            flag[~missing & (values <= 0)] = flag_bit("no_counts")
            values = -np.log(np.where(values > 0, values, np.nan))
    variables = {
        "signal": ("time energy y x", np.where(flag != 0, np.nan, values)[None]),
        "signal_flag": ("time energy y x", flag[None]),
    }
    if scan.dwell is not None:
        variables["dwell"] = ("time energy", scan.dwell[by_energy][None])
    return stages.new(
        "frames",
        variables,
        coords={
            "time": ("time", [0.0]),
            "scan": ("time", [0]),
            "energy": ("energy", scan.energy[by_energy]),
            "y": ("y", even_axis(scan.y[rows], file=path, field="y")),
            "x": ("x", even_axis(scan.x[columns], file=path, field="x")),
        },
        attrs={"quantity": "optical_density"},
    )
