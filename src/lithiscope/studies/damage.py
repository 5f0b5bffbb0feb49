"""Steps of a store that are damaged: one error with a way out, also where variables are read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import FileFormatError

if TYPE_CHECKING:
    import xarray as xr


@contextmanager
def damage_told(store: Path, step: str) -> Iterator[None]:
    """Turn what is raised on a damaged step of a store into a `FileFormatError` that names both."""
    try:
        yield
    except (ValueError, RuntimeError, KeyError, OSError, TypeError) as error:
        raise FileFormatError(
            f"a step of the store is damaged: {error}",
            file=store,
            field=step,
            remedy="recompute it: lithiscope run RECIPE --fresh",
        ) from error


def read_later(data: xr.Dataset, store: Path, step: str) -> xr.Dataset:
    """Return a dataset whose variables tell of damage when they are read, however late that is.

    Parameters
    ----------
    data : Dataset
        As it was opened, its variables not yet read.
    store, step : Path, str
        What it is, for the message.
    """
    import xarray as xr
    from xarray.core import indexing

    kept: Any = indexing.MemoryCachedArray

    def guarded(variable: xr.Variable) -> xr.Variable:
        lazy: Any = indexing.LazilyIndexedArray(_guarded_array()(variable, store, step))
        # As xarray does itself: a variable that was read as a whole stays in memory, and is not shared by copies.
        held: Any = kept(indexing.CopyOnWriteArray(lazy))
        return xr.Variable(variable.dims, held, variable.attrs, variable.encoding)

    # Text and the coordinates that label a dimension are in memory already.
    later = {
        name: guarded(variable)
        for name, variable in data.variables.items()
        if name not in data.xindexes and variable.dtype.kind not in "UOT"
    }
    coords = {name: variable for name, variable in later.items() if name in data.coords}
    return data.assign_coords(coords).assign({name: later[name] for name in later if name not in coords})


@cache
def _guarded_array() -> Any:
    """Return the class of arrays on disk that tell of damage; xarray is loaded only when one is needed."""
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class GuardedArray(BackendArray):
        def __init__(self, variable: xr.Variable, store: Path, step: str) -> None:
            self.shape, self.dtype = variable.shape, variable.dtype
            self._variable, self._store, self._step = variable, store, step

        def __getitem__(self, key: Any) -> Any:
            return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

        def _read(self, key: tuple[Any, ...]) -> np.ndarray:
            with damage_told(self._store, self._step):
                return np.asarray(self._variable[key].values)

        def __reduce__(self) -> Any:
            return _made, (self._variable, self._store, self._step)

    return GuardedArray


def _made(variable: xr.Variable, store: Path, step: str) -> Any:
    return _guarded_array()(variable, store, step)
