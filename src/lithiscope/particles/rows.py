"""The table of particles as plain rows, for csv and other spreadsheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.stages.flags import FLAGS

if TYPE_CHECKING:
    import xarray as xr


def table_rows(table: xr.Dataset) -> list[dict[str, Any]]:
    """Return one row per particle and frame, with the unit in every name that has one.

    Parameters
    ----------
    table : particle_table
        From `particle_table`.

    Returns
    -------
    list of dict
        Particle after particle, each in the order of time. Names are those of the stage with their unit ("area_um2",
        "time_s"); the last part of centroid, bounding box and shift is the axis, corner or cause. Flags are their
        names, separated by blanks. Values are plain Python numbers, strings and booleans; NaN stays NaN.
    """
    stages.check(table, "particle_table")
    columns: dict[str, np.ndarray] = {}
    shape = (table.sizes["particle"], table.sizes["time"])
    for name in ("particle", *_along_time(table), *(str(key) for key in table.data_vars)):
        for key, data in _pieces(table[name], name):
            wanted = [dim for dim in ("particle", "time") if dim in data.dims]
            values = data.transpose(*wanted).values
            if "time" not in wanted:
                values = values[:, None]
            columns[key] = np.broadcast_to(values, shape)
    return [
        {key: _plain(key, values[particle, frame]) for key, values in columns.items()}
        for particle in range(shape[0])
        for frame in range(shape[1])
    ]


def _along_time(table: xr.Dataset) -> list[str]:
    """Return the coordinates along time: time, and the others in one order, whatever wrote or read the table."""
    names = sorted(str(name) for name, data in table.coords.items() if data.dims == ("time",))
    return sorted(names, key=lambda name: name != "time")


def _pieces(data: xr.DataArray, name: str) -> list[tuple[str, xr.DataArray]]:
    """Split a variable along what is neither particle nor time; name each piece with its unit."""
    unit = {"1": "", None: ""}.get(data.attrs.get("units"), f"_{data.attrs.get('units')}")
    extra = [str(dim) for dim in data.dims if dim not in ("particle", "time")]
    if not extra:
        return [(f"{name}{unit}", data)]
    parts = [str(part) for part in data[extra[0]].values]
    return [(f"{name}_{part}{unit}", data.isel({extra[0]: index})) for index, part in enumerate(parts)]


def _plain(name: str, value: Any) -> Any:
    if name.endswith("_flag"):
        return " ".join(key for key, flag in FLAGS.items() if int(value) & flag.bit)
    return value.item() if hasattr(value, "item") else value
