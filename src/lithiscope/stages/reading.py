"""Reading a variable picture by picture: a series may be larger than the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr


def each_frame(data: xr.DataArray) -> Iterator[NDArray[Any]]:
    """Yield a variable frame by frame along time, each read when it is asked for; the whole where it has no time.

    Parameters
    ----------
    data : DataArray
        Any variable of a stage, read from a store or in memory.

    Yields
    ------
    ndarray
        Of the other dimensions, in their order.
    """
    if "time" not in data.dims:
        yield np.asarray(data.values)
        return
    for frame in range(data.sizes["time"]):
        yield np.asarray(data.variable.isel(time=frame).values)
